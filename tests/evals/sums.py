"""A task of sums, and arms that answer it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from hybrid.evals.arms.arm import Reply
from hybrid.evals.arms.plain import FunctionArm
from hybrid.evals.sample import Sample
from hybrid.evals.suite import ArmSpec, Limits, Suite, TaskSpec

from hybrid.types import Cost, Usage


class Sums:
    """A task: what is a + b?"""

    name, source, metric = "sums", "made up", "exact_match"

    def __init__(self, groups: int = 5) -> None:
        self.documents = [{f"book {g}": f"The {g}th book of sums."} for g in range(groups)]

    def samples(self, count: Any, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        for i in range(n):
            group = i % len(self.documents)
            golds = (str(i + seed),)
            yield Sample(f"s{i}", f"What is {i} + {seed}?", self.documents[group], golds, group=str(group))


def add(question: str, documents: Mapping[str, str]) -> str:
    one, _, other = question.removeprefix("What is ").rstrip("?").partition(" + ")
    return str(int(one) + int(other))


def slowly(question: str, documents: Mapping[str, str]) -> str:
    time.sleep(0.004)
    return add(question, documents)


class Pool(FunctionArm):
    """A function with the tokens and costs of a model."""

    def __init__(self, name: str, function: Any = add, concurrency: int = 3) -> None:
        super().__init__(name, function, concurrency)
        self.asked: list[str] = []
        self.threads: set[int] = set()

    def answer(self, sample: Sample) -> Reply:
        self.asked.append(sample.id)
        self.threads.add(threading.get_ident())
        found = super().answer(sample)
        return Reply(found.text, found.abstained, usage=Usage(calls=1, prompt_tokens=10), cost=self.price(Usage()))

    def price(self, usage: Usage) -> Any:
        return Cost(dollars=0.001 * usage.calls, basis="measured")


def suite(n: int = 20, arms: tuple[str, ...] = ("one",), **limits: Any) -> Suite:
    return Suite(
        name="sums",
        n=n,
        seeds=(0, 7),
        tasks=(TaskSpec(name="tests.evals.sums:Sums", label="sums"),),
        arms=tuple(ArmSpec(name=name, kind="function", target="tests.evals.sums:add") for name in arms),
        limits=Limits(**limits),
    )
