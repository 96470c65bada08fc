"""Policies: pure, and each does what its name says."""

from __future__ import annotations

import pytest

from hybrid.errors import InputError
from hybrid.routing.policies import POLICIES, Forced
from hybrid.routing.situation import Situation
from hybrid.types import RUNGS, Cost, Prediction


def situation(corpus: int = 10_000, passages: int = 800, room: int = 30_000, largest: int = 5_000) -> Situation:
    tokens = {"passages": passages, "sections": 3 * passages, "documents": largest, "corpus": corpus}
    predictions = {
        rung: Prediction(
            route="rag" if rung in ("passages", "sections") else "long",
            rung=rung,
            engine="e",
            prompt_tokens=tokens[rung],
            fits=tokens[rung] <= room,
            cost=Cost(basis="estimated"),
        )
        for rung in RUNGS
    }
    return Situation("q", (), 3, tokens, dict.fromkeys(RUNGS, room), largest, predictions)


def test_rag_always_reads_passages_and_never_tries_again():
    policy = POLICIES["rag"]()
    decision = policy.decide(situation(corpus=10))
    assert (decision.route, decision.rung) == ("rag", "passages")
    assert policy.review(situation(), decision) is None


@pytest.mark.parametrize(
    ("corpus", "largest", "rung", "chunkwise"),
    [(30_000, 5_000, "corpus", False), (30_001, 30_000, "documents", False), (90_000, 30_001, "documents", True)],
)
def test_long_reads_as_much_as_fits(corpus, largest, rung, chunkwise):
    decision = POLICIES["long"]().decide(situation(corpus=corpus, largest=largest))
    assert (decision.route, decision.rung, decision.chunkwise) == ("long", rung, chunkwise)


@pytest.mark.parametrize(("corpus", "route"), [(30_000, "long"), (30_001, "rag")])
def test_fits_goes_by_size_alone(corpus, route):
    decision = POLICIES["fits"]().decide(situation(corpus=corpus))
    assert decision.route == route
    assert f"{corpus:,}" in decision.reason
    assert "30,000" in decision.reason


def test_self_route_escalates_once_and_then_believes_it():
    policy = POLICIES["self_route"]()
    first = policy.decide(situation())
    assert first.route == "rag"
    second = policy.review(situation(), first)
    assert second is not None
    assert second.route == "long"
    assert "did not answer" in second.reason
    assert policy.review(situation(), second) is None


def test_self_route_reads_a_corpus_that_is_no_longer_than_its_passages():
    assert POLICIES["self_route"]().decide(situation(corpus=800, passages=800)).rung == "corpus"


def test_every_decision_carries_the_predictions_of_all_rungs():
    for make in POLICIES.values():
        assert [p.rung for p in make().decide(situation()).predictions] == list(RUNGS)


def test_forced_does_as_it_is_told():
    assert Forced("rag", None).decide(situation()).rung == "passages"
    assert Forced(None, "sections").decide(situation()).route == "rag"
    assert Forced("long", None).decide(situation(corpus=90_000, largest=90_000)).chunkwise
    whole = Forced(None, "corpus").decide(situation(corpus=90_000))
    assert (whole.rung, whole.chunkwise) == ("corpus", True)


def test_forced_refuses_a_rung_of_the_other_route():
    with pytest.raises(InputError, match="not on the route 'rag'; choose passages or sections"):
        Forced("rag", "corpus")


def test_decisions_are_reproducible():
    for make in POLICIES.values():
        assert make().decide(situation()) == make().decide(situation())
