"""Does containment know what a citation supports? `python -m hybrid.evals.bench.cited --data DIR`.

written    sentences by people who reasoned over paragraphs (multihop of DIR, 89 questions), with their own paragraphs,
           with those of another question of the same set, and with a number in the sentence exchanged for another one
           of its paragraphs, which containment cannot see. Even questions chose the share of a sentence's words that
           has to be there, the highest that loses less than .02 of the sentences; odd ones tell what it is worth
answers    of an engine, by default the one that quotes, to questions of XQuAD (48 articles as one corpus) and on the
           carried filing: recall and precision with their own citations, and with those of another answer
"""

from __future__ import annotations

import random
import re
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
from hybrid.cli.common import console, print_json
from hybrid.files import read_lines
from hybrid.text.sentences import sentences

_NUMBER = re.compile(r"\d+")
SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Written(NamedTuple):
    """A sentence of somebody who read paragraphs."""

    place: int  # of the question
    text: str
    own: tuple[Source, ...]
    other: tuple[Source, ...]  # of another question
    wrong: str  # the text with another number of its own paragraphs; empty where there is none


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
                wrong = _exchanged(text, row["paragraphs"], place)
                yield Written(place, text, _paragraphs(row), _paragraphs(strange), wrong)


def _exchanged(text: str, paragraphs: Sequence[dict[str, str]], seed: int) -> str:
    """The text with its last number exchanged for another of as many digits that stands in its paragraphs."""
    own = _NUMBER.findall(text)
    if not own:
        return ""
    others = {number for one in paragraphs for number in _NUMBER.findall(one["text"])} - set(own)
    alike = sorted(number for number in others if len(number) == len(own[-1]))
    return random.Random(seed).choice(alike).join(text.rsplit(own[-1], 1)) if alike else ""


def _paragraphs(row: dict[str, Any]) -> tuple[Source, ...]:
    return tuple(Source(one["text"], one["title"]) for one in row["paragraphs"])


def _share(found: Sequence[Written], share: float) -> dict[str, Any]:
    """How many sentences their own paragraphs contain, and how many others' do, on the two halves."""
    told: dict[str, Any] = {"share": share}
    for half, odd in (("chose", 0), ("told", 1)):
        some = [one for one in found if one.place % 2 == odd]
        pairs = {
            "own": [(one.text, one.own) for one in some],
            "other": [(one.text, one.other) for one in some],
            "exchanged": [(one.wrong, one.own) for one in some if one.wrong],
        }
        for whose, asked in pairs.items():
            hits = sum(contained(text, sources, share) for text, sources in asked)
            told[f"{half}, {whose}"] = (hits / len(asked), *wilson(hits, len(asked)), len(asked))
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
    out = console()
    for row in told["written"]:
        cells = [
            f"{name} {found[0]:.2f} [{found[1]:.2f}, {found[2]:.2f}] (n = {found[3]})"
            for name, found in row.items()
            if name != "share"
        ]
        out.print(f"{row['share']:.0%} of the words: {'; '.join(cells)}", markup=False)
    for row in told["answers"]:
        for name in ("own", "shuffled"):
            some = row[name]
            recall, precision = (spanned(Interval(*some[what])) for what in ("recall", "precision"))
            counted = f"{row['answers']} answers, {some['statements']} statements"
            out.print(f"{row['data']}, {name} citations: recall {recall}, precision {precision}, {counted}")


if __name__ == "__main__":
    main()
