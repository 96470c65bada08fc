"""What tests look at in a document that was read."""

from __future__ import annotations

from hybrid.corpus.readers.read import read
from hybrid.document import Document


def outline(document: Document) -> list[tuple[int, str]]:
    for heading in document.headings:
        assert heading.start <= len(document.text)
    assert [h.start for h in document.headings] == sorted(h.start for h in document.headings)
    return [(h.level, h.title) for h in document.headings]


def original(document: Document, source: str, passage: str) -> str:
    """What stands in the source where `passage` of the document says it comes from."""
    start = document.text.index(passage)
    place = document.locate(start, start + len(passage))
    assert place.line == source.count("\n", 0, place.start) + 1
    return source[place.start : place.end]


def csv(text: str | bytes, name: str = "a.csv") -> list[str]:
    """The lines that a CSV is read as."""
    return read(name, text if isinstance(text, bytes) else text.encode()).text.split("\n")


def html(body: str) -> list[str]:
    """The lines that a page is read as, without blank ones."""
    return [line for line in read("a.html", body.encode()).text.split("\n") if line]
