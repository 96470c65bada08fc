"""The trials of signals for the router: the same decisions as the policy's, and a stream that cannot lose much."""

from __future__ import annotations

import numpy as np
import pytest
from hybrid.evals.replay import Case, Outcome
from hybrid.evals.research.router_data import NEED, Floats, Row, run
from hybrid.evals.research.router_signals import Words, coverage, positions, wording
from hybrid.evals.research.router_trials import STOP, Trials, _folds

from hybrid.document import Location
from hybrid.routing.policies.calibrated import Calibrated
from hybrid.routing.weights import carried
from hybrid.types import Candidate, Passage
from tests.routing.situations import AVERAGE, situation

MODELS = ("one", "other")


def rows(n: int = 48, seed: int = 0) -> list[Row]:
    """Questions with random scores, lengths and features."""
    random = np.random.default_rng(seed)
    found = []
    for i in range(n):
        size, task = ("32k", "128k")[i % 2], list(NEED)[(i // 2) % 4]
        tokens = float(random.uniform(3, 8))
        moved = {name: float(random.normal()) for name in ("covered", "words", "names", "digits", "dense_best")}
        features = {**AVERAGE, **moved, "tokens": tokens}
        whole = round(1000 * 2**tokens)
        put = situation(features, dollars=whole * 1e-7, corpus=whole)
        cases = {
            model: Case(
                f"{model} {size}",
                task,
                "d",
                put,
                {
                    "rag": Outcome(float(random.random()), bool(random.random() < 0.3), 1_700, None),
                    "long": Outcome(float(random.random()), False, whole, None),
                },
            )
            for model in MODELS
        }
        found.append(Row(f"q{i}", f"d{i % 8}", size, "book", task, f"g{i % 8}", 0, features, cases))
    return found


@pytest.fixture(scope="module")
def trial() -> Trials:
    return Trials(rows())


def told(trial: Trials) -> dict[str, Floats]:
    """What the carried weights expect."""
    weights = carried()
    needs = np.array([list(weights.needed(row.features).values()) for row in trial.table])
    return trial.expected(weights.lines, needs, np.arange(len(needs)))


@pytest.mark.parametrize("worth", [0.01, 0.05, 0.3, 2.0])
def test_a_trial_decides_as_the_policy_does(trial, worth):
    policy = Calibrated(carried(), accuracy_price=worth)
    done = run(trial.table, lambda *_: policy)
    score, tokens = trial.decided(told(trial), worth)
    assert np.array_equal(score, done.score)
    assert np.array_equal(tokens, done.tokens)


def test_a_dearer_right_answer_spends_more_and_the_share_is_met(trial):
    of = told(trial)
    spent = [trial.share(trial.decided(of, worth)[1]) for worth in (0.001, 0.05, 10.0)]
    assert spent == sorted(spent)
    assert spent[0] < spent[-1]
    assert trial.at(of, 0.0).shape == trial.at(of, 2.0).shape == trial.rag.shape


def test_no_group_is_in_two_folds(trial):
    for division in ("", "1"):
        fold = _folds(trial.group, 5, division)
        assert all(len(set(fold[trial.group == name])) == 1 for name in set(trial.group))
        assert set(fold) == set(range(5))


def test_silence_takes_the_place_of_answers_only(trial):
    of = told(trial)
    score, tokens = trial.decided(of, 0.05, margin=-2.0)
    gone = (score != trial.rag) & (score != trial.long)
    assert not gone[trial.silent].any()
    assert set(score[gone]) <= {0.0, 1.0}
    assert (tokens[gone] == 1_700).all()


def test_a_stream_that_learns_nothing_changes_nothing(trial):
    of = told(trial)
    plain, learnt = trial.decided(of, 0.05), trial.streamed(of, 0.05, 0.0, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(plain, learnt, strict=True))
    again = trial.streamed(of, 0.05, 0.5, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(again, trial.streamed(of, 0.05, 0.5, seed=1), strict=True))


def test_a_stream_loses_no_more_than_stated_whatever_the_feedback():
    trial = Trials(rows(400, seed=3))
    of, worth = told(trial), 0.02
    plain = trial.decided(of, worth)[0]
    for _ in range(6):  # the answers turn against what the stream has learnt until then
        score = trial.streamed(of, worth, 1.0, seed=0)[0]
        changed = score != plain
        trial.rag, trial.long = np.where(changed, trial.long, trial.rag), np.where(changed, trial.rag, trial.long)
        plain = trial.decided(of, worth)[0]
        score = trial.streamed(of, worth, 1.0, seed=0)[0]
        for size in trial.measured.sizes:
            assert ((plain - score)[trial.sizes == size].sum(0) <= STOP + 1).all()


def test_the_signals_tell_what_the_passages_have():
    texts = ("The lease of Birch House ends on 4 May 2031.", "Rent is due monthly.", "Nothing else is said here.")
    found = [
        Candidate(Passage(i, "lease", i, text, 0, len(text), Location(0, 1, 1, 1, None), "", 9), 1 / (i + 1), 0.5, 1.0)
        for i, text in enumerate(texts)
    ]
    words = Words.of("\n".join(texts))
    there = coverage("When does the lease of Birch House end?", found, words)
    absent = coverage("Which colour does the Zebra prefer?", found, words)
    assert there["c_absent"] < absent["c_absent"] == 1
    assert there["c_passage"] > absent["c_passage"]
    assert there["c_names_document"] == 1 > absent["c_names_document"]
    placed = positions(found, 3)
    assert placed["d_best"] == 0
    assert placed["d_adjacent"] == 2 / 8
    assert wording("How many tenants are planned?")["q_count"] == 1
