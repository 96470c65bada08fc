"""Exploring: the other route answers some questions too, after their answers are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hybrid.cost.price import total
from hybrid.errors import HybridError
from hybrid.reading.cite import cite
from hybrid.reading.window import ranked_documents
from hybrid.routing.explore import drawn, other
from hybrid.routing.policies.calibrated import dollars
from hybrid.routing.situation import Situation
from hybrid.session.way import SILENT, Reply, Way
from hybrid.types import EACH, Answer, Cost, Decision, Explored, Usage


def explored(way: Way, situation: Situation, answer: Answer, replies: Sequence[Reply]) -> Answer:
    """The answer with the other route's reply, if its question is drawn for that.

    Nothing is explored where the user forces a route, nor beyond the budget of a question.
    """
    routing = way.settings.routing
    if answer.decision.rung == EACH:  # the other route has no table to compute from
        return answer
    if way.policy.name == "forced" or not drawn(way.question, routing.explore, routing.explore_seed):
        return answer
    decision = other(situation, answer.attempts)
    if decision is None:
        return _known(way, situation, answer, replies)
    rungs = [*(attempt.decision.rung for attempt in answer.attempts), decision.rung]
    if routing.budget is not None and sum(dollars(situation.predictions[rung]) for rung in rungs) > routing.budget:
        return answer
    return _asked(way, situation, answer, decision)


def _known(way: Way, situation: Situation, answer: Answer, replies: Sequence[Reply]) -> Answer:
    """The reply of the route that did not answer, where both routes were taken."""
    done, reply = next(
        pair for pair in zip(answer.attempts, replies, strict=True) if pair[0].decision.route != answer.route
    )
    told = {"engine": done.engine, "usage": done.usage, "cost": done.cost, "extra": False}
    return answer.model_copy(update={"explored": _told(situation, done.decision, _said(way, reply), told)})


def _asked(way: Way, situation: Situation, answer: Answer, decision: Decision) -> Answer:
    """The reply of the other route, asked now and charged."""
    apart = replace(way, on_text=None, timings={}, notes=[], usages=[])
    said: dict[str, Any] = {"text": "", "abstained": False}
    with way.stage("explore"):
        try:
            said = _said(way, apart.read(situation, decision))
        except HybridError as error:  # the answer stays
            said["failed"] = str(error)
    engine, _ = way.situating.engine_for(decision.rung)
    usage = sum(apart.usages, Usage())
    cost = way.calls.price(usage, engine) if apart.usages else Cost(basis="measured")
    told = {"engine": engine.name, "usage": usage, "cost": cost, "extra": True}
    charged = {"usage": answer.usage + usage, "cost": total([answer.cost, cost]) if apart.usages else answer.cost}
    found = _told(situation, decision, said, told)
    return answer.model_copy(update={"explored": found, **charged, "timings": way.rounded()})


def _said(way: Way, reply: Reply) -> dict[str, Any]:
    """A reply in the words of an answer."""
    silent = reply.completion.abstained
    text, _ = cite(reply.completion, reply.pieces, way.store)
    return {"text": SILENT if silent else text, "abstained": silent}


def _told(situation: Situation, decision: Decision, said: dict[str, Any], told: dict[str, Any]) -> Explored:
    ranked = ranked_documents(situation.candidates)
    document = ranked[0][0] if ranked else ""
    return Explored(route=decision.route, rung=decision.rung, document=document, **said, **told)
