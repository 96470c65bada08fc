"""A table as lines of text: every row carries the names of its columns, so that no figure is read under another one.

Tables of all kinds of files have this one form; see row.py. A cell that spans several columns is told in each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hybrid.corpus.readers.tables import header
from hybrid.corpus.readers.tables.row import Part, apart, row_parts, text_of

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
            for parts in row_parts(names, self._told(number, names, dead), title):
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
        """Whether any row stands under the header in this one."""
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

    def _told(self, number: int, names: Sequence[str], dead: Collection[int]) -> list[str | None]:
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
