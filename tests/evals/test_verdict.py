"""The sentence that says which arm to take."""

from __future__ import annotations

from hybrid.evals import report as reports
from hybrid.evals.folder import RunInfo
from hybrid.evals.report.data import Data
from hybrid.evals.report.rows import _row
from hybrid.evals.report.worth import verdict

from hybrid.types import Usage
from tests.evals.made import made, record, suite


def verdict_of(*scores: tuple[str, int, list[float]]) -> str:
    """The verdict on arms with their prompt's tokens and their scores, one document a question."""
    made_up = [
        _row(
            record("raw", "t", None, i, 0.0).model_copy(
                update={
                    "arm": arm,
                    "status": "answered",
                    "score": score,
                    "group": str(i),
                    "id": str(i),
                    "usage": Usage(prompt_tokens=tokens),
                    "cost": None,
                }
            )
        )
        for arm, tokens, own in scores
        for i, score in enumerate(own)
    ]
    data = Data(run=RunInfo(suite=suite(), arms={}, counted_with="", sessions=[]), missing=0, notes=[], scores=[])
    return verdict(data, made_up)


def test_the_verdict_is_about_the_cheapest_arm_that_keeps_the_accuracy():
    good = [1.0] * 38 + [0.0] * 2
    assert verdict_of(("rag", 100, good), ("long", 1000, good), ("mid", 500, good)).startswith(
        "rag scores most and costs least: 0.95 on 40 questions, for 100 tokens computed each; long costs 10 times as "
        "much and scores 0.95."
    )
    better = [1.0] * 40
    assert verdict_of(("rag", 100, [1.0] * 100 + [0.0]), ("long", 1000, [1.0] * 101)).startswith(
        "rag keeps the accuracy of long at 10% of its cost: 0.99 against 1.00, "
    )
    open_one = verdict_of(("rag", 100, [1.0] * 36 + [0.0] * 4), ("long", 1000, [0.0] + [1.0] * 39))
    assert open_one.startswith("Whether rag keeps the accuracy of long at 10% of its cost is not established: ")
    assert open_one.endswith("More questions would tell.")
    worse = verdict_of(("rag", 100, [1.0] * 20 + [0.0] * 20), ("long", 1000, better))
    assert worse.startswith("long is worth its price: all that costs less scores less, rag being the nearest (0.50 ")


def test_the_verdict_says_what_it_cannot():
    assert verdict_of() == "Nothing is answered yet."
    assert "are too few to tell them apart (rag 1.00, long 0.00)" in verdict_of(
        ("rag", 100, [1.0] * 3), ("long", 1000, [0.0] * 3)
    )
    assert verdict_of(("rag", 100, [1.0, 0.0])).startswith("rag scores 0.50 [")


def test_the_verdict_of_an_unfinished_run_says_so(tmp_path):
    report = reports.make(made(tmp_path / "run", until=900))
    assert report.data.verdict.startswith("So far, with the run not finished: ")
