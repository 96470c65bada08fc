"""A table of a web page: its cells are gathered until it ends, and then it is told row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hybrid.corpus.readers.tables.row import Part
from hybrid.corpus.readers.tables.spread import Cell, spread
from hybrid.corpus.readers.web.writing import RUN, Op
from hybrid.text.sentences import CELLS

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
