"""Indexing beside LlamaIndex's pipeline, same embedding model, same cores.

Run `python -m hybrid.evals.bench.indexing --data DIR`.

Each side indexes the same LaRA documents in a process of its own, model already loaded (and its int8 form made, which
happens once per machine); the sides alternate. Recall is the share of the documents' `location` questions whose gold
answer occurs in the five passages that are found first.
Then: the time to bring an index of a thousand files up to date after one of them changed.
"""

from __future__ import annotations

import json
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from hybrid.evals.bench.tables import part, table
from hybrid.evals.cli.common import DATA, spanned
from hybrid.evals.metrics.words import normalise
from hybrid.evals.replay import DOCUMENTS, QUERIES
from hybrid.evals.statistics import bootstrap

from hybrid.cli.common import console, print_json
from hybrid.files import read_lines

SIDES = ("hybrid int8", "hybrid bfloat16", "LlamaIndex")


@click.command()
@DATA
@click.option("--documents", default=6, help="LaRA documents of each kind (book, financial, paper).")
@click.option("--rounds", default=3, help="Each side that often, alternating.")
@click.option("--side", type=click.Choice(SIDES), hidden=True)
@click.option("--json", "as_json", is_flag=True)
def main(data: Path, documents: int, rounds: int, side: str | None, as_json: bool) -> None:
    """Measure indexing."""
    if side is not None:
        kind, _, precision = side.partition(" ")
        print(json.dumps(_hybrid(data, documents, precision) if kind == "hybrid" else _llama_index(data, documents)))
        return
    made = _quantise(data, documents)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in SIDES}
    for _ in range(rounds):
        for name in SIDES:
            options = ("--data", data, "--documents", documents, "--side", name)
            runs[name].append(part("hybrid.evals.bench.indexing", *options))
    ratios = {
        name: [b["seconds"] / a["seconds"] for a, b in zip(runs[name], runs["LlamaIndex"], strict=True)]
        for name in SIDES[:-1]
    }
    update = _update(data)
    if as_json:
        print_json({"runs": runs, "times as fast": ratios, "update": update, "int8 made in": made})
        return
    _show(runs, ratios, update)
    if made is not None:
        console().print(f"the int8 form of the model was made in {made:.1f} s; it is kept, and not part of the above")


def _texts(data: Path, documents: int) -> dict[str, str]:
    rows = list(read_lines(data / "lara" / DOCUMENTS.format("32k")))
    return {
        f"{kind}/{row['file']}": row["text"]
        for kind in ("book", "financial", "paper")
        for row in [r for r in rows if r["type"] == kind][:documents]
    }


def _questions(data: Path, names: set[str]) -> list[dict[str, Any]]:
    asked = []
    for row in read_lines(data / "lara" / QUERIES):
        name = f"{row['type']}/{row['file']}"
        if row["length"] == "32k" and row["task"] == "location" and name in names and len(row["answer"]) <= 40:
            asked.append({"name": name, "question": row["question"], "gold": normalise(row["answer"])})
    return asked


def _result(texts: dict[str, str], seconds: float, passages: int, hits: list[float]) -> dict[str, Any]:
    size = sum(len(text.encode()) for text in texts.values()) / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "mb": size, "passages": passages, "peak_mb": peak, "hits": hits}


def _quantise(data: Path, documents: int) -> float | None:
    """Seconds to make the embedder's int8 form for this machine; None where it is there already."""
    from hybrid.index.embedding import Embedder
    from hybrid.settings import EmbedderSettings

    embedder = Embedder(EmbedderSettings(precision="int8"))
    embedder.warm_up()
    if embedder._int8.is_file():
        return None
    texts = [text[i : i + 800] for text in _texts(data, documents).values() for i in range(0, 80_000, 8_000)]
    begun = time.perf_counter()
    embedder.encode_documents(texts)
    return time.perf_counter() - begun


def _hybrid(data: Path, documents: int, precision: str) -> dict[str, Any]:
    from hybrid import Hybrid, Settings
    from hybrid.settings import EmbedderSettings, IndexSettings

    texts = _texts(data, documents)
    embedder = EmbedderSettings.model_validate({"precision": precision})
    settings = Settings(index=IndexSettings(), embedder=embedder)
    with (
        tempfile.TemporaryDirectory() as folder,
        Hybrid(settings.model_copy(update={"index": IndexSettings(dir=f"{folder}/index")})) as ours,
    ):
        for name, text in texts.items():
            file = Path(folder) / "files" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        Hybrid(settings).open({"warm up": "All modules are loaded now."})
        ours.embedder.encode_documents(["The model is loaded now."])
        begun = time.perf_counter()
        store = ours.open(f"{folder}/files")
        seconds = time.perf_counter() - begun
        hits = []
        for q in _questions(data, set(texts)):
            vector = ours.embedder.encode_query([q["question"]])[0]
            found = store.search(q["question"], 5, documents=[q["name"]], vector=vector)
            hits.append(float(any(q["gold"] in normalise(c.passage.text) for c in found)))
        return _result(texts, seconds, len(store), hits)


def _llama_index(data: Path, documents: int) -> dict[str, Any]:
    from hybrid.evals.bench.peers import LlamaIndexPipeline, rank_few

    texts = _texts(data, documents)
    LlamaIndexPipeline({"warm up": "The model is loaded now."})
    begun = time.perf_counter()
    pipeline = LlamaIndexPipeline(texts)
    seconds = time.perf_counter() - begun
    by_name: dict[str, list[Any]] = {}
    for node in pipeline.nodes:
        by_name.setdefault(node.ref_doc_id, []).append(node)
    hits = []
    for q in _questions(data, set(texts)):
        nodes = {node.node_id: node for node in by_name[q["name"]]}
        found = rank_few(pipeline, q["question"], list(nodes), 5)
        hits.append(float(any(q["gold"] in normalise(nodes[i].text) for i in found)))
    return _result(texts, seconds, len(pipeline.nodes), hits)


def _update(data: Path, files: int = 1000) -> dict[str, float]:
    """Seconds to index a thousand files, and then to take up a change of one of them."""
    from hybrid import Hybrid, Settings
    from hybrid.settings import IndexSettings

    text = "".join(_texts(data, 100).values())
    size = 2_400
    with tempfile.TemporaryDirectory() as folder, Hybrid(Settings(index=IndexSettings(dir=f"{folder}/index"))) as ours:
        root = Path(folder) / "files"
        root.mkdir()
        for i in range(files):
            (root / f"{i:04}.txt").write_text(text[i * size : (i + 1) * size], encoding="utf-8")
        ours.embedder.warm_up()
        begun = time.perf_counter()
        ours.open(root)
        full = time.perf_counter() - begun
        changed = root / "0500.txt"
        changed.write_text(changed.read_text(encoding="utf-8")[:1200] + " Something else was added.", encoding="utf-8")
        begun = time.perf_counter()
        _, changes = ours.index(root)
        seconds = time.perf_counter() - begun
        assert changes is not None
        return {"files": files, "full": full, "update": seconds, "share": seconds / full, "embedded": changes.embedded}


def _show(runs: dict[str, list[dict[str, Any]]], ratios: dict[str, list[float]], update: dict[str, float]) -> None:
    rows = []
    for name, found in runs.items():
        seconds, peak = (statistics.median(r[what] for r in found) for what in ("seconds", "peak_mb"))
        recall = f"{spanned(bootstrap(found[0]['hits']))}, n = {len(found[0]['hits'])}"
        size, passages = found[0]["mb"], str(found[0]["passages"])
        rows.append([name, f"{size:.1f}", passages, f"{seconds:.1f}", f"{size / seconds:.3f}", f"{peak:.0f}", recall])
    table(["", "MB", "passages", "s (median)", "MB/s", "peak MB", "answer in the first 5 passages"], rows)
    out = console()
    for name, pairs in ratios.items():
        low, middle, high = min(pairs), statistics.median(pairs), max(pairs)
        out.print(f"{name} is {middle:.2f} times as fast as LlamaIndex (pairs: {low:.2f} to {high:.2f})")
    out.print(
        f"one changed file of {update['files']:.0f}: {update['update']:.2f} s, {update['share']:.2%} of the "
        f"{update['full']:.1f} s for all; {update['embedded']:.0f} passages embedded"
    )


if __name__ == "__main__":
    main()
