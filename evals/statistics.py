"""Statistics of scores: intervals, differences between arms, arms worth their price, and regret.

Samples of one document are not independent. Everything here draws whole groups, so that an interval is as wide as the
number of documents makes it, and compares arms on the same samples only. Where all samples are of one document, they
are drawn one by one, and the interval says nothing about other documents; `groups` is then 1.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

K = TypeVar("K", bound=Hashable)  # a sample
ENOUGH = 6  # samples: all of six going one way by chance is rarer than one in twenty
_DRAWS = 2000  # resamples
_ALIKE = 1e-9  # width of an interval that is none but for rounding
_CELLS = 4_000_000  # resampled indices held at once


class Interval(NamedTuple):
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


class Estimate(NamedTuple):
    """A mean with its 95 % interval and what it rests on."""

    mean: float
    low: float
    high: float
    n: int  # samples
    groups: int  # of them independent of each other


class Difference(Estimate):
    """One arm's scores minus another's on the samples that both answered."""

    @property
    def established(self) -> bool:
        """Whether the interval excludes 0; of fewer samples it may by chance, as where five of five go one way."""
        return self.n >= ENOUGH and (self.low > 0 or self.high < 0)

    @property
    def words(self) -> str:
        """The finding, in words."""
        return ("better" if self.mean > 0 else "worse") if self.established else "no difference established"


def bootstrap(values: Sequence[float], groups: Sequence[Hashable] | None = None, seed: int = 0) -> Interval:
    """The mean of `values` and its 95 % interval: percentiles of the means of resamples.

    Args:
        values: one score per sample.
        groups: where samples share a document, one label per sample: whole groups are drawn, since samples of one
            document are not independent and an interval that ignores it is too narrow.
        seed: the same seed gives the same interval.

    Raises:
        ValueError: no values, or not as many groups as values.
    """
    return ratio(values, np.ones(len(values)), groups, seed)


def ratio(
    above: Sequence[float],
    below: Sequence[float] | np.ndarray[Any, Any],
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Interval:
    """The sum of `above` by the sum of `below`, two figures of each sample, with its interval as in `bootstrap`."""
    if not len(above):
        raise ValueError("bootstrap needs at least one value, and got none.")
    if groups is not None and len(groups) != len(above):
        raise ValueError(f"There are {len(above)} values but {len(groups)} groups; give one group per value.")
    labels = range(len(above)) if groups is None else groups
    places = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    member = np.array([places[label] for label in labels])
    sums = np.stack([np.bincount(member, figures) for figures in (above, below)])
    random, step = np.random.default_rng(seed), max(1, _CELLS // len(places))
    found = []
    for done in range(0, _DRAWS, step):
        one, other = sums[:, random.integers(0, len(places), (min(step, _DRAWS - done), len(places)))].sum(2)
        found.append(one / other)
    low, high = np.percentile(np.concatenate(found), [2.5, 97.5])
    return Interval(float(np.sum(above) / np.sum(below)), float(low), float(high))


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927)."""
    from scipy.stats import binomtest

    found = binomtest(hits, n).proportion_ci(method="wilson") if n else (0.0, 1.0)
    return float(found[0]), float(found[1])


def estimate(
    values: Sequence[float], groups: Sequence[Hashable], within: tuple[float, float] | None = None
) -> Estimate:
    """The mean of some figures, one or more from each group.

    Args:
        within: the least and the most that a figure can be, such as 0 and 1 of a score. Resamples of figures that are
            all alike, or of a single one, show no width; where the bounds are known, the interval is then as wide as
            what so many draws may have missed (Clopper and Pearson, 1934).

    Raises:
        ValueError: no values, or not as many groups as values.
    """
    different = len(set(groups))
    found = bootstrap(values, groups if different > 1 else None)
    if within is not None and found.high - found.low < _ALIKE:
        mean, missed = found.mean, 1 - 0.025 ** (1 / (different if different > 1 else len(values)))
        found = Interval(mean, mean - missed * (mean - within[0]), mean + missed * (within[1] - mean))
    return Estimate(*found, n=len(values), groups=different)


SCORE = (0.0, 1.0)
GAIN = (-1.0, 1.0)  # of one score over another


def difference(one: Mapping[K, float], other: Mapping[K, float], groups: Mapping[K, Hashable]) -> Difference | None:
    """The paired difference of two arms' scores by sample; None where no sample was answered by both.

    Args:
        groups: of each sample.
    """
    both = [sample for sample in one if sample in other]
    if not both:
        return None
    labels = [groups[sample] for sample in both]
    within = GAIN if len(both) < ENOUGH else None  # several that all go one way establish that; few say nothing
    return Difference(*estimate([one[sample] - other[sample] for sample in both], labels, within))


def frontier(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """The names worth their price, cheapest first: no other is as cheap and as good, and cheaper or better.

    Args:
        points: name -> (cost, score).
    """

    def beaten(cost: float, score: float) -> bool:
        return any(c <= cost and s >= score and (c < cost or s > score) for c, s in points.values())

    return sorted((name for name, point in points.items() if not beaten(*point)), key=lambda name: points[name])


def regret(scores: Mapping[str, Mapping[K, float]], groups: Mapping[K, Hashable]) -> dict[str, Estimate]:
    """The loss of each arm against the best arm of each single sample, over the samples that all arms answered.

    The best of several noisy arms is better than any arm can be known to be beforehand: this bounds what a choice
    between them could win, it is not within reach.
    """
    arms = list(scores)
    common = [sample for sample in scores[arms[0]] if all(sample in scores[arm] for arm in arms)] if arms else []
    if not common:
        return {}
    best = {sample: max(scores[arm][sample] for arm in arms) for sample in common}
    labels = [groups[sample] for sample in common]
    return {arm: estimate([best[sample] - scores[arm][sample] for sample in common], labels, SCORE) for arm in arms}
