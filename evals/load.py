"""Goodput: the share of questions that are answered in time while they keep arriving.

Questions arrive as a Poisson stream at a rate, whether or not earlier ones are answered (an open loop), and a question
waits from the moment it arrives, also where the sender itself is late: a slow answer slows no arrival, and hides no
wait (coordinated omission). In time is an answer whose first text, or whole text, or both, come within a limit. The
goodput is the highest rate at which a share of the questions, 90 % by default, is answered in time: DistServe (Zhong et
al., OSDI 2024, arXiv 2401.09670) defines it so, per GPU; here it is that of all that answers.

All arms have the same questions in the same order, and all rates the same gaps between them, scaled. Each rate begins
when the one before has ended, with other questions as long as there are some: an engine would have those of the rate
before in its prefix cache. What is not answered when all are over the limit is called off.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from hybrid.evals.folder import RunFailed
from hybrid.evals.record import ended
from hybrid.evals.sample import Sample
from hybrid.evals.statistics import wilson
from pydantic import BaseModel

from hybrid.engines.abort import ABORT, Abort
from hybrid.engines.base import OnText
from hybrid.engines.faults import Overrun
from hybrid.errors import CalledOff, HybridError, InputError

ROW = 10  # failures one after the other, after which nobody answers any more
_LEAVES = 60.0  # seconds in which questions that are called off have to end

Ask = Callable[[Sample, OnText], object]  # answers a question, and gives its text as it is generated
Step = Callable[[str, int, int], None]  # stage, done, total


@dataclass(frozen=True, slots=True)
class Limit:
    """When an answer is in time: seconds from the question's arrival, each None where it does not matter.

    Raises:
        InputError: neither is given, or one is 0 or less.
    """

    first: float | None = None  # to the first text
    whole: float | None = None  # to the end

    def __post_init__(self) -> None:
        given = {"--first": self.first, "--within": self.whole}
        if not any(value is not None for value in given.values()):
            raise InputError("Nothing says when an answer is in time: give --within, --first or both, in seconds.")
        for name, value in given.items():
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"{name} is {value:g} s, which is no limit for an answer: give a number above 0.")

    @property
    def longest(self) -> float:
        """Seconds after which a question cannot become one in time."""
        return max(value for value in (self.first, self.whole) if value is not None)


@dataclass(slots=True)
class Asked:
    """One question under load; all times are seconds after the first could arrive."""

    due: float  # its arrival, as drawn
    sent: float | None = None
    first: float | None = None  # text
    done: float | None = None
    failed: str = ""  # why
    refused: bool = False  # it failed because the server had too much to do

    def in_time(self, limit: Limit) -> bool:
        """Whether its answer came in time."""
        if self.failed:
            return False
        waits = ((self.first, limit.first), (self.done, limit.whole))
        return all(most is None or (at is not None and at - self.due <= most) for at, most in waits)


class Rate(BaseModel):
    """What came of one rate."""

    rate: float  # questions a second, as asked for
    offered: float  # as they arrived: a Poisson stream differs by chance
    n: int
    good: int  # answered in time
    share: float
    low: float  # 95 % interval (Wilson), as if questions were independent
    high: float
    failed: int  # without those refused
    refused: int
    first50: float | None  # seconds to the first text, of half of the questions; None: beyond the limits
    first95: float | None
    whole50: float | None
    whole95: float | None
    most: int  # questions under way at once
    lag: float  # the most seconds by which the sender itself was late
    reason: str = ""  # of the last failure


class ArmLoad(BaseModel):
    """An arm at all rates."""

    arm: str
    rates: list[Rate] = []
    goodput: float | None = None  # highest rate up to which the share holds; None: at none
    established: bool = False  # the interval at that rate lies wholly above the share


class Load(BaseModel):
    """Goodput by arm."""

    first: float | None  # limits, in seconds
    whole: float | None
    share: float  # that has to be in time
    seed: int
    different: int  # questions there are; more than these are asked again, at a later rate with the prefix cache warm
    arms: list[ArmLoad] = []
    stopped: str = ""  # why it ended early


@dataclass(slots=True)
class _Stream:
    """The questions of one rate on their way."""

    ask: Ask
    abort: Abort = field(default_factory=Abort)
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    row: int = 0  # failures one after the other
    under_way: int = 0
    most: int = 0
    start: float = 0.0

    def now(self) -> float:
        return time.perf_counter() - self.start

    def answer(self, sample: Sample, asked: Asked) -> None:
        """Ask, in a thread of its own, and note when what came."""
        ABORT.set(self.abort)
        with self.lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        asked.sent = self.now()

        def heard(_: str) -> None:
            asked.first = self.now() if asked.first is None else asked.first

        try:
            self.ask(sample, heard)
            asked.done = self.now()
            asked.first = asked.done if asked.first is None else asked.first
        except CalledOff:
            pass  # too late in any case
        except Exception as error:  # noqa: BLE001  (whatever it is, this question has no answer)
            asked.failed = str(error) if isinstance(error, HybridError) else f"{type(error).__name__}: {error}"
            asked.refused = isinstance(error, Overrun)
        with self.lock:
            self.under_way -= 1
            if not asked.refused:
                self.row = self.row + 1 if asked.failed else 0
            if self.row >= ROW:
                self.stop.set()


def arrivals(rate: float, n: int, seed: int) -> list[float]:
    """Seconds at which `n` questions arrive; another rate has the same gaps, scaled.

    Raises:
        InputError: the rate is 0 or less.
    """
    if not rate > 0:
        raise InputError(f"At a rate of {rate:g} questions a second none ever arrives: give --rate more than 0.")
    if rate == math.inf:
        raise InputError("At a rate of inf questions a second all arrive at once: give --rate a number.")
    gaps = np.random.default_rng(seed).exponential(1.0, n)
    dues: list[float] = (np.cumsum(gaps) / rate).tolist()
    return dues


def stream(
    ask: Ask, samples: Sequence[Sample], dues: Sequence[float], limit: Limit, step: Callable[[int], None] | None = None
) -> tuple[list[Asked], int]:
    """Ask as questions arrive, the samples over and over; what came of each, and how many were under way at once.

    Raises:
        RunFailed: questions do not end though they were called off.
    """
    under = _Stream(ask, start=time.perf_counter())
    found: list[Asked] = []
    threads: list[threading.Thread] = []
    for place, due in enumerate(dues):
        while (left := due - under.now()) > 0 and not under.stop.wait(left):
            pass
        if under.stop.is_set():
            break
        found.append(Asked(due))
        # a daemon: Ctrl-C must not wait for a server that hangs
        threads.append(
            threading.Thread(target=under.answer, args=(samples[place % len(samples)], found[-1]), daemon=True)
        )
        try:
            threads[-1].start()
        except RuntimeError:
            under.abort()
            raise RunFailed(
                f"{place:,} questions are under way at once, and this machine starts no more threads: give a lower "
                "--rate, or fewer --questions."
            ) from None
        if step is not None:
            step(place + 1)
    over = (found[-1].due if found else 0.0) + limit.longest
    for thread in threads:
        while thread.is_alive() and under.now() < over and not under.stop.is_set():
            thread.join(0.05)
    under.abort()
    until = under.now() + _LEAVES
    for thread in threads:
        thread.join(max(0.0, until - under.now()))
    if hanging := sum(thread.is_alive() for thread in threads):
        raise RunFailed(
            f"{hanging} questions were called off and do not end within {_LEAVES:g} s: see the engine's log."
        )
    return found, under.most


def measured(rate: float, found: Sequence[Asked], most: int, limit: Limit) -> Rate:
    """What came of one rate."""
    good, n = sum(one.in_time(limit) for one in found), len(found)
    low, high = wilson(good, n)
    refused = sum(one.refused for one in found)

    def wait(share: float, at: Callable[[Asked], float | None]) -> float | None:
        waits = [np.inf if one.failed or (t := at(one)) is None else t - one.due for one in found]
        value = float(np.quantile(waits, share, method="inverted_cdf"))
        return value if np.isfinite(value) else None

    return Rate(
        rate=rate,
        offered=n / found[-1].due,
        n=n,
        good=good,
        share=good / n,
        low=low,
        high=high,
        failed=sum(bool(one.failed) for one in found) - refused,
        refused=refused,
        first50=wait(0.5, lambda one: one.first),
        first95=wait(0.95, lambda one: one.first),
        whole50=wait(0.5, lambda one: one.done),
        whole95=wait(0.95, lambda one: one.done),
        most=most,
        lag=max((one.sent or one.due) - one.due for one in found),
        reason=next((one.failed for one in reversed(found) if one.failed), ""),
    )


def load(
    arms: Sequence[tuple[str, Ask, Sequence[Sample]]],
    rates: Sequence[float],
    limit: Limit,
    *,
    n: int = 100,
    share: float = 0.9,
    seed: int = 0,
    step: Step | None = None,
) -> Load:
    """The goodput of arms, each rate in turn.

    Args:
        arms: name, what answers, and the questions, which are asked in an order drawn with the seed.
        rates: questions a second, the lowest first.
        n: questions at each rate.
        share: of them that have to be in time.
        step: receives arm and rate, done and total.

    Raises:
        InputError: a rate or limit is 0 or less, or there is no question.
        HybridError: the first question of the first arm, which does not count, has no answer.
        RunFailed: questions do not end though they were called off.
    """
    dues = {rate: arrivals(rate, n, seed) for rate in sorted(set(rates))}
    if not dues:
        raise InputError("No rate is given: name one or more with --rate, in questions a second.")
    found = Load(first=limit.first, whole=limit.whole, share=share, seed=seed, different=0)
    for name, ask, given in arms:
        if not given:
            raise InputError(f"There is no question for the arm {name!r}.")
        samples = [given[i] for i in np.random.default_rng(seed).permutation(len(given))]
        found.different = max(found.different, len(samples))
        try:
            ask(samples[-1], lambda _: None)  # loads what is loaded once, and tells soon where nothing answers
        except HybridError as error:
            if not found.arms:
                raise
            found.stopped = f"The arm {name!r} answers nothing: {ended(str(error))} What was measured before holds."
            return _held(found)
        own = ArmLoad(arm=name)
        found.arms.append(own)
        for place, (rate, times) in enumerate(dues.items()):
            stage = f"{name} {rate:g}/s"
            asked, most = stream(
                ask, _from(samples, place * n), times, limit, None if step is None else _noted(step, stage, n)
            )
            if len(asked) < n:
                found.stopped = _stopped(name, rate, asked, n)
                return _held(found)
            own.rates.append(measured(rate, asked, most, limit))
    return _held(found)


def _from(samples: Sequence[Sample], place: int) -> list[Sample]:
    """The samples, beginning at a place; they go round."""
    place %= len(samples)
    return [*samples[place:], *samples[:place]]


def _noted(step: Step, stage: str, total: int) -> Callable[[int], None]:
    return lambda done: step(stage, done, total)


def _stopped(name: str, rate: float, asked: Sequence[Asked], n: int) -> str:
    failed = [one.failed for one in asked if one.failed]
    return (
        f"The arm {name!r} answers no more: at {rate:g} questions a second {ROW} in a row failed, after {len(asked)} "
        f"of {n}, the last with: {ended(failed[-1])} What was measured before holds; mend that and measure the rest "
        "again."
    )


def _held(found: Load) -> Load:
    """With the highest rate of each arm up to which the share holds."""
    for arm in found.arms:
        for one in arm.rates:
            if one.share < found.share:
                break
            arm.goodput, arm.established = one.rate, one.low >= found.share
    return found
