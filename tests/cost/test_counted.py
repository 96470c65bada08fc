"""A server's counters tell the engine's seconds of a call that was alone, and the host's share of one that was not."""

from __future__ import annotations

import time

import pytest

from hybrid.cost.counted import ByCounters, Told
from hybrid.cost.prometheus import Counters

NAMES = ("queue", "prefill", "decode")


class Metrics:
    """A server's counters, which a test moves."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(NAMES, 0.0)
        self.ended = self.tokens = self.late = self.asked = 0
        self.why = ""

    def work(self, tokens: int, prefill: float, decode: float, queue: float = 0.0, late: int = 0) -> None:
        """The engine ends a request; its counters move after `late` more readings."""
        self.before = self.values()
        for name, spent in zip(NAMES, (queue, prefill, decode), strict=True):
            self.seconds[name] += spent
        self.ended, self.tokens, self.late = self.ended + 1, self.tokens + tokens, late

    def values(self) -> dict[str, float]:
        found = {"vllm:prompt_tokens_total": float(self.tokens)}
        for name in NAMES:
            found[f"vllm:request_{name}_time_seconds_sum"] = self.seconds[name]
            found[f"vllm:request_{name}_time_seconds_count"] = float(self.ended)
        return found

    def read(self) -> Counters:
        self.asked += 1
        self.late -= 1
        return Counters("m", self.before if self.late >= 0 else self.values(), self.why)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def test_a_call_alone_is_told_exactly(metrics: Metrics) -> None:
    calls = ByCounters(metrics.read)
    for prefill, decode in ((0.4, 0.2), (0.1, 0.3)):
        calls.begin()
        metrics.work(1000, prefill, decode, queue=0.05)
        told = calls.end(1.0, 1000)
        assert (told.queue, told.prefill, told.decode) == pytest.approx((0.05, prefill, decode))
    assert metrics.asked == 3  # one before the first call, then one after each


def test_counters_that_move_late_are_waited_for(metrics: Metrics) -> None:
    calls = ByCounters(metrics.read)
    calls.begin()
    metrics.work(1000, 0.4, 0.2, late=3)
    assert calls.end(1.0, 1000).prefill == pytest.approx(0.4)


def test_counters_that_never_move_are_given_up_soon(metrics: Metrics) -> None:
    calls = ByCounters(metrics.read)
    calls.begin()
    begun = time.perf_counter()
    assert calls.end(1.0, 1000) == Told(host=0.0)
    assert time.perf_counter() - begun < 10


@pytest.mark.parametrize("others", [1, 2])
def test_what_others_did_is_not_taken_for_ours(metrics: Metrics, others: int) -> None:
    calls = ByCounters(metrics.read)
    calls.begin()
    for _ in range(others):
        metrics.work(70, 3.0, 3.0)
    if others == 2:
        metrics.work(1000, 0.4, 0.2)
    told = calls.end(1.0, 1000)
    assert (told.prefill, told.decode) == (None, None)


def test_calls_at_once_are_told_by_the_host_of_calls_alone(metrics: Metrics) -> None:
    calls = ByCounters(metrics.read)
    calls.begin()
    metrics.work(1000, 0.4, 0.2)
    calls.end(1.0, 1000)  # 0.4 ms of the host for a token
    calls.begin()
    calls.begin()
    for _ in range(2):
        metrics.work(500, 0.2, 0.2)
    assert [calls.end(2.0, 500).host for _ in range(2)] == pytest.approx([0.2, 0.2])
    calls.begin()
    metrics.work(2000, 0.5, 0.5)
    assert calls.end(1.5, 2000).prefill == pytest.approx(0.5)  # alone again


def test_a_failed_call_may_still_be_counted_and_is_nobody_elses(metrics: Metrics) -> None:
    calls = ByCounters(metrics.read)
    calls.begin()
    calls.fail()
    calls.begin()
    metrics.work(1000, 9.0, 9.0)  # the one that failed
    metrics.work(1000, 0.4, 0.2)
    assert calls.end(1.0, 1000).prefill is None


def test_a_server_without_counters_is_asked_once(metrics: Metrics) -> None:
    metrics.why = "no counters"
    calls = ByCounters(metrics.read)
    for _ in range(3):
        calls.begin()
        assert calls.end(1.0, 1000) == Told(host=0.0)
    assert metrics.asked == 1
    assert calls.off


def test_a_restart_is_seen(metrics: Metrics) -> None:
    calls = ByCounters(metrics.read)
    calls.begin()
    metrics.work(1000, 0.4, 0.2)
    calls.end(1.0, 1000)
    calls.begin()
    metrics.seconds, metrics.ended, metrics.tokens = dict.fromkeys(NAMES, 0.0), 0, 0
    metrics.work(1000, 0.1, 0.1)
    assert calls.end(1.0, 1000).prefill is None
