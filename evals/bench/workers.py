"""Building an index with one worker and with two, on a Ray that is started here.

Run `python -m hybrid.evals.bench.workers`.

Both embed the same texts in float32, one thread each, in turn. Times by the clock hold on a machine with two free
cores alone. Where others use them too, CPU time tells: that of the driver, and that of the workers shared among them,
as if nothing of the driver's were done while they work.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from pathlib import Path

import click

from hybrid.cli.common import columns, console, print_json
from hybrid.corpus.corpus import Corpus
from hybrid.index.chunking import Chunker
from hybrid.index.cluster import Cluster
from hybrid.index.embedding import Embedder
from hybrid.index.protocol import Index
from hybrid.settings import EmbedderSettings, PassageSettings
from hybrid.settings.names import STORES

WORDS = (
    "tenant landlord baker pilot violin parser lake board moon contract engine roof garden letter river clock pays "
    "inspects rejects describes sells reflects outlives repairs signs paints moves forgets the a of in under with"
).split()


@click.command()
@click.option("--passages", default=600, help="About as many, of 150 words.")
@click.option("--rounds", default=3, help="Each number of workers that often, in turn.")
@click.option("--store", default="sqlite", show_default=True, type=click.Choice(list(STORES)))
@click.option("--json", "as_json", is_flag=True)
def main(passages: int, rounds: int, store: str, as_json: bool) -> None:
    """Measure builds with workers."""
    runs: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder) / "files", passages)
        for number in range(rounds):
            for workers, done in runs.items():
                done.append(_build(Path(folder) / "files", Path(folder) / f"index {number} {workers}", workers, store))
                click.echo(f"{workers} at work: {done[-1]}", err=True)
    ratios = {key: [a[key] / b[key] for a, b in zip(runs[1], runs[2], strict=True)] for key in ("seconds", "by cpu")}
    if as_json:
        print_json({"runs": runs, "times as fast": ratios})
        return
    out = console()
    shown = columns("workers", *runs[1][0])
    for workers, done in runs.items():
        shown.add_row(str(workers), *(f"{statistics.median(run[key] for run in done):.1f}" for key in done[0]))
    out.print(shown)
    for key, found in ratios.items():
        span = f"{min(found):.2f} to {max(found):.2f}"
        out.print(f"{key}: two workers are {statistics.median(found):.2f} times as fast as one ({span}, n = {rounds})")


def _write(folder: Path, passages: int) -> None:
    folder.mkdir()
    rng = random.Random(1)
    for number in range(max(1, passages // 10)):
        text = "\n\n".join(" ".join(rng.choices(WORDS, k=150)) + "." for _ in range(10))
        (folder / f"{number:05}.txt").write_text(text, "utf-8")


def _build(files: Path, index: Path, workers: int, kind: str) -> dict[str, float]:
    settings = EmbedderSettings(device="cpu", precision="float32")
    with Cluster("local", settings, PassageSettings(), workers) as cluster:
        embedder = Embedder(settings, threads=1)
        store: Index = STORES[kind](index, embedder, Chunker(embedder, PassageSettings()))
        before = time.process_time()
        changes = store.update(Corpus.of(files), None, cluster)
        driver = time.process_time() - before
        store.close()
    return {
        "passages": changes.passages,
        "seconds": changes.seconds,
        "by cpu": driver + cluster.cpu_seconds / workers,
        "cpu of workers": cluster.cpu_seconds,
        "cpu of driver": driver,
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    main()
