"""What vLLM's log says."""

from __future__ import annotations

import re

_RAISED = re.compile(r"(?:[\w.]+\.)?(?:\w*(?:Error|Exception)|[\w. -]+: error): (.+)")
_NOISE = re.compile(r"leaked|nanobind|warnings\.warn")  # printed by every vLLM that ends
_ECHO = re.compile(r"(?:Engine core|WorkerProc) initialization failed")  # what follows from a cause
_LOGGED = re.compile(
    r"(?:\x1b\[[\d;]*m)*(?:\([^()]*pid=\d+\)\s?)?(?:\x1b\[[\d;]*m)*"  # (EngineCore pid=1)
    r"(?:(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d [\d:]+ \[[^\]]*\]\s?)?"  # ERROR 01-31 12:00:00 [core.py:1]
)


def reason(log: str) -> str:
    """Why a server ended, from its log: the first cause among its exceptions, otherwise its last line."""
    lines = [plain(line) for line in log.splitlines()]
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


def plain(line: str) -> str:
    """A line without its colours, its process and its time."""
    return _LOGGED.sub("", line, count=1)
