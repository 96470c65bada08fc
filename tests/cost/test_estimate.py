"""Estimates by the settings: names, tables of the user's own, prices, and what is not known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hybrid.cost.estimate import estimate, of_settings, shape_named
from hybrid.cost.gpus import gpus, known_gpus
from hybrid.cost.rates import assumed
from hybrid.cost.shape import shape_of
from hybrid.cost.work import work
from hybrid.errors import SettingsError
from hybrid.model.carried import carried
from hybrid.settings import CostSettings, load

OWN = """
[cost]
gpu = "Mine"
shape = "tiny"
[cost.hardware.mine]
tflops = 10
bandwidth = 100
memory = 16
[cost.models.tiny]
parameters = 1.5
hidden_size = 512
num_hidden_layers = 4
num_attention_heads = 8
num_key_value_heads = 2
"""


def test_for_a_named_gpu() -> None:
    cost = estimate(CostSettings(gpu="H100", shape="llama-3.1-8b"), 10_000, 100, cached=4_000)
    found = work(shape_of(carried()["llama-3.1-8b"]), assumed(gpus()["h100"], "h100"), 6_000, 100, cached=4_000)
    assert cost.gpu_seconds == pytest.approx(found.engine)
    assert cost.host_seconds == pytest.approx(found.seconds - found.engine)  # a wait that no GPU is paid for
    assert cost.dollars == pytest.approx(found.engine / 3600 * 3.0)
    assert cost.joules == pytest.approx(700 * found.engine)
    assert (cost.basis, cost.interval) == ("estimated", None)
    assert cost.note == "llama-3.1-8b on h100, at the shares of its peaks that an h200 reached"
    own = estimate(CostSettings(dollars_per_gpu_hour=0.36), 10_000, 100, cached=4_000)
    assert own.dollars == pytest.approx(found.engine * 1e-4)


def test_gpus_share_a_model() -> None:
    one, four = (estimate(CostSettings(shape="llama-3.1-70b", gpus=n), 50_000, 100) for n in (1, 4))
    assert one.gpu_seconds is not None
    assert four.gpu_seconds is not None
    assert one.gpu_seconds < four.gpu_seconds < 1.5 * one.gpu_seconds  # what they exchange is paid for too


def test_models_and_gpus_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "hybrid.toml"
    file.write_text(OWN)
    settings = load(file, environ={}).cost
    assert known_gpus(settings)["mine"].bandwidth == 100
    cost = estimate(settings, 1_000, 10)
    assert cost.gpu_seconds == pytest.approx(work(shape_named(settings), of_settings(settings).rates, 1_000, 10).engine)
    assert (cost.dollars, cost.joules) == (None, None)  # neither price nor power is in the table
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({**carried()["qwen3-8b"].config, "vocab_size": 151_936}))
    assert shape_named(CostSettings(shape=str(folder))).attention == shape_of(carried()["qwen3-8b"]).attention


def test_by_token_prices_needs_no_gpu() -> None:
    prices = CostSettings(gpu="none such", dollars_per_million_prompt=2.0, dollars_per_million_output=8.0)
    cost = estimate(prices, 1_000_000, 500_000, cached=400_000)
    assert (cost.dollars, cost.gpu_seconds, cost.basis) == (pytest.approx(6.0), None, "estimated")
    cached = prices.model_copy(update={"dollars_per_million_cached": 0.5})
    assert estimate(cached, 1_000_000, 500_000, cached=400_000).dollars == pytest.approx(1.2 + 0.2 + 4.0)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (CostSettings(gpu="abacus"), "The setting 'cost.gpu' names 'abacus', which is not known; known: h200, h100"),
        (CostSettings(shape="abacus"), "The setting 'cost.shape' names 'abacus', which is neither a model's folder"),
        (CostSettings(gpu="cpu"), "have to be measured: run `hybrid calibrate cost`"),
    ],
)
def test_what_is_not_known_is_said_and_fails_no_answer(settings: CostSettings, sentence: str) -> None:
    with pytest.raises(SettingsError) as refused:
        of_settings(settings)
    assert sentence in str(refused.value)
    cost = estimate(settings, 10, 10)
    assert (cost.gpu_seconds, cost.dollars, cost.joules) == (None, None, None)
    assert sentence in cost.note


@pytest.mark.parametrize("price", [-1.0, "much"])
def test_prices_that_are_none(price: object, tmp_path: Path) -> None:
    file = tmp_path / "hybrid.toml"
    file.write_text(f"[cost]\ndollars_per_gpu_hour = {json.dumps(price)}\n")
    with pytest.raises(SettingsError, match=r"The setting 'cost.dollars_per_gpu_hour' cannot be"):
        load(file, environ={})


def test_carried_gpus_are_plausible() -> None:
    assert {"h200", "h100", "a100", "mi300x", "l40s", "l4", "rtx-4090"} == set(gpus())
    for gpu in gpus().values():
        assert gpu.source
        assert gpu.watts is not None
        assert 10 < gpu.tflops < 10_000
        assert 100 < gpu.bandwidth < 20_000
        assert gpu.tflops_8 is None or 1.9 < gpu.tflops_8 / gpu.tflops < 2.1
