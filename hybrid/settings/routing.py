"""The settings of the way that a question takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from hybrid.settings.names import OrderingSetting, PolicyName
from hybrid.settings.section import Name, Section
from hybrid.types import EACH, Route, Rung

_OF_CALIBRATED = ("prefer", "accuracy_price", "budget", "batch_budget", "latency", "weights", "unanswerable")


class RoutingSettings(Section):
    """Which way a question takes."""

    policy: PolicyName = "calibrated"
    prefer: Literal["accuracy", "balance", "cost"] = Field("balance", description="what the policy calibrated aims at")
    accuracy_price: float | None = Field(
        None, gt=0, description="dollars that one right answer is worth; None: as `prefer` says, 10, 0.3 or 0.05"
    )
    budget: float | None = Field(None, gt=0, description="dollars that one question may take, all attempts")
    batch_budget: float | None = Field(None, gt=0, description="dollars for all questions of a batch together")
    latency: float | None = Field(None, gt=0, description="seconds that 95 % of the answers should stay within")
    weights: Name | None = Field(
        None, description="file of `hybrid calibrate router`; None: hybrid-router.json here, else the carried ones"
    )
    adaptive_k: bool = Field(False, description="read passages only up to the largest gap in their scores")
    explore: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the questions that the other route answers too, once the answer is there, so that "
        "`hybrid calibrate router` can learn from them; charged, and of no effect on the answer",
    )
    explore_seed: int = Field(0, description="draws other questions for `explore`; the same question is always drawn")
    route: Route | None = Field(None, description="force a route")
    rung: Rung | None = Field(None, description="force how much is read")
    ordering: OrderingSetting = Field(
        "auto",
        description="of passages; auto: up to 8 by relevance, more by the curve of the engine's profile, else edges",
    )
    curve: tuple[float, ...] = Field((), description="measured score by position, first to last, for ordering 'curve'")
    unanswerable: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="share of your questions that the documents do not answer, for the policy calibrated; None: as in "
        "the data its weights come from (a quarter, by weight, of LaRA)",
    )
    profile: Name | None = Field(
        None, description="file of `hybrid calibrate window`; None: hybrid-profile.json here, if it is of the engine"
    )

    @model_validator(mode="after")
    def _every_key_has_an_effect(self) -> RoutingSettings:
        for key, why in self._without_effect().items():
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"the key {key!r} has no effect {why}")
        return self

    def _without_effect(self) -> dict[str, str]:
        """The keys that have no effect beside the others, and why."""
        found: dict[str, str] = {}
        explores = {"budget"} if self.explore else set()  # exploring keeps to the budget of a question
        if self.route is not None or self.rung is not None:
            forced = "route" if self.route is not None else "rung"
            why = f"where the {forced} is forced: leave one of them out"
            found |= dict.fromkeys(("policy", *_OF_CALIBRATED, "explore", "explore_seed"), why)
            if self.rung == EACH:  # which is priced before it starts, and refused beyond the budget
                del found["budget"]
        elif self.policy != "calibrated":
            why = f"with the policy {self.policy!r}: leave it out, or take the policy 'calibrated'"
            found |= {key: why for key in _OF_CALIBRATED if key not in explores}
        if self.ordering == "curve" and len(self.curve) < 2:
            raise ValueError("the ordering 'curve' needs scores at 2 positions or more: set 'curve', or take 'auto'")
        if self.ordering not in ("auto", "curve"):
            found["curve"] = f"with the ordering {self.ordering!r}: leave it out, or take the ordering 'curve'"
        if not self.explore:
            found.setdefault("explore_seed", "where 'explore' is 0: set that, or leave it out")
        if self.accuracy_price is not None:
            found.setdefault("prefer", "where 'accuracy_price' is set: leave one of them out")
        return found


def overrule_routing(known: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Drop keys that a new policy, a forced route or rung, an ordering or a price of accuracy overrules."""
    forced = given.get("route") or given.get("rung")
    kept = {"budget"} if given.get("rung") == EACH else set[str]()
    gone = {"policy", "explore", "explore_seed"} if forced else {"route", "rung"} if given.get("policy") else set()
    if forced or given.get("policy", "calibrated") != "calibrated":
        gone.update(_OF_CALIBRATED)
    if given.get("ordering", "auto") not in ("auto", "curve"):
        gone.add("curve")
    if "accuracy_price" in given:
        gone.add("prefer")
    if "prefer" in given:
        gone.add("accuracy_price")
    for key in gone - kept:
        known.pop(key, None)
