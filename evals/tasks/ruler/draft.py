"""A sample of RULER before its length is known to fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from hybrid.evals.sample import Value

NOISE = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."


@dataclass(frozen=True, slots=True)
class Draft:
    """How a sample would be at one size."""

    prompt: str
    prefix: str
    question: str
    documents: dict[str, str]
    golds: tuple[str, ...]
    ranges: tuple[tuple[str, int, int], ...] = ()
    group: str = ""
    about: dict[str, Value] = field(default_factory=dict)


Make = Callable[[Random, int], Draft]  # the draw of one sample, and the size of its haystack
