"""A policy that keeps the situation it decided on, for the record."""

from __future__ import annotations

import threading

from hybrid.routing.policy import Doubting, Policy, second
from hybrid.routing.situation import Situation
from hybrid.types import Decision


class Watched:
    """A policy that keeps, thread by thread, the situation it decided on."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._seen = threading.local()
        self.name = policy.name
        self.escalates = policy.escalates

    def decide(self, situation: Situation) -> Decision:
        self._seen.situation = situation
        return self._policy.decide(situation)

    def review(self, situation: Situation, tried: Decision) -> Decision | None:
        return self._policy.review(situation, tried)

    def take(self) -> Situation | None:
        """The situation that this thread decided on last."""
        found: Situation | None = getattr(self._seen, "situation", None)
        self._seen.situation = None
        return found


class WatchedDoubting(Watched):
    """The same for a policy that also looks at attempts which answered."""

    def reconsider(self, situation: Situation, tried: Decision) -> Decision | None:
        return second(self._policy, situation, tried, abstained=False)


def watched(policy: Policy) -> Watched:
    """A policy, watched."""
    return WatchedDoubting(policy) if isinstance(policy, Doubting) else Watched(policy)
