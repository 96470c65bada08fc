"""Policies judged on saved records: worked out by hand, on a run, on people's labels, on LaRA's published replies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hybrid.evals import replay
from hybrid.evals.arms.hybrid import HybridArm
from hybrid.evals.arms.situations import restored, saved
from hybrid.evals.record import RECORDS, Record
from hybrid.evals.replay import Case, Outcome, judge, label_score, plain_situation, policy, read
from hybrid.evals.run import run
from hybrid.evals.sample import Sample
from hybrid.evals.suite import ArmSpec, Suite, TaskSpec

from hybrid.cli.main import cli, guarded
from hybrid.errors import InputError
from hybrid.settings import load
from hybrid.settings.names import POLICIES
from hybrid.types import Cost

LARA = Path(__file__).parents[3] / "shared" / "data" / "lara"


def case(number: int, task: str, rag: float, long: float, *, refused: bool = False) -> Case:
    situation = plain_situation(f"Question {number}?", 100, 1_000, 4_000)
    outcomes = {
        "rag": Outcome(rag, refused, 100, Cost(dollars=0.1, basis="estimated")),
        "long": Outcome(long, False, 1_000, Cost(dollars=1.0, basis="estimated")),
    }
    return Case("set", task, str(number), situation, outcomes)


CASES = [
    case(1, "facts", 1.0, 1.0),
    case(2, "facts", 1.0, 0.0),
    case(3, "facts", 0.0, 1.0, refused=True),
    case(4, "summary", 0.0, 1.0),
]


def test_what_policies_would_have_achieved():
    found = judge([policy(name) for name in ("rag", "long", "self_route")], CASES)
    rows = {row.policy: row for row in found.rows}
    assert found.basis == "estimated"
    assert (rows["rag"].score.mean, rows["rag"].tokens, rows["rag"].dollars) == (0.5, 100, pytest.approx(0.1))
    assert (rows["long"].score.mean, rows["long"].tokens, rows["long"].long) == (0.75, 1_000, 1.0)
    ours = rows["self_route"]  # the third is escalated, both attempts charged
    assert (ours.score.mean, ours.long, ours.tokens) == (0.75, 0.25, (4 * 100 + 1_000) / 4)
    assert ours.dollars == pytest.approx((4 * 0.1 + 1.0) / 4)
    assert ours.mean_of_tasks == pytest.approx((1.0 + 0.0) / 2)
    assert [row.policy for row in found.rows if row.on_frontier] == ["rag", "self_route"]
    assert rows["better route of each question"].score.mean == 1.0
    assert rows["better route of each question"].long == 0.5
    assert rows["better route of each task"].score.mean == 0.75  # facts: a tie, so passages; summary: whole


def test_measured_and_estimated_costs_are_not_added_up():
    mixed = [
        case(1, "facts", 1.0, 1.0),
        Case(
            "set",
            "facts",
            "2",
            plain_situation("?", 1, 2, 3),
            {
                "rag": Outcome(1.0, True, 1, Cost(dollars=1.0, basis="measured")),
                "long": Outcome(1.0, False, 1, Cost(dollars=1.0, basis="estimated")),
            },
        ),
    ]
    found = judge([policy("self_route")], mixed)
    assert {row.dollars for row in found.rows} == {None}
    assert "not added up" in found.notes[-1]


def test_names_of_policies():
    assert policy("hybrid.routing.policies.fits:Fits").name == "fits"
    with pytest.raises(InputError, match=r"no policy 'self-route'; did you mean 'self_route'\?"):
        policy("self-route")
    with pytest.raises(InputError, match="no question that both routes answered"):
        judge([policy("rag")], [])


# -- a run -------------------------------------------------------------------------------------------------------------


class Lease:
    """Two questions on one document."""

    name, source, metric = "lease", "made up", "best_subspan_em"

    def samples(self, count, n, seed, length=None):
        text = "The lease of the office in Lima ends on 31 August 2031. " + "It rains. " * 400
        documents = {"lease": f"{text}\n\nRent is due on the first working day of each month."}
        yield Sample("end", "When does the lease of the office in Lima end?", documents, ("31 August 2031",), "lease")
        yield Sample("tax", "Who pays the tax on windows?", documents, (), "lease")


def test_a_run_with_both_routes_can_be_replayed(tmp_path, capsys):
    routes = ("rag", "long")
    suite = Suite(
        name="lease",
        tasks=(TaskSpec(name="tests.evals.test_replay:Lease", label="lease"),),
        arms=tuple(ArmSpec(name=route, settings={"routing": {"route": route}}) for route in routes),
    )
    arms = [HybridArm(route, load(None, {"routing": {"route": route}}, {})) for route in routes]
    run(suite, arms, {"lease": Lease()}, tmp_path)
    records = [Record.model_validate_json(line) for line in (tmp_path / RECORDS).read_text().splitlines()]
    cases = read(tmp_path)
    assert len(cases) == 2
    for found in cases:
        own = [r for r in records if r.question == found.situation.question]
        assert {r.route: r.score for r in own} == {route: found.outcomes[route].score for route in found.outcomes}
        assert saved(found.situation) == own[0].decision["situation"]  # type: ignore[index]
    assert guarded(cli, ["eval", "replay", str(tmp_path), "-p", "self_route", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert (rows[0]["policy"], rows[0]["n"]) == ("self_route", 2)


def test_a_policy_decides_in_a_replay_as_it_did_live(tmp_path):
    arm = HybridArm("self_route", load(None, {"routing": {"policy": "self_route"}}, {}))
    for sample in Lease().samples(None, 2, 0):
        reply = arm.answer(sample)
        assert reply.decision is not None
        situation = restored(sample.question, reply.decision["situation"])
        decision = policy("self_route").decide(situation)
        first = reply.decision["attempts"][0]
        assert (decision.route, decision.rung, decision.reason) == (first["route"], first["rung"], first["reason"])


# -- labels ------------------------------------------------------------------------------------------------------------


def test_labels_that_people_gave(tmp_path):
    lines = [
        {"question": "A?", "route": "rag", "label": "Refusal", "prompt_tokens": 2_000, "document": "3M"},
        {"question": "A?", "route": "long", "label": "Correct Answer", "prompt_tokens": 90_000, "document": "3M"},
        {"question": "B?", "route": "rag", "label": "Correct Answer", "prompt_tokens": 2_000, "document": "AMD"},
        {"question": "B?", "route": "long", "label": "Incorrect Answer", "prompt_tokens": 90_000, "document": "AMD"},
        {"question": "C?", "route": "rag", "label": 0.5},
    ]
    file = tmp_path / "financebench.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    judged = judge([policy(name) for name in ("rag", "self_route", "calibrated")], read(file))
    assert "For 2 of 2 questions the records hold nothing that 'calibrated' goes by" in judged.notes[-1]
    found = {row.policy: row for row in judged.rows}
    assert found["calibrated"].score == found["self_route"].score
    assert (found["rag"].score.mean, found["rag"].n) == (0.5, 2)
    assert (found["self_route"].score.mean, found["self_route"].tokens) == (1.0, (2_000 + 92_000) / 2)


@pytest.mark.parametrize(
    ("label", "meaning"),
    [("correct", (1.0, False)), (True, (1.0, False)), (0, (0.0, False)), (0.25, (0.25, False)), ("Refusal", (0, True))],
)
def test_what_labels_mean(label, meaning):
    assert label_score(label, "") == meaning


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"question": "A?", "route": "both", "label": 1}', "Line 1 of .* needs a question, a route"),
        ('{"question": "A?", "route": "rag", "label": "perhaps"}', r"'perhaps' \(line 1 of .*\) says neither"),
        ("nonsense", "Line 1 of .* is not JSON"),
    ],
)
def test_labels_that_cannot_be_read(tmp_path, line, sentence):
    (tmp_path / "labels.jsonl").write_text(line)
    with pytest.raises(InputError, match=sentence):
        read(tmp_path / "labels.jsonl")


# -- LaRA --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lara() -> dict[tuple[str, str], replay.Row]:
    if not LARA.is_dir():
        pytest.skip(f"the data of LaRA are not at {LARA}")
    found = judge([policy(name) for name in list(POLICIES)[:4]], read(LARA))
    return {(row.set, row.policy): row for row in found.rows}


def test_lara_has_five_models_at_two_lengths(lara):
    sets = {name: row.n for (name, _), row in lara.items()}
    assert len(sets) == 10
    assert {n for name, n in sets.items() if name.endswith("32k")} == {404}
    assert {n for name, n in sets.items() if name.endswith("128k")} == {539}


# mean of the four task means on all questions of the published set, of which the half carried here is judged
@pytest.mark.parametrize(
    ("name", "long", "rag", "self_route", "task", "question"),
    [
        ("qwen2.5-7b-instruct 32k", 68.7, 67.3, 66.2, 69.5, 74.6),
        ("qwen2.5-7b-instruct 128k", 50.1, 57.3, 49.8, 59.5, 65.6),
        ("qwen2.5-72b-instruct 32k", 71.8, 71.6, 70.7, 72.8, 77.5),
        ("qwen2.5-72b-instruct 128k", 61.6, 60.9, 58.3, 63.5, 69.1),
        ("llama-3.1-8b 32k", 67.8, 66.4, 66.8, 68.8, 74.7),
        ("llama-3.1-8b 128k", 53.4, 56.9, 52.9, 60.5, 65.2),
        ("mistral-nemo 32k", 47.8, 52.2, 44.0, 55.6, 64.3),
        ("mistral-nemo 128k", 27.6, 43.5, 35.8, 43.5, 49.4),
    ],
)
def test_lara_is_as_measured_before(lara, name, long, rag, self_route, task, question):
    expected = {
        "long": long,
        "rag": rag,
        "self_route": self_route,
        "better route of each task": task,
        "better route of each question": question,
    }
    for way, percent in expected.items():
        assert 100 * lara[name, way].mean_of_tasks == pytest.approx(percent, abs=3.5), way
    assert lara[name, "rag"].tokens == 3_000


def test_lara_of_one_model(capsys):
    if not LARA.is_dir():
        pytest.skip(f"the data of LaRA are not at {LARA}")
    assert guarded(cli, ["eval", "replay", str(LARA), "--model", "llama-3.1-8b", "-p", "rag", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 2 * 3
    assert guarded(cli, ["eval", "replay", str(LARA), "--model", "llama-3.1-8c"]) == 2
    assert "did you mean 'llama-3.1-8b'?" in capsys.readouterr().err
