"""The reader beside the quoting engine and the model without an adapter, on questions that took no part in training.

Every arm answers by the product's own way from the same five passages, a model by `engine.kind = "local"`.

xquad       the paragraphs of every second article of English XQuAD but the last of each, as one corpus
xquad near  questions on the last paragraphs, whose answers stand nowhere in that corpus
xquad far   questions on the other articles, likewise
nq          long Wikipedia pages with questions of Natural Questions (L-Eval), each page its own corpus
lara        books, filings and papers of about 32k tokens (LaRA, names that hash odd), each its own corpus
lara none   questions that these documents do not answer
legal       contracts with CUAD's questions in its words (L-Eval), each contract its own corpus
legal none  questions on subjects of which a contract has not a word (`hybrid.evals.bench.legal`)

contained: a gold answer is in the reply; words: the share of its content words that are; cites: the share of citations
that hold the gold answer, half of its content words, or a part of it. A refusal scores 0 where there is an answer.
Intervals are 95 %, clustered by document.
"""

from __future__ import annotations

import gzip
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from hybrid.evals.bench.answers import leval
from hybrid.evals.bench.legal import contracts, in_words, silent
from hybrid.evals.bench.tables import Row
from hybrid.evals.metrics.published import best_subspan_em, f1
from hybrid.evals.metrics.words import content_words, normalise, unmarked
from hybrid.evals.research.reader.sources import kept_out
from hybrid.evals.sample import Sample
from hybrid.evals.statistics import SCORE, difference, estimate
from hybrid.evals.tasks.published import Lara

from hybrid import Answer, Hybrid, Settings, load
from hybrid.index.embedding import Embedder
from hybrid.index.protocol import Store

K = 5  # passages that are read: about 1 000 tokens, which a small model reads in seconds
ROOM = 64  # tokens of an answer
_HALF = 0.5  # of a gold answer's content words, from which a citation holds it
_PART = 0.8  # of a citation's content words, from which it is a part of a long gold answer


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """An arm: its name, its engine, and how many questions of a set it is asked."""

    name: str
    engine: dict[str, Any]
    n: int


def sets(data: Path) -> dict[str, list[Sample]]:
    """All questions by the name of their set."""
    found: dict[str, list[Sample]] = {**xquad(data), "nq": list(leval("natural_question")(data))}
    lara = [s for s in Lara(data / "lara", only=("location", "hallu"), size="32k").read() if kept_out(s.group[4:])]
    found["lara"] = [s for s in lara if s.golds]
    found["lara none"] = [s for s in lara if not s.golds]
    found["legal"], found["legal none"] = [], []
    for name, text, asked in contracts(data):
        documents = {name: text}
        for one in (*asked, *silent(text)):
            sample = Sample("", in_words(one.question), documents, one.golds, name)
            found["legal" if one.golds else "legal none"].append(sample)
    return found


def xquad(data: Path) -> dict[str, list[Sample]]:
    """Questions that half of the articles answer, and two kinds that they do not."""
    articles = json.loads(gzip.decompress((data / "squad" / "xquad.en.json.gz").read_bytes()))["data"]
    read = {a["title"]: "\n\n".join(p["context"] for p in a["paragraphs"][:-1]) for a in articles[::2]}
    said = normalise(" ".join(read.values()))
    found: dict[str, list[Sample]] = {"xquad": [], "xquad near": [], "xquad far": []}
    for article in articles:
        for paragraph in article["paragraphs"]:
            last = paragraph is article["paragraphs"][-1]
            kind = "xquad far" if article["title"] not in read else "xquad near" if last else "xquad"
            for asked in paragraph["qas"]:
                golds = tuple(answer["text"] for answer in asked["answers"])
                if kind == "xquad" or not any(normalise(gold) in said for gold in golds):
                    given = golds if kind == "xquad" else ()
                    found[kind].append(Sample(asked["id"], asked["question"], read, given, article["title"]))
    return found


def ask(ways: Sequence[Way], data: Path, file: Path, say: Callable[[str], None], only: Sequence[str] = ()) -> None:
    """Have every arm answer, a line of `file` an answer; what stands there already is not asked again.

    One question of each set after the other, so that what a stopped call leaves is even.
    """
    known = {(row["way"], row["set"], row["place"]) for row in answered(file)}
    file.parent.mkdir(parents=True, exist_ok=True)
    wanted = {name: _drawn(found) for name, found in sets(data).items() if not only or name in only}
    embedder, stores = Embedder(), dict[int, Store]()
    with ExitStack() as stack, file.open("a", encoding="utf-8") as out:
        arms = {way: stack.enter_context(Hybrid(_settings(way))) for way in ways}
        for place in range(max(way.n for way in ways)):
            for name, drawn in wanted.items():
                sample = drawn[place] if place < len(drawn) else None
                for way, hybrid in arms.items():
                    if sample is None or place >= way.n or (way.name, name, place) in known:
                        continue
                    hybrid.embedder = embedder
                    if id(sample.documents) not in stores:
                        stores[id(sample.documents)] = hybrid.open(sample.documents)
                    begun = time.process_time()
                    answer = hybrid.answer(sample.question, stores[id(sample.documents)], route="rag")
                    row = {"way": way.name, "set": name, "place": place, "group": sample.group}
                    row |= scored(sample, answer) | {"CPU seconds": time.process_time() - begun}
                    out.write(json.dumps(row, ensure_ascii=False) + "\n")
                    out.flush()
            say(f"{place + 1} questions of each set")


def _settings(way: Way) -> Settings:
    return load(overrides={"engine": way.engine, "retrieval": {"k": K}}, environ={})


def _drawn(samples: Sequence[Sample]) -> list[Sample]:
    """In an order that does not depend on how many are asked."""
    return Random(0).sample(list(samples), len(samples))


def answered(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file of answers; a torn last one is cut off."""
    if not file.exists():
        return
    whole = file.read_bytes()
    if not whole.endswith(b"\n"):
        whole = whole[: whole.rfind(b"\n") + 1]
        file.write_bytes(whole)
    yield from map(json.loads, whole.splitlines())


def scored(sample: Sample, answer: Answer) -> dict[str, Any]:
    """The scores of an answer, those that its question allows."""
    text = "" if answer.abstained else unmarked(answer.text)
    row: dict[str, Any] = {"question": sample.question, "golds": sample.golds, "text": answer.text}
    row |= {"refused": float(answer.abstained), "tokens": answer.usage.prompt_tokens}
    if sample.golds:
        row["F1"] = f1(text, sample.golds) if text else 0.0
        row["contained"] = best_subspan_em(text, sample.golds) if text else 0.0
        row["words"] = content_words(text, sample.golds) if text else 0.0
        if answer.citations:
            row["cites"] = sum(_right(c.quote, sample.golds) for c in answer.citations) / len(answer.citations)
    return row


def _right(quote: str, golds: Sequence[str]) -> bool:
    held = best_subspan_em(" ".join(quote.split()), golds) or content_words(quote, golds) >= _HALF
    return bool(held) or any(content_words(gold, [quote]) >= _PART for gold in golds)


MEASURES = ("F1", "contained", "words", "cites", "refused", "tokens", "CPU seconds")


def rows(file: Path) -> list[Row]:
    """Every arm on every set, with what it is over the quoting engine on the same questions."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in answered(file):
        found[row["set"], row["way"]].append(row)
    made: list[Row] = []
    for (name, way), own in found.items():
        quoting = {row["place"]: row for row in found[name, "quoting"]}
        for measure in MEASURES:
            told = [row for row in own if measure in row]
            if not told:
                continue
            groups = {row["place"]: row["group"] for row in told}
            over = difference(
                {row["place"]: row[measure] for row in told},
                {place: row[measure] for place, row in quoting.items() if measure in row},
                groups,
            )
            within = None if measure in ("tokens", "CPU seconds") else SCORE
            values = estimate([row[measure] for row in told], list(groups.values()), within)
            shown: Mapping[str, Any] | None = None if way == "quoting" or over is None else over._asdict()
            made.append({"set": name, "way": way, "measure": measure, **values._asdict(), "over quoting": shown})
    return made


def shown(made: Sequence[Row]) -> list[list[str]]:
    """A line for every set and arm."""
    lines = []
    for name, way in dict.fromkeys((row["set"], row["way"]) for row in made):
        own = {row["measure"]: row for row in made if (row["set"], row["way"]) == (name, way)}
        first = own["refused"]
        cells = [_cell(own.get(measure)) for measure in MEASURES]
        over = own.get("F1", first)["over quoting"]
        cells.append("" if over is None else f"{over['mean']:+.3f} \\[{over['low']:+.3f}, {over['high']:+.3f}]")
        lines.append([name, way, f"{first['n']} / {first['groups']}", *cells])
    return lines


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    if row["measure"] in ("tokens", "CPU seconds"):
        return f"{row['mean']:,.1f}"
    return f"{row['mean']:.3f} \\[{row['low']:.3f}, {row['high']:.3f}]"
