"""Tables on the pages of a PDF: their rows told with the names of their columns.

A PDF has no tables, only text at places. Lines whose pieces stand below each other in three columns or more, or in two
of which one is all figures, are taken for the rows of one. A cell stands in the column that it is seen in, so an empty
one moves nothing. Where a page's text has the same characters in the same order they are told as rows; else it stays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from hybrid.corpus.readers.pdf.groups import LEAST, Span, groups, place
from hybrid.corpus.readers.tables.grid import NOTHING, Grid, header_rows

_PIECE = re.compile(r"\S+(?: \S+)*")  # in a layout more than one blank parts two columns
EM = 20  # lines of a layout, most of them blank, that are as high as its letters
_WIDE = 40  # characters of a cell on average: more is prose in columns
_SHORT = 25  # and of keys and values
_TRIES = 20  # places at which a table is looked for
_BETWEEN = 4  # lines of one piece in a row of a table, of which the others hold no more
_SURE = 3  # full rows that leave no doubt that a table is one
_DEEPEST = 8  # lines of the names of columns
_CLOSE = 2.5 * EM  # a gap that names stand above their table at, at most
_MANY = 30  # lines
_NEAR = 0.85  # of the gap between two rows: lines that are nearer to each other are of one row
_YEAR = re.compile(r"(?:19|20)\d\d")
_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[^\W\d_]")


@dataclass(slots=True)
class _Row:
    """A line of a layout."""

    text: str  # without blanks
    cells: list[tuple[Span, str]]
    gap: int  # blank lines above it


@dataclass(slots=True)
class _Table:
    """Rows that stand in the same columns."""

    columns: list[Span]
    rows: list[_Row]
    over: list[_Row] = field(default_factory=list)  # lines of fewer pieces above them, two at most
    below: list[_Row] = field(default_factory=list)  # lines of one piece below them, which the last row may go on in

    def place(self, span: Span) -> list[int]:
        """The columns that a piece stands over, else the nearest one."""
        return place(self.columns, span)

    def heads(self) -> list[str]:
        """The names of the columns from the lines above figures; none where these do not name each."""
        below = [*self.over[1:], self.rows[0]]
        figures = sum(self._has_figures(at, self.rows) for at in range(1, len(self.columns)))
        if not self.over or 2 * figures < len(self.columns) - 1 or not all(row.gap < _CLOSE for row in below):
            return []
        if not all(map(_may_name, self.over)) or any(len(self.place(span)) > 1 for span, _ in self.over[-1].cells):
            return []
        names = [""] * len(self.columns)
        for row in reversed(self.over):
            names = _joined_names([groups(self.columns, row.cells, names), names])
        return names if all(names) and len(set(names)) == len(names) else []

    def named_above(self, own: list[str], lower: Sequence[str]) -> list[str]:
        """The names of the columns with what the line above them says of them.

        Above names that each stand once may stand anything: it is told where it is near and of several pieces.

        Args:
            own: the names, as far as they are known.
            lower: the names on the lowest line of them.
        """
        upper = self.over[-1] if self.over else self.rows[0]
        if not _may_name(upper) or (not self.over and (lower is own or self.is_full(upper))):
            return own
        lower = own if self.over else lower
        said = groups(self.columns, upper.cells, lower)
        named = _joined_names([said, lower])
        if len(set(own)) < len(own):
            return named
        several = sum(map(bool, said)) > 1 and all(
            self._has_figures(at, self.rows[1:]) for at, text in enumerate(said) if at and text
        )
        return named if several and self.over and self.rows[0].gap < _CLOSE else own

    def _has_figures(self, at: int, rows: Sequence[_Row]) -> bool:
        """Whether all that stands in a column has digits."""
        cells = [text for row in rows for span, text in row.cells if at in self.place(span)]
        return bool(cells) and all(map(_DIGIT.search, cells))

    def within(self, row: _Row) -> bool:
        """Whether a line of one piece is short, and begins where a column does or stands in the midst of them."""
        (begin, end), text = row.cells[0]
        inside = self.columns[0][0] <= begin and end <= self.columns[-1][1] + LEAST
        return inside and len(text) <= _WIDE * 1.5

    def holds(self, row: _Row) -> bool:
        """Whether the pieces of a line stand in different columns."""
        places = [at for span, _ in row.cells for at in self.place(span)]
        return all(one < other for one, other in pairwise(places))

    def whole_rows(self) -> list[_Row]:
        """The rows, each in one where its cells go on over several lines, whichever of them its figures stand on."""
        near = self.near()
        found: list[list[_Row]] = []
        for row in self.rows:
            if found and row.gap < near:
                found[-1].append(row)
            else:
                found.append([row])
        names = next((row for row in self.rows if self.is_full(row)), None)  # lines above them are names too
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

    def is_full(self, row: _Row) -> bool:
        return len(row.cells) == len(self.columns)

    def _going_on(self, blocks: Sequence[list[_Row]]) -> list[list[_Row]]:
        """The blocks of lines, one of a single piece with the next one where that goes on in lower case.

        Not where rows begin in lower case: there it is a title of several rows.
        """
        found: list[list[_Row]] = []
        for lines in reversed(blocks):
            at = self.place(lines[0].cells[0][0])[0]
            if found and len(lines[0].cells) == 1 and self._lower(found[-1][0], at) and not self._often_lower(at):
                found[-1][:0] = lines
            else:
                found.append(list(lines))
        return found[::-1]

    def _lower(self, row: _Row, at: int) -> bool:
        """Whether a line has a cell in a column that begins in lower case."""
        return any(self.place(span)[0] == at and _in_lower_case(text) for span, text in row.cells)

    def _often_lower(self, at: int) -> bool:
        """Whether any row begins in lower case in a column, and not because the line above it does not end there."""
        return any(self._lower(row, at) and len(above.cells) > 1 < len(row.cells) for above, row in pairwise(self.rows))

    def _is_one(self, lines: Sequence[_Row]) -> bool:
        """Whether lines that stand together are one row: one of them is full, and no column has two figures.

        What stands above the full line is of one piece each, or goes on in lower case in all of its pieces; what begins
        in lower case itself goes on from the row above, but in the first column.
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
        """The cells in their columns. A line of one piece goes on with the row above it, or names the rows below."""
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


def _joined(lines: Sequence[_Row]) -> _Row:
    """Lines as one."""
    cells = [cell for row in lines for cell in row.cells]
    return _Row("".join(row.text for row in lines), cells, lines[0].gap)


def name_columns(texts: Sequence[str], layout: Callable[[int], str]) -> list[str]:
    """The texts of pages, in which the rows of tables carry the names of their columns.

    Args:
        texts: of the pages, in order.
        layout: the text of a page, from 0, with blanks and blank lines as its gaps are seen to be wide and high; empty
            where there is none.
    """
    found: list[str] = []
    open_table: tuple[list[str], int] | None = None  # names of the table that the page before ends with, its columns
    for number, text in enumerate(texts):
        characters = "".join(text.split())
        at = 0  # in these
        parts: list[str] = []
        end = 0  # in the text
        places = [i for i, c in enumerate(text) if not c.isspace()]
        last: tuple[list[str], int] | None = None
        for table in _tables(layout(number), open_table[1] if open_table else 0):
            begin = _find_whole(characters, table, at)
            whole = "".join(row.text for row in table.rows)
            if begin < 0:
                continue
            goes_on = open_table if begin == 0 and open_table and open_table[1] == len(table.columns) else None
            named = _named(table, goes_on[0] if goes_on else [])
            if named is None:
                continue
            lines, names = named
            at = begin + len(whole)
            parts += [text[end : places[begin]].rstrip(" "), "\n".join(lines)]
            end = places[at - 1] + 1
            parts[-2] += "" if not parts[-2] or parts[-2].endswith("\n") else "\n"
            if text[end : end + 1] not in ("", "\n"):
                parts.append("\n")
            last = (names, len(table.columns)) if at == len(characters) else None
        open_table = last
        found.append("".join([*parts, text[end:]]))
    return found


def _find_whole(characters: str, table: _Table, at: int) -> int:
    """Where a table begins in the text of its page, with the lines below it that its last row goes on in.

    These are near to it; or else the file draws them before the last cells of the row, and without them there is no
    stretch of the text that is the table.
    """
    rows, below = table.rows, table.below if sum(map(table.is_full, table.rows)) >= _SURE else []
    near = next((count for count, row in enumerate(below) if row.gap >= table.near()), len(below))
    for count in [*range(near, -1, -1), *range(near + 1, len(below) + 1)]:
        table.rows = [*rows, *below[:count]]
        if (begin := _find(characters, table, at)) >= 0:
            return begin
    return -1


def _find(characters: str, table: _Table, at: int) -> int:
    """Where a table begins in the text of its page, both without blanks; -1 where it is not one stretch of that.

    A file may draw the cells of a row in another order than they are seen in, or one of several lines at once.
    """
    whole = "".join(row.text for row in table.rows)
    found = characters.find(whole, at)
    if found >= 0:
        return found
    wanted = Counter(whole)
    for _, cell in table.rows[0].cells:
        first = "".join(cell.split())
        begin = characters.find(first, at)
        for _ in range(_TRIES):
            if begin < 0:
                break
            if Counter(characters[begin : begin + len(whole)]) == wanted:
                return begin
            begin = characters.find(first, begin + 1)
    return -1


def _named(table: _Table, names: list[str]) -> tuple[list[str], list[str]] | None:
    """The lines of a table and the names of its columns; None where nothing is known of them.

    Args:
        names: of the columns of the table that goes on here, if one does.
    """
    grid = table.grid()
    if len(grid.rows) < 2 and not names:
        return None
    depth = _depth(grid)
    if depth == len(grid.rows):  # all of them names
        grid, depth = Grid([_joined_names(grid.rows)]), 1
    count, sure = header_rows([_joined_names(grid.rows[:depth]), *grid.rows[depth:]], pairs=True)
    if not names and not count and (names := table.heads()):
        sure = True
    given = bool(names) and not (count and sure)
    if given:
        grid = Grid([names, *grid.rows], {0}, {at + 1 for at in grid.whole}, {(r + 1, c) for r, c in grid.copies})
        count = depth = 1
    if not count and len(table.columns) < 3 and not _pairs(grid):
        return None
    if count:
        heads = range(max(count, depth))
        _fill_down(grid, len(heads))
        own = _joined_names([grid.rows[at] for at in heads])
        named = table.named_above(own, grid.rows[1] if count == 2 else own) if sure and not given else own
        if named != own or depth > 1:
            own = named
            grid.rows[: len(heads)] = [own, *([] for _ in heads[1:])]
        grid.heads = {0} if sure and own == grid.rows[0] else set(heads) if sure else set()
        names = own
    return [line.text for line in grid.lines()], names


def _joined_names(rows: Sequence[Sequence[str]]) -> list[str]:
    """The names of columns from several lines of them."""
    return [" ".join(filter(None, dict.fromkeys(column))) for column in zip(*rows, strict=True)]


def _may_name(row: _Row) -> bool:
    """Whether no piece of a line is a figure, but for years, or long."""
    return all(len(text) <= _WIDE and (_YEAR.fullmatch(text) or not _is_figure(text)) for _, text in row.cells)


def _pairs(grid: Grid) -> bool:
    """Whether two columns are keys and values, and not prose in two columns."""
    cells = [cell for row in grid.rows for cell in row]
    return not grid.whole and all(cells) and sum(map(len, cells)) <= _SHORT * len(cells)


def _depth(grid: Grid) -> int:
    """On how many lines the names of the columns stand.

    One goes on where it has none for the first column and no figures. A second one of names for that too is told by
    a column without a name on one of both, and by words above all or most of the figures.
    """
    rows = grid.rows
    depth = 1
    while depth < min(_DEEPEST, len(rows)) and rows[0][0] and not (rows[depth][0] or _has_digits(rows[depth])):
        depth += 1
    if depth > 1 or len(rows) < 4 or 1 in grid.whole or _has_digits(rows[1]) or all((*rows[0][1:], *rows[1][1:])):
        return depth
    columns = list(zip(*rows, strict=True))[1:]
    figures = [column for column in columns if all(_DIGIT.search(cell) for cell in column[2:] if cell)]
    told = [column for column in figures if _LETTER.search(column[1]) and column[1].lower() not in NOTHING]
    filled = any(not column[0] for column in told)
    return 2 if filled or (len(told) > 1 and 2 * len(told) >= len(figures)) else 1


def _has_digits(row: Sequence[str]) -> bool:
    return any(map(_DIGIT.search, row))


def _fill_down(grid: Grid, first: int) -> None:
    """A cell of the first column that stands once for several rows, told in each.

    Only where the first row has one: a name that stands in the middle of its rows cannot be told from one above them.
    """
    rows = grid.rows
    if len(rows) <= first or not rows[first][0] or first in grid.whole:
        return
    for at in range(first + 1, len(rows)):
        if not rows[at][0] and at not in grid.whole and all(rows[at][1:]):
            rows[at][0] = rows[at - 1][0]


def _tables(layout: str, columns: int) -> list[_Table]:
    """The tables of a page.

    Args:
        columns: of the table that the page before ends with: the rest of it may be a single row.
    """
    found: list[_Table] = []
    run: list[_Row] = []  # lines that may be one table
    over: list[_Row] = []  # the lines of several pieces above these
    single: list[_Row] = []  # lines of one piece below them
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


def _fits(run: Sequence[_Row], columns: int) -> bool:
    """Whether all of these lines are one table; of very many the first and the last tell."""
    if len(run) > 3 * _MANY:
        run = [*run[:_MANY], *run[-_MANY:]]
    table = _table(run, columns)
    return table is not None and len(table.rows) == len(run)


def _rows(layout: str) -> Iterator[_Row]:
    gap = 0
    for line in layout.split("\n"):
        if cells := [(piece.span(), piece[0]) for piece in _PIECE.finditer(line)]:
            yield _Row("".join(line.split()), cells, gap)
        gap = 0 if cells else gap + 1


def _table(run: Sequence[_Row], columns: int) -> _Table | None:
    """The table in lines of several pieces each; None where they do not stand in columns."""
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
        table = _Table(spans, list(run))
        if not all(table.within(row) for row in run if len(row.cells) == 1):
            continue
        while table.rows and len(table.rows[0].cells) < max(2, usual - 1) and not _bridges(table, table.rows[0]):
            del table.rows[0]
        texts = [text for row in table.rows for _, text in row.cells]
        if all(map(table.holds, table.rows)) and sum(map(len, texts)) <= _WIDE * len(texts):
            return table
    return None


def _bridges(table: _Table, row: _Row) -> bool:
    """Whether a cell of a row stands over several columns, as a name of several does."""
    return any(len(table.place(span)) > 1 for span, _ in row.cells)
