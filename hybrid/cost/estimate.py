"""What a call is expected to cost before it is made, and what it cost after.

The estimate is a roofline: time is the larger of arithmetic over the reachable rate and bytes over the reachable
bandwidth. Shares of the peaks that are reached are assumptions until they are fitted to an engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from hybrid.cost.gpus import Gpu, gpus, named
from hybrid.cost.price import by_tokens, hourly
from hybrid.models import carried, head_size, kv_heads, layers
from hybrid.settings import CostSettings
from hybrid.types import Cost, Usage

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
        return Cost(dollars=by_tokens(settings, usage), basis="estimated", note="at your token prices")
    gpu, shape = named(gpus(), settings.gpu, "cost.gpu"), named(shapes(), settings.shape, "cost.shape")
    seconds = gpu_seconds(shape, gpu, prompt, output, cached)
    return Cost(
        gpu_seconds=seconds,
        dollars=seconds / 3600 * hourly(settings),
        basis="estimated",
        note=f"{settings.shape} on {settings.gpu}",
    )
