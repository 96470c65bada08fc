"""What a policy may know when it decides. No I/O happens here or after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hybrid.types import Candidate, Prediction, Rung


@dataclass(frozen=True, slots=True)
class Situation:
    """A question, what was found for it, and what every way of reading would take."""

    question: str
    candidates: tuple[Candidate, ...]  # best first
    documents: int
    tokens: dict[Rung, int]  # what each rung would read, in the long engine's tokens
    rooms: dict[Rung, int]  # tokens of text that fit each rung's engine
    largest: int  # tokens of the best matching document, for the rung `documents`
    predictions: dict[Rung, Prediction]
    features: Mapping[str, float] = field(default_factory=dict)  # as `hybrid.routing.features` names them

    def fits(self, rung: Rung) -> bool:
        """Whether a rung can be read in one call."""
        return self.tokens[rung] <= self.rooms[rung]
