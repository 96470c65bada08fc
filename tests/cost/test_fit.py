"""Rates fitted to measurements: made-up ones whose rates are known, and what cannot be fitted."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from hybrid.cost.estimate import estimate, of_settings
from hybrid.cost.fit import FILE, Fitted, Point, errors, fit, load, predicted, rates_file, save
from hybrid.cost.rates import Rates
from hybrid.cost.shape import Attention, Shape
from hybrid.cost.sweep import loads
from hybrid.errors import InputError, SettingsError
from hybrid.settings import CostSettings

SHAPE = Shape(1.0, 1.0, 128, (Attention(10, 2, 128, 256),))
TRUE = Rates(flops=3e11, attention=5e10, bandwidth=2e10, request=0.02, token=2e-5, step=0.004)


def points(noise: float, window: int = 32_768, seed: int = 0) -> list[Point]:
    """What a machine with the true rates would take for the loads of a sweep."""
    rng = random.Random(seed)
    found = []
    for one in loads(window):
        cached = int(one.length * one.cached)
        point = Point(one.length - cached, cached, one.output, one.batch, 1.0)
        found.append(replace(point, seconds=predicted(SHAPE, TRUE, point) * rng.lognormvariate(0, noise)))
    return found


def test_the_rates_that_made_the_measurements_are_found() -> None:
    rates, seen, held_out = fit(points(0.0), SHAPE)
    assert held_out.median < 0.01
    assert seen.ninth < 0.01
    for name in ("flops", "attention", "bandwidth"):
        assert getattr(rates, name) == pytest.approx(getattr(TRUE, name), rel=0.05), name


def test_noise_is_in_the_interval() -> None:
    rates, _, held_out = fit(points(0.1), SHAPE)
    assert held_out.points >= 15
    assert 0.03 < held_out.median < 0.15
    assert rates.spread is not None
    low, high = rates.spread
    assert 0.7 < low < 1 < high < 1.4
    more = points(0.1, seed=1)
    inside = [low <= point.seconds / predicted(SHAPE, rates, point) <= high for point in more]
    assert sum(inside) / len(inside) > 0.75
    assert errors(SHAPE, rates, more).median < 0.15


def test_lengths_held_out_are_not_fitted() -> None:
    whole = points(0.0)
    lengths = sorted({point.new + point.cached for point in whole})
    spoilt = [replace(p, seconds=2 * p.seconds) if p.new + p.cached == lengths[1] else p for p in whole]
    rates, seen, held_out = fit(spoilt, SHAPE)
    assert seen.ninth < 0.01
    assert held_out.ninth > 0.4
    assert rates.spread is not None
    assert rates.spread[1] > 1.9


@pytest.mark.parametrize("few", [[], points(0.0)[:11], [p for p in points(0.0) if p.new + p.cached < 1000]])
def test_too_little_is_refused(few: list[Point]) -> None:
    with pytest.raises(InputError, match=f"There are {len(few)} measurements of"):
        fit(few, SHAPE)


@pytest.fixture
def fitted() -> Fitted:
    rates, seen, held_out = fit(points(0.05), SHAPE)
    return Fitted(
        rates=replace(rates, label="2 cores"),
        shape=SHAPE,
        model="small",
        engine="small at localhost:8000",
        hardware="2 cores",
        gpu="",
        date="2026-01-31",
        seen=seen,
        held_out=held_out,
        points=tuple(points(0.05)),
    )


def test_a_fit_is_kept_and_used(fitted: Fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert rates_file(None) is None
    plain = estimate(CostSettings(), 10_000, 100)
    assert plain.interval is None
    save(fitted, tmp_path / FILE)
    assert load(tmp_path / FILE) == fitted
    assert rates_file(None) == Path(FILE)
    setup = of_settings(CostSettings())
    assert (setup.shape, setup.rates, setup.note) == (SHAPE, fitted.rates, "small, calibrated on 2 cores")
    cost = estimate(CostSettings(), 10_000, 100, cached=4_000)
    assert cost.interval is not None
    assert cost.gpu_seconds is not None
    assert cost.interval[0] < cost.gpu_seconds < cost.interval[1]
    assert (cost.basis, cost.note, cost.dollars) == ("estimated", setup.note, None)  # nobody told what an hour costs
    paid = estimate(CostSettings(dollars_per_gpu_hour=3.6), 10_000, 100, cached=4_000)
    assert paid.dollars == pytest.approx(cost.gpu_seconds / 1000)
    assert list(tmp_path.iterdir()) == [tmp_path / FILE]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "holds no rates of this program"),
        ("[]", "holds no rates of this program"),
        ('{"format": 2, "rates": {}}', "holds no rates of this program"),
        ('{"format": 99}', "are of another version"),
    ],
)
def test_files_that_are_no_rates(text: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "rates.json"
    file.write_text(text)
    with pytest.raises(SettingsError, match=sentence):
        load(file)
    cost = estimate(CostSettings(rates=str(file)), 1_000, 10)  # a question is answered all the same
    assert (cost.gpu_seconds, cost.dollars) == (None, None)
    assert sentence in cost.note


def test_a_missing_file_and_a_missing_key(fitted: Fitted, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load(tmp_path / "none.json")
    file = tmp_path / "rates.json"
    save(fitted, file)
    data = json.loads(file.read_text())
    data["rates"]["surprise"] = 1
    file.write_text(json.dumps(data))
    with pytest.raises(SettingsError, match="holds no rates"):
        load(file)
    with pytest.raises(SettingsError, match="Cannot write"):
        save(fitted, tmp_path / "no folder" / "rates.json")
