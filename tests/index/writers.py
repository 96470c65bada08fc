"""Writers of a Lance index that add and delete documents until they are killed; test_writers.py starts them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.source import Source
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder, Progress, Vectors
from hybrid.index.lance.upkeep import tidy
from hybrid.index.lance.writing import commit, write_fragment
from hybrid.index.prepared import prepare
from hybrid.settings import EmbedderSettings, PassageSettings

OWN, SHARED = 4, 2  # documents of each writer, and of all


class Told(Embedder):
    """Vectors that follow from the text, so that a mixed-up one is seen."""

    def __init__(self) -> None:
        super().__init__(EmbedderSettings(precision="float32"))

    def encode_documents(
        self, texts: Sequence[str], progress: Progress | None = None, *, part: bool = False
    ) -> Vectors:
        return np.stack([vector_of(text) for text in texts])


def vector_of(text: str) -> Vectors:
    """The vector of a text, of unit length."""
    seed = int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
    found = np.random.default_rng(seed).standard_normal(384, dtype=np.float32)
    unit: Vectors = found / np.linalg.norm(found)
    return unit


def chunker() -> Chunker:
    return Chunker(Told(), PassageSettings(tokens=32))


def text_of(name: str, state: int) -> str:
    """A document's text in one of its states, of another length in each."""
    return "\n\n".join(f"Paragraph {i} of {name} in state {state} has words of its own." for i in range(2 + state % 5))


def source_of(name: str, state: int) -> Source:
    (source,) = Corpus.of({name: text_of(name, state)}).sources
    return source


def write(place: Path, number: int, log: Path, seed: int, most: int) -> None:
    """Add and delete documents; each change is noted in `log` before it is committed, and after."""
    rng, cuts = random.Random(seed), chunker()
    names = [f"{number}-{i}" for i in range(OWN)] + [f"shared-{i}" for i in range(SHARED)]
    with log.open("a", buffering=1) as notes:
        for step in range(most):
            chosen = rng.sample(names, rng.randrange(1, 4))
            states: dict[str, Any] = {name: None if rng.random() < 0.3 else seed * 1000 + step for name in chosen}
            notes.write(f"try {states!r}\n")
            made = [prepare(source_of(name, state), text_of(name, state).encode(), cuts)
                    for name, state in states.items() if state is not None]  # fmt: skip
            tokens = [
                write_fragment(place, cuts, [(one, cuts.embedder.encode_documents(one.contexts))]) for one in made
            ]
            commit(place, cuts, tokens, removed=[name for name, state in states.items() if state is None])
            notes.write(f"done {states!r}\n")
            if rng.random() < 0.1:
                tidy(place, cuts, every=True)
