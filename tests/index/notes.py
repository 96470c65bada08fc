"""Corpora of short notes, and what an index finds in them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.errors import IndexStoreError
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Vectors
from hybrid.index.store import SqliteStore as Store

NOUNS = (
    "tenant landlord baker pilot violin parser lake board moon contract engine roof garden letter river clock".split()
)
VERBS = "pays inspects rejects describes sells reflects outlives repairs signs paints moves forgets".split()
QUESTIONS = [
    "Who pays the landlord?",
    "What does the parser reject?",
    "the garden by the river",
]
Found = dict[tuple[str, int, str], tuple[float, float]]


def paragraph(rng: random.Random) -> str:
    """About 22 tokens: one passage."""
    words = [f"the {rng.choice(NOUNS)} {rng.choice(VERBS)} the {rng.choice(NOUNS)}" for _ in range(3)]
    return f"Note {rng.randrange(10**4)}: {', '.join(words)}."


def text(rng: random.Random, paragraphs: int) -> str:
    return "\n\n".join(paragraph(rng) for _ in range(paragraphs)) + "\n"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


def found(store: Store, asked: list[tuple[str, Vectors]]) -> list[Found]:
    """For every question all passages with their cosine and BM25 score; searching has to be in order."""
    results = []
    for question, vector in asked:
        near, match = store.nearest(vector, 10**6), store.matching(question, 10**6)
        for ranking in (near, match):
            assert ranking == sorted(ranking, key=lambda pair: (-pair[1], pair[0]))
        cosines, scores = dict(near), dict(match)
        passages = store.passages(list(cosines))
        assert len(passages) == len(cosines) == len(near) == len(store)
        assert set(scores) <= set(cosines)
        results.append({(p.document, p.ordinal, p.text): (cosines[i], scores.get(i, 0.0)) for i, p in passages.items()})
    return results


def same(one: list[Found], other: list[Found]) -> bool:
    """Whether two indexes find the same texts with the same scores."""
    return len(one) == len(other) and all(
        a.keys() == b.keys() and all(abs(x - y) < 1e-3 for key in a for x, y in zip(a[key], b[key], strict=True))
        for a, b in zip(one, other, strict=True)
    )


def scratch(what: Any, chunker: Chunker, asked: list[tuple[str, Vectors]]) -> list[Found]:
    """What an index made anew in memory finds."""
    store = Store(None, chunker.embedder, chunker)
    store.update(Corpus.of(what))
    return found(store, asked)


def check_texts(store: Store, corpus: Path) -> None:
    """Documents and passages say what the files say."""
    names = [entry.name for entry in store.entries()]
    for name in names:
        content = (corpus / name).read_text("utf-8")
        assert store.document(name).text == content
        passages = store.passages_of(name)
        assert [p.ordinal for p in passages] == list(range(len(passages)))
        assert all(p.text == content[p.start : p.end] for p in passages)
        assert "".join("".join(p.text for p in passages).split()) == "".join(content.split())
    assert sorted(store.passages(store.ids_of(names).tolist())) == store.ids_of(names).tolist()
    assert len(store) == len(store.ids_of(names)) == sum(entry.passages for entry in store.entries())


def contexts(state: list[Found]) -> set[str]:
    """What the embedder reads of all passages."""
    return {text for _, _, text in state[0]}


def refusal(run: Callable[[], object]) -> str:
    with pytest.raises(IndexStoreError) as refused:
        run()
    said = str(refused.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said
