"""The numbers that Word puts before paragraphs, counted as Word counts: a file holds only the rules.

ECMA-376 part 1, 17.9: a paragraph or its style names a list and a level; a level has a pattern such as "%1.%2", with
the counter of a level in each place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hybrid.corpus.readers.numerals import FORMS
from hybrid.corpus.readers.word.element import W, switch, value

_LEVELS = 9
_BULLET = "\u2022"


@dataclass(frozen=True, slots=True)
class _Level:
    """One level of a list."""

    pattern: str
    form: str
    start: int
    style: str | None  # the paragraph style tied to it
    legal: bool  # all its places in figures
    restarts: bool  # anew under every paragraph of a higher level


@dataclass(slots=True)
class _List:
    """A list definition with its counters, shared by all lists that are made from it."""

    levels: dict[int, _Level]
    counters: list[int | None] = field(default_factory=lambda: [None] * _LEVELS)


class Numbering:
    """The numbers of a document's paragraphs, asked for in the order of the text.

    `numbering` and `styles` are the roots of numbering.xml and styles.xml.
    """

    def __init__(self, numbering: Any | None, styles: Any | None) -> None:
        self._styles = {s.get(f"{W}styleId"): s for s in _all(styles, "style")}
        self._lists: dict[str, _List] = {}
        self._numbers: dict[str, tuple[str, dict[int, _Level], dict[int, int]]] = {}
        self._begun: set[str] = set()
        links: dict[str, str] = {}
        for abstract in _all(numbering, "abstractNum"):
            number = abstract.get(f"{W}abstractNumId")
            levels = {_int(level.get(f"{W}ilvl"), 0): _level(level) for level in _all(abstract, "lvl")}
            self._lists[number] = _List(levels)
            if (link := value(abstract, "numStyleLink")) is not None:
                links[number] = link
        for num in _all(numbering, "num"):
            own, starts = {}, {}
            for override in _all(num, "lvlOverride"):
                at = _int(override.get(f"{W}ilvl"), 0)
                for level in _all(override, "lvl"):
                    own[at] = _level(level)
                if (start := value(override, "startOverride")) is not None:
                    starts[at] = _int(start, 1)
            self._numbers[num.get(f"{W}numId")] = (value(num, "abstractNumId") or "", own, starts)
        for number, style in links.items():  # lists that stand for a style's list
            target = self._numbers.get(self._own(style)[0] or "")
            if target is not None and target[0] in self._lists and target[0] != number:
                self._lists[number] = self._lists[target[0]]

    def next(self, paragraph: Any) -> str:
        """The number of the next paragraph as Word shows it, such as "2.1" or "(a)"; empty for one without."""
        found = self._of(paragraph)
        if found is None:
            return ""
        number, at = found
        abstract, own, starts = self._numbers[number]
        of = self._lists[abstract]
        levels = {**of.levels, **own}
        level = levels.get(at)
        if level is None or not 0 <= at < _LEVELS:
            return ""
        if number not in self._begun:
            self._begun.add(number)
            for place, start in starts.items():
                if place < _LEVELS:
                    of.counters[place] = start - 1
        count = of.counters[at]
        of.counters[at] = level.start if count is None else count + 1
        for below in range(at + 1, _LEVELS):
            if below not in levels or levels[below].restarts:
                of.counters[below] = None
        return _shown(level, levels, of.counters)

    def _of(self, paragraph: Any) -> tuple[str, int] | None:
        """List and level of a paragraph, its own or its style's."""
        properties = paragraph.find(f"{W}pPr")
        style = value(properties, "pStyle")
        number, at = _numbered(properties)
        if number is None:
            number, inherited = self._own(style)
            at = inherited if at is None else at
        if number is None or number == "0" or number not in self._numbers:
            return None
        abstract, own, _ = self._numbers[number]
        if abstract not in self._lists:
            return None
        if at is None:
            levels = {**self._lists[abstract].levels, **own}
            at = next((place for place, level in levels.items() if level.style is not None and level.style == style), 0)
        return number, at

    def _own(self, style: str | None) -> tuple[str | None, int | None]:
        """List and level that a style gives, itself or through the styles it is based on."""
        at: int | None = None
        for _ in range(10):  # styles can be based on each other in a circle
            found = self._styles.get(style) if style is not None else None
            if found is None:
                return None, None
            number, level = _numbered(found.find(f"{W}pPr"))
            at = level if at is None else at
            if number is not None:
                return number, at
            style = value(found, "basedOn")
        return None, None


def _all(parent: Any | None, tag: str) -> list[Any]:
    return [] if parent is None else list(parent.findall(f"{W}{tag}"))


def _int(text: str | None, otherwise: int) -> int:
    try:
        return max(0, min(int(text or ""), 1_000_000))
    except ValueError:
        return otherwise


def _numbered(properties: Any | None) -> tuple[str | None, int | None]:
    found = None if properties is None else properties.find(f"{W}numPr")
    at = value(found, "ilvl")
    return value(found, "numId"), None if at is None else _int(at, 0)


def _level(level: Any) -> _Level:
    return _Level(
        pattern=value(level, "lvlText") or "",
        form=value(level, "numFmt") or "decimal",
        start=_int(value(level, "start"), 0),
        style=value(level, "pStyle"),
        legal=bool(switch(level, "isLgl")),
        restarts=value(level, "lvlRestart") != "0",
    )


def _shown(level: _Level, levels: Mapping[int, _Level], counters: list[int | None]) -> str:
    if level.form == "bullet":
        return _BULLET
    if level.form == "none" and "%" not in level.pattern.replace(f"%{_LEVELS}", "%"):
        return level.pattern.strip()
    shown = level.pattern
    for place in range(_LEVELS):
        mark = f"%{place + 1}"
        if mark in shown:
            of = levels.get(place)
            count = counters[place]
            if count is None:  # a level that was skipped counts as begun
                count = counters[place] = of.start if of is not None else 1
            form = "decimal" if level.legal or of is None else of.form
            shown = shown.replace(mark, FORMS.get(form, str)(count))
    return shown.strip()
