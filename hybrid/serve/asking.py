"""Questions asked from the event loop: each runs in a thread, takes its turn, can be watched and can be called off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from hybrid.engines.abort import ABORT, Abort
from hybrid.engines.base import OnText
from hybrid.errors import CalledOff, HybridError

T = TypeVar("T")


class Busy(HybridError):
    """Too many questions wait already."""


class TooSlow(HybridError):
    """An answer took longer than it may."""


class Turns:
    """How many questions are answered at once, and how many may wait.

    Args:
        at_once: questions under way.
        waiting: further ones that may wait.
        seconds: that an answer may take, waiting included.
    """

    def __init__(self, at_once: int, waiting: int, seconds: float) -> None:
        self.at_once, self.waiting, self.seconds = at_once, waiting, seconds
        self.under_way = 0
        self._limiter = anyio.CapacityLimiter(at_once)

    async def run(self, work: Callable[[OnText], T], on_text: OnText | None = None) -> T:
        """What `work` returns. When the caller is cancelled or time is up it is called off, its engine's request cut.

        Args:
            work: is given a callback for text; the callback raises `CalledOff` once nobody waits.
            on_text: receives the text on the event loop.

        Raises:
            Busy: too many wait.
            TooSlow: it took too long.
        """
        if self.under_way >= self.at_once + self.waiting:
            raise Busy(f"{self.under_way} questions are under way or waiting; ask again in a few seconds.")
        loop, abort = asyncio.get_running_loop(), Abort()
        ABORT.set(abort)  # the thread has a copy of this context

        def told(text: str) -> None:
            if abort.done:
                raise CalledOff("The caller has gone.")
            if on_text is not None:
                loop.call_soon_threadsafe(on_text, text)

        self.under_way += 1
        try:
            with anyio.fail_after(self.seconds):
                return await anyio.to_thread.run_sync(work, told, limiter=self._limiter, abandon_on_cancel=True)
        except TimeoutError:
            raise TooSlow(f"The answer took longer than {self.seconds:g} seconds, the limit of this service.") from None
        finally:
            abort()
            self.under_way -= 1

    async def stream(self, work: Callable[[OnText], T]) -> AsyncIterator[str | T]:
        """The text of `work` as it comes, and last what it returns. Leaving the loop early calls it off."""
        told: asyncio.Queue[tuple[bool, str | T | BaseException]] = asyncio.Queue()

        async def run() -> None:
            try:
                told.put_nowait((True, await self.run(work, lambda text: told.put_nowait((False, text)))))
            except Exception as error:  # noqa: BLE001 - raised again by whoever reads
                told.put_nowait((True, error))

        task = asyncio.create_task(run())
        try:
            last = False
            while not last:
                last, item = await told.get()
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            task.cancel()
