"""Sections on how scores depend on the length of the prompt and on where the answer stands in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hybrid.evals.columns import shown
from hybrid.evals.report import figures
from hybrid.evals.report.data import Data, LengthRow, PlaceRow
from hybrid.evals.report.rows import Row, by, by_place, mean, sure
from hybrid.evals.report.section import Section, Table, family_of, file_name, short, span
from hybrid.evals.statistics import Estimate
from hybrid.evals.tasks.ruler.effective import THRESHOLD, effective_length

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
                length: sure(these, lambda row: row.score)
                for length in lengths
                if (these := [row for row in some if row.length == length])
            }
            holds = _holds(family, means)
            series[arm] = [(short(length), score) for length, score in means.items()]
            found += [
                LengthRow(family=family, arm=arm, length=length, score=score, effective=holds)
                for length, score in means.items()
            ]
        data.lengths += found
        ruler = family == "ruler"
        if note:
            section.text.append(f"{family}: {note}")
        section.text.append(
            f"{family}: the effective context is the longest length at which the score is at least {THRESHOLD:.3f}, as "
            "RULER has it."
            if ruler
            else f"{family}: the effective context is the longest length up to which no interval falls below the score "
            "at the shortest length."
        )
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
                place: sure([row for _, row in pairs], lambda row: row.score)
                for place, pairs in by(some, lambda pair: pair[0]).items()
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
            (depth, short(length)): sure(some, lambda row: row.score)
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
