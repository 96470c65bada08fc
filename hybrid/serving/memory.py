"""The memory of a model and its requests, and how they fit GPUs: arithmetic on the model's configuration."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from hybrid.errors import InputError
from hybrid.model.config import Config, Model
from hybrid.model.layers import depth, kv_heads, layers, query_heads

BITS = (16, 8, 4)
GIB = 2**30
UTILIZATION = 0.9  # share of a GPU's memory that the engine takes
WORKSPACE = 2.0  # GiB per GPU for activations and buffers: assumed
MOST = 64  # GPUs at most that a layer is split over


@dataclass(frozen=True, slots=True)
class Cache:
    """Keys and values in one precision, over all GPUs of one copy of the model."""

    bits: int
    per_token: float  # bytes for one more token at the end of the window
    per_request: float  # bytes for a request that fills the window
    first: float  # bytes for each of the first tokens, which every layer keeps
    until: int  # tokens after which each takes only `per_token`; the window if that makes no difference


@dataclass(frozen=True, slots=True)
class Split:
    """The GPUs that a model is spread over."""

    tensor: int = 1  # that share a layer
    pipeline: int = 1  # groups that share the layers
    copies: int = 1  # of the model
    ring: int = 1  # parts of a request's cache, each on GPUs with all weights


@dataclass(frozen=True, slots=True)
class Fit:
    """How a plan fits GPUs of one kind."""

    gpu: str
    memory: float  # GiB of each
    gpus: int  # in all: tensor x pipeline x data x context parallel
    weights: float  # GiB on each
    free: float  # GiB on each that are left for the cache; negative: the weights alone do not fit
    requests: int  # that fill the window, at once, over all copies
    longest: int  # tokens of the longest request that fits, at most the plan's
    missing: float  # GiB on each that one request lacks; 0 if it fits
    needed: int | None  # GPUs of this kind that hold one request, with tensor parallelism; None: more than 64


def kv_bytes(config: Config, tokens: int, bits: int = 16) -> float:
    """Bytes of keys, values and states that a request of `tokens` keeps, over all layers."""
    return sum(part.kept(tokens) for part in layers(config)) * bits / 8


def kv_per_gpu(config: Config, tokens: int, bits: int, tensor: int, pipeline: int) -> float:
    """Bytes of a request on each GPU: tensor parallelism splits heads, at most into single ones, and never latents."""
    heads = kv_heads(config) if any(part.kind != "state" for part in layers(config)) else tensor
    total = 0.0
    for part in layers(config):
        ways = 1 if part.shared else tensor if part.kind == "state" else min(tensor, heads)
        total += part.kept(tokens) / ways
    return total * bits / 8 / pipeline


def cache(config: Config, context: int, bits: int) -> Cache:
    """The cache of a request of `context` tokens, in as many bits."""
    kept = [part for part in layers(config) if part.kind != "state"]
    grow = [part for part in kept if part.reach is None or part.reach >= context]  # the others forget a token for each
    return Cache(
        bits,
        per_token=sum(part.count * part.numbers for part in grow) * bits / 8,
        per_request=kv_bytes(config, context, bits),
        first=sum(part.count * part.numbers for part in kept) * bits / 8,
        until=min([context, *(part.reach for part in kept if part.reach is not None)]),
    )


def fit(
    name: str,
    memory: float,
    model: Model,
    context: int,
    split: Split = Split(),
    *,
    weight_bytes: float,
    bits: int = 16,
    utilization: float = UTILIZATION,
) -> Fit:
    """How a model and requests of `context` tokens fit GPUs of `memory` GiB each.

    Args:
        weight_bytes: of one copy of the model.
        bits: of a key or value.
        utilization: share of the memory that the engine takes.
    """

    def free(ways: int) -> float:
        return memory * utilization - WORKSPACE - weight_bytes / GIB / ways

    def request(ways: int, tokens: int = context) -> float:
        return kv_per_gpu(model.config, tokens, bits, ways, split.pipeline) / GIB / split.ring

    each = split.tensor * split.pipeline
    room, one = free(each), request(split.tensor)
    sizes = tensor_sizes(model.config) or [2**n for n in range(7)]
    enough = (ways for ways in sizes if ways <= MOST and free(ways * split.pipeline) >= request(ways))
    ways = next(enough, None)
    longest = bisect_right(range(context + 1), room, key=lambda tokens: request(split.tensor, tokens)) - 1
    return Fit(
        gpu=name,
        memory=memory,
        gpus=each * split.copies * split.ring,
        weights=weight_bytes / GIB / each,
        free=room,
        requests=max(0, int(room / one)) * split.copies if one > 0 else 0,
        longest=max(0, longest),
        missing=max(0.0, one - room),
        needed=None if ways is None else ways * split.pipeline * split.copies * split.ring,
    )


def refusal(fit: Fit, context: int) -> str:
    """Why a request of `context` tokens does not fit, and what would, in one sentence."""
    instead = [f"{fit.needed} of these GPUs (--tensor-parallel)" if fit.needed else ""]
    instead += [f"--context {fit.longest // 1024 * 1024}" if fit.longest >= 1024 else ""]
    remedy = " or ".join(filter(None, instead)) or "a smaller model, fewer bits a weight, or larger GPUs"
    left = max(0.0, fit.free)
    return (
        f"A window of {context:,} tokens lacks {fit.missing:.1f} GiB on each of {fit.gpus} GPUs of {fit.memory:.0f} "
        f"GiB: the weights take {fit.weights:.1f} GiB of it and {left:.1f} GiB are left for the cache; take {remedy}."
    )


def tensor_sizes(config: Config) -> list[int] | None:
    """The tensor-parallel sizes that vLLM takes; None for a model without attention, which alone decides them.

    A size divides the heads, and the heads for keys and values are split or repeated evenly.
    """
    parts = [part for part in layers(config) if part.kind != "state"]
    if not parts:
        return None
    heads, kept = query_heads(config), kv_heads(config)
    latent = all(part.shared for part in parts)  # what is kept is on every GPU
    return [n for n in range(1, heads + 1) if heads % n == 0 and (latent or kept % n == 0 or n % kept == 0)]


def check_split(model: Model, tensor: int, pipeline: int) -> None:
    """Raise InputError if vLLM cannot split the model's attention or layers over as many GPUs."""
    if pipeline > (most := depth(model.config)):
        raise InputError(
            f"The {most} layers of {model.name} cannot be split into {pipeline} groups: take --pipeline-parallel "
            f"{most} or less."
        )
    ways = tensor_sizes(model.config)
    if ways is not None and tensor not in ways:
        raise InputError(
            f"vLLM cannot split the {query_heads(model.config)} attention heads of {model.name}, with "
            f"{kv_heads(model.config)} for keys and values, over {tensor} GPUs: take --tensor-parallel {_or(ways)}."
        )


def _or(numbers: Sequence[int]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} or {last}" if first else last
