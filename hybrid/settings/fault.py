"""A fault in the settings, as a sentence with its remedy."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from hybrid.settings.cost import Hardware
from hybrid.settings.engine import EngineSettings
from hybrid.settings.settings import Settings

_TABLES: dict[str, Any] = {"long_engine": EngineSettings, "hardware": Hardware}
_SHAPES = {  # pydantic speaks of Python's types
    "tuple_type": 'write a list, such as ["..."]',
    "dict_type": "it has to be a table, which only a settings file can hold",
    "model_type": "it has to be a table, which only a settings file can hold",
    "string_too_short": "it is empty; name something, or leave it out",
}


def sentence(error: ValidationError) -> str:
    """The first fault of a validation as one sentence with its remedy."""
    faults = error.errors()
    fault = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])  # it explains what is lacking
    path = [str(part) for part in fault["loc"]]
    where = ".".join(path)
    if fault["type"] == "extra_forbidden":
        model: Any = Settings
        for part in path[:-1]:
            model = _TABLES.get(part) or model.model_fields[part].annotation
            if model is Hardware:  # what follows is the name of a GPU
                break
        near = get_close_matches(path[-1], model.model_fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(model.model_fields)}."
        return f"Unknown setting {where!r}; {hint}"
    if fault["type"] == "value_error":
        told = str(fault["msg"]).removeprefix("Value error, ")
        return f"In the settings of [{where}] {told}."
    told = _SHAPES.get(fault["type"], f"{fault['msg'][0].lower()}{fault['msg'][1:]}")
    return f"The setting {where!r} cannot be {fault.get('input')!r}: {told}."
