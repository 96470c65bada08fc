"""The worth of policies on LaRA's questions, with the published replies of its models.

A set is a model at a length. Its score is the mean over LaRA's four tasks, so each task counts the same however many
questions it has, and a report's figure is the mean over the ten sets. Intervals draw whole groups of documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hybrid.evals.replay import carry_out
from hybrid.evals.research.router_data import Row
from numpy.typing import NDArray

from hybrid.routing.policies.long import Long
from hybrid.routing.policies.question_type import QuestionType
from hybrid.routing.policies.rag import Rag
from hybrid.routing.policies.self_route import SelfRoute
from hybrid.routing.policy import Policy
from hybrid.routing.weights import Need

Floats = NDArray[np.float64]

NEED: dict[str, Need] = {
    "location": "fact",
    "reasoning": "reasoning",
    "comp": "comparison",
    "hallu": "unanswerable",
}

_DRAWS = 1000

Make = Callable[[Row, str], Policy]  # the policy for a question and the model that answers it


@dataclass(frozen=True)
class Done:
    """A policy's results on every question and model: arrays of shape (questions, models)."""

    score: Floats
    tokens: Floats
    long: Floats  # 1 where the whole was read


def run(table: Sequence[Row], make: Make) -> Done:
    """A policy over all questions and models."""
    models = table[0].models
    found = np.array([[carry_out(make(row, model), row.cases[model])[:3] for model in models] for row in table], float)
    return Done(found[:, :, 0], found[:, :, 2], found[:, :, 1])


class Measured:
    """Means over tasks and sets, with intervals by drawing groups."""

    def __init__(self, table: Sequence[Row]) -> None:
        groups = sorted({row.group for row in table})
        member = np.array([groups.index(row.group) for row in table])
        random = np.random.default_rng(0)
        drawn = random.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), _DRAWS)
        self.weights = np.vstack([np.ones(len(table)), drawn[:, member]])  # the first row: as they are
        cells = sorted({(row.size, row.task) for row in table})
        self.cells = {cell: np.array([(row.size, row.task) == cell for row in table]) for cell in cells}
        self.sizes = sorted({row.size for row in table})

    def sets(self, values: Floats, task: str | None = None) -> Floats:
        """Mean over tasks of each draw, length and model: shape (draws, lengths, models)."""
        found = []
        for size in self.sizes:
            own = [inside for cell, inside in self.cells.items() if cell[0] == size and task in (None, cell[1])]
            means = []
            for inside in own:
                weight = self.weights[:, inside]
                means.append(weight @ values[inside] / np.maximum(weight.sum(1, keepdims=True), 1e-9))
            found.append(np.mean(means, axis=0))
        return 100 * np.stack(found, 1)

    def mean(self, values: Floats, task: str | None = None) -> list[float]:
        """Mean over the sets with its 95 % interval."""
        return _interval(self.sets(values, task).mean((1, 2)))

    def against_fixed(self, done: Done, rag: Floats, long: Floats) -> list[float]:
        """A policy less the fixed route that is the better one of each set, on the same questions: with hindsight."""
        one, other = self.sets(rag), self.sets(long)
        fixed = np.where(one[:1] >= other[:1], one, other)
        return _interval((self.sets(done.score) - fixed).mean((1, 2)))

    def share(self, done: Done, whole: Floats) -> float:
        """Tokens of a policy as a share of the long route's, mean over the sets."""
        shares = []
        for size in self.sizes:
            inside = np.any([own for cell, own in self.cells.items() if cell[0] == size], axis=0)
            shares.append(done.tokens[inside].sum(0) / whole[inside].sum(0))
        return round(float(np.mean(shares)), 3)


def _interval(draws: Floats) -> list[float]:
    low, high = np.percentile(draws[1:], [2.5, 97.5])
    return [round(float(value), 2) for value in (draws[0], low, high)]


def report(table: Sequence[Row], makes: Mapping[str, Make]) -> dict[str, Any]:
    """Each policy's score, difference from the better fixed route and from Self-Route, tokens and head room."""
    measured = Measured(table)
    rag, long = run(table, lambda *_: Rag()), run(table, lambda *_: Long())
    self_route = run(table, lambda *_: SelfRoute())
    oracle = np.maximum(rag.score, long.score)
    best = measured.against_fixed(Done(oracle, long.tokens, long.long), rag.score, long.score)[0]
    found: dict[str, Any] = {"questions": len(table), "groups": len({row.group for row in table}), "head_room": best}
    fixed: dict[str, Policy] = {p.name: p for p in (Rag(), Long(), SelfRoute(), QuestionType())}
    for name, make in {**{name: cheap(policy) for name, policy in fixed.items()}, **makes}.items():
        done = run(table, make)
        gain = measured.against_fixed(done, rag.score, long.score)
        found[name] = {
            "score": measured.mean(done.score)[0],
            "over_better_fixed": gain,
            "over_self_route": measured.mean(done.score - self_route.score),
            "tokens": measured.share(done, long.tokens),
            "long": round(float(done.long.mean()), 3),
            "of_head_room": round(gain[0] / best, 3),
            "tasks": {task: measured.mean(done.score, task)[0] for task in NEED},
            "tasks_over_rag": {task: measured.mean(done.score - rag.score, task) for task in NEED},
            "tasks_over_long": {task: measured.mean(done.score - long.score, task)[0] for task in NEED},
            "sets": dict(
                zip(
                    [f"{model} {size}" for size in measured.sizes for model in table[0].models],
                    (measured.sets(done.score) - np.maximum(measured.sets(rag.score), measured.sets(long.score)))[0]
                    .ravel()
                    .round(2)
                    .tolist(),
                    strict=True,
                )
            ),
        }
    return found


def cheap(policy: Policy) -> Make:
    """One policy for all models."""
    return lambda *_: policy
