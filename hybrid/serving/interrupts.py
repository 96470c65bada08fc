"""Ctrl-C and its like, held back while they would leave something running."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt(sign: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def undisturbed() -> Iterator[list[int]]:
    """Holds back Ctrl-C and its like for the length of a block; the signals that came are in the list."""
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # only there do they raise
        yield caught
        return
    handlers = {sign: signal.signal(sign, lambda sign, frame: caught.append(sign)) for sign in SIGNALS}
    try:
        yield caught
    finally:
        for sign, handler in handlers.items():
            signal.signal(sign, handler)
