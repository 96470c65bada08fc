"""Tasks and arms as somebody may get them wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hybrid.evals.sample import Sample

NUMBER = 3


class Odd:
    """A task that gives what it is told to give."""

    name, source, metric = "odd", "made up", "exact_match"

    def __init__(self, gives: str = "") -> None:
        self.gives = gives

    def samples(self, count: Any, n: int, seed: int, length: int | None = None) -> Iterator[Any]:
        documents = {"a": "The sum is 1."}
        one = Sample("s", "What is 1 + 0?", documents, ("1",), group="g")
        yield one
        if self.gives == "twice":
            yield one
        elif self.gives == "letters":
            yield Sample("t", "Where?", documents, "Lima", group="g")  # type: ignore[arg-type]
        elif self.gives == "text":
            yield Sample("t", "Where?", "Lima", ("Lima",), group="g")  # type: ignore[arg-type]
        elif self.gives == "dict":
            yield {"question": "Where?"}


def nothing(question: str, documents: Any) -> None:
    """A function that forgot to return its answer."""


class NoTask:
    """Has a name and nothing else."""

    name = "none"
