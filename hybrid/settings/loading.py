"""Loading the settings: from a file, from the environment, and from arguments.

An empty variable counts as not set, because scripts and compose files pass on unset ones as empty.

An engine that a later layer names answers for whole documents too, unless that layer names a long engine as well:
otherwise half of the questions would still go to the file's server.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hybrid.errors import SettingsError
from hybrid.files import read_text
from hybrid.registry import hint
from hybrid.settings.cost import Hardware, overrule_costs
from hybrid.settings.engine import ADDRESSES, EngineSettings, overrule_engine
from hybrid.settings.routing import overrule_routing
from hybrid.settings.serve import KeySettings
from hybrid.settings.settings import Settings

FILE = "hybrid.toml"
PREFIX = "HYBRID_"
# what a layer drops from those below: only keys of one layer have to fit together
_OVERRULE: dict[str, Callable[[dict[str, Any], Mapping[str, Any]], None]] = {
    "engine": overrule_engine,
    "long_engine": overrule_engine,
    "routing": overrule_routing,
    "cost": overrule_costs,
}
_TABLES: dict[str, Any] = {"long_engine": EngineSettings, "hardware": Hardware, "keys": KeySettings}
_NAMED = (Hardware, KeySettings)  # tables by names that the user chooses
_SECRET = frozenset(("key", "keys"))  # settings that no message repeats; nor an address with a password in it
_SHAPES = {  # pydantic speaks of Python's types
    "tuple_type": 'write a list, such as ["..."]',
    "dict_type": "it has to be a table, which only a settings file can hold",
    "model_type": "it has to be a table, which only a settings file can hold",
    "string_too_short": "it is empty; name something, or leave it out",
}


def load(
    file: str | Path | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | Sequence[Mapping[str, Mapping[str, Any]]] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from `file` (default: `hybrid.toml` here, if there is one), the environment and `overrides`.

    Args:
        file: a TOML file; it must exist when named.
        overrides: section -> key -> value; values that are None are ignored. Of several the last one wins.
        environ: the environment to read, `os.environ` by default.

    Raises:
        SettingsError: a file that cannot be read, an unknown key or a value that does not fit, by name.
    """
    merged: dict[str, dict[str, Any]] = {}
    arguments = [overrides or {}] if isinstance(overrides, Mapping | None) else overrides
    layers = (_from_file(file), _from_environment(environ), *arguments)
    for layer in layers:
        _overrule_the_long_engine(merged, layer)
        for section, values in layer.items():
            if not isinstance(values, Mapping):
                raise SettingsError(f"The setting {section!r} must be a table of keys, like [{section}].")
            known, given = merged.setdefault(section, {}), _said(values)
            if section in _OVERRULE:
                _OVERRULE[section](known, given)
            known.update(given)
    return validated(merged)


def tells_of(section: str, file: str | Path | None = None, environ: Mapping[str, str] | None = None) -> bool:
    """Whether the settings file or the environment says anything about a section."""
    return section in _from_file(file) or section in _from_environment(environ)


def validated(given: Mapping[str, Mapping[str, Any]]) -> Settings:
    """The settings in some tables, without a file and the environment.

    Raises:
        SettingsError: an unknown key or a value that does not fit, by name.
    """
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


def _overrule_the_long_engine(known: dict[str, dict[str, Any]], given: Mapping[str, Any]) -> None:
    """Forget the long engine below a layer that names an engine and no long one; a window counts for both."""
    engine, long_engine = (_said(given.get(section)) for section in ("engine", "long_engine"))
    below = known.get("long_engine")
    if below is None or _names_another(long_engine, below):
        return
    if _names_another(engine, known.get("engine", {})):
        below.pop("window", None)  # it was that of the engine below
        if _names_another(below, {}) or not below:
            del known["long_engine"]
    elif "window" in engine:
        below["window"] = engine["window"]


def _said(section: Any) -> dict[str, Any]:
    return {key: value for key, value in section.items() if value is not None} if isinstance(section, Mapping) else {}


def _names_another(engine: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether some settings name another engine than those below."""
    kind = known.get("kind") or ("server" if any(known.get(key) for key in ADDRESSES) else None)
    return bool({"model", *ADDRESSES} & set(engine)) or engine.get("kind", kind) != kind


def _from_file(file: str | Path | None) -> Mapping[str, Any]:
    path = Path(file) if file is not None else Path(FILE)
    if file is None and not path.is_file():
        return {}
    try:
        return tomllib.loads(read_text(path, f"the settings file {path}", SettingsError))
    except ValueError as error:  # also for a number of thousands of digits
        raise SettingsError(f"The settings file {path} is not valid TOML: {error}.") from None


def _from_environment(environ: Mapping[str, str] | None) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    sections = sorted(Settings.model_fields, key=len, reverse=True)  # long_engine before engine
    for name, value in sorted((os.environ if environ is None else environ).items()):
        if not name.startswith(PREFIX) or name.startswith("HYBRID_COMPLETE") or not value.strip():
            continue
        rest = name.removeprefix(PREFIX).lower()
        section = next((s for s in sections if rest.startswith(s + "_")), None)
        if section is None:
            raise SettingsError(
                f"The environment variable {name} names no setting; it should begin with {PREFIX} and one of: "
                f"{', '.join(s.upper() for s in Settings.model_fields)}."
            )
        key = rest.removeprefix(section + "_")
        found.setdefault(section, {})[key] = _listed(section, key, value)
    return found


def _listed(section: str, key: str, value: str) -> Any:
    """Comma-separated text as a tuple if the setting is one, else the text itself; pydantic does the rest."""
    model: Any = EngineSettings if section == "long_engine" else Settings.model_fields[section].annotation
    field = model.model_fields.get(key)
    if field is not None and str(field.annotation).startswith("tuple"):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _sentence(error: ValidationError) -> str:
    """The first fault of a validation as one sentence with its remedy."""
    faults = error.errors()
    fault = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])  # it explains the others
    path = [str(part) for part in fault["loc"]]
    where = ".".join(path)
    if fault["type"] == "extra_forbidden":
        model: Any = Settings
        for part in path[:-1]:
            model = _TABLES.get(part) or model.model_fields[part].annotation
            if model in _NAMED:
                break
        return f"Unknown setting {where!r}; {hint(path[-1], model.model_fields, 'known here:')}"
    if fault["type"] == "value_error":
        told = str(fault["msg"]).removeprefix("Value error, ")
        return f"In the settings of [{where}] {told}."
    if fault["type"] == "missing":
        return f"The setting {where!r} is missing."
    told = _SHAPES.get(fault["type"], f"{fault['msg'][0].lower()}{fault['msg'][1:]}")
    if (least := fault.get("ctx", {}).get("min_length", 1)) > 1:
        told = f"it has to have at least {least} characters"
    given = repr(fault.get("input"))
    if _SECRET.intersection(path) or (set(ADDRESSES).intersection(path) and "@" in given):
        given = "what is given"
    return f"The setting {where!r} cannot be {given}: {told}."
