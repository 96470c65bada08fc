"""Sections on the profile of an arm: its score by length and by place, its speed and memory, and its retrieval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hybrid.evals.columns import shown
from hybrid.evals.folder import RunInfo
from hybrid.evals.report import figures
from hybrid.evals.report.data import (
    Data,
    LengthRow,
    PlaceRow,
    RetrievalRow,
    Section,
    SpeedRow,
    Table,
    family_of,
    file_name,
    short,
    span,
)
from hybrid.evals.report.rows import Row, by, by_place, known, mean, scored, sure
from hybrid.evals.statistics import SCORE, Estimate
from hybrid.evals.tasks.nolima import nolima
from hybrid.evals.tasks.ruler.ruler import THRESHOLD, effective_length
from pydantic import TypeAdapter

from hybrid.cost.shape import Shape

_ENOUGH = 8  # samples of a place


def by_length(data: Data, rows: Sequence[Row]) -> Section:
    """Scores by length, and how far they hold."""
    section = Section("Scores by length")
    names = {spec.title: spec.name for spec in data.run.suite.tasks}
    measured = [row for row in rows if row.length is not None]
    for family, own in by(measured, lambda row: family_of(names.get(row.task, row.task))).items():
        lengths = sorted({row.length for row in own if row.length is not None})
        if len(lengths) < 2:
            continue
        several = len({row.task for row in own}) > 1
        tables = [_by_task(own, lengths)] if several else []
        own, note = _at_all(own, lengths)
        series: dict[str, list[tuple[str, Estimate]]] = {}
        found: list[LengthRow] = []
        for arm, some in by(own, lambda row: row.arm).items():
            means = {
                length: scored(these) for length in lengths if (these := [row for row in some if row.length == length])
            }
            base = nolima.base_score(_by_needle(some)) if family == "nolima" else None
            holds = _holds(family, means) if base is None else nolima.effective_length(_by_needle(some))
            series[arm] = [(short(length), score) for length, score in means.items()]
            found += [
                LengthRow(family=family, arm=arm, length=length, score=score, effective=holds, base=base)
                for length, score in means.items()
            ]
        data.lengths += found
        ruler = family == "ruler"
        if note:
            section.text.append(f"{family}: {note}")
        section.text.append(_rule(family, found))
        title = f"{family}: score by length"
        drawn = figures.lines(title, series, "tokens of prompt and reply", threshold=THRESHOLD if ruler else None)
        section.figures.append((f"length-{file_name(family)}", drawn))
        columns: dict[str, Callable[[LengthRow], str]] = {
            "tasks": lambda r: r.family,
            "arm": lambda r: r.arm,
            "length": lambda r: f"{r.length:,}",
            "n": lambda r: f"{r.score.n:,}",
            "score": lambda r: span(r.score),
            "effective context": lambda r: f"{r.effective:,}" if r.effective else "none",
        }
        section.tables.append(Table(*shown(found, columns)))
        section.tables += tables
    return section


def _rule(family: str, rows: Sequence[LengthRow]) -> str:
    """By which rule the effective context of a family is told."""
    bases = {row.arm: row.base for row in rows if row.base is not None}
    if bases:
        told = ", ".join(f"{arm} {base:.3f}" for arm, base in bases.items())
        return (
            f"{family}: the effective context is the longest length at which the score is at least "
            f"{nolima.KEPT:.0%} of the base score, as NoLiMa has it: of each needle the best mean score up to "
            f"{nolima.BASE:,} tokens, averaged. Base scores: {told}."
        )
    if family == "ruler":
        return (
            f"{family}: the effective context is the longest length at which the score is at least {THRESHOLD:.3f}, as "
            "RULER has it."
        )
    return (
        f"{family}: the effective context is the longest length up to which no interval falls below the score at the "
        "shortest length."
    )


def _by_needle(rows: Sequence[Row]) -> dict[int, dict[str, float]]:
    """The mean score of each needle at each length; rows of a needle share their group, which names the task too."""
    return {
        length: {needle: mean(row.score for row in of) for needle, of in by(own, lambda row: row.group).items()}
        for length, own in by(rows, lambda row: row.length).items()
        if length is not None
    }


def _at_all(rows: Sequence[Row], lengths: Sequence[int]) -> tuple[list[Row], str]:
    """The rows of tasks that were asked at every length: a mean over other tasks at other lengths would be no curve."""
    tasks = by(rows, lambda row: row.task)
    whole = [task for task, own in tasks.items() if {row.length for row in own} >= set(lengths)]
    if not whole or len(whole) == len(tasks):
        return list(rows), ""
    return [row for task in whole for row in tasks[task]], f"the curve is of {', '.join(whole)}, asked at every length."


def _by_task(rows: Sequence[Row], lengths: Sequence[int]) -> Table:
    """Each task at each length, as RULER shows it."""
    cells = [
        [task, arm, f"{len(own):,}", *(_mean_at(own, length) for length in lengths)]
        for (task, arm), own in by(rows, lambda row: (row.task, row.arm)).items()
    ]
    return Table(["task", "arm", "n", *(f"at {short(length)}" for length in lengths)], cells, "Each task by length")


def _mean_at(rows: Sequence[Row], length: int) -> str:
    found = [row.score for row in rows if row.length == length]
    return f"{mean(found):.3f} (n={len(found)})" if found else "-"


def _holds(family: str, means: Mapping[int, Estimate]) -> int | None:
    if family == "ruler":
        return effective_length({length: score.mean for length, score in means.items()})
    lengths, good = sorted(means), None
    for length in lengths:
        if means[length].high < means[lengths[0]].mean:
            break
        good = length
    return good


def places(data: Data, rows: Sequence[Row]) -> Section:
    """Scores by where the answer stands; places that are established to be worse than the best are dead."""
    section = Section("Scores by position")
    for task, own in by(rows, lambda row: row.task).items():
        placed = by_place(own)
        if len({place for place, _ in placed}) < 2:
            continue
        series: dict[str, list[tuple[str, Estimate]]] = {}
        found: list[PlaceRow] = []
        for arm, some in by(placed, lambda pair: pair[1].arm).items():
            means = {
                place: scored([row for _, row in pairs]) for place, pairs in by(some, lambda pair: pair[0]).items()
            }
            best = max(means.values(), key=lambda score: score.mean)
            series[arm] = list(means.items())
            found += [
                PlaceRow(task=task, arm=arm, place=place, score=score, dead=_below(score, best))
                for place, score in means.items()
            ]
        data.places += found
        dead = list(dict.fromkeys(row.place for row in found if row.dead))
        title = f"{task}: score by position"
        label = "place of the answer, from 0" if own[0].position is not None else "depth of the answer"
        section.figures.append((f"position-{file_name(task)}", figures.lines(title, series, label, dead=dead)))
        where = "; ".join(
            f"{arm}: {', '.join(places)}"
            for arm in series
            if (places := [row.place for row in found if row.arm == arm and row.dead])
        )
        section.text.append(f"{task}: " + (f"dead zone (shaded): {where}." if where else "no dead zone established."))
        head = ["task", "arm", "position", "n", "score", "dead"]
        cells = [[r.task, r.arm, r.place, f"{r.score.n:,}", span(r.score), "yes" if r.dead else "no"] for r in found]
        section.tables.append(Table(head, cells, f"{task} by position"))
    if section.text:
        section.text.insert(
            0,
            "Dead: the interval lies wholly below that of the arm's best position, and both rest on "
            f"{_ENOUGH} samples or more.",
        )
    return section


def _below(score: Estimate, best: Estimate) -> bool:
    """Whether a place is established to be worse; of few samples an interval says nothing, as all may be alike."""
    return score.high < best.low and min(score.n, best.n) >= _ENOUGH


def needles(rows: Sequence[Row]) -> Section:
    """Depth by length, where both vary."""
    section = Section("Depth by length")
    counted: dict[str, set[int]] = {}
    for (task, arm), own in by([r for r in rows if r.depth is not None], lambda r: (r.task, r.arm)).items():
        lengths = sorted({row.length for row in own if row.length is not None})
        placed = [(place, row) for place, row in by_place(own, by_depth=True) if row.length is not None]
        depths = list(dict.fromkeys(place for place, _ in placed))
        if len(lengths) < 2 or len(depths) < 2:
            continue
        cells = {
            (depth, short(length)): scored(some)
            for depth in depths
            for length in lengths
            if (some := [row for place, row in placed if place == depth and row.length == length])
        }
        columns = [short(length) for length in lengths]
        drawn = figures.heat(f"{task}, {arm}: score by depth and length", cells, depths, columns)
        section.figures.append((f"depth-{file_name(task)}-{file_name(arm)}", drawn))
        counted.setdefault(task, set()).add(len(own))
    said = [f"{task}, {' or '.join(f'{n:,}' for n in sorted(sizes))}" for task, sizes in counted.items()]
    section.text = [f"Samples of each map: {'; '.join(said)}."] if said else []
    return section


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
        score=scored(own),
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


_WHAT = ("recall", "precision", "iou", "ndcg")
_TOUCHED = ("touched@1", "touched@5", "touched", "cited")


def retrieval(data: Data, rows: Sequence[Row]) -> Section:
    """How well the passages found cover the gold ranges; arms that found the same share a row."""
    ranged = [row for row in rows if "recall" in row.retrieved]
    for (task, arm), own in by(ranged, lambda row: (row.task, row.arm)).items():
        means = {what: scored(own, lambda row, what=what: row.retrieved[what]) for what in _WHAT}  # type: ignore[misc]
        seen = {
            what.replace("@", "_"): known(own, lambda row, what=what: row.retrieved.get(what), SCORE)  # type: ignore[misc]
            for what in _TOUCHED
        }
        data.retrieval.append(RetrievalRow(task=task, arm=arm, n=len(own), **means, **seen))
    fields = [*_WHAT, "touched_1", "touched_5", "touched"]
    same = by(data.retrieval, lambda row: (row.task, row.n, *(getattr(row, what) for what in fields)))
    head = ["task", "arms", "n", "recall", "precision", "IoU", "nDCG", "golds at 1", "at 5", "at all"]
    cells = [
        [r[0].task, ", ".join(row.arm for row in r), f"{r[0].n:,}", *(span(getattr(r[0], what)) for what in fields)]
        for r in same.values()
    ]
    text = (
        "Of the passages that were found first, as many as are read on the route rag: recall, precision and "
        "intersection over union count characters of the gold ranges; nDCG ranks passages by whether they touch one. "
        "Golds at 1, at 5, at all: the share of gold ranges that so many passages touch; where golds are pages, as in "
        "financebench, it is the page recall. Golds cited: the same of what the answer cites, which goes by the route."
    )
    cited = [[r.task, r.arm, f"{r.n:,}", span(r.cited)] for r in data.retrieval if r.cited is not None]
    tables = [Table(head, cells)] if cells else []
    tables += [Table(["task", "arm", "n", "golds cited"], cited, "Golds cited by each task and arm")] if cited else []
    return Section("Retrieval alone", [text], tables=tables)
