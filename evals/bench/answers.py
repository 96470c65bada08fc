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

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from hybrid.evals.bench.tables import less, table
from hybrid.evals.cli.common import spanned
from hybrid.evals.metrics.middle import best_subspan_em
from hybrid.evals.metrics.squad import f1
from hybrid.evals.metrics.substring import content_words
from hybrid.evals.metrics.words import unmarked
from hybrid.evals.statistics import bootstrap

from hybrid import Answer, Hybrid, Settings
from hybrid.cli.common import print_json
from hybrid.cli.progress import progress_bars
from hybrid.files import read_lines
from hybrid.settings.names import POLICIES

WAYS = ("rag", "long", "self_route", "calibrated")
_OPTION = re.compile(r"\(([A-H])\)")
Sample = dict[str, Any]


def chosen(reply: str, golds: Sequence[str], options: Sequence[str]) -> float:
    """Whether the option that has the largest share of its content words in the reply is the right one; ties shared."""
    shares = [content_words(reply, [option]) for option in options]
    best = [option for option, share in zip(options, shares, strict=True) if share == max(shares)]
    return sum(option in golds for option in best) / len(best)


def xquad(data: Path) -> Iterator[Sample]:
    """Questions over all articles at once."""
    articles = json.loads(gzip.decompress((data / "squad" / "xquad.en.json.gz").read_bytes()))["data"]
    corpus = {a["title"]: "\n\n".join(p["context"] for p in a["paragraphs"]) for a in articles}
    for article in articles:
        for paragraph in article["paragraphs"]:
            for q in paragraph["qas"]:
                golds = [answer["text"] for answer in q["answers"]]
                yield {"corpus": corpus, "group": article["title"], "question": q["question"], "golds": golds}


def leval(name: str) -> Callable[[Path], Iterator[Sample]]:
    """Questions over one document each, of a set of L-Eval; documents that stand there twice are one."""

    def read(data: Path) -> Iterator[Sample]:
        known: dict[str, dict[str, str]] = {}
        for row in read_lines(data / "leval" / f"{name}.dev.jsonl.gz"):
            corpus = known.setdefault(row["input"], {f"document {len(known)}": row["input"]})
            for question, gold in zip(row["instructions"], row["outputs"], strict=True):
                asked, *parts = _OPTION.split(question)
                sample = {"corpus": corpus, "group": next(iter(corpus)), "question": asked.strip()}
                options = [part.strip() for part in parts[1::2]]
                right = _OPTION.match(gold.strip())
                if options and right:
                    gold = options[parts[::2].index(right[1])]
                yield {**sample, "golds": [gold], "options": options}

    return read


SETS: dict[str, tuple[Callable[[Path], Iterator[Sample]], str]] = {
    "xquad": (xquad, "best_subspan_em"),
    "nq": (leval("natural_question"), "best_subspan_em"),
    "contracts": (leval("legal_contract_qa"), "content_words"),
    "papers": (leval("scientific_qa"), "content_words"),
    "quality": (leval("quality"), "option"),
}


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Folder of the data sets.")
@click.option("--set", "sets", multiple=True, type=click.Choice(list(SETS)), help="Default: all of them.")
@click.option("--questions", default=400, help="Of each set, drawn with seed 0 where there are more.")
@click.option("--json", "as_json", is_flag=True)
def main(data: Path, sets: tuple[str, ...], questions: int, as_json: bool) -> None:
    """Measure answers."""
    rows: list[dict[str, Any]] = []
    with Hybrid(Settings()) as hybrid:
        for name in sets or SETS:
            read, metric = SETS[name]
            samples = list(read(data))
            samples = random.Random(0).sample(samples, min(questions, len(samples)))
            rows += _rows(name, metric, samples, _answered(hybrid, samples))
    if as_json:
        print_json(rows)
        return
    _table(rows)


def _answered(hybrid: Hybrid, samples: Sequence[Sample]) -> dict[str, list[Answer]]:
    """The answers to the samples by each policy, each corpus opened once."""
    found: dict[str, dict[int, Answer]] = {way: {} for way in WAYS}
    for corpus in {id(s["corpus"]): s["corpus"] for s in samples}.values():
        own = [i for i, s in enumerate(samples) if s["corpus"] is corpus]
        asked = [samples[i]["question"] for i in own]
        with progress_bars(quiet=False) as progress:
            store = hybrid.open(corpus, progress)
            for way in WAYS:
                hybrid.policy = POLICIES[way]()
                found[way] |= dict(zip(own, hybrid.answer_many(asked, store, progress=progress), strict=True))
    return {way: [answers[i] for i in range(len(samples))] for way, answers in found.items()}


def _rows(name: str, metric: str, samples: Sequence[Sample], found: dict[str, list[Answer]]) -> list[dict[str, Any]]:
    groups = [s["group"] for s in samples]
    scores = {
        way: [_score(metric, s, a) for s, a in zip(samples, answers, strict=True)] for way, answers in found.items()
    }
    rows = []
    for way, answers in found.items():
        overlap = [f1(_reply(a), s["golds"]) for s, a in zip(samples, answers, strict=True)]
        n = len(answers)
        rows.append(
            {
                "data": name,
                "way": way,
                "n": n,
                "documents": len(set(groups)),
                "metric": metric,
                "score": bootstrap(scores[way], groups),
                "over_rag": bootstrap(less(scores[way], scores["rag"]), groups),
                "f1": bootstrap(overlap, groups),
                "abstained": sum(a.abstained for a in answers) / n,
                "went_long": sum(a.route == "long" for a in answers) / n,
                "tokens_read": sum(a.usage.prompt_tokens for a in answers) / n,
                "seconds": sum(a.usage.seconds for a in answers) / n,
            }
        )
    return rows


def _reply(answer: Answer) -> str:
    return unmarked(answer.text)


def _score(metric: str, sample: Sample, answer: Answer) -> float:
    if metric == "best_subspan_em":
        return best_subspan_em(_reply(answer), sample["golds"])
    if answer.abstained:
        return 0.0
    if metric == "option":
        return chosen(_reply(answer), sample["golds"], sample["options"])
    return content_words(_reply(answer), sample["golds"])


def _table(rows: list[dict[str, Any]]) -> None:
    """A table of each set; F1 and seconds are in --json."""
    for name in dict.fromkeys(r["data"] for r in rows):
        own = [r for r in rows if r["data"] == name]
        title = f"{name}: {own[0]['metric']}, {own[0]['n']} questions on {own[0]['documents']} documents"
        heads = ("policy", "score", "over rag", "silent", "long", "tokens")
        lines = [
            [
                *(r["way"], spanned(r["score"]), spanned(r["over_rag"])),
                *(f"{r['abstained']:.0%}", f"{r['went_long']:.0%}", f"{r['tokens_read']:,.0f}"),
            ]
            for r in own
        ]
        table(heads, lines, title)


if __name__ == "__main__":
    main()
