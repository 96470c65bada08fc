"""What calls did cost: usage that adds up, and its price."""

from __future__ import annotations

import pytest

from hybrid.cost.estimate import estimate
from hybrid.cost.price import preparation, price, total
from hybrid.settings import CostSettings
from hybrid.types import Cost, Usage


def test_price_of_what_was_used() -> None:
    usage = Usage(calls=1, prompt_tokens=1000, cached_tokens=500, output_tokens=100, seconds=10.0)
    settings = CostSettings(gpu="h100", gpus=2, dollars_per_gpu_hour=3.6)
    cost = price(settings, usage, on_gpu=True)
    assert (cost.gpu_seconds, cost.dollars, cost.basis) == (20.0, pytest.approx(0.02), "measured")
    free = price(settings, usage, on_gpu=False)
    assert (free.gpu_seconds, free.dollars, free.note) == (0.0, 0.0, "no GPU was used")
    prices = CostSettings(
        dollars_per_million_prompt=1.0, dollars_per_million_cached=0.0, dollars_per_million_output=5.0
    )
    tokens = price(prices, usage, on_gpu=True)
    assert (tokens.dollars, tokens.gpu_seconds) == (pytest.approx(0.001), None)


@pytest.mark.parametrize(("known", "missing"), [("prompt", "output"), ("output", "prompt")])
def test_tokens_without_a_price_are_not_free(known: str, missing: str) -> None:
    settings = CostSettings.model_validate({f"dollars_per_million_{known}": 1.0})
    usage = Usage(calls=1, prompt_tokens=1000, output_tokens=100)
    for cost in (price(settings, usage, on_gpu=True), estimate(settings, 1000, 100)):
        assert cost.dollars is None
        assert f"set cost.dollars_per_million_{missing}" in cost.note
        assert f"dollars_per_million_{known}" not in cost.note


def test_unknown_parts_make_a_total_unknown() -> None:
    known = Cost(dollars=1.0, gpu_seconds=2.0, basis="measured", note="a")
    both = total([known, known])
    assert (both.dollars, both.gpu_seconds, both.basis, both.note) == (2.0, 4.0, "measured", "a")
    other = total([known, Cost(dollars=1.0, cpu_seconds=1.0, basis="measured", note="b")])
    assert (other.dollars, other.gpu_seconds, other.cpu_seconds, other.note) == (2.0, None, None, "a; b")
    energy = Cost(joules=2.0, cpu_seconds=1.0, interval=(1.0, 3.0), basis="estimated")
    summed = total([energy, energy])
    assert (summed.joules, summed.cpu_seconds, summed.interval, summed.basis) == (4.0, 2.0, (2.0, 6.0), "estimated")


def test_measured_and_estimated_costs_are_not_added_up() -> None:
    with pytest.raises(ValueError, match="Measured and estimated costs cannot be added up"):
        total([Cost(dollars=1.0, basis="measured"), Cost(dollars=1.0, basis="estimated")])


def test_a_call_is_charged_its_share_where_it_is_known() -> None:
    usage = Usage(calls=1, seconds=10.0, shared_seconds=2.5, joules=100.0, cpu_seconds=0.5)
    cost = price(CostSettings(gpus=2, dollars_per_gpu_hour=3.6), usage, on_gpu=True)
    assert (cost.gpu_seconds, cost.engine_seconds, cost.dollars) == (None, 2.5, pytest.approx(0.005))
    assert (cost.joules, cost.cpu_seconds) == (100.0, 0.5)
    assert cost.note.startswith("share of its time, at your price of an hour of 2 GPUs; which GPU the engine runs on")
    cost = price(CostSettings(gpu="l4", gpus=2, dollars_per_gpu_hour=3.6), usage, on_gpu=True)
    assert (cost.gpu_seconds, cost.dollars, cost.joules, cost.cpu_seconds) == (5.0, pytest.approx(0.005), 100.0, 0.5)
    assert cost.note == "share of its time, on 2 l4"
    free = price(CostSettings(), usage, on_gpu=False)
    assert (free.gpu_seconds, free.joules, free.cpu_seconds) == (0.0, None, 0.5)


def test_an_unknown_price_leaves_the_measured_seconds() -> None:
    cost = price(CostSettings(gpu="abacus"), Usage(calls=1, seconds=10.0, shared_seconds=2.5), on_gpu=True)
    assert (cost.gpu_seconds, cost.dollars, cost.basis) == (2.5, None, "measured")
    assert cost.note.endswith("on 1 abacus; the price of an hour is not known, set cost.dollars_per_gpu_hour")
    known = price(CostSettings(gpu="abacus", dollars_per_gpu_hour=3600), Usage(calls=1, seconds=1.0), on_gpu=True)
    assert known.dollars == pytest.approx(1.0)


def test_without_a_known_gpu_there_are_engine_seconds_and_no_money() -> None:
    usage = Usage(calls=1, seconds=10.0, shared_seconds=2.5)
    for settings in (CostSettings(), CostSettings(gpu="cpu"), CostSettings(gpus=4)):
        cost = price(settings, usage, on_gpu=True)
        assert (cost.engine_seconds, cost.gpu_seconds, cost.dollars) == (2.5, None, None)
        remedy = "is not known: name it in cost.gpu, or set your prices"
        assert ("runs on no GPU" if settings.gpu == "cpu" else remedy) in cost.note
    hour = price(CostSettings(dollars_per_gpu_hour=3600), usage, on_gpu=True)  # a price tells nothing of what runs it
    assert (hour.engine_seconds, hour.gpu_seconds, hour.dollars) == (2.5, None, pytest.approx(2.5))


@pytest.mark.parametrize(
    ("words", "name"), [("NVIDIA H200", "h200"), ("2 NVIDIA L40S", "l40s"), ("NVIDIA T4", "NVIDIA T4")]
)
def test_the_gpu_of_this_machine_counts_for_an_engine_that_runs_here(
    words: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hybrid.cost.price.gpu_here", lambda: words)
    usage = Usage(calls=1, seconds=10.0, shared_seconds=2.5)
    here = price(CostSettings(), usage, on_gpu=True, local=True)
    assert here.gpu_seconds == 2.5
    assert here.note.startswith(f"share of its time, on 1 {name}")
    assert (here.dollars is None) == (name == "NVIDIA T4")
    assert price(CostSettings(), usage, on_gpu=True).gpu_seconds is None  # a server elsewhere


def test_usages_add_up_and_what_one_does_not_tell_is_unknown() -> None:
    told = Usage(calls=1, seconds=1.0, shared_seconds=0.5, first_token_seconds=0.2, decode_seconds=0.7, joules=3.0)
    summed = Usage() + told + told.model_copy(update={"first_token_seconds": 0.1, "joules": None})
    assert (summed.calls, summed.seconds, summed.shared_seconds, summed.decode_seconds) == (2, 2.0, 1.0, 1.4)
    assert (summed.first_token_seconds, summed.joules, summed.queue_seconds) == (0.2, None, None)
    assert told + Usage() == told
    assert Usage.model_validate({"calls": 1, "seconds": 2.0}).shared_seconds is None


def test_indexing_is_spread_over_the_questions() -> None:
    cost = preparation(CostSettings(questions=50, dollars_per_cpu_hour=0.36), retrieval=0.02, indexing=10.0)
    assert (cost.cpu_seconds, cost.dollars, cost.basis) == (pytest.approx(0.22), pytest.approx(2.2e-5), "measured")
    assert cost.note == "0.020 s of retrieval and 1/50 of 10.0 s of indexing"
    assert preparation(CostSettings(), 0.02, 10.0).dollars is None
