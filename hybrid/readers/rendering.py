"""Rendering: text made from a source, with an anchor wherever the two depart from each other."""

from __future__ import annotations

from hybrid.document import Anchor, Heading
from hybrid.readers.extract import Extract


class Rendering:
    """Text under construction. Pieces come in the order of the source, so lines are counted only once."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.length = 0
        self._parts: list[str] = []
        self._anchors: list[Anchor] = []
        self._line = 1
        self._seen = 0

    def put(self, piece: str, offset: int) -> None:
        """Adds text that stands for the source from `offset` on."""
        self._line += self.source.count("\n", self._seen, offset)
        self._seen = offset
        self._anchors.append(Anchor(self.length, offset, self._line))
        self.fill(piece)

    def fill(self, piece: str) -> None:
        """Adds text that the source does not have."""
        self._parts.append(piece)
        self.length += len(piece)

    def extract(self, headings: tuple[Heading, ...] = ()) -> Extract:
        return Extract("".join(self._parts), headings, tuple(self._anchors))
