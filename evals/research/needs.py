"""Weights from nothing: the classifier of needs, and lines that begin at 0. Users' fits begin at what this made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hybrid.routing.features import FEATURES
from hybrid.routing.fit import Example, fit_lines
from hybrid.routing.weights import MEASURES, NEEDS, Need, Weights

_STEPS = 10  # of Newton's method from 0; it needs about six


def first_fit(examples: Sequence[Example], *, card: Mapping[str, Any], ridge: float, prior: float) -> Weights:
    """Weights from examples whose needs are known.

    Args:
        ridge: of the classifier of needs, per question, on standardised features.
        prior: how many questions of a need the lines at 0 are worth.
    """
    features, needs = fit_needs(examples, ridge)
    chances = np.array([[float(example.need == need) for need in NEEDS] for example in examples])
    level = {measure: dict.fromkeys(NEEDS, (0.0, 0.0)) for measure in MEASURES}
    return Weights(card, features, needs, fit_lines(examples, chances, level, prior))


def fit_needs(examples: Sequence[Example], ridge: float) -> tuple[dict[str, dict[str, float]], dict[Need, float]]:
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
