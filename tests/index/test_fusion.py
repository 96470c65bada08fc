"""Two rankings to one, by hand and over a real index."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.corpus.corpus import Corpus
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.fusion import DENSE_WEIGHT, fuse, retrieve
from hybrid.index.store import SqliteStore as Store

TEXTS = {
    "lease.txt": "The lease of the flat ends on the last day of March.",
    "cats.txt": "Cats sleep for most of the day and hunt at dusk.",
    "code.txt": "Error E4711 is raised when the spool directory is missing.",
    "bread.txt": "Knead the dough, let it rise for an hour and bake it.",
}


def test_scores_are_scaled_to_the_best_and_weighed() -> None:
    found = fuse([(1, 0.8), (2, 0.4)], [(2, 10.0), (3, 5.0)], weight=0.6)
    # 1 lacks words and gets the lowest of them, 3 lacks a cosine and gets the lowest of those
    assert found == [
        (1, pytest.approx(0.6 * 1.0 + 0.4 * 0.5)),
        (2, pytest.approx(0.6 * 0.5 + 0.4 * 1.0)),
        (3, pytest.approx(0.6 * 0.5 + 0.4 * 0.5)),
    ]
    assert fuse([(1, 0.8), (2, 0.4)], [(2, 10.0), (3, 5.0)]) == fuse(
        [(1, 0.8), (2, 0.4)], [(2, 10.0), (3, 5.0)], DENSE_WEIGHT
    )


def test_one_ranking_alone_and_none() -> None:
    assert fuse([(4, 0.5), (2, 0.25)], []) == [(4, 1.0), (2, 0.5)]
    assert fuse([], [(4, 9.0), (2, 3.0)]) == [(4, 1.0), (2, pytest.approx(1 / 3))]
    assert fuse([], []) == []


def test_negative_cosines_count_nothing() -> None:
    assert fuse([(1, 0.5), (2, -0.3)], []) == [(1, 1.0), (2, 0.0)]
    assert fuse([(1, -0.1), (2, -0.3)], []) == [(1, 0.0), (2, 0.0)]


def test_ties_are_in_the_order_of_ids() -> None:
    assert [i for i, _ in fuse([(9, 0.5), (3, 0.5)], [(9, 2.0), (3, 2.0)])] == [3, 9]


rankings = st.dictionaries(st.integers(0, 30), st.floats(-1, 40), max_size=15).map(
    lambda scores: sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
)


@given(rankings, rankings, st.floats(0, 1))
def test_fused_scores_are_shares_and_sorted(dense: list, lexical: list, weight: float) -> None:
    found = fuse(dense, lexical, weight)
    assert sorted(i for i, _ in found) == sorted({i for i, _ in dense} | {i for i, _ in lexical})
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 + 1e-9 for score in scores)


@pytest.fixture(scope="module")
def store(embedder: Embedder) -> Store:
    store = Store(None, embedder, Chunker(embedder))
    store.update(Corpus.of(TEXTS))
    return store


def test_meaning_and_words_each_find_their_own(store: Store) -> None:
    assert retrieve(store, "When do felines rest?", 1, "dense")[0].passage.document == "cats.txt"
    assert retrieve(store, "E4711", 1, "lexical")[0].passage.document == "code.txt"
    assert retrieve(store, "What does E4711 mean?", 1)[0].passage.document == "code.txt"
    assert retrieve(store, "How is a loaf made?", 1)[0].passage.document == "bread.txt"


def test_candidates_carry_both_scores(store: Store, embedder: Embedder) -> None:
    question = "When does the lease end?"
    vector = embedder.encode_query([question])[0]
    best = retrieve(store, question, 4)[0]
    assert best.passage.text == TEXTS["lease.txt"]
    assert best.score == pytest.approx(1.0)
    assert best.dense == pytest.approx(dict(store.nearest(vector, 4))[best.passage.id])
    assert best.lexical == pytest.approx(dict(store.matching(question, 4))[best.passage.id])
    assert retrieve(store, question, 4, vector=vector) == retrieve(store, question, 4)
    others = retrieve(store, question, 4)[1:]
    assert any(candidate.lexical is None for candidate in others)
    assert all(c.dense is None for c in retrieve(store, question, 4, "lexical"))
    assert all(c.lexical is None for c in retrieve(store, question, 4, "dense"))


def test_documents_restrict_the_search(store: Store) -> None:
    found = retrieve(store, "When does the lease end?", 4, documents=["cats.txt", "bread.txt", "none.txt"])
    assert sorted(c.passage.document for c in found) == ["bread.txt", "cats.txt"]
    assert retrieve(store, "lease", 4, documents=[]) == []


def test_k_limits_and_a_stranger_vector_decides(store: Store, embedder: Embedder) -> None:
    assert len(retrieve(store, "day", 2)) == 2
    cats = embedder.encode_query(["sleeping cats"])[0]
    assert retrieve(store, "lease", 1, "dense", vector=np.asarray(cats))[0].passage.document == "cats.txt"


def test_the_only_passage_with_a_word_is_ahead_by_it() -> None:
    found = dict(fuse([(1, 0.5), (2, 0.5), (3, 0.4)], [(3, 7.0)], weight=0.6))
    assert found[3] == pytest.approx(0.6 * 0.8 + 0.4)
    assert found[1] == pytest.approx(0.6)  # the words found nothing more to come
