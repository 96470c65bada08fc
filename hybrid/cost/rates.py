"""The rates an engine reaches: assumed shares of a GPU's peaks, or fitted to your own (`hybrid.cost.fit`)."""

from __future__ import annotations

from dataclasses import dataclass

from hybrid.cost.gpus import Gpu
from hybrid.cost.shape import Shape
from hybrid.errors import InputError

# What one H200 reached with vLLM 0.26 and a model of 8 billion parameters (`python -m hybrid.evals.bench.estimates`).
# Other GPUs are assumed to reach the same shares of their peaks, with the same work of the host.
MEASURED_ON = "h200"
FLOPS = 0.81  # share of the peak rate reached by matrix products in prefill
ATTENTION = 0.64  # share of the peak rate reached by fused attention
BANDWIDTH = 0.62  # share of the peak bandwidth reached in decoding
REQUEST = 6.6e-3  # seconds of the host for a request
TOKEN = 2.5e-6  # seconds for each token of the prompt, cached or not: tokenizing, hashing, looking up, copying
STEP = 1.2e-3  # seconds that a pass takes at least
LINK = 0.7  # share of the link's bandwidth reached by exchanges between GPUs: assumed
CHUNK = 8192  # tokens of prompt in one pass: vLLM's chunked prefill on large GPUs


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of one copy of a model on its GPUs together; without a GPU, on its machine.

    Args:
        flops: operations a second in matrix products.
        attention: operations a second in the attention of prefill.
        bandwidth: bytes a second of weights, keys and values.
        link: bytes a second, one way, between two GPUs; None with one.
        host: bytes a second between the GPUs and the host's memory, for keys and values kept there; None: unknown.
        request: seconds that each request takes whatever its length.
        token: seconds for each token of the prompt, cached ones included: tokenizing, hashing, sending.
        step: seconds that a pass takes at least, however little is computed in it: scheduling, launching, sampling.
        chunk: tokens of prompt in one pass.
        gpus: GPUs that are paid for while this runs; 0 without a GPU.
        ring: parts into which a prompt is split, each on its share of the GPUs with all weights (ring attention).
        watts: power of them all while they compute; None: unknown.
        spread: measured over estimated, 5 % and 95 % of the points held out from the fit; None without a fit.
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


def peaks_of(gpu: Gpu, gpus: int = 1, *, weight_bits: int = 16) -> dict[str, float]:
    """The most that `gpus` GPUs can do, in the units of `Rates`: `flops`, `attention` and `bandwidth`.

    Weights of 8 bits are multiplied at the fp8 rate if the GPU has one; weights of 4 bits are widened first.
    """
    return {
        "flops": 1e12 * gpus * (gpu.tflops_8 if weight_bits == 8 and gpu.tflops_8 else gpu.tflops),
        "attention": 1e12 * gpus * gpu.tflops,
        "bandwidth": 1e9 * gpus * gpu.bandwidth,
    }


def assumed(gpu: Gpu, name: str, *, gpus: int = 1, ring: int = 1, weight_bits: int = 16) -> Rates:
    """Rates of `gpus` GPUs that share one copy of a model, at the shares of the peaks that an H200 reached.

    Args:
        ring: parts into which prompts are split, as in `Rates`; it divides the GPUs.

    Raises:
        InputError: no GPU, or the ring does not divide them.
    """
    if gpus < 1:
        raise InputError(f"A model runs on 1 GPU or more, not on {gpus}.")
    if ring < 1 or gpus % ring:
        raise InputError(f"{gpus} GPUs cannot be divided into a ring of {ring} equal parts.")
    peaks = peaks_of(gpu, gpus, weight_bits=weight_bits)
    return Rates(
        flops=FLOPS * peaks["flops"],
        attention=ATTENTION * peaks["attention"],
        bandwidth=BANDWIDTH * peaks["bandwidth"],
        link=LINK * 1e9 * gpu.link if gpus > 1 else None,
        host=1e9 * gpus * gpu.host,
        request=REQUEST,
        token=TOKEN,
        step=STEP,
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

    Each part computes its share of the queries meanwhile, so that only the excess over the computing costs time.
    """
    if rates.link is None or rates.ring < 2:
        return 0.0
    ways = rates.gpus // rates.ring  # each sends its own heads
    return shape.kv_bytes(context) * (rates.ring - 1) / rates.ring / (rates.link * ways)
