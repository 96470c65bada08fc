"""The models of shapes.toml, by name and by the hub names of their variants, without a network."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

from hybrid.model.config import Model

_WEIGHTS = re.compile(  # marks of quantization in a name
    r"[-_.](?:awq|gptq|nvfp4|mxfp4|fp4|fp8|bnb|bitsandbytes|gguf|mlx|quantized|autoround|i?q\d_\w+|w\d+a\d+|"
    r"int[2-8]|[2-8]-?bits?|g\d{2,3}|dynamic)(?=$|[-_.])"
)
_BITS = re.compile(r"(?:w|int|i?q)?(\d)(?:a\d+|-?bits?|_\w+)?")
_VARIANT = re.compile(r"[-_](?:instruct|chat|base|it|pt|hf|unsloth|dynamic)(?=$|[-_])")  # of the same shape
_OWN = ("hub", "also", "like", "parameters", "active_parameters", "effective")  # no keys of a config.json


@lru_cache
def carried() -> dict[str, Model]:
    """The models of shapes.toml by name."""
    return {
        name: Model(
            name=name,
            config={**_config(_rows()[row["like"]] if "like" in row else {}), **_config(row)},
            parameters=row["parameters"],
            active=row.get("active_parameters"),
            effective=row.get("effective"),
        )
        for name, row in _rows().items()
    }


def _config(row: dict[str, Any]) -> dict[str, Any]:
    return {key: told for key, told in row.items() if key not in _OWN}


def carried_like(what: str) -> Model | None:
    """The carried model of a name or a hub name, also for a variant of the same shape or a quantized form.

    `Qwen/Qwen3-8B`, `qwen/qwen3-8b-base` and `Qwen/Qwen3-8B-AWQ` are all `qwen3-8b`; the last with weights of 4 bits.
    """
    if what.lower() in carried():
        return carried()[what.lower()]
    if what.count("/") != 1:
        return None
    bare, method = _bare(what)
    for name, row in _rows().items():
        if bare in (_bare(row["hub"])[0], *(_bare(f"x/{other}")[0] for other in row.get("also", ()))):
            model = carried()[name]
            if method is None:
                return model
            return replace(model, config={**model.config, "quantization_config": method})
    return None


def hub_name(what: str) -> str:
    """The name by which vLLM finds a model: the hub name of a carried one, any other name unchanged."""
    return _rows()[what.lower()]["hub"] if what.lower() in _rows() else what


@lru_cache
def _rows() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("hybrid.model").joinpath("shapes.toml").read_text("utf-8"))


def _bare(hub: str) -> tuple[str, dict[str, Any] | None]:
    """A hub name without its owner and its variant, and the quantization_config that its marks stand for."""
    name = hub.lower().rpartition("/")[2]
    marks = [mark[1:] for mark in _WEIGHTS.findall(name)]
    name = _WEIGHTS.sub("", name).removeprefix("meta-")
    while (shorter := _VARIANT.sub("", name)) != name:
        name = shorter
    return name, _method(marks)


def _method(marks: Sequence[str]) -> dict[str, Any] | None:
    """The quantization_config that the marks in a name stand for; None if there are no marks."""
    told = next((int(found[1]) for mark in marks if (found := _BITS.fullmatch(mark))), None)
    group = next((int(mark[1:]) for mark in marks if re.fullmatch(r"g\d+", mark)), 128)
    if "gguf" in marks or any(mark.startswith(("q", "iq")) and "_" in mark for mark in marks):
        return {"quant_method": "gguf", "bits": told}
    if {"bnb", "bitsandbytes"} & set(marks):
        half = {"load_in_4bit": True, "bnb_4bit_use_double_quant": True}
        return {"quant_method": "bitsandbytes", **({"load_in_8bit": True} if told == 8 else half)}
    named = next((mark for mark in marks if mark in ("awq", "gptq", "autoround")), None)
    if named is not None:
        return {"quant_method": named, "bits": told or 4, "group_size": group}
    if {"nvfp4", "fp4"} & set(marks):
        return {"quant_method": "modelopt", "quant_algo": "NVFP4"}
    if "mxfp4" in marks:
        return _packed(4, 32, "float")
    if "fp8" in marks:
        return {"quant_method": "fp8"}
    return None if told is None else _packed(told, group, "int")


def _packed(bits: int, group: int, kind: str) -> dict[str, Any]:
    """A quantization_config of compressed-tensors; weights of 8 bits share a scale by row."""
    weights = {"num_bits": bits, "type": kind, "strategy": "group" if bits < 8 else "channel", "group_size": group}
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": weights}}}
