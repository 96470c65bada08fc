"""What calls are charged: shares that add up, energy above idle power, and failures."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from hybrid import Hybrid, load
from hybrid.chat.refusals import abstains
from hybrid.cost.meter import Meter, Power, Shares
from hybrid.cost.sent import sent
from hybrid.engines.base import Completion
from hybrid.errors import EngineError
from hybrid.routing.policies.self_route import SelfRoute
from hybrid.types import Usage
from tests.session.doubles import ByLetters

TEXTS = {f"note {n}": f"The office number {n} is in Lima. Its rent is {n} thousand a year." for n in range(5)}


class Clock:
    """A counter that a test sets."""

    def __init__(self) -> None:
        self.now: float | None = 0.0

    def __call__(self) -> float | None:
        return self.now


class Meters:
    """A double of the energy counters: joules that a test sets."""

    def __init__(self) -> None:
        self.now: float | None = 0.0

    def joules(self) -> float | None:
        return self.now


def test_shares_by_hand() -> None:
    clock = Clock()
    shares = Shares(clock)
    clock.now = 5.0  # nobody is charged for this
    first = shares.begin()
    clock.now = 7.0  # 2 for the first
    second = shares.begin()
    clock.now = 10.0  # 1.5 for each
    assert shares.end(first) == pytest.approx(3.5)
    clock.now = 14.0
    assert shares.end(second) == pytest.approx(5.5)
    assert shares.busy == 9.0


def test_shares_of_any_calls_add_up_to_what_was_counted_while_any_was_under_way() -> None:
    chance, clock = random.Random(7), Clock()
    shares = Shares(clock)
    under_way: list[tuple[float, int]] = []
    charged, busy, now = [], 0.0, 0.0
    for _ in range(20_000):
        step = chance.expovariate(1.0)
        now += step
        busy += step if under_way else 0.0
        clock.now = now
        if under_way and (chance.random() < 0.5 or len(under_way) == 16):
            charged.append(shares.end(under_way.pop(chance.randrange(len(under_way)))))
        else:
            under_way.append(shares.begin())
    charged += [shares.end(begun) for begun in under_way]
    assert None not in charged
    assert sum(share for share in charged if share is not None) == pytest.approx(busy, rel=1e-9)
    assert shares.busy == pytest.approx(busy, rel=1e-9)


def test_a_counter_that_cannot_be_read_leaves_the_calls_of_that_time_unknown() -> None:
    clock = Clock()
    shares = Shares(clock)
    before, across = shares.begin(), shares.begin()
    clock.now = 4.0
    assert shares.end(before) == 2.0
    clock.now = None
    during = shares.begin()
    clock.now = 1.0
    assert (shares.end(across), shares.end(during)) == (None, None)
    after = shares.begin()
    clock.now = 3.0
    assert shares.end(after) == 2.0


def test_energy_is_split_and_idle_power_is_not_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, counters = Clock(), Meters()
    monkeypatch.setattr("hybrid.cost.meter.time.perf_counter", seconds)
    power = Power(counters)  # type: ignore[arg-type]
    meter, other = Meter(power), Meter(power)
    seconds.now, counters.now = 0.5, 500.0  # too short to tell idle power
    with meter.call() as call:
        seconds.now, counters.now = 1.5, 900.0
    assert (call.joules, meter.idle_watts) == (400.0, None)
    seconds.now, counters.now = 11.5, 1900.0  # 10 s at 100 W
    with meter.call() as call:
        seconds.now, counters.now = 12.5, 2400.0  # 500 J alone
        with other.call() as second:
            seconds.now, counters.now = 14.5, 3400.0  # 1000 J together
    assert power.idle_watts == 100.0
    assert call.joules == pytest.approx(500 + 500 - 100 * (1 + 1))
    assert second.joules == pytest.approx(500 - 100)
    assert (call.shared_seconds, second.shared_seconds) == (3.0, 2.0)  # each engine's own busy time
    assert meter.spent().joules == pytest.approx(400 + 800)
    assert other.spent().joules == pytest.approx(400)
    seconds.now, counters.now = 16.5, 3700.0  # 2 s at 150 W: something else ran
    with meter.call():
        pass
    assert meter.spent().idle_watts == 100.0
    counters.now = None
    with meter.call() as lost:
        pass
    assert (lost.joules, meter.spent().joules) == (None, None)


def test_idle_power_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, counters = Clock(), Meters()
    monkeypatch.setattr("hybrid.cost.meter.time.perf_counter", seconds)
    meter = Meter(Power(counters, idle_watts=50.0))  # type: ignore[arg-type]
    seconds.now, counters.now = 10.0, 1000.0
    with meter.call() as call:
        seconds.now, counters.now = 12.0, 1400.0
    assert (call.joules, meter.spent().idle_watts) == (300.0, 50.0)


def test_a_failed_call_is_charged_and_its_error_says_what_it_took() -> None:
    meter = Meter()

    def fail(error: BaseException) -> None:
        with meter.call():
            time.sleep(0.05)
            raise error

    with pytest.raises(EngineError) as caught:
        fail(EngineError("It broke."))
    usage = caught.value.usage
    assert isinstance(usage, Usage)
    assert usage.calls == 1
    assert usage.shared_seconds == pytest.approx(usage.seconds, abs=0.01)
    assert usage.seconds > 0.04
    for error in (KeyboardInterrupt(), ValueError("x")):
        with pytest.raises(type(error)):
            fail(error)
    spent = meter.spent()
    assert (spent.calls, spent.failed, spent.joules) == (3, 3, None)
    assert spent.busy_seconds > 0.14


def test_threads_share_the_time() -> None:
    meter = Meter()

    def work(n: int) -> float:
        with meter.call() as call:
            time.sleep(0.01 + 0.005 * (n % 4))
        return call.shared_seconds

    with ThreadPoolExecutor(8) as pool:
        shares = list(pool.map(work, range(50)))
    spent = meter.spent()
    assert (spent.calls, spent.failed) == (50, 0)
    assert sum(shares) == pytest.approx(spent.busy_seconds, rel=1e-6)
    assert sum(shares) < 50 * 0.025 / 4


# Through a whole answer.


class Slow(ByLetters):
    """An engine that takes its time, answers what it is told, and fails on demand."""

    name, concurrency, notes = "slow", 8, ()

    def __init__(self, seconds: float = 0.02) -> None:
        self.seconds = seconds
        self.reply = "It is in Lima [1]."
        self.fails: frozenset[int] = frozenset()
        self.calls = 0
        self._lock = threading.Lock()

    def ask(self, prompt: Any, *, max_tokens: int, on_text: Any = None) -> Completion:
        with self._lock:
            self.calls += 1
            call = self.calls
        time.sleep(self.seconds * (1 + call % 3))
        if call in self.fails:
            raise EngineError("The engine broke.")
        return Completion(self.reply, Usage(calls=1, prompt_tokens=10, seconds=0.5), abstained=abstains(self.reply))


@pytest.fixture
def slow(embedder: Any) -> Iterator[Hybrid]:
    with Hybrid(load(environ={}), engine=Slow()) as hybrid:
        hybrid.embedder = embedder
        yield hybrid


def test_the_shares_of_many_answers_are_the_engines_busy_time(slow: Hybrid) -> None:
    answers = slow.answer_many([f"Where is office {n}?" for n in range(50)], TEXTS, route="rag")
    shares = [answer.usage.shared_seconds for answer in answers]
    spent = slow.spent()["slow"]
    assert (spent.calls, spent.failed) == (50, 0)
    assert sum(share or 0.0 for share in shares) == pytest.approx(spent.busy_seconds, rel=0.01)
    assert spent.busy_seconds < 50 * 0.04 / 4  # eight at once
    assert [answer.cost.engine_seconds for answer in answers] == shares
    assert {answer.cost.gpu_seconds for answer in answers} == {None}  # nothing tells that there is a GPU
    assert answers[0].cost.note.startswith("share of its time; which GPU the engine runs on, if any, is not known")
    assert answers[0].usage.joules is None


def test_what_failed_is_charged_with_what_came_before(slow: Hybrid) -> None:
    assert isinstance(slow.engine, Slow)
    slow.engine.reply, slow.engine.fails = "NOT IN THE DOCUMENTS", frozenset({2})
    slow.policy = SelfRoute()  # it always asks again
    with pytest.raises(EngineError, match="broke") as caught:
        slow.answer("Who is the tenant?", {"a": " ".join(f"The weather of day {n} was fine." for n in range(200))})
    usage, spent = caught.value.usage, slow.spent()["slow"]
    assert (usage.calls, usage.prompt_tokens) == (2, 10)
    assert (spent.calls, spent.failed) == (2, 1)
    assert usage.shared_seconds == pytest.approx(spent.busy_seconds, rel=0.01)


def test_parts_that_are_read_at_once_share_too(slow: Hybrid) -> None:
    assert isinstance(slow.engine, Slow)
    slow.engine.window = 3_000
    found = slow.answer("Where is the office?", {"a": "The office is in Lima. " * 2_000}, rung="corpus")
    assert found.usage.calls == slow.spent()["slow"].calls > 4
    assert found.usage.shared_seconds == pytest.approx(slow.spent()["slow"].busy_seconds, rel=0.01)


def test_wanted_energy_that_cannot_be_measured_is_said(embedder: Any) -> None:
    with Hybrid(load(overrides={"cost": {"energy": True}}, environ={}), engine=Slow()) as hybrid:
        hybrid.embedder = embedder
        found = hybrid.answer("Where is office 1?", TEXTS, route="rag")
    assert "Energy is not measured: no engine runs on this machine's GPUs." in found.notes


def test_the_cpu_time_of_an_engine_without_a_model(embedder: Any) -> None:
    with Hybrid(load(environ={})) as hybrid:
        hybrid.embedder = hybrid.engine.embedder = embedder  # type: ignore[attr-defined]
        found = hybrid.answer("Where is office 1?", TEXTS, route="rag")
    assert found.usage.cpu_seconds is not None
    assert 0 < found.usage.cpu_seconds == found.cost.cpu_seconds
    assert (found.cost.gpu_seconds, found.cost.joules) == (0.0, None)


class Says(Slow):
    """An engine that prepares for as long as it works, says when it sends, and may tell how long it worked."""

    says_when = True
    told: float | None = None

    def ask(self, prompt: Any, *, max_tokens: int, on_text: Any = None) -> Completion:
        time.sleep(0.06)
        sent()
        found = super().ask(prompt, max_tokens=max_tokens, on_text=on_text)
        if self.told is None:
            return found
        halves = {"prefill_seconds": self.told / 2, "decode_seconds": self.told / 2}
        return replace(found, usage=found.usage.model_copy(update=halves))


def asked(engine: Says, embedder: Any, questions: int) -> tuple[list[float], float]:
    """What each question is charged, and how long the engine was busy."""
    with Hybrid(load(environ={}), engine=engine) as hybrid:
        hybrid.embedder = embedder
        answers = hybrid.answer_many([f"Where is office {n}?" for n in range(questions)], TEXTS, route="rag")
        return [answer.usage.shared_seconds or 0.0 for answer in answers], hybrid.spent()["slow"].busy_seconds


def test_preparing_a_prompt_is_not_the_engines_time(embedder: Any) -> None:
    (charged,), busy = asked(Says(), embedder, 1)
    assert 0.04 <= charged < 0.08  # it works for 0.04 s and prepares for 0.06 s
    assert charged == pytest.approx(busy, rel=0.01)


def test_what_the_engine_tells_is_what_is_charged(embedder: Any) -> None:
    engine = Says()
    engine.told = 0.03
    (charged,), busy = asked(engine, embedder, 1)
    assert charged == pytest.approx(0.03, rel=0.02)
    assert busy == pytest.approx(0.03, rel=0.02)


def test_shares_of_calls_at_once_still_add_up(embedder: Any) -> None:
    engine = Says()
    engine.told = 0.03
    charged, busy = asked(engine, embedder, 16)
    assert sum(charged) == pytest.approx(busy, rel=0.01)
    assert sum(charged) < 16 * 0.03  # several at once; one may be charged what another that waited for it left


def test_a_call_that_fails_before_it_is_sent_is_charged_nothing() -> None:
    meter = Meter()
    with pytest.raises(EngineError), meter.call(says_when=True):
        raise EngineError("the prompt does not fit")
    spent = meter.spent()
    assert (spent.calls, spent.failed, spent.busy_seconds) == (1, 1, 0.0)
