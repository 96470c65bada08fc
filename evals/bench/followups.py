"""Questions that follow others, put so that they stand alone by rule: `python -m hybrid.evals.bench.followups`.

44 conversations of two and three turns over the documents of examples/ (`evals/suites/followups.jsonl`). Half of them
tuned the rules of `hybrid.session.followup`; the other half was run once these were final. A rewriting is right where
it has the words that a question needs to stand alone and none that would mislead, and where a complete question stays
as it is. Passages are searched for by the question as it was asked, by the two last questions together, by the
rewriting, and by all questions together; a hit is a passage with the answer among the first five.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hybrid import Hybrid, load
from hybrid.session.followup import by_rule, depends
from hybrid.types import Turn

_ROOT = Path(__file__).resolve().parents[2]
_CASES = Path(__file__).resolve().parents[1] / "suites" / "followups.jsonl"
_TOP = 5


@click.command()
@click.option("--documents", default=str(_ROOT / "examples"), help="The folder with contracts/ and filing/.")
@click.option("--split", type=click.Choice(["tuning", "unseen"]), help="Only that half.")
@click.option("--show", is_flag=True, help="Print every rewriting that is not right, and every miss.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def main(documents: str, split: str | None, show: bool, as_json: bool) -> None:
    """Measure the rewriting of questions that follow others."""
    cases = [json.loads(line) for line in _CASES.read_text("utf-8").splitlines()]
    halves = [split] if split else ["tuning", "unseen"]
    with Hybrid(load(environ={})) as hybrid:
        store = hybrid.open([f"{documents}/contracts", f"{documents}/filing/genprex-10-q-2024-q1.txt"])

        def hit(question: str, answer: str) -> bool:
            found = hybrid.retrieve(question, store, _TOP)
            return any(answer in " ".join(one.passage.text.split()) for one in found)

        told = {half: _measured([case for case in cases if case["split"] == half], hit, show=show) for half in halves}
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    for half, figures in told.items():
        click.echo(f"{half}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))


def _measured(cases: list[dict[str, Any]], hit: Callable[[str, str], bool], *, show: bool) -> dict[str, int]:
    """How many rewritings are right, and how many questions find their passage by each way of asking."""
    found = {"n": len(cases), "right": 0, "as asked": 0, "last two": 0, "rewritten": 0, "all together": 0}
    for case in cases:
        *before, asked = case["questions"]
        history = [Turn(role="user", text=question) for question in before]
        standing = by_rule(asked, history) if depends(asked, history) else asked
        right = is_right(case, standing)
        ways = {"as asked": asked, "last two": f"{before[-1]} {asked}", "rewritten": standing}
        ways["all together"] = " ".join(case["questions"])
        hits = {name: hit(question, case["answer"]) for name, question in ways.items()}
        found["right"] += right
        for name, one in hits.items():
            found[name] += one
        if show and not (right and hits["rewritten"]):
            click.echo(f"{case['id']}: {case['questions']} -> {standing!r}, right {right}, hits {hits}")
    return found


def is_right(case: dict[str, Any], standing: str) -> bool:
    """Whether a rewriting stands alone and says the same."""
    lowered = standing.lower()
    needed = all(word.lower() in lowered for word in case["needs"])
    misled = any(word.lower() in lowered for word in case["lacks"])
    return needed and not misled and (not case["same"] or standing == case["questions"][-1])


if __name__ == "__main__":
    main()
