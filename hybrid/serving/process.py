"""One server's process and its log."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from hybrid.errors import EngineError
from hybrid.serving.probe import Reached

_RAISED = re.compile(r"(?:[\w.]+\.)?(?:\w*(?:Error|Exception)|[\w. -]+: error): (.+)")
_NOISE = re.compile(r"leaked|nanobind|warnings\.warn")  # printed by every vLLM that ends
_ECHO = re.compile(r"(?:Engine core|WorkerProc) initialization failed")  # follows from a cause
_LOGGED = re.compile(
    r"(?:\x1b\[[\d;]*m)*(?:\([^()]*pid=\d+\)\s?)?(?:\x1b\[[\d;]*m)*"  # (EngineCore pid=1)
    r"(?:(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d [\d:]+ \[[^\]]*\]\s?)?"  # ERROR 01-31 12:00:00 [core.py:1]
)


@dataclass(slots=True)
class Running:
    """A server's process and its log."""

    served: Reached
    process: subprocess.Popen[bytes]
    log: Path
    copied: int = 0  # bytes of the log
    last: str = "starting"

    def ended(self) -> str:
        """The message about a server that ended."""
        code = self.process.returncode
        why = reason(self.log.read_text("utf-8", "replace"))
        if code == -signal.SIGKILL:
            why = f"it was killed, as the system does when memory runs out; its last words: {why}"
        return f"The {self.served.title} ended with code {code}: {why}. Its log is {self.log}"

    def copy(self, to: TextIO | None) -> None:
        """Copy the lines that the log has grown by."""
        with self.log.open("rb") as file:
            file.seek(self.copied)
            new, newline, _ = file.read().rpartition(b"\n")
        self.copied += len(new) + len(newline)
        for line in new.decode("utf-8", "replace").splitlines():
            self.last = _plain(line).strip() or self.last
            if to is not None:
                print(f"{self.served.tag} | {line}", file=to, flush=True)

    def left(self) -> bool:
        """Whether anything in its process group still runs, zombies aside."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
                if int(group) == self.process.pid and state not in "ZX":
                    return True
        return False

    def signal(self, sign: signal.Signals) -> None:
        """Send a signal to the whole group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, sign)


def launch(served: Reached, line: Sequence[str], environment: Mapping[str, str], log: Path) -> Running:
    """Start a server in a process group of its own, which is stopped as a whole; its output goes to the log."""
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                line,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"Cannot start {line[0]}: {error.strerror or error}.") from None
    return Running(served, process, log)


def reason(log: str) -> str:
    """Why a server ended, from its log: the first cause among its exceptions, otherwise its last line."""
    lines = [_plain(line) for line in log.splitlines()]
    lines = [line for line in lines if line.strip() and not _NOISE.search(line)]
    causes: list[str] = []
    for i, line in enumerate(lines):
        found = _RAISED.match(line)
        if found is None:
            continue
        message = found[1].strip()
        if "validation error" in message and i + 1 < len(lines):  # pydantic puts the message on the next line
            message = lines[i + 1].strip().removeprefix("Value error, ").partition(" [type=")[0]
        if not _ECHO.match(message) and message not in causes:
            causes.append(message)
    words = causes[-1] if causes else lines[-1].strip() if lines else "its log is empty"
    return re.split(r"(?<=[.!?])\s+(?=[A-Z])", words)[0][:400].rstrip(". ")


def _plain(line: str) -> str:
    """A line without its colours, its process and its time."""
    return _LOGGED.sub("", line, count=1)
