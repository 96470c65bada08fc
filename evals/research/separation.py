"""Two kinds of cases told apart: a logistic model, a threshold, and how good that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

Floats = NDArray[np.float64]


def fit_answered(rows: Floats, labels: NDArray[np.bool_], share: Floats, ridge: float = 1e-3) -> tuple[Floats, float]:
    """A logistic model of whether the question is answered; `share` weighs the cases. Weights and bias."""
    mean, scale = rows.mean(0), rows.std(0) + 1e-9
    shaped, sign = (rows - mean) / scale, np.where(labels, 1.0, -1.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = sign * (shaped @ weights[:-1] + weights[-1])
        pull = -sign * share / (1 + np.exp(np.clip(margin, -50, 50)))
        slope = np.append(pull @ shaped + 2 * ridge * weights[:-1], pull.sum())
        return float(share @ np.logaddexp(0, -margin) + ridge * weights[:-1] @ weights[:-1]), slope

    weights: Floats = minimize(loss, np.zeros(rows.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return weights[:-1] / scale, float(weights[-1] - (weights[:-1] / scale) @ mean)


def area(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Area under the ROC curve: how often an answerable case gets more than an unanswerable one, ties counted half."""
    return float(roc_auc_score([True] * len(positive) + [False] * len(negative), [*positive, *negative]))


def threshold_of(logits: Sequence[Floats], refused: float) -> float:
    """The highest below which at most that share of the answerable cases are, as the mean of the situations."""
    values = np.sort(np.concatenate(logits))
    below = np.mean([np.searchsorted(own, values) / len(own) for own in logits], axis=0)
    return float(values[np.searchsorted(below, refused, side="right") - 1])
