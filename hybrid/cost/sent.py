"""When a request is on its way to an engine: the time before is this process's work, not the engine's."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

WHEN_SENT: ContextVar[Callable[[str], None] | None] = ContextVar("when_sent", default=None)  # set by whoever measures


def sent(server: str = "") -> None:
    """Report that the request of this call is on its way; only the first time to each server counts.

    Args:
        server: that it goes to, where an engine has several: each works by itself.
    """
    when = WHEN_SENT.get()
    if when is not None:
        when(server)
