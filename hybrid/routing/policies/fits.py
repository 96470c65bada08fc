"""Everything if it fits, else passages."""

from __future__ import annotations

from hybrid.routing.policy import Once, made
from hybrid.routing.situation import Situation
from hybrid.types import Decision


class Fits(Once):
    """Reads everything if it fits the window, else passages, as most tools do today."""

    name = "fits"

    def decide(self, situation: Situation) -> Decision:
        size, room = situation.tokens["corpus"], situation.rooms["corpus"]
        if situation.fits("corpus"):
            why = f"the whole corpus ({size:,} tokens) fits the {room:,} tokens that can be read at once"
            return made(self.name, situation, "corpus", why)
        why = f"the corpus ({size:,} tokens) does not fit the {room:,} tokens that can be read at once"
        return made(self.name, situation, "passages", why)
