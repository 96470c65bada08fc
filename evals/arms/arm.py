"""An arm: whatever answers a sample, behind one seam.

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
from hybrid.types import Cost, Route, Rung, Usage


@dataclass(frozen=True, slots=True)
class Reply:
    """What an arm made of a sample."""

    text: str  # as it is judged: without citation marks
    abstained: bool = False
    route: Route | None = None  # None where an arm knows no routes
    rung: Rung | None = None
    usage: Usage = field(default_factory=Usage)
    cost: Cost | None = None  # None where nothing tells
    decision: Mapping[str, Any] | None = None  # JSON: what was decided, on what, and each attempt
    timings: Mapping[str, float] = field(default_factory=dict)  # seconds by stage
    found: tuple[Range, ...] = ()  # what was retrieved, best first, whichever route was then taken


class Unsuited(InputError):
    """A sample that an arm has no way to answer: it is skipped, and counted as that."""


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
        """Its model's tokenizer; None where it tells none."""

    def about(self) -> dict[str, Any]:
        """What sets it apart, as JSON: settings, engine, window."""

    def answer(self, sample: Sample) -> Reply:
        """Answer one sample.

        Raises:
            Unsuited: it has no way to answer this sample.
            WindowError: the sample is longer than its window.
            Exception: anything else fails this one sample; `usage` of the exception is what it took all the same.
        """

    def price(self, usage: Usage) -> Cost | None:
        """What a usage did cost; None where nothing tells."""

    def close(self) -> None:
        """Free what it holds."""
