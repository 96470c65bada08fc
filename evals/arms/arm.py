"""An arm answers samples; every kind of arm stands behind this one seam.

Arms are called from as many threads as their concurrency says, because that is what fills an engine's batch; an engine
in this process gathers these calls itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hybrid.evals.metrics.retrieval import Range
from hybrid.evals.sample import Count, Sample

from hybrid.errors import InputError
from hybrid.types import Citation, Cost, Route, Rung, Usage

COMPARED = "as asked"  # seconds of a search by the question as it was asked, which is no part of answering


@dataclass(frozen=True, slots=True)
class Reply:
    """An arm's reply to a sample."""

    text: str  # as it is judged: without citation marks
    abstained: bool = False
    route: Route | None = None  # None where an arm knows no routes
    rung: Rung | None = None
    usage: Usage = field(default_factory=Usage)
    cost: Cost | None = None  # None where it is not known
    decision: Mapping[str, Any] | None = None  # JSON: what was decided, on what, and each attempt
    timings: Mapping[str, float] = field(default_factory=dict)  # seconds by stage
    found: tuple[Range, ...] = ()  # passages that retrieval found, best first, on either route
    marked: str = ""  # the text with its citation marks
    citations: tuple[Citation, ...] | None = None  # None where an arm cites nothing by its nature
    standalone: str = ""  # the question as it was understood from the turns before it, where that is another
    as_asked: tuple[Range, ...] = ()  # passages found by the question as it was asked, where it follows others


class Unsuited(InputError):
    """The arm has no way to answer this sample; the run skips and counts it."""


class Arm(Protocol):
    """Answers samples, from several threads at once."""

    @property
    def name(self) -> str:
        """As the suite calls it."""

    @property
    def concurrency(self) -> int:
        """Samples that keep its engine busy."""

    @property
    def count(self) -> Count | None:
        """Counts tokens as its model does; None where it cannot."""

    def about(self) -> dict[str, Any]:
        """Its settings, engine and window, as JSON."""

    def answer(self, sample: Sample) -> Reply:
        """Answer one sample.

        Raises:
            Unsuited: it has no way to answer this sample.
            WindowError: the sample is longer than its window.
            Exception: this one sample failed; the exception's `usage`, if it has one, is charged.
        """

    def price(self, usage: Usage) -> Cost | None:
        """The cost of a usage; None where it is not known."""

    def close(self) -> None:
        """Free what it holds."""
