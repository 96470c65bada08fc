"""The time an engine worked, split between calls that may wait for each other."""

from __future__ import annotations

import random
import time

import pytest

from hybrid.cost.worked import Worked

Plan = list[tuple[float, float, float | None]]  # of each call: when it was sent, when it ended, seconds the engine told


def charged(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> tuple[list[float], float]:
    """The shares of the calls, and the busy time."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    worked, begun, shares = Worked(), [0.0] * len(plan), [0.0] * len(plan)
    begins = [(start, 0, call) for call, (start, _, _) in enumerate(plan)]
    for at, is_end, call in sorted([*begins, *((end, 1, call) for call, (_, end, _) in enumerate(plan))]):
        now[0] = at
        if is_end:
            shares[call] = worked.end(begun[call], plan[call][2])
        else:
            begun[call] = worked.begin()
    return shares, worked.busy


def union(plan: Plan) -> float:
    """Seconds in which the engine worked on some call."""
    total, reached = 0.0, 0.0
    for start, end in sorted((end - (end - start if told is None else told), end) for start, end, told in plan):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


@pytest.mark.parametrize(
    ("plan", "shares"),
    [
        ([(0, 10, 9)], [9]),  # alone, after a second of sending
        ([(0, 10, None)], [10]),  # an engine that tells nothing
        ([(0, 10, 12)], [10]),  # never more than the call took
        ([(0, 10, 9), (0, 10, 9)], [4.5, 4.5]),
        ([(0, 10, 10), (0, 20, 10)], [5, 15]),  # the second waits for the first
        ([(0, 10, 10), (0, 20, 10), (0, 30, 10), (0, 40, 10)], [2.5, 35 / 6, 65 / 6, 125 / 6]),
        ([(0, 100, 100), (0, 20, 10)], [95, 5]),  # what the second leaves, the first is charged when it ends
        ([(0, 4, 2), (10, 14, 2)], [2, 2]),
    ],
)
def test_shares_by_hand(plan: Plan, shares: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    found, busy = charged(plan, monkeypatch)
    assert found == pytest.approx(shares)
    assert busy == pytest.approx(sum(shares))


@pytest.mark.parametrize("seed", range(20))
def test_shares_of_any_calls_add_up_to_the_time_worked_on_any(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, plan = random.Random(seed), []
    for _ in range(40):
        start, took = rng.uniform(0, 60), rng.uniform(0.1, 20)
        plan.append((start, start + took, rng.choice([None, rng.uniform(0, took), rng.uniform(0, took)])))
    found, busy = charged(plan, monkeypatch)
    assert sum(found) == pytest.approx(union(plan)) == pytest.approx(busy)
    assert all(0 <= share <= end - start + 1e-9 for share, (start, end, _) in zip(found, plan, strict=True))


def test_what_no_call_covers_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    worked = Worked()
    for _ in range(100):
        begun = worked.begin()
        now[0] += 1.0
        assert worked.end(begun, 0.5) == pytest.approx(0.5)
    assert worked._pieces == []
