"""Situations as JSON, so that a policy can decide again on what another one saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from hybrid.document import Location
from hybrid.routing.situation import Reading, Situation
from hybrid.types import Candidate, Passage, Prediction


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
