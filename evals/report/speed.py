"""The section on throughput, time to first token and memory by length, beside the score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hybrid.evals.columns import shown
from hybrid.evals.folder import RunInfo
from hybrid.evals.report import figures
from hybrid.evals.report.data import Data, SpeedRow
from hybrid.evals.report.rows import Row, by, known, mean, sure
from hybrid.evals.report.section import Section, Table, short, span
from hybrid.evals.statistics import Estimate
from pydantic import TypeAdapter

from hybrid.cost.shape import Shape

MIB = 2**20


def speeds(data: Data, rows: Sequence[Row]) -> Section:
    """How fast each arm was at each length, and what its prompts kept in memory."""
    shapes = {arm: _shape(about.get("kept")) for arm, about in data.run.arms.items()}
    order = {arm: place for place, arm in enumerate(data.run.arms)}
    cells = by(rows, lambda row: (row.arm, row.length))
    for arm, length in sorted(cells, key=lambda cell: (order.get(cell[0], 0), cell[1] or 0)):
        data.speeds.append(_row(arm, length, cells[arm, length], shapes.get(arm)))
    columns: dict[str, Callable[[SpeedRow], str]] = {
        "arm": lambda r: r.arm,
        "length": lambda r: f"{r.length:,}" if r.length else "as the data",
        "n": lambda r: f"{r.n:,}",
        "score": lambda r: span(r.score),
        "tokens read": lambda r: f"{r.prompt_tokens:,.0f}",
        "first token, s": lambda r: span(r.first_token),
        "a sample, s": lambda r: span(r.seconds),
        "tokens/s": lambda r: _rate(r.tokens_per_second),
        "written/s": lambda r: _rate(r.written_per_second),
        "KV, MiB": lambda r: span(r.kept, 1 / MIB),
    }
    text = [
        "Seconds and tokens per second are measured, with the other calls that were under way: first token, from "
        "sending the prompt; a sample, with retrieval and waiting, without indexing; tokens/s, read and written per "
        "second that the engine was busy, cached ones included; written/s, of one reply after its first token.",
        _memory(data.run),
    ]
    tables = [Table(*shown(data.speeds, columns))] if data.speeds else []
    return Section("Speed and memory by length", text, _drawn(data.speeds), tables)


def _row(arm: str, length: int | None, own: Sequence[Row], shape: Shape | None) -> SpeedRow:
    busy, written = [r.shared_seconds for r in own], [r.decode_seconds for r in own]
    spent = sum(s for s in busy if s is not None) if None not in busy else sum(r.engine_seconds for r in own)
    writing = sum(s for s in written if s is not None) if None not in written else 0.0
    return SpeedRow(
        arm=arm,
        length=length,
        n=len(own),
        seconds=sure(own, lambda row: row.seconds),
        first_token=known(own, lambda row: row.first_token),
        tokens_per_second=sum(row.prompt + row.output for row in own) / spent if spent else None,
        written_per_second=sum(row.output for row in own) / writing if writing else None,
        prompt_tokens=mean(row.prompt for row in own),
        kept=sure(own, lambda row: shape.kv_bytes(row.context)) if shape is not None else None,
        score=sure(own, lambda row: row.score),
    )


def _drawn(found: Sequence[SpeedRow]) -> list[tuple[str, str]]:
    """Time to first token, throughput and memory over length; of each only where there are two lengths."""

    def curves(of: Any) -> Mapping[str, Sequence[tuple[str, Estimate]]]:
        arms = by([row for row in found if row.length is not None and of(row) is not None], lambda row: row.arm)
        return {arm: [(short(row.length or 0), of(row)) for row in own] for arm, own in arms.items() if len(own) > 1}

    wanted = (
        ("speed-first-token", "Time to first token by length, measured", "seconds", lambda r: r.first_token),
        ("speed-throughput", "Throughput by length, measured", "tokens per second", _throughput),
        ("speed-memory", "KV memory of a question by length, estimated", "MiB", _mebibytes),
    )
    return [
        (name, figures.lines(title, series, "tokens of prompt and reply", y_label=label))
        for name, title, label, of in wanted
        if (series := curves(of))
    ]


def _throughput(row: SpeedRow) -> Estimate | None:
    rate = row.tokens_per_second
    return None if rate is None else Estimate(rate, rate, rate, row.n, row.n)


def _mebibytes(row: SpeedRow) -> Estimate | None:
    kept = row.kept
    return None if kept is None else Estimate(kept.mean / MIB, kept.low / MIB, kept.high / MIB, kept.n, kept.groups)


def _memory(run: RunInfo) -> str:
    models = {about["kept"]["model"]: about["kept"]["kv_bits"] for about in run.arms.values() if about.get("kept")}
    if not models:
        return "KV memory is not estimated: nothing says which model answers (cost.shape)."
    named = ", ".join(f"{model} at {bits} bits" for model, bits in models.items())
    return (
        f"KV memory is estimated from the shape of {named}: keys and values that the longest prompt of a question "
        "keeps with its reply, as if it shared none with another question."
    )


def _shape(kept: Mapping[str, Any] | None) -> Shape | None:
    """The shape that a run wrote down."""
    return TypeAdapter(Shape | None).validate_python(kept and {name: kept[name] for name in kept if name != "model"})


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
