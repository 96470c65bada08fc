"""From records of both routes to a router's weights: logistic regressions, small enough for plain NumPy.

A fit starts from weights that were fitted on more data, and is drawn back to them: a user's hundred records move a few
numbers a little, a thousand move them where they belong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.routing.weights import MEASURES, MIDDLE, NEEDS, RANGE, Measure, Need, Weights

Floats = NDArray[np.float64]
_STRIDES = 40  # of Newton's method, each at most 1: unlimited ones leap over the flat ends
PRIOR = 100.0  # questions of a need that count as much as the earlier fit


@dataclass(frozen=True, slots=True)
class Example:
    """A question that both routes answered.

    Args:
        features: as `hybrid.routing.features` names them.
        rag, long: the scores, 0 to 1.
        abstained: whether the passages gave no answer.
        group: questions of one group share a document.
        need: what it needs, if known.
        weight: how much it counts.
    """

    features: Mapping[str, float]
    rag: float
    long: float
    abstained: bool
    group: str
    need: Need | None = None
    weight: float = 1.0


def fit_lines(
    examples: Sequence[Example],
    chances: Floats,
    start: Mapping[Measure, Mapping[Need, tuple[float, float]]],
    prior: float = PRIOR,
) -> dict[Measure, dict[Need, tuple[float, float]]]:
    """The lines of all measures and needs.

    Args:
        chances: of shape (examples, needs): the probability of each need.
        start: the lines of the earlier fit.
        prior: how many questions those count as.
    """
    tokens = np.clip([example.features["tokens"] for example in examples], *RANGE) - MIDDLE
    shaped = np.column_stack([np.ones(len(tokens)), tokens])
    silent = np.array([float(example.abstained) for example in examples])
    weight = np.array([example.weight for example in examples])
    targets: dict[Measure, tuple[Floats, Floats]] = {
        "abstains": (silent, np.ones(len(examples))),
        "rag": (np.array([example.rag for example in examples]), 1 - silent),
        "long": (np.array([example.long for example in examples]), 1 - silent),
        "again": (np.array([example.long for example in examples]), silent),
    }
    return {
        measure: {
            need: _line(
                shaped,
                targets[measure][0],
                weight * targets[measure][1] * chances[:, i],
                start[measure][need],
                prior,
            )
            for i, need in enumerate(NEEDS)
        }
        for measure in MEASURES
    }


def _line(
    shaped: Floats, target: Floats, weight: Floats, start: tuple[float, float], prior: float
) -> tuple[float, float]:
    """A logistic line drawn to `start` as if by `prior` examples (a quarter is the curvature of an even chance)."""
    begin = np.array(start)
    found, penalty = begin.copy(), np.array([prior / 4, prior / 4])
    for _ in range(_STRIDES):
        chance = 1 / (1 + np.exp(-np.clip(shaped @ found, -30, 30)))
        slope = shaped.T @ (weight * (chance - target)) + penalty * (found - begin)
        curve = (shaped * (weight * chance * (1 - chance))[:, None]).T @ shaped + np.diag(penalty)
        found -= np.clip(np.linalg.solve(curve, slope), -1, 1)
    return round(float(found[0]), 4), round(float(found[1]), 4)


def fit(
    examples: Sequence[Example], start: Weights, *, card: Mapping[str, Any], engine: str = "", prior: float = PRIOR
) -> Weights:
    """Weights from examples: the lines are fitted, the classifier of needs is kept.

    Args:
        start: the weights to begin from.
        prior: how many questions of a need they are worth.
    """
    chances = np.array([list(start.needed(example.features).values()) for example in examples])
    return Weights(card, start.features, start.needs, fit_lines(examples, chances, start.lines, prior), engine)
