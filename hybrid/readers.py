"""Readers: the bytes of one file become a `Document`, by the suffix of its name.

Formats that are text keep it exactly as decoded, line ends included; only a byte order mark is removed, and offsets
count after it. HTML and JSON are rendered, with an anchor wherever the rendering departs from the source. PDF and
DOCX are extracted, so their offsets count in the extracted text.
"""

from __future__ import annotations

import codecs
import html
import json
import json.decoder
import logging
import re
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from hybrid.document import Anchor, Document, Heading


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


KINDS = {
    ".txt": "text", ".text": "text", ".log": "text", ".md": "markdown", ".markdown": "markdown", ".mdx": "markdown",
    ".qmd": "markdown", ".rst": "rst", ".html": "html", ".htm": "html", ".xhtml": "html", ".pdf": "pdf",
    ".docx": "docx", ".csv": "csv", ".tsv": "csv", ".json": "json", ".geojson": "json", ".ipynb": "json",
    ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip

LANGUAGES = {
    ".py": "python", ".pyi": "python", ".pyw": "python", ".js": "javascript", ".mjs": "javascript",
    ".cjs": "javascript", ".jsx": "javascript", ".ts": "typescript", ".mts": "typescript", ".cts": "typescript",
    ".tsx": "tsx", ".java": "java", ".kt": "kotlin", ".kts": "kotlin", ".scala": "scala", ".groovy": "groovy",
    ".gradle": "groovy", ".go": "go", ".rs": "rust", ".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp",
    ".hh": "cpp", ".hpp": "cpp", ".hxx": "cpp", ".ino": "arduino", ".cu": "cuda", ".cuh": "cuda", ".m": "objc",
    ".mm": "objc", ".cs": "csharp", ".fs": "fsharp", ".fsi": "fsharp_signature", ".swift": "swift", ".dart": "dart",
    ".rb": "ruby", ".rake": "ruby", ".php": "php", ".pl": "perl", ".pm": "perl", ".lua": "lua", ".luau": "luau",
    ".r": "r", ".jl": "julia", ".sh": "bash", ".bash": "bash", ".zsh": "bash", ".fish": "fish", ".ps1": "powershell",
    ".psm1": "powershell", ".ex": "elixir", ".exs": "elixir", ".erl": "erlang", ".hrl": "erlang", ".hs": "haskell",
    ".ml": "ocaml", ".mli": "ocaml_interface", ".clj": "clojure", ".cljs": "clojure", ".lisp": "commonlisp",
    ".el": "elisp", ".scm": "scheme", ".rkt": "racket", ".elm": "elm", ".gleam": "gleam", ".purs": "purescript",
    ".zig": "zig", ".nim": "nim", ".d": "d", ".odin": "odin", ".hx": "haxe", ".gd": "gdscript", ".pas": "pascal",
    ".f90": "fortran", ".f95": "fortran", ".f": "fortran", ".for": "fortran", ".cob": "cobol", ".cbl": "cobol",
    ".adb": "ada", ".ads": "ada", ".v": "verilog", ".sv": "verilog", ".vhd": "vhdl", ".vhdl": "vhdl",
    ".sol": "solidity", ".glsl": "glsl", ".hlsl": "hlsl", ".wgsl": "wgsl", ".asm": "asm", ".s": "asm",
    ".sql": "sql", ".graphql": "graphql", ".gql": "graphql", ".proto": "proto", ".thrift": "thrift",
    ".css": "css", ".scss": "scss", ".vue": "vue", ".svelte": "svelte", ".xml": "xml", ".xsd": "xml", ".xsl": "xml",
    ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".ini": "ini", ".cfg": "ini", ".properties": "properties",
    ".tf": "terraform", ".hcl": "hcl", ".bicep": "bicep", ".nix": "nix", ".cmake": "cmake", ".mk": "make",
    ".bzl": "starlark", ".star": "starlark", ".tex": "latex", ".sty": "latex", ".bib": "bibtex", ".typ": "typst",
    ".vim": "vim", ".tcl": "tcl", ".po": "po", ".rego": "rego", ".prisma": "prisma", ".matlab": "matlab",
}  # fmt: skip

FILE_NAMES = {
    "makefile": "make", "gnumakefile": "make", "dockerfile": "dockerfile", "containerfile": "dockerfile",
    "cmakelists.txt": "cmake", "build": "starlark", "build.bazel": "starlark", "workspace": "starlark",
    "jenkinsfile": "groovy", "rakefile": "ruby", "gemfile": "ruby", "vagrantfile": "ruby", "meson.build": "meson",
    "kconfig": "kconfig", "go.mod": "gomod",
}  # fmt: skip

UNSUPPORTED = _set(
    """
    .png .jpg .jpeg .gif .bmp .tif .tiff .webp .ico .icns .svg .heic .avif .psd .ai .eps .mp3 .wav .flac .ogg .m4a .aac
    .mp4 .mov .avi .mkv .webm .wmv .zip .gz .tgz .bz2 .xz .zst .7z .rar .tar .jar .war .whl .egg .deb .rpm .dmg .iso
    .so .dll .dylib .a .o .obj .lib .exe .bin .msi .pyc .pyo .pyd .class .wasm .node .ttf .otf .woff .woff2 .eot
    .xlsx .xls .xlsm .ods .pptx .ppt .odp .doc .dot .odt .rtf .epub .mobi .djvu .ps .pages .numbers .key .msg .pst
    .db .sqlite .sqlite3 .mdb .parquet .feather .arrow .avro .orc .npy .npz .pkl .pickle .joblib .h5 .hdf5 .mat .rds
    .pt .pth .ckpt .safetensors .onnx .gguf .tflite .faiss .map .dat .pack .idx
    """
)

CODE_LIMIT = 1_000_000  # characters; above it a file is generated more often than written, and parsing it is slow
SAMPLE = 65_536  # bytes looked at to guess an encoding
DOCX_LIMIT = 1_000_000_000  # bytes unpacked; a small archive can hold far more than memory


class Unreadable(Exception):
    """A file without usable text. The message is the reason, one short sentence."""


def kind_of(name: str) -> tuple[str, str | None]:
    """The `Document.kind` and language for a file name; the kind is `unsupported` for formats known to hold no text.

    A suffix nobody knows is `text`: only the bytes can tell.
    """
    base = PurePosixPath(name.replace("\\", "/")).name.lower()
    suffix = PurePosixPath(base).suffix
    language = FILE_NAMES.get(base) or ("dockerfile" if base.startswith("dockerfile.") else LANGUAGES.get(suffix))
    if language is not None:
        return "code", language
    return ("unsupported" if suffix in UNSUPPORTED else KINDS.get(suffix, "text")), None


def read(name: str, data: bytes, path: str | None = None) -> Document:
    """The document held by the bytes of one file.

    Args:
        name: its name in the corpus; the suffix decides how it is read.
        data: the whole file.
        path: where the file can be opened, if it can.

    Raises:
        Unreadable: encrypted, broken, binary, empty or of a format that is not supported.
    """
    kind, language = kind_of(name)
    if kind == "unsupported":
        raise Unreadable(f"unsupported format {PurePosixPath(name).suffix.lower()}")
    if not data or data.isspace():
        raise Unreadable("empty file")
    extract = _EXTRACTED.get(kind)
    if extract is not None:
        got = extract(data)
        return Document(name, got.text, kind, path, None, got.headings, got.pages)
    source = decode(data, _declared(data) if kind == "html" else None)
    render = _RENDERED.get(kind)
    if render is None:
        document = Document(name, source, kind, path, language, headings_of(source, kind, language))
    else:
        got = render(source)
        document = Document(name, got.text, kind, path, None, got.headings, (), got.anchors)
    if not document.text.strip():
        raise Unreadable(f"no text in this {kind} file" if source.strip() else "empty file")
    return document


def read_text(name: str, text: str, pages: tuple[int, ...] = ()) -> Document:
    """The document of a text given directly, kept as it is; the name's suffix only tells how to find headings.

    A text named like a PDF, a web page or the like is taken as the plain text that was made of it.
    `pages`: offsets in characters at which its pages begin.
    """
    kind, language = kind_of(name)
    if kind not in {"markdown", "rst", "csv", "code"}:
        kind = "text"
    text = _without_surrogates(text)
    if not text.strip():
        raise Unreadable("empty text")
    return Document(name, text, kind, None, language, headings_of(text, kind, language), pages)


class _Extract(NamedTuple):
    """What a reader got out of a file."""

    text: str
    headings: tuple[Heading, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    pages: tuple[int, ...] = ()


# --- bytes to characters ------------------------------------------------------------------------------------------

_BOMS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\b\x1a\x1b"))
_HIGH = bytes(range(128, 256))


def decode(data: bytes, declared: str | None = None) -> str:
    """The characters of a text file, without its byte order mark; line ends are kept.

    A byte order mark decides, then UTF-8 where it fits, then `declared`, then a guess from a sample; bytes that do not
    fit become U+FFFD.

    Raises:
        Unreadable: the bytes are not text.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _without_surrogates(data[len(mark) :].decode(encoding, "replace"))
    head = data[:SAMPLE]
    if 0 in head:
        return _decode_utf16(data, head)
    if len(head.translate(None, _CONTROLS)) < 0.98 * len(head) or 0 in data:
        raise Unreadable("binary file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data.decode(_guess(data, error.start, declared), "replace")


def _decode_utf16(data: bytes, head: bytes) -> str:
    """UTF-16 without a mark: in text with some ASCII, NULs stand at even or at odd places, never at both."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if min(even, odd) == 0 and max(even, odd) >= 0.05 * len(head) / 2:
        text = data.decode("utf-16-le" if odd else "utf-16-be", "replace")
        sample = text[:SAMPLE]
        if sum(c.isprintable() or c in "\t\n\v\f\r" for c in sample) >= 0.98 * len(sample):
            return text
    raise Unreadable("binary file")


def _guess(data: bytes, bad: int, declared: str | None) -> str:
    """The encoding of bytes that are not UTF-8; `bad` is where UTF-8 fails first."""
    damaged = data.decode("utf-8", "replace").count("\ufffd")
    if damaged * 10 < len(data) - len(data.translate(None, _HIGH)):
        return "utf-8"  # a few damaged bytes among many good sequences
    if declared is not None:
        return declared
    from charset_normalizer import from_bytes

    sample = data
    if len(data) > SAMPLE:
        middle = len(data) // 2
        slices = ((0, SAMPLE), (middle, middle + SAMPLE // 4), (max(0, bad - 2048), bad + SAMPLE // 4))
        sample = b"\n".join(_whole_lines(data[a:b]) for a, b in slices)
    found = from_bytes(sample, cp_exclusion=["utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_7"])
    best = found.best()
    high = len(sample) - len(sample.translate(None, _HIGH))
    if best is None or best.encoding == "ascii" or high < min(8, len(sample) / 3):
        return "cp1252"  # too little to go by
    for match in found:
        if match.encoding == "cp1252" and match.chaos <= best.chaos and match.coherence >= best.coherence:
            return "cp1252"  # of equally good guesses by far the most frequent
    return best.encoding


def _whole_lines(piece: bytes) -> bytes:
    """Without the cut first and last line, where a character of several bytes may be cut too."""
    first, last = piece.find(b"\n") + 1, piece.rfind(b"\n") + 1
    return piece[first:last] if last - first > len(piece) // 2 else piece


def _declared(data: bytes) -> str | None:
    """The encoding an HTML file names in its head, None where it names none that exists."""
    match = re.search(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", data[:4096], re.IGNORECASE)
    try:
        name = codecs.lookup(match[1].decode("ascii")).name if match else None
    except LookupError:
        return None
    return "cp1252" if name in {"iso8859-1", "ascii", "utf-8"} else name  # as browsers read them


def _without_surrogates(text: str) -> str:
    """Lone surrogates cannot be encoded again; each becomes one U+FFFD, so offsets stay."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


# --- rendering with anchors ---------------------------------------------------------------------------------------


class _Rendering:
    """Text under construction. Pieces come in the order of the source, so lines are counted only once."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.length = 0
        self._parts: list[str] = []
        self._anchors: list[Anchor] = []
        self._line = 1
        self._seen = 0

    def put(self, piece: str, offset: int) -> None:
        """Adds text that stands for the source from `offset` on."""
        self._line += self.source.count("\n", self._seen, offset)
        self._seen = offset
        self._anchors.append(Anchor(self.length, offset, self._line))
        self.fill(piece)

    def fill(self, piece: str) -> None:
        """Adds text that the source does not have."""
        self._parts.append(piece)
        self.length += len(piece)

    def extract(self, headings: tuple[Heading, ...] = ()) -> _Extract:
        return _Extract("".join(self._parts), headings, tuple(self._anchors))


_DROPPED = frozenset({"script", "style", "template", "noscript", "svg"})
_PARAGRAPHS = _set(
    "p h1 h2 h3 h4 h5 h6 pre blockquote table ul ol dl section article header footer main nav aside title hr"
)
_LINES = _set(
    "address body br caption center dd details div dt fieldset figcaption figure form head html legend li option "
    "select summary tbody textarea tfoot thead tr"
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_GAPS = ("", " ", " | ", "\n", "\n\n")  # by strength: between two runs of text the strongest wins
_RUN = re.compile(r"[^ \t\n\r\f]+(?: [^ \t\n\r\f]+)*")
# html.parser gives up at `&#` that begins no character reference and takes the rest of the page for text
_STRAY = re.compile(r"&(?=#(?!(?:[0-9]+|[xX][0-9a-fA-F]+)[^0-9a-fA-F]))")


class _Page(HTMLParser):
    """The visible text of a web page."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self.source = source
        self.out = _Rendering(source)
        self.headings: list[Heading] = []
        self._starts = [0, *(m.end() for m in re.finditer("\n", source))]
        self._title_counts = re.search(r"<h1[\s>]", source, re.IGNORECASE) is None
        self._dropped: list[str] = []  # open elements whose text is not visible
        self._pre = 0
        self._rows: list[int] = []  # per open table: text length at which the current row began
        self._gap = ""
        self._heading: tuple[int, list[str]] | None = None  # level and text so far
        self._heading_start: int | None = None

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if self._dropped:
            if tag == self._dropped[-1]:
                self._dropped.append(tag)
        elif tag in _DROPPED or (tag == "title" and not self._title_counts):
            self._dropped.append(tag)
        elif tag in {"td", "th"}:
            if self._rows and self.out.length > self._rows[-1]:
                self._gap = " | "
        else:
            self._space(tag)
            if tag == "table":
                self._rows.append(self.out.length)
            elif tag == "tr" and self._rows:
                self._rows[-1] = self.out.length
            elif tag == "pre":
                self._pre += 1
            elif tag in _HEADINGS or tag == "title":
                self._end_heading()
                self._heading = (1 if tag == "title" else int(tag[1]), [])

    def handle_endtag(self, tag: str) -> None:
        if self._dropped:
            if tag == self._dropped[-1]:
                self._dropped.pop()
            return
        if tag == "table" and self._rows:
            self._rows.pop()
        self._space(tag)
        if tag == "pre":
            self._pre = max(0, self._pre - 1)
        elif tag in _HEADINGS or tag == "title":
            self._end_heading()

    def handle_data(self, data: str) -> None:
        if self._dropped:
            return
        offset = self._offset()
        data = self.source[offset : offset + len(data)]  # not as it was fed: see _STRAY
        if self._pre:
            self._emit(data, offset)
            return
        end = 0
        for run in _RUN.finditer(data):
            if run.start() > end:
                self._widen(" ")
            self._emit(run[0], offset + run.start())
            end = run.end()
        if end < len(data):
            self._widen(" ")

    def handle_entityref(self, name: str) -> None:
        self._reference(f"&{name}")

    def handle_charref(self, name: str) -> None:
        self._reference(f"&#{name}")

    def _reference(self, written: str) -> None:
        if self._dropped:
            return
        offset = self._offset()
        written += ";" if self.source.startswith(";", offset + len(written)) else ""
        self._emit(_without_surrogates(html.unescape(written)), offset)

    def _emit(self, piece: str, offset: int) -> None:
        if self._gap and self.out.length:
            self.out.fill(self._gap)
        self._gap = ""
        if self._heading is not None:
            if self._heading_start is None:
                self._heading_start = self.out.length
            self._heading[1].append(piece)
        self.out.put(piece, offset)

    def _space(self, tag: str) -> None:
        paragraph = tag in _PARAGRAPHS
        self._widen("\n\n" if paragraph and not self._rows else "\n" if paragraph or tag in _LINES else "")

    def _widen(self, gap: str) -> None:
        if gap == " " and self._heading is not None:
            self._heading[1].append(" ")
        if self._gap != " | " and _GAPS.index(gap) > _GAPS.index(self._gap):  # a cell stays in its row
            self._gap = gap

    def _end_heading(self) -> None:
        if self._heading is not None and self._heading_start is not None:
            level, parts = self._heading
            self.headings.append(Heading(self._heading_start, level, " ".join("".join(parts).split())))
        self._heading = self._heading_start = None

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + column


def _html(source: str) -> _Extract:
    page = _Page(source)
    try:
        page.feed(_STRAY.sub("\uffff", source))
        page.close()
    except AssertionError:  # html.parser on declarations it does not know
        return _Extract(source)
    got = page.out.extract(tuple(page.headings))
    return got if got.headings else got._replace(headings=plain_headings(got.text))


_string: Callable[[str, int, bool], tuple[str, int]] = json.decoder.scanstring  # type: ignore[attr-defined]
_TOKEN = re.compile(
    r'[ \t\n\r]*([{}\[\],:"]|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))'
)
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
_JSON_DEPTH = 200  # deeper nesting has paths nobody can read


class _Leaf(NamedTuple):
    """A scalar (or an empty container) in a JSON text."""

    path: str  # of the property; elements of one array share their array's
    record: int  # which element of an outermost array it is in, 0 without one
    at: int  # where its key begins, or itself where it has none
    start: int
    end: int


def _leaves(source: str, at: int, end: int) -> Iterator[_Leaf]:
    """The scalars of one JSON text in order. Raises ValueError where it is not JSON."""
    stack: list[list[Any]] = []  # open containers: [bracket, path, key or index, where the key begins]
    state = "value"  # value, first (value or end), key, first key, colon, next (comma or end), done
    while state != "done":
        token = _TOKEN.match(source, at, end)
        if token is None:
            raise ValueError("not JSON")
        mark, start, at = token[1], token.start(1), token.end()
        if mark == '"':
            at = _string(source, start + 1, True)[1]
        top = stack[-1] if stack else None
        if mark in "}]" and top is not None and state.startswith(("first", "next")) and mark == top[0]:
            stack.pop()
            if state.startswith("first"):
                yield _Leaf(top[1], stack[0][2] if stack and stack[0][0] == "]" else 0, top[3], start, at)
            state = "next" if stack else "done"
        elif mark == '"' and top is not None and state in {"key", "first key"}:
            top[2:] = [_string(source, start + 1, True)[0], start]
            state = "colon"
        elif mark == ":" and state == "colon":
            state = "value"
        elif mark == "," and top is not None and state == "next":
            if top[0] == "]":
                top[2] += 1
            state = "key" if top[0] == "}" else "value"
        elif mark not in "}],:" and state in {"value", "first"}:
            where = top[3] if top is not None and top[0] == "}" else start
            path = "" if top is None else _json_path(top)
            if mark in "{[":
                stack.append(["}" if mark == "{" else "]", path, 0, where])
                state = "first key" if mark == "{" else "first"
            else:
                shared = top is not None and top[0] == "]"
                record = stack[0][2] if stack and stack[0][0] == "]" else 0
                yield _Leaf(top[1] if shared and top is not None else path, record, where, start, at)
                state = "next" if stack else "done"
        else:
            raise ValueError("not JSON")
        if len(stack) > _JSON_DEPTH:
            raise ValueError("nested too deeply")
    if source[at:end].strip(" \t\n\r"):
        raise ValueError("more than one JSON text")


def _json_path(container: list[Any]) -> str:
    bracket, path, key, _ = container
    return f"{path}[{key}]" if bracket == "]" else f"{path}.{key}" if path else str(key)


def _put_json(source: str, leaves: list[_Leaf], out: _Rendering) -> None:
    """Writes `path: value` lines; the elements of an array of scalars share one line."""
    previous: _Leaf | None = None
    for leaf in leaves:
        if previous is not None and previous.path == leaf.path and leaf.at == leaf.start:
            out.fill(", ")
        else:
            if previous is not None:
                out.fill("\n" if previous.record == leaf.record else "\n\n")
            out.put(f"{leaf.path}: " if leaf.path else "", leaf.at)
        if source[leaf.start] == '"':
            _put_string(source, leaf.start + 1, leaf.end - 1, out)
        elif source[leaf.start] in "}]":
            out.put("{}" if source[leaf.start] == "}" else "[]", leaf.start)
        else:
            out.put(source[leaf.start : leaf.end], leaf.start)
        previous = leaf


def _put_string(source: str, start: int, end: int, out: _Rendering) -> None:
    for escape in _ESCAPE.finditer(source, start, end):
        if escape.start() > start:
            out.put(source[start : escape.start()], start)
        out.put(_without_surrogates(json.loads(f'"{escape[0]}"')), escape.start())
        start = escape.end()
    out.put(source[start:end], start)


def _json(source: str) -> _Extract:
    out = _Rendering(source)
    try:
        leaves = list(_leaves(source, 0, len(source)))
    except ValueError:
        return _Extract(source)
    _put_json(source, leaves, out)
    return out.extract()


def _jsonl(source: str) -> _Extract:
    out = _Rendering(source)
    for line in re.finditer(r"[^\n]*[^\s][^\n]*", source):
        if out.length:
            out.fill("\n\n")
        try:
            leaves = list(_leaves(source, line.start(), line.end()))
        except ValueError:
            out.put(line[0].rstrip("\r"), line.start())
        else:
            _put_json(source, [leaf._replace(record=0) for leaf in leaves], out)
    return out.extract()


_RENDERED: dict[str, Callable[[str], _Extract]] = {"html": _html, "json": _json, "jsonl": _jsonl}


# --- PDF and DOCX -------------------------------------------------------------------------------------------------

_PDF_LOCK = threading.Lock()  # silencing warnings and logs is not a thread's own business


@contextmanager
def _silence() -> Iterator[None]:
    """pypdf logs and warns about every flaw of a file; what matters to the user is whether there is text."""
    logger = logging.getLogger("pypdf")
    with _PDF_LOCK, warnings.catch_warnings():
        level = logger.level
        logger.setLevel(logging.CRITICAL + 1)
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)


def _pdf(data: bytes) -> _Extract:
    with _silence():
        from pypdf import PasswordType, PdfReader
        from pypdf.errors import DependencyError

        try:
            reader = PdfReader(BytesIO(data))
            if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
                raise Unreadable("encrypted PDF: needs a password")
            texts = _page_texts(reader)
        except Unreadable:
            raise
        except DependencyError:
            raise Unreadable("encrypted PDF: needs the package cryptography") from None
        except Exception as error:  # noqa: BLE001 - a broken file leads pypdf to raise nearly anything
            raise Unreadable(f"broken PDF: {_words(error)}") from None
    pages: list[int] = []
    length = 0
    for text in texts:
        pages.append(length)
        length += len(text) + 1
    joined = "\n".join(texts)
    if not joined.strip():
        raise Unreadable("no text in this PDF (scanned pages?)")
    return _Extract(joined, plain_headings(joined), (), tuple(pages))


def _page_texts(reader: Any) -> list[str]:
    """The text of each page. A page that cannot be read says so in its place, unless it is the case for all."""
    texts: list[str] = []
    failures: list[Exception] = []
    for number, page in enumerate(reader.pages, 1):
        try:
            texts.append(_without_surrogates(page.extract_text()).replace("\0", " "))
        except Exception as error:  # noqa: BLE001 - see _pdf
            failures.append(error)
            texts.append(f"[page {number} cannot be read: {_words(error)}]")
    if failures and len(failures) == len(texts):
        raise failures[0]
    return texts


def _words(error: Exception) -> str:
    """An exception in a few words, on one line."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= 120 else words[:119] + "…"


_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SKIPPED = frozenset(
    {f"{_W}delText", f"{_W}del", "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)
_DOCX_TEXT = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}


def _docx(data: bytes) -> _Extract:
    from zipfile import BadZipFile, ZipFile

    if data.startswith(b"\xd0\xcf\x11\xe0"):  # an OLE container: what Office wraps around encrypted files
        raise Unreadable("encrypted DOCX: needs a password")
    try:
        with ZipFile(BytesIO(data)) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
        if unpacked > DOCX_LIMIT:
            raise Unreadable(f"broken DOCX: unpacks to {unpacked / 1e6:.0f} MB")
        return _docx_extract(data)
    except Unreadable:
        raise
    except BadZipFile:
        raise Unreadable("broken DOCX: not a Word file") from None
    except Exception as error:  # noqa: BLE001 - a broken file leads python-docx and lxml to raise nearly anything
        raise Unreadable(f"broken DOCX: {_words(error)}") from None


def _docx_extract(data: bytes) -> _Extract:
    import docx

    document = docx.Document(BytesIO(data))
    levels = {style.style_id: _style_level(style) for style in document.styles}
    parts: list[str] = []
    headings: list[Heading] = []
    length = 0
    for level, text in _docx_blocks(document.element.body, levels):
        if not text.strip():
            continue
        if level:
            headings.append(Heading(length, level, " ".join(text.split())))
        parts.append(text)
        length += len(text) + 2
    joined = "\n\n".join(parts)
    if not joined:
        raise Unreadable("no text in this DOCX")
    return _Extract(joined, tuple(headings) or plain_headings(joined))


def _style_level(style: Any) -> int:
    """The heading level a style gives, itself or through the styles it is based on; 0 for body text."""
    for _ in range(10):  # styles can be based on each other in a circle
        if style is None:
            break
        match = re.fullmatch(r"heading (\d)|title", style.name or "", re.IGNORECASE)
        if match:
            return int(match[1] or 1)
        style = getattr(style, "base_style", None)
    return 0


def _docx_blocks(parent: Any, levels: dict[str, int]) -> Iterator[tuple[int, str]]:
    """Heading level and text of paragraphs and tables in body order, also those inside content controls."""
    for child in parent:
        if child.tag == f"{_W}p":
            style = child.find(f"{_W}pPr/{_W}pStyle")
            yield levels.get(style.get(f"{_W}val"), 0) if style is not None else 0, _docx_text(child)
        elif child.tag == f"{_W}tbl":
            yield 0, "\n".join(filter(None, map(_docx_row, child.iter(f"{_W}tr"))))
        elif child.tag in {f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml"}:
            yield from _docx_blocks(child, levels)


def _docx_row(row: Any) -> str:
    cells = (" ".join(" ".join(map(_docx_text, cell.iter(f"{_W}p"))).split()) for cell in row.iter(f"{_W}tc"))
    return " | ".join(filter(None, cells))


def _docx_text(paragraph: Any) -> str:
    """A paragraph as it reads with all tracked changes accepted (python-docx leaves insertions out)."""
    parts: list[str] = []
    stack = [paragraph]
    while stack:
        element = stack.pop()
        if element.tag in _SKIPPED:
            continue
        parts.append(_DOCX_TEXT.get(element.tag, ""))
        if element.tag == f"{_W}t":
            parts.append(element.text or "")
        elif element.tag != f"{_W}pPr":  # holds tab stops, which are no text
            stack.extend(reversed(element))
    return "".join(parts)


_EXTRACTED: dict[str, Callable[[bytes], _Extract]] = {"pdf": _pdf, "docx": _docx}


# --- headings -----------------------------------------------------------------------------------------------------


def headings_of(text: str, kind: str, language: str | None = None) -> tuple[Heading, ...]:
    """The headings of a text of this kind, in order; for code the definitions."""
    if kind == "code":
        return code_headings(text, language) if language is not None and len(text) <= CODE_LIMIT else ()
    find = {"markdown": markdown_headings, "rst": rst_headings, "text": plain_headings}.get(kind)
    return find(text) if find is not None else ()


_MARKDOWN = re.compile(
    r"^ {0,3}(?:"
    r"(?P<fence>`{3,}|~{3,})[^\r\n]*"
    r"|(?P<hashes>\#{1,6})(?:[ \t]+(?P<title>[^\r\n]*))?"
    r"|(?P<setext>[^\s>#|`~][^\r\n]*)\r?\n {0,3}(?P<rule>=+|-+)[ \t]*"
    r")\r?$",
    re.MULTILINE,
)
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?:[^\n]*\n)*?---[ \t]*\r?$", re.MULTILINE)


def markdown_headings(text: str) -> tuple[Heading, ...]:
    """ATX and setext headings outside fenced code."""
    front = _FRONT_MATTER.match(text)
    at = front.end() if front else 0
    headings: list[Heading] = []
    while (found := _MARKDOWN.search(text, at)) is not None:
        at = found.end()
        if found["fence"]:
            fence = found["fence"]
            close = re.compile(rf"^ {{0,3}}{fence[0]}{{{len(fence)},}}[ \t]*\r?$", re.MULTILINE).search(text, at)
            at = close.end() if close else len(text)
        elif found["hashes"]:
            title = re.sub(r"(?:^|[ \t]+)#+[ \t]*$", "", found["title"] or "").strip()
            if title:
                headings.append(Heading(found.start("hashes"), len(found["hashes"]), title))
        elif not re.match(r"[-+*] |\d+[.)] |[-*_ ]+$", found["setext"]):  # lists and rules have no underline
            level = 1 if found["rule"][0] == "=" else 2
            headings.append(Heading(found.start("setext"), level, found["setext"].strip()))
    return tuple(headings)


_UNDERLINE = re.compile(r"^([!-/:-@\[-`{-~])\1+[ \t]*\r?$", re.MULTILINE)


def rst_headings(text: str) -> tuple[Heading, ...]:
    """Titles with an underline at least as long, with or without a line above; levels by first appearance."""
    headings: list[Heading] = []
    styles: list[tuple[str, bool]] = []
    for rule in _UNDERLINE.finditer(text):
        begin = text.rfind("\n", 0, max(0, rule.start() - 1)) + 1
        line = text[begin : max(begin, rule.start() - 1)].rstrip()
        title = line.strip()
        above = text[text.rfind("\n", 0, max(0, begin - 1)) + 1 : max(0, begin - 1)].rstrip()
        over = above == rule[0].rstrip() and len(above) > 1
        if not title or len(title) > len(rule[0].rstrip()) or _UNDERLINE.match(line) or (line[0] == " " and not over):
            continue
        style = (rule[1], over)
        if style not in styles:
            styles.append(style)
        headings.append(Heading(begin + len(line) - len(line.lstrip()), styles.index(style) + 1, title))
    return tuple(headings)


_BLANK = r"[ \t\u00a0]"
_LEVELS = {
    "PART": 1, "EXHIBIT": 1, "SCHEDULE": 1, "APPENDIX": 1, "ANNEX": 1, "ATTACHMENT": 1, "ADDENDUM": 1,
    "ARTICLE": 2, "ITEM": 2, "CHAPTER": 2, "NOTE": 3, "SECTION": 3, "CLAUSE": 3,
}  # fmt: skip
_WORDS = "|".join(form for word in _LEVELS for form in (word, word.title()))
_NUMBERED = re.compile(
    rf"^{_BLANK}*(?P<mark>(?:(?P<word>{_WORDS}){_BLANK}+"
    r"(?P<id>\d{1,3}(?:\.\d{1,3}){0,4}[A-Z]?|[IVXLC]{1,7}|[A-Z](?:-\d{1,2})?)(?![\w(])(?P<stop>[.:)]?)"
    r"|(?P<number>\d{1,3}(?:\.\d{1,3}){0,5})(?![\w(,%])(?P<dot>\.?)))"
    rf"(?=[\s\u2013\u2014-])(?P<rest>[^\r\n]{{0,160}})(?P<end>\r?$)?",
    re.MULTILINE,
)
_CAPITALS = re.compile(rf"^{_BLANK}*(?P<title>[^\W\d_a-z][^\r\na-z|$%]{{2,78}}?){_BLANK}*(?=\r?$)", re.MULTILINE)
_RUN_IN = re.compile(r"([^.:;]{2,70})(?<!\bNo)(?<!\bInc)(?<!\bCorp)(?<!\bCo)(?<!\bLtd)[.:](?=\s)")
_TABULAR = re.compile(r"\S(?:[ \u00a0]{3,}|\t|\|)\S|\.{4}|(?:\. ){3}|[^\d\s]\s+(?:\d{1,3}|[ivxl]{1,6})$")
_UNTITLED = re.compile(  # what stands on cover and signature pages
    r"(?:BY|NAME|DATED?|ITS|AND|OR|BETWEEN|AMONG|ATTN|ATTENTION|PAGE|IN WITNESS|SOURCE|ADDRESS|TEL|FAX)\b"
    r"|(?:TITLE|TO|FROM):"
    r"|.*\b(?:INC|LLC|LTD|CORP|CORPORATION|LIMITED|L\.?P|LLP|GMBH|S\.A|N\.?A|PLC|CO|COMPANY)\.?$"
)
_VERBS = _set("shall means mean is are was were will has have had may must can does do be agrees")
_SMALL = _set("a an and as at by for from in into of on or per the to upon with")


def plain_headings(text: str) -> tuple[Heading, ...]:
    """What looks like a heading in a contract, a filing or a paper: numbered titles and short lines in capitals."""
    capitals = list(_capital_headings(text))
    times = Counter(h.title for h in capitals)
    found = sorted({h.start: h for h in (*capitals, *_numbered_headings(text))}.values())
    seen: set[str] = set()
    path: list[Heading] = []
    kept: list[Heading] = []
    for heading in found:
        repeated = heading.title in seen and times[heading.title] > 3
        if not repeated and all(heading.title != h.title for h in path):  # else it is the running head of a page
            path = [*(h for h in path if h.level < heading.level), heading]
            kept.append(heading)
        seen.add(heading.title)
    levels = {level: i for i, level in enumerate(sorted({h.level for h in kept}), 1)}
    return tuple(h._replace(level=levels[h.level]) for h in kept)


def _numbered_headings(text: str) -> Iterator[Heading]:
    bare = 0  # the last title with a number and no dot: such lines count only in sequence
    for found in _NUMBERED.finditer(text):
        number = found["id"] or found["number"]
        depth = number.removesuffix(".0").count(".")
        plain = found["word"] is None and depth == 0 and not found["dot"]
        if plain and int(number) not in {1, bare + 1}:
            continue
        strict = found["word"] is None and depth == 0
        title = _title(found["rest"], found["end"] is not None, strict)
        if title is None or (not title and found["word"] is None) or _continues(text, found.start()):
            continue
        if plain:
            if found["end"] is None or title.split()[0].upper() in _LEVELS:
                continue  # a page number before running text, or before a heading
            bare = int(number)
        base = _LEVELS[found["word"].upper()] if found["word"] else 3
        level = base + (depth if base == 3 and found["word"] not in {"NOTE", "Note"} else 0)
        yield Heading(found.start("mark"), level, " ".join(f"{found['mark']} {title}".split()))


def _title(rest: str, complete: bool, strict: bool) -> str | None:
    """The title after a number: the whole rest of the line or what stands before its first full stop.

    None where this is no title; `strict` refuses titles in sentence case, which lists are full of.
    """
    rest = " ".join(rest.strip(" \t\u00a0\u2013\u2014-:").split(" ")) if rest else ""
    if not rest:
        return "" if complete else None
    if complete and len(rest) <= 110:
        if _TABULAR.search(rest):
            return None
        if _titled(rest.rstrip(".:"), strict or rest.endswith(".")):
            return rest.rstrip(".:")
    head = _RUN_IN.match(rest)
    return head[1] if head and not _TABULAR.search(head[1]) and _titled(head[1], True) else None


def _titled(title: str, strict: bool) -> bool:
    words = title.split()
    if not words or not title[0].isupper() or len(words) > 14 or ". " in title or title[-1] in ",;-(":
        return False
    if words[-1].lower() in _SMALL or not any(len(w) > 2 and w[0].isalpha() for w in words):
        return False
    if _VERBS & {w.lower() for w in words} and not title.isupper():
        return False
    long = [w for w in words if w[0].isalpha() and w.lower() not in _SMALL]
    return 10 * sum(w[0].isupper() for w in long) >= 7 * len(long) or (not strict and len(words) <= 6)


def _capital_headings(text: str) -> Iterator[Heading]:
    for found in _CAPITALS.finditer(text):
        title = " ".join(found["title"].split())
        letters = sum(c.isalpha() for c in title)
        if (
            title.isupper()
            and letters >= 0.7 * len(title.replace(" ", ""))
            and len(title.split()) <= 10
            and re.search(r"[^\W\d_]{4}", title)
            and title[-1] not in ".,;-&"
            and not _TABULAR.search(found["title"])
            and not _UNTITLED.match(title)
            and not _continues(text, found.start())
        ):
            yield Heading(found.start("title"), 3, title.rstrip(":"))


def _continues(text: str, start: int) -> bool:
    """Whether the line at `start` goes on with a sentence that was wrapped in the line just above it."""
    above = text[max(0, start - 200) : start]
    if above[len(above.rstrip()) :].count("\n") > 1:
        return False  # a blank line between
    line = above.rstrip().rpartition("\n")[2].strip()
    return len(line) > 40 and (line[-1].isalpha() or line[-1] in ",(&")


# A rule for all grammars: what is named like a definition and has a name is one.
_DEFINITION = re.compile(
    r"(?:definition|declaration|_item|_spec|specifier|signature|_decl|function_def|function_statement|declaration_statement)$"
    r"|^(?:class|module|method|singleton_method|function|interface|internal_module|trait|struct|enum|method_elem)$"
)
_NO_DEFINITION = re.compile(
    r"parameter|field|variable|var_|const_spec|property|import|package|use_|extern|local|let|lexical|member|label|using"
    r"|attribute|accessor|column|annotation_decl|alias_spec|storage|qualifier|type_signature"
)
_TYPED = re.compile(r"class|function|method|object|interface|struct|protocol|contract|trait|enum")
_IDENTIFIER = re.compile(r"(?:identifier|^name|^constant|^word)$")
_FUNCTION_VALUE = re.compile(r"function|lambda|^class$")
_WRAPPER = frozenset({"decorated_definition", "export_statement", "template_declaration", "ambient_declaration"})


def code_headings(text: str, language: str) -> tuple[Heading, ...]:
    """The named definitions in source code; the level is how deep a definition is nested in others.

    Empty where there is no grammar for the language.
    """
    from tree_sitter_language_pack import get_parser

    raw = text.encode("utf-8", "replace")
    try:
        cursor = get_parser(language).parse(raw).walk()  # type: ignore[arg-type]
    except (LookupError, ValueError, ImportError, OSError):
        return ()
    headings: list[Heading] = []
    ends: list[int] = []  # where the enclosing definitions end
    characters, counted = 0, 0
    candidates: dict[int, bool] = {}  # by kind of node: few kinds, very many nodes
    for node in _nodes(cursor):
        kind = node.kind_id
        if kind not in candidates:
            candidates[kind] = _may_define(node)
        name = _definition_name(node) if candidates[kind] else None
        if name is None:
            continue
        while ends and node.start_byte >= ends[-1]:
            ends.pop()
        parent = node.parent
        start = parent.start_byte if parent is not None and parent.type in _WRAPPER else node.start_byte
        start = max(start, counted)
        characters += len(raw[counted:start].decode("utf-8", "replace"))
        counted = start
        ends.append(node.end_byte)
        headings.append(Heading(characters, len(ends), name))
    return tuple(headings)


def _nodes(cursor: Any) -> Iterator[Any]:
    """All nodes in order, without recursion: generated code can be nested thousands deep."""
    while True:
        yield cursor.node
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _may_define(node: Any) -> bool:
    kind = node.type
    if not node.is_named or _NO_DEFINITION.search(kind):
        return bool(kind == "variable_declarator")
    return bool(kind.endswith("declarator") or _DEFINITION.search(kind))


def _definition_name(node: Any) -> str | None:
    """The name that a node of a defining kind defines, None where it defines nothing."""
    kind = node.type
    if kind.endswith("declarator"):  # const f = () => ...
        value = node.child_by_field_name("value")
        named = node.child_by_field_name("name") if value is not None and _FUNCTION_VALUE.search(value.type) else None
    elif kind.endswith("specifier") and node.child_by_field_name("body") is None:
        return None  # `struct x *p` uses a structure, it does not define one
    else:
        named = node.child_by_field_name("name")
        if named is None and "impl" in kind:
            named = node.child_by_field_name("type")
        if named is None and kind.endswith("definition"):
            named = _declared_name(node)
        if named is None and _TYPED.search(kind) and kind.endswith(("definition", "declaration")):
            named = next((c for c in node.named_children if _IDENTIFIER.search(c.type)), None)
    if named is None or not named.is_named or named.text is None:
        return None
    return " ".join(named.text.decode("utf-8", "replace").split())[:80] or None


def _declared_name(node: Any) -> Any:
    """The name inside C's declarators: `int *f(void)` defines `f`."""
    while (inner := node.child_by_field_name("declarator")) is not None:
        node = inner
    return node if _IDENTIFIER.search(node.type) or node.type in {"destructor_name", "operator_name"} else None
