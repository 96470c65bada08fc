"""Always whole documents."""

from __future__ import annotations

from hybrid.routing.policy import Once, made, whole
from hybrid.routing.situation import Situation
from hybrid.types import Decision


class Long(Once):
    """Always reads whole documents: all of them if they fit, else the best matching ones."""

    name = "long"

    def decide(self, situation: Situation) -> Decision:
        rung, chunkwise, why = whole(situation)
        return made(self.name, situation, rung, f"the policy 'long' always reads whole documents: {why}", chunkwise)
