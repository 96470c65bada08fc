"""Policies decide the route of a question: once before asking, and once more when the answer was an abstention.

A policy is pure: the same situation gives the same decision, live, in an evaluation and in a replay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from hybrid.errors import InputError
from hybrid.routing.kinds import Kind, kind
from hybrid.routing.situation import Situation
from hybrid.settings import RoutingSettings
from hybrid.types import Decision, Route, Rung

_ROUTES: dict[Rung, Route] = {"passages": "rag", "sections": "rag", "documents": "long", "corpus": "long"}
_SPREAD: tuple[Kind, ...] = ("comparison", "aggregation", "summary", "structure")


class Policy(Protocol):
    """Chooses how much is read for a question."""

    @property
    def name(self) -> str:
        """What it is called in settings and decisions."""

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


class Rag:
    """Always reads passages."""

    name = "rag"
    escalates = False

    def decide(self, situation: Situation) -> Decision:
        return made(self.name, situation, "passages", "the policy 'rag' always reads the best passages")

    def review(self, situation: Situation, tried: Decision) -> Decision | None:
        return None


class Long:
    """Always reads whole documents: all of them where they fit, else the best matching ones."""

    name = "long"
    escalates = False

    def decide(self, situation: Situation) -> Decision:
        rung, chunkwise, why = whole(situation)
        return made(self.name, situation, rung, f"the policy 'long' always reads whole documents: {why}", chunkwise)

    def review(self, situation: Situation, tried: Decision) -> Decision | None:
        return None


class Fits:
    """Reads everything where it fits the window, passages elsewhere: what most tools do today."""

    name = "fits"
    escalates = False

    def decide(self, situation: Situation) -> Decision:
        size, room = situation.tokens["corpus"], situation.rooms["corpus"]
        if situation.fits("corpus"):
            why = f"the whole corpus ({size:,} tokens) fits the {room:,} tokens that can be read at once"
            return made(self.name, situation, "corpus", why)
        why = f"the corpus ({size:,} tokens) does not fit the {room:,} tokens that can be read at once"
        return made(self.name, situation, "passages", why)

    def review(self, situation: Situation, tried: Decision) -> Decision | None:
        return None


class SelfRoute:
    """Passages first; whole documents where the passages do not answer (Li et al. 2024, arXiv 2407.16833).

    Both attempts are charged.
    """

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


class QuestionType:
    """Whole documents for what is spread over them, by the kind of the question alone (RAGRouter-Bench, 2602.00296).

    Comparisons, counts, summaries and questions on a document's order go long; single facts and reasons do not.
    """

    name = "question_type"
    escalates = False

    def decide(self, situation: Situation) -> Decision:
        found = kind(situation.question)
        if found not in _SPREAD:
            return made(self.name, situation, "passages", f"a question of the kind {found} is answered from passages")
        rung, chunkwise, why = whole(situation)
        return made(self.name, situation, rung, f"a question of the kind {found} needs the whole: {why}", chunkwise)

    def review(self, situation: Situation, tried: Decision) -> Decision | None:
        return None


class Forced:
    """Does as the user says.

    Args:
        route: the route to take; the rung follows from what fits.
        rung: how much to read; has to belong to the route.

    Raises:
        InputError: route and rung contradict each other.
    """

    escalates = False

    def __init__(self, route: Route | None, rung: Rung | None) -> None:
        if route and rung and _ROUTES[rung] != route:
            ours = [r for r, its in _ROUTES.items() if its == route]
            raise InputError(f"The rung {rung!r} is not on the route {route!r}; choose {' or '.join(ours)}.")
        self.name = "forced"
        self.route, self.rung = route, rung

    def decide(self, situation: Situation) -> Decision:
        if self.rung is None:
            if self.route == "rag":
                return made(self.name, situation, "passages", "you asked for the route rag")
            rung, chunkwise, why = whole(situation)
            return made(self.name, situation, rung, f"you asked for the route long: {why}", chunkwise)
        if self.rung == "corpus" and not situation.fits("corpus"):
            why = (
                f"you asked for the whole corpus; its {situation.tokens['corpus']:,} tokens are read in parts of at "
                f"most {situation.rooms['corpus']:,}"
            )
            return made(self.name, situation, "corpus", why, chunkwise=True)
        if self.rung == "documents" and situation.largest > situation.rooms["documents"]:
            return made(self.name, situation, "documents", _in_parts(situation), chunkwise=True)
        return made(self.name, situation, self.rung, f"you asked for the rung {self.rung}")

    def review(self, situation: Situation, tried: Decision) -> Decision | None:
        return None


def _calibrated() -> Policy:
    """With the carried weights and no limits; its module needs this one."""
    from hybrid.routing.calibrated import Calibrated

    return Calibrated()


POLICIES: dict[str, Callable[[], Policy]] = {
    "rag": Rag,
    "long": Long,
    "fits": Fits,
    "self_route": SelfRoute,
    "question_type": QuestionType,
    "calibrated": _calibrated,
}


def make_policy(settings: RoutingSettings, engine: Callable[[], str] = str, gpus: int = 1) -> Policy:
    """The policy of the settings.

    Args:
        engine: tells the name of the engine that will answer, for which weights may have been fitted.
        gpus: that share a call.

    Raises:
        SettingsError: the weights cannot be used.
        InputError: a limit that cannot be kept.
    """
    if settings.policy != "calibrated":
        return POLICIES[settings.policy]()
    from hybrid.routing.calibrated import Calibrated
    from hybrid.routing.weights import of_settings

    weights = of_settings(settings.weights, engine)
    return Calibrated(
        weights if settings.unanswerable is None else weights.at_share(settings.unanswerable),
        prefer=settings.prefer,
        accuracy_price=settings.accuracy_price,
        budget=settings.budget,
        latency=settings.latency,
        gpus=gpus,
    )


def whole(situation: Situation) -> tuple[Rung, bool, str]:
    """The long route that can be taken: rung, whether it has to be read chunk-wise, and why."""
    size, room = situation.tokens["corpus"], situation.rooms["corpus"]
    several = f"all {situation.documents} documents" if situation.documents > 1 else "the document"
    if situation.fits("corpus"):
        return "corpus", False, f"{several} ({size:,} tokens) fit{'' if situation.documents > 1 else 's'} the window"
    if situation.largest <= room:
        return "documents", False, f"the corpus ({size:,} tokens) does not fit {room:,}, the best matching documents do"
    return "documents", True, _in_parts(situation)


def _in_parts(situation: Situation) -> str:
    room = situation.rooms["documents"]
    return f"the best matching document ({situation.largest:,} tokens) is read in parts of at most {room:,} tokens"


def made(policy: str, situation: Situation, rung: Rung, reason: str, chunkwise: bool = False) -> Decision:
    """A decision with what the situation predicts and knows."""
    return Decision(
        route=_ROUTES[rung],
        rung=rung,
        chunkwise=chunkwise,
        policy=policy,
        reason=reason[0].upper() + reason[1:] + ".",
        predictions=tuple(situation.predictions.values()),
        features=dict(situation.features),
        ordering=situation.ordering if _ROUTES[rung] == "rag" else "",
    )
