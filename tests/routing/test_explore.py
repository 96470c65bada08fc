"""Questions that the other route answers too: drawn, charged, told, of no effect, and learned from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hybrid.evals.arms.make import make_arm
from hybrid.evals.record import records
from hybrid.evals.replay import of_run
from hybrid.evals.run import run
from hybrid.evals.sample import Sample
from hybrid.evals.suite import ArmSpec, Suite, TaskSpec

from hybrid import Answer, Hybrid, Settings
from hybrid.cli.main import cli
from hybrid.engines.base import Completion
from hybrid.errors import EngineError, InputError
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.store import SqliteStore as Store
from hybrid.routing.explore import drawn
from hybrid.routing.policies.calibrated import Calibrated
from hybrid.routing.records import calibrate, read
from tests.routing.situations import AVERAGE, COMPARES, settled
from tests.session.doubles import Model

TEXTS = {f"lease {i}": f"Lease {i}. The rent of unit {i} is {i}00 dollars a month. " * 60 for i in range(1, 5)}
QUESTION = "What is the rent of unit 2?"


@pytest.fixture(scope="module")
def opened(embedder: Embedder) -> Iterator[Store]:
    """The index of the texts, made once."""
    with Hybrid(Settings(), engine=Model("x")) as hybrid:
        hybrid.embedder, hybrid.chunker = embedder, Chunker(embedder, hybrid.settings.passages)
        yield hybrid.open(TEXTS)


Ask = Callable[..., tuple[Answer, Model, list[str]]]


@pytest.fixture
def asked(opened: Store) -> Ask:
    """An answer by some policy to one question, with the model that gave it and what was streamed."""

    def ask(own: Any, *replies: str, **routing: Any) -> tuple[Answer, Model, list[str]]:
        settings = Settings.model_validate({"routing": {"explore": 1.0, **routing}})
        model, shown = Model(*replies), list[str]()
        with Hybrid(settings, engine=model, policy=own) as hybrid:
            hybrid.embedder = opened.embedder
            answer = hybrid.answer(QUESTION, opened, on_text=shown.append)
        return answer, model, shown

    return ask


def test_the_share_is_drawn_always_the_same_for_a_seed() -> None:
    questions = [f"What is fact {i}?" for i in range(20_000)]
    share = [q for q in questions if drawn(q, 0.02)]
    assert 320 <= len(share) <= 480  # 400 expected, four deviations
    assert share == [q for q in questions if drawn(q, 0.02)]
    assert set(share) < {q for q in questions if drawn(q, 0.1)}
    assert set(share) != {q for q in questions if drawn(q, 0.02, seed=1)}
    assert not any(drawn(q, 0.0) for q in questions)
    assert all(drawn(q, 1.0) for q in questions)


@pytest.mark.parametrize(("policy", "route", "other"), [("rag", "rag", "long"), ("long", "long", "rag")])
def test_the_other_route_is_tried_charged_and_changes_nothing(asked: Ask, policy: str, route: str, other: str) -> None:
    plain, _, _ = asked(None, "200 dollars a month.", explore=0.0, policy=policy)
    answer, model, shown = asked(None, "200 dollars a month.", "900 dollars, or so.", policy=policy)
    assert plain.explored is None
    found = answer.explored
    assert found is not None
    assert (answer.route, found.route, len(answer.attempts)) == (route, other, 1)
    assert (answer.text, answer.citations, answer.decision) == (plain.text, plain.citations, plain.decision)
    assert "".join(shown) == "200 dollars a month."  # the other reply is not shown
    assert "900 dollars" in found.text
    assert (found.extra, found.failed, found.document) == (True, "", "lease 2")
    assert len(model.prompts) == answer.usage.calls == 2
    assert answer.usage.prompt_tokens == plain.usage.prompt_tokens + found.usage.prompt_tokens
    assert (answer.cost.gpu_seconds or 0) == pytest.approx(
        (answer.attempts[0].cost.gpu_seconds or 0) + (found.cost.gpu_seconds or 0)
    )
    assert "explore" in answer.timings
    assert Answer.model_validate_json(answer.model_dump_json()) == answer


def test_where_both_routes_were_taken_nothing_more_is_asked(asked: Ask) -> None:
    answer, model, _ = asked(None, "NOT IN THE DOCUMENTS", "It is 200 dollars.", policy="self_route")
    found = answer.explored
    assert found is not None
    assert (answer.route, found.route, found.abstained, found.extra) == ("long", "rag", True, False)
    assert len(model.prompts) == answer.usage.calls == 2


def test_what_the_user_asked_for_and_what_a_budget_forbids_is_not_explored(asked: Ask) -> None:
    with pytest.raises(ValueError, match="'explore' has no effect where the route is forced"):
        asked(None, "200.", route="rag")
    tight = Calibrated(settled(0.9, 0.1), budget=0.001)
    settings = {"budget": 0.001}
    answer, model, _ = asked(tight, "200.", **settings)
    assert answer.explored is None
    assert len(model.prompts) == 1
    assert asked(Calibrated(settled(0.9, 0.1), budget=1.0), "200.", budget=1.0)[0].explored is not None


def test_an_exploration_that_fails_leaves_the_answer(opened: Store) -> None:
    class Fails(Model):
        def ask(self, prompt: Any, **options: Any) -> Completion:
            if self.prompts:
                raise EngineError("it is down")
            return super().ask(prompt, **options)

    settings = Settings.model_validate({"routing": {"explore": 1.0, "policy": "rag"}})
    with Hybrid(settings, engine=Fails("200 dollars.")) as hybrid:
        hybrid.embedder = opened.embedder
        answer = hybrid.answer(QUESTION, opened)
    assert "200 dollars" in answer.text
    assert answer.explored is not None
    assert "it is down" in answer.explored.failed
    assert answer.explored.text == ""


def test_a_batch_is_explored_after_all_answers_and_not_under_a_budget(opened: Store) -> None:
    settings = Settings.model_validate({"routing": {"explore": 1.0, "policy": "rag"}})
    questions = [f"What is the rent of unit {i}?" for i in range(1, 4)]
    model = Model("Some dollars.")
    with Hybrid(settings, engine=model) as hybrid:
        hybrid.embedder = opened.embedder
        answers = hybrid.answer_many(questions, opened)
        sizes = [model.measure(prompt) for prompt in model.prompts]
        assert max(sizes[:3]) < min(sizes[3:])
        assert [a.explored.route for a in answers if a.explored] == ["long"] * 3
        routing = settings.routing.model_copy(update={"batch_budget": 9.0})
        hybrid.settings = settings.model_copy(update={"routing": routing})
        assert all(a.explored is None for a in hybrid.answer_many(questions, opened))


def told(answer: Answer, i: int, *, scored: bool = True) -> dict[str, Any]:
    """An answer as `hybrid ask --json` prints it, for question i on document i % 20, scored by a person."""
    compares = i % 3 == 0
    line = answer.model_dump(mode="json")
    line["question"] = f"q{i}"
    line["decision"]["features"] = COMPARES if compares else AVERAGE
    line["explored"]["document"] = f"d{i % 20}"
    if scored:
        line["score"], line["explored"]["score"] = float(not compares), float(compares)
    return line


def test_explored_answers_are_records_of_both_routes(
    asked: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, _, _ = asked(None, "200.", policy="rag")
    plain = {**answer.model_dump(mode="json"), "explored": None}
    file = tmp_path / "answers.json"
    file.write_text(json.dumps([plain, *(told(answer, i) for i in range(300))]))
    found = read(file)
    assert len(found) == 300
    assert found[0].example.group == "d0"
    assert (found[0].example.rag, found[0].example.long) == (0.0, 1.0)
    assert answer.explored is not None
    assert found[0].tokens == {
        "rag": answer.attempts[0].usage.prompt_tokens,
        "long": answer.explored.usage.prompt_tokens,
    }
    assert calibrate(found, {}).better
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["calibrate", "router", "answers.json", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["better"]


def test_explored_answers_without_scores_are_a_sentence(asked: Ask, tmp_path: Path) -> None:
    answer, _, _ = asked(None, "200.", policy="rag")
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps(told(answer, 1, scored=False)))
    with pytest.raises(InputError, match=r"Line 1 .* was explored and has to be scored twice"):
        read(file)


class Rents:
    """A task: the rent of a unit."""

    name, source, metric = "rents", "made up", "best_subspan_em"

    def samples(self, count: Any, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        for i in range(1, n + 1):
            yield Sample(str(i), f"What is the rent of unit {i}?", TEXTS, (f"{i}00",), group=f"unit {i}")


def test_records_of_an_evaluation_hold_what_was_explored(tmp_path: Path) -> None:
    suite = Suite(
        name="rents",
        n=3,
        tasks=(TaskSpec(name="tests.routing.test_explore:Rents", label="rents"),),
        arms=(ArmSpec(name="one", settings={"routing": {"policy": "rag", "explore": 1.0}}),),
    )
    arm = make_arm(suite.arms[0], Settings.model_validate(suite.arms[0].settings))
    run(suite, [arm], {"rents": Rents()}, tmp_path / "run")
    found = list(records(tmp_path / "run"))
    assert [r.decision["explored"]["score"] for r in found if r.decision] == [1.0] * 3
    cases = of_run(tmp_path / "run")
    assert [set(case.outcomes) for case in cases] == [{"rag", "long"}] * 3
    assert all(case.outcomes["long"].tokens > case.outcomes["rag"].tokens for case in cases)
    rows = read(tmp_path / "run" / "records.jsonl")
    assert [(one.example.rag, one.example.long, one.example.group) for one in rows] == [
        (1.0, 1.0, f"unit {i}") for i in range(1, 4)
    ]
