"""One server's process and its log."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from hybrid.errors import EngineError
from hybrid.serving.log import plain, reason
from hybrid.serving.served import Served


@dataclass(slots=True)
class Running:
    """A server's process and its log."""

    served: Served
    process: subprocess.Popen[bytes]
    log: Path
    copied: int = 0  # bytes of the log
    last: str = "starting"

    def ended(self) -> str:
        """The sentence about a server that ended."""
        code = self.process.returncode
        why = reason(self.log.read_text("utf-8", "replace"))
        if code == -signal.SIGKILL:
            why = f"it was killed, as the system does when memory runs out; its last words: {why}"
        return f"The {self.served.kind} server ended with code {code}: {why}. Its log is {self.log}"

    def copy(self, to: TextIO | None) -> None:
        """Copy the lines that the log has grown by."""
        with self.log.open("rb") as file:
            file.seek(self.copied)
            new, newline, _ = file.read().rpartition(b"\n")
        self.copied += len(new) + len(newline)
        for line in new.decode("utf-8", "replace").splitlines():
            self.last = plain(line).strip() or self.last
            if to is not None:
                print(f"{self.served.kind} | {line}", file=to, flush=True)

    def left(self) -> bool:
        """Whether anything in its process group runs; what has ended and was not yet collected does not count."""
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


def launch(served: Served, line: Sequence[str], environment: Mapping[str, str], log: Path) -> Running:
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
