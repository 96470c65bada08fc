"""RTF: paragraphs and tables as a simple web page shows them, notes in brackets where they stand.

Deleted, hidden and struck-out text is taken out of the file before striprtf reads it, and raised and lowered text is
marked.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from hybrid.corpus.readers.archive import office_missing
from hybrid.corpus.readers.extract import Extract, LeftOut, Unreadable, in_few_words
from hybrid.corpus.readers.markup import BLANKS, DOWN, LEVEL, UP, Cells, is_margin, joined, marked, of_page, table_of

_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})?[ ]?|\\'(?P<code>[0-9a-fA-F]{2})|\\(?P<sign>[^a-zA-Z])"
    r"|(?P<brace>[{}])|(?P<text>[^\\{}]+)|\\",
    re.DOTALL,
)
_SHOWN = frozenset("u tab line emdash endash emspace enspace qmspace bullet lquote rquote ldblquote rdblquote".split())
_ENDS = frozenset("par cell nestcell row nestrow line sect page tab".split())  # raised text ends before these
_NOTES = {"footnote": " [footnote: "} | {
    f"{kind}{side}": f"\\par [{kind}: " for kind in ("header", "footer") for side in ("", "l", "r", "f")
}
_KINDS = {"deleted": "", "hidden": "passage of hidden text", "struck": "struck-out passage"}
_LOOSE = re.compile(r"(\[(?:footnote|header|footer):[^\[\]]*?)\s+\]")  # a note whose paragraph ended before it
_MARGIN = re.compile(r"\[(?:header|footer):([^\]]*)\]")


def read_rtf(data: bytes) -> Extract:
    if not data.lstrip().startswith(b"{\\rtf"):
        raise Unreadable("broken RTF: it does not begin as one")
    try:
        from striprtf import striprtf
    except ImportError:
        raise office_missing() from None
    try:
        told = striprtf.remove_pict_groups(data.decode("latin-1"))  # type: ignore[no-untyped-call]
        told, left_out, tracked = _cleared(told, striprtf.destinations)
        text = str(striprtf.rtf_to_text(told, errors="replace"))  # type: ignore[no-untyped-call]
    except Exception as error:  # noqa: BLE001 - a broken file leads to nearly anything
        raise Unreadable(f"broken RTF: {in_few_words(error)}") from None
    remarks = left_out.remarks() + (["tracked changes read as accepted"] if tracked else [])
    return joined([of_page(_page(text))], remarks)


def _page(text: str) -> str:
    """The plain text of an RTF file, whose cells are parted by bars, as a page."""
    found, rows, margins = [], Cells(), set[str]()
    for line in [*text.splitlines(), ""]:
        line = _LOOSE.sub(r"\1]", line.strip())
        if "|" in line and line.endswith("|"):
            rows.append([(BLANKS.sub(" ", cell).strip(), 1, 1) for cell in line[:-1].split("|")])
            continue
        if rows:
            found.append(table_of(rows))
            rows = []
        margin = _MARGIN.fullmatch(line)
        if not line or (margin is not None and (line in margins or not is_margin(margin[1]))):
            continue
        margins |= {line} if margin is not None else set()
        found.append(f"<p>{marked(line)}</p>")
    return "".join(found)


@dataclass(slots=True)
class _State:
    deleted: bool = False
    hidden: bool = False
    struck: bool = False
    rise: int = 0  # 1 above the line, -1 below it
    aside: bool = False  # in an invisible part, such as the table of fonts
    note: str = ""  # which note it is in
    ends: str = ""  # to be written at the end of the group

    def why(self) -> str:
        """Why the text is left out, "" where it is shown."""
        return "deleted" if self.deleted else "hidden" if self.hidden else "struck" if self.struck else ""


@dataclass(slots=True)
class _Reading:
    asides: Collection[str]  # words that begin an invisible part, such as the table of fonts
    out: list[str] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)
    tracked: bool = False
    rise: int = 0  # as written last
    last: str = ""  # why the last text was left out

    def place(self, rise: int) -> None:
        """Marks where text begins or ends to be raised or lowered."""
        if rise != self.rise:
            self.out.append((LEVEL if self.rise else "") + {1: UP, -1: DOWN, 0: ""}[rise])
            self.rise = rise

    def show(self, raw: str, state: _State, *, counts: bool) -> None:
        """Writes text or leaves it out; connected text is counted once."""
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


def _cleared(text: str, asides: Collection[str]) -> tuple[str, LeftOut, bool]:
    """The visible part of an RTF text, the count of what is left out, and whether changes were tracked."""
    reading, state, stack = _Reading(asides), _State(), list[_State]()
    starred = False  # a group that is invisible to programs which do not know it
    for token in _TOKEN.finditer(re.sub(f"[{UP}{DOWN}{LEVEL}]", "", text)):
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
