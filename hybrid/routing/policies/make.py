"""The policy that the settings ask for."""

from __future__ import annotations

from collections.abc import Callable

from hybrid.routing.policies.calibrated import Calibrated
from hybrid.routing.policy import Policy
from hybrid.routing.weights import of_settings
from hybrid.settings import RoutingSettings
from hybrid.settings.names import POLICIES


def make_policy(settings: RoutingSettings, engine: Callable[[], str] = str, gpus: int = 1) -> Policy:
    """The policy of the settings.

    Args:
        engine: tells the name of the engine that will answer; weights may be for one engine only.
        gpus: that share a call.

    Raises:
        SettingsError: the weights cannot be used.
        InputError: a limit that cannot be kept.
    """
    if settings.policy != "calibrated":
        policy: Policy = POLICIES[settings.policy]()
        return policy
    weights = of_settings(settings.weights, engine)
    return Calibrated(
        weights if settings.unanswerable is None else weights.at_share(settings.unanswerable),
        prefer=settings.prefer,
        accuracy_price=settings.accuracy_price,
        budget=settings.budget,
        latency=settings.latency,
        gpus=gpus,
    )
