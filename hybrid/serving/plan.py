"""What it takes to serve a model with a window: overrides, memory of weights and cache, and how many requests fit.

Sizes are arithmetic on the model's configuration. What is assumed and not known (memory for activations, the number
of parameters where nothing tells it) is said in the plan.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hybrid.cost.gpus import Gpu, named
from hybrid.cost.gpus import gpus as carried_gpus
from hybrid.cost.rates import assumed
from hybrid.cost.shape import shape_of
from hybrid.cost.work import OUTPUT, BreakEven, break_even
from hybrid.errors import InputError
from hybrid.model.carried import hub_name
from hybrid.model.config import Config, Model
from hybrid.model.extension import Extension, Method, extend
from hybrid.model.layers import depth, kv_heads, layers, query_heads
from hybrid.model.parameters import count_parameters
from hybrid.model.quantization import bits_of, far_from_shape, quantization, size_of
from hybrid.model.read import read_model

BITS = (16, 8, 4)
UTILIZATION = 0.9  # share of a GPU's memory that the engine takes
WORKSPACE = 2.0  # GiB per GPU for activations and buffers: assumed
MOST = 64  # GPUs with tensor parallelism that are thought of
PASSAGES = 1700  # tokens of the passages that are read instead of a document: 8 of 214
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Cache:
    """Keys and values in one precision, over all GPUs of one copy of the model."""

    bits: int
    per_token: float  # bytes for one more token at the end of the window
    per_request: float  # bytes for a request that fills the window
    first: float  # bytes for each of the first tokens, which every layer keeps
    until: int  # tokens from which on only `per_token` is kept for each; the window where that is the same


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
    questions: tuple[BreakEven, ...]  # what a question takes on each of these GPUs, estimated; where weights fit
    overtakes: int | None  # tokens of a prompt from which attention takes more operations than all the rest
    effective: int | None  # tokens, by RULER, where published
    warnings: tuple[str, ...]


def plan(
    model: str | Model,
    context: int,
    *,
    gpus: Mapping[str, Gpu] | Sequence[str] = (),
    tensor_parallel: int = 1,
    pipeline_parallel: int = 1,
    data_parallel: int = 1,
    context_parallel: int = 1,
    kv_bits: int = 16,
    weight_bits: int | None = None,
    method: Method = "yarn",
    output: int = OUTPUT,
    times: float = 3.0,
) -> Plan:
    """Plan a window of `context` tokens.

    Args:
        model: a folder, a carried name, a hub name, or what `read_model` gave.
        context: tokens of the longest prompt together with its answer.
        gpus: names of gpus.toml to fit it to, or GPUs by name.
        context_parallel: parts into which a prompt and its cache are split, each on GPUs with all weights.
        kv_bits: of a key or value: 16, 8 (fp8) or 4.
        weight_bits: of all weights; None: of the files, else as its quantization_config says, else 16.
        output: tokens of an answer, for what questions take.
        times: how many times a question over passages one on the whole document may cost, to be worth it.

    Raises:
        InputError: the model cannot read that much, or does not exist.
        SettingsError: its configuration is incomplete, or a GPU is not known.
    """
    model = read_model(model) if isinstance(model, str) else model
    _check_format(model)
    if kv_bits not in BITS:
        raise InputError(f"Keys and values of {kv_bits} bits are not planned for: take {', '.join(map(str, BITS))}.")
    if min(tensor_parallel, pipeline_parallel, data_parallel, context_parallel) < 1:
        raise InputError("Tensor, pipeline, data and context parallelism count GPUs: give 1 or more.")
    check_split(model, tensor_parallel, pipeline_parallel)
    extension = extend(model.config, context, method)
    parameters = model.parameters or count_parameters(model.config)
    weights = size_of(model, weight_bits)
    warnings = [*extension.warnings]
    if model.effective is not None and context > model.effective:
        warnings.append(
            f"RULER holds to {model.effective:,} tokens for this model: expect a loss between there and {context:,}"
        )
    far = weight_bits is None and far_from_shape(model)
    if far:
        warnings.append(
            f"the weight files hold {(model.weight_bytes or 0) / GIB:.2f} GiB, far from {parameters:.2f} billion "
            "parameters: these are counted"
        )
    elif model.weight_bytes is None and model.parameters is None:
        warnings.append(f"nothing tells the number of parameters: {parameters:.2f} billion is counted from the shape")
    divides = tensor_parallel if tensor_sizes(model.config) is None else kv_heads(model.config)
    if tensor_parallel > divides:
        kept = tensor_parallel // divides
        warnings.append(f"with {divides} key-value heads on {tensor_parallel} GPUs the cache is kept {kept} times")
    quantized = quantization(model.config)
    if quantized is not None and weight_bits is None:
        warnings.append(f"weights are quantized ({quantized.method}): {quantized.bits:.3g} bits each, scales included")
    elif quantized is None and weight_bits is None and "quantization_config" in model.config:
        warnings.append("its quantization_config is of a kind that is not known: weights count 16 bits")
    known = gpus if isinstance(gpus, Mapping) else {n: named(carried_gpus(), n.lower(), "gpu") for n in gpus}
    fits = tuple(
        fit(
            name,
            gpu.memory,
            model,
            context,
            weight_bytes=weights,
            bits=kv_bits,
            tensor=tensor_parallel,
            pipeline=pipeline_parallel,
            copies=data_parallel,
            ring=context_parallel,
        )
        for name, gpu in known.items()
    )
    bits = weight_bits or bits_of(model.config)
    shape = shape_of(model, weight_bits=bits, kv_bits=kv_bits)
    questions = tuple(
        break_even(
            shape,
            assumed(
                known[fit.gpu],
                fit.gpu,
                gpus=tensor_parallel * context_parallel,
                ring=context_parallel,
                weight_bits=bits,
            ),
            max(1, context - output - PASSAGES),
            min(PASSAGES, context),
            output=output,
            times=times,
        )
        for fit in fits
        if fit.requests
    )
    return Plan(
        model=model.name,
        context=context,
        extension=extension,
        parameters=parameters,
        weight_bytes=weights,
        caches=tuple(_cache(model.config, context, b) for b in BITS),
        fits=fits,
        questions=questions,
        overtakes=shape.overtakes(),
        effective=model.effective,
        warnings=tuple(warnings),
    )


def check_split(model: Model, tensor: int, pipeline: int) -> None:
    """Raise InputError where vLLM cannot split the model's attention, or its layers, over as many GPUs."""
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


def tensor_sizes(config: Config) -> list[int] | None:
    """The tensor-parallel sizes that vLLM takes; None where there is no attention, which alone decides them.

    A size divides the heads, and the heads for keys and values are split or repeated evenly.
    """
    parts = [part for part in layers(config) if part.kind != "state"]
    if not parts:
        return None
    heads, kept = query_heads(config), kv_heads(config)
    latent = all(part.shared for part in parts)  # what is kept is on every GPU
    return [n for n in range(1, heads + 1) if heads % n == 0 and (latent or kept % n == 0 or n % kept == 0)]


def _or(numbers: Sequence[int]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} or {last}" if first else last


def _check_format(model: Model) -> None:
    """Raise where the weights are kept in a way that vLLM is not planned for."""
    told = model.config.get("quantization_config")
    if isinstance(told, Mapping) and told.get("quant_method") == "gguf":
        bits = min(BITS, key=lambda known: abs(known - (told.get("bits") or 4)))
        raise InputError(
            f"GGUF files are for llama.cpp, and plans are for vLLM: plan the model that they were made from, "
            f"{hub_name(model.name)}, with --weight-bits {bits} for weights of that size."
        )


def kv_bytes(config: Config, tokens: int, bits: int = 16) -> float:
    """Bytes of keys, values and states that a request of `tokens` keeps, over all layers."""
    return sum(part.kept(tokens) for part in layers(config)) * bits / 8


def kv_per_token(config: Config, bits: int = 16, context: int | None = None) -> float:
    """Bytes that one more token adds at the end of a prompt; states add none.

    Args:
        context: tokens of the prompt; layers that look back farther add as those do that see everything. None: a prompt
            longer than any layer looks back.
    """
    grow = (
        part
        for part in layers(config)
        if part.kind == "full" or (part.reach is not None and context is not None and part.reach >= context)
    )
    return sum(part.count * part.numbers for part in grow) * bits / 8


def _cache(config: Config, context: int, bits: int) -> Cache:
    kept = [part for part in layers(config) if part.kind != "state"]
    return Cache(
        bits,
        kv_per_token(config, bits, context),
        kv_bytes(config, context, bits),
        first=sum(part.count * part.numbers for part in kept) * bits / 8,
        until=min([context, *(part.reach for part in kept if part.reach is not None)]),
    )


def kv_per_gpu(config: Config, tokens: int, bits: int, tensor: int, pipeline: int) -> float:
    """Bytes of a request on each GPU: tensor parallelism splits heads as far as there are some, and latents never."""
    heads = kv_heads(config) if any(part.kind != "state" for part in layers(config)) else tensor
    total = 0.0
    for part in layers(config):
        ways = 1 if part.shared else tensor if part.kind == "state" else min(tensor, heads)
        total += part.kept(tokens) / ways
    return total * bits / 8 / pipeline


def fit(
    name: str,
    memory: float,
    model: Model,
    context: int,
    *,
    weight_bytes: float,
    bits: int = 16,
    tensor: int = 1,
    pipeline: int = 1,
    copies: int = 1,
    ring: int = 1,
    utilization: float = UTILIZATION,
) -> Fit:
    """How a model and requests of `context` tokens fit GPUs of `memory` GiB each.

    Args:
        weight_bytes: of one copy of the model.
        bits: of a key or value.
        tensor, pipeline, copies: GPUs that share a layer, groups that share the layers, and copies of the model.
        ring: parts into which a request's cache is split, each with all weights.
        utilization: share of the memory that the engine takes.
    """

    def free(ways: int) -> float:
        return memory * utilization - WORKSPACE - weight_bytes / GIB / ways

    def request(ways: int, tokens: int = context) -> float:
        return kv_per_gpu(model.config, tokens, bits, ways, pipeline) / GIB / ring

    room, one = free(tensor * pipeline), request(tensor)
    sizes = tensor_sizes(model.config) or [2**n for n in range(7)]
    enough = (ways for ways in sizes if ways <= MOST and free(ways * pipeline) >= request(ways))
    ways = next(enough, None)
    longest = bisect_right(range(context + 1), room, key=lambda tokens: request(tensor, tokens)) - 1
    return Fit(
        gpu=name,
        memory=memory,
        gpus=tensor * pipeline * copies * ring,
        weights=weight_bytes / GIB / (tensor * pipeline),
        free=room,
        requests=max(0, int(room / one)) * copies if one > 0 else 0,
        longest=max(0, longest),
        missing=max(0.0, one - room),
        needed=None if ways is None else ways * pipeline * copies * ring,
    )


def refusal(fit: Fit, context: int) -> str:
    """Why a request of `context` tokens does not fit, and what would, as one sentence."""
    instead = [f"{fit.needed} of these GPUs (--tensor-parallel)" if fit.needed else ""]
    instead += [f"--context {fit.longest // 1024 * 1024}" if fit.longest >= 1024 else ""]
    remedy = " or ".join(filter(None, instead)) or "a smaller model, fewer bits a weight, or larger GPUs"
    left = max(0.0, fit.free)
    return (
        f"A window of {context:,} tokens lacks {fit.missing:.1f} GiB on each of {fit.gpus} GPUs of {fit.memory:.0f} "
        f"GiB: the weights take {fit.weights:.1f} GiB of it and {left:.1f} GiB are left for the cache; take {remedy}."
    )
