"""JSON and JSON lines: one line for each value, after the path of its property. Notebooks: the cells in order.

Markdown stands as it is, code between fences; a remark counts the outputs that are left out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import NamedTuple

from hybrid.corpus.readers.code.definitions import definitions
from hybrid.corpus.readers.encoding import decode, without_surrogates
from hybrid.corpus.readers.extract import Extract, Rendering, Unreadable
from hybrid.corpus.readers.headings import markdown_headings
from hybrid.document import Heading

DEPTH = 200  # deeper nesting has paths nobody can read

# of valid JSON
_TOKEN = re.compile(r'(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")(?P<colon>[ \t\n\r]*:)?|[{}\[\],]|[^ \t\n\r{}\[\],:"]+')
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")


class Leaf(NamedTuple):
    """A scalar (or an empty container) in a JSON text."""

    path: str  # of the property; elements of one array share their array's
    record: int  # which element of an outermost array it is in, 0 without one
    at: int  # where its key begins, or itself where it has none
    start: int
    end: int


@dataclass(slots=True)
class _Open:
    """A container whose end is not reached yet."""

    is_array: bool
    path: str
    at: int  # where its key begins, or itself where it has none
    key: str = ""  # of the current member
    index: int = 0  # of the current element

    def inner_path(self) -> str:
        if self.is_array:
            return f"{self.path}[{self.index}]"
        return f"{self.path}.{self.key}" if self.path else self.key


def read_json(data: bytes) -> Extract:
    source = decode(data)
    out = Rendering(source)
    try:
        leaves = leaves_of(source, 0, len(source))
    except ValueError:
        return Extract(source)
    _put(leaves, out)
    return out.extract()


def read_jsonl(data: bytes) -> Extract:
    source = decode(data)
    out = Rendering(source)
    for line in re.finditer(r"[^\n]*[^\s][^\n]*", source):
        if out.length:
            out.fill("\n\n")
        try:
            leaves = leaves_of(source, line.start(), line.end())
        except ValueError:
            out.put(line[0].rstrip("\r"), line.start())
        else:
            _put([leaf._replace(record=0) for leaf in leaves], out)
    return out.extract()


def leaves_of(source: str, start: int, end: int) -> list[Leaf]:
    """The scalars of one JSON text in order. Raises ValueError where it is not JSON or nested too deeply."""
    _check(source[start:end])
    leaves: list[Leaf] = []
    stack = [_Open(is_array=False, path="", at=start)]  # around them all, one without a path
    empty = False  # whether the innermost container has just been opened
    key_at: int | None = None  # where the key just read begins
    for token in _TOKEN.finditer(source, start, end):
        mark, at, inner = token[0], token.start(), stack[-1]
        record = stack[1].index if len(stack) > 1 and stack[1].is_array else 0
        place = at if key_at is None else key_at
        if token["colon"]:
            inner.key = json.loads(token["string"])
        elif mark == ",":
            inner.index += 1
        elif mark in "{[":
            if len(stack) > DEPTH:
                raise ValueError("nested too deeply")
            stack.append(_Open(mark == "[", inner.inner_path(), place))
        elif mark in "}]":
            stack.pop()
            if empty:
                leaves.append(Leaf(inner.path, record, inner.at, at, token.end()))
        else:
            path = inner.path if inner.is_array else inner.inner_path()
            leaves.append(Leaf(path, record, place, at, token.end()))
        empty = mark in "{["
        key_at = at if token["colon"] else None
    return leaves


def _check(text: str) -> None:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _put(leaves: list[Leaf], out: Rendering) -> None:
    """Writes `path: value` lines; the elements of an array of scalars share one line."""
    source = out.source
    previous: Leaf | None = None
    for leaf in leaves:
        if previous is not None and previous.path == leaf.path and leaf.at == leaf.start:
            out.fill(", ")
        else:
            if previous is not None:
                out.fill("\n" if previous.record == leaf.record else "\n\n")
            out.put(f"{leaf.path}: " if leaf.path else "", leaf.at)
        if source[leaf.start] == '"':
            put_string(leaf.start + 1, leaf.end - 1, out)
        elif source[leaf.start] in "}]":
            out.put("{}" if source[leaf.start] == "}" else "[]", leaf.start)
        else:
            out.put(source[leaf.start : leaf.end], leaf.start)
        previous = leaf


def put_string(start: int, end: int, out: Rendering) -> None:
    """Writes the string between two quotation marks of the source, its escapes resolved."""
    source = out.source
    for escape in _ESCAPE.finditer(source, start, end):
        if escape.start() > start:
            out.put(source[start : escape.start()], start)
        out.put(without_surrogates(json.loads(f'"{escape[0]}"')), escape.start())
        start = escape.end()
    out.put(source[start:end], start)


_CELL = re.compile(r"((?:worksheets\[\d+\]\.)?cells\[\d+\])\.(source|input|cell_type)$")  # `input` before version 4
_OUTPUT = re.compile(r"((?:worksheets\[\d+\]\.)?cells\[\d+\])\.outputs\[")
_KERNEL = ("metadata.language_info.name", "metadata.kernelspec.language")
# four backticks at least, which no cell in Markdown needs
_FENCED = re.compile(r"^(`{4,})([^\n`]+)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
_LANGUAGES = {"r": "r", "julia": "julia", "bash": "bash", "sql": "sql", "javascript": "javascript", "scala": "scala"}


def read_notebook(data: bytes) -> Extract:
    """The text of a Jupyter notebook, versions 3 and 4.

    Raises:
        Unreadable: it is no JSON, or holds no cells.
    """
    source = decode(data)
    try:
        leaves = leaves_of(source, 0, len(source))
    except ValueError:
        raise Unreadable("broken notebook: not JSON") from None
    said = {leaf.path: json.loads(source[leaf.start : leaf.end]) for leaf in leaves if leaf.path in _KERNEL}
    named = (said.get(path) for path in _KERNEL)
    language = next((n.lower() for n in named if isinstance(n, str) and re.fullmatch(r"[\w+#.-]{1,20}", n)), "python")
    cells: dict[str, tuple[list[tuple[int, int]], list[str]]] = {}  # path -> strings of the source, kind
    for leaf in leaves:
        cell = _CELL.match(leaf.path)
        if cell is not None and source[leaf.start] == '"':
            lines, kinds = cells.setdefault(cell[1], ([], []))
            if cell[2] == "cell_type":
                kinds.append(json.loads(source[leaf.start : leaf.end]))
            else:
                lines.append((leaf.start + 1, leaf.end - 1))
    out = Rendering(source)
    headings: list[Heading] = []
    under = 0  # level of the last heading in Markdown, above all definitions
    for lines, kinds in cells.values():
        if not any(end > start for start, end in lines):
            continue
        is_code = kinds == ["code"]
        begin, text = _put_cell(out, lines, language if is_code else "")
        found = definitions(text, _LANGUAGES.get(language, "python")) if is_code else markdown_headings(text)
        headings += [Heading(begin + h.start, h.level + (under if is_code else 0), h.title) for h in found]
        under = found[-1].level if found and not is_code else under
    if not out.length:
        raise Unreadable("no text in this notebook")
    count = len({shown[1] for leaf in leaves if (shown := _OUTPUT.match(leaf.path))})
    told = "the output of 1 cell left out" if count == 1 else f"the outputs of {count} cells left out"
    return out.extract(tuple(headings))._replace(remarks=(told,) if count else ())


def code_of(text: str) -> str:
    """The code of a notebook's text; blanks replace all else, also shell and magic lines, so that places hold."""
    at, parts = 0, []
    for fence in _FENCED.finditer(text):
        magic = re.sub(r"^[ \t]*[%!].*$", lambda line: _blank(line[0]), fence[3], flags=re.MULTILINE)
        parts += [_blank(text[at : fence.start(3)]), magic]
        at = fence.end(3)
    return "".join([*parts, _blank(text[at:])])


def language_of(text: str) -> str:
    """The language of a notebook's code, by the first fence of its text."""
    found = _FENCED.search(text)
    return _LANGUAGES.get(found[2], "python") if found is not None else "python"


def _put_cell(out: Rendering, lines: list[tuple[int, int]], language: str) -> tuple[int, str]:
    """Writes a cell, between fences where it has a language; returns where its text begins, and the text."""
    text = without_surrogates("".join(json.loads(f'"{out.source[start:end]}"') for start, end in lines))
    fence = "`" * max(4, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    if out.length:
        out.fill("\n\n")
    if language:
        out.fill(f"{fence}{language}\n")
    begin = out.length
    for start, end in lines:
        put_string(start, end, out)
    if language:
        out.fill(fence if text.endswith("\n") else f"\n{fence}")
    return begin, text


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
