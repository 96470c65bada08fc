"""Questions that the other route answers too, so that calibration keeps learning.

A router sees only the answers of its own choices. A small share of the questions, drawn at random, shows what the
other way would have been worth: the counterfactuals that `hybrid calibrate router` needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from hybrid.routing.policy import made, whole
from hybrid.routing.situation import Situation
from hybrid.types import Attempt, Decision

NAME = "explore"


def drawn(question: str, share: float, seed: int = 0) -> bool:
    """Whether a question is in the share to explore; a seed always draws the same questions."""
    digest = blake2b(f"{seed} {question}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


def other(situation: Situation, attempts: Sequence[Attempt]) -> Decision | None:
    """The way that was not taken; None if both were."""
    routes = {attempt.decision.route for attempt in attempts}
    if len(routes) > 1:
        return None
    if "long" in routes:
        return made(NAME, situation, "passages", "the passages are tried too, to learn from them")
    rung, chunkwise, why = whole(situation)
    return made(NAME, situation, rung, f"the whole is tried too, to learn from it: {why}", chunkwise)
