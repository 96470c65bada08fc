"""The nesting of marks into clauses: a mark is taken where it begins a list or goes on with one that is open.

So a year, an amount or a page number at the beginning of a line begins no clause.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hybrid.pipelines.legal.clause import Clause, Kind
from hybrid.pipelines.legal.marks import TITLE, Mark

_AHEAD = 300  # marks looked at to see whether a list goes on
_GAP = 3  # numbers that may be missing in a list: "[Reserved]" is often left out
_HEAD = re.compile(r"([^.:;\n]{2,90}?)(?:[.:](?=\s|$)|\s*$|\s[\u2013\u2014-]\s)")
_RECITALS = re.compile(r"(?:RECITALS?|BACKGROUND|WITNESSETH|W I T N E S S|PREAMBLE|PREMISES|WHEREAS|PARTIES)\b", re.I)
_SMALL = frozenset("a an and as at by for from in into of on or per the to upon with under".split())


@dataclass(slots=True)
class _Open:
    kind: Kind
    style: str
    ordinal: int = 0
    value: tuple[int, ...] = ()
    label: str = ""
    level: int = 0  # of headings
    recital: bool = False  # a heading of what comes before the clauses


class _Placed(NamedTuple):
    mark: Mark
    level: int
    label: str  # in full


def clauses(text: str, marks: Sequence[Mark]) -> Iterator[Clause]:
    """The clauses that the marks of a text begin, a preamble first where the text does not begin with one."""
    placed = _placed(marks)
    first = placed[0].mark.start if placed else len(text)
    if text[:first].strip():
        yield Clause("preamble", "", "Preamble", 0, first, 1, "Preamble")
    path: list[str] = []
    for (mark, level, label), end in zip(placed, _ends(placed, len(text)), strict=True):
        title = mark.title or ("" if mark.kind == "signatures" else _title(text, mark.end))
        own = label if level == 1 else mark.label
        path = [*path[: level - 1], *[""] * (level - 1 - len(path)), f"{own} {title}".strip()]
        yield Clause(mark.kind, label, title, mark.start, end, level, " > ".join(filter(None, path)))


def _placed(marks: Sequence[Mark]) -> list[_Placed]:
    nesting = _Nesting()
    placed: list[_Placed] = []
    for i, mark in enumerate(marks):
        found = nesting.place(mark, marks[i + 1 : i + 1 + _AHEAD])
        if found is not None:
            keep, opened = found
            nesting.open[keep:] = [opened]
            placed.append(_Placed(mark, keep + 1, opened.label))
    return placed


def _ends(placed: Sequence[_Placed], length: int) -> list[int]:
    """Where each clause ends: at the next one of its level or further out."""
    ends = [length] * len(placed)
    waiting: list[int] = []
    for i, (mark, level, _) in enumerate(placed):
        while waiting and placed[waiting[-1]].level >= level:
            ends[waiting.pop()] = mark.start
        waiting.append(i)
    return ends


class _Nesting:
    """The clauses that are open, outermost first, while the marks are read in order."""

    def __init__(self) -> None:
        self.open: list[_Open] = []

    def place(self, mark: Mark, later: Sequence[Mark]) -> tuple[int, _Open] | None:
        """How many of the open clauses stay open, and the one that is opened; None where the mark begins no clause."""
        outer = next((i + 1 for i in range(len(self.open) - 1, -1, -1) if self.open[i].kind == "schedule"), 0)
        if mark.kind == "schedule":
            again = any(o.label == mark.label for o in self.open)
            return None if again else (0, _Open("schedule", "schedule", label=mark.label))
        if mark.kind == "signatures":
            return outer, _Open("signatures", "signatures", label=mark.label)
        if mark.kind == "heading":
            return self._heading(mark, outer, later)
        if mark.kind == "article":
            at = self._first(outer, lambda o: o.style == "article")
            number = mark.styles[0][1]
            return outer if at is None else at, _Open("article", "article", number, (number,), mark.label)
        if len(mark.value) > 1:
            return self._decimal(mark, outer)
        return self._number(mark, outer, later) if mark.value else self._letter(mark, later)

    def _first(self, outer: int, wanted: Callable[[_Open], bool]) -> int | None:
        """The outermost open clause from `outer` on that is wanted."""
        return next((i for i in range(outer, len(self.open)) if wanted(self.open[i])), None)

    def _base(self, outer: int) -> int:
        """How many of the open clauses may hold a numbered list: articles, and headings but those of the recitals."""
        at = self._first(outer, lambda o: o.kind not in ("article", "heading") or o.recital)
        return len(self.open) if at is None else at

    def _heading(self, mark: Mark, outer: int, later: Sequence[Mark]) -> tuple[int, _Open]:
        opened = _Open("heading", "heading", level=mark.level, recital=bool(_RECITALS.match(mark.title)))
        following = next((m for m in later if m.kind != "heading"), None)

        def goes_on(among: Sequence[_Open]) -> bool:
            return following is not None and any(_goes_on(o, following) for o in among if o.kind != "heading")

        if goes_on(self.open[outer:]):  # a line in capitals between 2.1 and 2.2 belongs to 2.1
            at = self._first(outer, lambda o: o.kind == "heading" and o.level >= mark.level)
            at = at if at is not None and goes_on(self.open[outer:at]) else None
        else:
            at = self._first(outer, lambda o: o.kind != "heading" or o.level >= mark.level)
        return (len(self.open) if at is None else at), opened

    def _decimal(self, mark: Mark, outer: int) -> tuple[int, _Open] | None:
        """2.3 stands under the clause 2, whatever that is called; without one, next to its siblings."""
        if mark.inline:
            before = next((o for o in reversed(self.open) if o.value), None)
            if before is None or not _follows(before.value, mark.value):
                return None
        opened = _Open("clause", "decimal", mark.value[-1], mark.value, mark.label)
        for i in range(len(self.open) - 1, outer - 1, -1):
            value = self.open[i].value
            if value and len(value) < len(mark.value) and mark.value[: len(value)] == value:
                return i + 1, opened
            if len(value) == len(mark.value) and value[:-1] == mark.value[:-1]:
                return i, opened
        return self._base(outer), opened

    def _number(self, mark: Mark, outer: int, later: Sequence[Mark]) -> tuple[int, _Open] | None:
        """A number without a point inside: of the outermost list, or of a short list inside a clause."""
        style, ordinal = mark.styles[0]
        opened = _Open("clause", style, ordinal, mark.value, mark.label)
        for i in range(len(self.open) - 1, outer - 1, -1):
            one = self.open[i]
            if one.style == style and 0 < ordinal - one.ordinal <= (1 if mark.inline or mark.bare else _GAP):
                return i, opened
        at = self._first(outer, lambda o: o.style in (style, "decimal"))
        decimal = next((o.value for o in self.open[outer:] if o.style == "decimal"), None)
        if decimal and at is not None and ordinal == decimal[0] + 1 and not mark.inline:  # 9.4 is followed by 10
            return at, opened
        if ordinal != 1 or (mark.inline and not any(_goes_on(opened, m) for m in later[:12])):
            return (self._base(outer), opened) if mark.worded else None
        same = self._first(outer, lambda o: o.style == style)
        if same is None:  # the first of its kind here: beside the headings and articles, or inside an open clause
            inside = any(o.value for o in self.open[outer:])
            return (len(self.open) if inside else self._base(outer)), opened
        following = (style, self.open[same].ordinal + 1)
        if self.open[same].ordinal > 1 and any(m.styles[0] == following for m in later):  # the outer list goes on
            return len(self.open), _Open("clause", f"{style} inside", ordinal, mark.value, mark.label)
        return same, opened

    def _letter(self, mark: Mark, later: Sequence[Mark]) -> tuple[int, _Open] | None:
        for gap in (1,) if mark.inline else (1, _GAP):
            for i in range(len(self.open) - 1, -1, -1):
                for style, ordinal in mark.styles:
                    if self.open[i].style == style and 0 < ordinal - self.open[i].ordinal <= gap:
                        return i, _Open("clause", style, ordinal, (), self._under(i, mark.label))
        first = next((style for style, ordinal in mark.styles if ordinal == 1), None)
        if first is None:
            return None
        goes_on = any((first, 2) in other.styles for other in later[:40])
        if not goes_on and (mark.inline or mark.styles[0][0][1:] != "()"):
            return None
        # the same style inside itself: the list has begun again under a later paragraph
        at = self._first(0, lambda o: o.style == first)
        if at is not None and mark.inline:
            return None
        at = len(self.open) if at is None else at
        return at, _Open("clause", first, 1, (), self._under(at, mark.label))

    def _under(self, at: int, label: str) -> str:
        """The label of a lettered clause under the numbered one around it: 4.1 and (a) are 4.1(a)."""
        return next((o.label for o in reversed(self.open[:at]) if o.kind == "clause"), "") + label


def _goes_on(opened: _Open, mark: Mark) -> bool:
    """Whether a mark is the next of the list that an open clause is of."""
    if opened.style == "decimal" or len(mark.value) > 1:
        same = opened.value[:-1] == mark.value[:-1] and len(opened.value) == len(mark.value)
        return same and bool(mark.value) and 0 < mark.value[-1] - opened.value[-1] <= _GAP
    return any(style == opened.style and 0 < ordinal - opened.ordinal <= _GAP for style, ordinal in mark.styles)


def _follows(before: tuple[int, ...], value: tuple[int, ...]) -> bool:
    """Whether a decimal number is one of those that can come next: 9.5 is followed by 9.6, 9.5.1 or 10.1."""
    nexts = {(*before, 1), *((*before[:i], before[i] + 1) for i in range(len(before)))}
    return value in nexts or (value[-1:] == (1,) and value[:-1] in nexts)


def _title(text: str, start: int) -> str:
    """The title after a number: the rest of the line, or what stands before its first full stop; else nothing."""
    line = text[start : start + 240].lstrip(" \t\u00a0.:)\u2013\u2014-")
    if line.startswith(("\n", "\r")):  # ARTICLE IV, and its title on the next line
        head = line.lstrip().split("\n", 1)[0].strip()
        return head[:TITLE] if head.isupper() and len(head) <= TITLE else ""
    found = _HEAD.match(line.split("\n", 1)[0])
    if not found:
        return ""
    title = " ".join(found[1].strip(' \t\u00a0"\u201c\u201d').split())
    words = [word for word in title.split() if word[0].isalpha() and word.lower() not in _SMALL]
    if not words or len(title.split()) > 14 or not title[0].isalpha() or not title[0].isupper():
        return ""
    return title if 10 * sum(word[0].isupper() for word in words) >= 6 * len(words) or len(words) <= 3 else ""
