"""The texts that a call gives its callback, as an iterator."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

from hybrid.engines.abort import ABORT, Abort
from hybrid.engines.base import OnText

T = TypeVar("T")


def as_it_comes(work: Callable[[OnText], T]) -> Iterator[str | T]:
    """Each text that `work`, run in a thread, gives its callback, and last what it returns.

    Leaving the loop early calls the work off: what it asks of an engine ends.
    """
    abort = Abort()
    told: queue.SimpleQueue[tuple[bool, str | T | BaseException]] = queue.SimpleQueue()  # whether it is the last

    def run() -> None:
        ABORT.set(abort)
        try:
            told.put((True, work(lambda text: told.put((False, text)))))
        except BaseException as error:  # noqa: BLE001  (raised again in the caller's thread)
            told.put((True, error))

    threading.Thread(target=run, daemon=True).start()
    last = False
    try:
        while not last:
            last, item = told.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        abort()
