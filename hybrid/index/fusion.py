"""Two rankings to one: passages found by meaning and by words.

`fuse` adds the scores of both searches after bringing them to one scale: cosines and BM25 are each divided by the best
of the question, as in convex combination (Bruch, Gai and Ingber, arXiv 2210.11934). This keeps how much better one
passage is than the next, which reciprocal rank fusion (Cormack, Clarke and Büttcher 2009) forgets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from hybrid.index.embedding import Embedder, Vectors
from hybrid.types import Candidate, Passage

Mode = Literal["fused", "dense", "lexical"]
Ids = NDArray[np.int64]
Ranking = Sequence[tuple[int, float]]  # (passage id, score), best first

DENSE_WEIGHT = 0.6  # the best of 0.4 to 0.8 on Natural Questions and QMSum meetings that evals/bench does not report
_DEPTH = 100  # passages asked of each search, at least


class TwoSearches(Protocol):
    """Passages that can be searched by meaning and by words; see `hybrid.index.protocol.Store` for the methods."""

    embedder: Embedder

    def within(self, documents: Sequence[str]) -> Any:
        """The passages of some documents, as the two searches below take them."""

    def nearest(self, vector: Vectors, k: int, among: Any = None) -> Ranking:
        """The `k` passages nearest to a unit vector of shape (d,), with their cosine, best first."""

    def matching(self, question: str, k: int, among: Any = None) -> Ranking:
        """As `Store.matching`; None means all passages."""

    def passages(self, ids: Sequence[int]) -> Mapping[int, Passage]: ...


def retrieve(
    store: TwoSearches,
    question: str,
    k: int,
    mode: Mode = "fused",
    documents: Sequence[str] | None = None,
    vector: Vectors | None = None,
) -> list[Candidate]:
    """What `Store.search` promises, for a store with two searches; ties by passage id."""
    among = None if documents is None else store.within(documents)
    depth = max(_DEPTH, 2 * k)
    dense: Ranking = []
    lexical: Ranking = []
    if mode != "lexical":
        if vector is None:
            vector = store.embedder.encode_query([question])[0]
        dense = store.nearest(vector, depth, among)
    if mode != "dense":
        lexical = store.matching(question, depth, among)
    ranked = fuse(dense, lexical)[:k]
    passages = store.passages([number for number, _ in ranked])
    cosines, matches = dict(dense), dict(lexical)
    return [
        Candidate(passages[number], score, cosines.get(number), matches.get(number))
        for number, score in ranked
        if number in passages
    ]


def fuse(dense: Ranking, lexical: Ranking, weight: float = DENSE_WEIGHT) -> list[tuple[int, float]]:
    """One ranking with scores from 0 to 1.

    A passage missing from one search gets that search's lowest score, because it may come next. It gets 0 where that
    search found fewer than the other and so has no more to find.

    Args:
        weight: share of the dense score, 0 to 1; the lexical score has the rest.
    """
    if not dense or not lexical:
        return _scaled(dense or lexical)
    a, b = dict(_scaled(dense)), dict(_scaled(lexical))
    low_a, low_b = (min(x.values()) if len(x) >= len(y) else 0.0 for x, y in ((a, b), (b, a)))
    ids = np.array(sorted({*a, *b}))
    scores = np.array([weight * a.get(i, low_a) + (1 - weight) * b.get(i, low_b) for i in ids.tolist()])
    order = np.lexsort((ids, -scores))
    return [(int(ids[i]), float(scores[i])) for i in order]


def _scaled(ranking: Ranking) -> list[tuple[int, float]]:
    """Scores divided by the best one, negative ones raised to 0."""
    best = max((score for _, score in ranking), default=0.0)
    return [(number, max(0.0, score) / best if best > 0 else 0.0) for number, score in ranking]
