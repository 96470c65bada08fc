"""Sections on the scores of arms, their costs and the worth of choosing between them; and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple, TypeVar

from hybrid.evals.columns import shown
from hybrid.evals.folder import RunInfo
from hybrid.evals.record import Record, records
from hybrid.evals.report import figures
from hybrid.evals.report.data import (
    CostRow,
    Data,
    Example,
    PairRow,
    RegretRow,
    RouteRow,
    Section,
    Table,
    cut,
    right,
    signed,
    signed_span,
    span,
)
from hybrid.evals.report.rows import Row, by, by_sample, common, known, mean, scored, sure
from hybrid.evals.statistics import ENOUGH, GAIN, Difference, Estimate, difference, estimate, frontier, regret

K = TypeVar("K", bound=Hashable)
ALL = "all tasks"
_EXAMPLES = 3  # wins and losses shown of a pair
_PIVOT = 12  # rows from which scores stand side by side first
_SHOWN = 700  # characters of a reply


def scores(data: Data) -> Section:
    every = shown(
        data.scores,
        {
            "task": lambda row: row.task,
            "arm": lambda row: row.arm,
            "n": lambda row: f"{row.n:,}",
            "score": lambda row: span(row.score),
            "metric": lambda row: row.metric,
            "abstained": lambda row: f"{row.abstained:.0%}" if row.n else "-",
            "failed": lambda row: str(row.failed),
            "skipped": lambda row: str(row.skipped),
            "tokens read": lambda row: f"{row.prompt_tokens:,.0f}" if row.n else "-",
            "cached": lambda row: f"{row.cached_tokens:,.0f}" if row.n else "-",
            "s": lambda row: f"{row.seconds:.2f}" if row.n else "-",
        },
    )
    text = (
        "Means with 95 % intervals, clustered by document; n: samples that were answered. Where all scores are alike, "
        "or there is one, the interval is what so many may have missed. Tokens and seconds are means."
    )
    tables = [Table(*every, "All about each task and arm")]
    if len(data.scores) > _PIVOT:
        text += " The first table has the scores alone; the second, folded, has the rest."
        tables.insert(0, _side_by_side(data))
    return Section("Scores", [text], tables=tables)


def _side_by_side(data: Data) -> Table:
    """Each task's scores, one column an arm."""
    arms = list(dict.fromkeys(row.arm for row in data.scores))
    cells = [
        [task, _range(row.n for row in own), *(_short({row.arm: row.score for row in own}.get(arm)) for arm in arms)]
        for task, own in by(data.scores, lambda row: row.task).items()
    ]
    return Table(["task", "n", *arms], cells)


def _short(score: Estimate | None) -> str:
    return "-" if score is None else f"{score.mean:.2f} [{score.low:.2f}, {score.high:.2f}]"


def _range(numbers: Iterable[int]) -> str:
    """One number, or from the least to the most."""
    found = sorted(set(numbers))
    return f"{found[0]:,}" if len(found) == 1 else f"{found[0]:,} to {found[-1]:,}"


def pairs(data: Data, rows: Sequence[Row]) -> Section:
    by_arm = by_sample(rows)
    for one, other in combinations(by_arm, 2):
        data.pairs += paired(one, other, by_arm[one], by_arm[other])
    head = ["arm", "against", "task", "n", "documents", "difference", "what may be said"]
    whole = [p for p in data.pairs if p.task == ALL]
    tables = []
    for title, some in (("All tasks together", whole), ("Task by task", [p for p in data.pairs if p.task != ALL])):
        cells = [
            [p.arm, p.against, p.task, f"{p.n:,}", f"{p.groups:,}", signed(p.difference, p.low, p.high), p.words]
            for p in some
        ]
        tables += [Table(head, cells, title)] if cells else []
    text = (
        "Both arms on the same samples. A difference is established where its interval excludes 0 and it rests on "
        f"{ENOUGH} samples or more; of many comparisons, one in twenty would seem to be without being one."
    )
    return Section("Arms against each other", [text], tables=tables)


def paired(one: str, other: str, ours: Mapping[K, Row], theirs: Mapping[K, Row]) -> list[PairRow]:
    """Over all tasks, and where there are several, of each."""
    common = [sample for sample in ours if sample in theirs]
    tasks = list(dict.fromkeys(ours[sample].task for sample in common))
    found = []
    for task in [ALL, *tasks] if len(tasks) > 1 else tasks:
        some = [sample for sample in common if task in (ALL, ours[sample].task)]
        a, b = ({sample: side[sample].score for sample in some} for side in (ours, theirs))
        result = difference(a, b, {sample: ours[sample].group for sample in some})
        if result is not None:
            found.append(
                PairRow(
                    arm=one,
                    against=other,
                    task=task,
                    n=result.n,
                    groups=result.groups,
                    one=mean(a.values()),
                    other=mean(b.values()),
                    difference=result.mean,
                    low=result.low,
                    high=result.high,
                    words=result.words,
                )
            )
    return found


def costs(data: Data, rows: Sequence[Row]) -> Section:
    """Score against cost on samples that all arms answered: a figure for measured costs, another for estimated ones."""
    section = Section("Accuracy against cost")
    for basis, own in by([row for row in rows if row.basis], lambda row: row.basis).items():
        arms = common(own)
        if not arms or not next(iter(arms.values())):
            continue
        by_price = price(arms, basis, data.run)
        points = {arm: (mean(map(by_price.of, found)), mean(row.score for row in found)) for arm, found in arms.items()}
        worth = frontier(points)
        found = [
            CostRow(
                arm=arm,
                basis=basis,
                n=len(some),
                dollars=known(some, lambda row: row.dollars),
                gpu_seconds=known(some, lambda row: row.gpu_seconds),
                joules=known(some, lambda row: row.joules),
                tokens=sure(some, lambda row: row.tokens),
                score=scored(some),
                on_frontier=arm in worth,
            )
            for arm, some in arms.items()
        ]
        data.costs += found
        dots = [figures.Point(row.arm, points[row.arm][0], row.score) for row in found]
        n = found[0].n
        section.text.append(
            f"Costs are {basis}. {by_price.remark} The {n:,} samples that all arms answered; intervals are of the "
            "score. Filled and joined: nothing else costs no more and scores no less."
        )
        section.figures.append(
            (f"cost-{basis}", figures.scatter(f"Score against cost, {basis}", dots, worth, by_price.label))
        )
        columns: dict[str, Callable[[CostRow], str]] = {
            "arm": lambda row: row.arm,
            "n": lambda row: f"{row.n:,}",
            "score": lambda row: span(row.score),
            "dollars / 1000": lambda row: span(row.dollars, 1000),
            "GPU seconds" if _on_gpu(data.run) else "engine's seconds": lambda row: span(row.gpu_seconds),
            "joules": lambda row: span(row.joules),
            "tokens computed": lambda row: f"{row.tokens.mean:,.0f} [{row.tokens.low:,.0f}, {row.tokens.high:,.0f}]",
            "on the frontier": lambda row: "yes" if row.on_frontier else "no",
        }
        section.tables.append(Table(*shown(found, columns)))
    return section


def _on_gpu(run: RunInfo) -> bool:
    """False where the settings say that the engines run on a CPU: its busy seconds are no GPU's."""
    return any(about.get("settings", {}).get("cost", {}).get("gpu") != "cpu" for about in run.arms.values())


class Price(NamedTuple):
    """The price to compare arms by."""

    of: Callable[[Row], float]
    label: str  # of an axis
    told: Callable[[float], str]  # one question's, in words
    remark: str = ""


def price(arms: Mapping[str, Sequence[Row]], basis: str, run: RunInfo) -> Price:
    """The price to compare arms by: dollars where all have them, else GPU seconds, else tokens that were computed.

    Args:
        basis: measured or estimated; empty where not all are of one, which leaves only tokens.
    """
    rows = [row for own in arms.values() for row in own]
    if basis and all(row.dollars is not None for row in rows) and any(row.dollars for row in rows):
        label = f"dollars per 1 000 questions, {basis}"
        return Price(lambda row: 1000 * (row.dollars or 0.0), label, lambda cost: f"${cost / 1000:.2g} ({basis})")
    if basis and _on_gpu(run) and all(row.gpu_seconds is not None for row in rows) and any(r.gpu_seconds for r in rows):
        label = f"GPU seconds per question, {basis}"
        return Price(lambda row: row.gpu_seconds or 0.0, label, lambda cost: f"{cost:.2g} GPU-seconds ({basis})")
    remark = "No GPU was paid for, so arms stand by the tokens they computed."
    return Price(
        lambda row: float(row.tokens),
        "tokens computed per question",
        lambda cost: f"{cost:,.0f} tokens computed",
        remark,
    )


def routes(data: Data, rows: Sequence[Row]) -> Section:
    """The route of each policy's questions, and the other route's score on the same samples."""
    by_arm = by([row for row in rows if row.way], lambda row: row.arm)
    fixed = {taken.pop(): arm for arm, own in by_arm.items() if len(taken := {row.way for row in own}) == 1}
    other = {"rag": "long", "long": "rag", "rag then long": "rag", "long then rag": "long"}
    answered = by_sample(rows)
    for arm, own in by_arm.items():
        for way, sent in by(own, lambda row: row.way).items():
            rival = fixed.get(other[way], "")
            both = [row for row in sent if row.sample in answered.get(rival, {})] if rival != arm else []
            gains = {row.sample: row.score - answered[rival][row.sample].score for row in both}
            data.routes.append(
                RouteRow(
                    arm=arm,
                    way=way,
                    n=len(sent),
                    share=len(sent) / len(own),
                    score=scored(sent),
                    against=rival if both else "",
                    gain=estimate(list(gains.values()), [row.group for row in both], GAIN) if both else None,
                )
            )
    ways = [way for way in other if any(row.way == way for row in data.routes)]
    sent_where = {arm: {row.way: row.share for row in data.routes if row.arm == arm} for arm in by_arm}
    head = ["arm", "sent", "n", "share", "score there", "against", "worth"]
    cells = [
        [r.arm, r.way, f"{r.n:,}", f"{r.share:.0%}", span(r.score), r.against or "-", signed_span(r.gain)]
        for r in data.routes
    ]
    text = (
        "Worth: the score on what was sent there, minus that of the arm which took the other route on the same "
        "samples. 'rag then long': passages did not answer, and whole documents were read."
    )
    if not cells:
        return Section("Routes")
    return Section(
        "Routes",
        [text],
        [("routes", figures.shares("Where each arm sent its questions", sent_where, ways))],
        [Table(head, cells)],
    )


def regrets(data: Data, rows: Sequence[Row]) -> Section:
    scores = {arm: {sample: row.score for sample, row in own.items()} for arm, own in by_sample(rows).items()}
    if len(scores) < 2:
        return Section("Regret")
    found = regret(scores, {row.sample: row.group for row in rows})
    data.regrets = [RegretRow(arm=arm, regret=lost) for arm, lost in found.items()]
    text = (
        "What each arm scored below the best arm of each question, on samples that all arms answered. The best of "
        "several noisy replies is out of any policy's reach: this bounds what choosing could win."
    )
    if not found:
        return Section("Regret")
    drawn = figures.bars("Regret against the best arm of each question", found, "regret: score lost per question")
    cells = [[arm, f"{lost.n:,}", span(lost)] for arm, lost in found.items()]
    return Section("Regret", [text], [("regret", drawn)], [Table(["arm", "n", "regret"], cells)])


def examples(folder: Path, rows: Sequence[Row]) -> Section:
    """Samples on which two arms differ most, with what each replied."""
    by_arm = by_sample(rows)
    chosen: list[tuple[str, str, tuple[str, int | None, int, str]]] = []
    for one, other in combinations(by_arm, 2):
        both = [sample for sample in by_arm[one] if sample in by_arm[other]]
        gaps = [(by_arm[one][sample].score - by_arm[other][sample].score, sample) for sample in both]
        gaps.sort(key=lambda gap: gap[0])
        chosen += [(one, other, sample) for gap, sample in reversed(gaps[-_EXAMPLES:]) if gap > 0]
        chosen += [(other, one, sample) for gap, sample in gaps[:_EXAMPLES] if gap < 0]
    wanted = {(arm, *sample) for winner, loser, sample in chosen for arm in (winner, loser)}
    kept = {record.key: record for record in records(folder) if record.key in wanted}
    examples = [_example(kept[(winner, *sample)], kept[(loser, *sample)]) for winner, loser, sample in chosen]
    text = "Where two arms differ most: what was asked, what was right, and what each replied."
    return Section("Wins and losses", [text], examples=examples)


def _example(won: Record, lost: Record) -> Example:
    replies = []
    for record in (won, lost):
        route = f", {record.route}" if record.route else ""
        replies.append((f"{record.arm} ({record.score:.2f}{route})", cut(record.text, _SHOWN) or "(nothing)"))
    return Example(f"{won.arm} over {lost.arm}: {won.task} {won.id}", won.asked, right(won.right), replies)


_KEEPS = 0.05  # the most that an arm may score less, by the end of its interval, and still keep the accuracy
_ALIKE = 0.02  # of the cost, within which two arms cost the same


def verdict(data: Data, rows: Sequence[Row]) -> str:
    """The arm to take, by the samples that all arms answered, and how sure that is.

    Args:
        rows: those that were answered.
    """
    asked_of = by(rows, lambda row: row.arm)
    most = max(map(len, asked_of.values()), default=0)
    fair = [row for row in rows if 2 * len(asked_of[row.arm]) > most]  # an arm with few is for tasks of its own
    arms = common(fair) if fair else {}
    done = "" if not data.missing else "So far, with the run not finished: "
    if not arms:
        return "Nothing is answered yet."
    n = len(next(iter(arms.values())))
    if not n:
        return f"{done}No sample was answered by all arms, so they cannot be compared."
    means = {arm: mean(row.score for row in own) for arm, own in arms.items()}
    costs, unit = _costs(data, arms)
    asked = f"{n:,} question{'s' * (n != 1)}"
    if len(arms) == 1:
        ((arm, own),) = arms.items()
        score = scored(own)
        return (
            f"{done}{arm} scores {score.mean:.2f} [{score.low:.2f}, {score.high:.2f}] on {asked}, for {unit(arm)} each."
        )
    best = max(arms, key=lambda arm: (means[arm], -costs[arm]))
    if n < ENOUGH:
        shown = ", ".join(f"{arm} {score:.2f}" for arm, score in means.items())
        return f"{done}{asked} answered by all arms are too few to tell them apart ({shown})."
    cheaper = {arm: _against(arms, arm, best) for arm in arms if costs[arm] < (1 - _ALIKE) * costs[best]}
    if not cheaper:
        dearer = [arm for arm in arms if costs[arm] > (1 + _ALIKE) * costs[best]]
        least = " and costs least" if len(dearer) == len(arms) - 1 else ", and nothing costs less"
        told_of = f"{done}{best} scores most{least}: {means[best]:.2f} on {asked}, for {unit(best)} each"
        if not dearer or not costs[best]:
            return f"{told_of}."
        top = max(dearer, key=lambda arm: costs[arm])
        return f"{told_of}; {top} costs {costs[top] / costs[best]:.2g} times as much and scores {means[top]:.2f}."

    def told(arm: str) -> str:
        found = cheaper[arm]
        return (
            f"{means[arm]:.2f} against {means[best]:.2f}, {signed(found.mean, found.low, found.high)} on {asked}, "
            f"for {unit(arm)} against {unit(best)} each"
        )

    keeping = [arm for arm, found in cheaper.items() if found.low >= -_KEEPS]
    if keeping:
        arm = min(keeping, key=lambda arm: costs[arm])
        return f"{done}{arm} keeps the accuracy of {best} at {costs[arm] / costs[best]:.0%} of its cost: {told(arm)}."
    open_ones = [arm for arm, found in cheaper.items() if not found.established]
    if open_ones:
        arm = max(open_ones, key=lambda arm: (means[arm], -costs[arm]))
        return (
            f"{done}Whether {arm} keeps the accuracy of {best} at {costs[arm] / costs[best]:.0%} of its cost is not "
            f"established: {told(arm)}. More questions would tell."
        )
    arm = max(cheaper, key=lambda arm: (means[arm], -costs[arm]))
    return f"{done}{best} is worth its price: all that costs less scores less, {arm} being the nearest ({told(arm)})."


def _against(arms: dict[str, list[Row]], one: str, other: str) -> Difference:
    ours, theirs = ({row.sample: row.score for row in arms[arm]} for arm in (one, other))
    found = difference(ours, theirs, {row.sample: row.group for row in arms[one]})
    assert found is not None  # they share all samples
    return found


def _costs(data: Data, arms: dict[str, list[Row]]) -> tuple[dict[str, float], Callable[[str], str]]:
    """Mean cost of each arm, and its wording."""
    bases = {row.basis for own in arms.values() for row in own}
    found = price(arms, bases.pop() if len(bases) == 1 else "", data.run)
    costs = {arm: mean(map(found.of, own)) for arm, own in arms.items()}
    return costs, lambda arm: found.told(costs[arm])
