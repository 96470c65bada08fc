"""A look: how the runs and the styles of a Word file show their text."""

from __future__ import annotations

from typing import Any, NamedTuple

from hybrid.corpus.readers.word.element import W, find, switch, value


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
            self._known[name] = _look(style.find(f"{W}rPr")).over(base)
        return self._known[name]

    def of(self, properties: Any | None, around: Look) -> Look:
        """The look of a run with these properties in a paragraph with the look `around`."""
        if properties is None:
            return around
        return _look(properties).over(self.style(value(properties, "rStyle"))).over(around)


def _look(properties: Any | None) -> Look:
    font, struck = find(properties, "rFonts"), switch(properties, "strike")
    return Look(
        switch(properties, "vanish"),
        struck if struck is not None else switch(properties, "dstrike"),
        switch(properties, "b"),
        value(properties, "vertAlign"),
        None if font is None else font.get(f"{W}ascii"),
    )
