"""Upkeep of a Lance index after commits: small fragments joined, new rows indexed, versions that nobody reads deleted.

Readers need none of it to see everything: rows without an index are compared one by one. It only keeps questions quick.
"""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.index.chunking import Chunker
from hybrid.index.dense import EXACT, RECALL
from hybrid.index.embedding import Vectors
from hybrid.index.lance.seam import preempted, translated
from hybrid.index.lance.table import PASSAGE, VECTORS, head_of, index_words, indexes, opened, properties
from hybrid.index.lance.writing import commit

KEPT = timedelta(hours=1)  # versions stay readable that long after a newer one came
_SLACK = timedelta(minutes=1)  # for clocks that differ
_SMALL = 20_000  # rows of fragments that are joined
_TARGET = 200_000  # rows of a fragment
_MANY = 8  # small fragments, or parts of an index, that are let be
_TRIED = 200  # passages taken as questions to choose how many lists are probed
_NEAREST = 20


def tidy(place: Path | str, chunker: Chunker, *, every: bool = False) -> None:
    """Join fragments, index new rows and delete old versions. Another process that does so too is no harm.

    Args:
        every: join the fragments however few they are.
    """
    try:
        with translated(place, "write"):
            table = opened(place, properties(chunker))
            index_words(table)
            _join(table, place, every=every)
            table = opened(place, properties(chunker))
            _index(table, place, chunker, table.count_rows(f"row = {PASSAGE}"))
            _forget(opened(place, properties(chunker)))
    except Exception as error:
        if not preempted(error):  # a commit came between: the next upkeep does what is left
            raise


def _join(table: Any, place: Path | str, *, every: bool) -> None:
    fragments = table.get_fragments()
    head = head_of(table, place).fragment
    others = [fragment for fragment in fragments if fragment.fragment_id != head]
    small = sum(fragment.physical_rows - fragment.num_deletions < _SMALL for fragment in others)
    worn = sum(fragment.num_deletions * 10 > fragment.physical_rows for fragment in others)
    if every or small > _MANY or worn:
        table.optimize.compact_files(target_rows_per_fragment=_TARGET, excluded_fragment_ids=[head])


def _index(table: Any, place: Path | str, chunker: Chunker, passages: int) -> None:
    """Index words and vectors; above `EXACT` passages the vectors have an inverted file, as with FAISS."""
    head = head_of(table, place)
    made_for = int(head.made.get("made_for", 0))
    names = indexes(table)
    if passages > EXACT and (VECTORS not in names or passages > 4 * made_for):
        lists = max(16, int(2 * np.sqrt(passages)))
        table.create_index(
            "vector", "IVF_FLAT", name=VECTORS, metric="dot", num_partitions=lists, replace=True, sample_rate=128
        )
        table.checkout_latest()
        nprobes, recall = _tuned(table, lists)
        commit(
            place,
            chunker,
            (),
            noted={"made_for": passages, "nprobes": nprobes, "recall": round(recall, 4)},
            changed=False,
        )
        table.checkout_latest()
    elif VECTORS in names and passages < EXACT // 2:
        table.drop_index(VECTORS)
    parts = max(indexes(table).values(), default=0)  # joining them reads them all
    table.optimize.optimize_indices(num_indices_to_merge=parts if parts >= _MANY else 0)


def _forget(table: Any) -> None:
    """Delete the versions that a newer one followed more than `KEPT` ago; Lance itself goes by when they were made."""
    then = time.time() - KEPT.total_seconds()
    past = [made for version in table.versions() if (made := version["timestamp"].timestamp()) <= then]
    if past:  # the latest of these was still the newest one then
        table.cleanup_old_versions(older_than=timedelta(seconds=time.time() - max(past)) + _SLACK)


def _tuned(table: Any, lists: int) -> tuple[int, float]:
    """As few lists as find `RECALL` of the nearest passages, and the recall reached."""
    queries = _sample(table)
    exact = [_nearest(table, query, {"use_index": False}) for query in queries]
    nprobes, recall = 4, 0.0
    while True:
        found = [_nearest(table, query, {"nprobes": nprobes}) for query in queries]
        recall = float(np.mean([len(a & b) / max(1, len(a)) for a, b in zip(exact, found, strict=True)]))
        if recall >= RECALL or nprobes >= lists:
            return nprobes, recall
        nprobes = min(lists, 2 * nprobes)


def _nearest(table: Any, query: Vectors, how: dict[str, Any]) -> set[int]:
    nearest = {"column": "vector", "q": query, "k": _NEAREST, "metric": "dot", **how}
    return set(table.scanner(columns=["id"], nearest=nearest).to_table()["id"].to_pylist())


def _sample(table: Any) -> Vectors:
    rows = table.sample(min(2 * _TRIED, table.count_rows()), columns=["vector"])
    flat = rows["vector"].combine_chunks().drop_null()
    return np.asarray(flat.flatten(), np.float32).reshape(len(flat), -1)[:_TRIED]
