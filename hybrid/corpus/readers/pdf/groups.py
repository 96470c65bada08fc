"""Names over the names of columns on a page: "2023" over "Q1" and "Q2".

A piece of a line does not say how many columns it names. It names those that it stands over, and others only on good
evidence: no column may get the name of another one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

FLUSH = 2  # pieces that begin fewer characters apart are flush
LEAST = 2  # characters of a piece over a column that it stands in too
_DIGIT = re.compile(r"\d")

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
    """How far a piece stands from the middle of columns."""
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
