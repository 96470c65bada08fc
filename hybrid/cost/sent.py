"""When a request is on its way to an engine: what comes before is this process's work, and none of the engine's."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

WHEN_SENT: ContextVar[Callable[[], None] | None] = ContextVar("when_sent", default=None)  # set by whoever measures


def sent() -> None:
    """Say that the request of this call is on its way; a second time is ignored."""
    when = WHEN_SENT.get()
    if when is not None:
        when()
