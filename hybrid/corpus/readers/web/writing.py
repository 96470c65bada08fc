"""The text of a web page as it is written: gaps between runs of text, headings, and tables.

The cells of a table are gathered until it ends, and then it is told row by row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hybrid.corpus.readers.extract import Extract, Rendering
from hybrid.corpus.readers.tables.grid import Cell, Part, spread
from hybrid.document import Heading
from hybrid.text.sentences import CELLS

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


DEEPEST = 16  # tables inside each other that are told as tables
_PROSE = 400  # characters of a cell that lays out a page rather than holding a value
_KEY = 60  # most characters of the cell that names the row around an inner table
_TALLEST = 10_000  # rows of a cell; a page may claim any number
_MARK = re.compile(r"[\u2022\u25cf\u25aa\u25e6\u00b7*\u2013\u2014-]|\(?[0-9a-zA-Z]{1,4}[.)]")  # of an item in a list


@dataclass(slots=True)
class HtmlCell:
    """A cell and its content."""

    across: int
    down: int
    head: bool
    ops: list[Op] = field(default_factory=list)

    def pieces(self) -> list[Op]:
        """Its own text with the gaps in it as single blanks."""
        found: list[Op] = []
        gap = False
        for op in self.ops:
            if op.what == "fill":
                found.append(Op("gap", op.text))
                continue
            if op.what != "text":
                gap = gap or op.what != "gap" or bool(op.text)
                continue
            end = 0
            for run in RUN.finditer(op.text):
                if found and (gap or run.start() > end):
                    found.append(Op("gap", " "))
                found.append(Op("text", run[0], op.at + run.start()))
                gap, end = False, run.end()
            gap = gap or end < len(op.text)
        return found

    def inner(self) -> list[Op]:
        """The rows of the tables in it."""
        return [op for op in self.ops if op.what == "row"]

    def is_prose(self, size: int) -> bool:
        """Whether a page is laid out by it: paragraphs, headings or very much text stand in it."""
        titled = any(op.what == "heading" for op in self.ops)
        texts = [at for at, op in enumerate(self.ops) if op.what == "text"]
        between = self.ops[texts[0] : texts[-1]] if texts else []
        return titled or size > _PROSE or any(op.text == "\n\n" for op in between if op.what == "gap")


@dataclass(slots=True)
class HtmlTable:
    """A table that has not ended yet."""

    rows: list[list[HtmlCell]] = field(default_factory=list)
    heads: list[bool] = field(default_factory=list)  # which rows stand in a thead
    loose: list[Op] = field(default_factory=list)  # in no cell: its caption
    in_head: bool = False
    cell: HtmlCell | None = None  # the open one

    def begin_row(self) -> None:
        self.rows.append([])
        self.heads.append(self.in_head)

    def begin_cell(self, attrs: Mapping[str, str | None], head: bool) -> None:
        if not self.rows:
            self.begin_row()
        down = _span(attrs.get("rowspan"), _TALLEST)
        self.cell = HtmlCell(_span(attrs.get("colspan"), 1000) or 1, down or _TALLEST, head)
        self.rows[-1].append(self.cell)

    def begin_part(self, tag: str) -> None:
        """A thead, tbody or tfoot begins, where all cells above end, or a caption, which stands in no cell."""
        self.cell = None
        if tag == "caption":
            return
        self.in_head = tag == "thead"
        for back, row in enumerate(reversed(self.rows), 1):
            for cell in row:
                cell.down = min(cell.down, back)

    def ops(self) -> list[Op]:
        """The content that is written now."""
        return self.loose if self.cell is None else self.cell.ops

    def told(self) -> Iterator[Op]:
        """The table, to be written."""
        pieces = [[cell.pieces() for cell in row] for row in self.rows]
        cells = [
            [
                Cell("".join(op.text for op in own), cell.across, cell.down, cell.head)
                for cell, own in zip(*both, strict=True)
            ]
            for both in zip(self.rows, pieces, strict=True)
        ]
        grid, places = spread(cells, self.heads)
        prose = set() if grid.heads else {at for at, row in enumerate(self.rows) if _is_prose(row, cells[at])}
        for number in prose:
            grid.rows[number] = []
        lines: dict[int, list[list[Part]]] = {}
        for line in grid.lines():
            lines.setdefault(line.row, []).append(line.parts)
        yield from self.loose
        for number, row in enumerate(self.rows):
            if number in prose:
                yield from _blocks(row, cells[number])
                continue
            inner = [op for cell in row for op in cell.inner()]
            only_key = not grid.heads and inner and sum(bool(cell.text) for cell in cells[number]) < 2
            for parts in () if only_key else lines.get(number, ()):
                yield Op("row", row=tuple(_ops(parts, pieces[number], places[number])))
            key = next((cell.text for cell in cells[number] if 0 < len(cell.text) <= _KEY), "")
            for op in inner:
                yield op._replace(row=(Op("gap", f"{key}{CELLS}"), *op.row)) if key else op


def _ops(parts: Sequence[Part], pieces: Sequence[list[Op]], places: Sequence[int | None]) -> Iterator[Op]:
    """The parts of a line: cells at their place in the source, all else as gaps."""
    for part in parts:
        column = part.column
        index = places[column] if column is not None and column < len(places) else None  # the row may be a shorter one
        if index is None or not part.cell:
            yield Op("gap", part.lead + part.cell + part.tail)
        else:
            yield Op("gap", part.lead)
            yield from pieces[index]
            yield Op("gap", part.tail)


def _is_prose(row: Sequence[HtmlCell], cells: Sequence[Cell]) -> bool:
    """Whether a row lays out a page: it has prose in a cell, an item behind its mark, or only one filled cell."""
    filled = [(own, cell.text) for own, cell in zip(row, cells, strict=True) if cell.text or own.inner()]
    if len(filled) < 2:
        return not any(cell.across > 1 for cell in cells)
    return any(own.is_prose(len(text)) for own, text in filled) or bool(
        len(filled) == 2 and _MARK.fullmatch(filled[0][1])
    )


def _blocks(row: Sequence[HtmlCell], cells: Sequence[Cell]) -> Iterator[Op]:
    """The cells of a row below each other, the mark of an item before the next cell."""
    gap = "\n"
    for own, cell in zip(row, cells, strict=True):
        if not own.ops:
            continue
        prose = own.is_prose(len(cell.text))
        yield Op("gap", gap if gap == " " or not prose else "\n\n")
        yield from own.ops
        gap = " " if _MARK.fullmatch(cell.text) else "\n\n" if prose else "\n"
    yield Op("gap", gap if gap != " " else "\n")


def _span(given: str | None, most: int) -> int:
    """The columns or rows of a cell, as browsers read them; 0 stands for all that are left."""
    if given is None:
        return 1
    digits = re.match(r"\s*\+?(\d+)", given)
    return min(int(digits[1][:6]), most) if digits else 1
