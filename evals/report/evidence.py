"""Sections on what answers rest on: their citations, and what was found for questions that follow others."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid.evals.report import figures
from hybrid.evals.report.data import CitationRow, Data, FollowRow, Section, Table, signed_span, span
from hybrid.evals.report.rows import Row, by, mean, scored, sure
from hybrid.evals.statistics import GAIN


def cited(rows: Sequence[Row]) -> list[CitationRow]:
    """Recall and precision of citations by task and arm."""
    found = []
    for (task, arm), own in by([row for row in rows if row.cited], lambda row: (row.task, row.arm)).items():
        told = [row.cited for row in own if row.cited is not None]
        found.append(
            CitationRow(
                task=task,
                arm=arm,
                n=len(own),
                statements=sum(one.statements for one in told),
                citations=sum(one.citations for one in told),
                recall=scored(own, lambda row: row.cited.recall if row.cited else 0.0),
                precision=scored(own, lambda row: row.cited.precision if row.cited else 0.0),
            )
        )
    return found


def citations(data: Data, rows: Sequence[Row]) -> Section:
    """Whether statements are supported by what they cite; `data` has the rows already."""
    if not data.citations:
        return Section("Citations")
    head = ["task", "arm", "n", "statements", "citations", "recall", "precision"]
    cells = [
        [r.task, r.arm, f"{r.n:,}", f"{r.statements:,}", f"{r.citations:,}", span(r.recall), span(r.precision)]
        for r in data.citations
    ]
    text = (
        "Recall: the share of an answer's statements that its citations support; precision: the share of its citations "
        "that support (ALCE, Gao et al. 2023), by containment: the quotation has the statement's numbers and names and "
        "half of its other words. n: answers with their citations, abstentions left out. `hybrid eval cited` has a "
        "model judge too."
    )
    arms = by([row for row in rows if row.cited], lambda row: row.arm)
    recall = {arm: scored(own, lambda row: row.cited.recall if row.cited else 0.0) for arm, own in arms.items()}
    drawn = figures.bars("Statements supported by what they cite", recall, "citation recall, all tasks")
    return Section("Citations", [text], [("citations", drawn)], [Table(head, cells, "Citations of each task and arm")])


def followups(data: Data, rows: Sequence[Row]) -> Section:
    """What was found for questions that follow others, as they were understood and as they were asked."""
    asked = [row for row in rows if row.follows and "hit" in row.retrieved]
    for (task, arm), own in by(asked, lambda row: (row.task, row.arm)).items():
        data.follows.append(
            FollowRow(
                task=task,
                arm=arm,
                n=len(own),
                rewritten=mean(row.rewritten for row in own),
                hit=scored(own, lambda row: row.retrieved["hit"]),
                as_asked=scored(own, lambda row: row.retrieved["hit_as_asked"]),
                gain=sure(own, lambda row: row.retrieved["hit"] - row.retrieved["hit_as_asked"], GAIN),
            )
        )
    if not data.follows:
        return Section("Questions that follow others")
    head = ["task", "arm", "n", "rewritten", "hit as understood", "hit as asked", "gain"]
    cells = [
        [r.task, r.arm, f"{r.n:,}", f"{r.rewritten:.0%}", span(r.hit), span(r.as_asked), signed_span(r.gain)]
        for r in data.follows
    ]
    text = (
        "A hit: a passage with the answer is among those that are read on the route rag, searched for by the question "
        "as it was understood from what was said before, and as it was asked."
    )
    return Section("Questions that follow others", [text], tables=[Table(head, cells)])
