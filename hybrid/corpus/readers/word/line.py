"""A line: the text of a paragraph, with raised and lowered text kept apart."""

from __future__ import annotations

from dataclasses import dataclass

from hybrid.corpus.readers.scripts import lowered, raised
from hybrid.corpus.readers.word.look import Look

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
