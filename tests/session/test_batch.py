"""A batch decided as one: against every set of ways there is, and what shares a reading."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from hybrid import Hybrid
from hybrid.errors import InputError
from hybrid.routing import batch
from hybrid.routing.batch import plan
from hybrid.routing.policies.calibrated import Calibrated
from hybrid.routing.situation import Situation
from hybrid.routing.weights import carried
from hybrid.types import Cost
from tests.routing.situations import AVERAGE, COMPARES, UNSAID, settled, situation
from tests.session.doubles import PRICED, Caching


def on(text: str, features: dict[str, float], cold: float, warm: float, corpus: int = 30_000) -> Situation:
    """A question on a text that takes `cold` dollars to read first, and `warm` again."""
    found = situation(features, dollars=cold, corpus=corpus)
    prediction = found.predictions["corpus"]
    again = prediction.model_copy(update={"cost": Cost(dollars=warm, basis="estimated")})
    return replace(found, again={"corpus": again}, reads={"corpus": (text,)})


def worth(
    policy: Calibrated, situations: list[Situation], places: tuple[int, ...], warm: set[str]
) -> tuple[float, float] | None:
    """Dollars and value of one way of each question, at warm prices on some texts; None where that cannot be."""
    spent = value = 0.0
    paid = set()
    for one, place in zip(situations, places, strict=True):
        text = one.reads["corpus"][0]
        ways = options(policy, one, text in warm)
        if place >= len(ways):
            return None
        spent += ways[place].way.dollars
        value += ways[place].value
        if ways[place].way.whole:
            paid.add(text)
    if paid != warm:  # the first reading is at the cold price, and nothing is warm that nobody reads
        return None
    extra = sum({s.reads["corpus"][0]: batch._premium(s) for s in situations if s.reads["corpus"][0] in warm}.values())
    return spent + extra, value - extra


_KNOWN: dict[tuple[int, int, bool], tuple[Any, ...]] = {}


def options(policy: Calibrated, one: Situation, warm: bool) -> list[Any]:
    """The ways of a question, found once."""
    key = (id(policy), id(one), warm)
    if key not in _KNOWN:
        _KNOWN[key] = (policy, one, batch._options(policy, one.warmed("corpus") if warm else one, 0))
    return _KNOWN[key][2]


def every(policy: Calibrated, situations: list[Situation]) -> list[tuple[float, float]]:
    """Dollars and value of every set of ways there is."""
    texts = sorted({s.reads["corpus"][0] for s in situations})
    found = []
    for kept in product([False, True], repeat=len(texts)):
        warm = {text for text, own in zip(texts, kept, strict=True) if own}
        counts = [len(options(policy, s, s.reads["corpus"][0] in warm)) for s in situations]
        for places in product(*map(range, counts)):
            one = worth(policy, situations, places, warm)
            if one is not None:
                found.append(one)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_a_plan_is_the_best_of_all_sets_of_ways(seed: int) -> None:
    chance = random.Random(seed)
    policy = Calibrated(settled(chance.uniform(0.3, 0.7), chance.uniform(0.4, 0.9), abstains=0.2, again=0.4))
    texts = {name: chance.uniform(0.01, 0.2) for name in "abc"}
    asked = []
    for _ in range(5):
        name = chance.choice("abc")
        asked.append(on(name, chance.choice([AVERAGE, COMPARES]), texts[name], texts[name] / 20))
    sets = every(policy, asked)
    for budget in (0.01, 0.05, 0.2, 1.0):
        spent, value = found(policy, asked, budget)
        assert spent <= budget
        assert value == pytest.approx(max(v for dollars, v in sets if dollars <= budget), abs=1e-9)


def found(policy: Calibrated, asked: list[Situation], budget: float) -> tuple[float, float]:
    """Dollars and value of the plan, by the definition that every set is judged by."""
    planned = plan(policy, asked, budget)
    warm = {s.reads["corpus"][0] for s, p in zip(asked, planned, strict=True) if p.decision.rung == "corpus"}
    places = []
    for one, before in zip(planned, asked, strict=True):
        ways = options(policy, before, before.reads["corpus"][0] in warm)
        places.append(
            next(
                i
                for i, way in enumerate(ways)
                if way.way.rung == one.decision.rung and (way.way.whole or way.policy.worth == one.policy.worth)
            )
        )
    done = worth(policy, asked, tuple(places), warm)
    assert done is not None
    return done


def test_questions_together_are_worth_a_reading_that_none_is_alone() -> None:
    policy = Calibrated(settled(0.6, 0.7))  # ten points of 30 cents: 3 cents, less a tie
    one = on("a", AVERAGE, 0.05, 0.001)
    assert policy.decide(one).rung == "passages"
    assert [p.decision.rung for p in plan(policy, [one])] == ["passages"]
    assert [p.decision.rung for p in plan(policy, [one, on("b", AVERAGE, 0.05, 0.001)])] == ["passages"] * 2
    assert [p.decision.rung for p in plan(policy, [one] * 2)] == ["corpus"] * 2
    planned = plan(policy, [one] * 5)
    assert [p.first for p in planned] == [True, False, False, False, False]
    assert "5 questions of the batch share its reading, of which this is the first" in planned[0].decision.reason
    assert planned[0].situation.predictions["corpus"].cost.dollars == 0.05
    assert {p.situation.predictions["corpus"].cost.dollars for p in planned[1:]} == {0.001}


def test_a_budget_is_spent_where_it_buys_most_whoever_comes_first() -> None:
    policy = Calibrated(prefer="accuracy")
    asked = [situation(f, dollars=0.004) for f in (UNSAID, COMPARES, UNSAID, COMPARES, COMPARES)]
    free = plan(policy, asked)
    assert [p.decision for p in free] == [policy.decide(s) for s in asked]
    tight = plan(policy, asked, 0.006)
    assert [p.decision.rung for p in plan(policy, asked[::-1], 0.006)] == [p.decision.rung for p in tight[::-1]]
    assert [p.decision.rung for p in tight] != [p.decision.rung for p in free] or any(
        p.policy.worth < policy.worth for p in tight
    )
    with pytest.raises(InputError, match=r"at least an expected \$0\.0025.*routing\.batch_budget"):
        plan(policy, asked, 0.0001)


def test_a_rule_that_was_fitted_is_left_only_for_a_budget() -> None:
    """Second attempts are made though the lines expect no good of them, and dropped where they cannot be paid."""
    ruled = Calibrated(replace(carried(), rule="self_route"))
    asked = [on(f"text {n}", UNSAID, cold=0.01, warm=0.001) for n in range(4)]
    free = plan(ruled, asked)
    assert {one.decision.rung for one in free} == {"passages"}
    for one in free:
        again = one.policy.review(one.situation, one.decision)
        assert again is not None
        assert again.rung == "corpus"
    least = sum(one.situation.predictions["passages"].cost.dollars or 0.0 for one in free)
    for one in plan(ruled, asked, budget=1.01 * least):
        assert one.policy.review(one.situation, one.decision) is None


def test_many_questions_stay_within_their_budget_and_near_the_best() -> None:
    chance = random.Random(3)
    policy = Calibrated(settled(0.5, 0.8))
    prices = [chance.uniform(0.001, 0.05) for _ in range(60)]
    asked = [situation(AVERAGE, dollars=price) for price in prices]
    budget = 60 * 0.0005 + 0.3
    planned = plan(policy, asked, budget)
    spent = sum(p if q.decision.rung == "corpus" else 0.0005 for p, q in zip(prices, planned, strict=True))
    assert spent <= budget
    # all gain the same, so the best set is the cheapest ones that fit
    fitting, left = 0, 0.3
    for price in sorted(price - 0.0005 for price in prices):
        left -= price
        fitting += left >= 0
    assert sum(q.decision.rung == "corpus" for q in planned) >= fitting - 1


def test_the_limits_of_a_question_hold_for_whoever_pays_the_prefill() -> None:
    policy = Calibrated(settled(0.5, 0.9), budget=0.02)
    assert [p.decision.rung for p in plan(policy, [on("a", AVERAGE, 0.05, 0.001)] * 4)] == ["passages"] * 4
    assert [p.decision.rung for p in plan(policy, [on("a", AVERAGE, 0.015, 0.001)] * 4)] == ["corpus"] * 4


def test_a_batch_reads_a_text_once_for_all_of_its_questions() -> None:
    texts = {"one": "Rent is due monthly. " * 900}
    questions = [f"What is due in month {i}?" for i in range(6)]
    # the whole takes .24 cents more than passages the first time, less than they do after it, and gains .18 cents
    policy = Calibrated(settled(0.5, 0.7), accuracy_price=0.009)
    with Hybrid(PRICED, engine=Caching(), policy=policy) as hybrid:
        store = hybrid.open(texts)
        assert hybrid.decide(questions[0], store).route == "rag"
        answers = hybrid.answer_many(questions, store)
    assert [answer.route for answer in answers] == ["long"] * 6
    cached = sorted(answer.usage.cached_tokens for answer in answers)
    assert cached[0] == 0
    assert all(tokens > 0.9 * answers[0].usage.prompt_tokens - 100 for tokens in cached[1:])
    assert answers[0].usage.cached_tokens == 0
