"""A part of the page: its words, figures, tables and examples."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hybrid.evals.report.data import Data
from hybrid.evals.statistics import Estimate


class Table(NamedTuple):
    """Rows of words and numbers under their heads."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""  # shown where it is folded


class Example(NamedTuple):
    """A sample on which two arms differ."""

    title: str
    question: str
    golds: str
    replies: Sequence[tuple[str, str]]  # arm with its score, text


class Reply(NamedTuple):
    """An arm's reply to a question."""

    arm: str
    status: str  # answered, failed or skipped
    score: float | None
    route: str
    cost: str
    text: str  # or why there is none


class Question(NamedTuple):
    """A sample with the replies to it."""

    task: str
    length: int | None
    id: str
    question: str
    golds: str
    replies: Sequence[Reply]


@dataclass(slots=True)
class Section:
    """A part of the page."""

    title: str
    text: list[str] = field(default_factory=list)
    figures: list[tuple[str, str]] = field(default_factory=list)  # name of the file, SVG
    tables: list[Table] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether it shows anything."""
        return bool(self.tables or self.figures or self.examples or self.questions)


@dataclass(slots=True)
class Report:
    """The data and how they are shown."""

    data: Data
    sections: list[Section]


def family_of(name: str) -> str:
    """The part of a task's name before the slash; the tasks of a family belong together."""
    return name.partition("/")[0]


def file_name(name: str) -> str:
    """A name as part of a file's."""
    return "".join(c if c.isalnum() else "-" for c in name)


def short(tokens: int) -> str:
    return f"{tokens // 1024}k" if tokens >= 1024 and tokens % 1024 == 0 else f"{tokens:,}"


def span(found: Estimate | None, times: float = 1.0) -> str:
    if found is None:
        return "-"
    return f"{times * found.mean:.3f} [{times * found.low:.3f}, {times * found.high:.3f}]"


def signed(mean: float, low: float, high: float) -> str:
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def signed_span(found: Estimate | None) -> str:
    return "-" if found is None else signed(found.mean, found.low, found.high)


def cut(text: str, most: int) -> str:
    """A text, or its first characters."""
    return text if len(text) <= most else f"{text[:most]} …"


def right(golds: Sequence[str], most: int = sys.maxsize) -> str:
    """The right answers, in words."""
    return cut(" | ".join(golds), most) or "nothing: the documents do not say"
