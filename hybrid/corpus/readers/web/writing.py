"""The text of a web page as it is written: the gaps between runs of text, headings, and rows of tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from hybrid.corpus.readers.extract import Extract
from hybrid.corpus.readers.rendering import Rendering
from hybrid.document import Heading

RUN = re.compile(r"[^ \t\n\r\f]+(?: [^ \t\n\r\f]+)*")  # of text, with single blanks
_GAPS = ("", " ", "\n", ": ", "\n\n")  # by strength: between two runs of text the strongest wins


class Op(NamedTuple):
    """Something to be written."""

    what: str  # text, gap, fill (text that the source does not have), heading, end of a heading, row of a table
    text: str = ""  # of text and gaps
    at: int = 0  # offset in the source; level of a heading
    row: tuple[Op, ...] = ()  # of a row: its cells, and gaps before them


class Writing:
    """The text and the headings of a page so far."""

    def __init__(self, source: str) -> None:
        self._out = Rendering(source)
        self._headings: list[Heading] = []
        self._gap = ""  # due before the next text
        self._colon = False  # whether the last text ends with a colon
        self._level = 0  # of the open heading; 0 where none is
        self._title: list[str] = []  # its text so far
        self._begin: int | None = None  # where that stands

    def write(self, op: Op) -> None:
        if op.what in ("text", "fill"):
            self._text(op)
        elif op.what == "row":
            self._row(op.row)
        elif op.what == "gap":
            if op.text == " " and self._level:
                self._title.append(" ")
            self._gap = max(self._gap, op.text, key=_GAPS.index)
        else:
            self._end_heading()
            self._level = op.at if op.what == "heading" else 0

    def extract(self) -> Extract:
        """All that was written."""
        self._end_heading()
        return self._out.extract(tuple(self._headings))

    def _text(self, op: Op) -> None:
        if self._gap and self._out.length:
            self._out.fill(" " if self._gap == ": " and self._colon else self._gap)
        self._gap = ""
        self._colon = op.text.endswith(":")
        if self._level:
            self._begin = self._out.length if self._begin is None else self._begin
            self._title.append(op.text)
        if op.what == "text":
            self._out.put(op.text, op.at)
        else:
            self._out.fill(op.text)

    def _row(self, row: Sequence[Op]) -> None:
        """A row on a line of its own; all of it is in the source where its own cells are."""
        if self._out.length:
            self._out.fill("\n" if self._gap in ("", " ", "\n") else self._gap)
        at = next((op.at for op in row if op.what == "text"), None)
        for op in row:
            if op.what == "text":
                self._out.put(op.text, op.at)
                at = op.at + len(op.text)
            elif op.text:
                if at is not None:
                    self._out.put("", at)
                self._out.fill(op.text)
        self._gap = "\n"

    def _end_heading(self) -> None:
        if self._begin is not None:
            self._headings.append(Heading(self._begin, self._level, " ".join("".join(self._title).split())))
        self._level, self._title, self._begin = 0, [], None
