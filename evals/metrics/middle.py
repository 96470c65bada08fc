"""The metrics of nelson-liu/lost-in-the-middle (commit 29b8a6d)."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid.evals.metrics.words import normalise


def best_subspan_em(prediction: str, golds: Sequence[str]) -> float:
    """1 if a normalised gold answer occurs in the first line of the normalised prediction, else 0.

    Traps: the prediction is cut at its first line break before anything is stripped, so a reply that begins with one
    is empty; strip it first if that can happen. The gold is searched as characters, not as words: "art" is in "party".
    A gold that normalises to nothing is in everything. Without golds the score is 0.
    """
    line = normalise(prediction.split("\n", 1)[0].strip())
    return float(any(normalise(gold) in line for gold in golds))


def key_value(prediction: str, golds: Sequence[str]) -> float:
    """Lost in the middle, key-value retrieval: 1 if a gold value occurs anywhere, upper and lower case alike.

    Trap: unlike `best_subspan_em` nothing is normalised and nothing cut at a line break.
    """
    return float(any(gold.lower() in prediction.lower() for gold in golds))
