"""Retrieval with a reranker and without: `python -m hybrid.evals.bench.reranking --data DIR`.

Recall among the first five passages, by the search alone and with the passages found ordered anew. The packaged
reranker was trained on Natural Questions, none of which are here.

legal     contracts, each its own corpus, with questions whose answers are spans of it (L-Eval, from CUAD): characters
qmsum     meetings, each its own corpus, with the turns that answer a question: characters
codeqa    737 chunks of code: gold chunks
xquad     the 240 paragraphs of XQuAD: the gold paragraph

Questions are drawn with seed 0. Intervals are 95 %, clustered by contract, meeting, file or article; the difference is
taken question by question.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import click
from hybrid.evals.bench.tables import Row, less, row, show
from hybrid.evals.metrics.retrieval import Range, overlap, recall_at

from hybrid import Hybrid, Settings
from hybrid.files import read_lines
from hybrid.reading.reranker import PACKAGED, Reranker
from hybrid.types import Candidate

READ = 5  # passages


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on some texts and where its answer stands."""

    question: str
    golds: tuple[Range, ...]  # in documents, or whole documents where start and end are 0
    group: str

    def recall(self, found: Sequence[Candidate]) -> float:
        """The share of the gold that the first passages hold."""
        if self.golds[0][2]:
            ranges = [(c.passage.document, c.passage.start, c.passage.end) for c in found[:READ]]
            return overlap(ranges, self.golds).recall
        return recall_at(list(dict.fromkeys(c.passage.document for c in found)), [g[0] for g in self.golds], READ)


Corpora = Iterator[tuple[dict[str, str], list[Asked]]]


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Folder of the data sets.")
@click.option("--only", help="One data set.")
@click.option("--reranker", default=PACKAGED, show_default=True, help="As retrieval.reranker.")
@click.option("--read", default=30, show_default=True, help="Passages it reads, as retrieval.rerank_from.")
@click.option("--questions", default=40, show_default=True, help="Of each data set.")
@click.option("--json", "as_json", is_flag=True)
def main(data: Path, only: str | None, reranker: str, read: int, questions: int, as_json: bool) -> None:
    """Measure recall with a reranker and without."""
    reranks = Reranker(reranker)
    reranks.warm_up()
    rows: list[Row] = []
    with Hybrid(Settings()) as hybrid:
        for name, texts in SETS.items():
            if only in (None, name):
                rows += measured(name, drawn(texts(data), questions), hybrid, reranks, read)
    show(rows, as_json)


def measured(name: str, corpora: Corpora, hybrid: Hybrid, reranker: Reranker, read: int) -> list[Row]:
    """Recall of both orders, their difference and the seconds."""
    plain: list[float] = []
    anew: list[float] = []
    took: list[float] = []
    groups: list[str] = []
    for texts, asked in corpora:
        store = hybrid.open(texts)
        for one in asked:
            found = store.search(one.question, read, "fused", None)
            begun = time.process_time()
            ordered = reranker(one.question, found)
            took.append(time.process_time() - begun)
            plain.append(one.recall(found))
            anew.append(one.recall(ordered))
            groups.append(one.group)
    rows = [
        row(name, way, f"recall@{READ}", values, groups)
        for way, values in (
            ("search", plain),
            (f"search, {reranker.name}", anew),
            ("difference", less(anew, plain)),
        )
    ]
    return [*rows, row(name, f"search, {reranker.name}", "CPU seconds", took, groups)]


def drawn(corpora: Corpora, count: int) -> Corpora:
    """Some of the questions, evenly of all corpora."""
    found = list(corpora)
    pairs = [(place, one) for place, (_, asked) in enumerate(found) for one in asked]
    chosen = Random(0).sample(pairs, min(count, len(pairs)))
    for place, (texts, _) in enumerate(found):
        own = [one for where, one in chosen if where == place]
        if own:
            yield texts, own


def legal(data: Path) -> Corpora:
    """Contracts with spans that answer."""
    for number, document in enumerate(read_lines(data / "leval" / "legal_contract_qa.dev.jsonl.gz")):
        text, asked = document["input"], []
        for question, answer in zip(document["instructions"], document["outputs"], strict=True):
            start = text.find(answer.strip())
            if start >= 0 and len(answer.strip()) > 8:  # a shorter one stands in many places
                asked.append(Asked(question, (("contract", start, start + len(answer.strip())),), str(number)))
        yield {"contract": text}, asked


def qmsum(data: Path) -> Corpora:
    """Meetings with the turns that answer."""
    for number, meeting in enumerate(read_lines(data / "qmsum" / "qmsum_val.jsonl.gz")):
        text, turns = "", list[tuple[int, int]]()
        for turn in meeting["meeting_transcripts"]:
            line = f"{turn['speaker']}: {turn['content']}\n"
            turns.append((len(text), len(text) + len(line)))
            text += line
        asked = []
        for query in meeting["specific_query_list"]:
            spans = [(int(first), min(int(last), len(turns) - 1)) for first, last in query["relevant_text_span"]]
            golds = tuple(("meeting", turns[a][0], turns[b][1]) for a, b in spans if a <= b)
            if golds:
                asked.append(Asked(query["query"], golds, str(number)))
        yield {"meeting": text}, asked


def codeqa(data: Path) -> Corpora:
    """Chunks of code, by name."""
    files = json.loads(gzip.decompress((data / "codeqa" / "codebase_chunks.json.gz").read_bytes()))
    texts = {f"{f['original_uuid']} {c['original_index']}": c["content"] for f in files for c in f["chunks"]}
    asked = [
        Asked(
            query["query"],
            tuple((f"{uuid} {index}", 0, 0) for uuid, index in query["golden_chunk_uuids"]),
            query["golden_doc_uuids"][0],
        )
        for query in read_lines(data / "codeqa" / "codebase_queries.dev.jsonl.gz")
    ]
    yield texts, asked


def xquad(data: Path) -> Corpora:
    """Paragraphs of all articles, by name."""
    texts: dict[str, str] = {}
    asked = []
    for article in json.loads(gzip.decompress((data / "squad" / "xquad.en.json.gz").read_bytes()))["data"]:
        for number, paragraph in enumerate(article["paragraphs"]):
            name = f"{article['title']} {number}"
            texts[name] = paragraph["context"]
            asked += [Asked(qa["question"], ((name, 0, 0),), article["title"]) for qa in paragraph["qas"]]
    yield texts, asked


SETS: dict[str, Callable[[Path], Corpora]] = {"legal": legal, "qmsum": qmsum, "codeqa": codeqa, "xquad": xquad}

if __name__ == "__main__":
    main()
