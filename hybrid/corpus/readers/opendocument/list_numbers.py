"""The numbers before headings and the items of lists in OpenDocument files, which hold only the rules.

OpenDocument 1.3 part 3, 5.3 and 16.30 to 16.32: an item counts at its first paragraph, with the level of the lists
around it; a heading outside lists counts by its own level.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hybrid.corpus.readers.numerals import FORMS
from hybrid.corpus.readers.xml import attribute, tag_of

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
        if look is None or not _form(look):
            return ""
        pattern = attribute(look, "num-list-format")
        if not pattern:
            above = min(level, int(attribute(look, "display-levels") or 1)) - 1
            shown = [at for at in range(level - above, level + 1) if at == level or _form(levels.get(at))]
            places = ".".join(f"%{at}%" for at in shown)
            pattern = attribute(look, "num-prefix") + places + attribute(look, "num-suffix")
        return _PLACE.sub(lambda place: self._told(int(place[1]), levels), pattern).strip()

    def _told(self, level: int, levels: Levels) -> str:
        """The count of a level in writing; a level without an item counts as begun."""
        value = self.reached.setdefault(level, self._start(level, levels))
        form = _FORMS.get(_form(levels.get(level)) or "1", "decimal")
        if form.endswith("Letter") and value > 26 and attribute(levels[level], "num-letter-sync") != "true":
            return FORMS[form]((value - 1) // 26) + FORMS[form]((value - 1) % 26 + 1)  # z is followed by aa, ab
        return FORMS[form](value)

    def _start(self, level: int, levels: Levels) -> int:
        look = levels.get(level)
        return int("1" if look is None else attribute(look, "start-value") or 1)


@dataclass(slots=True)
class _Walk:
    """A document while its numbers are counted."""

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


def _form(level: Any | None) -> str:
    return "" if level is None or tag_of(level).endswith(("bullet", "image")) else attribute(level, "num-format")
