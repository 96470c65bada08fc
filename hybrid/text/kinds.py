"""The kind of a file and its programming language, by its name alone, and the reader of each kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from hybrid.registry import Registry

# From the bytes of a file to an `Extract` (hybrid/corpus/readers/extract.py); kinds without a reader are text already.
# Another package brings a reader under the suffix it is for: the entry point ".vcf" of the group `hybrid.reader`.
READERS = Registry[Callable[[bytes], Any]](
    "reader",
    {
        "csv": "hybrid.corpus.readers.sheets.csv:read_csv",
        "docx": "hybrid.corpus.readers.word.docx:read_docx",
        "email": "hybrid.corpus.readers.email:read_email",
        "epub": "hybrid.corpus.readers.epub:read_epub",
        "html": "hybrid.corpus.readers.web.html:read_html",
        "json": "hybrid.corpus.readers.json:read_json",
        "jsonl": "hybrid.corpus.readers.json:read_jsonl",
        "notebook": "hybrid.corpus.readers.json:read_notebook",
        "opendocument": "hybrid.corpus.readers.opendocument:read_odf",
        "pdf": "hybrid.corpus.readers.pdf.pdf:read_pdf",
        "pptx": "hybrid.corpus.readers.slides:read_pptx",
        "rtf": "hybrid.corpus.readers.rtf:read_rtf",
        "xlsx": "hybrid.corpus.readers.sheets.workbook:read_xlsx",
    },
)
TEXTS = frozenset({"text", "markdown", "rst", "code"})  # kinds that no reader is needed for

KINDS = {
    ".txt": "text", ".text": "text", ".log": "text", ".md": "markdown", ".markdown": "markdown", ".mdx": "markdown",
    ".qmd": "markdown", ".rst": "rst", ".html": "html", ".htm": "html", ".xhtml": "html", ".pdf": "pdf",
    ".docx": "docx", ".csv": "csv", ".tsv": "csv", ".json": "json", ".geojson": "json", ".ipynb": "notebook",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".docm": "docx", ".eml": "email", ".mht": "email",
    ".mhtml": "email", ".mbox": "email",
    ".xlsx": "xlsx", ".xlsm": "xlsx", ".pptx": "pptx", ".pptm": "pptx", ".odt": "opendocument", ".ods": "opendocument",
    ".odp": "opendocument", ".rtf": "rtf", ".epub": "epub",
}  # fmt: skip

# COBOL and Typst are read as text: COBOL's parser does not end on texts in other languages, and Typst's ends the whole
# process where a thousand brackets are open
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
    ".f90": "fortran", ".f95": "fortran", ".f": "fortran", ".for": "fortran",
    ".adb": "ada", ".ads": "ada", ".v": "verilog", ".sv": "verilog", ".vhd": "vhdl", ".vhdl": "vhdl",
    ".sol": "solidity", ".glsl": "glsl", ".hlsl": "hlsl", ".wgsl": "wgsl", ".asm": "asm", ".s": "asm",
    ".sql": "sql", ".graphql": "graphql", ".gql": "graphql", ".proto": "proto", ".thrift": "thrift",
    ".css": "css", ".scss": "scss", ".vue": "vue", ".svelte": "svelte", ".xml": "xml", ".xsd": "xml", ".xsl": "xml",
    ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".ini": "ini", ".cfg": "ini", ".properties": "properties",
    ".tf": "terraform", ".hcl": "hcl", ".bicep": "bicep", ".nix": "nix", ".cmake": "cmake", ".mk": "make",
    ".bzl": "starlark", ".star": "starlark", ".tex": "latex", ".sty": "latex", ".bib": "bibtex",
    ".vim": "vim", ".tcl": "tcl", ".po": "po", ".rego": "rego", ".prisma": "prisma", ".matlab": "matlab",
}  # fmt: skip

FILE_NAMES = {
    "makefile": "make", "gnumakefile": "make", "dockerfile": "dockerfile", "containerfile": "dockerfile",
    "cmakelists.txt": "cmake", "build": "starlark", "build.bazel": "starlark", "workspace": "starlark",
    "jenkinsfile": "groovy", "rakefile": "ruby", "gemfile": "ruby", "vagrantfile": "ruby", "meson.build": "meson",
    "kconfig": "kconfig", "go.mod": "gomod",
}  # fmt: skip

# Formats that nobody expects to be read: pictures, sound, fonts, and files that programs make; only counted
WITHOUT_TEXT = frozenset(
    """
    .png .jpg .jpeg .gif .bmp .tif .tiff .webp .ico .icns .svg .heic .avif .psd .ai .eps .mp3 .wav .flac .ogg .m4a .aac
    .mp4 .mov .avi .mkv .webm .wmv .so .dll .dylib .a .o .obj .lib .exe .bin .pyc .pyo .pyd .class .wasm .node .ttf .otf
    .woff .woff2 .eot .map .dat .pack .idx .npy .npz .pkl .pickle .joblib .pt .pth .ckpt .safetensors .onnx
    .gguf .tflite
    """.split()
)

UNSUPPORTED = WITHOUT_TEXT | frozenset(
    """
    .zip .gz .tgz .bz2 .xz .zst .7z .rar .tar .jar .war .whl .egg .deb .rpm .dmg .iso .msi .xls .ppt .doc .dot .mobi
    .djvu .ps .pages .numbers .key .msg .pst .db .sqlite .sqlite3 .mdb .parquet .feather .arrow .avro .orc .h5 .hdf5
    .mat .rds .faiss
    """.split()
)

# What to do with a file that is not read
REMEDIES = {
    ".doc": "save it as .docx", ".dot": "save it as .docx", ".xls": "save it as .xlsx", ".ppt": "save it as .pptx",
    ".msg": "save it as .eml", ".pages": "export it as .docx or PDF", ".numbers": "export it as .xlsx",
    ".key": "export it as .pptx or PDF", ".mobi": "convert it to .epub", ".djvu": "convert it to PDF",
    ".ps": "convert it to PDF", ".parquet": "give its own path, or texts: before the folder's, to read each row",
    **dict.fromkeys((".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz"), "unpack it"),
}  # fmt: skip


@lru_cache(maxsize=4096)
def kind_of(name: str) -> tuple[str, str | None]:
    """The `Document.kind` and language for a file name.

    The kind is `unsupported` for formats known to hold no text, the suffix itself where another package brings a reader
    for it, and `text` for a suffix nobody knows: only the bytes can tell.
    """
    base = PurePosixPath(name.replace("\\", "/")).name.lower()
    suffix = PurePosixPath(base).suffix
    language = FILE_NAMES.get(base) or ("dockerfile" if base.startswith("dockerfile.") else LANGUAGES.get(suffix))
    if language is not None:
        return "code", language
    if suffix in KINDS:
        return KINDS[suffix], None
    if suffix in READERS:
        return suffix, None
    return "unsupported" if suffix in UNSUPPORTED else "text", None


def unsupported(name: str) -> str:
    """Why a file of an unsupported format is not read, and what to do."""
    suffix = PurePosixPath(name).suffix.lower()
    return f"unsupported format {suffix}" + (f": {REMEDIES[suffix]}" if suffix in REMEDIES else "")
