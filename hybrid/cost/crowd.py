"""The part of a vLLM server's work that is for this process, where other processes ask the server too.

A meter sees only the calls of its own process. vLLM tells of every request how long it worked on it, but not on how
many others it worked in the same steps. Its metrics tell that of all requests together, and what this process asked
for is known here, so that the rest is the others':

- every token after a request's first adds the time since the token before (`inter_token_latency_seconds`);
- its end adds the time in which its prompt was read (`request_prefill_time_seconds`);
- gauges tell how many requests run and wait, as of the end of a step. They miss a request whose prompt is read in one
  step, and are what there is to see of one whose prompt takes many.

A call is charged as if as many others had been at work in each of its steps as there were on the mean.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from hybrid.cost.prometheus import Counters

DECODED = "vllm:inter_token_latency_seconds_sum"
READ, ENDED = "vllm:request_prefill_time_seconds_sum", "vllm:request_prefill_time_seconds_count"
RUNNING, WAITING = "vllm:num_requests_running", "vllm:num_requests_waiting"
EVERY = 1.0  # seconds between readings while calls are under way
FRESH = 0.1  # seconds for which a reading serves further calls that begin or end
FAILED = 5  # readings that may fail before any succeeds: a busy server is slow to tell


@dataclass(frozen=True, slots=True)
class Gauged:
    """What gauges tell at a moment, and the sums over time of it.

    A call of this process that has said nothing yet may wait or have its prompt read; the gauges do not tell which.
    """

    running: float = 0.0  # requests of others
    queued: float = 0.0  # calls of this process that wait
    ran: float = 0.0
    stayed: float = 0.0

    def next(self, past: float, running: float, queued: float) -> Gauged:
        """What gauges tell so many seconds later."""
        running = max(0.0, running)
        return Gauged(
            running,
            queued,
            self.ran + min(self.running, running) * past,  # one that is in one reading alone may have been for a moment
            self.stayed + (self.queued + queued) / 2 * past,
        )


@dataclass(frozen=True, slots=True)
class Look:
    """What was known of the others' requests at a moment; sums are in seconds since any time."""

    at: float
    decoded: float  # since first tokens
    read: float  # of prompts of requests that have ended
    ended: float  # how many
    reads: Gauged  # where silent calls of this process have their prompts read
    waits: Gauged  # where as many of them as can wait


@dataclass(slots=True, eq=False)
class Seen:
    """One call."""

    sent: float = 0.0
    at_once: float = 0.0  # the sum over time of this process's calls under way, when it was sent
    before: Look | None = None
    first: float | None = None  # when its first token came; to be set then
    # seconds that the server says it waited, its prompt was read and it was answered; to be set before the call ends
    told: tuple[float, float, float] | None = None
    part: float = 1.0  # of the server's work while it was under way, that for this process; known once it has ended

    def counted(self, now: float) -> tuple[float, float, float]:
        """What it adds to the server's sums until now: decoded, read, ended."""
        if self.told is not None:
            return self.told[2], self.told[1], 1.0
        return (0.0 if self.first is None else now - self.first), 0.0, 0.0


class Crowd:
    """Follows what part of a server's requests is this process's own. Safe to use from several threads.

    Args:
        read: reads the server's counters now.
        clock: tells the time in seconds.
        every: seconds between readings while calls are under way; None: only at their begin and end.
    """

    def __init__(
        self,
        read: Callable[[], Counters],
        clock: Callable[[], float] = time.perf_counter,
        every: float | None = EVERY,
    ) -> None:
        self._read, self._clock, self._every = read, clock, every
        self._lock, self._reading = threading.Lock(), threading.Lock()
        self._calls: set[Seen] = set()
        self._following = False
        self._ended = (0.0, 0.0, 0.0)  # what calls that have ended added to the server's sums
        self._at_once, self._moved = 0.0, clock()
        self._looks: list[Look] = []  # the last, and those since the oldest call began
        self._failed = 0  # readings, since the last that succeeded
        self._part = 1.0  # the last that was known
        self.unread = 0  # calls whose part is not known by readings of their own
        self.unknown = ""  # why the counters tell nothing; empty where they do

    def begin(self) -> Seen:
        """A call is about to be sent; give what this returns to `end`."""
        before = self.look(fresh=FRESH)
        with self._lock:
            call = Seen(self._clock(), self._advance(), before)
            self._calls.add(call)
            follow = self._every is not None and not self._following
            self._following |= follow
        if follow:
            threading.Thread(target=self._follow, name="crowd", daemon=True).start()
        return call

    def end(self, call: Seen) -> None:
        """A call has ended: its part is known now."""
        with self._lock:
            now = self._clock()
            at_once = (self._advance() - call.at_once) / max(now - call.sent, 1e-9)
            self._calls.discard(call)
            self._ended = _sum(self._ended, call.counted(now))
        if self.unknown:
            return
        after = self.look(fresh=FRESH, since=(call.sent + now) / 2)
        with self._lock:
            if call.before is None or after is None or after.at <= call.before.at:
                self.unread += 1
            else:
                self._part = self._among(at_once, call, call.before, after)
            call.part = self._part
            oldest = min((each.before.at for each in self._calls if each.before is not None), default=math.inf)
            self._looks = [look for look in self._looks if look.at >= oldest] or self._looks[-1:]

    def look(self, fresh: float = 0.0, since: float = -math.inf) -> Look | None:
        """What is known now, or was at the last reading if that is fresh and later than `since`; None: nothing."""
        if self.unknown:
            return None
        with self._reading:
            latest, asked = self._looks[-1] if self._looks else None, self._clock()
            if latest is not None and asked - latest.at < fresh and latest.at > since:
                return latest
            told = self._read()
            at = (asked + self._clock()) / 2
            found = self._others(told, at, latest) if {DECODED, ENDED} <= told.values.keys() else None
            if found is None:
                self._failed += 1
                if not told.why:
                    self.unknown = "it does not count the time of its requests"
                elif latest is None and self._failed >= FAILED:
                    self.unknown = told.why
                return None
            with self._lock:
                self._looks.append(found)
            self._failed = 0
            return found

    def _others(self, told: Counters, at: float, last: Look | None) -> Look:
        """What the server told at a moment, less what is for this process."""
        with self._lock:
            decoded, read, ended = _sum(self._ended, *(call.counted(at) for call in self._calls))
            sent = sum(call.sent < at for call in self._calls)
            silent = sum(call.sent < at and call.first is None for call in self._calls)
        all_ = {name: told.values.get(name, 0.0) for name in (DECODED, READ, ENDED, RUNNING, WAITING)}
        running, waits = all_[RUNNING] - sent, min(float(silent), all_[WAITING])
        past = 0.0 if last is None else at - last.at
        return Look(
            at,
            all_[DECODED] - decoded,
            all_[READ] - read,
            all_[ENDED] - ended,
            (Gauged() if last is None else last.reads).next(past, running, 0.0),
            (Gauged() if last is None else last.waits).next(past, running + waits, waits),
        )

    def _among(self, at_once: float, call: Seen, before: Look, after: Look) -> float:
        """The part of a call. `at_once`: how many were under way here on the mean."""
        looks = [look for look in self._looks if before.at <= look.at <= after.at]
        scheduled = call.sent + (call.told[0] if call.told else 0.0)
        past, ran, stayed = after.at - before.at, 0.0, 0.0
        for one, two in itertools.pairwise(looks):
            waited = min(1.0, max(0.0, scheduled - one.at) / max(two.at - one.at, 1e-9))  # the share of that time
            ran += waited * (two.waits.ran - one.waits.ran) + (1 - waited) * (two.reads.ran - one.reads.ran)
            stayed += waited * (two.waits.stayed - one.waits.stayed)
        # a prompt may have been read before the call
        read = max(0.0, min(after.read - before.read, (after.ended - before.ended) * past))
        counted = max(0.0, after.decoded - before.decoded) + read
        return _part(max(1.0, at_once - stayed / past), max(counted, ran) / past)

    def _advance(self) -> float:
        """The sum over time of this process's calls under way."""
        now = self._clock()
        self._at_once += len(self._calls) * (now - self._moved)
        self._moved = now
        return self._at_once

    def _follow(self) -> None:
        """Read now and then while there are calls."""
        while True:
            time.sleep(self._every or EVERY)
            with self._lock:
                if not self._calls:
                    self._following = False
                    return
            self.look(fresh=(self._every or EVERY) / 2)


def _sum(*counted: tuple[float, float, float]) -> tuple[float, float, float]:
    decoded, read, ended = (sum(each) for each in zip(*counted, strict=True))
    return decoded, read, ended


def _part(own: float, others: float) -> float:
    """The part that is ours of work on so many requests.

    Others come whole, and the part of a mean number is less than the mean of the parts: a mean of 1.5 stands for one
    and two, half of the time each.
    """
    few = math.floor(others)
    more = others - few
    return own * ((1 - more) / (own + few) + more / (own + few + 1))
