"""What an engine reaches: assumed from a GPU's peaks, or fitted to measurements (`hybrid.cost.fit`)."""

from __future__ import annotations

from dataclasses import dataclass

from hybrid.cost.gpus import Gpu
from hybrid.cost.shape import Shape
from hybrid.errors import InputError

FLOPS = 0.5  # share of the peak rate reached by matrix products in prefill: assumed
ATTENTION = 0.4  # share of the peak rate reached by fused attention: assumed
BANDWIDTH = 0.7  # share of the peak bandwidth reached in decoding: assumed
LINK = 0.7  # share of the link's bandwidth reached by exchanges between GPUs: assumed
CHUNK = 8192  # tokens of prompt in one pass: vLLM's chunked prefill on large GPUs


@dataclass(frozen=True, slots=True)
class Rates:
    """What one copy of a model reaches on its GPUs together; without a GPU, on its machine.

    Args:
        flops: operations a second in matrix products.
        attention: operations a second in the attention of prefill.
        bandwidth: bytes a second of weights, keys and values.
        link: bytes a second, one way, between two GPUs; None with one.
        host: bytes a second between the GPUs and the host's memory, for keys and values kept there; None: unknown.
        request: seconds that each request takes whatever its length.
        token: seconds for each token of the prompt, cached ones included: tokenizing, hashing, sending.
        step: seconds for each pass beside reading: scheduling, launching, sampling.
        chunk: tokens of prompt in one pass.
        gpus: GPUs that are paid for while this runs; 0 where there is none.
        ring: parts into which a prompt is split, each on its share of the GPUs with all weights (ring attention).
        watts: power of them all while they compute; None: unknown.
        spread: measured over estimated, 5 % and 95 % of what was held out from the fit; None where nothing was fitted.
        label: where the figures come from.
    """

    flops: float
    attention: float
    bandwidth: float
    link: float | None = None
    host: float | None = None
    request: float = 0.0
    token: float = 0.0
    step: float = 0.0
    chunk: int = CHUNK
    gpus: int = 1
    ring: int = 1
    watts: float | None = None
    spread: tuple[float, float] | None = None
    label: str = ""


def assumed(gpu: Gpu, name: str, *, gpus: int = 1, ring: int = 1, weight_bits: int = 16) -> Rates:
    """Rates at the assumed shares of the peaks of `gpus` GPUs that share one copy of a model.

    Weights of 8 bits are multiplied at the fp8 rate where the GPU has one; of 4 bits they are widened first.

    Args:
        ring: parts into which prompts are split, as in `Rates`; it divides the GPUs.

    Raises:
        InputError: no GPU, or they cannot be divided so.
    """
    if gpus < 1:
        raise InputError(f"A model runs on 1 GPU or more, not on {gpus}.")
    if ring < 1 or gpus % ring:
        raise InputError(f"{gpus} GPUs cannot be divided into a ring of {ring} equal parts.")
    peak = 1e12 * gpus * (gpu.tflops_8 if weight_bits == 8 and gpu.tflops_8 else gpu.tflops)
    return Rates(
        flops=FLOPS * peak,
        attention=ATTENTION * 1e12 * gpus * gpu.tflops,
        bandwidth=BANDWIDTH * 1e9 * gpus * gpu.bandwidth,
        link=LINK * 1e9 * gpu.link if gpus > 1 else None,
        host=1e9 * gpus * gpu.host,
        gpus=gpus,
        ring=ring,
        watts=None if gpu.watts is None else gpus * gpu.watts,
        label=(name if gpus == 1 else f"{gpus} {name}") + (f", ring of {ring}" if ring > 1 else ""),
    )


def exchange_seconds(shape: Shape, rates: Rates, tokens: float) -> float:
    """Seconds that tensor parallelism takes to add up partial results: twice a layer, over a ring, in 16 bit."""
    ways = rates.gpus // rates.ring
    if rates.link is None or ways < 2:
        return 0.0
    moved = 2 * (ways - 1) / ways * tokens * shape.hidden * 2
    return 2 * shape.depth * moved / rates.link


def ring_seconds(shape: Shape, rates: Rates, context: int) -> float:
    """Seconds for the keys and values of `context` tokens to go round the ring (ring attention, arXiv 2310.01889).

    Each part computes its share of the queries meanwhile, so that only what takes longer than the computing is felt.
    """
    if rates.link is None or rates.ring < 2:
        return 0.0
    ways = rates.gpus // rates.ring  # each sends its own heads
    return shape.kv_bytes(context) * (rates.ring - 1) / rates.ring / (rates.link * ways)
