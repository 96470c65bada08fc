"""A run goes only with the data that it was begun with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hybrid.evals import report as reports
from hybrid.evals.content import Contents
from hybrid.evals.folder import CHANGED
from hybrid.evals.record import RECORDS, records
from hybrid.evals.run import run
from hybrid.evals.sample import Sample

from hybrid.cli.main import cli, guarded
from hybrid.errors import InputError
from tests.evals.sums import Pool, Sums, suite

Change = Callable[[Sample], Sample]


class Edited(Sums):
    """The sums, some of them changed, and some gone."""

    def __init__(self, change: Change, *only: str, gone: int = 0) -> None:
        super().__init__()
        self._change, self._only, self._gone = change, only, gone

    def samples(self, count: Any, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        for sample in super().samples(count, n - self._gone, seed, length):
            yield self._change(sample) if sample.id in self._only else sample


CHANGES: dict[str, Change] = {
    "question": lambda s: replace(s, question=s.question.replace("What is", "What  is")),
    "gold": lambda s: replace(s, golds=(*s.golds, "seven")),
    "document": lambda s: replace(s, documents={name: f"{text} " for name, text in s.documents.items()}),
    "document's name": lambda s: replace(s, documents={f"{name}.txt": text for name, text in s.documents.items()}),
    "documents": lambda s: replace(s, documents={**s.documents, "more": ""}),
    "options": lambda s: replace(s, choices=("1", "2")),
    "where the gold stands": lambda s: replace(s, ranges=((next(iter(s.documents)), 0, 3),)),
    "room": lambda s: replace(s, max_tokens=64),
}


@pytest.mark.parametrize("what", CHANGES)
def test_other_content_is_refused_and_asked_again_only_when_that_is_wished(what: str, tmp_path: Path) -> None:
    run(suite(arms=("one", "two")), [Pool("one"), Pool("two")], {"sums": Sums()}, tmp_path)
    before = (tmp_path / RECORDS).read_bytes()
    edited = Edited(CHANGES[what], "s3", "s4", "s7")
    arms = [Pool("one"), Pool("two")]
    with pytest.raises(InputError) as refused:
        run(suite(arms=("one", "two")), arms, {"sums": edited}, tmp_path)
    assert str(refused.value) == (
        f"The run at {tmp_path} is of other data: of its 40 samples, 6 have another content now (the first: 's3' of "
        "the task 'sums'). Nothing was asked. Name another folder with --output, or continue with --changed-data: "
        "the records of these are set aside, and they are asked again."
    )
    assert (tmp_path / RECORDS).read_bytes() == before
    assert not any(arm.asked for arm in arms)
    run(suite(arms=("one", "two")), arms, {"sums": edited}, tmp_path, changed=True)
    assert [sorted(arm.asked) for arm in arms] == [["s3", "s3", "s4", "s4", "s7", "s7"]] * 2
    assert len(list(records(tmp_path))) == 80
    aside = [json.loads(line) for line in (tmp_path / CHANGED).read_text().splitlines()]
    assert len(aside) == 12
    again = [Pool("one"), Pool("two")]
    run(suite(arms=("one", "two")), again, {"sums": edited}, tmp_path)  # it is that run now
    assert not any(arm.asked for arm in again)


def test_samples_that_are_gone_are_told(tmp_path: Path) -> None:
    run(suite(), [Pool("one")], {"sums": Sums()}, tmp_path)
    fewer = Edited(CHANGES["gold"], "s0", gone=2)
    with pytest.raises(InputError, match=r"of its 40 samples, 2 have another content now and 4 are no longer there"):
        run(suite(), [Pool("one")], {"sums": fewer}, tmp_path)
    info = run(suite(), [Pool("one")], {"sums": fewer}, tmp_path, changed=True)
    assert info.sizes == {"sums||0": 18, "sums||7": 18}
    assert len(list(records(tmp_path))) == 36


def test_samples_still_to_come_may_be_other_ones(tmp_path: Path) -> None:
    """Nobody has answered them: nothing is mixed."""
    run(suite(), [Pool("one")], {"sums": Sums()}, tmp_path)
    lines = (tmp_path / RECORDS).read_text().splitlines(keepends=True)
    (tmp_path / RECORDS).write_text("".join(line for line in lines if '"id":"s9"' not in line))
    arm = Pool("one")
    run(suite(), [arm], {"sums": Edited(CHANGES["gold"], "s9")}, tmp_path)
    assert arm.asked == ["s9", "s9"]


def test_records_of_earlier_versions_are_compared_by_question_and_gold(tmp_path: Path) -> None:
    run(suite(), [Pool("one")], {"sums": Sums()}, tmp_path)
    old = [json.loads(line) for line in (tmp_path / RECORDS).read_text().splitlines()]
    for record in old:
        del record["content"]
    (tmp_path / RECORDS).write_text("".join(json.dumps(record) + "\n" for record in old))
    arm = Pool("one")
    run(suite(), [arm], {"sums": Sums()}, tmp_path)
    assert arm.asked == []
    with pytest.raises(InputError, match="2 have another content now"):
        run(suite(), [arm], {"sums": Edited(CHANGES["gold"], "s2")}, tmp_path)


def test_two_runs_are_paired_only_on_the_same_data(tmp_path: Path) -> None:
    run(suite(), [Pool("one")], {"sums": Sums()}, tmp_path / "a")
    run(suite(), [Pool("one")], {"sums": Edited(CHANGES["document"], "s1", "s2", "s3")}, tmp_path / "b")
    found = reports.compare(tmp_path / "a", tmp_path / "b")
    assert found.rows[0].n == 34
    assert "6 samples of the arm 'one' have another content in the other run; they are left out." in found.notes


def test_the_same_text_under_two_divisions_is_not_the_same() -> None:
    contents, plain = Contents(), Sample("1", "?", {"ab": "c"}, (), "")
    assert contents.of("f1", plain) == Contents().of("f1", plain)
    assert contents.of("f1", plain) != contents.of("f1", replace(plain, documents={"a": "bc"}))
    assert contents.of("f1", plain) != contents.of("choice", plain)
    assert contents.of("f1", replace(plain, documents={"ab": "\ud800"}))


def test_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    (tmp_path / "begins.py").write_text(
        "def first(question, documents):\n    return next(iter(documents.values()))[:20]\n"
    )
    (tmp_path / "lease.md").write_text("The rent is 900 euros.")
    questions = [
        {"id": str(i), "question": f"Rent {i}?", "answers": ["900"], "documents": "lease.md"} for i in range(3)
    ]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(question) + "\n" for question in questions))
    (tmp_path / "own.toml").write_text(
        '[[tasks]]\nname = "jsonl"\noptions = { path = "own.jsonl" }\n'
        '[[arms]]\nname = "first"\nkind = "function"\ntarget = "begins:first"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    command = ["eval", "run", "own.toml", "-o", "out", "--no-report", "--quiet", "--json"]
    assert guarded(cli, command) == 0
    assert json.loads(capsys.readouterr().out)["scores"][0]["score"]["mean"] == 1.0
    (tmp_path / "lease.md").write_text("The rent is 950 euros.")
    assert guarded(cli, command) == 2
    assert "of its 3 samples, 3 have another content now" in capsys.readouterr().err
    assert guarded(cli, [*command, "--changed-data"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"][0]["score"]["mean"] == 0.0
    assert len((tmp_path / "out" / CHANGED).read_text().splitlines()) == 3
