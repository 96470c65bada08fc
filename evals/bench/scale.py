"""Large indexes: `python -m hybrid.evals.bench.scale`. Opening one, and the time of a question, the engine aside.

Texts are random words with the frequencies of a natural language (Zipf) and passages have random vectors, since only
sizes matter here; questions are embedded by the real model. Each index is opened in a process of its own.
"""

from __future__ import annotations

import json
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from hybrid.evals.bench.tables import part, written

from hybrid.corpus.corpus import Corpus
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder, Progress, Vectors
from hybrid.index.protocol import Index
from hybrid.settings import PassageSettings
from hybrid.settings.names import STORES

TOKENS = 32  # of a passage: short ones, so that a million are made in minutes
VOCABULARY = 200_000


class RandomVectors(Embedder):
    """The real embedder for questions; random unit vectors for passages."""

    _random = np.random.default_rng(0)

    def prepare(self, sample: Sequence[str], total: int) -> None:
        pass

    def encode_documents(
        self, texts: Sequence[str], progress: Progress | None = None, *, part: bool = False
    ) -> Vectors:
        found = self._random.standard_normal((len(texts), self.dimension), dtype=np.float32)
        if progress is not None:
            progress(len(texts))
        unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit


@click.command()
@click.option("--passages", "sizes", type=int, multiple=True, default=(100_000, 1_000_000), help="Sizes to measure.")
@click.option("--questions", default=100, help="Asked of each.")
@click.option("--store", default="sqlite", show_default=True, type=click.Choice(list(STORES)))
@click.option("--open", "folder", type=click.Path(path_type=Path), hidden=True)
@click.option("--json", "as_json", is_flag=True)
def main(sizes: tuple[int, ...], questions: int, store: str, folder: Path | None, as_json: bool) -> None:
    """Measure large indexes."""
    if folder is not None:
        print(json.dumps(_open(folder, questions, store)))
        return
    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            begun = time.perf_counter()
            passages = built(Path(place), size, store)
            took = time.perf_counter() - begun
            opened = part("hybrid.evals.bench.scale", "--open", place, "--questions", questions, "--store", store)
            disk = sum(file.stat().st_size for file in Path(place).rglob("*") if file.is_file()) / 1e6
            rows.append({"passages": passages, "built": took, "disk": disk, **opened})
    columns = {
        "passages": lambda row: f"{row['passages']:,}",
        "disk MB": lambda row: f"{row['disk']:,.0f}",
        "build s": lambda row: f"{row['built']:,.0f}",
        "open ms": lambda row: f"{row['open']:,.0f}",
        "memory MB": lambda row: f"{row['memory']:,.0f}",
        "question ms: median": lambda row: f"{row['median']:,.1f}",
        "90 %": lambda row: f"{row['p90']:,.1f}",
        "embedding it": lambda row: f"{row['embedding']:,.1f}",
    }
    written(rows, columns, as_json)


def built(place: Path, passages: int, kind: str = "sqlite") -> int:
    """Make an index of about that many passages in a folder; returns how many they are."""
    rng = np.random.default_rng(0)
    words = np.array([np.base_repr(i + 36**3, 36).lower() for i in range(VOCABULARY)])
    texts = {}
    each = 500  # passages a document
    for i in range(max(1, passages // each)):
        drawn = words[np.minimum(rng.zipf(1.2, size=each * 14) - 1, VOCABULARY - 1)]
        texts[f"{i:05}"] = " ".join(drawn)
    embedder = RandomVectors()
    store: Index = STORES[kind](place, embedder, Chunker(embedder, PassageSettings(tokens=TOKENS)))
    made = store.update(Corpus.of(texts)).passages
    store.close()
    return made


def asked(count: int) -> Iterator[str]:
    """Questions of four words each."""
    words = np.minimum(np.random.default_rng(1).zipf(1.2, (count, 10)), VOCABULARY) - 1
    for row in words[:, :4]:
        yield f"What is known about {' '.join(np.base_repr(int(word) + 36**3, 36).lower() for word in row)}?"


def _open(place: Path, questions: int, kind: str) -> dict[str, Any]:
    embedder = Embedder()
    embedder.warm_up()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    store: Index = STORES[kind](place, embedder, Chunker(embedder, PassageSettings(tokens=TOKENS)), create=False)
    len(store)
    opened = time.perf_counter() - begun
    times, embedding = [], []
    for question in asked(questions):
        begun = time.perf_counter()
        vector = embedder.encode_query([question])[0]
        embedding.append(time.perf_counter() - begun)
        found = store.search(question, 8, vector=vector)
        times.append(time.perf_counter() - begun)
        assert len(found) == 8
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "open": opened * 1000,
        "memory": (after - before) / 1024,
        "median": statistics.median(times) * 1000,
        "p90": statistics.quantiles(times, n=10)[-1] * 1000,
        "embedding": statistics.median(embedding) * 1000,
    }


if __name__ == "__main__":
    main()
