"""The figures that a report keeps of each record, and ways to group them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from typing import TypeVar

from hybrid.evals.arms.arm import COMPARED
from hybrid.evals.folder import RunInfo, read_run
from hybrid.evals.metrics.citations import Cited, by_containment
from hybrid.evals.record import Record, records
from hybrid.evals.statistics import SCORE, Estimate, estimate

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
_BINS = 10  # of depth, where there are more different ones


@dataclass(frozen=True, slots=True)
class Row:
    """The figures that a report keeps of a record."""

    arm: str
    sample: tuple[str, int | None, int, str]
    group: str
    metric: str
    status: str
    score: float
    abstained: bool
    way: str  # as `way_of` tells it
    prompt: int
    cached: int
    output: int
    engine_seconds: float
    first_token: float | None
    seconds: float
    basis: str
    dollars: float | None
    gpu_seconds: float | None
    joules: float | None
    position: float | None
    depth: float | None
    question: str
    shared_seconds: float | None  # of the engine's busy time; shares of calls at once add up to it
    decode_seconds: float | None
    context: int  # tokens of the longest prompt with its reply
    retrieved: Mapping[str, float]
    content: str
    cited: Cited | None  # by containment; None where nothing is known of citations, and where the arm abstained
    follows: bool  # it follows other questions
    rewritten: bool

    @property
    def task(self) -> str:
        return self.sample[0]

    @property
    def length(self) -> int | None:
        return self.sample[1]

    @property
    def tokens(self) -> int:
        """Tokens that were computed: read without the cache, and written."""
        return self.prompt - self.cached + self.output


def load(folder: Path) -> tuple[RunInfo, list[Row]]:
    return read_run(folder), [_row(record) for record in records(folder)]


def _row(record: Record) -> Row:
    spent = [attempt["usage"] for attempt in (record.decision or {}).get("attempts", ()) if "usage" in attempt]
    usage, cost, about = record.usage, record.cost, record.about
    whole = usage.prompt_tokens + usage.output_tokens
    return Row(
        arm=intern(record.arm),
        sample=(intern(record.task), record.length, record.seed, record.id),
        group=f"{record.task} {record.group}",
        metric=intern(record.metric),
        status=intern(record.status),
        score=record.score or 0.0,
        abstained=record.abstained,
        way=intern(way_of(record)),
        prompt=usage.prompt_tokens,
        cached=usage.cached_tokens,
        output=usage.output_tokens,
        engine_seconds=usage.seconds,
        first_token=usage.first_token_seconds,
        # the first arm on a text makes the index for all
        seconds=record.seconds - sum(record.timings.get(name, 0.0) for name in ("index", COMPARED)),
        basis=intern(cost.basis) if cost is not None else "",
        dollars=cost.dollars if cost is not None else None,
        gpu_seconds=cost.gpu_seconds if cost is not None else None,
        joules=usage.joules,
        position=_number(about.get("position")),
        depth=_number(about.get("depth")),
        question=record.question,
        shared_seconds=usage.shared_seconds,
        decode_seconds=usage.decode_seconds,
        context=max((one["prompt_tokens"] + one["output_tokens"] for one in spent), default=whole),
        retrieved=record.retrieved,
        content=record.content,
        cited=_cited(record),
        follows=bool(record.history),
        rewritten=bool(record.standalone),
    )


def _cited(record: Record) -> Cited | None:
    if record.status != "answered" or record.abstained or record.citations is None:
        return None
    return by_containment(record.marked or record.text, record.citations)


def way_of(record: Record) -> str:
    """The routes that were taken: rag, long, or rag then long; empty where an arm has none."""
    attempts = [attempt["route"] for attempt in (record.decision or {}).get("attempts", ())]
    return " then ".join(dict.fromkeys(attempts)) or record.route or ""


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def missing_records(info: RunInfo, rows: Sequence[Row]) -> int:
    have: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        have[row.arm, f"{row.task}|{row.length or ''}|{row.sample[2]}"] += 1
    return info.missing(have)


def by(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    found: dict[K, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def by_sample(rows: Sequence[Row]) -> dict[str, dict[tuple[str, int | None, int, str], Row]]:
    """Each arm's rows by their sample."""
    return {arm: {row.sample: row for row in own} for arm, own in by(rows, lambda row: row.arm).items()}


def common(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Each arm's rows on the samples that all of them answered, in one order."""
    arms = by_sample(rows)
    first, *others = arms.values()
    both = [sample for sample in first if all(sample in other for other in others)]
    return {arm: [own[sample] for sample in both] for arm, own in arms.items()}


def sure(rows: Sequence[Row], of: Callable[[Row], float], within: tuple[float, float] | None = None) -> Estimate:
    return estimate([of(row) for row in rows], [row.group for row in rows], within)


def scored(rows: Sequence[Row], of: Callable[[Row], float] = lambda row: row.score) -> Estimate:
    """The mean of a score from 0 to 1."""
    return sure(rows, of, SCORE)


def known(
    rows: Sequence[Row], of: Callable[[Row], float | None], within: tuple[float, float] | None = None
) -> Estimate | None:
    """A mean where every row has the figure: a mean over some of them would be of other samples."""
    return sure(rows, lambda row: of(row) or 0.0, within) if all(of(row) is not None for row in rows) else None


def mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def by_place(rows: Sequence[Row], *, by_depth: bool = False) -> list[tuple[str, Row]]:
    """Rows with their place, first to last: the position, or the depth in percent, many depths in ten parts."""
    if not by_depth and any(row.position is not None for row in rows):
        found = sorted(((row.position, row) for row in rows if row.position is not None), key=lambda pair: pair[0])
        return [(f"{place:g}", row) for place, row in found]
    deep = sorted(((row.depth, row) for row in rows if row.depth is not None), key=lambda pair: pair[0])
    if len({depth for depth, _ in deep}) <= _BINS + 1:
        return [(f"{depth:.0%}", row) for depth, row in deep]
    bins = [min(_BINS - 1, int(depth * _BINS)) for depth, _ in deep]
    return [(f"{100 * b // _BINS}-{100 * (b + 1) // _BINS}%", row) for b, (_, row) in zip(bins, deep, strict=True)]
