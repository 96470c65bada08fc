"""The file that CONTRIBUTING.md shows adds one of each, as a package beside ours does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text("utf-8")
USED = """
from hybrid import Hybrid, load
from hybrid.corpus.readers.read import read
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.tasks.registry import task

settings = load(
    overrides={"engine": {"kind": "house"}, "routing": {"policy": "short", "ordering": "backwards"}}, environ={}
)
sample = next(iter(task("capitals").samples(lambda texts: [9 for _ in texts], 1, 0)))
with Hybrid(settings) as hybrid:
    answer = hybrid.answer(sample.question, dict(sample.documents))
print(answer.decision.policy, answer.route, METRICS["starts"]("Lima [1]", sample.golds), answer.attempts[0].engine)
print(read("friends.vcf", b"BEGIN:VCARD\\nFN:Ada\\nEND:VCARD").text)
"""


def block(language: str) -> str:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)[-1]


def test_it_is_short() -> None:
    assert len(block("python").splitlines()) <= 60


def test_one_of_each_is_added(tmp_path: Path) -> None:
    groups = tomllib.loads(block("toml"))["project"]["entry-points"]
    about = tmp_path / "own_parts-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: own_parts\nVersion: 1.0\n", "utf-8")
    lines = [f"[{group}]\n{name} = {place}" for group, found in groups.items() for name, place in found.items()]
    (about / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "own_parts.py").write_text(block("python"), "utf-8")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    ran = subprocess.run([sys.executable, "-c", USED], env=environ, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "short long 1.0 house\nAda\n"), ran.stderr
