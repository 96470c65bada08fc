"""A double of vLLM's program, servers to start with it, and the processes that it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hybrid.serving.served import Served
from hybrid.serving.vllm import Vllm
from tests.vllm_server import YARN, configuration

FAKE = Path(__file__).with_name("fake_vllm.py")
NATIVE = Served("org/model", "model", 4096)
LONG = Served("org/model", "model", 16384, YARN, port=8001)
NEW = Vllm(("vllm", "serve"), "0.32.0", cpu=False)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program of a double of vLLM."""
    installed(tmp_path / "packages")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"), prepend=os.pathsep)
    program = tmp_path / "bin" / "vllm"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{FAKE.read_text('utf-8')}")
    program.chmod(0o755)
    return program


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with a configuration."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(configuration(2048)))
    return folder


def installed(folder: Path, name: str = "vllm", version: str = "0.32.0") -> None:
    """Make a package known to the Pythons that look into `folder`."""
    about = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (about / "top_level.txt").write_text("vllm\n")


def left(fake: Path) -> list[int]:
    """Processes of the doubles that still run."""
    pids = [int(pid) for pid in (fake.parent / "pids").read_text().split()]
    assert pids
    return [pid for pid in pids if running(pid)]


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(done: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def up(fake: Path, folder: Path, model: Path, *options: str) -> subprocess.Popen[str]:
    """`hybrid up` as a process of its own."""
    line = [sys.executable, "-m", "hybrid", "up", str(model), "--vllm", str(fake), "--logs", "logs", *options]
    return subprocess.Popen(line, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
