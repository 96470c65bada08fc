"""What calls of an engine really took, also when several are under way at once.

While n calls are under way, each is charged 1/n of every second and every joule: the charges add up to the time the
engine was busy and the energy it took. A call is under way from the moment its request is sent. If the engine reports
how long it worked on each, time in which it worked on none is charged to none: sending a long prompt and waiting for
others that use the engine are not its work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from hybrid.cost.energy import Energy
from hybrid.cost.sent import WHEN_SENT
from hybrid.cost.worked import Worked
from hybrid.errors import HybridError
from hybrid.types import Usage

IDLE = 1.0  # seconds without a call that are enough to measure idle power


@dataclass(slots=True)
class Call:
    """What one call took; known once it has ended."""

    seconds: float = 0.0  # wall-clock, from the moment the request was sent if the engine says when
    told_seconds: float | None = None  # of them, those the engine says it worked; to be set before the call ends
    part: float = 1.0  # of the work on all clients' calls then, that on this process's; to be set before the call ends
    shared_seconds: float = 0.0  # its share of the time the engine was busy
    cpu_seconds: float = 0.0  # its share of the CPU time of this process
    joules: float | None = None  # its share, above idle power; None: unknown


@dataclass(frozen=True, slots=True)
class Spent:
    """What all calls of an engine took."""

    calls: int = 0  # that have ended
    failed: int = 0  # of them
    busy_seconds: float = 0.0  # with at least one call under way, less those the engine says it did not work
    joules: float | None = None  # charged to the calls; None if one call's energy is unknown
    idle_watts: float | None = None  # that were subtracted; None: not known yet, and nothing was


class Shares:
    """Splits a counter evenly between the calls under way. Not safe to use from several threads.

    Args:
        read: the counter; None if it cannot be read.
    """

    def __init__(self, read: Callable[[], float | None]) -> None:
        self._read = read
        self._last = read()
        self._each = 0.0  # the charge of a call that had been under way from the first moment on
        self._gaps = 0  # stretches with calls under way and no reading
        self.under_way = 0
        self.busy = 0.0  # counted while calls were under way

    def begin(self) -> tuple[float, int]:
        """A call begins; give what this returns to `end`."""
        self.advance()
        self.under_way += 1
        return self._each, self._gaps

    def end(self, begun: tuple[float, int]) -> float | None:
        """A call ends: its share, None if some of it is unknown."""
        self.advance()
        self.under_way -= 1
        return self._each - begun[0] if self._gaps == begun[1] else None

    def advance(self) -> float | None:
        """Charge what was counted since the last event, and return it; None if it is unknown."""
        now, last = self._read(), self._last
        self._last = self._read() if now is None else now  # a counter that begins anew can be read the second time
        counted = None if now is None or last is None else now - last
        if self.under_way and counted is None:
            self._gaps += 1
        elif self.under_way and counted is not None:
            self.busy += counted
            self._each += counted / self.under_way
        return counted


class Power:
    """The energy of this machine's GPUs, split between the calls of all engines under way on them.

    Two engines on the same GPUs share one instance, as no counter tells them apart. Safe to use from several threads.

    Args:
        energy: the counters.
        idle_watts: the GPUs' power without a call, which is not charged. None: the least that was measured over a
            second or more without a call, because whatever else ran then only adds to it.
    """

    def __init__(self, energy: Energy, idle_watts: float | None = None) -> None:
        self._lock = threading.Lock()
        self._joules = Shares(energy.joules)
        self._seconds = Shares(time.perf_counter)
        self._given = idle_watts
        self.idle_watts = idle_watts

    def begin(self) -> tuple[tuple[float, int], tuple[float, int]]:
        """A call begins; give what this returns to `end`."""
        with self._lock:
            if not self._joules.under_way:
                self._measure_idle()
            return self._joules.begin(), self._seconds.begin()

    def end(self, begun: tuple[tuple[float, int], tuple[float, int]]) -> float | None:
        """A call ends: its joules above idle power, None if unknown.

        The counters move in steps, so that a very short call may be charged nothing, or less than nothing.
        """
        with self._lock:
            joules, seconds = self._joules.end(begun[0]), self._seconds.end(begun[1])
            return None if joules is None else joules - (self.idle_watts or 0.0) * (seconds or 0.0)

    def _measure_idle(self) -> None:
        joules, seconds = self._joules.advance(), self._seconds.advance()
        if self._given is None and joules is not None and seconds is not None and seconds >= IDLE:
            watts = joules / seconds
            self.idle_watts = watts if self.idle_watts is None else min(watts, self.idle_watts)


class Meter:
    """Measures the calls of one engine, each of whose servers works by itself. Safe to use from several threads.

    Args:
        power: the energy of the GPUs that the engine runs on; None measures time alone.
    """

    def __init__(self, power: Power | None = None) -> None:
        self._lock = threading.Lock()
        self._power = power
        self._seconds: dict[str, Worked] = {}  # of each server
        self._cpu = Shares(time.process_time)
        self._calls = self._failed = 0
        self._joules: float | None = None if power is None else 0.0

    @property
    def idle_watts(self) -> float | None:
        """The power of the idle GPUs, which no call is charged; None: unknown."""
        return None if self._power is None else self._power.idle_watts

    def spent(self) -> Spent:
        """What the calls took until now; the busy time includes the calls under way."""
        with self._lock:
            for seconds in self._seconds.values():
                seconds.advance()
            busy = sum(seconds.busy for seconds in self._seconds.values())
            return Spent(self._calls, self._failed, busy, self._joules, self.idle_watts)

    @contextmanager
    def call(self, *, says_when: bool = False) -> Iterator[Call]:
        """Measure one call of the engine. A call that raises is charged too; a HybridError carries its `usage`.

        Args:
            says_when: the engine calls `hybrid.cost.sent.sent` when the request is on its way; the time before is not
                charged, and a call that fails before is charged nothing.
        """
        call, under_way = Call(), _UnderWay(self)
        token = WHEN_SENT.set(under_way.begin if says_when else None)
        if not says_when:
            under_way.begin()
        try:
            yield call
        except BaseException as error:
            under_way.end(call, failed=True)
            if isinstance(error, HybridError):
                error.usage = Usage(
                    calls=1, seconds=call.seconds, shared_seconds=call.shared_seconds, joules=call.joules
                )
            raise
        finally:
            WHEN_SENT.reset(token)
        under_way.end(call, failed=False)

    def _begin(self, server: str) -> _Begun:
        with self._lock:
            worked, cpu = self._seconds.setdefault(server, Worked()).begin(), self._cpu.begin()
        power = self._power.begin() if self._power else None
        return _Begun(time.perf_counter(), server, worked, cpu, power)

    def _move(self, begun: _Begun, server: str) -> _Begun:
        """The call is sent once more, to another server; what the first one took stays charged."""
        with self._lock:
            before = begun.before + self._seconds[begun.server].end(begun.worked)
            worked = self._seconds.setdefault(server, Worked()).begin()
        return replace(begun, server=server, worked=worked, before=before)

    def _end(self, call: Call, begun: _Begun, failed: bool) -> None:
        call.seconds = time.perf_counter() - begun.at
        joules = self._power.end(begun.energy) if self._power and begun.energy else None
        call.joules = None if joules is None else joules * call.part
        with self._lock:
            share = self._seconds[begun.server].end(begun.worked, call.told_seconds)
            call.shared_seconds = begun.before + share * call.part
            call.cpu_seconds = self._cpu.end(begun.cpu) or 0.0
            self._count(call, failed)

    def _count(self, call: Call, failed: bool) -> None:
        self._calls += 1
        self._failed += failed
        self._joules = None if self._joules is None or call.joules is None else self._joules + call.joules


@dataclass(frozen=True, slots=True)
class _Begun:
    """The readings at the beginning of a call."""

    at: float
    server: str
    worked: float
    cpu: tuple[float, int]
    energy: tuple[tuple[float, int], tuple[float, int]] | None
    before: float = 0.0  # seconds of servers that failed


class _UnderWay:
    """One call of a meter; it may begin in another thread than it ends in, if engines answer for each other."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._lock = threading.Lock()
        self._begun: _Begun | None = None
        self._over = False

    def begin(self, server: str = "") -> None:
        """The request is on its way; only the first time to each server counts."""
        with self._lock:
            if self._over:
                return
            if self._begun is None:
                self._begun = self._meter._begin(server)
            elif self._begun.server != server:
                self._begun = self._meter._move(self._begun, server)

    def end(self, call: Call, *, failed: bool) -> None:
        """The call is over: charge it, or only count it if nothing was ever sent."""
        with self._lock:
            self._over = True
            begun = self._begun
        if begun is not None:
            self._meter._end(call, begun, failed)
            return
        call.joules = None if self._meter._power is None else 0.0
        with self._meter._lock:
            self._meter._count(call, failed)
