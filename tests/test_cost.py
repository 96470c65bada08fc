"""What a call is expected to cost, against figures worked out by hand."""

from __future__ import annotations

import pytest

from hybrid.cost.estimate import (
    REACHED_BANDWIDTH,
    REACHED_FLOPS,
    Shape,
    estimate,
    gpu_seconds,
    prefill_flops,
    shapes,
)
from hybrid.cost.gpus import Gpu, gpus
from hybrid.cost.price import price, total
from hybrid.errors import SettingsError
from hybrid.settings import CostSettings
from hybrid.types import Cost, Usage

SMALL = Shape(parameters=1.5, layers=4, heads=8, kv_heads=2, head_size=64)
GPU = Gpu(tflops=100, bandwidth=1000, memory=80, watts=400, dollars_per_hour=3.6, source="made up")


@pytest.mark.parametrize(("kv_heads", "gib"), [(64, 320), (8, 40)])
def test_keys_and_values_of_131072_tokens(kv_heads: int, gib: int) -> None:
    shape = Shape(parameters=70, layers=80, heads=64, kv_heads=kv_heads, head_size=128)
    assert shape.kv_bytes * 131_072 == gib * 2**30


def summed_attention(shape: Shape, new: int, cached: int) -> float:
    """Two products of 2 * head_size operations with every position before, head by head, layer by layer."""
    return sum(4 * shape.layers * shape.heads * shape.head_size * (cached + i) for i in range(1, new + 1))


@pytest.mark.parametrize(("new", "cached"), [(1000, 0), (5000, 0), (1000, 9000), (300, 20_000)])
def test_prefill_attention_is_the_sum_over_positions(new: int, cached: int) -> None:
    weights = 2 * SMALL.parameters * 1e9 * new
    assert prefill_flops(SMALL, new, cached) - weights == pytest.approx(summed_attention(SMALL, new, cached), rel=2e-3)


def test_cached_tokens_are_not_computed_but_looked_at() -> None:
    whole, rest = prefill_flops(SMALL, 10_000), prefill_flops(SMALL, 2_000, cached=8_000)
    assert rest == pytest.approx(whole - prefill_flops(SMALL, 8_000))
    assert rest > prefill_flops(SMALL, 2_000)


def test_seconds_by_hand() -> None:
    reading = prefill_flops(SMALL, 8_000, 2_000) / (100e12 * REACHED_FLOPS)
    writing = 100 * (3e9 + 2048 * 2 * (10_000 + 50)) / (1000e9 * REACHED_BANDWIDTH)
    assert SMALL.kv_bytes == 2 * 4 * 2 * 64 * 2
    expected = reading + 100 * (3e9 + SMALL.kv_bytes * 10_050) / (1000e9 * REACHED_BANDWIDTH)
    assert gpu_seconds(SMALL, GPU, 10_000, 100, cached=2_000) == pytest.approx(expected)
    assert expected == pytest.approx(reading + writing, rel=0.01)


def test_reading_takes_at_least_one_pass_over_the_weights() -> None:
    assert gpu_seconds(SMALL, GPU, 1, 0) == pytest.approx(3e9 / (1000e9 * REACHED_BANDWIDTH))
    assert gpu_seconds(SMALL, GPU, 1000, 0, cached=1000) == pytest.approx(3e9 / (1000e9 * REACHED_BANDWIDTH))


def test_every_step_costs_more() -> None:
    base = gpu_seconds(SMALL, GPU, 50_000, 200)
    assert gpu_seconds(SMALL, GPU, 60_000, 200) > base
    assert gpu_seconds(SMALL, GPU, 50_000, 300) > base
    assert gpu_seconds(SMALL, GPU, 50_000, 200, cached=20_000) < base


def test_estimate_for_a_named_gpu() -> None:
    cost = estimate(CostSettings(gpu="h100", shape="llama-3.1-8b"), 10_000, 100)
    seconds = gpu_seconds(shapes()["llama-3.1-8b"], gpus()["h100"], 10_000, 100)
    assert cost.gpu_seconds == pytest.approx(seconds)
    assert cost.dollars == pytest.approx(seconds / 3600 * gpus()["h100"].dollars_per_hour)
    assert (cost.basis, cost.note) == ("estimated", "llama-3.1-8b on h100")
    own = estimate(CostSettings(dollars_per_gpu_hour=0.36), 10_000, 100)
    assert own.dollars == pytest.approx(seconds * 1e-4)


def test_estimate_by_token_prices_needs_no_gpu() -> None:
    prices = CostSettings(gpu="none such", dollars_per_million_prompt=2.0, dollars_per_million_output=8.0)
    cost = estimate(prices, 1_000_000, 500_000, cached=400_000)
    assert (cost.dollars, cost.gpu_seconds, cost.basis) == (pytest.approx(6.0), None, "estimated")
    cached = prices.model_copy(update={"dollars_per_million_cached": 0.5})
    assert estimate(cached, 1_000_000, 500_000, cached=400_000).dollars == pytest.approx(1.2 + 0.2 + 4.0)


def test_price_of_what_was_used() -> None:
    usage = Usage(calls=1, prompt_tokens=1000, cached_tokens=500, output_tokens=100, seconds=10.0)
    settings = CostSettings(gpu="h100", gpus=2, dollars_per_gpu_hour=3.6)
    cost = price(settings, usage, on_gpu=True)
    assert (cost.gpu_seconds, cost.dollars, cost.basis) == (20.0, pytest.approx(0.02), "measured")
    free = price(settings, usage, on_gpu=False)
    assert (free.gpu_seconds, free.dollars, free.note) == (0.0, 0.0, "no GPU was used")
    tokens = price(CostSettings(dollars_per_million_prompt=1.0, dollars_per_million_cached=0.0), usage, on_gpu=True)
    assert (tokens.dollars, tokens.gpu_seconds) == (pytest.approx(0.0005), None)


def test_unknown_parts_make_a_total_unknown() -> None:
    known = Cost(dollars=1.0, gpu_seconds=2.0, basis="measured", note="a")
    both = total([known, known])
    assert (both.dollars, both.gpu_seconds, both.basis, both.note) == (2.0, 4.0, "measured", "a")
    mixed = total([known, Cost(dollars=1.0, basis="estimated", note="b")])
    assert (mixed.dollars, mixed.gpu_seconds, mixed.basis, mixed.note) == (2.0, None, "estimated", "a; b")


@pytest.mark.parametrize(("name", "setting"), [("gpu", "cost.gpu"), ("shape", "cost.shape")])
def test_unknown_names_are_refused_with_the_known_ones(name: str, setting: str) -> None:
    known = ", ".join(gpus() if name == "gpu" else shapes())
    with pytest.raises(SettingsError) as refused:
        estimate(CostSettings(**{name: "abacus"}), 10, 10)
    assert str(refused.value) == f"The setting '{setting}' names 'abacus', which is not known; known: {known}."


def test_carried_data_is_plausible() -> None:
    assert {"h100", "h200"} <= set(gpus())
    for gpu in gpus().values():
        assert gpu.source
        assert 10 < gpu.tflops < 10_000
        assert 100 < gpu.bandwidth < 20_000
    for shape in shapes().values():
        assert shape.heads % shape.kv_heads == 0
    assert shapes()["llama-3.1-8b"].kv_bytes == 131_072
