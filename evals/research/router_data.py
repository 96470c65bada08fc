"""The router's training table: `python -m hybrid.evals.research.router_data --data DIR --out FILE [--index DIR]`.

LaRA's questions with the features that hybrid's own index gives for them, and what five open models made of each by
both routes (the published replies, judged as `hybrid.evals.replay` judges them). One line is one question. The replies
come from LaRA's retrieval and the features from ours: how well they fit each other bounds what can be learned from
them.

Source: Alibaba-NLP/LaRA at c171553 (MIT); arXiv 2502.09977.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any
from zlib import crc32

import click
from hybrid.evals.cli.common import FOLDER
from hybrid.evals.replay import DOCUMENTS, QUERIES, Case, lara

from hybrid.corpus.corpus import Corpus
from hybrid.files import read_lines
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.store import Store
from hybrid.routing.features import VERSION, features
from hybrid.settings import CorpusSettings, EmbedderSettings, PassageSettings
from hybrid.types import Route

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
    embedder = Embedder(EmbedderSettings(precision="int8"))
    chunker = Chunker(embedder, PassageSettings())
    asked: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for query in read_lines(data / QUERIES):
        asked[query["length"], query["file"]].append(query)
    documents = [(size, document) for size in SIZES for document in read_lines(data / DOCUMENTS.format(size))]
    group = groups({(size, d["file"]): d["text"] for size, d in documents})
    half = halves({group[size, d["file"]]: f"{size} {d['type']}" for size, d in reversed(documents)})
    for size, document in documents:
        name = document["file"]
        store = Store(index / f"{size}-{crc32(name.encode()):08x}", embedder, chunker)
        store.update(Corpus.of({name: document["text"]}, CorpusSettings()))
        entry = store.entries()[0]
        for query in asked[size, name]:
            candidates = store.search(query["question"], WIDE)
            yield {
                "version": VERSION,
                "question": query["question"],
                "document": name,
                "size": size,
                "type": query["type"],
                "task": query["task"],
                "group": group[size, name],
                "half": half[group[size, name]],
                "features": features(query["question"], candidates, {name: entry.passages}, entry.tokens),
            }
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


@click.command()
@click.option("--data", type=FOLDER, required=True, help="folder lara/")
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--index", type=click.Path(path_type=Path), default="lara-index", help="folder where indexes are kept")
def main(data: Path, out: Path, index: Path) -> None:
    """Make the table."""
    with out.open("w", encoding="utf-8") as stream:
        for line in make(data, index):
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
