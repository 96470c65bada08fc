"""Retrieval beside LlamaIndex's pipeline, same embedding model, same run.

Run `python -m hybrid.evals.bench.retrieval --data DIR`.

codeqa     737 given chunks of code, 129 questions: recall of the gold chunks among the first k, and the difference of
           both pipelines question by question
chunking   3 texts split by each pipeline itself, 276 questions: characters of the gold references, k = 5; and, since
           passages differ in length, recall of the first 4 000 characters that each would read
litm       the gold passage among 20 and among 50: share of questions with it first, and among the first 5
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from hybrid.evals.bench.peers import LlamaIndexPipeline, fuse_few, rank_few
from hybrid.evals.statistics import bootstrap

from hybrid import Hybrid, Settings
from hybrid.cli.common import console, print_json
from hybrid.index.fusion import Mode, retrieve
from hybrid.index.store import Store

_BUDGET = 4_000
MODES: tuple[Mode, ...] = ("dense", "lexical", "fused")
Row = dict[str, Any]


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Folder of the data sets.")
@click.option("--only", type=click.Choice(["codeqa", "chunking", "litm"]), help="One data set.")
@click.option("--questions", default=400, help="Of litm, drawn with seed 0.")
@click.option("--peer/--no-peer", default=True, help="Measure LlamaIndex too.")
@click.option("--json", "as_json", is_flag=True)
def main(data: Path, only: str | None, questions: int, peer: bool, as_json: bool) -> None:
    """Measure retrieval."""
    rows: list[Row] = []
    with Hybrid(Settings()) as hybrid:
        if only in (None, "codeqa"):
            rows += codeqa(hybrid, data / "codeqa", peer)
        if only in (None, "chunking"):
            rows += chunking(hybrid, data / "chunking", peer)
        if only in (None, "litm"):
            rows += litm(hybrid, data / "litm", questions, peer)
    if as_json:
        print_json(rows)
        return
    _table(rows)


def codeqa(hybrid: Hybrid, folder: Path, peer: bool) -> list[Row]:
    """Recall of gold chunks at 5, 10 and 20."""
    files = json.loads(gzip.decompress((folder / "codebase_chunks.json.gz").read_bytes()))
    texts = {f"{f['original_uuid']} {c['original_index']}": c["content"] for f in files for c in f["chunks"]}
    asked = list(_lines(folder / "codebase_queries.dev.jsonl.gz"))
    gold = [{f"{uuid} {i}" for uuid, i in question["golden_chunk_uuids"]} for question in asked]
    groups = [question["golden_doc_uuids"][0] for question in asked]
    store = hybrid.open(texts)
    ways = {f"hybrid {m}": [_documents(store, q["query"], 20, m) for q in asked] for m in MODES}
    if peer:
        pipeline = LlamaIndexPipeline(texts, split=None)
        ways["LlamaIndex dense"] = [[n.node_id for n in pipeline.dense(q["query"], 20)] for q in asked]
        ways["LlamaIndex fused"] = [[n.node_id for n in pipeline.fused(q["query"], 20)] for q in asked]
    found = {
        (way, k): [len(g & set(names[:k])) / len(g) for g, names in zip(gold, ranked, strict=True)]
        for way, ranked in ways.items()
        for k in (5, 10, 20)
    }
    for k in (5, 10, 20) if peer else ():
        both = zip(found["hybrid fused", k], found["LlamaIndex fused", k], strict=True)
        found["hybrid fused less LlamaIndex fused", k] = [ours - theirs for ours, theirs in both]
    rows = [_row("codeqa", way, f"recall@{k}", values, groups) for (way, k), values in found.items()]
    for way, ranked in ways.items():
        read = [float(sum(len(texts[name]) for name in names)) for names in ranked]
        rows.append(_row("codeqa", way, "characters of 20", read, groups))
    return rows


def chunking(hybrid: Hybrid, folder: Path, peer: bool) -> list[Row]:
    """Recall, precision and IoU of characters, five passages each; and recall at equal cost."""
    corpora = {c["corpus_id"]: c["text"] for c in _lines(folder / "corpora.dev.jsonl.gz")}
    asked = list(_lines(folder / "questions.dev.jsonl.gz"))
    ways: dict[str, list[list[tuple[int, int]]]] = {}
    stores = {name: hybrid.open({name: text}) for name, text in corpora.items()}
    for mode in MODES:
        ways[f"hybrid {mode}"] = [
            [(c.passage.start, c.passage.end) for c in retrieve(stores[q["corpus_id"]], q["question"], 40, mode)]
            for q in asked
        ]
    if peer:
        pipelines = {name: LlamaIndexPipeline({name: text}) for name, text in corpora.items()}
        for kind in ("dense", "fused"):
            ways[f"LlamaIndex {kind}"] = [
                [
                    (n.start_char_idx, n.end_char_idx)
                    for n in getattr(pipelines[q["corpus_id"]], kind)(q["question"], 40)
                ]
                for q in asked
            ]
    rows = []
    for way, found in ways.items():
        scores = [_overlap(ranges[:5], q["references"]) for ranges, q in zip(found, asked, strict=True)]
        same = [_overlap(_first(ranges, _BUDGET), q["references"])[0] for ranges, q in zip(found, asked, strict=True)]
        # three texts are too few to draw from: the intervals are over questions
        for i, metric in enumerate(("recall", "precision", "IoU")):
            rows.append(_row("chunking", way, f"character {metric}", [s[i] for s in scores], None))
        rows.append(_row("chunking", way, f"recall in {_BUDGET} characters", same, None))
    return rows


def litm(hybrid: Hybrid, folder: Path, questions: int, peer: bool) -> list[Row]:
    """The gold passage among 19 and 49 passages without the answer."""
    asked = list(_lines(folder / "nq_open_oracle.dev.jsonl.gz"))
    near = {row["line"]: row["distractors"] for row in _lines(folder / "nq_open_distractors.dev.jsonl.gz")}
    texts = {str(q["line"]): f"{q['ctxs'][0]['title']}\n{q['ctxs'][0]['text']}" for q in asked}
    chosen = random.Random(0).sample(asked, min(questions, len(asked)))
    store = hybrid.open(texts)
    pipeline = LlamaIndexPipeline(texts, split=None) if peer else None
    rows = []
    for among in (20, 50):
        pools = [[str(q["line"]), *map(str, near[q["line"]][: among - 1])] for q in chosen]
        ways = {
            f"hybrid {mode}": [
                _documents(store, q["question"], 5, mode, pool) for q, pool in zip(chosen, pools, strict=True)
            ]
            for mode in MODES
        }
        if pipeline is not None:
            for kind, rank in (("dense", rank_few), ("fused", fuse_few)):
                ways[f"LlamaIndex {kind}"] = [
                    rank(pipeline, q["question"], pool, 5) for q, pool in zip(chosen, pools, strict=True)
                ]
        for way, found in ways.items():
            for k in (1, 5):
                hits = [float(pool[0] in names[:k]) for pool, names in zip(pools, found, strict=True)]
                rows.append(_row("litm", way, f"hit@{k} of {among}", hits, None))
    return rows


def _documents(store: Store, question: str, k: int, mode: Mode, among: list[str] | None = None) -> list[str]:
    """Documents by their best passage."""
    names = [c.passage.document for c in retrieve(store, question, 3 * k, mode, among)]
    return list(dict.fromkeys(names))[:k]


def _first(ranges: list[tuple[int, int]], budget: int) -> list[tuple[int, int]]:
    """The first ranges until `budget` characters are read, the last one cut."""
    kept = []
    for start, end in ranges:
        kept.append((start, min(end, start + budget)))
        budget -= end - start
        if budget <= 0:
            break
    return kept


def _overlap(ranges: list[tuple[int, int]], references: list[dict[str, Any]]) -> tuple[float, float, float]:
    """Recall, precision and IoU as chunking_evaluation counts characters: what is retrieved twice counts twice."""
    size = max([r["end_index"] for r in references] + [end for _, end in ranges])
    gold, read = np.zeros(size, bool), np.zeros(size, bool)
    for r in references:
        gold[r["start_index"] : r["end_index"]] = True
    for start, end in ranges:
        read[start:end] = True
    covered = int((gold & read).sum())
    retrieved = sum(end - start for start, end in ranges)
    wanted = int(gold.sum())
    return covered / wanted, covered / max(1, retrieved), covered / (retrieved + wanted - covered)


def _row(data: str, way: str, metric: str, values: list[float], groups: list[str] | None) -> Row:
    mean, low, high = bootstrap(values, groups)
    return {"data": data, "way": way, "metric": metric, "mean": mean, "low": low, "high": high, "n": len(values)}


def _table(rows: list[Row]) -> None:
    from rich.table import Table

    for data in dict.fromkeys(row["data"] for row in rows):
        own = [row for row in rows if row["data"] == data]
        metrics = list(dict.fromkeys(row["metric"] for row in own))
        table = Table("", *metrics, title=f"{data}, n = {own[0]['n']}, 95 % intervals", title_justify="left")
        for way in dict.fromkeys(row["way"] for row in own):
            cells = {r["metric"]: f"{r['mean']:.3f} [{r['low']:.3f}, {r['high']:.3f}]" for r in own if r["way"] == way}
            table.add_row(way, *(cells[m].replace("[", "\\[") for m in metrics))
        console().print(table)


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


if __name__ == "__main__":
    main()
