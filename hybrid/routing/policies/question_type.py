"""The kind of the question alone decides (RAGRouter-Bench, arXiv 2602.00296)."""

from __future__ import annotations

from hybrid.routing.kinds import Kind, kind
from hybrid.routing.policy import Once, made, whole
from hybrid.routing.situation import Situation
from hybrid.types import Decision

_SPREAD: tuple[Kind, ...] = ("comparison", "aggregation", "summary", "structure")


class QuestionType(Once):
    """Reads whole documents for answers that are spread over them, by the kind of the question alone.

    Comparisons, counts, summaries and questions on a document's order go long; single facts and reasons do not.
    """

    name = "question_type"

    def decide(self, situation: Situation) -> Decision:
        found = kind(situation.question)
        if found not in _SPREAD:
            return made(self.name, situation, "passages", f"a question of the kind {found} is answered from passages")
        rung, chunkwise, why = whole(situation)
        return made(self.name, situation, rung, f"a question of the kind {found} needs the whole: {why}", chunkwise)
