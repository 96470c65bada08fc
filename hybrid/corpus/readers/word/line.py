"""A line of a Word file: the text of a paragraph as its styles and fonts show it, raised and lowered text apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from hybrid.corpus.readers.archive import W, find, switch, value
from hybrid.corpus.readers.scripts import lowered, raised

_SYMBOL = dict(
    zip(
        range(0x61, 0x7B),
        "\u03b1\u03b2\u03c7\u03b4\u03b5\u03c6\u03b3\u03b7\u03b9\u03d5\u03ba\u03bb\u03bc"
        "\u03bd\u03bf\u03c0\u03b8\u03c1\u03c3\u03c4\u03c5\u03d6\u03c9\u03be\u03c8\u03b6",
        strict=True,
    )
) | dict(
    zip(
        range(0x41, 0x5B),
        "\u0391\u0392\u03a7\u0394\u0395\u03a6\u0393\u0397\u0399\u03d1\u039a\u039b\u039c"
        "\u039d\u039f\u03a0\u0398\u03a1\u03a3\u03a4\u03a5\u03c2\u03a9\u039e\u03a8\u0396",
        strict=True,
    )
)
_SYMBOL |= {
    0x2D: "\u2212", 0xA2: "\u2032", 0xA3: "\u2264", 0xA5: "\u221e", 0xAB: "\u2194", 0xAC: "\u2190", 0xAE: "\u2192",
    0xB0: "\u00b0", 0xB1: "\u00b1", 0xB2: "\u2033", 0xB3: "\u2265", 0xB4: "\u00d7", 0xB6: "\u2202", 0xB7: "\u2022",
    0xB8: "\u00f7", 0xB9: "\u2260", 0xBA: "\u2261", 0xBB: "\u2248", 0xBC: "\u2026", 0xC6: "\u2205", 0xC7: "\u2229",
    0xC8: "\u222a", 0xCE: "\u2208", 0xD1: "\u2207", 0xD2: "\u00ae", 0xD3: "\u00a9", 0xD4: "\u2122", 0xD5: "\u220f",
    0xD6: "\u221a", 0xD7: "\u22c5", 0xDE: "\u21d2", 0xE5: "\u2211", 0xF2: "\u222b", 0xA0: "\u20ac",
}  # fmt: skip
_WINGDINGS = {
    0x28: "\u260e", 0x2A: "\u2709", 0x6C: "\u25cf", 0x6E: "\u25a0", 0x6F: "\u25a1", 0x71: "\u2751", 0x76: "\u2756",
    0x9F: "\u2022", 0xA7: "\u25aa", 0xA8: "\u2610", 0xD8: "\u27a2", 0xDF: "\u2190", 0xE0: "\u2192", 0xE1: "\u2191",
    0xE2: "\u2193", 0xE8: "\u2192", 0xFB: "\u2717", 0xFC: "\u2713", 0xFD: "\u2612", 0xFE: "\u2611",
}  # fmt: skip
_WINGDINGS_2 = {
    0x4F: "\u2717", 0x50: "\u2713", 0x51: "\u2612", 0x52: "\u2611", 0x53: "\u2612", 0x54: "\u2612", 0xA3: "\u2610",
}  # fmt: skip
_FONTS = {"symbol": _SYMBOL, "wingdings": _WINGDINGS, "wingdings 2": _WINGDINGS_2}
UNKNOWN = "\u25a1"


def sign(code: int, font: str) -> str:
    """The sign of a character, with or without the 0xF000 that Word adds, in a font; a square for an unknown one."""
    bare = code - 0xF000 if 0xF000 <= code <= 0xF0FF else code
    known = _FONTS.get(font.lower())
    if known is not None:
        return known.get(bare, chr(bare) if known is _SYMBOL and 0x20 <= bare < 0x7F else UNKNOWN)
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
