"""The policies by name, and the one that the settings ask for."""

from __future__ import annotations

from collections.abc import Callable

from hybrid.registry import Registry
from hybrid.routing.policies.calibrated import Calibrated
from hybrid.routing.policies.fits import Fits
from hybrid.routing.policies.long import Long
from hybrid.routing.policies.question_type import QuestionType
from hybrid.routing.policies.rag import Rag
from hybrid.routing.policies.self_route import SelfRoute
from hybrid.routing.policy import Policy
from hybrid.routing.weights import of_settings
from hybrid.settings import RoutingSettings

# How each is made without settings; `hybrid.settings.PolicyName` lists the names too.
POLICIES = Registry[Callable[[], Policy]](
    "policy",
    {
        "rag": Rag,
        "long": Long,
        "fits": Fits,
        "self_route": SelfRoute,
        "question_type": QuestionType,
        "calibrated": Calibrated,
    },
)


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
    weights = of_settings(settings.weights, engine)
    return Calibrated(
        weights if settings.unanswerable is None else weights.at_share(settings.unanswerable),
        prefer=settings.prefer,
        accuracy_price=settings.accuracy_price,
        budget=settings.budget,
        latency=settings.latency,
        gpus=gpus,
    )
