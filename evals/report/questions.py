"""The section that has every question, with what each arm replied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hybrid.evals.record import Record, records
from hybrid.evals.report.data import Question, Reply, Section, cut, right
from hybrid.evals.report.rows import Row, by, way_of

_MOST = 1_000  # questions on the page: more would be megabytes
_LONG = 400  # characters of a reply, and of what is right


def questions(folder: Path, rows: Sequence[Row]) -> Section:
    """All questions where they are a thousand or less, else those that failed or on which arms differ most."""
    asked = by(rows, lambda row: row.sample)
    shown = list(asked)
    if len(asked) > _MOST:
        telling = sorted(asked, key=lambda sample: _telling(asked[sample]), reverse=True)[:_MOST]
        shown = [sample for sample in asked if sample in set(telling)]
    wanted, found = set(shown), dict[tuple[str, int | None, int, str], list[Record]]()
    for record in records(folder):
        if record.key[1:] in wanted:
            found.setdefault(record.key[1:], []).append(record)
    text = "What was asked, what is right, and what each arm replied, on which route, at what cost."
    if len(asked) > len(shown):
        text += (
            f" These are {len(shown):,} of {len(asked):,}: those that failed, and on which arms differ most. "
            "All stand in records.jsonl."
        )
    return Section("Question by question", [text], questions=[_question(found[sample]) for sample in shown])


def _telling(rows: Sequence[Row]) -> tuple[bool, float, float]:
    """The order for a reader: failures, then samples on which arms differ, then those that all got wrong."""
    scores = [row.score for row in rows if row.status == "answered"] or [0.0]
    return any(row.status == "failed" for row in rows), max(scores) - min(scores), -max(scores)


def _question(found: Sequence[Record]) -> Question:
    first, replies = found[0], [_reply(record) for record in found]
    return Question(first.task, first.length, first.id, first.question, right(first.golds, _LONG), replies)


def _reply(record: Record) -> Reply:
    return Reply(
        arm=record.arm,
        status=record.status,
        score=record.score,
        route=way_of(record),
        cost=_cost(record),
        text=cut(record.text if record.status == "answered" else record.reason, _LONG),
    )


def _cost(record: Record) -> str:
    """Money where there is some, else the GPU's time, and what was read and written."""
    cost, usage = record.cost, record.usage
    tokens = f"{usage.prompt_tokens - usage.cached_tokens + usage.output_tokens:,} tokens"
    if cost is not None and cost.dollars:
        return f"${cost.dollars:.2g}, {tokens}"
    if cost is not None and cost.gpu_seconds:
        return f"{cost.gpu_seconds:.2g} GPU-s, {tokens}"
    return tokens
