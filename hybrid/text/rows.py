"""Rows of tables as people ask about them: column names in whole words, the row with the most of something, and rows
that say no."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hybrid.text.blocks import spelled
from hybrid.text.sentences import CELLS, is_row
from hybrid.text.words import fold

Rows = NDArray[np.intp]
Cells = dict[str, str]

_SHORT = """
abs absolute; acct account; addr address; amt amount; appt appointment; arr arrival; avg average; bal balance;
cap capacity; cat category; chk checked; col colour; cond condition; conf confirmed; cust customer; dep departure;
dept department; desc description; descr description; dist distance; dob date of birth; dur duration; emp employee;
exp expiry; ext extension; freq frequency; grp group; hgt height; hol holiday; hr hour; hrs hours; ht height;
incl included; ins insured; inv invoice; lang language; len length; lgth length; loc location; lvl level; max maximum;
mfr manufacturer; mgr manager; mth month; mths months; num number; org organisation; pct percent; ph phone; pmt payment;
pos position place; prod product; qty quantity number; qtr quarter; ref reference; reg registration; rem remarks;
resp responsible; rmk remarks; rmks remarks; sched schedule; spec specification; std standard; sup supplier;
supp supplier; svc service; sz size; tel telephone; temp temperature; val value; vol volume; wd width; wgt weight;
wk week; wks weeks; wt weight; yr year; yrs years
"""
_WHOLE = {words[0]: " ".join(words[1:]) for words in map(str.split, _SHORT.split(";"))}
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


_MONEY = r"price|cost|fee|rate|fare|pay|salary|wage|rent|eur|usd|gbp|£|\$|€"
_TIME = r"time|date|day|year|since|start|end|departure|departs|leaves|arrival|arrives"
# Words that ask for the row with the most or the least, and the columns that they mean where the question names none.
_EXTREMES: dict[str, tuple[int, str]] = {
    word: (sign, columns)
    for words, sign, columns in (
        ("most highest largest biggest greatest maximum", 1, ""),
        ("fewest least lowest smallest minimum", -1, ""),
        ("cheapest", -1, _MONEY),
        ("dearest costliest priciest", 1, _MONEY),
        ("heaviest", 1, r"weight|mass|\bk?g\b"),
        ("lightest", -1, r"weight|mass|\bk?g\b"),
        ("longest", 1, r"length|duration|distance|\bk?m\b|minutes?"),
        ("shortest", -1, r"length|duration|distance|height|\bk?m\b|minutes?"),
        ("tallest", 1, r"height|\bc?m\b"),
        ("hottest warmest", 1, r"temp|heat|°"),
        ("coldest coolest", -1, r"temp|heat|°"),
        ("fastest quickest", 1, r"speed|km/?h|mph"),
        ("slowest", -1, r"speed|km/?h|mph"),
        ("deepest", 1, r"depth"),
        ("furthest farthest", 1, r"distance|\bkm\b|miles"),
        ("nearest closest", -1, r"distance|\bkm\b|miles"),
        ("newest latest youngest last", 1, _TIME),
        ("oldest earliest first", -1, _TIME),
    )
    for word in words.split()
}
_COMPARED = {"expensive": _MONEY, "recent": _TIME}  # "the most expensive", "the least expensive"
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
