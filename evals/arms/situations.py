"""Situations as JSON, so that a policy can decide again on what another one saw; and a policy that keeps its own."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from hybrid.document import Location
from hybrid.routing.policy import Doubting, Policy, second
from hybrid.routing.situation import Reading, Situation
from hybrid.types import Candidate, Decision, Passage, Prediction


def saved(situation: Situation) -> dict[str, Any]:
    """A situation as JSON, the passages without their text."""
    return {
        "candidates": [
            {
                "document": c.passage.document,
                "passage": c.passage.id,
                "ordinal": c.passage.ordinal,
                "start": c.passage.start,
                "end": c.passage.end,
                "tokens": c.passage.tokens,
                "score": c.score,
                "dense": c.dense,
                "lexical": c.lexical,
            }
            for c in situation.candidates
        ],
        "documents": situation.documents,
        "tokens": situation.tokens,
        "rooms": situation.rooms,
        "largest": situation.largest,
        "features": dict(situation.features),
        "readings": {rung: asdict(reading) for rung, reading in situation.readings.items()},
        "predictions": {rung: p.model_dump(mode="json") for rung, p in situation.predictions.items()},
        "quoting": situation.quoting,
    }


def restored(question: str, data: Mapping[str, Any]) -> Situation:
    """The situation that `saved` wrote; texts, headings and lines of its passages are empty."""
    return Situation(
        question=question,
        candidates=tuple(map(_candidate, data["candidates"])),
        documents=data["documents"],
        tokens=data["tokens"],
        rooms=data["rooms"],
        largest=data["largest"],
        features=data["features"],
        readings={rung: Reading(**reading) for rung, reading in data.get("readings", {}).items()},
        predictions={rung: Prediction.model_validate(p) for rung, p in data["predictions"].items()},
        quoting=data.get("quoting", False),
    )


def _candidate(saved: Mapping[str, Any]) -> Candidate:
    start, end = saved["start"], saved["end"]
    where = saved["passage"], saved["document"], saved["ordinal"]
    passage = Passage(*where, "", start, end, Location(start, end, 1, 1, None), "", saved["tokens"])
    return Candidate(passage, saved["score"], saved["dense"], saved["lexical"])


class Watched:
    """A policy that keeps, thread by thread, the situation it decided on."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._seen = threading.local()
        self.name = policy.name
        self.escalates = policy.escalates

    def decide(self, situation: Situation) -> Decision:
        self._seen.situation = situation
        return self._policy.decide(situation)

    def review(self, situation: Situation, tried: Decision) -> Decision | None:
        return self._policy.review(situation, tried)

    def take(self) -> Situation | None:
        """The situation that this thread decided on last."""
        found: Situation | None = getattr(self._seen, "situation", None)
        self._seen.situation = None
        return found


class WatchedDoubting(Watched):
    """The same for a policy that also looks at attempts which answered."""

    def reconsider(self, situation: Situation, tried: Decision) -> Decision | None:
        return second(self._policy, situation, tried, abstained=False)


def watched(policy: Policy) -> Watched:
    """A policy, watched."""
    return WatchedDoubting(policy) if isinstance(policy, Doubting) else Watched(policy)
