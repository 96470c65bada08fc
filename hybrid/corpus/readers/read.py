"""Reading: the bytes of one file become a `Document`.

A format that is text keeps it exactly as decoded, line ends included; only a byte order mark is removed, and offsets
count after it. HTML, JSON, notebooks and tables are rendered, with an anchor wherever the rendering departs from the
source. PDF and office files are extracted, so their offsets count in the extracted text.
"""

from __future__ import annotations

from dataclasses import replace

from hybrid.corpus.readers.encoding import decode, without_surrogates
from hybrid.corpus.readers.extract import Extract, Unreadable, in_few_words
from hybrid.corpus.readers.headings import headings_of
from hybrid.corpus.readers.sheets.csv import csv_text
from hybrid.corpus.readers.tables.pipes import with_tables
from hybrid.document import Document
from hybrid.text.kinds import READERS, TEXTS, kind_of, unsupported

READING = 17  # raised whenever the text of a file that could be read already changes: indexes are then made anew


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
    if kind in TEXTS:
        text = decode(data)
        found = _text(name, text, kind, path, language)
        damaged = text.count("\ufffd") - data.count(b"\xef\xbf\xbd")
        told = f"{damaged} damaged character{'s' * (damaged > 1)} read as \ufffd"
        return replace(found, remarks=(*found.remarks, told)) if damaged > 0 else found
    try:
        got = READERS[kind](data)
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

    Args:
        pages: offsets in characters at which its pages begin.

    Raises:
        Unreadable: the text is empty.
    """
    kind, language = kind_of(name)
    text = without_surrogates(text)
    if kind == "csv" and not pages and text.strip():
        got = csv_text(text)
        return Document(name, got.text, kind, anchors=got.anchors)
    if kind not in TEXTS:
        kind = "text"
    if not text.strip():
        raise Unreadable("empty text")
    if not pages:
        return _text(name, text, kind, None, language)
    return Document(name, text, kind, None, language, headings_of(text, kind, language), pages)


def _text(name: str, text: str, kind: str, path: str | None, language: str | None) -> Document:
    """The document of a text as it was decoded, with the rows of its tables told by their columns."""
    got = Extract(text) if kind == "code" else with_tables(text)
    return Document(name, got.text, kind, path, language, headings_of(got.text, kind, language), anchors=got.anchors)
