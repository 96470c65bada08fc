"""Two kinds of cases told apart: a logistic model, a threshold, and how good that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

Floats = NDArray[np.float64]


def fit_answered(rows: Floats, labels: NDArray[np.bool_], share: Floats, ridge: float = 1e-3) -> tuple[Floats, float]:
    """A logistic model of whether the question is answered; `share` weighs the cases. Weights and bias."""
    mean, scale = rows.mean(0), rows.std(0) + 1e-9
    model = LogisticRegression(C=1 / (2 * ridge), tol=1e-8, max_iter=10_000).fit((rows - mean) / scale, labels, share)
    weights: Floats = model.coef_[0] / scale
    return weights, float(model.intercept_[0] - weights @ mean)


def area(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Area under the ROC curve: how often an answerable case gets more than an unanswerable one, ties counted half."""
    return float(roc_auc_score([True] * len(positive) + [False] * len(negative), [*positive, *negative]))


def threshold_of(logits: Sequence[Floats], refused: float) -> float:
    """The highest below which at most that share of the answerable cases are, as the mean of the situations."""
    values = np.sort(np.concatenate(logits))
    below = np.mean([np.searchsorted(own, values) / len(own) for own in logits], axis=0)
    return float(values[np.searchsorted(below, refused, side="right") - 1])
