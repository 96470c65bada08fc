"""Two rankings to one: passages found by meaning and by words.

`fuse` adds the scores of both searches after bringing them to one scale: cosines and BM25 are each divided by the
best of the question, as in convex combination (Bruch, Gai and Ingber, arXiv 2210.11934), which keeps how much better
one passage is than the next. Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009) forgets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from hybrid.index.embedding import Vectors
from hybrid.index.store import Store
from hybrid.types import Candidate

Mode = Literal["fused", "dense", "lexical"]
Ranking = Sequence[tuple[int, float]]  # (passage id, score), best first

DENSE_WEIGHT = 0.6  # the best of 0.4 to 0.8 on Natural Questions and QMSum meetings that evals/bench does not report
_DEPTH = 100  # passages asked of each search, at least


def retrieve(
    store: Store,
    question: str,
    k: int,
    mode: Mode = "fused",
    documents: Sequence[str] | None = None,
    vector: Vectors | None = None,
) -> list[Candidate]:
    """The `k` passages that match a question best, best first; ties by passage id.

    Args:
        documents: names of documents to search in; None means all.
        vector: the question's unit vector of shape (d,), if it is known already.
    """
    among = None if documents is None else store.ids_of(documents)
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

    A passage missing from one search gets that search's lowest score, for it may come next; or 0 where that search
    found fewer than the other, because then it has no more to find.

    Args:
        weight: share of the dense score, 0 to 1; the rest is the lexical one's.
    """
    if not dense or not lexical:
        return [(number, score) for number, score in _scaled(dense or lexical)]
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
