"""The examples, as a newcomer runs them: offline, anywhere."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid.cli.main import cli, guarded

EXAMPLES = Path(__file__).parents[1] / "examples"
LONGER = {
    "demo.py",
    "long_context.py",
    "tour.ipynb",
}  # the demo of the README, and the tour of everything that needs vLLM


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("first_answer.py", ["$5,968,869", "route:", "citation:  genprex-10-q-2024-q1.txt:", "documents: "]),
        ("routing_explained.py", ["rag (passages)", "long (corpus)", "with --prefer", "expected right: "]),
        ("own_model.py", ["yarn by 4", "requests of 131,072 tokens", "hybrid up"]),
        ("calibrate_router.py", ["held out", "against the better fixed route"]),
    ],
)
def test_an_example_shows_what_its_first_line_says(name, shown, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(sys, "argv", [name])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    said = capsys.readouterr().out
    assert all(part in said for part in shown), said


def test_an_example_runs_in_a_process_of_its_own(tmp_path):
    command = [sys.executable, EXAMPLES / "texts.py"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    said = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=True).stdout
    assert "31 August 2031" in said
    assert "How often is rent due?" in said


@pytest.mark.slow
def test_the_demo_tells_a_story(monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(sys, "argv", ["demo.py"])
    assert runpy.run_path(str(EXAMPLES / "demo.py"))["main"]() == 0
    said = capsys.readouterr().out
    for part in (
        "$8,217,115",
        "The documents do not say.",
        "class MissingParameter",
        ":param hide_input:",
        "def pause(",
    ):
        assert part in said
    assert "6 questions: 5 answered with the place, 1 not in the documents." in said
    assert said.count("always reading the whole") == 6
    assert "GPU s" not in said  # no estimates for a GPU that is not there


@pytest.mark.slow
def test_the_evaluation_of_own_questions_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(EXAMPLES.parent)
    suite = str(EXAMPLES / "batch_evaluation.toml")
    assert guarded(cli, ["eval", "run", suite, "--output", str(tmp_path / "out"), "--quiet", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert [(row["task"], row["arm"], row["n"]) for row in scores] == [
        ("my questions", arm, 6) for arm in ("rag", "long", "calibrated")
    ]
    assert min(row["score"]["mean"] for row in scores) >= 0.5
    assert (tmp_path / "out" / "report" / "report.html").is_file()


@pytest.mark.slow
def test_the_tour_runs(monkeypatch):
    nbclient = pytest.importorskip("nbclient", reason="nbclient is missing")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is missing")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    tour = nbformat.read(EXAMPLES / "tour.ipynb", as_version=4)
    carried = [bool(cell.get("outputs")) for cell in tour.cells]
    nbclient.NotebookClient(tour, timeout=300, resources={"metadata": {"path": str(EXAMPLES)}}).execute()
    assert [bool(cell.get("outputs")) for cell in tour.cells] == carried
    shown = [kind for cell in tour.cells for output in cell.get("outputs", []) for kind in output.get("data", {})]
    assert shown.count("image/png") == 2


def test_examples_are_short_and_named_in_their_readme():
    told = (EXAMPLES / "README.md").read_text("utf-8")
    for file in [*EXAMPLES.glob("*.py"), *EXAMPLES.glob("*.toml"), *EXAMPLES.glob("*.ipynb")]:
        assert file.name in told, file.name
        assert file.name in LONGER or len(file.read_text("utf-8").splitlines()) <= 40, file.name
