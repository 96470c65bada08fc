"""A table as lines of text: every row carries the names of its columns, so that no figure is read under another one.

    Region: South | Quarter: Q2 | Staff: 81

One form for the tables of all kinds of files. A cell that is empty stays so in its own column, as in
`Monday: | Tuesday: 9-17`, one that spans several is told in each. A row too wide for a line goes on in further ones,
which begin with its key. Rows without names of columns are their cells alone, as in `Deposit | 800 EUR`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from typing import NamedTuple

from hybrid.sentences import CELLS

LINE = 400  # characters; a wider row is told in several lines
SAMPLE = 200  # rows looked at to tell a header from a row
_KEY = 120  # characters at most of what tells one row from the others
_SHORT = 60  # characters of a name or a title
_LONG = 80  # characters of a cell over several columns that is not told in each of them
_YEAR = re.compile(r"(?:FY ?)?(?:19|20)\d\d(?:[/-]\d\d(?:\d\d)?)?")
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")
_COLUMN = re.compile(  # what columns are called and rows are not
    r"(?:^|[\s_])(?:id|nr\.?|no\.?|name|names|title|role|position|city|town|country|region|department|team|address|street|"
    r"e-?mail|phone|date|time|day|status|state|type|kind|category|description|comment|comments|note|notes|remark|remarks|"
    r"amount|price|cost|fee|total|value|unit|quantity|item|product|service|question|answer|url|link|"
    r"stadt|ort|abteilung|stra\u00dfe|telefon|datum|preis|betrag|menge|wert|bezeichnung|beschreibung|bemerkung|"
    r"nom|ville|pays|prix|nombre|ciudad|precio|fecha)$|^[a-z]+(?:_[a-z]+)+$",
    re.IGNORECASE,
)
_NOTHING = frozenset({"", "-", "\u2013", "\u2014", ".", "?", "n/a", "na", "nan", "null", "none", "k. a.", "k.a."})


class Line(NamedTuple):
    """A line of text and the row that it tells."""

    row: int
    text: str


@dataclass(slots=True)
class Grid:
    """The cells of a table, each in its column; white space in them is single blanks."""

    rows: list[list[str]] = field(default_factory=list)
    heads: set[int] = field(default_factory=set)  # rows known to name columns
    whole: set[int] = field(default_factory=set)  # rows that are one cell over all the columns
    copies: set[tuple[int, int]] = field(default_factory=set)  # row and column of a cell that goes on from the left
    downs: set[tuple[int, int]] = field(default_factory=set)  # and of one that goes on from above
    marked: bool = False  # whether the file itself says which rows name columns, and if none then none

    def lines(self) -> Iterator[Line]:
        """The table as text, one row after the other; empty rows are left out."""
        heads, sure = self.heads, True
        if not heads and not self.marked:
            depth = self._depth()
            count, sure = header_rows([*self.rows[:1], *self.rows[depth:]], pairs=True)
            heads = set(range(max(count, depth) if count else 0))
        names: list[str] = []
        title, told = "", False  # of the rows below, and whether any row has had it
        for number, cells in enumerate(self.rows):
            if not any(cells):
                continue
            if number in self.whole and len(cells) > 1:
                if title and not told:
                    yield Line(number - 1, title)
                title, told = cells[0], False
                if not _is_title(title):
                    yield Line(number, title)
                    title = ""
                continue
            if number in heads:
                own = [column_name(cell) for cell in cells]
                names = _joined(names, own) if number - 1 in heads else own
                if not sure or not self._has_rows(number, heads):
                    yield Line(number, CELLS.join(filter(None, cells)))
                continue
            told = True
            for text in row_lines(names, self._told(number, names), title):
                yield Line(number, text)
        if title and not told:
            yield Line(len(self.rows) - 1, title)

    def _depth(self) -> int:
        """How many of the first rows hang together by cells over several of them: names of columns, if the first is."""
        depth = 1
        while depth < min(4, len(self.rows) - 1) and (
            any((depth, at) in self.downs for at in range(len(self.rows[depth])))
            or any((depth - 1, at) in self.copies for at in range(len(self.rows[depth - 1])))
        ):
            depth += 1
        return depth

    def _has_rows(self, number: int, heads: Collection[int]) -> bool:
        """Whether any row stands under the header in this one."""
        return any(
            any(cells) and row not in heads and row not in self.whole
            for row, cells in enumerate(self.rows[number + 1 :], number + 1)
        )

    def _told(self, number: int, names: Sequence[str]) -> list[str | None]:
        """A row's cells, None where one that spans several columns is not told again."""
        cells = self.rows[number]
        return [
            None if (number, at) in self.copies and (at >= len(names) or not names[at] or len(cell) > _LONG) else cell
            for at, cell in enumerate(cells)
        ]


def row_lines(names: Sequence[str], cells: Sequence[str | None], title: str = "") -> list[str]:
    """A row as text, in one line or more.

    Args:
        names: of the columns; empty ones name nothing, and without any the cells stand alone.
        cells: None for one that is left out.
        title: of the part of the table that the row stands in.
    """
    named = any(names)
    told = [
        (f"{name}: {cell}" if cell else f"{name}:") if name else cell
        for name, cell in zip_longest(names, cells, fillvalue="")
        if cell is not None
    ]
    if not named:  # without names a gap tells nothing at the ends of a row
        while told and not told[-1]:
            told.pop()
        while told and not told[0]:
            del told[0]
    else:
        told = [part for part in told if part]
    told = [title, *told] if title else told
    if not named:
        return [_squeezed(told)]
    if sum(map(len, told)) + 3 * len(told) <= LINE:
        return [CELLS.join(told)]
    first = _key_cells(cells) + bool(title)
    key = CELLS.join(told[:first])
    if len(key) > _KEY:
        key = key[:_KEY].rsplit(" ", 1)[0] + " \u2026"
    found: list[str] = []
    line, size = [CELLS.join(told[:first])], len(key)
    for part in told[first:]:
        if len(line) > 1 and size + len(part) + 3 > LINE:
            found.append(CELLS.join(line))
            line, size = [key], len(key)
        line.append(part)
        size += len(part) + 3
    found.append(CELLS.join(line))
    return found


def key_of(names: Sequence[str], cells: Sequence[str]) -> str:
    """What tells a row from the others, for what stands apart from it; empty where that would be long."""
    told = [f"{name}: {cell}" if name else cell for name, cell in zip(names, cells, strict=False)] or list(cells)
    key = CELLS.join(filter(None, told[: _key_cells(cells)]))
    return key if len(key) <= _SHORT else ""


def header_rows(rows: Sequence[Sequence[str]], *, pairs: bool = False) -> tuple[int, bool]:
    """How many of the first rows name the columns, and whether that is sure.

    A name has no digits where its column has some, or is a year over a column of figures. Where a table is all words
    the first row counts as one of names, unless one of them comes again below it.

    Args:
        pairs: whether a table of two columns whose first row is not surely one of names is one of keys and values.
    """
    if len(rows) < 2 or not any(rows[0]):
        return 0, True
    head, body = rows[0], [row for row in rows[1 : SAMPLE + 1] if row != rows[0]]
    if not body:
        return 0, True
    width = max(len(row) for row in body)
    told = [cell for cell in head if cell]
    if len(told) < min(2, width) or 2 * len(told) < width or max(map(len, told)) > 200:
        return (2, True) if _is_upper(rows) else (0, True)
    score = _names(head, body)
    if score <= 0 and _is_upper(rows):
        return 2, True
    if score < 0:
        return 0, True
    if pairs and width == 2 and not (score > 0 and _alike([row[1] for row in body if len(row) > 1 and row[1]])):
        return 0, True
    if score > 0:
        return (2 if _is_upper(rows) else 1), True
    if any(_COLUMN.search(cell) for cell in told):
        return 1, True
    words = not any(map(_DIGIT.search, told)) and max(map(len, told)) <= _SHORT and len(set(told)) == len(told)
    return int(words), False


def _is_upper(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row stands above names (or has units below), with an empty first cell in one of the two."""
    if len(rows) < 3 or (rows[0][0] and rows[1] and rows[1][0]):
        return False
    over = rows[0][1:]
    if not rows[0][0] and all(over) and all(one != other for one, other in pairwise(over)):
        return False  # names over a table whose first column has none
    two = rows[1]
    return sum(map(bool, two)) > 1 and not any(map(_is_figure, two)) and _names(two, rows[2 : SAMPLE + 2]) > 1


def _names(head: Sequence[str], body: Sequence[Sequence[str]]) -> int:
    """In how many columns the first row looks like a name rather than like the cells below it, less those where not."""
    score = 0
    for at, name in enumerate(head):
        column = [row[at] for row in body if at < len(row) and row[at].lower() not in _NOTHING]
        if not name or not column:
            continue
        figures = sum(bool(_DIGIT.search(cell)) for cell in column) / len(column)
        if not _DIGIT.search(name):
            score += 1 if figures >= 0.8 else -1 if name in column else 0
        elif _YEAR.fullmatch(name):
            years = sum(bool(_YEAR.fullmatch(cell)) for cell in column) / len(column)
            score += -1 if years >= 0.5 else 1 if figures >= 0.8 else 0
        elif _LETTER.match(name):
            bare = sum(not _LETTER.search(cell) for cell in column) / len(column)
            score += 1 if bare >= 0.8 else -1 if _shape(name) in map(_shape, column) else 0
        elif figures >= 0.5:
            score -= 1
    return score


def _alike(column: Sequence[str]) -> bool:
    """Whether the cells are figures of one kind: amounts of one currency, not a date below an amount."""
    shapes = Counter(re.sub(r"[^\w%]+", " ", re.sub(r"\d[\d.,' ]*", "0", cell)).strip() for cell in column)
    return len(column) > 1 and all(map(_DIGIT.search, column)) and max(shapes.values()) >= 0.6 * len(column)


def _shape(cell: str) -> str:
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", cell))


def _is_figure(cell: str) -> bool:
    return bool(_DIGIT.match(cell)) and not _LETTER.search(cell)


def _is_title(cell: str) -> bool:
    """Whether a cell over all the columns names the rows below it rather than saying something."""
    return len(cell) <= _SHORT and not cell.endswith((".", "!", "?", ";"))


def column_name(cell: str) -> str:
    """The name that a cell gives its column."""
    return cell.rstrip(" :") or cell


def _joined(upper: Iterable[str], lower: Iterable[str]) -> list[str]:
    """The names of columns from two rows of them: "2024" over "Q1" is "2024 Q1"."""
    pairs = zip_longest(upper, lower, fillvalue="")
    return [one if one == other else f"{one} {other}".strip() for one, other in pairs]


def _key_cells(cells: Sequence[str | None]) -> int:
    """How many of the first cells tell a row from the others: up to the first of three that has letters."""
    for count, cell in enumerate(cells[:3], 1):
        if cell and _LETTER.search(cell):
            return count
    return 1


def _squeezed(cells: Iterable[str]) -> str:
    return " ".join(CELLS.join(cells).split())
