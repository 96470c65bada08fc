"""Retrieval beside LlamaIndex's pipeline, same embedding model, same run.

Run `python -m hybrid.evals.bench.retrieval --data DIR`.

codeqa     737 given chunks of code, 129 questions: recall of the gold chunks among the first k, and the difference of
           both pipelines question by question
chunking   3 texts split by each pipeline itself, 276 questions: characters of the gold references, k = 5; and, since
           passages differ in length, recall of the first 4 000 characters that each would read
litm       the gold passage among 20 and among 50: share of questions with it first, and among the first 5
"""

from __future__ import annotations

import random
from pathlib import Path

import click
from hybrid.evals.bench.peers import LlamaIndexPipeline, fuse_few, rank_few
from hybrid.evals.bench.tables import Row, less, row, show
from hybrid.evals.cli.common import DATA
from hybrid.evals.metrics.retrieval import Range, overlap, recall_at
from hybrid.evals.tasks.published import Chunking, CodeQA

from hybrid import Hybrid, Settings
from hybrid.files import read_lines
from hybrid.index.fusion import Mode
from hybrid.index.protocol import Store

_BUDGET = 4_000
MODES: tuple[Mode, ...] = ("dense", "lexical", "fused")


@click.command()
@DATA
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
    show(rows, as_json)


def codeqa(hybrid: Hybrid, folder: Path, peer: bool) -> list[Row]:
    """Recall of gold chunks at 5, 10 and 20."""
    samples = list(CodeQA(folder).read())
    texts, groups = samples[0].documents, [sample.group for sample in samples]
    gold = [{name for name, _, _ in sample.ranges} for sample in samples]
    store = hybrid.open(texts)
    ways = {f"hybrid {m}": [_documents(store, s.question, 20, m) for s in samples] for m in MODES}
    if peer:
        pipeline = LlamaIndexPipeline(texts, split=None)
        ways["LlamaIndex dense"] = [[n.node_id for n in pipeline.dense(s.question, 20)] for s in samples]
        ways["LlamaIndex fused"] = [[n.node_id for n in pipeline.fused(s.question, 20)] for s in samples]
    found = {
        (way, k): [recall_at(names, g, k) for g, names in zip(gold, ranked, strict=True)]
        for way, ranked in ways.items()
        for k in (5, 10, 20)
    }
    for k in (5, 10, 20) if peer else ():
        both = found["hybrid fused", k], found["LlamaIndex fused", k]
        found["hybrid fused less LlamaIndex fused", k] = less(*both)
    rows = [row("codeqa", way, f"recall@{k}", values, groups) for (way, k), values in found.items()]
    for way, ranked in ways.items():
        read = [float(sum(len(texts[name]) for name in names)) for names in ranked]
        rows.append(row("codeqa", way, "characters of 20", read, groups))
    return rows


def chunking(hybrid: Hybrid, folder: Path, peer: bool) -> list[Row]:
    """Recall, precision and IoU of characters, five passages each; and recall at equal cost."""
    samples = list(Chunking(folder).read())
    corpora, golds = {s.group: s.documents for s in samples}, [s.ranges for s in samples]
    ways: dict[str, list[list[Range]]] = {}
    stores = {name: hybrid.open(documents) for name, documents in corpora.items()}
    for mode in MODES:
        ways[f"hybrid {mode}"] = [
            [(s.group, c.passage.start, c.passage.end) for c in stores[s.group].search(s.question, 40, mode)]
            for s in samples
        ]
    if peer:
        pipelines = {name: LlamaIndexPipeline(documents) for name, documents in corpora.items()}
        for kind in ("dense", "fused"):
            ways[f"LlamaIndex {kind}"] = [
                [(s.group, n.start_char_idx, n.end_char_idx) for n in getattr(pipelines[s.group], kind)(s.question, 40)]
                for s in samples
            ]
    rows = []
    for way, found in ways.items():
        scores = [overlap(ranges[:5], gold) for ranges, gold in zip(found, golds, strict=True)]
        same = [overlap(_first(ranges, _BUDGET), gold).recall for ranges, gold in zip(found, golds, strict=True)]
        # three texts are too few to draw from: the intervals are over questions
        for i, metric in enumerate(("recall", "precision", "IoU")):
            rows.append(row("chunking", way, f"character {metric}", [s[i] for s in scores]))
        rows.append(row("chunking", way, f"recall in {_BUDGET} characters", same))
    return rows


def litm(hybrid: Hybrid, folder: Path, questions: int, peer: bool) -> list[Row]:
    """The gold passage among 19 and 49 passages without the answer."""
    asked = list(read_lines(folder / "nq_open_oracle.dev.jsonl.gz"))
    near = {row["line"]: row["distractors"] for row in read_lines(folder / "nq_open_distractors.dev.jsonl.gz")}
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
                rows.append(row("litm", way, f"hit@{k} of {among}", hits))
    return rows


def _documents(store: Store, question: str, k: int, mode: Mode, among: list[str] | None = None) -> list[str]:
    """Documents by their best passage."""
    names = [c.passage.document for c in store.search(question, 3 * k, mode, among)]
    return list(dict.fromkeys(names))[:k]


def _first(ranges: list[Range], budget: int) -> list[Range]:
    """The first ranges until `budget` characters are read, the last one cut."""
    kept = []
    for document, start, end in ranges:
        kept.append((document, start, min(end, start + budget)))
        budget -= end - start
        if budget <= 0:
            break
    return kept


if __name__ == "__main__":
    main()
