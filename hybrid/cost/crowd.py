"""The part of a vLLM server's work that is for this process, where other processes ask the server too.

A meter sees only the calls of its own process. vLLM tells of every request how long it worked on it, but not on how
many others it worked in the same steps. Its counters tell the time of all requests together: the time to every token
after the first is added with that token, and the time of reading the prompt when the request ends. The part of a call
is the time of this process's calls while it was under way, counted in the same manner, over that of all requests.

Gauges of running requests would tell less: vLLM sets them at the end of a step, so that they leave out a request
whose prompt is being read in its first step, and a reading now and then misses calls that are short.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from hybrid.cost.prometheus import Counters

TIMES = ("vllm:request_prefill_time_seconds_sum", "vllm:inter_token_latency_seconds_sum")
ENDED = "vllm:request_prefill_time_seconds_count"
TRIES, WAIT = 6, 0.02  # readings, and seconds between them, until the server has counted a call that has ended
FRESH = 0.1  # seconds for which a reading serves further calls that begin or end
FAILED = 5  # readings that may fail before any succeeds: a busy server is slow to tell


@dataclass(frozen=True, slots=True)
class Reading:
    """What was counted until a moment, in seconds of requests."""

    at: float
    own: float  # of this process's calls
    ended: int  # of them
    all: float | None  # of all requests; None: the server did not tell


@dataclass(slots=True, eq=False)
class Seen:
    """One call."""

    sent: float = 0.0
    before: Reading | None = None
    first: float | None = None  # when its first token came; to be set then
    told: float | None = None  # seconds that the server says it worked on it; to be set before the call ends
    part: float = 1.0  # of all requests' time during it, that of this process's calls; known once it has ended


class Crowd:
    """Follows what part of a server's requests is this process's own. Safe to use from several threads.

    Args:
        read: reads the server's counters now.
    """

    def __init__(self, read: Callable[[], Counters]) -> None:
        self._read = read
        self._lock, self._reading = threading.Lock(), threading.Lock()
        self._calls: set[Seen] = set()
        self._own, self._ended = 0.0, 0  # seconds of calls that have ended, and how many they are
        self._latest: Reading | None = None
        self._base: float | None = None  # requests that had ended before the first reading
        self._failed = 0  # readings, since the last that succeeded
        self._heard = False  # whether any succeeded
        self._part = 1.0  # the last that was known
        self.unknown = ""  # why the counters tell nothing; empty where they do

    def begin(self) -> Seen:
        """A call is about to be sent; give what this returns to `end`."""
        before = self._now()
        call = Seen(time.perf_counter(), before)
        with self._lock:
            self._calls.add(call)
        return call

    def end(self, call: Seen) -> None:
        """A call has ended: its part is known now."""
        with self._lock:
            self._calls.discard(call)
            self._own += time.perf_counter() - call.sent if call.told is None else call.told
            self._ended += 1
        if self.unknown:
            return
        before, after = call.before, self._now(since=call.sent)
        with self._lock:
            if before is not None and before.all is not None and after.all is not None and after.own > before.own:
                own, everybody = after.own - before.own, after.all - before.all
                self._part = own / max(own, everybody)
            call.part = self._part

    def _now(self, since: float | None = None) -> Reading:
        """A reading of this moment, or the latest if it is fresh and not older than `since`."""
        with self._reading:
            latest, now = self._latest, time.perf_counter()
            if latest is not None and now - latest.at < FRESH and (since is None or latest.at > since):
                return latest
            with self._lock:
                own = self._own + sum(now - call.first for call in self._calls if call.first is not None)
                ended = self._ended
            self._latest = Reading(now, own, ended, None if self.unknown else self._told(ended))
            return self._latest

    def _told(self, ended: int) -> float | None:
        """Seconds of all requests until now; None, and why, where the server does not tell.

        Args:
            ended: calls of this process, which the server counts a moment after its reply.
        """
        for attempt in range(TRIES):
            if attempt:
                time.sleep(WAIT)
            now = self._read()
            counted = now.values.get(ENDED)
            if self._base is None and counted is not None:
                self._base = counted - ended
            if counted is None or self._base is None or counted - self._base >= ended:
                break
        else:
            self._base = (counted or 0.0) - ended  # it never counted a call that was broken off
        told = [now.values[name] for name in TIMES if name in now.values]
        if told:
            self._heard, self._failed = True, 0
            return sum(told)
        self._failed += 1
        if not now.why:
            self.unknown = "it does not count the time of its requests"
        elif not self._heard and self._failed >= FAILED:
            self.unknown = now.why
        return None
