"""Metrics as pure functions of strings, computed as the reference implementations compute them, edge cases included.

Sources: `evaluate-v2.0.py` of rajpurkar/SQuAD-explorer (commit eee5fdb) for normalisation, exact match and F1;
nelson-liu/lost-in-the-middle (commit 29b8a6d) for `best_subspan_em`. Scores are 0 to 1, not percent.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CELLS = 4_000_000  # resampled indices held at once


class Interval(NamedTuple):
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


def normalise(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single blanks.

    Traps: punctuation is deleted, not replaced ("state-of-the-art" is one word, "3.5" is "35"), and before the articles
    go, so the "a" of "a-b" stays; only the 32 ASCII marks go, curly quotes and currency signs stay; accents stay.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


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
    return max(_overlap(normalise(prediction).split(), gold.split()) for gold in _golds(golds))


def best_subspan_em(prediction: str, golds: Sequence[str]) -> float:
    """1 if a normalised gold answer occurs in the first line of the normalised prediction, else 0.

    Traps: the prediction is cut at its first line break before anything is stripped, so a reply that begins with one
    is empty; strip it first if that can happen. The gold is searched as characters, not as words: "art" is in "party".
    A gold that normalises to nothing is in everything. Without golds the score is 0.
    """
    line = normalise(prediction.split("\n", 1)[0].strip())
    return float(any(normalise(gold) in line for gold in golds))


def bootstrap(
    values: Sequence[float], groups: Sequence[Hashable] | None = None, seed: int = 0, n: int = 2000
) -> Interval:
    """The mean of `values` and its 95 % interval: percentiles of the means of `n` resamples.

    Args:
        values: one score per sample.
        groups: where samples share a document, one label per sample: whole groups are drawn, since samples of one
            document are not independent and an interval that ignores it is too narrow.
        seed: the same seed gives the same interval.
        n: resamples.

    Raises:
        ValueError: no values, or not as many groups as values.
    """
    scores = np.asarray(values, dtype=np.float64)
    if not len(scores):
        raise ValueError("bootstrap needs at least one value, and got none.")
    if groups is not None and len(groups) != len(scores):
        raise ValueError(f"There are {len(scores)} values but {len(groups)} groups; give one group per value.")
    labels = range(len(scores)) if groups is None else groups
    places = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    member = np.array([places[label] for label in labels])
    sums, sizes = np.bincount(member, scores), np.bincount(member)
    random, step = np.random.default_rng(seed), max(1, _CELLS // len(sums))
    means = []
    for done in range(0, n, step):
        drawn = random.integers(0, len(sums), (min(step, n - done), len(sums)))
        means.append(sums[drawn].sum(1) / sizes[drawn].sum(1))
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return Interval(float(scores.mean()), float(low), float(high))


def _golds(golds: Sequence[str]) -> list[str]:
    return [gold for gold in map(normalise, golds) if gold] or [""]


def _overlap(prediction: list[str], gold: list[str]) -> float:
    if not prediction or not gold:
        return float(prediction == gold)
    common = (Counter(prediction) & Counter(gold)).total()
    return 2 * common / (len(prediction) + len(gold))
