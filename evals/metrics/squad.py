"""Exact match and word F1, as `evaluate-v2.0.py` of rajpurkar/SQuAD-explorer computes them (commit eee5fdb)."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid.evals.metrics.words import normalise, overlap


def exact_match(prediction: str, golds: Sequence[str]) -> float:
    """1 if the prediction equals a gold answer once both are normalised, else 0.

    As in SQuAD 2.0, golds that normalise to nothing are dropped; with none left the question is unanswerable and only
    an empty prediction is right.
    """
    return max(float(normalise(prediction) == gold) for gold in _golds(golds))


def f1(prediction: str, golds: Sequence[str]) -> float:
    """The best F1 of the prediction's words with those of a gold answer, as multisets.

    As in SQuAD 2.0: if either side has no words, 1 when both are empty, otherwise 0. The best gold for F1 need not be
    the best for `exact_match`.
    """
    return max(overlap(normalise(prediction).split(), gold.split()) for gold in _golds(golds))


def _golds(golds: Sequence[str]) -> list[str]:
    return [gold for gold in map(normalise, golds) if gold] or [""]
