"""A table as lines of text: every row carries the names of its columns, so that no figure is read under another one.

    Region: South | Quarter: Q2 | Staff: 81

Tables of all kinds of files have this one form. An empty cell stays in its own column, as in `Monday: | Tuesday: 9-17`.
A cell that spans several columns is told in each. A row too wide for a line goes on in further lines, which begin with
its key. A row without names of columns is its cells alone, as in `Deposit | 800 EUR`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from typing import NamedTuple

from hybrid.corpus.readers.tables import header
from hybrid.text.sentences import CELLS

LINE = 400  # characters; a wider row is told in several lines
_KEY = 120  # most characters of the key of a row
_BEFORE = frozenset("$ \u20ac \u00a3 \u00a5 US$ ($".split())  # signs that filings give a cell of their own
_BEHIND = frozenset(") % )% %)".split())
_LETTER = re.compile(r"[^\W\d_]")


class Part(NamedTuple):
    """One cell in a line with the characters before and behind it; without a column it is no cell of the row."""

    lead: str
    cell: str
    column: int | None
    tail: str = ""


def row_parts(names: Sequence[str], cells: Sequence[str | None], title: str = "") -> list[list[Part]]:
    """A row as lines of parts, one line or more.

    Args:
        names: of the columns; empty ones name nothing, and without any the cells stand alone.
        cells: None for one that is left out.
        title: of the part of the table that the row stands in.
    """
    named = any(names)
    filled = {name for name, cell in zip(names, cells, strict=False) if cell}  # under a name over several columns
    told = [
        Part(f"{name}: " if name and cell else f"{name}:" if name else "", cell, at)
        for at, (name, cell) in enumerate(zip_longest(names, cells, fillvalue=""))
        if cell is not None and (cell or not named or (name and name not in filled))
    ]
    while told and not (told[-1].lead or told[-1].cell):  # without names a gap at the ends of a row tells nothing
        told.pop()
    while told and not (told[0].lead or told[0].cell):
        del told[0]
    told = _signed(told)
    if title:
        told.insert(0, Part(title, "", None))
    if not named:
        return [apart(told)]
    first = _key_cells(cells) + bool(title)
    key = _short(text_of(apart(told[:first])))
    begins = _begins([len(part.lead) + len(part.cell) + len(CELLS) for part in told], first, len(key))
    lines = [told[begin:end] for begin, end in pairwise([*begins, len(told)])]
    return [apart([Part(key, "", None), *line] if at else line) for at, line in enumerate(lines)]


def row_lines(names: Sequence[str], cells: Sequence[str]) -> list[str]:
    """A row as text, in one line or more: `row_parts` for tables of plain cells, which may have millions of them."""
    if not any(names):
        return [" ".join(CELLS.join(cells).strip(" |").split())]
    told = [f"{name}: {cell}" if cell else f"{name}:" for name, cell in zip(names, cells, strict=False)]
    if not all(names):
        told = [part if name else cell for part, name, cell in zip(told, names, cells, strict=False)]
    told += cells[len(names) :]
    if sum(map(len, told)) + len(CELLS) * len(told) <= LINE:
        return [CELLS.join(filter(None, told))]
    first = _key_cells(cells)
    key = _short(CELLS.join(filter(None, told[:first])))
    begins = _begins([len(part) + len(CELLS) for part in told], first, len(key))
    lines = [CELLS.join(filter(None, told[begin:end])) for begin, end in pairwise([*begins, len(told)])]
    return [f"{key}{CELLS}{line}" if at else line for at, line in enumerate(lines)]


def _begins(lengths: Sequence[int], first: int, key: int) -> list[int]:
    """Where the lines of a row begin; the `first` parts are a key of `key` characters, before further lines."""
    begins, size = [0], key
    for at in range(first, len(lengths)):
        if at > max(begins[-1], first) and size + lengths[at] > LINE:
            begins.append(at)
            size = key
        size += lengths[at]
    return begins


def _short(key: str) -> str:
    return key if len(key) <= _KEY else key[:_KEY].rsplit(" ", 1)[0] + " \u2026"


def _key_cells(cells: Sequence[str | None]) -> int:
    """How many of the first cells are the key of a row: up to the first of three that has letters."""
    for count, cell in enumerate(cells[:3], 1):
        if cell and _LETTER.search(cell):
            return count
    return 1


def _signed(told: Sequence[Part]) -> list[Part]:
    """The parts, with signs of currency or percent from cells of their own joined to their figures."""
    found: list[Part] = []
    for part in told:
        before = found[-1] if found else None
        if before is not None and before.cell in _BEFORE and part.cell:
            found[-1] = part._replace(lead=(part.lead or before.lead) + before.cell)
        elif before is not None and before.cell and part.cell in _BEHIND:
            found[-1] = before._replace(tail=before.tail + part.cell)
        else:
            found.append(part)
    return found


def apart(parts: Sequence[Part]) -> list[Part]:
    """The parts of a line with the bars between them."""
    return [
        part if not at else part._replace(lead=(CELLS if part.lead or part.cell else CELLS.rstrip()) + part.lead)
        for at, part in enumerate(parts)
    ]


def text_of(parts: Iterable[Part]) -> str:
    return "".join(part.lead + part.cell + part.tail for part in parts)


_LONG = 80  # characters of a cell over several columns that is told only once


class Line(NamedTuple):
    """A line of text and the row that it tells."""

    row: int
    parts: list[Part]

    @property
    def text(self) -> str:
        return text_of(self.parts)


@dataclass(slots=True)
class Grid:
    """The cells of a table, each in its column; white space in them is single blanks."""

    rows: list[list[str]] = field(default_factory=list)
    heads: set[int] = field(default_factory=set)  # rows known to name columns
    whole: set[int] = field(default_factory=set)  # rows that are one cell over all the columns
    copies: set[tuple[int, int]] = field(default_factory=set)  # row and column of a cell that goes on from the left
    downs: set[tuple[int, int]] = field(default_factory=set)  # and of one that goes on from above

    def lines(self) -> Iterator[Line]:
        """The table as text, one row after the other; empty rows are left out."""
        dead = self._dead()
        heads, sure = (self.heads, True) if self.heads else self._header(dead)
        names: list[str] = []
        title, told = "", False  # of the rows below, and whether any row has had it
        for number, cells in enumerate(self.rows):
            if not any(cells):
                continue
            if number in self.whole and len(cells) > 1:
                if title and not told:
                    yield _said(number - 1, title)
                title, told = cells[0], False
                if len(title) > header.SHORT or title.endswith((".", "!", "?", ";")):  # a note, no title of rows
                    yield Line(number, [Part("", title, 0)])
                    title = ""
                continue
            if number in heads:
                own = [header.column_name(cell) for cell in cells]
                if number - 1 in heads:
                    spanned = any((number - 1, at) in self.copies for at in range(len(names)))
                    own = header.joined_names(names, own) if spanned else header.grouped_names(names, own)
                names = own
                if not sure or not self._has_rows(number, heads):
                    yield Line(number, apart([Part("", cell, at) for at, cell in enumerate(cells) if cell]))
                continue
            told = True
            for parts in row_parts(names, self._told(number, names), title):
                yield Line(number, parts)
        if title and not told:
            yield _said(len(self.rows) - 1, title)

    def _header(self, dead: Collection[int]) -> tuple[set[int], bool]:
        """The rows that name the columns, and whether that is sure."""
        depth = self.depth()
        first = self.rows[: header.SAMPLE + depth]
        count, sure = header.header_rows(_without([*first[:1], *first[depth:]], dead), pairs=True)
        if depth == 2 and not count:
            gone = self.copies | self.downs
            begun = [["" if (n, at) in gone else cell for at, cell in enumerate(row)] for n, row in enumerate(first)]
            count = 2 * header.is_upper(_without(begun, dead))
        return set(range(max(count, depth) if count else 0)), sure

    def depth(self) -> int:
        """How many of the first rows are tied by cells over several of them; all name columns if the first does."""
        depth = 1
        while depth < min(4, len(self.rows) - 1) and (
            any((depth, at) in self.downs for at in range(len(self.rows[depth])))
            or any((depth - 1, at) in self.copies for at in range(len(self.rows[depth - 1])))
        ):
            if any(header.is_figure(cell) and not header.YEAR.fullmatch(cell) for cell in self.rows[depth]):
                break
            depth += 1
        return depth

    def _has_rows(self, number: int, heads: Collection[int]) -> bool:
        return any(
            any(cells) and row not in heads and row not in self.whole
            for row, cells in enumerate(self.rows[number + 1 :], number + 1)
        )

    def _dead(self) -> set[int]:
        """The columns that are empty, or go on from the left in every row."""
        width = max(map(len, self.rows), default=0)
        return {
            at
            for at in range(width)
            if all(at >= len(row) or not row[at] or (n, at) in self.copies for n, row in enumerate(self.rows))
        }

    def _told(self, number: int, names: Sequence[str]) -> list[str | None]:
        """A row's cells; None where a cell that spans several columns is not told again."""
        cells = self.rows[number]
        return [
            None if (number, at) in self.copies and (at >= len(names) or not names[at] or len(cell) > _LONG) else cell
            for at, cell in enumerate(cells)
        ]


def _without(rows: Sequence[Sequence[str]], dead: Collection[int]) -> list[list[str]]:
    return [[cell for at, cell in enumerate(row) if at not in dead] for row in rows]


def _said(row: int, text: str) -> Line:
    return Line(row, [Part(text, "", None)])


_WIDEST = 1000  # columns; a page may claim any number


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it is written: its text with single blanks and how much of the grid it takes."""

    text: str
    across: int = 1
    down: int = 1
    head: bool = False  # whether it names a column or a row


def spread(rows: Sequence[Sequence[Cell]], heads: Sequence[bool] = ()) -> tuple[Grid, list[list[int | None]]]:
    """The grid of a table, and for each place in it the number of the row's cell that begins there, None elsewhere.

    `heads` says for each row whether it is known to name the columns.
    """
    grid = Grid()
    own: list[list[int | None]] = []
    width = min(_WIDEST, max((sum(cell.across for cell in row) for row in rows), default=0))
    above: dict[int, tuple[Cell, int, bool]] = {}  # by column: cell, rows still to fill, whether it began further left
    for number, row in enumerate(rows):
        texts: list[str] = []
        places: list[int | None] = []
        waiting = list(enumerate(row))[::-1]
        marks: list[Cell] = []
        while (waiting or len(texts) in above) and len(texts) < _WIDEST:
            at = len(texts)
            if at in above:
                cell, left, inner = above.pop(at)
                if left > 1:
                    above[at] = (cell, left - 1, inner)
                texts.append(cell.text)
                places.append(None)
                marks.append(cell)
                grid.downs.add((number, at))
                if inner:
                    grid.copies.add((number, at))
                continue
            index, cell = waiting.pop()
            for step in range(max(1, cell.across)):
                if len(texts) >= _WIDEST or (step and len(texts) in above):
                    break
                at = len(texts)
                texts.append(cell.text)
                places.append(None if step else index)
                marks.append(cell)
                if step:
                    grid.copies.add((number, at))
                if cell.down > 1:
                    above[at] = (cell, cell.down - 1, step > 0)
        grid.rows.append(texts)
        own.append(places)
        filled = [cell for cell in row if cell.text]
        if len(row) == 1 and row[0].across > 1 and row[0].across >= width and row[0].text:
            grid.whole.add(number)
        elif (number < len(heads) and heads[number]) or (len(marks) > 1 and filled and all(c.head for c in filled)):
            grid.heads.add(number)
    return grid, own
