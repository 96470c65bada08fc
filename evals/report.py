"""The report of a run: one page that needs nothing else, the same as Markdown and JSON, and its figures.

Every mean stands with its 95 % interval and the number of samples it rests on; intervals and comparisons are clustered
by document. Measured and estimated costs never share a figure. A run that is not finished says how much is missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from string import Template
from sys import intern
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import BaseModel, PlainSerializer

from evals import figures
from evals.run import Record, RunInfo, differences, read_run, records, write
from evals.statistics import Estimate, difference, estimate, frontier, regret
from evals.tasks.ruler import THRESHOLD, effective_length

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
Score = Annotated[Estimate, PlainSerializer(lambda found: found._asdict(), return_type=dict[str, float | int])]
ALL = "all tasks"
_BINS = 10  # of depth, where there are more different ones
_EXAMPLES = 3  # wins and losses shown of a pair
_SHOWN = 700  # characters of a reply


class ScoreRow(BaseModel):
    """An arm on a task."""

    task: str
    arm: str
    metric: str
    n: int  # answered
    failed: int
    skipped: int
    score: Score | None
    abstained: float  # share of the answered
    prompt_tokens: float  # mean, as all means below
    cached_tokens: float
    output_tokens: float
    seconds: float  # inside the engine


class SpeedRow(BaseModel):
    """How fast an arm was at one length."""

    arm: str
    length: int | None
    n: int
    seconds: Score  # wall-clock of a sample
    first_token: Score | None  # seconds
    tokens_per_second: float  # read and written, per second inside the engine


class CostRow(BaseModel):
    """What an arm's questions cost, of one basis."""

    arm: str
    basis: str
    n: int
    dollars: Score | None  # per question
    gpu_seconds: Score | None
    joules: Score | None
    tokens: Score  # computed: read and not cached, and written
    score: Score
    on_frontier: bool


class LengthRow(BaseModel):
    """An arm on a family of tasks at one length."""

    family: str
    arm: str
    length: int
    score: Score
    effective: int | None  # tokens; of the arm on the family


class PlaceRow(BaseModel):
    """An arm where the answer stands at one place."""

    task: str
    arm: str
    place: str
    score: Score
    dead: bool


class RouteRow(BaseModel):
    """What a policy sent on one way, and what that was worth against the other route."""

    arm: str
    way: str
    n: int
    share: float
    score: Score
    against: str  # the arm that took the other route there
    gain: Score | None


class PairRow(BaseModel):
    """Two arms, or one arm in two runs, on the same samples."""

    arm: str
    against: str
    task: str
    n: int
    groups: int
    one: float
    other: float
    difference: float
    low: float
    high: float
    words: str


class RegretRow(BaseModel):
    """What an arm lost against the best arm of each question."""

    arm: str
    regret: Score


class Data(BaseModel):
    """Everything a report says, for machines."""

    run: RunInfo
    missing: int  # records still to come
    notes: list[str]
    scores: list[ScoreRow]
    costs: list[CostRow] = []
    lengths: list[LengthRow] = []
    places: list[PlaceRow] = []
    routes: list[RouteRow] = []
    pairs: list[PairRow] = []
    regrets: list[RegretRow] = []
    speeds: list[SpeedRow] = []


class Comparison(BaseModel):
    """Two runs told apart, and compared."""

    settings: dict[str, tuple[Any, Any]]  # what differs: suite, arms, versions, hardware
    rows: list[PairRow]
    notes: list[str]


class Table(NamedTuple):
    """Rows of words and numbers under their heads."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


class Example(NamedTuple):
    """A sample on which two arms differ."""

    title: str
    question: str
    golds: str
    replies: Sequence[tuple[str, str]]  # arm with its score, text


@dataclass(slots=True)
class Section:
    """A part of the page."""

    title: str
    text: list[str] = field(default_factory=list)
    figures: list[tuple[str, str]] = field(default_factory=list)  # name of the file, SVG
    tables: list[Table] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """The data and how they are shown."""

    data: Data
    sections: list[Section]


@dataclass(frozen=True, slots=True)
class Row:
    """What the report keeps of a record."""

    arm: str
    sample: tuple[str, int | None, int, str]
    group: str
    metric: str
    status: str
    score: float
    abstained: bool
    way: str  # rag, long, or rag then long; empty where an arm has no routes
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

    @property
    def task(self) -> str:
        return self.sample[0]

    @property
    def length(self) -> int | None:
        return self.sample[1]

    @property
    def tokens(self) -> int:
        """What was computed."""
        return self.prompt - self.cached + self.output


# -- making ------------------------------------------------------------------------------------------------------------


def make(folder: Path) -> Report:
    """The report of the run in a folder.

    Raises:
        InputError: there is no run, or its records cannot be read.
    """
    info, rows = _load(folder)
    data, answered = _basis(info, rows), [row for row in rows if row.status == "answered"]
    sections = [_scores(data), _pairs(data, answered), _costs(data, answered), _routes(data, answered)]
    sections += [_lengths(data, answered), _places(data, answered), _needles(answered), _regret(data, answered)]
    sections += [_speeds(data, answered), _examples(folder, answered)]
    return Report(data, [s for s in sections if s.tables or s.figures or s.examples])


def summary(folder: Path) -> Data:
    """Only the scores of the run in a folder."""
    return _basis(*_load(folder))


def compare(one: Path, other: Path) -> Comparison:
    """Two runs: where their settings differ, and the paired differences of arms of the same name.

    Raises:
        InputError: one of the folders holds no run.
    """
    (info, rows), (info2, rows2) = _load(one), _load(other)
    found = {"suite": (info.suite.model_dump(mode="json"), info2.suite.model_dump(mode="json"))}
    found["arms"] = (info.arms, info2.arms)
    for what in ("versions", "hardware"):
        found[what] = (getattr(info.sessions[-1], what), getattr(info2.sessions[-1], what))
    settings = {
        place: values for what, pair in found.items() for place, values in differences(*pair, place=what).items()
    }
    notes = [
        f"{folder}: {missing:,} records are still missing."
        for folder, i, r in ((one, info, rows), (other, info2, rows2))
        if (missing := _missing(i, r))
    ]
    pairs = []
    for arm in info.arms:
        if arm not in info2.arms:
            notes.append(f"The arm {arm!r} is only in {one}.")
            continue
        ours, theirs = (
            {(*row.sample, row.question): row for row in r if row.arm == arm and row.status == "answered"}
            for r in (rows, rows2)
        )
        pairs += _paired(arm, arm, ours, theirs)
    notes += [f"The arm {arm!r} is only in {other}." for arm in info2.arms if arm not in info.arms]
    return Comparison(settings=settings, rows=pairs, notes=notes)


def _load(folder: Path) -> tuple[RunInfo, list[Row]]:
    return read_run(folder), [_row(record) for record in records(folder)]


def _row(record: Record) -> Row:
    attempts = [attempt["route"] for attempt in (record.decision or {}).get("attempts", ())]
    usage, cost, about = record.usage, record.cost, record.about
    return Row(
        arm=intern(record.arm),
        sample=(intern(record.task), record.length, record.seed, record.id),
        group=f"{record.task} {record.group}",
        metric=intern(record.metric),
        status=intern(record.status),
        score=record.score or 0.0,
        abstained=record.abstained,
        way=intern(" then ".join(dict.fromkeys(attempts)) or record.route or ""),
        prompt=usage.prompt_tokens,
        cached=usage.cached_tokens,
        output=usage.output_tokens,
        engine_seconds=usage.seconds,
        first_token=usage.first_token_seconds,
        seconds=record.seconds,
        basis=intern(cost.basis) if cost is not None else "",
        dollars=cost.dollars if cost is not None else None,
        gpu_seconds=cost.gpu_seconds if cost is not None else None,
        joules=usage.joules,
        position=_number(about.get("position")),
        depth=_number(about.get("depth")),
        question=record.question,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _missing(info: RunInfo, rows: Sequence[Row]) -> int:
    have: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        have[row.arm, f"{row.task}|{row.length or ''}|{row.sample[2]}"] += 1
    return info.missing(have)


def _basis(info: RunInfo, rows: Sequence[Row]) -> Data:
    """Scores by task and arm, and what has to be said before any number."""
    scores = []
    for (task, arm), own in _by(rows, lambda row: (row.task, row.arm)).items():
        answered = [row for row in own if row.status == "answered"]
        scores.append(
            ScoreRow(
                task=task,
                arm=arm,
                metric=own[0].metric,
                n=len(answered),
                failed=sum(row.status == "failed" for row in own),
                skipped=sum(row.status == "skipped" for row in own),
                score=_estimate(answered, lambda row: row.score),
                abstained=_mean(row.abstained for row in answered),
                prompt_tokens=_mean(row.prompt for row in answered),
                cached_tokens=_mean(row.cached for row in answered),
                output_tokens=_mean(row.output for row in answered),
                seconds=_mean(row.engine_seconds for row in answered),
            )
        )
    missing, notes = _missing(info, rows), []
    if missing:
        whole = missing + len(rows)
        notes.append(
            f"This run is not finished: {missing:,} of {whole:,} records ({missing / whole:.0%}) are missing. "
            "Run the same command again to go on."
        )
    failed, skipped = (sum(row.status == status for row in rows) for status in ("failed", "skipped"))
    if failed:
        notes.append(f"{failed:,} of {len(rows):,} samples failed; they are in no score.")
    if skipped:
        notes.append(f"{skipped:,} of {len(rows):,} samples were skipped, because an arm cannot answer them whole.")
    alone = [task for task, own in _by(rows, lambda row: row.task).items() if len({row.group for row in own}) == 1]
    if alone:
        notes.append(f"{', '.join(alone)}: all samples are of one document, so intervals say nothing about others.")
    if len(info.sessions) > 1:
        notes.append(f"The run was worked on with {len(info.sessions)} different sets of versions or machines.")
    return Data(run=info, missing=missing, notes=notes, scores=scores)


# -- sections ----------------------------------------------------------------------------------------------------------


def _scores(data: Data) -> Section:
    head = ["task", "arm", "n", "score", "metric", "abstained", "failed", "skipped", "tokens read", "cached", "s"]
    rows = [
        [
            row.task,
            row.arm,
            f"{row.n:,}",
            _span(row.score),
            row.metric,
            f"{row.abstained:.0%}",
            str(row.failed),
            str(row.skipped),
            f"{row.prompt_tokens:,.0f}",
            f"{row.cached_tokens:,.0f}",
            f"{row.seconds:.2f}",
        ]
        for row in data.scores
    ]
    text = (
        "Means with 95 % intervals, clustered by document; n: samples that were answered. Where all scores are equal "
        "the interval has no width, though up to 3 in n of such samples may still differ. Tokens and seconds are means."
    )
    return Section("Scores", [text], tables=[Table(head, rows)])


def _pairs(data: Data, rows: Sequence[Row]) -> Section:
    by_arm = {arm: {row.sample: row for row in own} for arm, own in _by(rows, lambda row: row.arm).items()}
    for one, other in combinations(by_arm, 2):
        data.pairs += _paired(one, other, by_arm[one], by_arm[other])
    head = ["arm", "against", "task", "n", "documents", "difference", "what may be said"]
    cells = [
        [p.arm, p.against, p.task, f"{p.n:,}", f"{p.groups:,}", _signed(p.difference, p.low, p.high), p.words]
        for p in data.pairs
    ]
    text = "Both arms on the same samples. A difference is established where its interval excludes 0."
    return Section("Arms against each other", [text], tables=[Table(head, cells)] if cells else [])


def _paired(one: str, other: str, ours: Mapping[K, Row], theirs: Mapping[K, Row]) -> list[PairRow]:
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
                    one=_mean(a.values()),
                    other=_mean(b.values()),
                    difference=result.mean,
                    low=result.low,
                    high=result.high,
                    words=result.words,
                )
            )
    return found


def _costs(data: Data, rows: Sequence[Row]) -> Section:
    """Score against cost on samples that all arms answered: a figure for measured costs, another for estimated ones."""
    section = Section("Accuracy against cost")
    for basis, own in _by([row for row in rows if row.basis], lambda row: row.basis).items():
        arms = _common(own)
        if not arms or not next(iter(arms.values())):
            continue
        what, of, label = _price(arms, basis)
        points = {arm: (_mean(map(of, found)), _mean(row.score for row in found)) for arm, found in arms.items()}
        worth = frontier(points)
        found = [
            CostRow(
                arm=arm,
                basis=basis,
                n=len(some),
                dollars=_known(some, lambda row: row.dollars),
                gpu_seconds=_known(some, lambda row: row.gpu_seconds),
                joules=_known(some, lambda row: row.joules),
                tokens=_sure(some, lambda row: row.tokens),
                score=_sure(some, lambda row: row.score),
                on_frontier=arm in worth,
            )
            for arm, some in arms.items()
        ]
        data.costs += found
        dots = [figures.Point(row.arm, points[row.arm][0], row.score) for row in found]
        n = found[0].n
        section.text.append(
            f"Costs are {basis}. {what} The {n:,} samples that all arms answered; intervals are of the score. "
            "Filled and joined: nothing else costs no more and scores no less."
        )
        section.figures.append((f"cost-{basis}", figures.scatter(f"Score against cost, {basis}", dots, worth, label)))
        head = ["arm", "n", "score", "dollars / 1000", "GPU seconds", "joules", "tokens computed", "on the frontier"]
        cells = [
            [
                row.arm,
                f"{row.n:,}",
                _span(row.score),
                _span(row.dollars, 1000),
                _span(row.gpu_seconds),
                _span(row.joules),
                f"{row.tokens.mean:,.0f} [{row.tokens.low:,.0f}, {row.tokens.high:,.0f}]",
                "yes" if row.on_frontier else "no",
            ]
            for row in found
        ]
        section.tables.append(Table(head, cells))
    return section


def _price(arms: Mapping[str, Sequence[Row]], basis: str) -> tuple[str, Callable[[Row], float], str]:
    """By what arms are compared: dollars where all have them, else GPU seconds, else tokens that were computed."""
    rows = [row for own in arms.values() for row in own]
    if all(row.dollars is not None for row in rows) and any(row.dollars for row in rows):
        return "", lambda row: 1000 * (row.dollars or 0.0), f"dollars per 1 000 questions, {basis}"
    if all(row.gpu_seconds is not None for row in rows) and any(row.gpu_seconds for row in rows):
        return "", lambda row: row.gpu_seconds or 0.0, f"GPU seconds per question, {basis}"
    return "No GPU was paid for, so arms stand by the tokens they computed.", _tokens, "tokens computed per question"


def _tokens(row: Row) -> float:
    return float(row.tokens)


def _routes(data: Data, rows: Sequence[Row]) -> Section:
    """Where each policy sent what, and what the other route scored on the same samples."""
    by_arm = _by([row for row in rows if row.way], lambda row: row.arm)
    fixed = {taken.pop(): arm for arm, own in by_arm.items() if len(taken := {row.way for row in own}) == 1}
    other = {"rag": "long", "long": "rag", "rag then long": "rag", "long then rag": "long"}
    answered = {arm: {row.sample: row for row in own} for arm, own in by_arm.items()}
    for arm, own in by_arm.items():
        for way, sent in _by(own, lambda row: row.way).items():
            rival = fixed.get(other[way], "")
            both = [row for row in sent if row.sample in answered.get(rival, {})] if rival != arm else []
            gains = {row.sample: row.score - answered[rival][row.sample].score for row in both}
            data.routes.append(
                RouteRow(
                    arm=arm,
                    way=way,
                    n=len(sent),
                    share=len(sent) / len(own),
                    score=_sure(sent, lambda row: row.score),
                    against=rival if both else "",
                    gain=estimate(list(gains.values()), [row.group for row in both]) if both else None,
                )
            )
    ways = [way for way in other if any(row.way == way for row in data.routes)]
    sent_where = {arm: {row.way: row.share for row in data.routes if row.arm == arm} for arm in by_arm}
    head = ["arm", "sent", "n", "share", "score there", "against", "worth"]
    cells = [
        [r.arm, r.way, f"{r.n:,}", f"{r.share:.0%}", _span(r.score), r.against or "-", _signed_span(r.gain)]
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


def _lengths(data: Data, rows: Sequence[Row]) -> Section:
    """Scores by length, and how far they hold."""
    section = Section("Scores by length")
    names = {spec.title: spec.name for spec in data.run.suite.tasks}
    measured = [row for row in rows if row.length is not None]
    for family, own in _by(measured, lambda row: _family(names.get(row.task, row.task))).items():
        lengths = sorted({row.length for row in own if row.length is not None})
        if len(lengths) < 2:
            continue
        series: dict[str, list[tuple[str, Estimate]]] = {}
        found: list[LengthRow] = []
        for arm, some in _by(own, lambda row: row.arm).items():
            means = {
                length: _sure(these, lambda row: row.score)
                for length in lengths
                if (these := [row for row in some if row.length == length])
            }
            holds = _holds(family, means)
            series[arm] = [(_tokens_short(length), score) for length, score in means.items()]
            found += [
                LengthRow(family=family, arm=arm, length=length, score=score, effective=holds)
                for length, score in means.items()
            ]
        data.lengths += found
        ruler = family == "ruler"
        section.text.append(
            f"{family}: the effective context is the longest length at which the score is at least {THRESHOLD:.3f}, as "
            "RULER has it."
            if ruler
            else f"{family}: the effective context is the longest length up to which no interval falls below the score "
            "at the shortest length."
        )
        title = f"{family}: score by length"
        drawn = figures.lines(title, series, "tokens of prompt and reply", threshold=THRESHOLD if ruler else None)
        section.figures.append((f"length-{_file(family)}", drawn))
        head = ["tasks", "arm", "length", "n", "score", "effective context"]
        section.tables.append(
            Table(
                head,
                [
                    [
                        r.family,
                        r.arm,
                        f"{r.length:,}",
                        f"{r.score.n:,}",
                        _span(r.score),
                        f"{r.effective:,}" if r.effective else "none",
                    ]
                    for r in found
                ],
            )
        )
    return section


def _holds(family: str, means: Mapping[int, Estimate]) -> int | None:
    if family == "ruler":
        return effective_length({length: score.mean for length, score in means.items()})
    lengths, good = sorted(means), None
    for length in lengths:
        if means[length].high < means[lengths[0]].mean:
            break
        good = length
    return good


def _places(data: Data, rows: Sequence[Row]) -> Section:
    """Scores by where the answer stands; places that are established to be worse than the best are dead."""
    section = Section("Scores by position")
    for task, own in _by(rows, lambda row: row.task).items():
        placed = _placed(own)
        if len({place for place, _ in placed}) < 2:
            continue
        series: dict[str, list[tuple[str, Estimate]]] = {}
        found: list[PlaceRow] = []
        for arm, some in _by(placed, lambda pair: pair[1].arm).items():
            means = {
                place: _sure([row for _, row in pairs], lambda row: row.score)
                for place, pairs in _by(some, lambda pair: pair[0]).items()
            }
            best = max(means.values(), key=lambda score: score.mean)
            series[arm] = list(means.items())
            found += [
                PlaceRow(task=task, arm=arm, place=place, score=score, dead=score.high < best.low)
                for place, score in means.items()
            ]
        data.places += found
        dead = list(dict.fromkeys(row.place for row in found if row.dead))
        title = f"{task}: score by position"
        label = "place of the answer, from 0" if own[0].position is not None else "depth of the answer"
        section.figures.append((f"position-{_file(task)}", figures.lines(title, series, label, dead=dead)))
        where = "; ".join(
            f"{arm}: {', '.join(places)}"
            for arm in series
            if (places := [row.place for row in found if row.arm == arm and row.dead])
        )
        section.text.append(f"{task}: " + (f"dead zone (shaded): {where}." if where else "no dead zone established."))
        head = ["task", "arm", "position", "n", "score", "dead"]
        cells = [[r.task, r.arm, r.place, f"{r.score.n:,}", _span(r.score), "yes" if r.dead else "no"] for r in found]
        section.tables.append(Table(head, cells))
    if section.text:
        section.text.insert(0, "Dead: the interval lies wholly below that of the arm's best position.")
    return section


def _needles(rows: Sequence[Row]) -> Section:
    """Depth by length, where both vary."""
    section = Section("Depth by length")
    for (task, arm), own in _by([r for r in rows if r.depth is not None], lambda r: (r.task, r.arm)).items():
        lengths = sorted({row.length for row in own if row.length is not None})
        placed = [(place, row) for place, row in _placed(own, by_depth=True) if row.length is not None]
        depths = list(dict.fromkeys(place for place, _ in placed))
        if len(lengths) < 2 or len(depths) < 2:
            continue
        cells = {
            (depth, _tokens_short(length)): _sure(some, lambda row: row.score)
            for depth in depths
            for length in lengths
            if (some := [row for place, row in placed if place == depth and row.length == length])
        }
        columns = [_tokens_short(length) for length in lengths]
        drawn = figures.heat(f"{task}, {arm}: score by depth and length", cells, depths, columns)
        section.figures.append((f"depth-{_file(task)}-{_file(arm)}", drawn))
        section.text.append(f"{task}, {arm}: {len(own):,} samples.")
    return section


def _regret(data: Data, rows: Sequence[Row]) -> Section:
    by_arm = _by(rows, lambda row: row.arm)
    scores = {arm: {row.sample: row.score for row in own} for arm, own in by_arm.items()}
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
    cells = [[arm, f"{lost.n:,}", _span(lost)] for arm, lost in found.items()]
    return Section("Regret", [text], [("regret", drawn)], [Table(["arm", "n", "regret"], cells)])


def _speeds(data: Data, rows: Sequence[Row]) -> Section:
    for (arm, length), own in _by(rows, lambda row: (row.arm, row.length)).items():
        seconds = sum(row.engine_seconds for row in own)
        data.speeds.append(
            SpeedRow(
                arm=arm,
                length=length,
                n=len(own),
                seconds=_sure(own, lambda row: row.seconds),
                first_token=_known(own, lambda row: row.first_token),
                tokens_per_second=sum(row.prompt + row.output for row in own) / seconds if seconds else 0.0,
            )
        )
    head = ["arm", "length", "n", "seconds a sample", "first token, s", "tokens/s of a call"]
    cells = [
        [
            r.arm,
            f"{r.length:,}" if r.length else "as the data",
            f"{r.n:,}",
            _span(r.seconds),
            _span(r.first_token),
            f"{r.tokens_per_second:,.0f}",
        ]
        for r in data.speeds
    ]
    text = "Wall-clock of a sample with retrieval and waiting; tokens read and written per second of a call."
    return Section("Speed", [text], tables=[Table(head, cells)])


def _examples(folder: Path, rows: Sequence[Row]) -> Section:
    """Samples on which two arms differ most, with what each replied."""
    by_arm = {arm: {row.sample: row for row in own} for arm, own in _by(rows, lambda row: row.arm).items()}
    chosen: list[tuple[str, str, tuple[str, int | None, int, str]]] = []
    for one, other in combinations(by_arm, 2):
        gaps = sorted(
            (
                (row.score - by_arm[other][sample].score, sample)
                for sample, row in by_arm[one].items()
                if sample in by_arm[other]
            ),
            key=lambda gap: gap[0],
        )
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
        text = record.text if len(record.text) <= _SHOWN else f"{record.text[:_SHOWN]} …"
        replies.append((f"{record.arm} ({record.score:.2f}{route})", text or "(nothing)"))
    golds = " | ".join(won.golds) or "nothing: the documents do not say"
    return Example(f"{won.arm} over {lost.arm}: {won.task} {won.id}", won.question, golds, replies)


# -- small things ------------------------------------------------------------------------------------------------------


def _by(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    found: dict[K, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def _common(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Each arm's rows on the samples that all of them answered, in one order."""
    arms = {arm: {row.sample: row for row in own} for arm, own in _by(rows, lambda row: row.arm).items()}
    first, *others = arms.values()
    both = [sample for sample in first if all(sample in other for other in others)]
    return {arm: [own[sample] for sample in both] for arm, own in arms.items()}


def _sure(rows: Sequence[Row], of: Callable[[Row], float]) -> Estimate:
    return estimate([of(row) for row in rows], [row.group for row in rows])


def _estimate(rows: Sequence[Row], of: Callable[[Row], float]) -> Estimate | None:
    return _sure(rows, of) if rows else None


def _known(rows: Sequence[Row], of: Callable[[Row], float | None]) -> Estimate | None:
    """A mean where every row has the figure: a mean over some of them would be of other samples."""
    return _sure(rows, lambda row: of(row) or 0.0) if all(of(row) is not None for row in rows) else None


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def _placed(rows: Sequence[Row], *, by_depth: bool = False) -> list[tuple[str, Row]]:
    """Rows with their place, first to last: the position, or the depth in percent, many depths in ten parts."""
    if not by_depth and any(row.position is not None for row in rows):
        found = sorted(((row.position, row) for row in rows if row.position is not None), key=lambda pair: pair[0])
        return [(f"{place:g}", row) for place, row in found]
    deep = sorted(((row.depth, row) for row in rows if row.depth is not None), key=lambda pair: pair[0])
    if len({depth for depth, _ in deep}) <= _BINS + 1:
        return [(f"{depth:.0%}", row) for depth, row in deep]
    bins = [min(_BINS - 1, int(depth * _BINS)) for depth, _ in deep]
    return [(f"{100 * b // _BINS}-{100 * (b + 1) // _BINS}%", row) for b, (_, row) in zip(bins, deep, strict=True)]


def _family(name: str) -> str:
    """What belongs together: the part of a task's name before the slash."""
    return name.partition("/")[0]


def _file(name: str) -> str:
    """A name as part of a file's."""
    return "".join(c if c.isalnum() else "-" for c in name)


def _tokens_short(tokens: int) -> str:
    return f"{tokens // 1024}k" if tokens >= 1024 and tokens % 1024 == 0 else f"{tokens:,}"


def _span(found: Estimate | None, times: float = 1.0) -> str:
    if found is None:
        return "-"
    return f"{times * found.mean:.3f} [{times * found.low:.3f}, {times * found.high:.3f}]"


def _signed(mean: float, low: float, high: float) -> str:
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def _signed_span(found: Estimate | None) -> str:
    return "-" if found is None else _signed(found.mean, found.low, found.high)


# -- writing -----------------------------------------------------------------------------------------------------------


def save(report: Report, folder: Path) -> list[str]:
    """Write `report.html`, `report.md`, `report.json` and the figures into a folder; returns what has to be said.

    Raises:
        RunFailed: the folder cannot be written.
    """
    drawn = folder / "figures"
    drawn.mkdir(parents=True, exist_ok=True)
    convert = _converter()
    for section in report.sections:
        for name, svg in section.figures:
            alone = figures.standalone(svg)
            write(drawn / f"{name}.svg", alone)
            if convert is not None:
                convert(bytestring=svg.encode(), write_to=str(drawn / f"{name}.png"), output_width=2 * figures.WIDTH)
    write(folder / "report.json", report.data.model_dump_json(indent=1))
    write(folder / "report.md", markdown(report))
    write(folder / "report.html", html(report))
    return [] if convert else ["Figures are SVG only; install cairosvg for PNG as well."]


def _converter() -> Callable[..., object] | None:
    if find_spec("cairosvg") is None:
        return None
    made: Callable[..., object] = import_module("cairosvg").svg2png
    return made


def markdown(report: Report) -> str:
    """The report as Markdown; figures are beside it."""
    parts = [f"# {_title(report)}", *(f"> {note}" for note in report.data.notes)]
    parts.append("\n".join(f"- {what}: {value}" for what, value in _facts(report.data.run)))
    for section in report.sections:
        parts += [f"## {section.title}", *section.text]
        parts += [f"![{name}](figures/{name}.svg)" for name, _ in section.figures]
        for table in section.tables:
            lines = [table.head, ["---"] * len(table.head), *table.rows]
            parts.append("\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines))
        for example in section.examples:
            replies = "\n".join(f"- {who}: {_cell(text)}" for who, text in example.replies)
            asked = f"Question: {_cell(example.question)}\n\nRight: {_cell(example.golds)}"
            parts.append(f"### {_cell(example.title)}\n\n{asked}\n\n{replies}")
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    """Text on one line that breaks no table and is no markup."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def html(report: Report) -> str:
    """The report as one page that needs nothing else."""
    parts = [f'<p class="note">{escape(note)}</p>' for note in report.data.notes]
    facts = "".join(f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in _facts(report.data.run))
    parts.append(f"<details><summary>What was run, on what</summary><dl>{facts}</dl></details>")
    for section in report.sections:
        parts.append(f"<section><h2>{escape(section.title)}</h2>")
        parts += [f"<p>{escape(text)}</p>" for text in section.text]
        parts += [f"<figure>{svg}</figure>" for _, svg in section.figures]
        parts += [_html_table(table) for table in section.tables]
        parts += [_html_example(example) for example in section.examples]
        parts.append("</section>")
    return Template(_PAGE).substitute(
        title=escape(_title(report)), about=escape(report.data.run.suite.about), body="\n".join(parts)
    )


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.head)
    rows = "".join(
        "<tr>" + "".join(f"<td{_aligned(cell)}>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _aligned(cell: str) -> str:
    return ' class="number"' if cell[:1] in "+-0123456789" and cell != "-" else ""


def _html_example(example: Example) -> str:
    replies = "".join(f"<dt>{escape(who)}</dt><dd>{escape(text)}</dd>" for who, text in example.replies)
    return (
        f"<details><summary>{escape(example.title)}</summary><dl><dt>Question</dt><dd>{escape(example.question)}</dd>"
        f"<dt>Right</dt><dd>{escape(example.golds)}</dd>{replies}</dl></details>"
    )


def _title(report: Report) -> str:
    return f"Evaluation: {report.data.run.suite.name}"


def _facts(run: RunInfo) -> list[tuple[str, str]]:
    """What was run on what, in a few lines."""
    last = run.sessions[-1]
    facts = [
        ("begun", run.sessions[0].begun),
        ("seeds", ", ".join(map(str, run.suite.seeds))),
        ("lengths counted with", f"the tokenizer of the arm {run.counted_with}" if run.counted_with else "an estimate"),
        ("versions", ", ".join(f"{name} {number}" for name, number in last.versions.items())),
        ("machine", ", ".join(f"{what}: {value}" for what, value in last.hardware.items() if value)),
    ]
    for name, about in run.arms.items():
        engines = ", ".join(f"{e['name']}, window {e['window']:,}" for e in about.get("engines", ()))
        facts.append((f"arm {name}", "; ".join(filter(None, (about["kind"], about.get("target", ""), engines)))))
    return facts


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root { --ink: #1c1e21; --ground: #fff; --soft: #f2f4f7; --line: #d4d8de; --note: #fdf3d8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e6eb; --ground: #16181d; --soft: #22262d; --line: #3a404a; --note: #3a3218; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; color: var(--ink); background: var(--ground);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
p, dd { max-width: 44rem; overflow-wrap: anywhere; }
.note { background: var(--note); padding: .5rem .75rem; border-radius: .25rem; }
figure { margin: 1rem 0; max-width: 40rem; } figure svg { width: 100%; height: auto; display: block; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { background: var(--soft); } td.number { text-align: right; white-space: nowrap; }
@media (max-width: 40rem) { th, td { white-space: nowrap; } }
details { margin: .5rem 0; border: 1px solid var(--line); border-radius: .25rem; padding: .4rem .75rem; }
summary { cursor: pointer; } dt { font-weight: 600; margin-top: .5rem; } dd { margin: 0; white-space: pre-wrap; }
@media print { body { max-width: none; color: #000; background: #fff; } section { break-inside: auto; }
  figure, tr, details { break-inside: avoid; } .wide { overflow: visible; } table { font-size: .7rem; } }
</style>
</head>
<body>
<h1>$title</h1>
<p>$about</p>
$body
</body>
</html>
"""
