"""Answers of the default engine by route: `python -m evals.bench.answers --data DIR`.

xquad   the 48 articles of English XQuAD as one corpus of 48 documents; one gold answer a question
nq      long Wikipedia pages with questions of Natural Questions (L-Eval), each page its own corpus

best_subspan_em: a gold answer occurs in the reply. F1: shared words; low by nature for an engine that quotes whole
sentences. Intervals are clustered by document. Neither set was used to fit the engine.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from evals.metrics import best_subspan_em, bootstrap, f1
from hybrid import Answer, Hybrid, Settings
from hybrid.cli.common import console, print_json, progress_bars

ROUTES = ("rag", "long", None)  # None: the default policy
_MARKS = re.compile(r" ?\[\d+\]")


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Folder of the data sets.")
@click.option("--questions", default=400, help="Of XQuAD, drawn with seed 0; 1190 for all.")
@click.option("--json", "as_json", is_flag=True)
def main(data: Path, questions: int, as_json: bool) -> None:
    """Measure answers."""
    rows: list[dict[str, Any]] = []
    with Hybrid(Settings()) as hybrid:
        for name, samples in (
            ("xquad", random.Random(0).sample(list(xquad(data)), questions)),
            ("nq", list(natural_questions(data))),
        ):
            corpora = {id(s["corpus"]): s["corpus"] for s in samples}
            for route in ROUTES:
                found: list[tuple[dict[str, Any], Answer]] = []
                for corpus in corpora.values():
                    own = [s for s in samples if s["corpus"] is corpus]
                    with progress_bars(quiet=False) as progress:
                        asked = [s["question"] for s in own]
                        answers = hybrid.answer_many(asked, corpus, route=route, progress=progress)  # type: ignore[arg-type]
                    found += zip(own, answers, strict=True)
                rows.append(_row(name, route or hybrid.policy.name, found))
    if as_json:
        print_json(rows)
        return
    _table(rows)


def xquad(data: Path) -> Iterator[dict[str, Any]]:
    """Questions over all articles at once."""
    articles = json.loads(gzip.decompress((data / "squad" / "xquad.en.json.gz").read_bytes()))["data"]
    corpus = {a["title"]: "\n\n".join(p["context"] for p in a["paragraphs"]) for a in articles}
    for article in articles:
        for paragraph in article["paragraphs"]:
            for q in paragraph["qas"]:
                golds = [answer["text"] for answer in q["answers"]]
                yield {"corpus": corpus, "group": article["title"], "question": q["question"], "golds": golds}


def natural_questions(data: Path) -> Iterator[dict[str, Any]]:
    """Questions over one page each."""
    with gzip.open(data / "leval" / "natural_question.dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            page = json.loads(line)
            corpus = {f"page {number}": page["input"]}
            for question, gold in zip(page["instructions"], page["outputs"], strict=True):
                yield {"corpus": corpus, "group": number, "question": question, "golds": [gold]}


def _row(data: str, way: str, found: list[tuple[dict[str, Any], Answer]]) -> dict[str, Any]:
    replies = [_MARKS.sub("", a.text).replace("\n", " ") for _, a in found]
    groups = [s["group"] for s, _ in found]
    em = [best_subspan_em(reply, s["golds"]) for reply, (s, _) in zip(replies, found, strict=True)]
    score = [f1(reply, s["golds"]) for reply, (s, _) in zip(replies, found, strict=True)]
    return {
        "data": data,
        "way": way,
        "n": len(found),
        "best_subspan_em": bootstrap(em, groups),
        "f1": bootstrap(score, groups),
        "abstained": sum(a.abstained for _, a in found) / len(found),
        "went_long": sum(a.route == "long" for _, a in found) / len(found),
        "tokens_read": sum(a.usage.prompt_tokens for _, a in found) / len(found),
        "seconds": sum(a.usage.seconds for _, a in found) / len(found),
    }


def _table(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table("data", "n", "route", "best_subspan_em", "F1", "abstained", "read long", "tokens read", "s")
    for r in rows:
        spans = [f"{m:.3f} \\[{low:.3f}, {high:.3f}]" for m, low, high in (r["best_subspan_em"], r["f1"])]
        shares = [f"{r['abstained']:.1%}", f"{r['went_long']:.1%}", f"{r['tokens_read']:,.0f}", f"{r['seconds']:.2f}"]
        table.add_row(r["data"], str(r["n"]), r["way"], *spans, *shares)
    console().print(table)


if __name__ == "__main__":
    main()
