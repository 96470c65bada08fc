"""From records of both routes to a router's weights: logistic regressions, small enough for plain NumPy.

A fit begins at what was fitted before on more data, and is drawn back to it: a user's hundred records move a few
numbers a little, a thousand move them where they belong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.routing.features import FEATURES
from hybrid.routing.weights import MEASURES, MIDDLE, NEEDS, RANGE, Measure, Need, Weights

Floats = NDArray[np.float64]
_STEPS = 10  # of Newton's method from 0; it needs about six
_STRIDES = 40  # of it for a line, from wherever it begins, each at most 1: unlimited ones leap over the flat ends
RIDGE = 0.02  # of the classifier of needs, per question, on standardised features
PRIOR = 100.0  # questions of a need that what was fitted before is worth


@dataclass(frozen=True, slots=True)
class Example:
    """A question that both routes answered.

    Args:
        features: as `hybrid.routing.features` names them.
        rag, long: the scores, 0 to 1.
        abstained: whether the passages were not answered from.
        group: what it shares a document with.
        need: what it needs, where that is known.
        weight: how much it counts.
    """

    features: Mapping[str, float]
    rag: float
    long: float
    abstained: bool
    group: str
    need: Need | None = None
    weight: float = 1.0


def fit_needs(
    examples: Sequence[Example], ridge: float = RIDGE
) -> tuple[dict[str, dict[str, float]], dict[Need, float]]:
    """The classifier of needs: for each feature its mean, deviation and weights, and the biases of the needs.

    Args:
        examples: with their needs.
        ridge: draws the weights to 0.
    """
    examples = _once(examples)
    rows = np.array([[example.features[name] for name in FEATURES] for example in examples])
    right = np.array([[float(example.need == need) for need in NEEDS] for example in examples])
    share = np.array([example.weight for example in examples])
    share /= share.sum()
    mean = share @ rows
    scale = np.sqrt(share @ (rows - mean) ** 2)
    scale = np.where(scale < 1e-9, 1.0, scale)
    shaped = np.column_stack([np.clip((rows - mean) / scale, -3, 3), np.ones(len(rows))])
    found = np.zeros((len(NEEDS), shaped.shape[1]))
    penalty = np.append(np.full(len(FEATURES), ridge), 1e-6)
    for _ in range(_STEPS):  # Newton on all needs at once: 4 x 27 numbers
        logits = shaped @ found.T
        raised = np.exp(logits - logits.max(1, keepdims=True))
        chance = raised / raised.sum(1, keepdims=True)
        slope = (share[:, None] * (chance - right)).T @ shaped + penalty * found
        blocks = -np.einsum("n,ni,nj,na,nb->iajb", share, chance, chance, shaped, shaped, optimize=True)
        own = np.einsum("n,ni,na,nb->iab", share, chance, shaped, shaped, optimize=True)
        for i in range(len(NEEDS)):
            blocks[i, :, i, :] += own[i] + np.diag(penalty)
        size = found.size
        found -= np.linalg.solve(blocks.reshape(size, size), slope.ravel()).reshape(found.shape)
    table = {
        name: {
            "mean": round(float(mean[i]), 5),
            "scale": round(float(scale[i]), 5),
            **{need: round(float(found[j, i]), 4) for j, need in enumerate(NEEDS)},
        }
        for i, name in enumerate(FEATURES)
    }
    return table, {need: round(float(found[j, -1]), 4) for j, need in enumerate(NEEDS)}


def _once(examples: Sequence[Example]) -> list[Example]:
    """Examples that share their features, such as several models' replies to one question, put together."""
    found: dict[int, Example] = {}
    for example in examples:
        known = found.get(id(example.features))
        weight = example.weight + (known.weight if known else 0.0)
        found[id(example.features)] = replace(example, weight=weight)
    return list(found.values())


def fit_lines(
    examples: Sequence[Example],
    chances: Floats,
    start: Mapping[Measure, Mapping[Need, tuple[float, float]]] | None,
    prior: float = PRIOR,
) -> dict[Measure, dict[Need, tuple[float, float]]]:
    """The lines of all measures and needs.

    Args:
        chances: of shape (examples, needs): how likely each needs what.
        start: what was fitted before; None: 0.
        prior: how many questions it is worth.
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
                (0.0, 0.0) if start is None else start[measure][need],
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
    examples: Sequence[Example],
    start: Weights | None = None,
    *,
    card: Mapping[str, Any],
    engine: str = "",
    ridge: float = RIDGE,
    prior: float = PRIOR,
) -> Weights:
    """Weights from examples: all of them where their needs are known and nothing was fitted before, else the lines.

    Args:
        start: the weights to begin from, whose classifier of needs is kept.
        prior: how many questions of a need they are worth.
    """
    if start is None:
        features, needs = fit_needs(examples, ridge)
        chances = np.array([[float(example.need == need) for need in NEEDS] for example in examples])
        return Weights(card, features, needs, fit_lines(examples, chances, None, prior), engine)
    chances = np.array([list(start.needed(example.features).values()) for example in examples])
    return Weights(card, start.features, start.needs, fit_lines(examples, chances, start.lines, prior), engine)
