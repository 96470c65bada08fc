"""The part of a vLLM server's work that is for this process, where other processes ask the server too.

A meter sees only the calls of its own process. vLLM tells of every request how long it worked on it, but not on how
many others it worked in the same steps. Its gauges tell how many requests it has in all, read before and after a call.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from hybrid.cost.prometheus import Counters

GAUGES = ("vllm:num_requests_running", "vllm:num_requests_waiting")


class Crowd:
    """Follows how many of a server's requests are this process's own. Safe to use from several threads.

    Args:
        read: reads the server's counters and gauges now.
    """

    def __init__(self, read: Callable[[], Counters]) -> None:
        self._read = read
        self._lock = Lock()
        self._own = 0
        self.unknown = ""  # why the gauges tell nothing; empty where they do

    def begin(self) -> float:
        """A call is about to be sent; give what this returns to `end`."""
        others = self._others()
        with self._lock:
            self._own += 1
            return self._own / (self._own + others)

    def end(self, begun: float) -> float:
        """A call has ended: the part of the requests during it that was this process's own, 0 to 1."""
        with self._lock:
            own, self._own = self._own, self._own - 1
        others = self._others()
        return (begun + own / (own + others)) / 2

    def _others(self) -> float:
        """Requests of other clients, as far as they are known."""
        if self.unknown:
            return 0.0
        with self._lock:
            own = self._own
        now = self._read()
        told = [now.values[name] for name in GAUGES if name in now.values]
        if not told:
            self.unknown = now.why or "it has no gauge of its requests"
            return 0.0
        return max(0.0, sum(told) - own)
