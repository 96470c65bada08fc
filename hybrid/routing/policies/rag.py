"""Always passages."""

from __future__ import annotations

from hybrid.routing.policy import Once, made
from hybrid.routing.situation import Situation
from hybrid.types import Decision


class Rag(Once):
    """Always reads passages."""

    name = "rag"

    def decide(self, situation: Situation) -> Decision:
        return made(self.name, situation, "passages", "the policy 'rag' always reads the best passages")
