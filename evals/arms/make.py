"""Arms made as a suite describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hybrid.evals.arms.arm import Arm
from hybrid.evals.arms.hybrid import HybridArm
from hybrid.evals.arms.plain import FunctionArm, QueryEngineArm, RawArm
from hybrid.evals.arms.shared import Shared
from hybrid.evals.suite import ArmSpec, Suite, merged, target

from hybrid.errors import InputError
from hybrid.settings import Settings, load


def make_arms(suite: Suite, config: str | None, given: Mapping[str, Mapping[str, Any]]) -> list[Arm]:
    """The arms of a suite: settings file and environment, then the suite, what is given, and the arm's own.

    Args:
        given: section -> key -> value, from the command line or the servers that were started.

    Raises:
        UserError: one of them cannot be made as it is described.
    """
    shared = Shared()
    common = merged(suite.settings, given)
    return [make_arm(spec, load(config, [common, spec.settings]), shared) for spec in suite.arms]


def make_arm(spec: ArmSpec, settings: Settings, shared: Shared | None = None) -> Arm:
    """The arm of a specification.

    Args:
        settings: those of the suite, the command line and the arm together.
        shared: embedders and indexes of all arms of the run.

    Raises:
        SettingsError: the settings do not fit the kind.
        InputError: the target cannot be imported.
    """
    if spec.kind == "hybrid":
        return HybridArm(spec.name, settings, shared)
    if spec.kind == "raw":
        return RawArm(spec.name, settings)
    arm, function = QueryEngineArm if spec.kind == "llama_index" else FunctionArm, target(spec.target)
    if not callable(function):
        raise InputError(f"The target {spec.target!r} of the arm {spec.name!r} is no function: it cannot be called.")
    return arm(spec.name, function, spec.concurrency)
