"""What a call is expected to cost before it is made, and what it cost after.

The estimate is a roofline: time is the larger of arithmetic over the reachable rate and bytes over the reachable
bandwidth. Shares of the peaks that are reached are assumptions until they are fitted to an engine.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TypeVar

from hybrid.errors import SettingsError
from hybrid.models import carried, head_size, kv_heads, layers
from hybrid.settings import CostSettings
from hybrid.types import Cost, Usage

T = TypeVar("T")

REACHED_FLOPS = 0.5  # share of the peak rate in prefill: assumed
REACHED_BANDWIDTH = 0.7  # share of the peak bandwidth in decoding: assumed
_BYTES = 2  # per weight and per cached key or value: 16 bit


@dataclass(frozen=True, slots=True)
class Shape:
    """A dense transformer: what its cost depends on."""

    parameters: float  # billions
    layers: int
    heads: int
    kv_heads: int
    head_size: int

    @property
    def kv_bytes(self) -> int:
        """Bytes of keys and values per token in 16 bit."""
        return 2 * self.layers * self.kv_heads * self.head_size * _BYTES


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU's peaks."""

    tflops: float  # dense bfloat16
    bandwidth: float  # GB/s
    memory: float  # GiB
    watts: float
    dollars_per_hour: float
    source: str


@lru_cache
def shapes() -> dict[str, Shape]:
    """The carried models whose every layer reads everything, as shapes by name."""
    found = {}
    for name, model in carried().items():
        if model.parameters is None or {(part.kind, part.shared) for part in layers(model.config)} != {("full", False)}:
            continue  # estimates know neither windows nor latents yet
        config = model.config
        depth, heads = config["num_hidden_layers"], config["num_attention_heads"]
        found[name] = Shape(model.parameters, depth, heads, kv_heads(config), head_size(config))
    return found


@lru_cache
def gpus() -> dict[str, Gpu]:
    """The carried GPUs by name."""
    text = files("hybrid.cost").joinpath("gpus.toml").read_text("utf-8")
    return {name: Gpu(**row) for name, row in tomllib.loads(text).items()}


def gpu_named(name: str) -> Gpu:
    """A carried GPU.

    Raises:
        SettingsError: there is none of that name.
    """
    return _named(gpus(), name.lower(), "gpu")


def prefill_flops(shape: Shape, new: int, cached: int = 0) -> float:
    """Operations to read `new` tokens behind `cached` ones: weights, plus causal attention over all before."""
    context = new + cached
    attention = 4 * shape.layers * shape.heads * shape.head_size * (new * context - new * new / 2)
    return 2 * shape.parameters * 1e9 * new + attention


def gpu_seconds(shape: Shape, gpu: Gpu, prompt: int, output: int, cached: int = 0) -> float:
    """GPU-seconds of one request alone on its GPU: reading the prompt, then writing token by token.

    Args:
        prompt: tokens of the prompt, `cached` of which need not be computed.
        output: tokens written.
    """
    rate, bandwidth = gpu.tflops * 1e12 * REACHED_FLOPS, gpu.bandwidth * 1e9 * REACHED_BANDWIDTH
    weights = shape.parameters * 1e9 * _BYTES
    reading = max(prefill_flops(shape, max(0, prompt - cached), cached) / rate, weights / bandwidth)
    writing = output * (weights + shape.kv_bytes * (prompt + output / 2)) / bandwidth
    return reading + writing


def estimate(settings: CostSettings, prompt: int, output: int, cached: int = 0) -> Cost:
    """The expected cost of a call, by token prices where they are set, else for the named shape and GPU.

    Raises:
        SettingsError: the shape or the GPU is not known.
    """
    usage = Usage(calls=1, prompt_tokens=prompt, cached_tokens=cached, output_tokens=output)
    if settings.dollars_per_million_prompt is not None:
        return Cost(dollars=_by_tokens(settings, usage), basis="estimated", note="at your token prices")
    gpu, shape = _named(gpus(), settings.gpu, "cost.gpu"), _named(shapes(), settings.shape, "cost.shape")
    seconds = gpu_seconds(shape, gpu, prompt, output, cached)
    return Cost(
        gpu_seconds=seconds,
        dollars=seconds / 3600 * _hourly(settings, gpu),
        basis="estimated",
        note=f"{settings.shape} on {settings.gpu}",
    )


def price(settings: CostSettings, usage: Usage, *, on_gpu: bool) -> Cost:
    """What a call did cost.

    Args:
        on_gpu: whether the engine runs on a GPU that is paid for; False for the extractive engine.
    """
    if not on_gpu:
        return Cost(dollars=0.0, gpu_seconds=0.0, basis="measured", note="no GPU was used")
    if settings.dollars_per_million_prompt is not None:
        return Cost(dollars=_by_tokens(settings, usage), basis="measured", note="tokens used, at your prices")
    gpu = _named(gpus(), settings.gpu, "cost.gpu")
    seconds = usage.seconds * settings.gpus
    return Cost(
        gpu_seconds=seconds,
        dollars=seconds / 3600 * _hourly(settings, gpu),
        basis="measured",
        note=f"time of the calls on {settings.gpus} GPU; an upper bound where calls share it",
    )


def total(costs: list[Cost]) -> Cost:
    """The sum of costs of one basis; unknown parts make the sum unknown."""
    dollars = [c.dollars for c in costs if c.dollars is not None]
    seconds = [c.gpu_seconds for c in costs if c.gpu_seconds is not None]
    return Cost(
        dollars=sum(dollars) if len(dollars) == len(costs) else None,
        gpu_seconds=sum(seconds) if len(seconds) == len(costs) else None,
        basis="measured" if all(c.basis == "measured" for c in costs) else "estimated",
        note="; ".join(dict.fromkeys(c.note for c in costs)),
    )


def _by_tokens(settings: CostSettings, usage: Usage) -> float:
    prompt = settings.dollars_per_million_prompt or 0.0
    cached = prompt if settings.dollars_per_million_cached is None else settings.dollars_per_million_cached
    output = settings.dollars_per_million_output or 0.0
    computed = usage.prompt_tokens - usage.cached_tokens
    return (computed * prompt + usage.cached_tokens * cached + usage.output_tokens * output) / 1e6


def _hourly(settings: CostSettings, gpu: Gpu) -> float:
    return gpu.dollars_per_hour if settings.dollars_per_gpu_hour is None else settings.dollars_per_gpu_hour


def _named(known: Mapping[str, T], name: str, setting: str) -> T:
    if name not in known:
        raise SettingsError(f"The setting {setting!r} names {name!r}, which is not known; known: {', '.join(known)}.")
    return known[name]
