"""Rows of tables as people ask about them: column names in whole words, the row with the most of something, and rows
that say no."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hybrid.files import carried
from hybrid.text.blocks import spelled
from hybrid.text.sentences import CELLS, is_row
from hybrid.text.words import fold

Rows = NDArray[np.intp]
Cells = dict[str, str]

_CARRIED = carried(__name__)
_WHOLE = {words[0]: " ".join(words[1:]) for words in map(str.split, _CARRIED["short"].split(";"))}
_PART = re.compile(r"[A-Za-z]+")


def in_words(row: str) -> str:
    """A row with the names of its columns in whole words: "dep_time: 9:40" as "departure time: 9:40"."""
    return CELLS.join(_named_in_words(cell) for cell in row.split(CELLS))


def _named_in_words(cell: str) -> str:
    name, sign, value = cell.partition(": ")
    if not sign:
        name, sign, value = cell.rpartition(":") if cell.endswith(":") else ("", "", cell)
    if not sign:
        return cell
    parts = re.sub(r"(?<=[A-Za-z])\.(?=\W|$)", "", _apart(name))
    return _PART.sub(lambda m: _WHOLE.get(m.group().lower(), m.group()), parts) + sign + value


def _apart(name: str) -> str:
    return spelled(name).replace("_", " ")


def rows_in_words(text: str, starts: Rows) -> tuple[str, Rows]:
    """A text whose rows have the names of their columns in whole words, and where its sentences begin in that."""
    ends = [*(int(start) for start in starts), len(text)]
    parts = [text[: ends[0]]]
    begins: list[int] = []
    for start, end in pairwise(ends):
        begins.append(sum(map(len, parts)) if len(parts) < 2 else begins[-1] + len(parts[-1]))
        stop = start + len(text[start:end].rstrip())
        row = text[start:stop]
        parts.append((in_words(row) if is_row(text, start, stop) else row) + text[stop:end])
    return "".join(parts), np.array(begins, np.intp)


# Words that ask for the row with the most or the least, and the columns that they mean where the question names none.
_EXTREMES: dict[str, tuple[int, str]] = {
    word: (sign, means["columns"])
    for means in _CARRIED["extremes"]
    for name, sign in (("most", 1), ("least", -1))
    for word in means.get(name, "").split()
}
_COMPARED = {means["compared"]: means["columns"] for means in _CARRIED["extremes"] if "compared" in means}
_FIGURE = re.compile(r"(?:[A-Z]{3} |[^\w-]{0,3})(-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?)(?![\d.:/-]*[:/-]\d)")
_DATE = re.compile(r"(?:(\d{4})-(\d\d?)-(\d\d?)|(\d\d?)[./](\d\d?)[./](\d{4}))")
_CLOCK = re.compile(r"(\d\d?):(\d\d)(?!\d)")
_NO = re.compile(r"(?:no|none|nein|non|false|n|-|\u2013|n/a|not available)\W*", re.IGNORECASE)


def is_short_for_more(row: str) -> bool:
    """Whether a row has a column whose name has a word that is cut short."""
    names = (cell.partition(":")[0] for cell in row.split(CELLS.strip()))
    return any(part.group().lower() in _WHOLE for name in names for part in _PART.finditer(_apart(name)))


def extreme_in(question: str) -> tuple[tuple[str, ...], int, str] | None:
    """The words of an English question that ask for the most or the least of something, 1 or -1, and a pattern of the
    columns that they mean; None where it has none."""
    words = re.findall(r"[a-z]+", fold(question).lower())
    for word, following in pairwise([*words, ""]):
        if word in _EXTREMES:
            sign, columns = _EXTREMES[word]
            own = _COMPARED.get(following) if not columns else None
            return ((word, following), sign, own) if own else ((word,), sign, columns)
    return None


def cells_of(row: str) -> Cells:
    """The values of a row by the names of their columns, in whole words."""
    cells = (cell.partition(":") for cell in in_words(row).split(CELLS.strip()))
    return {name.strip(): value.strip() for name, sign, value in cells if sign}


def extreme_rows(rows: Sequence[Cells], sign: int, columns: str, named: Callable[[str], float]) -> list[int] | None:
    """Which rows have the most (the least, where the sign is -1) in the column that is meant; None where the column is
    not clear or there is nothing to compare.

    Args:
        columns: a pattern of the column's name, where the question names none.
        named: tells how much of the question a column's name has.
    """
    if len(rows) < 2:
        return None
    values = {name: [_value(row.get(name, "")) for row in rows] for name in rows[0]}
    full = {
        name: [value for value in column if value is not None]
        for name, column in values.items()
        if sum(value is not None for value in column) >= max(2, 0.6 * sum(bool(row.get(name)) for row in rows))
    }
    by_name = {name: named(name) for name in full}
    best = max(by_name.values(), default=0.0)
    meant = [name for name in full if by_name[name] == best] if best > 0 else []
    if not meant or (columns and len(meant) > 1):
        like = [name for name in meant or full if columns and re.search(columns, name, re.IGNORECASE)]
        meant = like or meant
    if len(meant) != 1:
        return None
    most = max(sign * value for value in full[meant[0]])
    return [i for i, value in enumerate(values[meant[0]]) if value is not None and sign * value == most]


def _value(text: str) -> float | None:
    """A number, a date or a time of day, to be compared with others of its column."""
    if date := _DATE.match(text):
        year, month, day = (date[1], date[2], date[3]) if date[1] else (date[6], date[5], date[4])
        return float(year) * 10_000 + float(month) * 100 + float(day)
    if clock := _CLOCK.match(text):
        return float(clock[1]) * 60 + float(clock[2])
    figure = _FIGURE.match(text)
    return float(figure[1].replace(",", "")) if figure else None


def says_no(value: str) -> bool:
    """Whether a cell says that there is none of what its column is about."""
    return not value or _NO.fullmatch(value) is not None
