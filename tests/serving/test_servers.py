"""How servers start, what is tried of them, and that none is left running."""

from __future__ import annotations

import io
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from hybrid.errors import EngineError, InputError
from hybrid.serving.process import reason
from hybrid.serving.served import Served
from hybrid.serving.servers import Servers
from hybrid.serving.vllm import find
from tests.conftest import free_port
from tests.serving.conftest import left
from tests.serving.fake_vllm import LOG


def start(fake: Path, fault: str = "", *more: str, timeout: float = 60.0, **options: Any) -> list[str]:
    """Start one server with a fault and stop it; returns what was said."""
    said: list[str] = []
    flags = ("--fault", fault, "--pids", str(fake.parent / "pids"), *more)
    served = Served("tiny", "tiny", 4096, port=free_port(), extra=flags)
    with Servers([served], find(fake), fake.parent / "logs", timeout=timeout, say=said.append, **options) as servers:
        servers.start()
    return said


def test_a_server_proves_its_window_and_is_stopped(fake: Path) -> None:
    said = start(fake)
    assert said[-1].startswith("native: ready after")
    assert left(fake) == []


def test_logs_are_kept_and_followed(fake: Path) -> None:
    shown = io.StringIO()
    start(fake, follow=shown)
    assert "native | INFO 01-31 12:00:00 [utils.py:1] loading tiny\n" in shown.getvalue()
    (log,) = (fake.parent / "logs").iterdir()
    assert "loading tiny" in log.read_text()


def test_a_port_in_use(fake: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        servers = Servers([Served("m", "n", 4096, port=port)], find(fake), fake.parent / "logs")
        with servers, pytest.raises(InputError, match=f"cannot have port {port} of 127.0.0.1 .*: choose another"):
            servers.start()
    assert not (fake.parent / "logs").exists()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("raises", "ended with code 1: To serve at least one request, 4.00 GiB KV cache is needed, which is larger "),
        ("dies", r"ended with code 3: INFO .* loading tiny|ended with code 3: loading tiny"),
        ("crash", "ended with code 3"),
        ("window", "reads 2048 tokens where 4096 were planned"),
        ("truncated", "read 3995 tokens of a prompt of 4095"),
        ("nan", "computes nothing at the end of its window of 4096 tokens"),
        ("not a number", "computes nothing at the end of its window of 4096 tokens"),
        ("broken", r"does not read 4095 tokens \(500: index out of bounds\)"),
        ("longer", r"took a prompt one token longer than its window of 4096 \(200\)"),
    ],
)
def test_a_server_that_fails_is_explained_and_stopped(fake: Path, fault: str, sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        start(fake, fault)
    if fault != "raises":
        assert left(fake) == []


def test_a_server_that_does_not_get_ready(fake: Path) -> None:
    with pytest.raises(EngineError, match="The native server was not ready after 2 s: allow more with --timeout"):
        start(fake, "hangs", timeout=2)
    assert left(fake) == []


def test_a_server_that_ignores_sigterm_is_killed(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid.serving.servers.GRACE", 1.0)
    with pytest.raises(EngineError, match="was not ready after 2 s"):
        start(fake, "deaf", timeout=2)
    assert left(fake) == []


def test_all_are_stopped_when_one_ends(fake: Path) -> None:
    pids = str(fake.parent / "pids")
    port = free_port()
    served = [Served("m", "n", 4096, port=p, extra=("--pids", pids)) for p in (port, port + 1)]
    with Servers(served, find(fake), fake.parent / "logs") as servers:
        servers.start()
        os.kill(int(Path(pids).read_text().split()[2]), signal.SIGKILL)
        with pytest.raises(EngineError, match="The native server ended with code -9: it was killed, as the system"):
            servers.wait()
    assert left(fake) == []


@pytest.mark.parametrize(
    ("log", "why"),
    [
        (LOG, LOG.partition("ValueError: ")[2].partition(". Try")[0]),
        ("usage: vllm\nvllm serve: error: unrecognized arguments: --nothing\n", "unrecognized arguments: --nothing"),
        (
            "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n  Value error, The "
            "window (9) is too long. Do this. [type=value_error, input_value=x]\n    For further information\n",
            "The window (9) is too long",
        ),
        ("(Worker pid=1) torch.OutOfMemoryError: CUDA out of memory. Tried.\nleaked x\n", "CUDA out of memory"),
        ("one\ntwo\n", "two"),
        ("", "its log is empty"),
    ],
)
def test_the_reason_in_a_log(log: str, why: str) -> None:
    assert reason(log) == why
