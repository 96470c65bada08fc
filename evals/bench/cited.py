"""Does containment know what a citation supports? `python -m hybrid.evals.bench.cited --data DIR`.

written    sentences by people who reasoned over paragraphs (multihop of DIR, 89 questions), with their own paragraphs
           and with those of another question of the same set. Even questions chose how many of a sentence's words have
           to be there, odd ones tell what that is worth
answers    of an engine, by default the one that quotes, to questions of XQuAD (48 articles as one corpus) and on the
           carried filing: recall and precision with their own citations, and with those of another answer
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
from hybrid.evals.cli.common import CONFIG, DATA, spanned
from hybrid.evals.metrics.citations import Source, by_containment, contained
from hybrid.evals.sample import Sample
from hybrid.evals.statistics import Interval, bootstrap, wilson
from hybrid.evals.suite import placed
from hybrid.evals.tasks.documents import Own
from hybrid.evals.tasks.published import Squad

from hybrid import Answer, Hybrid, load
from hybrid.cli.common import columns, console, print_json
from hybrid.files import read_lines
from hybrid.text.sentences import sentences

SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Written(NamedTuple):
    """A sentence of somebody who read paragraphs."""

    place: int  # of the question
    text: str
    own: tuple[Source, ...]
    other: tuple[Source, ...]  # of another question


@click.command()
@DATA
@CONFIG
@click.option("--url", help="A server whose model answers, instead of the engine that quotes.")
@click.option("-n", default=200, show_default=True, help="Questions of XQuAD.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def main(data: Path, config: str | None, url: str | None, n: int, as_json: bool) -> None:
    """Measure how well containment tells support."""
    found = list(written(data))
    told: dict[str, Any] = {"written": [_share(found, share) for share in SHARES], "answers": []}
    given = {"engine": {"url": url}} if url else {}
    with Hybrid(load(config, given, environ={})) as hybrid:
        for name, samples in (("XQuAD", _xquad(data, n)), ("the filing", list(_filing()))):
            store = hybrid.open(dict(samples[0].documents))
            answers = [hybrid.answer(sample.question, store, route="rag") for sample in samples]
            told["answers"].append({"data": name, **_cited(answers, [sample.group for sample in samples])})
    if as_json:
        print_json(told)
        return
    _show(told)


def written(data: Path) -> Iterator[Written]:
    """The sentences of the reasonings, but for the one that gives the answer."""
    rows = list(read_lines(data / "multihop" / "multihop_demos.jsonl.gz"))
    for place, row in enumerate(rows):
        alike = [other for other in rows if other["dataset"] == row["dataset"] and other["qid"] != row["qid"]]
        strange = random.Random(place).choice(alike)
        for start, end in sentences(row["reasoning"]):
            text = row["reasoning"][start:end]
            if not text.startswith("So the answer"):
                yield Written(place, text, *(_paragraphs(of) for of in (row, strange)))


def _paragraphs(row: dict[str, Any]) -> tuple[Source, ...]:
    return tuple(Source(one["text"], one["title"]) for one in row["paragraphs"])


def _share(found: Sequence[Written], share: float) -> dict[str, Any]:
    """How many sentences their own paragraphs contain, and how many others' do, on the two halves."""
    told: dict[str, Any] = {"share": share}
    for half, odd in (("chose", 0), ("told", 1)):
        some = [one for one in found if one.place % 2 == odd]
        for whose in ("own", "other"):
            hits = sum(contained(one.text, getattr(one, whose), share) for one in some)
            told[f"{half}, {whose}"] = (hits / len(some), *wilson(hits, len(some)), len(some))
    return told


def _xquad(data: Path, n: int) -> list[Sample]:
    task = Squad(path=data / "squad" / "xquad.en.json.gz", together=True)
    return list(task.samples(lambda texts: [0 for _ in texts], n, 0))


def _filing() -> Iterator[Sample]:
    return Own(path=Path(placed("{suites}/filing.jsonl"))).read()


def _cited(answers: Sequence[Answer], groups: Sequence[str]) -> dict[str, Any]:
    """Recall and precision with the answers' own citations, and with those of the answer after it."""
    kept = [(one, group) for one, group in zip(answers, groups, strict=True) if not one.abstained]
    order = list(range(len(kept)))
    random.Random(0).shuffle(order)
    told: dict[str, Any] = {"answers": len(kept), "abstained": len(answers) - len(kept)}
    for name, step in (("own", 0), ("shuffled", 1)):
        found = []
        for at, place in enumerate(order):
            given = kept[order[(at + step) % len(order)]][0].citations
            scores = by_containment(kept[place][0].text, given)
            if scores is not None:
                found.append((scores, kept[place][1]))
        told[name] = {"statements": sum(one.statements for one, _ in found)}
        for what in ("recall", "precision"):
            values = [getattr(one, what) for one, _ in found]
            labels = [group for _, group in found]
            told[name][what] = bootstrap(values, labels if len(set(labels)) > 1 else None)
    return told


def _show(told: dict[str, Any]) -> None:
    heads = [name for name in told["written"][0] if name != "share"]
    table = columns("words", *heads)
    for row in told["written"]:
        cells = [f"{row[name][0]:.2f} \\[{row[name][1]:.2f}, {row[name][2]:.2f}]" for name in heads]
        table.add_row(f"{row['share']:.0%}", *cells)
    out = console()
    out.print(table)
    counts = ", ".join(f"{name} {told['written'][0][name][3]}" for name in heads)
    out.print(f"sentences that paragraphs contain, of {counts}", markup=False)
    for row in told["answers"]:
        for name in ("own", "shuffled"):
            some = row[name]
            recall, precision = (spanned(Interval(*some[what])) for what in ("recall", "precision"))
            counted = f"{row['answers']} answers, {some['statements']} statements"
            out.print(f"{row['data']}, {name} citations: recall {recall}, precision {precision}, {counted}")


if __name__ == "__main__":
    main()
