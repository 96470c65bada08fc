"""The hybrid.toml that names the engines of running servers; the rest of it stays as it is."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hybrid.errors import SettingsError
from hybrid.serving.router import Router
from hybrid.serving.served import Served


def with_engines(path: Path, servers: Sequence[Served | Router], *, force: bool = False) -> str:
    """The text of `path` with [engine] for the first server and [long_engine] for the second; the rest stays.

    Raises:
        SettingsError: the file names other engines (and `force` is not given), or is not valid TOML.
    """
    new = "\n".join(_table(name, s) for name, s in zip(("engine", "long_engine"), servers, strict=False))
    if not os.access(path.parent, os.W_OK):
        raise SettingsError(f"There is no folder {path.parent} to write {path.name} into: name another with --write.")
    try:
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        had = tomllib.loads(old)
    except (OSError, ValueError) as error:
        raise SettingsError(f"Cannot add the engines to {path}: {error}. Name another file with --write.") from None
    ours = ("engine", "long_engine")
    wanted = tomllib.loads(new)
    if all(had.get(name) == wanted.get(name) for name in ours):
        return old
    named = [f"[{name}]" for name in ours if name in had and had[name] != wanted.get(name)]
    if named and not force:
        raise SettingsError(
            f"{path} names other engines in {' and '.join(named)}: replace them with --force, or name another file "
            "with --write."
        )
    kept = _without(old, ours)
    text = f"{kept.rstrip()}\n\n{new}" if kept.strip() else new
    rest = {name: table for name, table in had.items() if name not in ours}
    with suppress(tomllib.TOMLDecodeError):
        if tomllib.loads(text) == {**rest, **wanted}:
            return text
    raise SettingsError(f"Cannot add the engines to {path} as it is written: name another file with --write.")


def _table(name: str, served: Served | Router) -> str:
    """One engine as a table of TOML; JSON's strings are TOML's."""
    lines = [
        f"[{name}]  # {served.kind}",
        'kind = "server"',
        f"url = {json.dumps(served.url)}",
        f"model = {json.dumps(served.name, ensure_ascii=False)}",
        f"window = {served.window}",
    ]
    if os.environ.get("VLLM_API_KEY"):
        lines.append('api_key_env = "VLLM_API_KEY"')
    return "\n".join(lines) + "\n"


def _without(text: str, tables: Sequence[str]) -> str:
    """TOML without some of its tables."""
    kept, skipping = [], False
    for line in text.splitlines(keepends=True):
        header = re.match(r"\s*\[+\s*([\w-]+)", line)
        if header:
            skipping = header[1] in tables
        if not skipping:
            kept.append(line)
    return "".join(kept)
