"""A table as it is seen on the page of a PDF, which holds only text at places.

Lines are rows of a table where their pieces stand below each other in three columns or more, or in two of which one is
all figures. A cell stands in the column that it is seen in, so an empty one moves nothing. A piece over the names of
columns ("2023" over "Q1" and "Q2") names those that it stands over, and others only on good evidence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from hybrid.corpus.readers.pdf.runs import PIECE
from hybrid.corpus.readers.tables.grid import Grid

FLUSH = 2  # pieces that begin fewer characters apart are flush
LEAST = 2  # characters of a piece over a column that it stands in too
_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[^\W\d_]")

Span = tuple[int, int]
Piece = tuple[Span, str]


def place(columns: Sequence[Span], span: Span) -> list[int]:
    """The columns that a piece stands over, else the nearest one."""
    over = [_overlap(span, column) for column in columns]
    most = max(range(len(over)), key=lambda at: (over[at], -abs(columns[at][0] - span[0])))
    return [at for at, size in enumerate(over) if size >= LEAST or at == most]


def groups(columns: Sequence[Span], pieces: Sequence[Piece], names: Sequence[str]) -> list[str]:
    """The words for each column on a line above the names.

    A piece names the columns that it stands over. Of those near it, it also names the ones whose name stands several
    times or counts on from a name below it, all where every piece has figures and equally many columns, and those that
    put it in the middle of its columns.
    """
    rest = [piece for piece in pieces if piece[0][0] >= columns[0][1]]
    found: list[Piece | None] = [None] * len(columns)
    for piece in rest:
        for at in _under(columns, piece[0]):
            found[at] = piece if at else None
    nearest = _nearest(columns, rest)
    for at in _told(names, found, nearest):
        found[at] = nearest[at]
    for piece in rest:
        _widen(columns, piece, found)
    said = ["" if piece is None else piece[1] for piece in found]
    if pieces and pieces[0] not in rest and not names[0] and place(columns, pieces[0][0]) == [0]:
        said[0] = pieces[0][1]
    return said


def _told(names: Sequence[str], found: Sequence[Piece | None], nearest: Sequence[Piece | None]) -> list[int]:
    """The columns without a piece above them that the nearest one names."""
    counts = Counter(nearest[1:])
    alike = len(counts) > 1 == len(set(counts.values())) and all(piece and _DIGIT.search(piece[1]) for piece in counts)
    counted = {(_DIGIT.sub("0", name), piece) for name, piece in zip(names, found, strict=True) if piece}
    return [
        at
        for at, name in enumerate(names)
        if at
        and name
        and found[at] is None
        and (
            alike or names.count(name) > 1 or (_DIGIT.search(name) and (_DIGIT.sub("0", name), nearest[at]) in counted)
        )
    ]


def _widen(columns: Sequence[Span], piece: Piece, found: list[Piece | None]) -> None:
    """Gives a piece the free columns between its own, and those beside them that put it in their middle."""
    own = [at for at, other in enumerate(found) if other == piece]
    begin, end = piece[0]
    if not own or any(min(abs(columns[at][0] - begin), abs(columns[at][1] - end)) < FLUSH for at in own):
        return  # it is flush with a column
    first, last = own[0], own[-1]
    while True:
        beside = [(at, last) for at in (first - 1,) if at > 0] + [(first, at) for at in (last + 1,) if at < len(found)]
        wider = [reach for reach in beside if found[reach[0]] in (None, piece) and found[reach[1]] in (None, piece)]
        best = min(wider, key=lambda reach: _off(columns, reach, piece[0]), default=(first, last))
        if _off(columns, best, piece[0]) > _off(columns, (first, last), piece[0]) - FLUSH:
            break
        first, last = best
    for at in range(first, last + 1):
        found[at] = found[at] or piece


def _off(columns: Sequence[Span], reach: tuple[int, int], span: Span) -> float:
    return abs((columns[reach[0]][0] + columns[reach[1]][1]) / 2 - sum(span) / 2)


def _under(columns: Sequence[Span], span: Span) -> list[int]:
    """The columns that a piece stands over, or the two that it stands between, else the nearest one."""
    if all(_overlap(span, column) <= 0 for column in columns):
        for at, (one, other) in enumerate(pairwise(columns)):
            if abs(sum(span) - one[0] - other[1]) <= 2 * FLUSH:
                return [at, at + 1]
    return place(columns, span)


def _nearest(columns: Sequence[Span], pieces: Sequence[Piece]) -> list[Piece | None]:
    """The piece that may name each column but the first: the last to begin, where all begin at a column."""
    starts = [
        next((at for at, column in enumerate(columns) if abs(column[0] - span[0]) < FLUSH), -1) for span, _ in pieces
    ]
    if starts and starts[0] == 1 and min(starts) > 0:
        last = [sum(start <= at for start in starts) for at in range(len(columns))]
        return [pieces[count - 1] if count else None for count in last]
    return [None, *_shares(columns, tuple(pieces))] if pieces else [None] * len(columns)


def _shares(columns: Sequence[Span], pieces: tuple[Piece, ...]) -> list[Piece | None]:
    """The piece over each column but the first, if each stands in the middle of neighbouring columns."""

    @cache
    def best(at: int, piece: int) -> tuple[float, tuple[int, ...]]:
        """How far off the pieces from this one on are at best, from this column on, and where their columns end."""
        ends = [len(columns) - 1] if piece == len(pieces) - 1 else range(at, len(columns) - len(pieces) + piece + 1)
        found = []
        for end in ends:
            rest = best(end + 1, piece + 1) if piece < len(pieces) - 1 else (0.0, ())
            found.append((_off(columns, (at, end), pieces[piece][0]) + rest[0], (end, *rest[1])))
        return min(found)

    if len(pieces) >= len(columns):
        return [min(pieces, key=lambda piece: abs(sum(piece[0]) - sum(column))) for column in columns[1:]]
    ends = best(1, 0)[1]
    return [pieces[sum(end < at for end in ends)] for at in range(1, len(columns))]


def _overlap(span: Span, other: Span) -> int:
    return min(span[1], other[1]) - max(span[0], other[0])


EM = 20  # lines of a layout, most of them blank, per height of a letter
_WIDE = 40  # characters of a cell on average; more is prose in columns
_BETWEEN = 4  # lines of one piece that a row of several lines may have
_CLOSE = 2.5 * EM  # the widest gap between names and their table
_MANY = 30  # lines at each end of a very long table that tell what it is
_NEAR = 0.85  # of the gap between two rows: nearer lines are of one row
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(slots=True)
class Row:
    """A line of a layout."""

    text: str  # without blanks
    cells: list[tuple[Span, str]]
    gap: int  # blank lines above it


@dataclass(slots=True)
class Table:
    """Rows that stand in the same columns."""

    columns: list[Span]
    rows: list[Row]
    over: list[Row] = field(default_factory=list)  # lines of fewer pieces above them, two at most
    below: list[Row] = field(default_factory=list)  # lines of one piece below them, which the last row may go on in

    def place(self, span: Span) -> list[int]:
        """The columns that a piece stands over, else the nearest one."""
        return place(self.columns, span)

    def heads(self) -> list[str]:
        """The names of the columns from the lines above figures; empty where these do not name each column."""
        below = [*self.over[1:], self.rows[0]]
        figures = sum(self._has_figures(at, self.rows) for at in range(1, len(self.columns)))
        if not self.over or 2 * figures < len(self.columns) - 1 or not all(row.gap < _CLOSE for row in below):
            return []
        if not all(map(_may_name, self.over)) or any(len(self.place(span)) > 1 for span, _ in self.over[-1].cells):
            return []
        names = [""] * len(self.columns)
        for row in reversed(self.over):
            names = joined_words([groups(self.columns, row.cells, names), names])
        return names if all(names) and len(set(names)) == len(names) else []

    def named_above(self, own: list[str], lower: Sequence[str]) -> list[str]:
        """The names of the columns with the words of the line above them.

        Where each name stands once, that line may say anything: it counts if it is near and has several pieces. `own`
        are the names so far, `lower` those on their lowest line.
        """
        upper = self.over[-1] if self.over else self.rows[0]
        if not _may_name(upper) or (not self.over and (lower is own or self.is_full(upper))):
            return own
        lower = own if self.over else lower
        said = groups(self.columns, upper.cells, lower)
        named = joined_words([said, lower])
        if len(set(own)) < len(own):
            return named
        several = sum(map(bool, said)) > 1 and all(
            self._has_figures(at, self.rows[1:]) for at, text in enumerate(said) if at and text
        )
        return named if several and self.over and self.rows[0].gap < _CLOSE else own

    def _has_figures(self, at: int, rows: Sequence[Row]) -> bool:
        """Whether all that stands in a column has digits."""
        cells = [text for row in rows for span, text in row.cells if at in self.place(span)]
        return bool(cells) and all(map(_DIGIT.search, cells))

    def within(self, row: Row) -> bool:
        """Whether a line of one piece is short and stands within the columns."""
        (begin, end), text = row.cells[0]
        inside = self.columns[0][0] <= begin and end <= self.columns[-1][1] + LEAST
        return inside and len(text) <= _WIDE * 1.5

    def holds(self, row: Row) -> bool:
        """Whether the pieces of a line stand in different columns."""
        places = [at for span, _ in row.cells for at in self.place(span)]
        return all(one < other for one, other in pairwise(places))

    def whole_rows(self) -> list[Row]:
        """The rows, each of which may go on over several lines, with its figures on any of them."""
        near = self.near()
        found: list[list[Row]] = []
        for row in self.rows:
            if found and row.gap < near:
                found[-1].append(row)
            else:
                found.append([row])
        names = next((row for row in self.rows if self.is_full(row)), None)  # the lines above are names too
        return [
            row
            for lines in self._going_on(found)
            for row in ([_joined(lines)] if self._is_one(lines) and names not in lines[1:] else lines)
        ]

    def near(self) -> float:
        """The gap below which two lines are of one row; 0 where too few rows tell."""
        full = [at for at, row in enumerate(self.rows) if self.is_full(row)]
        between = [max(row.gap for row in self.rows[one + 1 : other + 1]) for one, other in pairwise(full)]
        return _NEAR * min(between) if len(between) > 1 else 0

    def is_full(self, row: Row) -> bool:
        return len(row.cells) == len(self.columns)

    def _going_on(self, blocks: Sequence[list[Row]]) -> list[list[Row]]:
        """The blocks of lines; a line of one piece joins the next block where that goes on in lower case.

        Where rows begin in lower case such a line is a title of several rows instead.
        """
        found: list[list[Row]] = []
        for lines in reversed(blocks):
            at = self.place(lines[0].cells[0][0])[0]
            if found and len(lines[0].cells) == 1 and self._lower(found[-1][0], at) and not self._often_lower(at):
                found[-1][:0] = lines
            else:
                found.append(list(lines))
        return found[::-1]

    def _lower(self, row: Row, at: int) -> bool:
        """Whether a line has a cell in a column that begins in lower case."""
        return any(self.place(span)[0] == at and _in_lower_case(text) for span, text in row.cells)

    def _often_lower(self, at: int) -> bool:
        """Whether any row that does not go on from the line above begins in lower case in a column."""
        return any(self._lower(row, at) and len(above.cells) > 1 < len(row.cells) for above, row in pairwise(self.rows))

    def _is_one(self, lines: Sequence[Row]) -> bool:
        """Whether lines that stand together are one row: one of them is full, and no column has two figures.

        Each line above the full one is of one piece, or goes on in lower case in all of its pieces. A first line that
        begins in lower case belongs to the row above, except in the first column.
        """
        full = [at for at, row in enumerate(lines) if self.is_full(row)]
        figures = [at for row in lines for span, text in row.cells if _is_figure(text) for at in self.place(span)]
        if len(full) != 1 or len(set(figures)) < len(figures):
            return False
        (span, text), *more = lines[0].cells
        if full[0] and not more and self.place(span)[0] and _in_lower_case(text):
            return False
        return all(
            len(above.cells) == 1 or all(self._lower(row, self.place(span)[0]) for span, _ in above.cells)
            for above, row in pairwise(lines[: full[0] + 1])
        )

    def grid(self) -> Grid:
        """The cells in their columns. A line of one piece goes on with the row above, or names the rows below."""
        grid = Grid()
        for number, row in enumerate(self.whole_rows()):
            cells = [""] * len(self.columns)
            copies = set()
            for span, text in row.cells:
                first, *more = self.place(span)
                for at in (first, *more):
                    cells[at] = f"{cells[at]} {text}".strip()
                copies.update(more)
            if number and len(row.cells) == 1 and grid.rows:
                at = next(at for at, cell in enumerate(cells) if cell)
                if at or _in_lower_case(cells[0]):
                    grid.rows[-1][at] = f"{grid.rows[-1][at]} {cells[at]}".strip()
                    continue
                cells = [cells[0]] * len(cells)
                grid.whole.add(len(grid.rows))
            grid.copies.update((len(grid.rows), at) for at in copies)
            grid.rows.append(cells)
        return grid


def _is_figure(cell: str) -> bool:
    return bool(_DIGIT.search(cell)) and not _LETTER.search(cell)


def _in_lower_case(text: str) -> bool:
    """Whether a cell goes on with a sentence or a name."""
    return text[0].islower() or text[0] in "(&"


def _joined(lines: Sequence[Row]) -> Row:
    return Row("".join(row.text for row in lines), [cell for row in lines for cell in row.cells], lines[0].gap)


def joined_words(rows: Sequence[Sequence[str]]) -> list[str]:
    """The names of columns that stand on several lines."""
    return [" ".join(filter(None, dict.fromkeys(column))) for column in zip(*rows, strict=True)]


def _may_name(row: Row) -> bool:
    """Whether all pieces of a line are short, and none is a figure except a year."""
    return all(len(text) <= _WIDE and (_YEAR.fullmatch(text) or not _is_figure(text)) for _, text in row.cells)


def tables_of(layout: str, columns: int) -> list[Table]:
    """The tables of a page; a first row may be the rest of a table of so many columns from the page before."""
    found: list[Table] = []
    run: list[Row] = []  # lines that may be one table
    over: list[Row] = []  # the lines of several pieces above these
    single: list[Row] = []  # lines of one piece below them
    for row in [*_rows(layout), None]:
        if row is not None and len(row.cells) < 2:
            single.append(row)
            continue
        if row is not None and (
            len(run) + len(single) < 2 or (len(single) <= _BETWEEN and _fits([*run, *single, row], columns))
        ):
            run += [*single, row] if run else [row]
        elif row is not None and not single and len(run) == 2 and _fits([run[1], row], columns):
            over, run = [*over, run[0]], [run[1], row]
        else:
            table = _table(run, columns if not found else 0)
            if table is not None:
                above = [*over, *run[: len(run) - len(table.rows)]]
                table.over, table.below = above[-2:], [row for row in single[:_BETWEEN] if table.within(row)]
                found.append(table)
            over = run if table is None and not single else []
            run = [row] if row is not None else []
        single = []
    return found


def _fits(run: Sequence[Row], columns: int) -> bool:
    """Whether all of these lines are one table, judged by the first and the last where they are very many."""
    if len(run) > 3 * _MANY:
        run = [*run[:_MANY], *run[-_MANY:]]
    table = _table(run, columns)
    return table is not None and len(table.rows) == len(run)


def _rows(layout: str) -> Iterator[Row]:
    gap = 0
    for line in layout.split("\n"):
        if cells := [(piece.span(), piece[0]) for piece in PIECE.finditer(line)]:
            yield Row("".join(line.split()), cells, gap)
        gap = 0 if cells else gap + 1


def _table(run: Sequence[Row], columns: int) -> Table | None:
    """The table in lines of several pieces; None where these do not stand in columns."""
    if not run or (len(run) < 2 and len(run[0].cells) != columns):
        return None
    counts = Counter(len(row.cells) for row in run)
    for usual in sorted(counts, reverse=True):
        full = [row for row in run if len(row.cells) == usual]
        if len(full) < 2 and run.index(full[0]) > 1 and usual != columns:
            continue  # neither the rows nor the names of the columns
        spans = [
            (min(row.cells[at][0][0] for row in full), max(row.cells[at][0][1] for row in full)) for at in range(usual)
        ]
        if any(end >= begin for (_, end), (begin, _) in pairwise(spans)):
            continue
        table = Table(spans, list(run))
        if not all(table.within(row) for row in run if len(row.cells) == 1):
            continue
        while table.rows and len(table.rows[0].cells) < max(2, usual - 1):
            if any(len(table.place(span)) > 1 for span, _ in table.rows[0].cells):
                break  # a cell over several columns, as the name of a group
            del table.rows[0]
        texts = [text for row in table.rows for _, text in row.cells]
        if all(map(table.holds, table.rows)) and sum(map(len, texts)) <= _WIDE * len(texts):
            return table
    return None
