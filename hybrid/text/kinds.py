"""The kind of a file and its programming language, by its name alone, and the reader of each kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from hybrid.files import carried
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

_CARRIED = carried(__name__)
KINDS, LANGUAGES, FILE_NAMES, REMEDIES = (
    {end: name for name, ends in _CARRIED[table].items() for end in ends.split()}
    for table in ("kinds", "languages", "names", "remedies")
)
WITHOUT_TEXT = frozenset(_CARRIED["without_text"].split())  # only counted
UNSUPPORTED = WITHOUT_TEXT | frozenset(_CARRIED["unsupported"].split())


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
