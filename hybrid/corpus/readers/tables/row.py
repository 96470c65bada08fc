"""A row of a table as lines of text, each cell behind the name of its column.

    Region: South | Quarter: Q2 | Staff: 81

An empty cell stays in its own column, as in `Monday: | Tuesday: 9-17`. A row too wide for a line goes on in further
lines, which begin with its key. A row without names of columns is its cells alone, as in `Deposit | 800 EUR`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise, zip_longest
from typing import NamedTuple

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
    """Where the lines of a row begin, by the lengths of its parts; each but the first stands behind the key.

    The key is the `first` parts and `key` characters long.
    """
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
