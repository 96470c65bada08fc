"""vLLM's servers: started one after another, tried, watched, and stopped together.

    with Servers([native, extended], find(), Path("logs")) as servers:
        servers.start()  # returns when every server reads its whole window
        servers.wait()   # until one ends, or Ctrl-C

A server is ready when it has read a prompt as long as its window.
"""

from __future__ import annotations

import shlex
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, TextIO

from hybrid.errors import EngineError, InputError
from hybrid.serving.probe import TIMEOUT, healthy, probe, verify
from hybrid.serving.process import Running, launch
from hybrid.serving.router import Router, check_router, router_command
from hybrid.serving.served import Served
from hybrid.serving.vllm import Vllm, command, environment

GRACE = 20.0  # seconds that a server gets to end by itself
Say = Callable[[str], None]
Beside = Callable[[Served, int], "subprocess.Popen[bytes] | None"]
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Servers:
    """Servers that live as long as a `with` block, SIGTERM and SIGHUP included; all of them, or none.

    Args:
        served: what to serve; started in this order, one after another, because two that load at once measure each
            other's memory and starve each other of a CPU.
        vllm: the program that serves it.
        logs: a folder for one log file each, named after kind and port.
        timeout: seconds for each to become ready.
        follow: receives the lines of the logs, each with its server's kind in front.
        say: told what happens.
        show: told the state several times a second, for a line that is overwritten.
        probe: whether to try each window with a prompt of that length, which takes as long as reading it.
        routers: started when all servers are ready; one of several servers behind a router may end, which is told.
        beside: starts a process that works beside a server, given that and the number of its process, and that ends by
            itself after it; None where there is nothing to do. It is started again if it ends before.
    """

    def __init__(
        self,
        served: Sequence[Served],
        vllm: Vllm,
        logs: Path,
        *,
        timeout: float = TIMEOUT,
        follow: TextIO | None = None,
        say: Say = lambda text: None,
        show: Say = lambda text: None,
        probe: bool = True,
        routers: Sequence[Router] = (),
        beside: Beside | None = None,
    ) -> None:
        self.served, self.routers = tuple(served), tuple(routers)
        self._spared = False  # whether one of several may end
        self._vllm, self._logs, self._timeout = vllm, logs, timeout
        self._follow, self._say, self._show, self._probe = follow, say, show, probe
        self._running: list[Running] = []
        self._ended: list[Running] = []  # what they started may still run
        self._beside, self._helpers = beside, dict[int, tuple[float, subprocess.Popen[bytes] | None]]()
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Servers:
        if threading.current_thread() is threading.main_thread():
            for sign in _SIGNALS[1:]:
                self._handlers[sign] = signal.signal(sign, _interrupt)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.stop()
        finally:
            for sign, handler in self._handlers.items():
                signal.signal(sign, handler)

    def start(self) -> None:
        """Start every server and wait until it has proved its window.

        Raises:
            InputError: a port is taken; nothing was started.
            EngineError: a server ended, did not become ready in time, or does not read its window.
        """
        listening: list[Served | Router] = [*self.routers, *self.served]
        for place in listening:
            check_port(place)
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"Cannot make the folder {self._logs} for logs: {error.strerror}.") from None
        for served in self.served:
            begun = time.monotonic()
            one = self._launch(served)
            self._await(one, begun + self._timeout)
            self._say(f"{served.tag}: loaded after {time.monotonic() - begun:.0f} s; trying its window")
            self._verify(one, begun + self._timeout)
            self._say(f"{served.tag}: ready after {time.monotonic() - begun:.0f} s at {served.url}")
        for router in self.routers:
            begun = time.monotonic()
            one = self._start(router, router_command(router), {})
            self._await(one, begun + self._timeout)
            verify(router)
            check_router(router)
            self._say(f"{router.tag}: ready after {time.monotonic() - begun:.0f} s at {router.url}")
        self._spared = bool(self.routers)

    def wait(self) -> None:
        """Follow the servers until one ends, which is an error."""
        while True:
            self._look()
            time.sleep(0.5)

    def check(self) -> None:
        """Raise EngineError if a server has ended or no longer answers; quick if all are well."""
        for one in self._running:
            if healthy(one.served):
                continue
            with suppress(subprocess.TimeoutExpired):  # its connections are closed before the process ends
                one.process.wait(timeout=GRACE / 4)
            if one.process.poll() is not None:
                raise EngineError(one.ended())
            if not healthy(one.served):
                raise EngineError(f"The {one.served.title} does not answer any more: see its log {one.log}")

    def stop(self) -> None:
        """End all servers and whatever they started: politely, then by force."""
        with _undisturbed():
            running, self._running, self._ended = self._running + self._ended, [], []
            for one in running:
                one.signal(signal.SIGTERM)
            _until(lambda: all(one.process.poll() is not None for one in running), GRACE)
            _until(lambda: not any(one.left() for one in running), GRACE / 10)
            for one in running:
                one.signal(signal.SIGKILL)
                one.process.wait()
                one.copy(self._follow)
            _until(lambda: not any(one.left() for one in running), GRACE / 10)

    def _launch(self, served: Served) -> Running:
        return self._start(served, command(served, self._vllm), environment(served, self._vllm, len(self.served)))

    def _start(self, served: Served | Router, line: Sequence[str], variables: Mapping[str, str]) -> Running:
        what = "router" if isinstance(served, Router) else served.kind
        log = self._logs / f"{what}-{served.port}.log"
        self._say(f"{served.tag}: {shlex.join(line)}")
        self._say(f"{served.tag}: its log is {log}")
        with _undisturbed() as caught:  # an interrupt between start and record would leave it running
            one = launch(served, line, variables, log)
            self._running.append(one)
            self._help(one)
        if caught:
            raise KeyboardInterrupt
        return one

    def _await(self, one: Running, deadline: float) -> None:
        while True:
            self._look()
            self._show(f"{one.served.tag}: {one.last}")
            if healthy(one.served, 5.0):
                return
            if time.monotonic() > deadline:
                raise EngineError(
                    f"The {one.served.title} was not ready after {self._timeout:g} s: allow more with --timeout, "
                    f"or see its log {one.log}"
                )
            time.sleep(0.3)

    def _look(self) -> None:
        """Follow the logs; EngineError if a server has ended."""
        for one in list(self._running):
            one.copy(self._follow)
            if one.process.poll() is None:
                self._help(one)
                continue
            self._running.remove(one)
            self._ended.append(one)
            if not self._spared or isinstance(one.served, Router) or not self._others(one):
                raise EngineError(one.ended())
            self._say(f"{one.ended()}; the router gives its documents to the other {self._others(one)}")

    def _others(self, one: Running) -> int:
        """Servers of the same kind that still run."""
        same = [r.served.kind for r in self._running if isinstance(r.served, Served)]
        return same.count(one.served.kind) if isinstance(one.served, Served) else 0

    def _help(self, one: Running) -> None:
        """See that a process works beside a server, if any should."""
        if self._beside is None or not isinstance(one.served, Served):
            return
        pid, now = one.process.pid, time.monotonic()
        begun, helper = self._helpers.get(pid, (-GRACE, None))
        ended = pid not in self._helpers or (helper is not None and helper.poll() is not None)
        if ended and now - begun > GRACE / 4:
            self._helpers[pid] = now, self._beside(one.served, pid)

    def _verify(self, one: Running, deadline: float) -> None:
        try:
            verify(one.served)
            if self._probe and isinstance(one.served, Served):
                probe(one.served, max(deadline - time.monotonic(), 60.0))
        except (OSError, HTTPException) as error:
            with suppress(subprocess.TimeoutExpired):  # a crash closes the connection before the process ends
                one.process.wait(timeout=5)
            if one.process.poll() is not None:
                raise EngineError(one.ended()) from None
            reason = "it took too long" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
            raise EngineError(
                f"The {one.served.title} did not answer a prompt as long as its window of {one.served.window} "
                f"tokens ({reason}): allow more time with --timeout, or see its log {one.log}"
            ) from None


def check_port(served: Served | Router) -> None:
    """Raise InputError if the server's port cannot be taken.

    vLLM itself would share a taken port with another vLLM, and requests would reach either.
    """
    family = socket.AF_INET6 if ":" in served.host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # fading connections do not matter
        try:
            trial.bind((served.host, served.port))
        except (OSError, OverflowError) as error:
            reason = str(getattr(error, "strerror", None) or error).rstrip(".")
            raise InputError(
                f"The {served.title} cannot have port {served.port} of {served.host} ({reason}): choose another "
                "with --port, or end what uses it."
            ) from None


def _until(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)


def _interrupt(sign: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _undisturbed() -> Iterator[list[int]]:
    """Hold back Ctrl-C and the other signals during a block, and list those that came."""
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # signals reach only that one
        yield caught
        return
    handlers = {sign: signal.signal(sign, lambda sign, frame: caught.append(sign)) for sign in _SIGNALS}
    try:
        yield caught
    finally:
        for sign, handler in handlers.items():
            signal.signal(sign, handler)
