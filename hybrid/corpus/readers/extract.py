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
