"""The situation that a policy decides on. No I/O happens here or after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hybrid.types import RUNGS, Candidate, Cost, Prediction, Route, Rung

ROUTES: dict[Rung, Route] = {
    "passages": "rag",
    "sections": "rag",
    "documents": "long",
    "corpus": "long",
    "each": "long",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How well the engine of a rung would read its prompt, as far as it was measured.

    Args:
        native: tokens that the engine is served with.
        effective: the longest prompt at which the measured score holds; None: not measured.
        curve: measured scores at equally spaced depths, first to last; empty: not measured.
        kept: share of the best measured score that is left at this prompt's length and where the best passages would
            stand in it (`hybrid.model.profile.Profile.kept`); 1 if nothing was measured.
    """

    native: int
    effective: int | None = None
    curve: tuple[float, ...] = ()
    kept: float = 1.0


@dataclass(frozen=True, slots=True)
class Situation:
    """A question, the passages found for it, and what every way of reading would take."""

    question: str
    candidates: tuple[Candidate, ...]  # best first
    documents: int
    tokens: dict[Rung, int]  # what each rung would read, in the long engine's tokens
    rooms: dict[Rung, int]  # tokens of text that fit each rung's engine
    largest: int  # tokens of the best matching document, for the rung `documents`
    predictions: dict[Rung, Prediction]
    features: Mapping[str, float] = field(default_factory=dict)  # as `hybrid.routing.features` names them
    readings: Mapping[Rung, Reading] = field(default_factory=dict)
    again: Mapping[Rung, Prediction] = field(default_factory=dict)  # of whole texts that were read just before
    reads: Mapping[Rung, tuple[str, ...]] = field(default_factory=dict)  # the documents of whole texts, in their order
    ordering: str = ""  # how passages would be ordered, and why
    each: Prediction | None = None  # of asking every document the same; None: the question does not ask for that
    quoting: bool = False  # whether an engine that quotes reads the passages, which is silent more often than a model

    def fits(self, rung: Rung) -> bool:
        """Whether a rung can be read in one call."""
        return self.tokens[rung] <= self.rooms[rung]

    def kept(self, rung: Rung) -> float:
        """Share of its best that the rung's engine keeps on this prompt; 1 if nothing was measured."""
        return self.readings[rung].kept if rung in self.readings else 1.0

    def warmed(self, rung: Rung) -> Situation:
        """The same question after the rung's text has just been read for another one."""
        if rung not in self.again:
            return self
        return replace(self, predictions={**self.predictions, rung: self.again[rung]})


def sized(
    sizes: Mapping[Rung, int],
    room: int,
    costs: Mapping[Rung, Cost],
    *,
    question: str = "",
    documents: int = 1,
    features: Mapping[str, float] | None = None,
) -> Situation:
    """A situation with known sizes and costs, and nothing retrieved."""
    predictions = {
        rung: Prediction(
            route=ROUTES[rung],
            rung=rung,
            engine="",
            prompt_tokens=sizes[rung],
            fits=sizes[rung] <= room,
            cost=costs[rung],
        )
        for rung in RUNGS
    }
    rooms = dict.fromkeys(RUNGS, room)
    return Situation(question, (), documents, dict(sizes), rooms, sizes["documents"], predictions, features or {})
