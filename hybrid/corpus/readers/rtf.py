"""RTF without what is deleted, hidden or struck out, with its notes in brackets where they stand.

What is left is RTF still, for the library that reads it; raised and lowered text has the marks that it is given.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace

_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})?[ ]?|\\'(?P<code>[0-9a-fA-F]{2})|\\(?P<sign>[^a-zA-Z])"
    r"|(?P<brace>[{}])|(?P<text>[^\\{}]+)|\\",
    re.DOTALL,
)
_SHOWN = frozenset("u tab line emdash endash emspace enspace qmspace bullet lquote rquote ldblquote rdblquote".split())
_ENDS = frozenset("par cell nestcell row nestrow line sect page tab".split())  # over which nothing raised goes on
_NOTES = {"footnote": " [footnote: "} | {
    f"{kind}{side}": f"\\par [{kind}: " for kind in ("header", "footer") for side in ("", "l", "r", "f")
}
_KINDS = {"deleted": "", "hidden": "passage of hidden text", "struck": "struck-out passage"}


@dataclass(slots=True)
class _State:
    """How the text of a group looks."""

    deleted: bool = False
    hidden: bool = False
    struck: bool = False
    rise: int = 0  # 1 above the line, -1 below it
    aside: bool = False  # in a part that is never shown, such as the table of fonts
    note: str = ""  # which note it is in
    ends: str = ""  # what is written at the end of the group

    def why(self) -> str:
        """Why the text is left out, "" where it is shown."""
        return "deleted" if self.deleted else "hidden" if self.hidden else "struck" if self.struck else ""


@dataclass(slots=True)
class _Reading:
    """One file on its way."""

    asides: Collection[str]
    up: str
    down: str
    level: str
    out: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    tracked: bool = False
    rise: int = 0  # as written last
    last: str = ""  # why the last text was left out

    def place(self, rise: int) -> None:
        """Marks where text begins or ends to be raised or lowered."""
        if rise != self.rise:
            self.out.append((self.level if self.rise else "") + {1: self.up, -1: self.down, 0: ""}[rise])
            self.rise = rise

    def show(self, raw: str, state: _State, *, counts: bool) -> None:
        """Text is written, or left out; what hangs together is counted once."""
        why = "" if state.aside else state.why()
        if why:
            if counts and why != self.last and _KINDS[why]:
                self.left_out[_KINDS[why]] += 1
            self.last = why if counts else self.last
            return
        if counts:
            self.last = ""
        if not state.aside:
            self.place(state.rise)
        self.out.append(raw)


def cleared(text: str, asides: Collection[str], up: str, down: str, level: str) -> tuple[str, Counter[str], bool]:
    """RTF with only what is valid in it, what is left out by its kind, and whether its changes were tracked.

    Args:
        asides: the words that begin a part of which nothing is shown, such as the table of fonts.
        up: what to write before raised text; down: before lowered text; level: behind either.
    """
    reading, state, stack = _Reading(asides, up, down, level), _State(), list[_State]()
    starred = False  # a group of which programs that do not know it show nothing
    for token in _TOKEN.finditer(re.sub(f"[{up}{down}{level}]", "", text)):
        raw, word = token.group(), token["word"]
        if token["brace"] == "{":
            stack.append(replace(state))
            state.ends, starred = "", False
            reading.out.append(raw)
        elif token["brace"]:
            if state.ends:
                reading.place(0)
            reading.out.append(state.ends + raw)
            state, starred = stack.pop() if stack else _State(), False
        elif token["sign"] == "*":
            starred = True
        elif word is not None:
            _word(reading, state, token, starred=starred)
            starred = False
        else:
            visible = bool(token["code"] or raw.strip())
            reading.show(raw, state, counts=visible)
    return "".join(reading.out), reading.left_out, reading.tracked


def _word(reading: _Reading, state: _State, token: re.Match[str], *, starred: bool) -> None:
    raw, word, on = token.group(), token["word"], token["number"] != "0"
    if word in _NOTES and not state.why():
        reading.place(0)
        reading.out.append(_NOTES[word])
        state.ends, state.note, state.aside = "]" if word == "footnote" else "]\\par ", word, False
        state.rise = 0
        return
    if starred:
        state.aside = True
        if word == "annotation":
            reading.left_out["comment"] += 1
        reading.out.append(f"\\*{raw}")
        return
    if word in reading.asides:
        state.aside = True
    elif word == "deleted":
        state.deleted = on
    elif word == "v":
        state.hidden = on
    elif word in ("strike", "striked"):
        state.struck = on
    elif word in ("super", "sub", "nosupersub"):
        state.rise = {"super": 1, "sub": -1}.get(word, 0) if on else 0
    elif word == "plain":
        state.hidden, state.struck, state.rise = False, False, 0
    reading.tracked = reading.tracked or (word in ("deleted", "revised") and on)
    if word in _SHOWN:
        reading.show(raw, state, counts=False)
        return
    if word in _ENDS:
        reading.place(0)
    reading.out.append(" " if word == "par" and state.note else raw)
