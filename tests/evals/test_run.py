"""The runner: everything once, whatever happens in between."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hybrid.evals import folder
from hybrid.evals.arms.arm import Reply, Unsuited
from hybrid.evals.folder import RUN, RunFailed
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.record import RECORDS, Record, records
from hybrid.evals.run import by_document, run
from hybrid.evals.sample import Sample
from hybrid.evals.suite import TaskSpec
from hybrid.evals.workers import judge

from hybrid.cli.main import cli, guarded
from hybrid.errors import EngineError, InputError, SettingsError, WindowError
from hybrid.types import Usage
from tests.evals.own_things import Odd, nothing
from tests.evals.sums import Pool, Sums, add, slowly, suite


def keys(folder: Path) -> list[Any]:
    return sorted(record.key for record in records(folder))


def test_every_sample_is_answered_once_by_every_arm(tmp_path):
    arms = [Pool("one"), Pool("two", concurrency=1)]
    steps: list[tuple[str, int, int]] = []
    info = run(suite(arms=("one", "two")), arms, {"sums": Sums()}, tmp_path, lambda *step: steps.append(step))
    found = list(records(tmp_path))
    assert len(found) == len(set(keys(tmp_path))) == 2 * 2 * 20
    assert {record.score for record in found} == {1.0}
    assert {record.arm: record.cost for record in found}.keys() == {"one", "two"}
    assert info.sizes == {"sums||0": 20, "sums||7": 20}
    assert steps[-1] == ("two", 40, 40)
    assert len(arms[0].threads) > 1


def test_going_on_asks_for_nothing_twice(tmp_path):
    chosen = suite()
    run(chosen, [Pool("one")], {"sums": Sums()}, tmp_path)
    again = Pool("one")
    run(chosen, [again], {"sums": Sums()}, tmp_path)
    assert again.asked == []
    assert len(keys(tmp_path)) == 40


def test_a_torn_last_line_is_cut_off_and_redone(tmp_path):
    run(suite(), [Pool("one", concurrency=1)], {"sums": Sums()}, tmp_path)
    whole = keys(tmp_path)
    file = tmp_path / RECORDS
    for cut in (1, 30, 300):
        os.truncate(file, file.stat().st_size - cut)
        assert len(list(records(tmp_path))) == 39
        again = Pool("one")
        run(suite(), [again], {"sums": Sums()}, tmp_path)
        assert len(again.asked) == 1
        assert keys(tmp_path) == whole


def test_samples_that_share_documents_stand_together():
    samples = list(Sums().samples(None, 20, 0))
    order = [sample.group for sample in by_document(samples)]
    assert order == [str(g) for g in range(5) for _ in range(4)]
    large = {"large": "x" * 20_000_000}
    streamed = by_document(Sample(str(i), "?", dict(large), (), group="") for i in range(3))
    assert len(list(streamed)) == 3


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_as_an_undisturbed_run_does(tmp_path):
    """SIGKILL at twenty random moments: before the first record, between records, inside a write, at the end."""
    root = Path(__file__).parents[2]
    code = (
        "from pathlib import Path\nfrom hybrid.evals.run import run\n"
        "from tests.evals.sums import Pool, Sums, slowly, suite\n"
        "run(suite(150), [Pool('one', slowly)], {'sums': Sums()}, Path('FOLDER'))"
    )

    def start(folder: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", code.replace("FOLDER", str(folder))], cwd=root)

    assert start(tmp_path / "calm").wait(60) == 0
    luck, killed, wait = random.Random(0), 0, 0.0
    for _ in range(20):
        process = start(tmp_path / "killed")
        until = time.monotonic() + 30
        while not (tmp_path / "killed" / "run.lock").exists() and time.monotonic() < until:
            time.sleep(0.01)
        before = _lines(tmp_path / "killed")
        while process.poll() is None and _lines(tmp_path / "killed") == before and luck.random() > 0.02:
            time.sleep(0.01)
        wait = luck.uniform(0, 0.03)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        killed += process.wait(30) == -signal.SIGKILL
    assert killed > 5
    assert start(tmp_path / "killed").wait(60) == 0
    assert keys(tmp_path / "killed") == keys(tmp_path / "calm")
    assert len(keys(tmp_path / "killed")) == len(set(keys(tmp_path / "killed"))) == 300

    def plain(folder: Path) -> list[Any]:
        timed = {"timings", "seconds", "usage"}
        return sorted((r.model_dump_json(exclude=timed) for r in records(folder)), key=str)

    assert plain(tmp_path / "killed") == plain(tmp_path / "calm")


def _lines(folder: Path) -> int:
    file = folder / RECORDS
    return file.read_bytes().count(b"\n") if file.exists() else 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/run cannot be made \(Not a directory\); name another with --output"):
        run(suite(2), [Pool("one")], {"sums": Sums()}, tmp_path / "file" / "run")


def test_two_writers_are_kept_apart(tmp_path):
    with folder.locked(tmp_path), pytest.raises(InputError, match="Another process is writing the run"):
        run(suite(), [Pool("one")], {"sums": Sums()}, tmp_path)


def test_another_suite_is_refused(tmp_path):
    run(suite(), [Pool("one")], {"sums": Sums()}, tmp_path)
    with pytest.raises(InputError, match=r"begun with other settings \(suite: n was 20, is 21\)"):
        run(suite(21), [Pool("one")], {"sums": Sums()}, tmp_path)
    run(suite(failed=3), [Pool("one")], {"sums": Sums()}, tmp_path)  # limits may change


def test_another_format_is_refused(tmp_path):
    run(suite(), [Pool("one")], {"sums": Sums()}, tmp_path)
    text = (tmp_path / RECORDS).read_text().replace('"format":1', '"format":9')
    (tmp_path / RECORDS).write_text(text)
    with pytest.raises(
        InputError, match=r"The format of line 1 of .* is 9, and this version of hybrid .* reads format 1"
    ):
        run(suite(), [Pool("one")], {"sums": Sums()}, tmp_path)
    with pytest.raises(InputError, match="is 9"):
        list(records(tmp_path))
    info = json.loads((tmp_path / RUN).read_text())
    (tmp_path / RUN).write_text(json.dumps({**info, "format": 9}))
    with pytest.raises(InputError, match=r"The format of .*run\.json is 9"):
        folder.read_run(tmp_path)


def test_a_damaged_line_is_named(tmp_path):
    run(suite(), [Pool("one")], {"sums": Sums()}, tmp_path)
    lines = (tmp_path / RECORDS).read_text().splitlines(keepends=True)
    (tmp_path / RECORDS).write_text("".join([*lines[:3], "{broken\n", *lines[4:]]))
    with pytest.raises(InputError, match=r"Line 4 of .* is damaged; delete that line"):
        run(suite(), [Pool("one")], {"sums": Sums()}, tmp_path)


class Broken(Exception):
    usage = Usage(calls=2, prompt_tokens=500)


def test_a_failed_sample_is_a_record_with_what_it_cost(tmp_path):
    mended: list[str] = []

    def sometimes(question: str, documents: Mapping[str, str]) -> str:
        if mended:
            return add(question, documents)
        if question.startswith("What is 3 "):
            raise Broken("it broke")
        if question.startswith("What is 4 "):
            raise WindowError("The prompt is longer than the window.")
        if question.startswith("What is 5 "):
            raise Unsuited("it has no prompt of its own")
        return add(question, documents)

    run(suite(), [Pool("one", sometimes)], {"sums": Sums()}, tmp_path)
    found = {record.id: record for record in records(tmp_path)}
    assert (found["s3"].status, found["s3"].reason, found["s3"].score) == ("failed", "Broken: it broke", None)
    assert found["s3"].usage.prompt_tokens == 500
    assert found["s3"].cost is not None
    assert found["s3"].cost.dollars == 0.002
    assert (found["s4"].status, found["s4"].reason) == ("skipped", "The prompt is longer than the window.")
    assert found["s5"].status == "skipped"
    mended.append("the cable")
    again = Pool("one", sometimes)
    run(suite(), [again], {"sums": Sums()}, tmp_path)
    assert again.asked == []
    run(suite(), [again], {"sums": Sums()}, tmp_path, again=True)
    assert again.asked == ["s3", "s3"]  # of both seeds
    assert len(keys(tmp_path)) == 40
    assert len((tmp_path / folder.FAILED).read_text().splitlines()) == 2


def test_too_many_failures_stop_the_run(tmp_path):
    def never(question: str, documents: Mapping[str, str]) -> str:
        raise EngineError("No server answers at http://nowhere.")

    arm = Pool("one", never)
    with pytest.raises(RunFailed, match="11 of 11 samples of the arm 'one' failed, the last with: No server answers"):
        run(suite(500), [arm], {"sums": Sums()}, tmp_path)
    assert len(arm.asked) < 30
    few = Pool("one", never, concurrency=1)
    with pytest.raises(RunFailed, match="3 of 3"):
        run(suite(500, failed=2), [few], {"sums": Sums()}, tmp_path / "few")
    assert len(few.asked) == 3


def test_a_run_without_an_answer_ends_with_why(tmp_path, monkeypatch, capsys):
    """Few failures are always allowed; where all samples fail, the command says so and does not end well."""
    monkeypatch.chdir(tmp_path)
    arm = '[[arms]]\nname = "one"\nkind = "function"\ntarget = "json:loads"\n'
    (tmp_path / "mine.toml").write_text(f'[[tasks]]\nname = "tests.evals.sums:Sums"\nn = 2\n{arm}')
    assert guarded(cli, ["eval", "run", "mine.toml", "-o", "out", "--no-report"]) == 2
    out, err = capsys.readouterr()
    assert "2 of 2 samples failed; they are in no score." in " ".join(out.split())
    assert err.startswith("Error: No sample was answered: all 2 failed, the last with: TypeError: loads() takes 1")
    assert "were given. Mend that and run the same command with --retry-failed." in err


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        ("twice", "The task 'odd' gives two samples the id 's'; each needs its own"),
        ("letters", "gives 'Lima' as golds of 't': give a tuple of texts"),
        ("text", "gives no documents by name for 't'"),
        ("dict", "gives dict as its sample 2, and no Sample"),
    ],
)
def test_what_a_task_of_the_users_own_gives_is_looked_at(tmp_path, gives, said):
    chosen = suite().model_copy(update={"tasks": (TaskSpec(name="tests.evals.own_things:Odd", label="odd"),)})
    with pytest.raises(InputError, match=said):
        run(chosen, [Pool("one")], {"odd": Odd(gives)}, tmp_path)


def test_a_function_that_returns_nothing_has_failed(tmp_path):
    run(suite(2), [Pool("one", nothing)], {"sums": Sums()}, tmp_path)
    assert {(one.status, one.reason) for one in records(tmp_path)} == {
        ("failed", "TypeError: it returned None, and a reply is text")
    }


def test_what_would_fail_every_sample_stops_at_once(tmp_path):
    def unset(question: str, documents: Mapping[str, str]) -> str:
        raise SettingsError("engine.url is not set.")

    with pytest.raises(SettingsError, match=r"engine\.url is not set"):
        run(suite(), [Pool("one", unset)], {"sums": Sums()}, tmp_path)
    assert list(records(tmp_path)) == []


def test_time_limit(tmp_path):
    with pytest.raises(RunFailed, match=r"The 1e-06 minutes of the suite are over with 0 of 40 samples"):
        run(suite(minutes=1e-6), [Pool("one", slowly)], {"sums": Sums()}, tmp_path)


def test_a_full_disk_leaves_what_is_written_valid(tmp_path):
    """The limit on a file's size makes a write fail half-way, as a full disk does."""
    code = (
        "import resource, signal\nfrom pathlib import Path\nfrom hybrid.evals.run import run\n"
        "from tests.evals.sums import Pool, Sums, suite\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from hybrid.errors import UserError\nresource.setrlimit(resource.RLIMIT_FSIZE, (9000, -1))\n"
        f"try:\n    run(suite(), [Pool('one')], {{'sums': Sums()}}, Path({str(tmp_path)!r}))\n"
        "except UserError as error:\n    print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    ).stdout
    assert "A record could not be written" in told
    assert "Make room and run the same command again." in told
    written = (tmp_path / RECORDS).read_bytes()
    assert written.endswith(b"\n")
    assert 0 < len(list(records(tmp_path))) < 40
    run(suite(), [Pool("one")], {"sums": Sums()}, tmp_path)
    assert len(set(keys(tmp_path))) == len(keys(tmp_path)) == 40


@pytest.mark.parametrize(
    ("golds", "reply", "score"),
    [
        ((), Reply("The documents do not say.", abstained=True, route="rag"), 1.0),
        ((), Reply("42"), 0.0),
        (("no",), Reply("The documents do not say.", abstained=True, route="rag"), 0.0),
        (("no",), Reply("No."), 1.0),
    ],
)
def test_abstentions_are_judged(golds, reply, score):
    assert judge("best_subspan_em", Sample("1", "?", {}, golds, group=""), reply) == score


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        (lambda text, golds: float("nan"), "The metric 'own' gives nan for 's', and a score is from 0 to 1"),
        (lambda text, golds: 100.0, "gives 100 for 's'"),
        (lambda text, golds: 1 / 0, "The metric 'own' fails on 's': ZeroDivisionError: division by zero"),
        (lambda text, golds: None, "fails on 's': TypeError"),
    ],
)
def test_a_metric_of_the_users_own_gives_a_score(monkeypatch, metric, said):
    monkeypatch.setitem(METRICS._own, "own", metric)
    with pytest.raises(InputError, match=said):
        judge("own", Sample("s", "q", {}, ("1",), group="g"), Reply("1"))


def test_an_unknown_metric_is_named():
    with pytest.raises(InputError, match=r"There is no metric 'exact_mach'; did you mean 'exact_match'\?"):
        METRICS["exact_mach"]


def test_text_that_is_no_unicode_is_recorded(tmp_path):
    run(suite(), [Pool("one", lambda *_: "half a pair \ud800")], {"sums": Sums()}, tmp_path)
    assert len(keys(tmp_path)) == 40


def test_records_stay_small_enough_to_read_back():
    record = Record(
        arm="a", task="t", length=None, seed=0, id="1", group="g", question="?", golds=(), metric="f1", status="failed"
    )
    assert Record.model_validate_json(record.model_dump_json()) == record


def test_from_the_command_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "own.py").write_text(
        "from tests.evals.sums import Sums, add\n\ndef broken(question, documents):\n    raise ValueError('no')\n"
    )
    (tmp_path / "own.toml").write_text(
        'n = 12\n[[tasks]]\nname = "own:Sums"\nlabel = "sums"\n'
        '[[arms]]\nname = "good"\nkind = "function"\ntarget = "own:add"\n'
        '[[arms]]\nname = "bad"\nkind = "function"\ntarget = "own:broken"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    assert guarded(cli, ["eval", "run", "own.toml", "-o", "out", "--arm", "good", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["scores"][0]["score"]["mean"] == 1.0
    assert found["scores"][0]["n"] == 12
    assert guarded(cli, ["eval", "report", "out"]) == 0
    assert (tmp_path / "out" / "report" / "report.html").is_file()
    assert guarded(cli, ["eval", "run", "own.toml", "-o", "bad", "--arm", "bad"]) == 2
    assert "11 of 11 samples of the arm 'bad' failed, the last with: ValueError: no" in capsys.readouterr().err
    assert guarded(cli, ["eval", "compare", "out", "out"]) == 0
    assert "Both runs have the same suite" in capsys.readouterr().out
