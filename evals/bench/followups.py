"""Questions that follow others, put so that they stand alone by rule: `python -m hybrid.evals.bench.followups`.

44 conversations of two and three turns over the documents of examples/ (`evals/suites/followups.jsonl`). Half of them
tuned the rules of `hybrid.session.followup`; the other half was run once these were final. A rewriting is right where
it has the words that a question needs to stand alone and none that would mislead, and where a complete question stays
as it is. Passages are searched for by the question as it was asked, by the two last questions together, by the
rewriting, and by all questions together; a hit is a passage with the answer among the first five.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
from hybrid.evals.metrics import retrieval
from hybrid.evals.sample import Sample
from hybrid.evals.tasks.conversations import Conversations
from hybrid.evals.tasks.files import Fields, lines

from hybrid import Hybrid, load
from hybrid.session.followup import by_rule, depends

_CASES = Path(__file__).resolve().parents[1] / "suites" / "followups.jsonl"
_TOP = 5


@click.command()
@click.option("--split", type=click.Choice(["tuning", "unseen"]), help="Only that half.")
@click.option("--show", is_flag=True, help="Print every rewriting that is not right, and every miss.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def main(split: str | None, show: bool, as_json: bool) -> None:
    """Measure the rewriting of questions that follow others."""
    wordings = {row.text("id"): row for row in lines(_CASES)}
    samples = list(Conversations(_CASES).read())
    halves = [split] if split else ["tuning", "unseen"]
    with Hybrid(load(environ={})) as hybrid:
        store = hybrid.open(dict(samples[0].documents))

        def hit(question: str, sample: Sample) -> bool:
            best = [one.passage for one in hybrid.retrieve(question, store, _TOP)]
            found = [(one.document, one.start, one.end) for one in best]
            return bool(retrieval.hit(found, sample.documents, sample.golds))

        told = {}
        for half in halves:
            own = [sample for sample in samples if wordings[sample.id].text("split") == half]
            told[half] = _measured(own, wordings, hit, show=show)
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    for half, figures in told.items():
        click.echo(f"{half}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))


def _measured(
    samples: Sequence[Sample], wordings: Mapping[str, Fields], hit: Callable[[str, Sample], bool], *, show: bool
) -> dict[str, int]:
    """How many rewritings are right, and how many questions find their passage by each way of asking."""
    found = {"n": len(samples), "right": 0, "as asked": 0, "last two": 0, "rewritten": 0, "all together": 0}
    for sample in samples:
        asked, before = sample.question, [turn.text for turn in sample.history]
        standing = by_rule(asked, sample.history) if depends(asked, sample.history) else asked
        right = is_right(wordings[sample.id], standing)
        ways = {"as asked": asked, "last two": f"{before[-1]} {asked}", "rewritten": standing}
        ways["all together"] = " ".join([*before, asked])
        hits = {name: hit(question, sample) for name, question in ways.items()}
        found["right"] += right
        for name, one in hits.items():
            found[name] += one
        if show and not (right and hits["rewritten"]):
            click.echo(f"{sample.id}: {before} {asked!r} -> {standing!r}, right {right}, hits {hits}")
    return found


def is_right(wording: Fields, standing: str) -> bool:
    """Whether a rewriting stands alone and says the same.

    Args:
        wording: the words that it needs, those that would mislead, and whether the question stands alone as it is.
    """
    lowered = standing.lower()
    needed = all(word.lower() in lowered for word in wording.texts("needs"))
    misled = any(word.lower() in lowered for word in wording.texts("lacks"))
    return needed and not misled and (not wording.data["same"] or standing == wording.text("question"))


if __name__ == "__main__":
    main()
