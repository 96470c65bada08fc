"""The section on retrieval alone."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid.evals.report.data import Data, RetrievalRow
from hybrid.evals.report.rows import Row, by, sure
from hybrid.evals.report.section import Section, Table, span

_WHAT = ("recall", "precision", "iou", "ndcg")


def retrieval(data: Data, rows: Sequence[Row]) -> Section:
    """How well the passages found cover the gold ranges; arms that found the same share a row."""
    for (task, arm), own in by([row for row in rows if row.retrieved], lambda row: (row.task, row.arm)).items():
        means = {what: sure(own, lambda row, what=what: row.retrieved[what]) for what in _WHAT}  # type: ignore[misc]
        data.retrieval.append(RetrievalRow(task=task, arm=arm, n=len(own), **means))
    same = by(data.retrieval, lambda row: (row.task, row.n, *(getattr(row, what) for what in _WHAT)))
    head = ["task", "arms", "n", "recall", "precision", "IoU", "nDCG"]
    cells = [
        [r[0].task, ", ".join(row.arm for row in r), f"{r[0].n:,}", *(span(getattr(r[0], what)) for what in _WHAT)]
        for r in same.values()
    ]
    text = (
        "Of the passages that were found first, as many as are read on the route rag: recall, precision and "
        "intersection over union count characters of the gold ranges; nDCG ranks passages by whether they touch one."
    )
    return Section("Retrieval alone", [text], tables=[Table(head, cells)] if cells else [])
