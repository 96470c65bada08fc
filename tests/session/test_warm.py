"""What is expected in a prefix cache."""

from __future__ import annotations

import pytest
from hybrid.evals.bench.warm import situation

from hybrid import Hybrid, Settings
from hybrid.routing.policies.calibrated import Calibrated
from hybrid.routing.situation import Situation
from hybrid.routing.weights import TIE
from hybrid.session.warm import Warm
from hybrid.settings import CostSettings
from tests.routing.situations import AVERAGE, settled
from tests.session.doubles import PRICED, Caching

READ = [("a", 1000), ("b", 2000)]


def test_the_common_beginning_is_expected() -> None:
    warm = Warm()
    assert warm.expected("x", ["a"]) == 0
    warm.note("x", READ, 0)
    assert warm.expected("x", ["a", "b"]) == 3000
    assert warm.expected("x", ["a", "c"]) == 1000
    assert warm.expected("x", ["a", "b", "c"]) == 3000
    assert warm.expected("x", ["b", "a"]) == 0
    assert warm.expected("y", ["a", "b"]) == 0


def test_reports_correct_it() -> None:
    warm = Warm()
    warm.note("x", READ, 0)
    warm.note("x", READ, 2900)
    assert warm.expected("x", ["a", "b"]) == 3000
    warm.note("x", [("c", 500)], 0)
    warm.note("x", READ, 700)  # most of it was evicted: what else is remembered may be gone as well
    assert warm.expected("x", ["c"]) == 0
    assert warm.expected("x", ["a", "b"]) == 3000
    warm.note("x", READ, 0)  # it does not cache, or does not say so
    assert warm.expected("x", ["a", "b"]) == 0
    warm.note("x", READ, 2900)
    assert warm.expected("x", ["a", "b"]) == 3000


def test_only_so_much_is_remembered() -> None:
    warm = Warm()
    for i in range(100):
        warm.note("x", [(str(i), 10)], 0)
    assert warm.expected("x", ["0"]) == 0
    assert warm.expected("x", ["99"]) == 10


def test_the_second_question_on_a_document_is_predicted_cheaper() -> None:
    texts = {"one": "Rent is due monthly. " * 400, "two": "The cat sleeps. " * 400}
    with Hybrid(Settings(), engine=Caching()) as hybrid:
        store = hybrid.open(texts)
        cold = hybrid.decide("When is rent due?", store, route="long")
        first = hybrid.answer("When is rent due?", store, route="long")
        warm = hybrid.decide("Who pays the rent?", store, route="long")
        second = hybrid.answer("Who pays the rent?", store, route="long")
    before = {p.rung: p for p in cold.predictions}[first.decision.rung]
    after = {p.rung: p for p in warm.predictions}[first.decision.rung]
    assert (before.cached_tokens, first.usage.cached_tokens) == (0, 0)
    assert after.cached_tokens > 0.9 * first.usage.prompt_tokens - 100
    assert second.usage.cached_tokens > 0.9 * second.usage.prompt_tokens - 100
    assert (after.cost.gpu_seconds or 1) < (before.cost.gpu_seconds or 0)


GRID = [10 ** (power / 4) for power in range(-16, 5)]  # $0.0001 to $10 for a right answer


def priced(cached: int) -> Situation:
    """A question on a document of 64 000 tokens at real prices, some of it in the cache."""
    return situation(64_000, cached, CostSettings(), AVERAGE)


@pytest.mark.parametrize("cached", [0, 32_000, 64_000])
@pytest.mark.parametrize(("rag", "long"), [(0.5, 0.9), (0.6, 0.62), (0.6, 0.6), (0.9, 0.5)])
def test_a_decision_is_the_best_of_the_worths_it_states(cached: int, rag: float, long: float) -> None:
    one = priced(cached)
    for price in GRID:
        policy = Calibrated(settled(rag, long, abstains=0.2, again=0.4), accuracy_price=price)
        decision = policy.decide(one)
        assert set(decision.worth) == {"passages", "corpus"}
        ways = [way.rung for way in policy.ways(one)]  # the cheapest first, all attempts counted
        first, other = (decision.worth[rung] for rung in ways)
        assert decision.rung == (ways[1] if other - first > TIE * price else ways[0]), price


def test_warm_documents_are_read_exactly_from_where_their_price_says() -> None:
    weights, gain = settled(0.6, 0.7), 0.1
    prices = []
    for cached in (0, 64_000):
        one = priced(cached)
        dearer = (one.predictions["corpus"].cost.dollars or 0) - (one.predictions["passages"].cost.dollars or 0)
        crossing = dearer / (gain - TIE)
        for side, rung in ((0.9999, "passages"), (1.0001, "corpus")):
            assert Calibrated(weights, accuracy_price=side * crossing).decide(one).rung == rung
        prices.append(crossing)
    cold, warm = prices
    assert warm < cold / 5
    between = Calibrated(weights, accuracy_price=(cold * warm) ** 0.5)
    assert [between.decide(priced(cached)).rung for cached in (0, 64_000)] == ["passages", "corpus"]


def test_later_questions_on_a_document_flip_once_one_has_read_it() -> None:
    texts = {"one": "Rent is due monthly. " * 900}
    policy = Calibrated(settled(0.5, 0.7), accuracy_price=0.009)  # .18 cents for .24 cents more than passages take
    with Hybrid(PRICED, engine=Caching(), policy=policy) as hybrid:
        store = hybrid.open(texts)
        before = hybrid.answer("When is rent due?", store)
        hybrid.answer("Is all rent due monthly?", store, route="long")
        after = hybrid.answer("When is rent due?", store)
    assert [before.route, after.route] == ["rag", "long"]
    assert after.usage.cached_tokens > 0.9 * after.usage.prompt_tokens - 100


def test_an_engine_without_a_gpu_caches_nothing() -> None:
    texts = {"one": "Rent is due monthly. " * 100}
    with Hybrid(Settings()) as hybrid:
        store = hybrid.open(texts)
        hybrid.answer("When is rent due?", store, rung="corpus")
        assert {p.cached_tokens for p in hybrid.decide("When is rent due?", store).predictions} == {0}
