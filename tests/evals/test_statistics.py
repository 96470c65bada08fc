"""Statistics against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hybrid.evals.statistics import SCORE, Difference, difference, estimate, frontier, regret


def test_an_estimate_counts_samples_and_groups():
    found = estimate([1, 0, 1, 1], ["a", "a", "b", "b"])
    assert (found.mean, found.n, found.groups) == (0.75, 4, 2)
    assert found.low == 0.5  # both draws are document a
    assert found.high == 1.0  # both are b


def test_samples_of_one_document_are_drawn_one_by_one():
    found = estimate([1, 0, 1, 1], ["a"] * 4)
    assert found.groups == 1
    assert found.low < 0.75 < found.high


def test_groups_widen_an_interval():
    values = [float(i < 50) for i in range(100)]
    alone = estimate(values, range(100))
    clustered = estimate(values, [i // 10 for i in range(100)])
    assert clustered.high - clustered.low > 2 * (alone.high - alone.low)
    # ten documents, five wholly right: the mean of ten fair coins, whose 2.5 % and 97.5 % points are 0.2 and 0.8
    assert (clustered.low, clustered.high) == (pytest.approx(0.2, abs=0.011), pytest.approx(0.8, abs=0.011))


def test_a_difference_is_paired():
    """Both arms vary much more than they differ: unpaired intervals would overlap."""
    random = np.random.default_rng(0)
    base = {i: float(x) for i, x in enumerate(random.random(200) * 0.9)}
    better = {i: x + 0.1 for i, x in base.items()}
    groups = {i: i for i in base}
    found = difference(better, base, groups)
    assert found is not None
    assert found[:3] == pytest.approx((0.1, 0.1, 0.1))
    assert found.established
    assert found.words == "better"


def test_only_common_samples_are_compared():
    found = difference({"x": 1.0, "y": 1.0}, {"y": 0.0, "z": 1.0}, {"x": 1, "y": 1, "z": 1})
    assert found is not None
    assert (found.mean, found.n) == (1.0, 1)
    assert difference({"x": 1.0}, {"z": 1.0}, {"x": 1, "z": 1}) is None


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.1, 0.3, "better"), (-0.3, -0.1, "worse"), (-0.1, 0.3, "no difference established"), (0.0, 0.3, None)],
)
def test_what_may_be_said(low, high, words):
    found = Difference((low + high) / 2, low, high, 10, 10)
    assert found.words == (words or "no difference established")


def test_the_frontier():
    points = {"rag": (1.0, 0.6), "long": (9.0, 0.8), "wasteful": (9.5, 0.8), "middle": (4.0, 0.7), "worse": (4.0, 0.5)}
    assert frontier(points) == ["rag", "middle", "long"]
    assert frontier({"a": (1.0, 0.5), "b": (1.0, 0.5)}) == ["a", "b"]  # equals do not beat each other
    assert frontier({}) == []


def test_regret_is_against_the_best_of_each_sample():
    scores = {"rag": {1: 1.0, 2: 0.0, 3: 0.5, 4: 1.0}, "long": {1: 0.0, 2: 1.0, 3: 1.0}}
    found = regret(scores, {1: "a", 2: "b", 3: "c", 4: "d"})
    assert found["rag"].mean == pytest.approx((0 + 1 + 0.5) / 3)
    assert found["long"].mean == pytest.approx((1 + 0 + 0) / 3)
    assert {e.n for e in found.values()} == {3}  # sample 4 was not answered by both
    assert regret({}, {}) == {}
    assert regret({"a": {1: 1.0}, "b": {2: 1.0}}, {1: 1, 2: 2}) == {}


@pytest.mark.parametrize(("n", "low"), [(1, 0.025), (2, 0.158), (10, 0.692), (100, 0.964)])
def test_scores_that_are_all_alike_show_what_so_many_may_have_missed(n, low):
    """The bounds of Clopper and Pearson for n of n, and of one sample alone."""
    found = estimate([1.0] * n, range(n), SCORE)
    assert found[:3] == (1.0, pytest.approx(low, abs=0.001), 1.0)
    assert estimate([0.0] * n, range(n), SCORE)[:3] == (0.0, 0.0, pytest.approx(1 - low, abs=0.001))
    many = estimate([1.0] * 200, [i % n for i in range(200)], SCORE)  # groups count, and samples where there is one
    assert many.low == pytest.approx(low if n > 1 else 0.982, abs=0.001)
    half = estimate([0.5] * n, range(n), SCORE)
    assert (half.low, half.high) == (pytest.approx(low / 2, abs=0.001), pytest.approx(1 - low / 2, abs=0.001))
    assert estimate([3.0] * n, range(n))[:3] == (3.0, 3.0, 3.0)  # seconds have no bounds


def test_a_difference_of_few_samples_that_are_alike_is_open_and_of_many_is_not():
    few, many = (
        difference(dict.fromkeys(range(n), 1.0), dict.fromkeys(range(n), 0.5), {i: i for i in range(n)}) for n in (1, 6)
    )
    assert few is not None
    assert many is not None
    assert few.low < 0 < few.high
    assert not few.established
    assert many[:3] == (0.5, 0.5, 0.5)
