"""`hybrid up` as a process of its own."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from hybrid.cli.main import cli, guarded
from hybrid.settings import load
from tests.conftest import free_port
from tests.serving.conftest import left, until, up


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_up_serves_until_it_is_told_to_stop(fake: Path, tmp_path: Path, model: Path, sign: signal.Signals) -> None:
    flags = ("--context", "16384", "--port", str(free_port()), "--json", "--", "--pids", str(fake.parent / "pids"))
    process = up(fake, tmp_path, model, *flags)
    until((tmp_path / "hybrid.toml").exists)
    assert len(left(fake)) == 4
    process.send_signal(sign)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    servers = json.loads(out)["servers"]
    assert [(s["kind"], s["window"]) for s in servers] == [("native", 4096), ("extended", 16384)]
    assert err.splitlines()[-2:] == ["stopping", "stopped"]
    assert "Traceback" not in err
    assert left(fake) == []
    settings = load(tmp_path / "hybrid.toml", environ={})
    assert settings.engine.url == servers[0]["url"]


def test_ctrl_c_while_starting_leaves_nothing(fake: Path, tmp_path: Path, model: Path) -> None:
    pids = fake.parent / "pids"
    process = up(fake, tmp_path, model, "--port", str(free_port()), "--", "--fault", "hangs", "--pids", str(pids))
    until(lambda: pids.exists() and len(left(fake)) == 2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert left(fake) == []
    assert not (tmp_path / "hybrid.toml").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--only", "extended"], "so a context of 4,096 needs no extended server"),
        (["--context", "4"], "A window of 4 tokens is too small to serve: give --context, 64 or more."),
        (["--write", "none/hybrid.toml"], "There is no folder none to write hybrid.toml into"),
        (["--", "--port", "1"], "The flag --port is not passed on to vLLM: use --port before the --."),
        (["--context", "16384", "--", "--fault", "raises"], "ended with code 1: To serve at least one request"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    fake: Path, tmp_path: Path, model: Path, options: list[str], sentence: str
) -> None:
    process = up(fake, tmp_path, model, "--quiet", "--port", str(free_port()), *options)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert sentence in err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--only", "native", "--context", "16k"], "so a context of 16,384 has no effect: leave out --only native or"),
        (["-tp", "3"], "over 3 GPUs: take --tensor-parallel 1 or 2."),
        (["-pp", "99"], "cannot be split into 99 groups"),
        (["--context", "16k", "--port", "65535"], "The second server takes the port after 65535"),
    ],
)
def test_what_cannot_be_planned_is_said_before_anything_starts(
    fake: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    file = tmp_path / "hybrid.toml"
    assert guarded(cli, ["up", str(model), "--vllm", str(fake), "--write", str(file), *options]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not file.exists()


def test_a_file_that_would_be_changed_is_said_first(fake: Path, tmp_path: Path, model: Path) -> None:
    (tmp_path / "hybrid.toml").write_text('[engine]\nkind = "extractive"\n')
    process = up(fake, tmp_path, model, "--port", str(free_port()))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "hybrid.toml names other engines in [engine]: replace them with --force" in err
    assert not (tmp_path / "logs").exists()
