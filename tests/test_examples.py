"""The examples, as a newcomer runs them: in a process of their own, offline, anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid.cli.main import cli, guarded

EXAMPLES = Path(__file__).parents[1] / "examples"
LONGER = {"demo.py", "long_context.py"}  # the demo of the README, and the tour of everything that needs vLLM


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where what one example has indexed is found by the next."""
    return tmp_path_factory.mktemp("cache")


def run(name: str, cwd: Path, cache: Path) -> str:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run([sys.executable, EXAMPLES / name], capture_output=True, text=True, cwd=cwd, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("first_answer.py", ["$5,968,869", "route:", "citation:  genprex-10-q-2024-q1.txt:", "documents: "]),
        ("texts.py", ["31 August 2031", "How often is rent due?"]),
        ("routing_explained.py", ["rag (passages)", "long (corpus)", "with --prefer", "expected right: "]),
        ("own_model.py", ["yarn by 4", "requests of 131,072 tokens", "hybrid up"]),
        ("calibrate_router.py", ["held out", "against the better fixed route"]),
    ],
)
def test_an_example_shows_what_its_first_line_says(name, shown, tmp_path, cache):
    said = run(name, tmp_path, cache)
    assert all(part in said for part in shown), said


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


def test_examples_are_short_and_named_in_their_readme():
    told = (EXAMPLES / "README.md").read_text("utf-8")
    for file in [*EXAMPLES.glob("*.py"), *EXAMPLES.glob("*.toml")]:
        assert file.name in told, file.name
        assert file.name in LONGER or len(file.read_text("utf-8").splitlines()) <= 40, file.name
