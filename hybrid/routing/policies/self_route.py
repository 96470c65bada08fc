"""Passages first, the whole if they do not answer (Self-Route: Li et al. 2024, arXiv 2407.16833)."""

from __future__ import annotations

from hybrid.routing.policy import made, whole
from hybrid.routing.situation import Situation
from hybrid.types import Decision


class SelfRoute:
    """Reads passages first, and whole documents if the passages do not answer. Both attempts are charged."""

    name = "self_route"
    escalates = True

    def decide(self, situation: Situation) -> Decision:
        passages, corpus = situation.tokens["passages"], situation.tokens["corpus"]
        if corpus <= passages and situation.fits("corpus"):
            why = f"the whole corpus ({corpus:,} tokens) is no longer than the passages would be"
            return made(self.name, situation, "corpus", why)
        share = passages / corpus if corpus else 1.0
        why = (
            f"{len(situation.candidates)} passages ({passages:,} tokens) are {share:.0%} of the corpus "
            f"({corpus:,} tokens); the whole is read only if they do not answer"
        )
        return made(self.name, situation, "passages", why)

    def review(self, situation: Situation, tried: Decision) -> Decision | None:
        if tried.route == "long":
            return None
        rung, chunkwise, why = whole(situation)
        return made(self.name, situation, rung, f"the passages did not answer: {why}", chunkwise)
