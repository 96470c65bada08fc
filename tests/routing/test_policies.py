"""Policies: pure, and each does what its name says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from hybrid.document import Location
from hybrid.errors import InputError, SettingsError
from hybrid.routing.adaptive import kept
from hybrid.routing.kinds import kind
from hybrid.routing.policies.forced import Forced
from hybrid.routing.policies.make import make_policy
from hybrid.routing.policy import Doubting
from hybrid.settings import RoutingSettings, load
from hybrid.settings.names import ORDERINGS, POLICIES
from hybrid.types import RUNGS, Candidate, Passage
from tests.installed import describe
from tests.routing.situations import situation as of_sizes

situation = partial(of_sizes, corpus=10_000, passages=800, room=30_000, largest=5_000, documents=3)


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


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("When does the agreement end?", "lookup"),
        ("How do the two leases differ in rent?", "comparison"),
        ("How many directors resigned in 2023?", "aggregation"),
        ("Summarise the report.", "summary"),
        ("Why did the margin fall?", "reasoning"),
        ("What does chapter 3 describe?", "structure"),
        ("\u5951\u7d04\u306f\u3044\u3064\u7d42\u308f\u308a\u307e\u3059\u304b", "lookup"),
        ("", "lookup"),
    ],
)
def test_the_kind_of_a_question_shows_in_its_words(question, found):
    assert kind(question) == found


def test_question_type_reads_the_whole_for_what_is_spread():
    policy = POLICIES["question_type"]()
    asked = replace(situation(), question="How do the two leases differ?")
    assert policy.decide(asked).route == "long"
    assert "comparison" in policy.decide(asked).reason
    assert policy.decide(replace(asked, question="Who signed it?")).rung == "passages"


def test_only_the_calibrated_policy_doubts_answers():
    assert [name for name, make in POLICIES.items() if isinstance(make(), Doubting)] == ["calibrated"]


def test_every_decision_carries_the_features():
    known = replace(situation(), features={"covered": 0.5})
    assert POLICIES["rag"]().decide(known).features == {"covered": 0.5}


def test_policies_are_made_from_the_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert make_policy(RoutingSettings()).name == "calibrated"
    assert make_policy(RoutingSettings(policy="fits")).name == "fits"
    with pytest.raises(SettingsError, match=r"nowhere\.json"):
        make_policy(RoutingSettings(weights="nowhere.json"))


@pytest.mark.parametrize(("key", "names"), [("policy", [*POLICIES]), ("ordering", ["auto", *ORDERINGS])])
def test_the_settings_list_what_is_registered(key: str, names: list[str]) -> None:
    listed = f"{', '.join(map(repr, names[:-1]))} or {names[-1]!r}."
    with pytest.raises(SettingsError, match=re.escape(f"'routing.{key}' cannot be 'x': input should be {listed}")):
        load(overrides={"routing": {key: "x"}}, environ={})


def test_another_package_brings_a_policy_and_an_ordering(tmp_path: Path) -> None:
    brought = "[hybrid.policy]\nmine = other:Mine\n[hybrid.ordering]\nbackwards = other:backwards\n"
    describe(tmp_path, entry_points=brought)
    (tmp_path / "other.py").write_text(
        "from hybrid.routing.policies.rag import Rag\n\nclass Mine(Rag):\n    name = 'mine'\n\n"
        "def backwards(ranked, curve):\n    return ranked[::-1]\n",
        "utf-8",
    )
    code = (
        "from hybrid import Hybrid, load\n"
        "settings = load(overrides={'routing': {'policy': 'mine', 'ordering': 'backwards'}}, environ={})\n"
        "decision = Hybrid(settings).decide('What is it?', {'a': 'It is a lease.'})\n"
        "print(decision.policy, decision.ordering)"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    ran = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert ran.stdout == "mine backwards: you asked for it\n"


@pytest.mark.parametrize(
    ("scores", "count"),
    [([1.0, 0.9, 0.3, 0.2], 3), ([1.0, 0.2, 0.1], 2), ([1.0, 0.9, 0.8, 0.1], 4), ([0.7], 8), ([], 8)],
)
def test_adaptive_k_stops_one_behind_the_largest_gap(scores, count):
    place = Location(0, 1, 1, 1, None)
    found = [Candidate(Passage(i, "d", i, "t", 0, 1, place, "", 1), s, None, None) for i, s in enumerate(scores)]
    assert kept(found, 8 if len(scores) < 2 else len(scores)) == count
