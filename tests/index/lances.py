"""Corpora for Lance indexes, what is written into them, and a bucket."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.index.chunking import Chunker
from hybrid.index.prepared import Prepared, prepare
from tests.index.notes import text


def written(folder: Path, count: int = 12) -> Corpus:
    import random

    rng = random.Random(3)
    folder.mkdir(exist_ok=True)
    for i in range(count):
        (folder / f"{i:02}.txt").write_text(text(rng, 6))
    return Corpus.of(folder)


def put(chunker: Chunker, texts: dict[str, str]) -> list[tuple[Prepared, np.ndarray]]:
    made = [prepare(source, source.load(), chunker) for source in Corpus.of(texts).sources]
    return [(one, chunker.embedder.encode_documents(one.contexts)) for one in made]


def use_bucket(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT": endpoint,
    }.items():
        monkeypatch.setenv(name, value)
