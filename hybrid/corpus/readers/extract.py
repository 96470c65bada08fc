"""The result of a reader: the text of a file and its places in the original, or the reason why there is none."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from hybrid.document import Anchor, Heading


class Unreadable(Exception):
    """A file without usable text. The message is the reason, one short sentence."""


class Extract(NamedTuple):
    """The text of a file; the fields are those of a `Document`."""

    text: str
    headings: tuple[Heading, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    pages: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()  # on all that is not in the text: "3 comments left out"


def in_few_words(error: Exception) -> str:
    """An exception on one line."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= 120 else words[:119] + "…"


def omitted(count: int, what: str) -> str:
    """A remark on things that are not in the text: "2 passages of hidden text left out"."""
    several = re.sub(r"(?= (?:of|without|\()|$)", "s", what, count=1)
    return f"{count} {what if count == 1 else several} left out"


class LeftOut(Counter[str]):
    """The things in a file that are not in the text, counted by their kind."""

    def remarks(self) -> list[str]:
        return [omitted(count, what) for what, count in self.items() if count]


class Rendering:
    """Text under construction. Pieces come nearly in the order of the source, so lines are counted about once."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.length = 0
        self._parts: list[str] = []
        self._anchors: list[Anchor] = []
        self._line = 1
        self._seen = 0
        self._last = 0  # where the last text from the source ends in it

    def put(self, piece: str, offset: int) -> None:
        """Adds text that stands for the source from `offset` on."""
        offset = min(offset, max(0, len(self.source) - 1))
        if offset < self._seen:  # an inner table comes after the row around it
            self._anchors.append(Anchor(self.length, self._last, self._line))
            self._line -= self.source.count("\n", offset, self._seen)
        else:
            self._line += self.source.count("\n", self._seen, offset)
        self._seen = offset
        self._last = max(offset, min(offset + len(piece), len(self.source)) - 1)
        self._anchors.append(Anchor(self.length, offset, self._line))
        self.fill(piece)

    def fill(self, piece: str) -> None:
        """Adds text that the source does not have."""
        self._parts.append(piece)
        self.length += len(piece)

    def extract(self, headings: tuple[Heading, ...] = ()) -> Extract:
        """The whole text; its end is anchored too, because text that the source does not have may stand there."""
        end = [Anchor(self.length, min(self._last, len(self.source) - 1), self._line)] if self._anchors else []
        return Extract("".join(self._parts), headings, (*self._anchors, *end))
