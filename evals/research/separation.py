"""Two kinds of cases told apart, and the right ones of many: logistic models, a threshold, and how good that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

Floats = NDArray[np.float64]


def fit_answered(rows: Floats, labels: NDArray[np.bool_], share: Floats, ridge: float = 1e-3) -> tuple[Floats, float]:
    """A logistic model of whether the question is answered; `share` weighs the cases. Weights and bias."""
    mean, scale = rows.mean(0), rows.std(0) + 1e-9
    found = LogisticRegression(C=1 / (2 * ridge), tol=1e-9, max_iter=10_000)
    found.fit((rows - mean) / scale, labels, sample_weight=share)
    weights: Floats = found.coef_[0] / scale
    return weights, float(found.intercept_[0] - weights @ mean)


def fit_choice(rows: Floats, given: Floats, right: Floats, share: Floats, ridge: Floats) -> Floats:
    """Weights that give the right options the largest share of a softmax over all options (a conditional logit).

    Args:
        rows: of shape (cases, options, features).
        given, right: of shape (cases, options): 0 where there is such an option, or a right one, else very low.
        share: of each case in the loss.
        ridge: draws each weight to 0.
    """

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = rows @ weights
        gap = logsumexp(scores + given, 1) - logsumexp(scores + right, 1)
        pull = share[:, None] * (softmax(scores + given, 1) - softmax(scores + right, 1))
        return float(share @ gap + ridge @ weights**2), np.einsum("ij,ijk->k", pull, rows) + 2 * ridge * weights

    found: Floats = minimize(loss, np.zeros(rows.shape[2]), jac=True, method="L-BFGS-B").x
    return found


def area(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Area under the ROC curve: how often an answerable case gets more than an unanswerable one, ties counted half."""
    return float(roc_auc_score([True] * len(positive) + [False] * len(negative), [*positive, *negative]))


def threshold_of(logits: Sequence[Floats], refused: float) -> float:
    """The highest below which at most that share of the answerable cases are, as the mean of the situations."""
    values = np.sort(np.concatenate(logits))
    below = np.mean([np.searchsorted(own, values) / len(own) for own in logits], axis=0)
    return float(values[np.searchsorted(below, refused, side="right") - 1])
