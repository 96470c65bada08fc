"""When a request is on its way to an engine: the time before is this process's work, not the engine's."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

WHEN_SENT: ContextVar[Callable[[], None] | None] = ContextVar("when_sent", default=None)  # set by whoever measures


def sent() -> None:
    """Report that the request of this call is on its way; only the first time counts."""
    when = WHEN_SENT.get()
    if when is not None:
        when()
