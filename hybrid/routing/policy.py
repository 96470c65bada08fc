"""A policy decides the route of a question before asking, and once more after the first attempt.

A policy is pure: the same situation gives the same decision, live, in an evaluation and in a replay.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from hybrid.routing.situation import ROUTES, Situation
from hybrid.types import Decision, Rung


class Policy(Protocol):
    """Chooses how much is read for a question."""

    @property
    def name(self) -> str:
        """Its name in settings and decisions."""

    @property
    def escalates(self) -> bool:
        """Whether `review` can ask for another attempt; a stream is held back until an abstention is ruled out."""

    def decide(self, situation: Situation) -> Decision:
        """The first attempt."""

    def review(self, situation: Situation, tried: Decision) -> Decision | None:
        """A second attempt after one that abstained; None: the documents do not say."""


@runtime_checkable
class Doubting(Protocol):
    """A policy that also looks at attempts that answered."""

    def reconsider(self, situation: Situation, tried: Decision) -> Decision | None:
        """A second attempt after one that answered; None accepts the answer."""


class Once:
    """Base of policies that make one attempt."""

    escalates = False

    def review(self, situation: Situation, tried: Decision) -> Decision | None:
        return None


def second(policy: Policy, situation: Situation, tried: Decision, *, abstained: bool) -> Decision | None:
    """The attempt that follows one that abstained or answered; None ends the way."""
    if abstained:
        return policy.review(situation, tried)
    return policy.reconsider(situation, tried) if isinstance(policy, Doubting) else None


def whole(situation: Situation) -> tuple[Rung, bool, str]:
    """The possible long route: rung, whether it has to be read chunk-wise, and why."""
    size, room = situation.tokens["corpus"], situation.rooms["corpus"]
    several = f"all {situation.documents} documents" if situation.documents > 1 else "the document"
    if situation.fits("corpus"):
        return "corpus", False, f"{several} ({size:,} tokens) fit{'' if situation.documents > 1 else 's'} the window"
    if situation.largest <= room:
        return "documents", False, f"the corpus ({size:,} tokens) does not fit {room:,}, the best matching documents do"
    return "documents", True, in_parts(situation)


def in_parts(situation: Situation) -> str:
    """Why the best matching document is read in parts."""
    room = situation.rooms["documents"]
    return f"the best matching document ({situation.largest:,} tokens) is read in parts of at most {room:,} tokens"


def made(policy: str, situation: Situation, rung: Rung, reason: str, chunkwise: bool = False) -> Decision:
    """A decision with the predictions and features of the situation."""
    return Decision(
        route=ROUTES[rung],
        rung=rung,
        chunkwise=chunkwise,
        policy=policy,
        reason=reason[0].upper() + reason[1:] + ".",
        predictions=(*situation.predictions.values(), *([situation.each] if situation.each is not None else ())),
        features=dict(situation.features),
        ordering=situation.ordering if ROUTES[rung] == "rag" else "",
    )
