"""Does containment know what a citation supports? `python -m hybrid.evals.bench.cited --data DIR`.

written    sentences by people who reasoned over paragraphs (multihop of DIR, 89 questions), with their own paragraphs
asked      questions with their answer behind them, with the passage that answers them: XQuAD, and NQ (litm of DIR)
sentences  the paragraphs' own sentences (XQuAD), for what one word changes in a quotation

Each with its own text; with that of another question; and changed, so that it is wrong: with a number exchanged for
another one of its text, a denial put in, or a name exchanged for another one of its text. Rules and bounds were chosen
on even questions of multihop and even articles of XQuAD ("chose"); odd ones and all of NQ tell what they are worth.

answers    of an engine, by default the one that quotes, to questions of XQuAD (48 articles as one corpus) and on the
           carried filing: recall and precision with their own citations, and with those of another answer
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
from hybrid.evals.cli.common import CONFIG, DATA, spanned
from hybrid.evals.metrics.citations import by_containment
from hybrid.evals.metrics.containment import Source, contained
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
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}\b")  # not where a sentence begins
_VERB = re.compile(r"(?<= )(?:is|are|was|were|has|had|can|could|may|must|shall|should|will|would)(?= [a-z])")
_NQ = 600  # questions of it
CHANGES = ("number", "denial", "name")


class Stated(NamedTuple):
    """A statement with a text that supports it."""

    set: str
    chose: bool  # rules were chosen on it
    group: str  # statements on one text
    text: str
    own: tuple[Source, ...]
    other: tuple[Source, ...]  # of another question
    wrong: dict[str, str]  # what changes it: the changed text


@click.command()
@DATA
@CONFIG
@click.option("--url", help="A server whose model answers, instead of the engine that quotes.")
@click.option("-n", default=200, show_default=True, help="Questions of XQuAD.")
@click.option("--judge/--answers", "alone", default=None, help="Only the one part, or only the other.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def main(data: Path, config: str | None, url: str | None, n: int, alone: bool | None, as_json: bool) -> None:
    """Measure how well containment tells support."""
    told: dict[str, Any] = {"stated": [], "answers": []}
    if alone is not False:
        told["stated"] = list(_judged([*written(data), *asked(data), *verbatim(data)]))
    if alone is not True:
        told["answers"] = list(_answered(data, config, url, n))
    if as_json:
        print_json(told)
        return
    _show(told)


def _answered(data: Path, config: str | None, url: str | None, n: int) -> Iterator[dict[str, Any]]:
    given = {"engine": {"url": url}} if url else {}
    with Hybrid(load(config, given, environ={})) as hybrid:
        for name, samples in (("XQuAD", _xquad(data, n)), ("the filing", list(_filing()))):
            store = hybrid.open(dict(samples[0].documents))
            answers = [hybrid.answer(sample.question, store, route="rag") for sample in samples]
            yield {"data": name, **_cited(answers, [sample.group for sample in samples])}


def written(data: Path) -> Iterator[Stated]:
    """The sentences of the reasonings, but for the one that gives the answer."""
    rows = list(read_lines(data / "multihop" / "multihop_demos.jsonl.gz"))
    for place, row in enumerate(rows):
        alike = [other for other in rows if other["dataset"] == row["dataset"] and other["qid"] != row["qid"]]
        own, strange = _paragraphs(row), _paragraphs(random.Random(place).choice(alike))
        for start, end in sentences(row["reasoning"]):
            text = row["reasoning"][start:end]
            if not text.startswith("So the answer"):
                yield Stated("written", place % 2 == 0, str(place), text, own, strange, _changed(text, own, place))


def _paragraphs(row: dict[str, Any]) -> tuple[Source, ...]:
    return tuple(Source(one["text"], one["title"]) for one in row["paragraphs"])


def asked(data: Path) -> Iterator[Stated]:
    """Questions with their answer behind them."""
    found: list[tuple[str, bool, str, str, Source]] = []
    for article, title, text, questions in _articles(data):
        for question, answer in questions:
            said = f"{question.rstrip('? ')}: {answer}."
            found.append(("asked, XQuAD", article % 2 == 0, title, said, Source(text, title)))
    rows = list(read_lines(data / "litm" / "nq_open_oracle.dev.jsonl.gz"))
    for row in random.Random(0).sample(rows, min(_NQ, len(rows))):
        passage = row["ctxs"][0]
        said = f"{row['question'].rstrip('? ')}: {row['answers'][0]}."
        found.append(("asked, NQ", False, passage["title"], said, Source(passage["text"], passage["title"])))
    for place, (name, chose, group, said, source) in enumerate(found):
        alike = [other for other in found if other[0] == name and other[2] != group]
        strange = random.Random(place).choice(alike)[4]
        changed = _changed(said, (source,), place)
        changed.pop("denial", None)  # a question with its answer is no sentence that could deny
        yield Stated(name, chose, group, said, (source,), (strange,), changed)


def verbatim(data: Path) -> Iterator[Stated]:
    """One sentence of each paragraph of XQuAD, and changed."""
    paragraphs = list(_articles(data))
    for place, (article, title, text, _) in enumerate(paragraphs):
        spans = sentences(text)
        start, end = random.Random(place).choice(list(spans))
        alike = [other for other in paragraphs if other[0] != article]
        strange = random.Random(place).choice(alike)
        own, other = (Source(text, title),), (Source(strange[2], strange[1]),)
        said = text[start:end]
        yield Stated("sentences", article % 2 == 0, title, said, own, other, _changed(said, own, place))


def _articles(data: Path) -> Iterator[tuple[int, str, str, list[tuple[str, str]]]]:
    """Number, title, paragraph, and its questions with their answers."""
    with gzip.open(data / "squad" / "xquad.en.json.gz", "rt", encoding="utf-8") as file:
        articles = json.load(file)["data"]
    for number, article in enumerate(articles):
        for one in article["paragraphs"]:
            questions = [(qa["question"], qa["answers"][0]["text"]) for qa in one["qas"]]
            yield number, article["title"].replace("_", " "), one["context"], questions


def _changed(text: str, sources: Sequence[Source], seed: int) -> dict[str, str]:
    """The text changed so that it is wrong, by what changes it; what cannot be changed is left out."""
    found = {
        "number": _exchanged(text, sources, seed, _NUMBER, lambda one, own: len(one) == len(own)),
        "name": _exchanged(text, sources, seed, _NAME, lambda one, own: True),
    }
    verb = _VERB.search(text)
    if verb and not re.search(r"\b(?:not?|never|nor|none|without)\b|n't", text):
        found["denial"] = f"{text[: verb.end()]} not{text[verb.end() :]}"
    return {name: changed for name, changed in found.items() if changed}


def _exchanged(
    text: str, sources: Sequence[Source], seed: int, form: re.Pattern[str], fits: Callable[[str, str], bool]
) -> str:
    """The text with its last number or name exchanged for another of its sources."""
    own = form.findall(text)
    if not own:
        return ""
    others = {one for source in sources for one in form.findall(source.text)} - set(own)
    alike = sorted(one for one in others if fits(one, own[-1]) and one not in text)
    return random.Random(seed).choice(alike).join(text.rsplit(own[-1], 1)) if alike else ""


def _judged(found: Sequence[Stated]) -> Iterator[dict[str, Any]]:
    """How many statements their own texts contain, how many those of others do, and how many that are wrong."""
    for name in dict.fromkeys(one.set for one in found):
        for chose in (True, False):
            some = [one for one in found if one.set == name and one.chose == chose]
            pairs = {
                "own": [(one.text, one.own, one.group) for one in some],
                "other": [(one.text, one.other, one.group) for one in some],
                **{
                    what: [(one.wrong[what], one.own, one.group) for one in some if what in one.wrong]
                    for what in CHANGES
                },
            }
            for whose, asked in pairs.items():
                if asked:
                    hits = [float(contained(text, sources)) for text, sources, _ in asked]
                    groups = [group for _, _, group in asked]
                    told = bootstrap(hits, groups) if 0 < sum(hits) < len(hits) else wilson(int(sum(hits)), len(hits))
                    low, high = told[-2:]
                    yield {
                        "set": name,
                        "half": "chose" if chose else "told",
                        "text": whose,
                        "n": len(hits),
                        "groups": len(set(groups)),
                        "supported": sum(hits) / len(hits),
                        "low": low,
                        "high": high,
                    }


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
    for row in told["stated"]:
        share = f"{row['supported']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
        out.print(f"{row['set']}, {row['half']}, {row['text']}: {share} (n = {row['n']})", markup=False)
    for row in told["answers"]:
        for name in ("own", "shuffled"):
            some = row[name]
            recall, precision = (spanned(Interval(*some[what])) for what in ("recall", "precision"))
            counted = f"{row['answers']} answers, {some['statements']} statements"
            out.print(f"{row['data']}, {name} citations: recall {recall}, precision {precision}, {counted}")


if __name__ == "__main__":
    main()
