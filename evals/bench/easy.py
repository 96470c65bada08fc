"""Plain questions on short documents: `python -m hybrid.evals.bench.easy [--set NAME] [--show]`.

Documents of one page of all kinds (contracts, minutes, manuals, notices, CSV files, HTML pages, modules of code), about
ten questions each, asked of one document at a time with the default engine. Those of the sets LOOKED_AT were looked at
while the engine was mended; of those of UNSEEN nobody has looked at an answer. Every set is made up and has questions
whose answer its document does not hold: a fifth of `dev` and `held`, half of `second`, `third`, `fourth` and `later`,
two fifths of the others. The sets `held`, `dev`, `second` and `later` were written by the author of the engine's rules,
the others by people who had not seen it. Two thirds of the questions of `sixth` and `seventh` avoid the words of their
documents, half of those of `blind`.

An answer is right where it holds a gold string, none of the strings that would be another's figure, and is short
(60 words; 200 of code, which is quoted in whole definitions). A question without an answer is right where the engine
says so. Intervals of single questions are 95 % Wilson intervals, which take them as independent.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from hybrid.evals.metrics.words import unmarked
from hybrid.evals.statistics import wilson

from hybrid import Answer, Hybrid, Settings
from hybrid.cli.common import console, print_json
from hybrid.files import read_lines

SHORT = Path(__file__).with_name("short")
LOOKED_AT = ("dev", "second", "third", "fourth", "last", "sixth", "seventh")
UNSEEN = ("held", "later", "fresh", "blind")
WORDS, WORDS_OF_CODE = 60, 200
CODE = (".py", ".js", ".toml")
Sample = dict[str, Any]


def samples(name: str) -> list[Sample]:
    """The questions of a set."""
    return list(read_lines(SHORT / f"{name}.jsonl"))


def right(sample: Sample, answer: Answer) -> bool:
    """Whether an answer is right; see the module."""
    if not sample["gold"]:
        return answer.abstained
    text = unmarked(answer.text)
    limit = WORDS_OF_CODE if sample["document"].endswith(CODE) else WORDS
    return (
        not answer.abstained
        and len(text.split()) <= limit
        and any(" ".join(gold.split()) in text for gold in sample["gold"])
        and not any(other in text for other in sample.get("not", ()))
    )


def run(name: str, hybrid: Hybrid) -> list[tuple[Sample, Answer, bool]]:
    """Ask every question of a set on its document."""
    asked = [(sample, hybrid.answer(sample["question"], SHORT / name / sample["document"])) for sample in samples(name)]
    return [(sample, answer, right(sample, answer)) for sample, answer in asked]


def summary(results: Sequence[tuple[Sample, Answer, bool]]) -> dict[str, Any]:
    """Shares with intervals: right of all, right of those with an answer, answered of those without."""
    with_answer = [ok for sample, _, ok in results if sample["gold"]]
    absent = [not ok for sample, _, ok in results if not sample["gold"]]

    def share(hits: Sequence[bool]) -> dict[str, float]:
        low, high = wilson(sum(hits), len(hits))
        return {"share": sum(hits) / len(hits), "low": low, "high": high, "n": len(hits)}

    return {
        "right": share([ok for *_, ok in results]),
        "right_with_answer": share(with_answer),
        "absent_answered": share(absent),
    }


@click.command()
@click.option("--set", "names", type=click.Choice(LOOKED_AT + UNSEEN), multiple=True, help="Which. [default: all]")
@click.option("--show", is_flag=True, help="Print the answers that are wrong, of sets that were looked at.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def main(names: tuple[str, ...], show: bool, as_json: bool) -> None:
    """Ask plain questions on short documents with the default engine."""
    found: dict[str, Any] = {}
    began = time.perf_counter()
    with Hybrid(Settings()) as hybrid:
        for name in names or LOOKED_AT + UNSEEN:
            results = run(name, hybrid)
            found[name] = summary(results)
            for sample, answer, ok in results:
                if show and not ok and name in LOOKED_AT:
                    console().print(f"[b]{sample['document']}: {sample['question']}[/b]", highlight=False)
                    console().print(f"  wanted {sample['gold'] or 'no answer'}", markup=False, highlight=False)
                    console().print(f"  got    {answer.text}", markup=False, highlight=False)
    if as_json:
        print_json(found)
        return
    for name, shares in found.items():
        for what, s in shares.items():
            console().print(f"{name:5} {what:18} {s['share']:.3f} ({s['low']:.3f} to {s['high']:.3f}), n = {s['n']}")
    console().print(f"{time.perf_counter() - began:.0f} s with everything loaded anew")


if __name__ == "__main__":
    main()
