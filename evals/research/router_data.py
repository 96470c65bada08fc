"""The router's training table, and the worth of policies on it.

Run `python -m hybrid.evals.research.router_data --data DIR --out FILE [--index DIR]`.

LaRA's questions with the features that hybrid's own index gives for them, and what five open models made of each by
both routes (the published replies, judged as `hybrid.evals.replay` judges them). One line is one question. The replies
come from LaRA's retrieval and the features from ours: how well they fit each other bounds what can be learned from
them. Source: Alibaba-NLP/LaRA at c171553 (MIT); arXiv 2502.09977.

A set is a model at a length. Its score is the mean over LaRA's four tasks, so each task counts the same however many
questions it has, and a report's figure is the mean over the ten sets. Intervals draw whole groups of documents.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import click
import numpy as np
from hybrid.evals.cli.common import FOLDER
from hybrid.evals.replay import DOCUMENTS, QUERIES, Case, carry_out, lara
from numpy.typing import NDArray

from hybrid.corpus.corpus import Corpus
from hybrid.files import read_lines
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.protocol import Index
from hybrid.routing.features import VERSION, features
from hybrid.routing.policies.long import Long
from hybrid.routing.policies.question_type import QuestionType
from hybrid.routing.policies.rag import Rag
from hybrid.routing.policies.self_route import SelfRoute
from hybrid.routing.policy import Policy
from hybrid.routing.weights import Need
from hybrid.settings import CorpusSettings, EmbedderSettings, PassageSettings
from hybrid.settings.names import STORES
from hybrid.types import Candidate, Route

WIDE = 20  # passages asked of the index, as `Hybrid` asks
SIZES = ("32k", "128k")
SHARED = 0.05  # of the long lines of the shorter document, from which two documents are one group
_COLUMNS = ("question", "document", "size", "type", "task", "group", "half", "features")
_LONG = 60  # characters of a line that is no coincidence


@dataclass(frozen=True, slots=True)
class Row:
    """A question with its features and the cases of all models."""

    question: str
    document: str
    size: str  # 32k or 128k
    type: str  # book, financial, paper
    task: str  # location, reasoning, comp, hallu
    group: str  # of documents that share text: some papers are in several
    half: int  # 0 to fit and choose on, 1 to report on
    features: dict[str, float]
    cases: dict[str, Case]  # by model

    @property
    def models(self) -> list[str]:
        return list(self.cases)

    def score(self, model: str, route: Route) -> float:
        """The score of a model's reply by a route, 0 to 1."""
        return self.cases[model].outcomes[route].score


def rows(data: Path, table: Path) -> list[Row]:
    """The table with the cases of LaRA's replies, situations with features.

    Raises:
        ValueError: the table was made with features of another version.
    """
    cases: dict[tuple[str, str, str], dict[str, Case]] = defaultdict(dict)
    for case in lara(data):
        model, size = case.set.rsplit(" ", 1)
        cases[size, case.group, case.situation.question][model] = case
    found = []
    for line in read_lines(table):
        if line["version"] != VERSION:
            raise ValueError(f"{table} has features of version {line['version']}, these are {VERSION}: make it anew.")
        own = cases[line["size"], line["document"], line["question"]]
        situated = {
            model: replace(case, situation=replace(case.situation, features=line["features"]))
            for model, case in own.items()
        }
        found.append(Row(**{name: line[name] for name in _COLUMNS}, cases=situated))
    return found


def make(data: Path, index: Path) -> Iterator[dict[str, Any]]:
    """One line for each question, document by document; indexes are kept in `index`."""
    return (one.line for one in searched(data, index))


class Found(NamedTuple):
    """A line of the table, and what it was made from."""

    line: dict[str, Any]
    candidates: list[Candidate]
    text: str  # of the document
    passages: int
    answer: str  # of the data, for bounds
    embedder: Embedder


def searched(data: Path, index: Path, half: int | None = None) -> Iterator[Found]:
    """Search each question's document.

    Args:
        half: only documents of this half; no other is read or searched.
    """
    embedder = Embedder(EmbedderSettings(precision="int8"))
    chunker = Chunker(embedder, PassageSettings())
    asked: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for query in read_lines(data / QUERIES):
        asked[query["length"], query["file"]].append(query)
    documents = [(size, document) for size in SIZES for document in read_lines(data / DOCUMENTS.format(size))]
    group = groups({(size, d["file"]): d["text"] for size, d in documents})
    parts = halves({group[size, d["file"]]: f"{size} {d['type']}" for size, d in reversed(documents)})
    for size, document in documents:
        name = document["file"]
        own = group[size, name]
        if half not in (None, parts[own]):
            continue
        store: Index = STORES["sqlite"](index / f"{size}-{crc32(name.encode()):08x}", embedder, chunker)
        store.update(Corpus.of({name: document["text"]}, CorpusSettings()))
        entry = store.entries()[0]
        for query in asked[size, name]:
            candidates = store.search(query["question"], WIDE)
            line = {
                "version": VERSION,
                "question": query["question"],
                "document": name,
                "size": size,
                "type": query["type"],
                "task": query["task"],
                "group": own,
                "half": parts[own],
                "features": features(query["question"], candidates, {name: entry.passages}, entry.tokens),
            }
            yield Found(line, candidates, document["text"], entry.passages, query["answer"], embedder)
        store.close()


def groups(documents: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Each document's group, named by one of its documents: those that share long lines are not independent."""
    lines = {key: {x for x in map(str.strip, text.splitlines()) if len(x) >= _LONG} for key, text in documents.items()}
    found = {key: " ".join(key) for key in documents}
    for one, other in combinations(documents, 2):
        if len(lines[one] & lines[other]) > SHARED * min(len(lines[one]), len(lines[other])):
            kept, gone = found[one], found[other]
            found = {key: kept if name == gone else name for key, name in found.items()}
    return found


def halves(strata: Mapping[str, str]) -> dict[str, int]:
    """Each group's half: within a stratum every second one, in the order of a checksum."""
    ordered = sorted(strata, key=lambda name: (strata[name], crc32(name.encode())))
    return {name: i % 2 for i, name in enumerate(ordered)}


Floats = NDArray[np.float64]

NEED: dict[str, Need] = {
    "location": "fact",
    "reasoning": "reasoning",
    "comp": "comparison",
    "hallu": "unanswerable",
}

_DRAWS = 1000

Make = Callable[[Row, str], Policy]  # the policy for a question and the model that answers it


@dataclass(frozen=True)
class Done:
    """A policy's results on every question and model: arrays of shape (questions, models)."""

    score: Floats
    tokens: Floats
    long: Floats  # 1 where the whole was read


def run(table: Sequence[Row], make: Make) -> Done:
    """A policy over all questions and models."""
    models = table[0].models
    found = np.array([[carry_out(make(row, model), row.cases[model])[:3] for model in models] for row in table], float)
    return Done(found[:, :, 0], found[:, :, 2], found[:, :, 1])


class Measured:
    """Means over tasks and sets, with intervals by drawing groups."""

    def __init__(self, table: Sequence[Row]) -> None:
        groups = sorted({row.group for row in table})
        member = np.array([groups.index(row.group) for row in table])
        random = np.random.default_rng(0)
        drawn = random.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), _DRAWS)
        self.weights = np.vstack([np.ones(len(table)), drawn[:, member]])  # the first row: as they are
        cells = sorted({(row.size, row.task) for row in table})
        self.cells = {cell: np.array([(row.size, row.task) == cell for row in table]) for cell in cells}
        self.sizes = sorted({row.size for row in table})

    def sets(self, values: Floats, task: str | None = None) -> Floats:
        """Mean over tasks of each draw, length and model: shape (draws, lengths, models)."""
        found = []
        for size in self.sizes:
            own = [inside for cell, inside in self.cells.items() if cell[0] == size and task in (None, cell[1])]
            means = []
            for inside in own:
                weight = self.weights[:, inside]
                means.append(weight @ values[inside] / np.maximum(weight.sum(1, keepdims=True), 1e-9))
            found.append(np.mean(means, axis=0))
        return 100 * np.stack(found, 1)

    def mean(self, values: Floats, task: str | None = None) -> list[float]:
        """Mean over the sets with its 95 % interval."""
        return _interval(self.sets(values, task).mean((1, 2)))

    def against_fixed(self, done: Done, rag: Floats, long: Floats) -> list[float]:
        """A policy less the fixed route that is the better one of each set, on the same questions: with hindsight."""
        one, other = self.sets(rag), self.sets(long)
        fixed = np.where(one[:1] >= other[:1], one, other)
        return _interval((self.sets(done.score) - fixed).mean((1, 2)))

    def share(self, done: Done, whole: Floats) -> float:
        """Tokens of a policy as a share of the long route's, mean over the sets."""
        shares = []
        for size in self.sizes:
            inside = np.any([own for cell, own in self.cells.items() if cell[0] == size], axis=0)
            shares.append(done.tokens[inside].sum(0) / whole[inside].sum(0))
        return round(float(np.mean(shares)), 3)


def _interval(draws: Floats) -> list[float]:
    low, high = np.percentile(draws[1:], [2.5, 97.5])
    return [round(float(value), 2) for value in (draws[0], low, high)]


def report(table: Sequence[Row], makes: Mapping[str, Make]) -> dict[str, Any]:
    """Each policy's score, difference from the better fixed route and from Self-Route, tokens and head room."""
    measured = Measured(table)
    rag, long = run(table, lambda *_: Rag()), run(table, lambda *_: Long())
    self_route = run(table, lambda *_: SelfRoute())
    oracle = np.maximum(rag.score, long.score)
    best = measured.against_fixed(Done(oracle, long.tokens, long.long), rag.score, long.score)[0]
    found: dict[str, Any] = {"questions": len(table), "groups": len({row.group for row in table}), "head_room": best}
    fixed: dict[str, Policy] = {p.name: p for p in (Rag(), Long(), SelfRoute(), QuestionType())}
    for name, make in {**{name: cheap(policy) for name, policy in fixed.items()}, **makes}.items():
        done = run(table, make)
        gain = measured.against_fixed(done, rag.score, long.score)
        found[name] = {
            "score": measured.mean(done.score)[0],
            "over_better_fixed": gain,
            "over_self_route": measured.mean(done.score - self_route.score),
            "tokens": measured.share(done, long.tokens),
            "long": round(float(done.long.mean()), 3),
            "of_head_room": round(gain[0] / best, 3),
            "tasks": {task: measured.mean(done.score, task)[0] for task in NEED},
            "tasks_over_rag": {task: measured.mean(done.score - rag.score, task) for task in NEED},
            "tasks_over_long": {task: measured.mean(done.score - long.score, task)[0] for task in NEED},
            "sets": dict(
                zip(
                    [f"{model} {size}" for size in measured.sizes for model in table[0].models],
                    (measured.sets(done.score) - np.maximum(measured.sets(rag.score), measured.sets(long.score)))[0]
                    .ravel()
                    .round(2)
                    .tolist(),
                    strict=True,
                )
            ),
        }
    return found


def cheap(policy: Policy) -> Make:
    """One policy for all models."""
    return lambda *_: policy


def written(make: Callable[[Path, Path], Iterable[dict[str, Any]]], about: str) -> click.Command:
    """The command that writes the lines that `make` yields from the folders of the data and of the indexes."""

    @click.command(help=about)
    @click.option("--data", type=FOLDER, required=True, help="folder lara/")
    @click.option("--out", type=click.Path(path_type=Path), required=True)
    @click.option(
        "--index", type=click.Path(path_type=Path), default="lara-index", help="folder where indexes are kept"
    )
    def main(data: Path, out: Path, index: Path) -> None:
        with out.open("w", encoding="utf-8") as stream:
            for line in make(data, index):
                stream.write(json.dumps(line, ensure_ascii=False) + "\n")

    return main


if __name__ == "__main__":
    written(make, "Make the table.")()
