"""The engine of an arm: kept apart from the other arms' cache, described for the run, and freed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

from hybrid.cost.estimate import shape_named
from hybrid.engines.base import Engine
from hybrid.settings import Settings
from hybrid.settings.address import shown_in


def apart(settings: Settings, name: str) -> Settings:
    """The settings of an arm with a salt that keeps its prefix cache apart from other arms'.

    Otherwise the arm that comes second on a document would look cheaper than the first.
    """
    salt = f"{name} {uuid4().hex}"
    engines = {
        field: engine.model_copy(update={"cache_salt": salt})
        for field in ("engine", "long_engine")
        if (engine := getattr(settings, field)) is not None and engine.cache_salt is None
    }
    return settings.model_copy(update=engines)


def described(kind: str, settings: Settings, engines: Sequence[Engine]) -> dict[str, Any]:
    """The settings and engines of an arm; the first engine reads passages."""
    return {
        "kind": kind,
        "settings": shown_in(settings.model_dump(mode="json")),
        "engines": [{"name": engine.name, "window": engine.window} for engine in engines],
        "kept": _kept(settings, engines[0]),
    }


def _kept(settings: Settings, engine: Engine) -> dict[str, Any] | None:
    """The shape of the engine's model, to estimate its memory; None where the settings name no model."""
    if not engine.on_gpu or "shape" not in settings.cost.model_fields_set:
        return None
    return {"model": Path(settings.cost.shape).name, **asdict(shape_named(settings.cost))}


def free(engine: Engine) -> None:
    """Close an engine that can be closed."""
    close = getattr(engine, "close", None)
    if close is not None:
        close()
