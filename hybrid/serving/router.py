"""vllm-router in front of several servers of one model: what belongs to one document goes to one of them.

The router hashes the header `X-Session-ID`, which `hybrid.engines.server` sends with every question
(https://github.com/vllm-project/router, policy `consistent_hash`). Every request reaches it alone, so that clients need
one address, also those that know nothing of documents.
"""

from __future__ import annotations

import shutil
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hybrid.cost.prometheus import Counters
from hybrid.errors import EngineError, InputError
from hybrid.serving.pair import LAST_PORT
from hybrid.serving.probe import chat
from hybrid.serving.served import Served, address
from hybrid.serving.vllm import Vllm

PROGRAM = "vllm-router"
SESSION = "X-Session-ID"
EVERY, FAILURES = 2, 2  # seconds between two looks at a server's health, and how many may fail
ASKED = 4  # questions on one document, by which the hashing is checked
SETTLE = 2.0  # seconds that a server gets to count a request


@dataclass(frozen=True, slots=True)
class Router:
    """A router to start, and the servers behind it."""

    program: str
    servers: tuple[Served, ...]
    host: str
    port: int

    @property
    def name(self) -> str:
        """The model's name on the servers."""
        return self.servers[0].name

    @property
    def window(self) -> int:
        """Tokens that the servers read."""
        return self.servers[0].window

    @property
    def kind(self) -> str:
        """Which of two engines this is: extended or native."""
        return self.servers[0].kind

    @property
    def title(self) -> str:
        """What it is called where something is told of it."""
        return f"{self.kind} router"

    @property
    def tag(self) -> str:
        """The same, short."""
        return self.title

    @property
    def reach(self) -> str:
        """The host under which this machine reaches it."""
        return address(self.host, self.port)[0]

    @property
    def url(self) -> str:
        """The base URL for clients on this machine."""
        return address(self.host, self.port)[1]


def behind_routers(
    planned: Sequence[Served], copies: int, program: str, *, host: str, port: int
) -> tuple[list[Served], list[Router]]:
    """The servers of each kind, and a router for them.

    Args:
        planned: one server of each kind.
        copies: of each.
        host, port: of the first router; the second takes the next port, the servers those after, on this machine alone.

    Raises:
        InputError: there is nothing to route between, or no port is left.
    """
    check_copies(copies)
    last = port + len(planned) * (1 + copies) - 1
    if last > LAST_PORT:
        raise InputError(
            f"The routers and servers take the ports {port} to {last}, and {LAST_PORT} is the last: lower --port."
        )
    served: list[Served] = []
    routers: list[Router] = []
    for number, one in enumerate(planned):
        first = port + len(planned) + number * copies
        group = tuple(
            replace(one, label=f"{copy + 1}", host="127.0.0.1", port=first + copy, data_parallel=1)
            for copy in range(copies)
        )
        served += group
        routers.append(Router(program, group, host, port + number))
    return served, routers


def check_copies(copies: int) -> None:
    """Raise InputError where there is nothing to route between."""
    if copies < 2:
        raise InputError(
            "A router needs servers to choose from: give --data-parallel 2 or more, or leave out --router."
        )


def find_router(path: str | None, vllm: Vllm) -> str:
    """The program at `path`, on PATH, or beside vLLM's or the running Python.

    Raises:
        InputError: there is none.
    """
    beside = [Path(vllm.start[0]).with_name(PROGRAM), Path(sys.executable).with_name(PROGRAM)]
    found = shutil.which(path or PROGRAM) or next(
        (str(file) for file in beside if path is None and file.is_file()), None
    )
    if found is None:
        raise InputError(
            f"There is no program {path or PROGRAM}: pip install vllm-router, in an environment of its own, and name "
            "its program with --router-program."
        )
    return found


def router_command(router: Router) -> list[str]:
    """The command line that starts a router."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        metrics = free.getsockname()[
            1
        ]  # every router takes a port for its own counters, the same unless told otherwise
    workers = [server.url.removesuffix("/v1") for server in router.servers]
    line = [router.program, "--host", router.host, "--port", str(router.port), "--policy", "consistent_hash"]
    line += ["--worker-urls", *workers, "--prometheus-port", str(metrics), "--worker-startup-check-interval", "1"]
    return [*line, "--health-check-interval-secs", str(EVERY), "--health-failure-threshold", str(FAILURES)]


def check_router(router: Router) -> None:
    """Ask a few questions about one document, which one server has to get.

    Raises:
        EngineError: several get them, or the router does not answer.
    """
    before = [_asked(server) for server in router.servers]
    for number in range(ASKED):
        status, told = chat(router, f"Say {number}.", {SESSION: "hybrid up"})
        if status != 200:
            raise EngineError(f"The {router.title} does not pass a question on ({status}: {str(told)[:300]}).")
    if None in before:  # servers that count nothing: vLLM's are started with their counters
        return
    deadline, moved = time.monotonic() + SETTLE, [0]
    while sum(moved) < ASKED and time.monotonic() < deadline:
        time.sleep(0.05)
        moved = [(_asked(server) or 0) - (was or 0) for server, was in zip(router.servers, before, strict=True)]
    if sum(bool(count) for count in moved) > 1:
        raise EngineError(
            f"The {router.title} sends questions on one document to several servers ({', '.join(map(str, moved))}): it "
            f"does not hash the header {SESSION}. Take vllm-router 0.1.17 or later."
        )


def _asked(server: Served) -> int | None:
    """Questions that a server has answered; None where it does not count."""
    now = Counters.read(server.url, server.name)
    told = now.values.get("vllm:request_success_total")
    return None if told is None else round(told)
