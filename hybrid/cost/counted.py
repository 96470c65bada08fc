"""How long a vLLM server worked on a call, by its own counters, if it reports no timings of single requests.

vLLM reports none before 0.32, and later without `--enable-per-request-metrics`. A client then waits longer than the
engine works: the server tokenizes and hashes the prompt on its CPU first, 3 to 4 microseconds a token on one machine
with an H200, a third of the wait for a long prompt that is cached (`docs/measured/h200-qwen3-4b`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from hybrid.cost.prometheus import Counted, Counters

TRIES, WAIT = 6, 0.01  # readings after a call, and seconds between them: the counters move after the reply has gone out
NEWER = 0.3  # weight of the newest call in the average of the host


@dataclass(frozen=True, slots=True)
class Told:
    """The seconds of a call, as far as they are known.

    Args:
        queue, prefill, decode: seconds, by the counters; None if other requests moved them too.
        host: seconds of the server before its engine had the prompt, estimated from earlier calls; None: see above.
    """

    queue: float | None = None
    prefill: float | None = None
    decode: float | None = None
    host: float | None = None


class ByCounters:
    """Follows the calls to one server. Safe to use from several threads.

    If only our request ended since the last reading, the counters moved by the engine's work on it. For calls at once,
    and calls beside those of other clients, the host's seconds per token come from calls that were alone.

    Args:
        read: reads the counters now.
    """

    def __init__(self, read: Callable[[], Counters]) -> None:
        self._read = read
        self._lock = Lock()
        self._last: Counters | None = None  # read while no call was under way
        self._under_way = 0
        self._alone = True  # no two calls were under way at once since that reading
        self._each = 0.0  # seconds of the host for each token of a prompt
        self.off = False  # the server has no such counters, or reports timings by itself

    def begin(self) -> None:
        """A call begins."""
        with self._lock:
            self._under_way += 1
            self._alone = self._alone and self._under_way == 1
            if self._last is None and self._alone and not self.off:
                self._take(self._read())

    def fail(self) -> None:
        """A call failed: the server may still work on it, and count it later."""
        with self._lock:
            self._under_way -= 1
            self._last, self._alone = None, self._under_way == 0

    def end(self, seconds: float, tokens: int) -> Told:
        """A call ended.

        Args:
            seconds: from sending its prompt to the end of the reply.
            tokens: of its prompt, as the server counted them.
        """
        with self._lock:
            self._under_way -= 1
            if self.off or self._under_way:
                return self._by_host(tokens, seconds)
            alone, self._alone = self._alone, True
            counted = self._moved() if alone and self._last is not None else None
            if counted is None:
                self._take(self._read())
            elif counted.prompt_tokens == tokens and _ended(counted) == 1:
                return self._learn(counted, seconds, tokens)
            return self._by_host(tokens, seconds)

    def _moved(self) -> Counted:
        """What the server counted since the last reading, once a request has ended."""
        assert self._last is not None
        before = self._last
        for attempt in range(TRIES):
            if attempt:
                time.sleep(WAIT)
            now = self._read()
            self._take(now)
            counted = now - before
            if _ended(counted) or self.off:
                break
        return counted

    def _take(self, now: Counters) -> None:
        self._last, self.off = (None, True) if now.why else (now, False)

    def _learn(self, counted: Counted, seconds: float, tokens: int) -> Told:
        assert counted.prefill is not None
        assert counted.decode is not None
        queue = counted.queue.seconds if counted.queue else 0.0
        host = max(0.0, seconds - queue - counted.prefill.seconds - counted.decode.seconds) / max(1, tokens)
        self._each = host if not self._each else (1 - NEWER) * self._each + NEWER * host
        return Told(queue, counted.prefill.seconds, counted.decode.seconds)

    def _by_host(self, tokens: int, seconds: float) -> Told:
        return Told(host=min(seconds, self._each * tokens))


def _ended(counted: Counted) -> int:
    """Requests that ended; 0 if that is unknown."""
    if counted.prefill is None or counted.decode is None or counted.prompt_tokens is None:
        return 0
    return min(counted.prefill.requests, counted.decode.requests)
