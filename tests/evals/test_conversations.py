"""Questions that follow others, as a task: what was said before counts, and what was found by it is judged."""

from __future__ import annotations

from pathlib import Path

import pytest
from hybrid.evals.arms.arm import Unsuited
from hybrid.evals.arms.hybrid import HybridArm
from hybrid.evals.arms.plain import FunctionArm
from hybrid.evals.arms.shared import Shared
from hybrid.evals.bench.followups import is_right
from hybrid.evals.content import Contents
from hybrid.evals.metrics.retrieval import hit
from hybrid.evals.record import records
from hybrid.evals.report import html, make
from hybrid.evals.run import run
from hybrid.evals.suite import ArmSpec, Suite, TaskSpec, placed
from hybrid.evals.tasks.files import Fields
from hybrid.evals.tasks.registry import task

from hybrid.errors import InputError
from hybrid.index.embedding import Embedder
from hybrid.settings import load
from hybrid.types import Turn
from tests.evals.samples import draw, write

NOTES = {
    "lease": "The lease of the harbour office ends on 31 August 2031.\n\nThe lease of the harbour office may be "
    "renewed twice, for two years each.\n\nRent is due on the first working day of each month.",
    "loan": "The loan of the ferry company ends on 1 May 2027.\n\nThe loan cannot be renewed.",
}
ROW = {
    "history": ["When does the lease of the harbour office end?"],
    "question": "How often may it be renewed?",
    "answers": ["twice"],
    "documents": NOTES,
}


@pytest.fixture(scope="module")
def arm(embedder: Embedder) -> HybridArm:
    settings = load(
        None, {"routing": {"route": "rag"}, "embedder": {"precision": "float32"}, "passages": {"tokens": 32}}, {}
    )
    shared = Shared()
    shared._embedders[settings.embedder] = embedder
    return HybridArm(
        "rag", settings.model_copy(update={"retrieval": settings.retrieval.model_copy(update={"k": 1})}), shared
    )


def test_a_history_is_of_questions_or_of_messages(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "When does it end?"}, {"role": "assistant", "content": "In 2031."}]
    samples = draw("conversations", path=write(tmp_path / "own.jsonl", [ROW, {**ROW, "history": said}]))
    assert samples[0].history == (Turn(role="user", text="When does the lease of the harbour office end?"),)
    assert [turn.role for turn in samples[1].history] == ["user", "assistant"]
    first, other = (Contents().of("f1", sample) for sample in samples)
    assert first != other  # a run that goes on does so with the same history


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"history": []}, r"the question '1' follows none; name what was asked before it in the field 'history'"),
        ({"history": "When?"}, r"line 1: the field 'history' has to be a list"),
        (
            {"history": [{"role": "judge", "content": "x"}]},
            r"line 1: the field 'history' cannot be read: .* is no turn",
        ),
        ({"history": [{"role": "assistant", "content": "x"}]}, "follows none"),
    ],
)
def test_a_history_that_is_none_is_named(tmp_path: Path, change: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        draw("conversations", path=write(tmp_path / "own.jsonl", [{**ROW, **change}]))


def test_a_hit_is_a_passage_with_the_answer() -> None:
    end = NOTES["lease"].index("\n\n")
    first, rest = ("lease", 0, end), ("lease", end, len(NOTES["lease"]))
    assert hit([first, rest], NOTES, ["TWICE,  for two"]) == 1.0
    assert hit([first], NOTES, ["twice"]) == 0.0
    assert hit([first], NOTES, ["nowhere"], [("lease", 4, 9)]) == 1.0  # ranges go before words
    assert hit([("loan", 4, 9)], NOTES, ["renewed"], [("lease", 4, 9)]) == 0.0


def test_a_run_tells_what_was_understood_and_what_was_found_by_it(tmp_path: Path, arm: HybridArm) -> None:
    file = write(tmp_path / "own.jsonl", [ROW])
    chosen = Suite(
        name="talk",
        tasks=(TaskSpec(name="conversations", options={"path": str(file)}),),
        arms=(ArmSpec(name="rag"),),
    )
    run(chosen, [arm], {"conversations": task("conversations", path=str(file))}, tmp_path / "run")
    (record,) = records(tmp_path / "run")
    assert record.question == "How often may it be renewed?"
    assert record.standalone == "How often may the lease of the harbour office be renewed?"
    assert record.asked.startswith("When does the lease")
    assert (record.retrieved["hit"], record.score) == (1.0, 1.0)
    assert record.timings["as asked"] > 0
    assert record.citations
    report = make(tmp_path / "run")
    (row,) = report.data.follows
    assert (row.n, row.rewritten, row.hit.mean) == (1, 1.0, 1.0)
    assert row.gain.mean == row.hit.mean - row.as_asked.mean
    page = html(report)
    assert "Questions that follow others" in page
    assert "When does the lease of the harbour office end?" in page


def test_an_arm_that_takes_a_question_alone_is_not_asked_one_that_follows(tmp_path: Path) -> None:
    (sample,) = draw("conversations", path=write(tmp_path / "own.jsonl", [ROW]))
    with pytest.raises(Unsuited, match="follows others"):
        FunctionArm("mine", lambda question, documents: "x").answer(sample)


def test_the_carried_conversations_have_their_answers_in_the_documents() -> None:
    samples = draw("conversations", 100, path=placed("{suites}/followups.jsonl"))
    assert len(samples) == 44
    texts = {name: " ".join(text.split()) for name, text in samples[0].documents.items()}
    for sample in samples:
        assert sample.documents is samples[0].documents
        assert any(gold in text for gold in sample.golds for text in texts.values()), sample.id


def test_the_bench_tells_a_right_rewriting() -> None:
    wording = Fields("a line", {"question": "And?", "needs": ["Lease"], "lacks": ["loan"], "same": False})
    assert is_right(wording, "When does the lease end?")
    assert not is_right(wording, "When does the lease of the loan end?")
    assert not is_right(Fields("a line", {**wording.data, "same": True}), "When does the lease end?")
