"""A sample of RULER before its length is known to fit, and lines hidden among others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from hybrid.evals.sample import Value
from hybrid.evals.tasks.haystack import joined

NOISE = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."


@dataclass(frozen=True, slots=True)
class Draft:
    """A sample before its length is known to fit."""

    prompt: str
    prefix: str
    question: str
    documents: dict[str, str]
    golds: tuple[str, ...]
    ranges: tuple[tuple[str, int, int], ...] = ()
    group: str = ""
    about: dict[str, Value] = field(default_factory=dict)


Make = Callable[[Random, int], Draft]  # the draw of one sample, and the size of its haystack


def hide(hay: list[str], places: list[int], said: list[str], glue: str) -> tuple[str, list[tuple[int, int]]]:
    """`said` in its order put before the `places` of the hay, and the range of each in the text."""
    parts, at, before = list[str](), list[int](), 0
    for place, line in zip(places, said, strict=True):
        parts += hay[before:place]
        at.append(len(parts))
        parts.append(line)
        before = place
    parts += hay[before:]
    text, starts = joined(parts, glue)
    return text, [(starts[i], starts[i] + len(parts[i])) for i in at]
