"""Servers to serve, a double of vLLM's package, and the processes that it starts."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hybrid.serving.served import Served
from hybrid.serving.vllm import Vllm
from tests.serve import YARN

NATIVE = Served("org/model", "model", 4096)
LONG = Served("org/model", "model", 16384, YARN, port=8001)
NEW = Vllm(("vllm", "serve"), "0.32.0", cpu=False)


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
