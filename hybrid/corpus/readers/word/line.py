"""A line of a Word file: the text of a paragraph as its styles and fonts show it, raised and lowered text apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from hybrid.corpus.readers.archive import W, find, switch, value
from hybrid.corpus.readers.scripts import lowered, raised
from hybrid.files import carried

_FONTS: dict[str, dict[int, str]] = {
    font: {int(code, 16): shown for code, shown in signs.items()} for font, signs in carried(__name__).items()
}
UNKNOWN = "\u25a1"


def sign(code: int, font: str) -> str:
    """The sign of a character, with or without the 0xF000 that Word adds, in a font; a square for an unknown one."""
    bare = code - 0xF000 if 0xF000 <= code <= 0xF0FF else code
    known = _FONTS.get(font.lower())
    if known is not None:
        return known.get(bare, chr(bare) if font.lower() == "symbol" and 0x20 <= bare < 0x7F else UNKNOWN)
    if bare != code:
        return UNKNOWN if "dings" in font.lower() or "symbol" in font.lower() or bare < 0x20 else chr(bare)
    return chr(code) if code >= 0x20 and not 0xD800 <= code < 0xE000 and code <= 0x10FFFF else UNKNOWN


def signs(text: str, font: str) -> str:
    """A text with the signs that its font shows."""
    if not any("\uf000" <= c <= "\uf0ff" for c in text):
        return text
    return "".join(sign(ord(c), font or "symbol") if "\uf000" <= c <= "\uf0ff" else c for c in text)


class Look(NamedTuple):
    """How text is shown, None where nothing says so."""

    hidden: bool | None = None
    struck: bool | None = None
    bold: bool | None = None
    place: str | None = None  # superscript, subscript, baseline
    font: str | None = None

    def over(self, other: Look) -> Look:
        """This look, and the other one where it says nothing."""
        return other._replace(**{name: value for name, value in self._asdict().items() if value is not None})


class Looks:
    """The looks that the styles of a document give, by the root of styles.xml."""

    def __init__(self, styles: Any | None) -> None:
        found = [] if styles is None else styles.findall(f"{W}style")
        self._styles = {style.get(f"{W}styleId"): style for style in found}
        self._known: dict[str | None, Look] = {None: Look()}

    def style(self, name: str | None, depth: int = 10) -> Look:
        """The look of a style and of those it is based on, which may be in a circle."""
        if name not in self._known:
            style = self._styles.get(name)
            if style is None or not depth:
                return Look()
            base = self.style(value(style, "basedOn"), depth - 1)
            self._known[name] = _look_of(style.find(f"{W}rPr")).over(base)
        return self._known[name]

    def of(self, properties: Any | None, around: Look) -> Look:
        """The look of a run with these properties in a paragraph with the look `around`."""
        if properties is None:
            return around
        return _look_of(properties).over(self.style(value(properties, "rStyle"))).over(around)


def _look_of(properties: Any | None) -> Look:
    font, struck = find(properties, "rFonts"), switch(properties, "strike")
    return Look(
        switch(properties, "vanish"),
        struck if struck is not None else switch(properties, "dstrike"),
        switch(properties, "b"),
        value(properties, "vertAlign"),
        None if font is None else font.get(f"{W}ascii"),
    )


_LOOK = 40  # characters of a line before a raised or lowered text that tell how to write it


@dataclass(slots=True)
class Line:
    """The text of a paragraph so far."""

    text: str = ""
    place: str = ""  # of the waiting text: superscript or subscript
    waiting: str = ""
    figure: bool = False  # whether the text ends with a raised or lowered figure
    bold: bool = True  # whether all of it is
    equation: str = ""  # the last one in it

    def add(self, text: str, look: Look) -> None:
        if not text:
            return
        place = look.place if look.place in ("superscript", "subscript") else ""
        if place != self.place:
            self.end()
            self.place = place
        self.bold = self.bold and (bool(look.bold) or not text.strip())
        if place:
            self.waiting += text
        else:
            self.text += f" {text}" if self.figure and text[0].isdigit() else text
            self.figure = False

    def end(self) -> str:
        """The whole text, when nothing more is raised or lowered."""
        mark = self.waiting.strip()
        if self.waiting:
            tell = raised if self.place == "superscript" else lowered
            lead, tail = tell(self.text[-_LOOK:], mark)
            self.text += f"{lead}{mark}{tail}" if lead else self.waiting
            self.figure = mark[-1:].isdigit() and not tail
        self.waiting = self.place = ""
        return self.text
