"""A run's replies before a judge: each once, beside the run's own scores and what people said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hybrid.evals.judge import FILE, judge_run
from hybrid.evals.record import records
from hybrid.evals.research.agreement import PUBLISHED, TASKS, Cell, agreement, by_task
from hybrid.evals.run import run

from hybrid.engines.base import Completion
from hybrid.errors import EngineError, InputError, WindowError
from hybrid.settings import CostSettings
from hybrid.types import Usage
from tests.evals.sums import Pool, Sums, suite

LARA = Path(__file__).parents[2] / ".." / "shared" / "data" / "lara"


class Judge:
    """Says yes where the reply is even, and breaks after `until` replies."""

    name, concurrency, window, on_gpu = "a judge", 2, 4096, False

    def __init__(self, until: int = 1000) -> None:
        self.asked, self._until = 0, until

    def ask(self, prompt, *, max_tokens, on_text=None):
        self.asked += 1
        if self.asked > self._until:
            raise EngineError("it broke")
        reply = next(piece.text for piece in prompt.pieces if piece.document == "reply")
        return Completion("YES" if int(reply) % 2 == 0 else "NO", Usage(calls=1, prompt_tokens=50, output_tokens=1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run(suite(10), [Pool("one")], {"sums": Sums()}, tmp_path)
    return tmp_path


def test_every_reply_is_judged_once_and_what_it_took_is_told(folder):
    found = judge_run(folder, Judge())
    (row,) = found.rows
    assert (row.n, row.metric.mean, row.unreadable) == (20, 1.0, 0)
    assert row.judge.mean == row.with_metric.accuracy == 0.5  # half of the sums are even
    assert row.with_metric.kappa is None  # all sums are right, so nothing is left to chance
    assert (found.usage.calls, found.usage.prompt_tokens) == (20, 1000)
    assert found.labels is None
    assert "is not known" in found.notes[0]
    again = Judge()
    assert judge_run(folder, again) == found
    assert again.asked == 0


def test_judging_goes_on_after_a_fault_and_a_torn_line(folder):
    with pytest.raises(EngineError, match="it broke"):
        judge_run(folder, Judge(until=7))
    file = folder / FILE
    kept = file.read_text().count("\n")
    assert 0 < kept <= 7
    file.write_text(file.read_text()[:-20])
    rest = Judge()
    found = judge_run(folder, rest)
    assert rest.asked == 20 - (kept - 1)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len({(line["id"], line["seed"]) for line in lines}) == len(lines) == 20
    assert found.rows[0].n == 20


def test_labels_of_people_are_compared(folder):
    labels = folder / "labels.jsonl"
    said = [{"arm": "one", "task": "sums", "seed": 0, "id": f"s{i}", "label": i % 2 == 0 or i == 1} for i in range(4)]
    labels.write_text("\n".join(map(json.dumps, said)))
    found = judge_run(folder, Judge(), labels)
    assert found.labels is not None
    assert (found.labels.n, found.labels.accuracy) == (4, 0.75)
    assert "not shown to agree with people more than chance would" in found.notes[0]  # four labels show nothing
    assert found.rows[0].judge is None
    keys = [(record.seed, record.id, int(record.text) % 2 == 0) for record in records(folder)]
    said = [{"arm": "one", "task": "sums", "seed": seed, "id": name, "label": even} for seed, name, even in keys]
    labels.write_text("\n".join(map(json.dumps, said)))
    found = judge_run(folder, Judge(), labels, prices=CostSettings(dollars_per_million_prompt=1.0))
    assert found.labels is not None
    assert (found.labels.n, found.labels.kappa, found.labels.established) == (20, 1.0, True)
    assert found.rows[0].judge is not None
    assert found.rows[0].judge.mean == 0.5
    assert (found.notes, found.cost.dollars) == ([], 0.0)  # the judge of this test runs on no GPU


def test_what_cannot_be_read_or_judged_is_counted(folder):
    class Babbler(Judge):
        name, on_gpu = "a babbler", True

        def ask(self, prompt, *, max_tokens, on_text=None):
            reply = next(piece.text for piece in prompt.pieces if piece.document == "reply")
            if int(reply) % 4 == 0:
                raise WindowError("too long")
            usage = Usage(calls=1, prompt_tokens=100, output_tokens=10)
            return Completion("YES" if int(reply) % 2 == 0 else "Perhaps.", usage)

    prices = CostSettings(dollars_per_million_prompt=1000.0, dollars_per_million_output=2000.0)
    found = judge_run(folder, Babbler(), prices=prices)
    (row,) = found.rows
    assert row.judge is not None
    assert found.too_long + row.n == 20
    assert found.too_long > 0
    assert row.unreadable == 10
    assert row.judge.mean == pytest.approx((row.n - 10) / row.n)
    assert found.cost.dollars == pytest.approx(row.n * 0.12)
    assert [note for note in found.notes if "10 of" in note and "neither yes nor no" in note]
    assert [note for note in found.notes if f"{found.too_long} replies are longer than the judge can read" in note]


def test_a_run_without_replies_is_not_judged(tmp_path):
    class Silent(Pool):
        def answer(self, sample):
            raise WindowError("too long")

    run(suite(3), [Silent("one")], {"sums": Sums()}, tmp_path)
    with pytest.raises(InputError, match="has no reply that could be judged"):
        judge_run(tmp_path, Judge())


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ({"arm": "one", "task": "sums", "id": "s0", "label": True}, "Line 1 of .* is of 2 replies of the run"),
        ({"arm": "one", "task": "sums", "id": "x", "label": True}, "Line 1 of .* is of 0 replies of the run"),
        ({"arm": "one", "task": "sums", "seed": 0, "id": "s0", "label": "yes"}, "label has to be true or false"),
    ],
)
def test_labels_that_cannot_be_are_named(folder, line, sentence):
    (folder / "labels.jsonl").write_text(json.dumps(line))
    with pytest.raises(InputError, match=sentence):
        judge_run(folder, Judge(), folder / "labels.jsonl")


def test_the_score_without_a_judge_follows_the_published_one():
    assert {len(row) for row in PUBLISHED.values()} == {len(TASKS)}
    if not LARA.is_dir():
        pytest.skip("LaRA's replies are not here")
    found = by_task(LARA)
    assert {row.cells for row in found.values()} == {20}
    assert all(row.low > 0 for row in found.values())
    assert found["hallu"].r > 0.9


def test_equal_means_agree_wholly():
    cells = [Cell(f"m{i // 4}", i / 20, i / 20, 5) for i in range(20)]
    found = agreement(cells)
    assert (found.r, found.bias, found.same) == (pytest.approx(1.0), 0.0, 1.0)


def test_a_verdict_that_a_kill_cut_inside_a_character_is_judged_again(folder):
    judge_run(folder, Judge())
    whole = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(whole + '{"arm": "é'.encode()[:-1])
    found = judge_run(folder, Judge(until=0))
    assert sum(row.n for row in found.rows) == 20
    assert (folder / FILE).read_bytes() == whole


def test_a_label_is_an_object(folder):
    (folder / "labels.jsonl").write_text("3\n")
    with pytest.raises(InputError, match=r"Line 1 of .* is no object with arm, task, id and label"):
        judge_run(folder, Judge(), folder / "labels.jsonl")
