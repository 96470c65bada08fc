"""The servers that a model and a context need: a native one, and an extended one for a longer context."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hybrid.errors import InputError
from hybrid.model.carried import hub_name
from hybrid.model.config import Model
from hybrid.model.extension import extend
from hybrid.serving.memory import check_split
from hybrid.serving.served import Served

LAST_PORT = 65535
SMALLEST = 64  # tokens: the smallest window of the settings


def plan(
    known: Model,
    model: str,
    context: int | None = None,
    *,
    only: str | None = None,
    name: str | None = None,
    port: int = 8000,
    **how: Any,
) -> tuple[list[Served], list[str]]:
    """The servers for a model and a context, the native one first, and warnings for the user.

    Args:
        model: the folder or hub name that `known` was read from.
        context: tokens to read at once; None for the model's own window.
        only: `native` or `extended` for one server instead of two.
        name: to serve it under; None for the folder's or the hub's.
        port: of the first; the second takes the next.
        how: further fields of `Served`, for both.

    Raises:
        InputError: the context is too small, or has no effect with `only`, or the model cannot be split as `how` says.
    """
    check_split(known, how.get("tensor_parallel", 1), how.get("pipeline_parallel", 1))
    native = extend(known.config, 1).native
    context = native if context is None else context
    long = extend(known.config, context)
    folder = Path(model).expanduser()
    served_as = str(folder.resolve()) if folder.is_dir() else hub_name(model)
    if context < SMALLEST:
        raise InputError(f"A window of {context} tokens is too small to serve: give --context, {SMALLEST} or more.")
    if only == "extended" and not long.overrides:
        raise InputError(
            f"{model} reads {native:,} tokens as it is, so a context of {context:,} needs no extended server: ask for "
            "a longer --context or leave out --only extended."
        )
    if only == "native" and context > native:
        raise InputError(
            f"The native server of {model} reads {native:,} tokens, so a context of {context:,} has no effect: leave "
            "out --only native or --context."
        )
    windows: list[tuple[int, Mapping[str, Any]]] = []
    if only != "extended":
        windows.append((native if long.overrides else long.window, {}))
    if only != "native" and long.overrides:
        windows.append((long.window, long.overrides))
    if port + len(windows) - 1 > LAST_PORT:
        raise InputError(f"The second server takes the port after {port}, and there is none: give a lower --port.")
    shown = name or (Path(served_as).name if folder.is_dir() else served_as)
    served = [Served(served_as, shown, *window, port=port + i, **how) for i, window in enumerate(windows)]
    return served, list(long.warnings) if only != "native" else []
