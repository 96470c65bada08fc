"""Ending the call of an engine at once from another thread, also while its server is still reading the prompt.

An HTTP client can only be told to close a reply that has begun, and closing a socket does not wake a thread that waits
on it. So whoever may lose interest sets `ABORT`, and clients made `abortable` read through it: their sockets are then
shut down under the reading thread, which a server sees as its client leaving.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Lock
from typing import Any


class Aborted(BaseException):
    """The call was ended. No `Exception`, so that no client takes it for a fault of the connection and asks again."""


class Abort:
    """Ends calls from another thread. Safe to use from several threads."""

    def __init__(self) -> None:
        self.done = False
        self._ends: dict[object, Callable[[], None]] = {}
        self._lock = Lock()

    def __call__(self) -> None:
        """End what is under way, and have nothing more begin."""
        with self._lock:
            self.done = True
            for end in self._ends.values():
                end()
            self._ends.clear()

    def check(self) -> None:
        """Raise Aborted where the call is over."""
        if self.done:
            raise Aborted

    @contextmanager
    def by(self, end: Callable[[], None]) -> Iterator[None]:
        """A stretch of work that `end` ends. Raises Aborted in the place of what it raised or returned."""
        mark = object()
        with self._lock:
            self.check()
            self._ends[mark] = end
        try:
            yield
        finally:
            with self._lock:  # not to shut down what another call reads next
                self._ends.pop(mark, None)
            self.check()


ABORT: ContextVar[Abort | None] = ContextVar("ABORT", default=None)  # of the question under way
PATIENCE: ContextVar[float | None] = ContextVar("PATIENCE", default=None)  # seconds a read waits; None: the client's


def check() -> None:
    """Raise Aborted where the question under way is over."""
    if over():
        raise Aborted


def over() -> bool:
    """Whether the question under way is over: nobody waits for its answer."""
    abort = ABORT.get()
    return abort is not None and abort.done


def abortable(client: Any) -> Any:
    """The same httpx client; what it reads and connects to from now on ends by `ABORT`.

    Where a later httpx keeps its connections otherwise, calls go on to their next word, as without this.
    """
    for transport in (getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()):
        pool = getattr(transport, "_pool", None)
        backend = getattr(pool, "_network_backend", None)
        if backend is not None:
            pool._network_backend = _Backend(backend)  # type: ignore[union-attr]
    return client


class _Backend:
    """A network backend of httpcore."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def connect_tcp(self, *args: Any, **options: Any) -> _Stream:
        check()
        return _Stream(self._inner.connect_tcp(*args, **options))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Stream:
    """A network stream of httpcore."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        abort, patience = ABORT.get(), PATIENCE.get()
        if patience is not None:
            timeout = patience if timeout is None else min(timeout, patience)
        if abort is None:
            return self._inner.read(max_bytes, timeout)  # type: ignore[no-any-return]
        with abort.by(self._shut):
            return self._inner.read(max_bytes, timeout)  # type: ignore[no-any-return]

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        check()
        self._inner.write(buffer, timeout)

    def start_tls(self, *args: Any, **options: Any) -> _Stream:
        return _Stream(self._inner.start_tls(*args, **options))

    def _shut(self) -> None:
        found = self._inner.get_extra_info("socket")
        with suppress(OSError, TypeError):  # it is closed already
            socket.socket.shutdown(found, socket.SHUT_RDWR)  # past TLS, whose state the reading thread has

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
