"""The plan to serve a model with a window: overrides, memory of weights and cache, and how many requests fit.

The plan says what it assumes: memory for activations, and the number of parameters if no file tells it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass

from hybrid.cost.gpus import Gpu, named
from hybrid.cost.gpus import gpus as carried_gpus
from hybrid.cost.rates import assumed
from hybrid.cost.shape import shape_of
from hybrid.cost.work import OUTPUT, BreakEven, break_even
from hybrid.errors import InputError
from hybrid.model.carried import hub_name
from hybrid.model.config import Model
from hybrid.model.extension import Extension, Method, extend
from hybrid.model.layers import kv_heads
from hybrid.model.parameters import count_parameters
from hybrid.model.quantization import bits_of, far_from_shape, quantization, size_of
from hybrid.model.read import read_model
from hybrid.serving.memory import BITS, GIB, Cache, Fit, Split, cache, check_split, fit, tensor_sizes

PASSAGES = 1700  # tokens of 8 passages, read instead of a document


@dataclass(frozen=True, slots=True)
class Plan:
    """A window for a model, and what it takes."""

    model: str
    context: int
    extension: Extension
    parameters: float  # billions
    weight_bytes: float
    caches: tuple[Cache, ...]
    fits: tuple[Fit, ...]
    questions: tuple[BreakEven, ...]  # estimated, for each GPU that the weights fit
    overtakes: int | None  # tokens of a prompt at which attention takes as many operations as all the rest
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
        output: tokens of an answer, for the estimates of questions.
        times: how many times a question over passages one on the whole document may cost, to be worth it.

    Raises:
        InputError: the model cannot read that much, or does not exist.
        SettingsError: its configuration is incomplete, or a GPU is not known.
    """
    model = read_model(model) if isinstance(model, str) else model
    split = Split(tensor_parallel, pipeline_parallel, data_parallel, context_parallel)
    _check(model, kv_bits, split)
    extension = extend(model.config, context, method)
    parameters = model.parameters or count_parameters(model.config)
    weights = size_of(model, weight_bits)
    known = gpus if isinstance(gpus, Mapping) else {n: named(carried_gpus(), n.lower(), "gpu") for n in gpus}
    fits = tuple(
        fit(name, gpu.memory, model, context, split, weight_bytes=weights, bits=kv_bits) for name, gpu in known.items()
    )
    bits = weight_bits or bits_of(model.config)
    shape = shape_of(model, weight_bits=bits, kv_bits=kv_bits)
    whole, passages = max(1, context - output - PASSAGES), min(PASSAGES, context)
    many = split.tensor * split.ring
    rates = (assumed(known[f.gpu], f.gpu, gpus=many, ring=split.ring, weight_bits=bits) for f in fits if f.requests)
    return Plan(
        model=model.name,
        context=context,
        extension=extension,
        parameters=parameters,
        weight_bytes=weights,
        caches=tuple(cache(model.config, context, b) for b in BITS),
        fits=fits,
        questions=tuple(break_even(shape, each, whole, passages, output=output, times=times) for each in rates),
        overtakes=shape.overtakes(),
        effective=model.effective,
        warnings=(*extension.warnings, *_warnings(model, context, parameters, weight_bits, split)),
    )


def _warnings(model: Model, context: int, parameters: float, weight_bits: int | None, split: Split) -> Iterator[str]:
    """What the plan assumes, and what may surprise the user."""
    if model.effective is not None and context > model.effective:
        yield f"RULER holds to {model.effective:,} tokens for this model: expect a loss between there and {context:,}"
    if weight_bits is None and far_from_shape(model):
        yield (
            f"the weight files hold {(model.weight_bytes or 0) / GIB:.2f} GiB, far from {parameters:.2f} billion "
            "parameters: these are counted"
        )
    elif model.weight_bytes is None and model.parameters is None:
        yield f"nothing tells the number of parameters: {parameters:.2f} billion is counted from the shape"
    heads = split.tensor if tensor_sizes(model.config) is None else kv_heads(model.config)
    if split.tensor > heads:
        yield f"with {heads} key-value heads on {split.tensor} GPUs the cache is kept {split.tensor // heads} times"
    quantized = quantization(model.config) if weight_bits is None else None
    if quantized is not None:
        yield f"weights are quantized ({quantized.method}): {quantized.bits:.3g} bits each, scales included"
    elif weight_bits is None and "quantization_config" in model.config:
        yield "its quantization_config is of a kind that is not known: weights count 16 bits"


def _check(model: Model, kv_bits: int, split: Split) -> None:
    """Raise InputError for weights, bits of the cache or a split that cannot be planned."""
    told = model.config.get("quantization_config")
    if isinstance(told, Mapping) and told.get("quant_method") == "gguf":
        bits = min(BITS, key=lambda known: abs(known - (told.get("bits") or 4)))
        raise InputError(
            f"GGUF files are for llama.cpp, and plans are for vLLM: plan the model that they were made from, "
            f"{hub_name(model.name)}, with --weight-bits {bits} for weights of that size."
        )
    if kv_bits not in BITS:
        raise InputError(f"Keys and values of {kv_bits} bits are not planned for: take {', '.join(map(str, BITS))}.")
    if min(astuple(split)) < 1:
        raise InputError("Tensor, pipeline, data and context parallelism count GPUs: give 1 or more.")
    check_split(model, split.tensor, split.pipeline)
