"""What it takes to serve a model with a window: overrides, memory of weights and cache, and how many requests fit.

Sizes are arithmetic on the model's configuration. What is assumed and not known (memory for activations, the number
of parameters where nothing tells it) is said in the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hybrid.cost.estimate import gpu_named
from hybrid.errors import InputError
from hybrid.models import Config, Model, kv_heads, language, layers, read_model
from hybrid.rope import Extension, Method, extend

BITS = (16, 8, 4)
UTILIZATION = 0.9  # share of a GPU's memory that the engine takes
WORKSPACE = 2.0  # GiB per GPU for activations and buffers: assumed
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Cache:
    """Keys and values in one precision, over all GPUs of one copy of the model."""

    bits: int
    per_token: float  # bytes for one more token of a long prompt
    per_request: float  # bytes for a request that fills the window


@dataclass(frozen=True, slots=True)
class Fit:
    """How a plan fits GPUs of one kind."""

    gpu: str
    memory: float  # GiB of each
    gpus: int  # in all: tensor x pipeline x data parallel
    weights: float  # GiB on each
    free: float  # GiB on each that are left for the cache; negative: the weights alone do not fit
    requests: int  # that fill the window, at once, over all copies
    missing: float  # GiB on each that one request lacks; 0 if it fits
    needed: int | None  # GPUs of this kind, with tensor parallelism, from which one request fits; None: none of 64


@dataclass(frozen=True, slots=True)
class Plan:
    """A window for a model, and what it takes."""

    model: str
    context: int
    extension: Extension
    parameters: float | None  # billions
    weight_bytes: float
    caches: tuple[Cache, ...]
    fits: tuple[Fit, ...]
    effective: int | None  # tokens, by RULER, where published
    warnings: tuple[str, ...]


def plan(
    model: str | Model,
    context: int,
    *,
    gpus: Sequence[str] = (),
    tensor_parallel: int = 1,
    pipeline_parallel: int = 1,
    data_parallel: int = 1,
    kv_bits: int = 16,
    weight_bits: int = 16,
    method: Method = "yarn",
) -> Plan:
    """Plan a window of `context` tokens.

    Args:
        model: a folder, a carried name, a hub name, or what `read_model` gave.
        context: tokens of the longest prompt together with its answer.
        gpus: names of gpus.toml to fit it to.
        kv_bits: of a key or value: 16, 8 (fp8) or 4.
        weight_bits: of a weight, where the files are not at hand.

    Raises:
        InputError: the model cannot read that much, or does not exist.
        SettingsError: its configuration is incomplete, or a GPU is not known.
    """
    model = read_model(model) if isinstance(model, str) else model
    if kv_bits not in BITS:
        raise InputError(f"Keys and values of {kv_bits} bits are not planned for: take {', '.join(map(str, BITS))}.")
    if min(tensor_parallel, pipeline_parallel, data_parallel) < 1:
        raise InputError("Tensor, pipeline and data parallelism count GPUs: give 1 or more.")
    extension = extend(model.config, context, method)
    parameters = model.parameters or count_parameters(model.config)
    weights = model.weight_bytes or parameters * 1e9 * weight_bits / 8
    warnings = [*extension.warnings]
    if model.effective is not None and context > model.effective:
        warnings.append(
            f"RULER holds to {model.effective:,} tokens for this model: expect a loss between there and {context:,}"
        )
    if model.weight_bytes is None and model.parameters is None:
        warnings.append(f"nothing tells the number of parameters: {parameters:.2f} billion is counted from the shape")
    divides = kv_heads(model.config) if "num_attention_heads" in language(model.config)[1] else tensor_parallel
    if tensor_parallel > divides:
        times = tensor_parallel // divides
        warnings.append(f"with {divides} key-value heads on {tensor_parallel} GPUs the cache is kept {times} times")
    split = (tensor_parallel, pipeline_parallel)
    return Plan(
        model=model.name,
        context=context,
        extension=extension,
        parameters=parameters,
        weight_bytes=weights,
        caches=tuple(Cache(b, kv_per_token(model.config, b), kv_bytes(model.config, context, b)) for b in BITS),
        fits=tuple(_fit(name, model.config, context, weights, kv_bits, split, data_parallel) for name in gpus),
        effective=model.effective,
        warnings=tuple(warnings),
    )


def kv_bytes(config: Config, tokens: int, bits: int = 16) -> float:
    """Bytes of keys, values and states that a request of `tokens` keeps, over all layers."""
    return sum(part.kept(tokens) for part in layers(config)) * bits / 8


def kv_per_token(config: Config, bits: int = 16) -> float:
    """Bytes that one more token of a long prompt adds; sliding, chunked and state layers add none."""
    return sum(part.count * part.numbers for part in layers(config) if part.kind == "full") * bits / 8


def kv_per_gpu(config: Config, tokens: int, bits: int, tensor: int, pipeline: int) -> float:
    """Bytes of a request on each GPU: tensor parallelism splits heads as far as there are some, and latents never."""
    heads = kv_heads(config) if any(part.kind != "state" for part in layers(config)) else tensor
    total = 0.0
    for part in layers(config):
        ways = 1 if part.shared else tensor if part.kind == "state" else min(tensor, heads)
        total += part.kept(tokens) / ways
    return total * bits / 8 / pipeline


def count_parameters(config: Config) -> float:
    """Billions of parameters of a transformer with gated feed-forward layers, counted from its shape.

    Exact to a few percent for Llama-like models; experts are counted, biases and norms are not.
    """
    _, text = language(config)
    width, depth = int(text.get("hidden_size", 0)), int(text.get("num_hidden_layers", 0))
    heads = int(text.get("num_attention_heads", 0))
    head = int(text.get("head_dim") or (width // heads if heads else 0))
    inner = int(text.get("intermediate_size", 4 * width))
    attention = width * head * (2 * heads + 2 * (kv_heads(config) if heads else 0))
    experts = int(text.get("num_local_experts") or text.get("num_experts") or text.get("n_routed_experts") or 0)
    if experts:
        inner = int(text.get("moe_intermediate_size", inner)) * experts
    embedding = int(text.get("vocab_size", 0)) * width * (1 if text.get("tie_word_embeddings") else 2)
    return (depth * (attention + 3 * width * inner) + embedding) / 1e9


def _fit(
    name: str, config: Config, context: int, weights: float, bits: int, split: tuple[int, int], copies: int
) -> Fit:
    memory = gpu_named(name).memory
    tensor, pipeline = split

    def free(ways: int) -> float:
        return memory * UTILIZATION - WORKSPACE - weights / GIB / ways

    def request(ways: int) -> float:
        return kv_per_gpu(config, context, bits, ways, pipeline) / GIB

    room, one = free(tensor * pipeline), request(tensor)
    enough = (ways for ways in (1, 2, 4, 8, 16, 32, 64) if free(ways * pipeline) >= request(ways))
    ways = next(enough, None)
    return Fit(
        gpu=name,
        memory=memory,
        gpus=tensor * pipeline * copies,
        weights=weights / GIB / (tensor * pipeline),
        free=room,
        requests=max(0, int(room / one)) * copies if one > 0 else 0,
        missing=max(0.0, one - room),
        needed=None if ways is None else ways * pipeline * copies,
    )
