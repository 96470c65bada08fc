"""The route or the rung that the user forces."""

from __future__ import annotations

from hybrid.errors import InputError
from hybrid.routing.across import asked
from hybrid.routing.policy import Once, in_parts, made, whole
from hybrid.routing.situation import ROUTES, Situation
from hybrid.types import EACH, Decision, Route, Rung


class Forced(Once):
    """Does as the user says.

    Args:
        route: the route to take; the rung follows from what fits.
        rung: how much to read; has to belong to the route.

    Raises:
        InputError: route and rung contradict each other.
    """

    name = "forced"

    def __init__(self, route: Route | None, rung: Rung | None) -> None:
        if route and rung and ROUTES[rung] != route:
            ours = [r for r, its in ROUTES.items() if its == route]
            raise InputError(f"The rung {rung!r} is not on the route {route!r}; choose {' or '.join(ours)}.")
        self.route, self.rung = route, rung

    def decide(self, situation: Situation) -> Decision:
        if self.rung is None:
            if self.route == "rag":
                return made(self.name, situation, "passages", "you asked for the route rag")
            rung, chunkwise, why = whole(situation)
            return made(self.name, situation, rung, f"you asked for the route long: {why}", chunkwise)
        if self.rung == EACH:
            price = f" ({asked(situation, situation.each)})" if situation.each is not None else ""
            return made(self.name, situation, EACH, f"you asked for the rung each{price}")
        if self.rung == "corpus" and not situation.fits("corpus"):
            why = (
                f"you asked for the whole corpus; its {situation.tokens['corpus']:,} tokens are read in parts of at "
                f"most {situation.rooms['corpus']:,}"
            )
            return made(self.name, situation, "corpus", why, chunkwise=True)
        if self.rung == "documents" and situation.largest > situation.rooms["documents"]:
            return made(self.name, situation, "documents", in_parts(situation), chunkwise=True)
        return made(self.name, situation, self.rung, f"you asked for the rung {self.rung}")
