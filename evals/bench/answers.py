"""Answers of the default engine by policy: `python -m hybrid.evals.bench.answers --data DIR [--set NAME]`.

xquad       the 48 articles of English XQuAD as one corpus of 48 documents; one gold answer a question
nq          long Wikipedia pages with questions of Natural Questions (L-Eval), each page its own corpus
contracts   contracts with questions on their clauses (L-Eval, from CUAD), likewise
papers      scientific papers (L-Eval, from Qasper), likewise; some questions want a yes or a no, or have no answer
quality     stories and articles with four options a question (L-Eval, from QuALITY), likewise

The engine quotes sentences, so what is scored is whether the quotations hold the answer. xquad and nq: a gold answer
occurs in the reply (best_subspan_em). contracts and papers: the share of the gold answer's content words in the reply,
since golds are whole clauses or lists. quality: the engine is asked the question without its options, and the option
that has the largest share of its content words in the reply is taken; where several tie, the right one among them
counts as much as drawing one of them, and silence is wrong. Chance is a quarter. F1 is low by nature for whole
sentences. Intervals are clustered by document. None of these sets was used to fit the engine or the router.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
from hybrid.evals.bench.tables import Row, less, table
from hybrid.evals.cli.common import DATA, spanned
from hybrid.evals.columns import shown
from hybrid.evals.metrics.published import best_subspan_em, f1
from hybrid.evals.metrics.words import content_words, unmarked
from hybrid.evals.sample import Sample
from hybrid.evals.statistics import bootstrap
from hybrid.evals.tasks.published import Squad

from hybrid import Answer, Hybrid, Settings
from hybrid.cli.common import print_json
from hybrid.cli.progress import progress_bars
from hybrid.files import read_lines
from hybrid.settings.names import POLICIES

WAYS = ("rag", "long", "self_route", "calibrated")
_OPTION = re.compile(r"\(([A-H])\)")


def chosen(reply: str, golds: Sequence[str], options: Sequence[str]) -> float:
    """Whether the option that has the largest share of its content words in the reply is the right one; ties shared."""
    shares = [content_words(reply, [option]) for option in options]
    best = [option for option, share in zip(options, shares, strict=True) if share == max(shares)]
    return sum(option in golds for option in best) / len(best)


def leval(name: str) -> Callable[[Path], Iterator[Sample]]:
    """Questions over one document each, of a set of L-Eval; documents that stand there twice are one."""

    def read(data: Path) -> Iterator[Sample]:
        known: dict[str, dict[str, str]] = {}
        for row in read_lines(data / "leval" / f"{name}.dev.jsonl.gz"):
            corpus = known.setdefault(row["input"], {f"document {len(known)}": row["input"]})
            for question, gold in zip(row["instructions"], row["outputs"], strict=True):
                asked, *parts = _OPTION.split(question)
                options = tuple(part.strip() for part in parts[1::2])
                right = _OPTION.match(gold.strip())
                if options and right:
                    gold = options[parts[::2].index(right[1])]
                yield Sample("", asked.strip(), corpus, (gold,), next(iter(corpus)), choices=options)

    return read


SETS: dict[str, tuple[Callable[[Path], Iterator[Sample]], str]] = {
    "xquad": (lambda data: Squad(data / "squad" / "xquad.en.json.gz", together=True).read(), "best_subspan_em"),
    "nq": (leval("natural_question"), "best_subspan_em"),
    "contracts": (leval("legal_contract_qa"), "content_words"),
    "papers": (leval("scientific_qa"), "content_words"),
    "quality": (leval("quality"), "option"),
}


@click.command()
@DATA
@click.option("--set", "sets", multiple=True, type=click.Choice(list(SETS)), help="Default: all of them.")
@click.option("--questions", default=400, help="Of each set, drawn with seed 0 where there are more.")
@click.option("--json", "as_json", is_flag=True)
def main(data: Path, sets: tuple[str, ...], questions: int, as_json: bool) -> None:
    """Measure answers."""
    rows: list[Row] = []
    with Hybrid(Settings()) as hybrid:
        for name in sets or SETS:
            read, metric = SETS[name]
            samples = list(read(data))
            samples = random.Random(0).sample(samples, min(questions, len(samples)))
            rows += _rows(name, metric, samples, _answered(hybrid, samples))
    (print_json if as_json else _table)(rows)


def _answered(hybrid: Hybrid, samples: Sequence[Sample]) -> dict[str, list[Answer]]:
    """The answers to the samples by each policy, each corpus opened once."""
    found: dict[str, dict[int, Answer]] = {way: {} for way in WAYS}
    for corpus in {id(s.documents): s.documents for s in samples}.values():
        own = [i for i, s in enumerate(samples) if s.documents is corpus]
        asked = [samples[i].question for i in own]
        with progress_bars(quiet=False) as progress:
            store = hybrid.open(corpus, progress)
            for way in WAYS:
                hybrid.policy = POLICIES[way]()
                found[way] |= dict(zip(own, hybrid.answer_many(asked, store, progress=progress), strict=True))
    return {way: [answers[i] for i in range(len(samples))] for way, answers in found.items()}


def _rows(name: str, metric: str, samples: Sequence[Sample], found: dict[str, list[Answer]]) -> list[Row]:
    groups, n = [s.group for s in samples], len(samples)
    scores = {way: [_score(metric, *pair) for pair in zip(samples, found[way], strict=True)] for way in found}
    return [
        {
            "data": name,
            "way": way,
            "n": n,
            "documents": len(set(groups)),
            "metric": metric,
            "score": bootstrap(scores[way], groups),
            "over_rag": bootstrap(less(scores[way], scores["rag"]), groups),
            "f1": bootstrap([f1(unmarked(a.text), s.golds) for s, a in zip(samples, answers, strict=True)], groups),
            "abstained": sum(a.abstained for a in answers) / n,
            "went_long": sum(a.route == "long" for a in answers) / n,
            "tokens_read": sum(a.usage.prompt_tokens for a in answers) / n,
            "seconds": sum(a.usage.seconds for a in answers) / n,
        }
        for way, answers in found.items()
    ]


def _score(metric: str, sample: Sample, answer: Answer) -> float:
    reply = unmarked(answer.text)
    if metric == "best_subspan_em":
        return best_subspan_em(reply, sample.golds)
    if answer.abstained:
        return 0.0
    return chosen(reply, sample.golds, sample.choices) if metric == "option" else content_words(reply, sample.golds)


def _table(rows: Sequence[Row]) -> None:
    """A table of each set; F1 and seconds are in --json."""
    columns: dict[str, Callable[[Row], str]] = {
        "policy": lambda row: str(row["way"]),
        "score": lambda row: spanned(row["score"]),
        "over rag": lambda row: spanned(row["over_rag"]),
        "silent": lambda row: f"{row['abstained']:.0%}",
        "long": lambda row: f"{row['went_long']:.0%}",
        "tokens": lambda row: f"{row['tokens_read']:,.0f}",
    }
    for name in dict.fromkeys(row["data"] for row in rows):
        own = [row for row in rows if row["data"] == name]
        title = f"{name}: {own[0]['metric']}, {own[0]['n']} questions on {own[0]['documents']} documents"
        table(*shown(own, columns), title)


if __name__ == "__main__":
    main()
