"""The part of a vLLM server's work that is for this process, where other processes ask the server too.

A meter sees only the calls of its own process. vLLM tells of every request how long it worked on it, but not on how
many others it worked in the same steps. Its gauges tell how many requests it has in all. They are read now and then
during calls: requests that end in the same step would hide each other from a reading before or after.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from hybrid.cost.prometheus import Counters

GAUGES = ("vllm:num_requests_running", "vllm:num_requests_waiting")
EVERY = 0.2  # seconds between two readings while calls are under way
LINGER = 25  # readings that are left out, with no call under way, before the thread ends


@dataclass(slots=True, eq=False)
class Seen:
    """The readings during one call."""

    total: float = 0.0
    number: int = 0


class Crowd:
    """Follows how many of a server's requests are this process's own. Safe to use from several threads.

    Args:
        read: reads the server's counters and gauges now.
    """

    def __init__(self, read: Callable[[], Counters]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._calls: set[Seen] = set()
        self._latest: float | None = None
        self._watching = False
        self.unknown = ""  # why the gauges tell nothing; empty where they do

    def begin(self) -> Seen:
        """A call is about to be sent; give what this returns to `end`."""
        call = Seen()
        with self._lock:
            self._calls.add(call)
            if not self._watching and not self.unknown:
                self._watching = True
                threading.Thread(target=self._watch, daemon=True).start()
        return call

    def end(self, call: Seen) -> float:
        """A call has ended: the part of the requests during it that was this process's own, above 0 to 1."""
        with self._lock:
            self._calls.discard(call)
            own = len(self._calls)
            if self.unknown:
                return 1.0
            if call.number:
                return call.total / call.number
            if self._latest is not None:
                return self._latest
        told = self._told()
        return 1.0 if told is None else (own + 1) / (own + 1 + max(0.0, told - own))

    def _watch(self) -> None:
        idle = 0
        while idle < LINGER and not self.unknown:
            time.sleep(EVERY * random.uniform(0.5, 1.5))  # not in step with the calls
            with self._lock:
                own = len(self._calls)
            idle = 0 if own else idle + 1
            told = self._told() if own else None
            if told is None:
                continue
            part = own / max(own, told)
            with self._lock:
                self._latest = part
                for call in self._calls:
                    call.total += part
                    call.number += 1
        with self._lock:
            self._watching, self._latest = False, None

    def _told(self) -> float | None:
        """All requests that the server has; None, and why, where it does not tell."""
        now = self._read()
        told = [now.values[name] for name in GAUGES if name in now.values]
        if not told:
            self.unknown = now.why or "it has no gauge of its requests"
            return None
        return sum(told)
