"""Features: of a question and what was found for it, without anything being asked."""

from __future__ import annotations

import pytest

from hybrid.document import Location
from hybrid.routing.features import FEATURES, features
from hybrid.types import Candidate, Passage

PLACE = Location(0, 1, 1, 1, None)


def candidate(number: int, text: str, score: float, dense: float | None, lexical: float | None, ordinal: int = 0):
    passage = Passage(number, "lease.txt", ordinal, text, 0, len(text), PLACE, "Rent", 50)
    return Candidate(passage, score, dense, lexical)


FOUND = [
    candidate(1, "The rent of Acme is 1,200 dollars.", 1.0, 0.7, 8.0, 2),
    candidate(2, "The tenant pays on the first day.", 0.6, 0.5, None, 50),
    candidate(3, "Nothing of interest.", 0.1, None, 2.0, 98),
]


def known(question: str, found=FOUND) -> dict[str, float]:
    return features(question, found, {"lease.txt": 99}, 64_000)


def test_names_and_their_order_are_always_the_same():
    assert tuple(known("What is the rent?")) == FEATURES
    assert tuple(known("", [])) == FEATURES


def test_the_question_is_described():
    found = known("How does the rent of Acme compare with that of Bolt in 2023?")
    assert found["kind_comparison"] == 1
    assert found["names"] > 0
    assert found["numbers"] > 0
    assert known("what is the rent")["names"] == 0


def test_coverage_counts_the_questions_own_words():
    assert known("What is the rent?")["covered_best"] == 1
    assert known("When does the tenant pay the rent?")["covered"] == 1
    assert known("When does the tenant pay the rent?")["covered_best"] == pytest.approx(1 / 3, abs=1e-6)
    assert known("What is the zoning variance?")["covered"] == 0
    assert known("What did Acme pay Zenith?")["names_covered"] == 0.5


def test_scores_have_a_shape():
    found = known("What is the rent?")
    assert found["dense_best"] == 0.7
    assert found["dense_gap"] == pytest.approx(0.2)
    assert found["agreement"] == 0.2  # one of five
    assert found["close"] == pytest.approx(1 / 3, abs=1e-6)


def test_spread_is_how_far_apart_the_passages_stand():
    near = [candidate(i, "rent", 1.0, 0.5, 1.0, i) for i in range(3)]
    assert known("rent", near)["spread"] < 0.03
    assert 0.5 < known("rent")["spread"] <= 1


def test_sizes_are_logarithms():
    assert known("rent")["tokens"] == 6
    assert known("rent")["documents"] == 0
    assert features("rent", [], {"a": 1, "b": 1}, 10)["documents"] == 1
    assert features("rent", [], {"a": 1}, 10)["tokens"] == 0


def test_one_search_alone_gives_features_too():
    only = [candidate(1, "rent", 1.0, None, 3.0)]
    assert known("rent", only)["dense_best"] == 0
