"""The numbers before headings and the items of lists in office files, which hold only the rules to count them.

Word (ECMA-376 part 1, 17.9): a paragraph or its style names a list and a level; a level has a pattern such as
"%1.%2", with the counter of a level in each place. OpenDocument (1.3 part 3, 5.3 and 16.30 to 16.32): an item counts
at its first paragraph, with the level of the lists around it; a heading outside lists counts by its own level.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hybrid.corpus.readers.archive import W, attribute, switch, tag_of, value

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
             "twelve": "twelfth"}  # fmt: skip


def _letters(value: int) -> str:
    """a to z, then aa, bb, as Word goes on."""
    return chr(97 + (value - 1) % 26) * min(1 + (value - 1) // 26, 10) if value > 0 else str(value)


def _roman(value: int) -> str:
    if not 0 < value < 4000:
        return str(value)
    found = ""
    for size, letters in (
        (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
        (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
    ):  # fmt: skip
        found, value = found + letters * (value // size), value % size
    return found


def _in_words(value: int) -> str:
    if value >= 100:
        return str(value)
    if value < 20:
        return _ONES[value].title()
    ten, one = divmod(value, 10)
    return (_TENS[ten] + (f"-{_ONES[one]}" if one else "")).title()


def _ordinal(value: int) -> str:
    ending = "th" if value % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{value}{ending}"


def _ordinal_words(value: int) -> str:
    words = _in_words(value).lower()
    head, dash, last = words.rpartition("-")
    ending = _ORDINALS.get(last) or (last[:-1] + "ieth" if last.endswith("y") else f"{last}th")
    return (head + dash + ending).title() if value < 100 else _ordinal(value)


FORMS: Mapping[str, Callable[[int], str]] = {
    "decimal": str,
    "decimalZero": lambda value: f"{value:02}",
    "upperRoman": lambda value: _roman(value).upper(),
    "lowerRoman": _roman,
    "upperLetter": lambda value: _letters(value).upper(),
    "lowerLetter": _letters,
    "ordinal": _ordinal,
    "cardinalText": _in_words,
    "ordinalText": _ordinal_words,
    "none": lambda value: "",
}


_WORD_LEVELS = 9
_BULLET = "\u2022"


@dataclass(frozen=True, slots=True)
class _WordLevel:
    pattern: str
    form: str
    start: int
    style: str | None  # the paragraph style tied to it
    legal: bool  # all its places in figures
    restarts: bool  # anew under every paragraph of a higher level


@dataclass(slots=True)
class _WordList:
    """A list definition with its counters, shared by all lists that are made from it."""

    levels: dict[int, _WordLevel]
    counters: list[int | None] = field(default_factory=lambda: [None] * _WORD_LEVELS)


class Numbering:
    """The numbers of a document's paragraphs, asked for in the order of the text.

    `numbering` and `styles` are the roots of numbering.xml and styles.xml.
    """

    def __init__(self, numbering: Any | None, styles: Any | None) -> None:
        self._styles = {s.get(f"{W}styleId"): s for s in _all(styles, "style")}
        self._lists: dict[str, _WordList] = {}
        self._numbers: dict[str, tuple[str, dict[int, _WordLevel], dict[int, int]]] = {}
        self._begun: set[str] = set()
        links: dict[str, str] = {}
        for abstract in _all(numbering, "abstractNum"):
            number = abstract.get(f"{W}abstractNumId")
            levels = {_int(level.get(f"{W}ilvl"), 0): _word_level(level) for level in _all(abstract, "lvl")}
            self._lists[number] = _WordList(levels)
            if (link := value(abstract, "numStyleLink")) is not None:
                links[number] = link
        for num in _all(numbering, "num"):
            own, starts = {}, {}
            for override in _all(num, "lvlOverride"):
                at = _int(override.get(f"{W}ilvl"), 0)
                for level in _all(override, "lvl"):
                    own[at] = _word_level(level)
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
        if level is None or not 0 <= at < _WORD_LEVELS:
            return ""
        if number not in self._begun:
            self._begun.add(number)
            for place, start in starts.items():
                if place < _WORD_LEVELS:
                    of.counters[place] = start - 1
        count = of.counters[at]
        of.counters[at] = level.start if count is None else count + 1
        for below in range(at + 1, _WORD_LEVELS):
            if below not in levels or levels[below].restarts:
                of.counters[below] = None
        return _shown_number(level, levels, of.counters)

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


def _word_level(level: Any) -> _WordLevel:
    return _WordLevel(
        pattern=value(level, "lvlText") or "",
        form=value(level, "numFmt") or "decimal",
        start=_int(value(level, "start"), 0),
        style=value(level, "pStyle"),
        legal=bool(switch(level, "isLgl")),
        restarts=value(level, "lvlRestart") != "0",
    )


def _shown_number(level: _WordLevel, levels: Mapping[int, _WordLevel], counters: list[int | None]) -> str:
    if level.form == "bullet":
        return _BULLET
    if level.form == "none" and "%" not in level.pattern.replace(f"%{_WORD_LEVELS}", "%"):
        return level.pattern.strip()
    shown = level.pattern
    for place in range(_WORD_LEVELS):
        mark = f"%{place + 1}"
        if mark in shown:
            of = levels.get(place)
            count = counters[place]
            if count is None:  # a level that was skipped counts as begun
                count = counters[place] = of.start if of is not None else 1
            form = "decimal" if level.legal or of is None else of.form
            shown = shown.replace(mark, FORMS.get(form, str)(count))
    return shown.strip()


_FORMS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_LEVELS = 10
_PLACE = re.compile(r"%(\d+)%")
_UNSEEN = frozenset({"tracked-changes", "annotation"})

Levels = Mapping[int, Any]


@dataclass(slots=True)
class _Count:
    """How far the levels of a list are counted, by level from 1."""

    reached: dict[int, int] = field(default_factory=dict)

    def next(self, level: int, levels: Levels, start: str) -> str:
        """The number of the next item of a level; empty where it has none or a sign."""
        first = int(start or self._start(level, levels))
        self.reached[level] = first if start or level not in self.reached else self.reached[level] + 1
        self.reached = {at: value for at, value in self.reached.items() if at <= level}
        look = levels.get(level)
        if look is None or not _number_form(look):
            return ""
        pattern = attribute(look, "num-list-format")
        if not pattern:
            above = min(level, int(attribute(look, "display-levels") or 1)) - 1
            shown = [at for at in range(level - above, level + 1) if at == level or _number_form(levels.get(at))]
            places = ".".join(f"%{at}%" for at in shown)
            pattern = attribute(look, "num-prefix") + places + attribute(look, "num-suffix")
        return _PLACE.sub(lambda place: self._told(int(place[1]), levels), pattern).strip()

    def _told(self, level: int, levels: Levels) -> str:
        """The count of a level in writing; a level without an item counts as begun."""
        value = self.reached.setdefault(level, self._start(level, levels))
        form = _FORMS.get(_number_form(levels.get(level)) or "1", "decimal")
        if form.endswith("Letter") and value > 26 and attribute(levels[level], "num-letter-sync") != "true":
            return FORMS[form]((value - 1) // 26) + FORMS[form]((value - 1) % 26 + 1)  # z is followed by aa, ab
        return FORMS[form](value)

    def _start(self, level: int, levels: Levels) -> int:
        look = levels.get(level)
        return int("1" if look is None else attribute(look, "start-value") or 1)


@dataclass(slots=True)
class _Walk:
    lists: Mapping[str, Levels]  # by the name of the style
    outline: str  # the name of the style of headings outside lists
    styles: Mapping[tuple[str, str], Any]
    found: dict[Any, str] = field(default_factory=dict)
    by_name: dict[str, _Count] = field(default_factory=dict)
    by_style: dict[str, _Count] = field(default_factory=dict)

    def body(self, parent: Any) -> None:
        for child in parent:
            tag = tag_of(child)
            if tag == "list":
                self.list(child, "", None, 1)
            elif tag not in _UNSEEN:
                if tag == "h" and attribute(child, "is-list-header") != "true":
                    self.heading(child)
                self.body(child)

    def heading(self, heading: Any) -> None:
        if self.list_style(heading) not in (None, self.outline):  # an empty one switches its number off
            return
        count = self.by_style.setdefault(self.outline, _Count())
        level = min(int(attribute(heading, "outline-level") or 1), _LEVELS)
        start = (attribute(heading, "start-value") or "1") if attribute(heading, "restart-numbering") == "true" else ""
        self.found[heading] = _given(heading) or count.next(level, self.lists.get(self.outline, {}), start)

    def list(self, element: Any, style: str, count: _Count | None, level: int) -> None:
        """A list and the lists in it, which are counted together."""
        paragraph = next((child for item in element for child in item if tag_of(child) in ("p", "h")), None)
        style = attribute(element, "style-name") or style or (self.list_style(paragraph) or "")
        if count is None and attribute(element, "continue-numbering") == "true":
            count = self.by_style.get(style)
        count = count or self.by_name.get(attribute(element, "continue-list")) or _Count()
        self.by_style[style] = count
        if attribute(element, "id"):
            self.by_name[attribute(element, "id")] = count
        for item in element:
            counted = tag_of(item) != "list-item"
            for child in item:
                tag = tag_of(child)
                if tag == "list":
                    self.list(child, style, count, level + 1)
                    continue
                if tag in ("p", "h") and not counted:
                    number = count.next(level, self.lists.get(style, {}), attribute(item, "start-value"))
                    self.found[child] = _given(child) or _given(item) or number
                    counted = True
                self.body(child)

    def list_style(self, paragraph: Any | None) -> str | None:
        """The list style that the style of a paragraph names, itself or through the styles it is based on."""
        name = "" if paragraph is None else attribute(paragraph, "style-name")
        for _ in range(10):  # styles can be based on each other in a circle
            style = self.styles.get(("paragraph", name))
            if style is None:
                return None
            own = next((value for key, value in style.attrib.items() if key.endswith("}list-style-name")), None)
            if own is not None:
                return str(own)
            name = attribute(style, "parent-style-name")
        return None


def list_numbers(document: Any, common: Any | None, styles: Mapping[tuple[str, str], Any]) -> dict[Any, str]:
    """The numbers of the paragraphs and headings of a document, by the roots of its content and its common styles.

    `styles` are those of paragraphs, by family and name.
    """
    lists, outline = dict[str, Levels](), "Outline"
    for root in (common, document):
        for style in () if root is None else root.iter("{*}list-style", "{*}outline-style"):
            name = attribute(style, "name")
            if tag_of(style) == "outline-style":
                outline = name = name or outline
            lists[name] = {int(attribute(level, "level") or 1): level for level in style}
    walk = _Walk(lists, outline, styles)
    walk.body(document)
    return walk.found


def _given(element: Any) -> str:
    """The number that the file keeps with a paragraph or an item."""
    number = element.find("{*}number")
    return "" if number is None else "".join(number.itertext()).strip()


def _number_form(level: Any | None) -> str:
    return "" if level is None or tag_of(level).endswith(("bullet", "image")) else attribute(level, "num-format")
