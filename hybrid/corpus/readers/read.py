"""Reading: the bytes of one file become a `Document`.

Formats that are text keep it exactly as decoded, line ends included; only a byte order mark is removed, and offsets
count after it. HTML, JSON, notebooks and tables are rendered, with an anchor wherever the rendering departs from the
source. PDF and office files are extracted, so their offsets count in the extracted text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hybrid.corpus.readers.encoding import decode, without_surrogates
from hybrid.corpus.readers.extract import Extract, Unreadable, in_few_words
from hybrid.corpus.readers.headings import headings_of
from hybrid.corpus.readers.json import read_json, read_jsonl
from hybrid.corpus.readers.mail.email import read_email
from hybrid.corpus.readers.notebook import read_notebook
from hybrid.corpus.readers.office import read_epub, read_odf, read_pptx, read_rtf, read_xlsx
from hybrid.corpus.readers.pdf.pdf import read_pdf
from hybrid.corpus.readers.sheets.csv import csv_text, read_csv
from hybrid.corpus.readers.tables.pipes import with_tables
from hybrid.corpus.readers.web.html import read_html
from hybrid.corpus.readers.word.docx import read_docx
from hybrid.document import Document
from hybrid.text.kinds import kind_of, unsupported

READING = 17  # raised whenever the text of a file that could be read already changes: indexes are then made anew

_WITH_TABLES = frozenset({"text", "markdown", "rst"})


def _attached(name: str, data: bytes) -> Extract:
    found = read(name, data)
    return Extract(found.text, remarks=found.remarks)


# by kind; all others are text already
READERS: dict[str, Callable[[bytes], Extract]] = {
    "csv": read_csv,
    "html": read_html,
    "json": read_json,
    "jsonl": read_jsonl,
    "notebook": read_notebook,
    "pdf": read_pdf,
    "docx": read_docx,
    "xlsx": read_xlsx,
    "pptx": read_pptx,
    "opendocument": read_odf,
    "rtf": read_rtf,
    "epub": read_epub,
    "email": lambda data: read_email(data, _attached),
}


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
        raise Unreadable(unsupported(name))
    if not data or data.isspace():
        raise Unreadable("empty file")
    reader = READERS.get(kind)
    if reader is None:
        text = decode(data)
        found = _text(name, text, kind, path, language)
        damaged = text.count("\ufffd") - data.count(b"\xef\xbf\xbd")
        told = f"{damaged} damaged character{'s' * (damaged > 1)} read as \ufffd"
        return replace(found, remarks=(*found.remarks, told)) if damaged > 0 else found
    try:
        got = reader(data)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(f"broken {kind}: {in_few_words(error)}") from error
    if not got.text.strip():
        raise Unreadable(f"no text in this {kind} file")
    return Document(name, got.text, kind, path, None, got.headings, got.pages, got.anchors, got.remarks)


def read_text(name: str, text: str, pages: tuple[int, ...] = ()) -> Document:
    """The document of a text given directly, kept as it is but for tables; the name tells how to find headings.

    A text named like a PDF, a web page or the like is taken as the plain text that was made of it, one named like a CSV
    is read like one.
    `pages`: offsets in characters at which its pages begin.
    """
    kind, language = kind_of(name)
    if kind == "csv" and not pages and text.strip():
        got = csv_text(without_surrogates(text))
        return Document(name, got.text, kind, anchors=got.anchors)
    if kind in READERS or kind == "unsupported":
        kind = "text"
    text = without_surrogates(text)
    if not text.strip():
        raise Unreadable("empty text")
    if not pages:
        return _text(name, text, kind, None, language)
    return Document(name, text, kind, None, language, headings_of(text, kind, language), pages)


def _text(name: str, text: str, kind: str, path: str | None, language: str | None) -> Document:
    """The document of a text that is as it was decoded, but for the rows of its tables."""
    got = with_tables(text) if kind in _WITH_TABLES else Extract(text)
    return Document(name, got.text, kind, path, language, headings_of(got.text, kind, language), anchors=got.anchors)
