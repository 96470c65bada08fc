"""A document: its text, and where each character of it stands in the original file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Field = str | int | float | bool  # what a document may be filtered by; a date is ISO text


class Anchor(NamedTuple):
    """A place where the text and its original correspond.

    The text is verbatim from one anchor to the next, unless the original is longer or shorter there (an entity, an
    escape): positions inside such a stretch are moved to its ends.
    """

    text: int  # character offset in Document.text
    source: int  # character offset in the original
    line: int  # 1-based line of that offset in the original


class Heading(NamedTuple):
    """A heading, a section number or a definition's name, and where it begins in the text."""

    start: int
    level: int  # 1 is the outermost
    title: str


class Location(NamedTuple):
    """A range in the original: characters, 1-based lines and, if there are pages, the page.

    For formats that are not text (PDF, DOCX) characters and lines count in the extracted text; for PDF the
    lines count within the page.
    """

    start: int
    end: int
    line: int
    end_line: int
    page: int | None


@dataclass(frozen=True, slots=True)
class Document:
    """One readable file or text."""

    name: str  # unique in its corpus; for files a POSIX path relative to the corpus
    text: str
    kind: str = "text"  # text, markdown, html, rst, pdf, docx, xlsx, pptx, email, csv, json, ..., code
    path: str | None = None  # where it can be opened, None for texts given directly
    language: str | None = None  # tree-sitter's name of the programming language
    headings: tuple[Heading, ...] = ()
    pages: tuple[int, ...] = ()  # offset in text at which each page begins
    anchors: tuple[Anchor, ...] = ()  # empty if text and original are the same
    remarks: tuple[str, ...] = ()  # parts of the file that are not in the text, in a few words: "3 comments left out"
    metadata: Mapping[str, Field] = field(default_factory=dict, hash=False)  # by which filters choose documents
    _newlines: list[int] = field(default_factory=list, repr=False, compare=False)

    def locate(self, start: int, end: int) -> Location:
        """The place in the original of the characters `start:end` of `text`."""
        if self.anchors:
            source_start, line = self._source(start)
            source_end, end_line = self._source(max(start, end - 1))
            return Location(source_start, source_end + (end > start), line, end_line, self.page_of(start))
        page = self.page_of(start)
        first = self.pages[page - 1] if page is not None else 0
        before = self._lines_before(first)
        return Location(
            start,
            end,
            self._lines_before(start) - before + 1,
            self._lines_before(max(start, end - 1)) - before + 1,
            page,
        )

    def page_of(self, position: int) -> int | None:
        """The 1-based page that holds `position`, None if the format has no pages."""
        return max(1, bisect_right(self.pages, position)) if self.pages else None

    def _source(self, position: int) -> tuple[int, int]:
        i = max(0, bisect_right(self.anchors, position, key=lambda a: a.text) - 1)
        anchor = self.anchors[i]
        source = anchor.source + (position - anchor.text)
        if i + 1 < len(self.anchors):
            source = min(source, self.anchors[i + 1].source)
        return source, anchor.line + self.text.count("\n", anchor.text, position)

    def _lines_before(self, position: int) -> int:
        if not self._newlines:  # built once: documents are asked for thousands of positions
            find, at = self.text.find, -1
            while (at := find("\n", at + 1)) >= 0:
                self._newlines.append(at)
            self._newlines.append(len(self.text))
        return bisect_right(self._newlines, position - 1)
