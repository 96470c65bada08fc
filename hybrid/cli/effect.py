"""Options without an effect are refused, because whoever wrote them expects one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

from hybrid.errors import InputError
from hybrid.settings import Settings


def written(parameter: str) -> bool:
    """Whether the command line gives a parameter, even with its default."""
    context = click.get_current_context(silent=True)
    return context is not None and context.get_parameter_source(parameter) is ParameterSource.COMMANDLINE


def refuse(option: str, why: str, remedy: str = "leave one of them out") -> None:
    """Raise InputError: an option has no effect."""
    raise InputError(f"{option} has no effect {why}: {remedy}.")


def check_effects(options: Mapping[str, Any], settings: Settings, *, weighed: bool) -> None:
    """Raise InputError for an option that has no effect beside the others and the settings.

    Args:
        weighed: whether the decision is for a named model, and not for the engine of the settings.
    """
    forced = next((f"--{name}" for name in ("route", "rung") if options.get(name)), None)
    for name in ("policy", "prefer"):
        if forced and options.get(name):
            refuse(f"--{name}", f"where {forced} says what is read")
    if options.get("prefer") and settings.engine.kind == "extractive" and not weighed:
        refuse("--prefer", "with the engine that quotes, which weighs no ways", "leave it out, or name a --url")
    if options.get("k") and (whole := _whole(options, settings)):
        raise InputError(f"-k counts the passages of the route rag, but {whole} reads whole documents: leave one out.")


def _whole(options: Mapping[str, Any], settings: Settings) -> str:
    """The option or setting that has only whole documents read; empty if there is none."""
    routing = settings.routing
    if routing.explore:  # the other route answers too
        return ""
    for route, rung, lead in (
        (options.get("route"), options.get("rung"), "--"),
        (routing.route, routing.rung, "routing."),
    ):
        if rung is not None:
            return f"{lead}rung {rung}" if rung in ("documents", "corpus", "each") else ""
        if route is not None:
            return f"{lead}route long" if route == "long" else ""
    return "the policy 'long'" if routing.policy == "long" else ""
