"""Shards as Ray tasks, one of whose workers is killed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
from hybrid.evals.cluster import SHARDS, _number, cluster, run_shards
from hybrid.evals.folder import RunFailed, read_run
from hybrid.evals.record import records
from hybrid.evals.run import run
from hybrid.evals.suite import ArmSpec, Limits, Suite, TaskSpec

from hybrid.cli.main import cli, guarded
from hybrid.errors import InputError
from tests.conftest import free_port
from tests.evals.sums import Pool, Sums, add


def add_and_die_once(question: str, documents: Mapping[str, str]) -> str:
    """Kill the worker at one question, the first time that it is asked."""
    marker = Path("killed-once")
    if question == "What is 11 + 0?" and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return add(question, documents)


def fail(question: str, documents: Mapping[str, str]) -> str:
    raise ValueError("no sum")


def suite(target: str, **limits: float) -> Suite:
    return Suite(
        name="sums",
        n=40,
        tasks=(TaskSpec(name="tests.evals.sums:Sums", label="sums", options={"groups": 8}),),
        arms=(ArmSpec(name="one", kind="function", target=f"tests.evals.test_cluster:{target}"),),
        limits=Limits(**limits),
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_killed_worker_is_started_anew_and_the_merge_is_an_undisturbed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)
    steps: list[tuple[str, int, int]] = []
    out, chosen = tmp_path / "out", suite("add_and_die_once")
    notes = run_shards(chosen, out, 3, settings={}, step=lambda *step: steps.append(step))
    assert (tmp_path / "killed-once").exists()
    assert notes == []
    assert steps[-1][0] == "shards"
    assert {folder.name for folder in (out / SHARDS).iterdir()} == {"1-of-3", "2-of-3", "3-of-3"}
    info = read_run(out)
    assert (info.merged, info.missing({("one", "sums||0"): 40})) == (("1/3", "2/3", "3/3"), 0)
    run(chosen, [Pool("one", concurrency=1)], {"sums": Sums(8)}, tmp_path / "calm")
    timed = {"timings", "seconds", "usage", "cost"}
    ours, theirs = ([r.model_dump(exclude=timed) for r in records(at)] for at in (out, tmp_path / "calm"))
    assert ours == theirs
    with pytest.raises(InputError, match="was begun with 3 shards and not 4"):
        run_shards(chosen, out, 4, settings={})
    with pytest.raises(RunFailed, match=r"of the arm 'one' failed, the last with: ValueError: no sum"):
        run_shards(suite("fail"), tmp_path / "fails", 2, settings={})


def test_an_address_nobody_listens_at_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    port = free_port()
    line = ["eval", "run", "smoke", "-o", str(tmp_path / "out"), "--ray", f"127.0.0.1:{port}", "-q"]
    assert guarded(cli, line) == 2
    assert f"No Ray cluster answers at 127.0.0.1:{port} (Connection refused)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="is no address of a Ray cluster"), cluster("nonsense"):
        pass


def test_what_else_lies_beside_shards_is_passed_over(tmp_path: Path) -> None:
    assert _number(tmp_path, None, 3) == 3
    for name in ("1-of-2", "2-of-2", "1-of-2 (copy)", "notes-of-today"):
        (tmp_path / SHARDS / name).mkdir(parents=True)
    assert _number(tmp_path, None, 3) == 2


def test_shards_are_refused_where_they_have_no_effect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["-o", str(tmp_path / "out"), "-q"]
    for line, why in (
        (["smoke", "--shards", "2"], "--shards has no effect without --ray"),
        (["smoke", "--shard", "1/2", "--ray", "127.0.0.1:1"], "--shard has no effect beside --ray"),
        (["testbed", "--ray", "127.0.0.1:1"], "starts a server of its own, and every shard would start one"),
        (["smoke", "--shard", "3/2"], "'3/2' names no shard"),
    ):
        assert guarded(cli, ["eval", "run", *line, *out]) == 2
        assert why in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_merges_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A needle suite with the engine that quotes, as two shards."""
    file = tmp_path / "needles.toml"
    file.write_text(
        'n = 2\n[settings.engine]\nkind = "extractive"\n[[tasks]]\nname = "needle"\nlengths = [600]\n'
        'options = { depths = [0.0, 1.0] }\n[[arms]]\nname = "rag"\nsettings.routing.route = "rag"\n'
    )
    for part in ("1/2", "2/2"):
        line = ["eval", "run", str(file), "-o", str(tmp_path / part[0]), "--shard", part, "-q", "--no-report", "--json"]
        assert guarded(cli, line) == 0
    capsys.readouterr()
    line = ["eval", "merge", str(tmp_path / "all"), str(tmp_path / "1"), str(tmp_path / "2"), "--json"]
    assert guarded(cli, line) == 0
    (row,) = json.loads(capsys.readouterr().out)["scores"]
    assert (row["arm"], row["n"], row["failed"]) == ("rag", len(list(records(tmp_path / "all"))), 0)
    assert (tmp_path / "all" / "report" / "report.html").is_file()
    assert guarded(cli, [*line[:4], "--no-report"]) == 2
    assert "1 of 2 shards are missing (2/2)" in capsys.readouterr().err
