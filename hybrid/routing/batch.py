"""A batch decided as one: questions on the same text share its reading, and a budget buys the best set of ways.

Reading a text whole for m questions takes one prefill and m small prompts, so reading it whole may be worth it for m
questions together and for none of them alone. Every text has two plans: no question begins with the whole, and each is
weighed at the prices of a cold cache; or one does and pays the prefill, and all are weighed at those of a warm cache.
Over all texts this is a knapsack with set-up costs. `plan` merges sets of (dollars, value) question by question and
keeps those that no other beats: exact up to `POINTS` sets, beyond that to within the spacing of as many budgets. The
order of the questions makes no difference.

Second attempts after passages may share a prefill too; `plan` does not count that, so they cost less than it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from hybrid.errors import InputError
from hybrid.routing.policies.calibrated import Calibrated, Way, dollars
from hybrid.routing.policy import whole
from hybrid.routing.situation import Situation
from hybrid.types import Decision

POINTS = 1024  # sets of ways that are kept while merging
_LEAST = 1e-9  # dollars of a right answer: too little for any second attempt


class Planned(NamedTuple):
    """The plan for one question of a batch."""

    policy: Calibrated  # with the second attempts that were planned
    situation: Situation  # with the prices at its turn
    decision: Decision
    shares: int  # questions whose first attempt reads the same text, this one included; 0 for passages
    first: bool  # whether it pays the prefill and has to be asked before the others


class _Option(NamedTuple):
    """A way of one question, and the policy that would carry it out."""

    question: int
    policy: Calibrated
    way: Way
    value: float  # dollars that it is worth


class _Set(NamedTuple):
    """Ways of some questions together."""

    dollars: float
    value: float
    pays: bool = False  # whether a question reads the whole and may pay its prefill
    picks: Any = None  # a pair of two others' picks, or (option, at the prices of a warm cache)


def plan(policy: Calibrated, situations: Sequence[Situation], budget: float | None = None) -> list[Planned]:
    """The ways of a batch that are worth most together.

    Args:
        policy: weighs each way; its own limits hold for each question.
        situations: of the questions.
        budget: dollars that all attempts of all questions are expected to stay within; None: no limit.

    Raises:
        InputError: a question has no way within its own limits, or the budget fits no set of ways.
    """
    best = [_Set(0.0, 0.0)]
    texts = _texts(situations)
    for members in texts:
        best = _merged(best, _sets(policy, situations, members, budget), budget)
    affordable = [one for one in best if budget is None or one.dollars <= budget]
    if not affordable:
        raise InputError(
            f"The budget of ${budget:g} does not fit these {len(situations)} questions, which take at least an "
            f"expected ${best[0].dollars:.4g}: raise routing.batch_budget to that, or ask fewer."
        )
    chosen = _picked(max(affordable, key=lambda one: (one.value, -one.dollars)).picks)
    found: dict[int, Planned] = {}
    for members in texts:
        found |= _planned(policy, situations, members, chosen)
    return [found[i] for i in range(len(situations))]


def _texts(situations: Sequence[Situation]) -> list[list[int]]:
    """Questions by the text that they would read whole; those that cannot share one stand alone."""
    found: dict[object, list[int]] = {}
    for i, situation in enumerate(situations):
        rung = whole(situation)[0]
        key = (rung, situation.reads[rung]) if rung in situation.again and rung in situation.reads else i
        found.setdefault(key, []).append(i)
    return list(found.values())


def _sets(
    policy: Calibrated, situations: Sequence[Situation], members: Sequence[int], budget: float | None
) -> list[_Set]:
    """The sets of ways of the questions on one text."""
    if len(members) == 1:
        own = _options(policy, situations[members[0]], members[0])
        return [_Set(option.way.dollars, option.value, picks=(option, False)) for option in own]
    premium = _premium(situations[members[0]])
    cold, warm = [_Set(0.0, 0.0)], [_Set(premium, -premium)]
    for i in members:
        own = [option for option in _options(policy, situations[i], i) if not option.way.whole]
        cold = _merged(cold, [_Set(o.way.dollars, o.value, picks=(o, False)) for o in own], budget)
        rung = whole(situations[i])[0]
        pays = policy.within([situations[i].predictions[rung]])
        own = _options(policy, situations[i].warmed(rung), i)
        warm = _merged(warm, [_Set(o.way.dollars, o.value, pays and o.way.whole, (o, True)) for o in own], budget)
    return [*cold, *(one._replace(pays=False) for one in warm if one.pays)]


def _premium(situation: Situation) -> float:
    """Dollars that the first reading of a text costs more than the next."""
    rung = whole(situation)[0]
    return max(0.0, dollars(situation.predictions[rung]) - dollars(situation.again[rung]))


def _options(policy: Calibrated, situation: Situation, question: int) -> list[_Option]:
    """The ways of a question, with all, some or none of the second attempts that are worth it."""
    ways = policy.ways(situation)
    if not ways:
        policy.decide(situation)  # raises, and names the limit
    found = []
    for place, way in enumerate(ways):
        tie = policy.tie if place else 0.0  # a dearer way has to be better by more than a tie
        found.append(_Option(question, policy, way, policy.value(way) - tie))
        if not way.whole:
            below = [worth * (1 - 1e-9) for worth in policy.thresholds(situation) if worth < policy.worth]
            for worth in (*below, _LEAST):
                other = policy.at(worth)
                less = next(one for one in other.ways(situation) if not one.whole)
                if less.dollars < way.dollars:
                    value = policy.value(less) - tie
                    if policy.weights.rule:  # the expected scores do not count: only a budget makes it leave the rule
                        value = min(value, found[-1].value - policy.tie)
                    found.append(_Option(question, other, less, value))
    return found


def _merged(some: Sequence[_Set], others: Sequence[_Set], budget: float | None) -> list[_Set]:
    """Each of `some` with each of `others`, without those that another set beats, the cheapest first."""
    found = [
        _Set(a.dollars + b.dollars, a.value + b.value, a.pays or b.pays, (a.picks, b.picks))
        for a in some
        for b in others
    ]
    found.sort(key=lambda one: (one.dollars, -one.value))
    kept: list[_Set] = []
    best = {False: float("-inf"), True: float("-inf")}
    for one in found:
        if one.value > max(best[one.pays], best[True]):
            best[one.pays] = one.value
            kept.append(one)
    return [one for pays in (False, True) for one in _few([k for k in kept if k.pays == pays], budget)]


def _few(sets: list[_Set], budget: float | None) -> list[_Set]:
    """The best of sets that grow dearer and better; with a budget, the cheapest and others spread over it."""
    if budget is None or len(sets) < 2:
        return sets[-1:]
    inside = [one for one in sets[1:] if one.dollars <= budget]
    if len(inside) > POINTS:
        low, step = inside[0].dollars, (budget - inside[0].dollars) / POINTS
        inside = list({int((one.dollars - low) / step): one for one in inside}.values())  # the best of each step
    return [sets[0], *inside]


def _picked(picks: Any) -> dict[int, tuple[_Option, bool]]:
    """The option of each question."""
    found: dict[int, tuple[_Option, bool]] = {}
    left = [picks]
    while left:
        one = left.pop()
        if one is None:
            continue
        if isinstance(one[0], _Option):
            found[one[0].question] = one
        else:
            left += one
    return found


def _planned(
    policy: Calibrated, situations: Sequence[Situation], members: Sequence[int], chosen: dict[int, tuple[_Option, bool]]
) -> dict[int, Planned]:
    """The plans for the questions on one text."""
    reading = [i for i in members if chosen[i][0].way.whole]
    rungs = {i: whole(situations[i])[0] for i in members}
    payer = next((i for i in reading if policy.within([situations[i].predictions[rungs[i]]])), None)
    found = {}
    for i in members:
        option, warm = chosen[i]
        situation = situations[i].warmed(rungs[i]) if warm and i != payer else situations[i]
        decision = policy.taken(situation, option.way)
        shares = len(reading) if i in reading else 0
        if shares > 1:
            turn = "the first" if i == payer else "not the first"
            why = f"{decision.reason[:-1]}; {shares} questions of the batch share its reading, of which this is {turn}."
            decision = decision.model_copy(update={"reason": why})
        found[i] = Planned(option.policy, situation, decision, shares, i == payer)
    return found
