"""The metrics reproduce the reference implementations, their traps included."""

import numpy as np
import pytest

from evals.metrics import best_subspan_em, bootstrap, exact_match, f1, normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Cat", "cat"),
        ("state-of-the-art", "stateoftheart"),
        ("$2,576,340.", "2576340"),
        ("3.5", "35"),
        ("\u201cquoted\u201d \u00a35 caf\u00e9", "\u201cquoted\u201d \u00a35 caf\u00e9"),
        ("a-b", "ab"),
        ("an\tanthem\nthe", "anthem"),
        ("...", ""),
        ("", ""),
    ],
)
def test_normalisation(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_exact_match_takes_the_best_gold() -> None:
    assert exact_match("The Nile.", ["Amazon", "nile"]) == 1
    assert exact_match("the Nile river", ["nile"]) == 0


def test_a_question_without_golds_is_unanswerable() -> None:
    assert exact_match("", []) == 1
    assert exact_match("something", []) == 0
    assert exact_match("the", ["..."]) == 1  # both normalise to nothing
    assert f1("", []) == 1
    assert f1("something", []) == 0


def test_golds_without_words_are_dropped_when_others_remain() -> None:
    assert exact_match("", ["a", "nile"]) == 0
    assert f1("", ["the", "nile"]) == 0


def test_f1_counts_words_as_often_as_they_occur() -> None:
    assert f1("new york", ["new york city"]) == pytest.approx(0.8)
    assert f1("no no no", ["no"]) == pytest.approx(0.5)
    assert f1("x", ["y"]) == 0


def test_subspan_is_searched_as_characters() -> None:
    assert best_subspan_em("a party", ["art"]) == 1
    assert best_subspan_em("3.5 million", ["5 mill"]) == 1


def test_subspan_reads_the_first_line_only_and_cuts_before_it_strips() -> None:
    assert best_subspan_em("no idea\nParis", ["Paris"]) == 0
    assert best_subspan_em("\nParis", ["Paris"]) == 0
    assert best_subspan_em("  Paris \nx", ["paris"]) == 1


def test_subspan_without_golds_and_with_an_empty_gold() -> None:
    assert best_subspan_em("Paris", []) == 0
    assert best_subspan_em("Paris", ["the"]) == 1


def test_bootstrap_is_reproducible_and_holds_the_mean() -> None:
    values = np.random.default_rng(1).random(200).tolist()
    first = bootstrap(values, seed=3)
    assert first == bootstrap(values, seed=3)
    assert first != bootstrap(values, seed=4)
    assert first.low < first.mean < first.high
    assert first.mean == pytest.approx(np.mean(values))
    assert first.high - first.low == pytest.approx(2 * 1.96 * np.std(values) / 200**0.5, rel=0.15)


def test_samples_of_one_document_widen_the_interval() -> None:
    values = [float(i % 2) for i in range(20) for _ in range(10)]
    groups = [i for i in range(20) for _ in range(10)]
    alone, clustered = bootstrap(values), bootstrap(values, groups)
    assert clustered.high - clustered.low > 2 * (alone.high - alone.low)


def test_bootstrap_keeps_large_groups_large() -> None:
    assert bootstrap([1.0] * 99 + [0.0], ["a"] * 99 + ["b"]).mean == pytest.approx(0.99)


def test_bootstrap_of_one_value_and_of_none() -> None:
    assert bootstrap([0.5]) == (0.5, 0.5, 0.5)
    with pytest.raises(ValueError, match="at least one"):
        bootstrap([])
    with pytest.raises(ValueError, match="2 values but 1 groups"):
        bootstrap([1.0, 0.0], ["a"])
