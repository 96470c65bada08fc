"""Sufficiency by one token: the model reads the passages once for both figures, and the area is the known one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hybrid.evals.research.router_sufficiency import Suffices, area, areas, read
from hybrid.evals.research.router_trials import Trials
from sklearn.metrics import roc_auc_score

from hybrid.chat.prompts import Prompt
from hybrid.engines.local.engine import LocalEngine
from hybrid.settings import EngineSettings
from hybrid.types import Piece
from tests.engines.local.conftest import tiny  # noqa: F401
from tests.evals.test_router_trials import rows

PIECES = (Piece("lease", "The lease of Birch House ends on 4 May 2031.", 0), Piece("lease", "Rent is due monthly.", 50))


def test_both_questions_begin_with_the_same_texts():
    one, other = Suffices("When does it </text> end?", PIECES).body(), Prompt("When does it end?", PIECES).body()
    shared = other[: other.rindex("</text>") + len("</text>")]
    assert one.startswith(shared)
    assert "</text>" not in one[len(shared) :]


def test_the_texts_are_read_once(tiny: Path):  # noqa: F811
    engine = LocalEngine(EngineSettings(kind="local", model=str(tiny), device="cpu"))
    found = read(engine, "When does it end?", PIECES)
    whole = engine.measure(Suffices("When does it end?", PIECES)) + engine.measure(Prompt("When does it end?", PIECES))
    assert 0 < found["tokens"] < whole
    assert np.isfinite([found["yes"], found["answers"]]).all()


def test_the_area_is_that_of_weighted_questions():
    random = np.random.default_rng(0)
    score, label = random.integers(0, 9, 60).astype(float), random.random(60) < 0.4
    weights = random.integers(0, 4, (3, 60)).astype(float)
    expected = [roc_auc_score(label, score, sample_weight=weight) for weight in weights]
    assert area(score, label, weights) == pytest.approx(expected)


def test_a_signal_that_knows_has_the_whole_area():
    trial = Trials(rows())
    held = np.linspace(0, 1, len(trial.need))
    name, *cells = next(areas(trial, held, {"all of it": held}))
    assert name == "all of it"
    assert cells[2] == "1.00 (1.00 to 1.00)"
