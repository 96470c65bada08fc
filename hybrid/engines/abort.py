"""Ending the call of an engine at once from another thread, also while its server is still reading the prompt.

An HTTP client can only be told to close a reply that has begun, and closing a socket does not wake a thread that waits
on it. So whoever may lose interest sets `ABORT`, and clients that are `connected` read through it: their sockets are
then shut down under the reading thread, which a server sees as its client leaving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock


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


def check() -> None:
    """Raise Aborted where the question under way is over."""
    if over():
        raise Aborted


def over() -> bool:
    """Whether the question under way is over: nobody waits for its answer."""
    abort = ABORT.get()
    return abort is not None and abort.done
