"""The names of columns in the tables of a PDF: each row is told with them.

A table is told as rows where the page's text has the same characters in the same order; otherwise the text stays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from hybrid.corpus.readers.pdf.table import Table, joined_words, tables_of
from hybrid.corpus.readers.tables.grid import Grid
from hybrid.corpus.readers.tables.header import NOTHING, header_rows

_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[^\W\d_]")
_SHORT = 25  # and of keys and values
_TRIES = 20  # places at which a table is looked for
_SURE = 3  # full rows that leave no doubt that a table is one
_DEEPEST = 8  # lines of the names of columns


def name_columns(texts: Sequence[str], layout: Callable[[int], str]) -> list[str]:
    """The texts of pages, with the names of the columns in the rows of their tables.

    Args:
        texts: of the pages, in order.
        layout: the text of a page, from 0, with blanks and blank lines as wide and high as the gaps on the page; may be
            empty.
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
        for table in tables_of(layout(number), open_table[1] if open_table else 0):
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


def _find_whole(characters: str, table: Table, at: int) -> int:
    """Where a table begins in the text of its page, with the lines below it that its last row goes on in.

    Such lines are near, or the file draws them before the last cells of the row, so that the table is one stretch of
    the text only with them.
    """
    rows, below = table.rows, table.below if sum(map(table.is_full, table.rows)) >= _SURE else []
    near = next((count for count, row in enumerate(below) if row.gap >= table.near()), len(below))
    for count in [*range(near, -1, -1), *range(near + 1, len(below) + 1)]:
        table.rows = [*rows, *below[:count]]
        if (begin := _find(characters, table, at)) >= 0:
            return begin
    return -1


def _find(characters: str, table: Table, at: int) -> int:
    """Where a table begins in the text of its page, whatever the order of its cells; -1 where it is not one stretch."""
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


def _named(table: Table, names: list[str]) -> tuple[list[str], list[str]] | None:
    """The lines of a table and the names of its columns, None without any; `names` are those of a table going on."""
    grid = table.grid()
    if len(grid.rows) < 2 and not names:
        return None
    depth = _depth(grid)
    if depth == len(grid.rows):  # all of them names
        grid, depth = Grid([joined_words(grid.rows)]), 1
    count, sure = header_rows([joined_words(grid.rows[:depth]), *grid.rows[depth:]], pairs=True)
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
        own = joined_words([grid.rows[at] for at in heads])
        named = table.named_above(own, grid.rows[1] if count == 2 else own) if sure and not given else own
        if named != own or depth > 1:
            own = named
            grid.rows[: len(heads)] = [own, *([] for _ in heads[1:])]
        grid.heads = {0} if sure and own == grid.rows[0] else set(heads) if sure else set()
        names = own
    return [line.text for line in grid.lines()], names


def _pairs(grid: Grid) -> bool:
    """Whether two columns are keys and values rather than prose."""
    cells = [cell for row in grid.rows for cell in row]
    return not grid.whole and all(cells) and sum(map(len, cells)) <= _SHORT * len(cells)


def _depth(grid: Grid) -> int:
    """On how many lines the names of the columns stand.

    A further line has no name for the first column and no figures. If it has that name it must fill a column which the
    first line leaves empty, or have words above most of the figures.
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
    """Repeats a cell of the first column that stands once for several rows, if the first row has one."""
    rows = grid.rows
    if len(rows) <= first or not rows[first][0] or first in grid.whole:
        return
    for at in range(first + 1, len(rows)):
        if not rows[at][0] and at not in grid.whole and all(rows[at][1:]):
            rows[at][0] = rows[at - 1][0]
