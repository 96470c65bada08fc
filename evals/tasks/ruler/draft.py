"""A sample of RULER before its length is known to fit, and the words of its keys: a list of our own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
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


# a paragraph of adjectives, and one of nouns
ADJECTIVES, NOUNS = (
    part.split() for part in (files("hybrid.evals.tasks.ruler") / "words.txt").read_text("utf-8").split("\n\n")
)


def different(draw: Callable[[], str], n: int) -> list[str]:
    """`n` different draws."""
    found: dict[str, None] = {}
    while len(found) < n:
        found[draw()] = None
    return list(found)


@cache
def _compounds() -> tuple[str, ...]:
    """Pairs of our nouns written as one word, in a fixed mixed order."""
    pairs = sorted({a + b for a in NOUNS for b in NOUNS if a != b} - {*ADJECTIVES, *NOUNS})
    return tuple(Random(0).sample(pairs, len(pairs)))


def vocabulary(n: int) -> list[str]:
    """`n` different words, or all: our list, and what it lacks as compounds of its nouns."""
    words = sorted({*ADJECTIVES, *NOUNS})
    return [*words, *_compounds()[: max(0, n - len(words))]]
