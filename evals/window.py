"""The length up to which an engine reads well, and where in it: `hybrid calibrate window`.

Samples are spent where they tell something: first a few at lengths spread over the window, then between the last length
at which the score holds and the first at which it does not, then at depths of the longest length that holds, and
between those depths that differ.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.sample import Sample
from hybrid.evals.statistics import SCORE, estimate
from hybrid.evals.tasks.registry import task as task_named

from hybrid.chat.prompts import Prompt
from hybrid.cli.common import console, print_json
from hybrid.cli.dash import Place
from hybrid.cli.effect import refuse
from hybrid.cli.options import Number, settings_from
from hybrid.cli.progress import progress_bars
from hybrid.engines.base import Engine
from hybrid.errors import InputError
from hybrid.files import check_writable
from hybrid.model.profile import Profile, Scored, save_profile
from hybrid.types import Piece

LENGTHS = 5  # to begin with
SHORTEST = 512  # tokens of a prompt and its reply
FEW = 12  # samples of a length to begin with
CLOSE = 1.25  # lengths nearer than this are not told apart
DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
DIFFERENT = 0.2  # of the score, from which a depth between two others is worth measuring

Say = Callable[[int, int], None]


@dataclass(slots=True)
class Gauge:
    """Asks an engine samples of a task, and remembers the scores by length and depth."""

    engine: Engine
    task: str
    seed: int
    budget: int  # samples in all
    options: dict[str, Any] = field(default_factory=dict)
    say: Say | None = None
    spent: int = 0
    scores: dict[tuple[int, float], list[float]] = field(default_factory=dict)

    def ask(self, length: int, depths: Sequence[float], each: int) -> None:
        """Ask `each` samples at every depth, as many at once as the engine takes; fewer where the budget ends."""
        wanted: list[tuple[float, Sample]] = []
        for depth in depths:
            done = len(self.scores.get((length, depth), ()))
            room = max(0, min(each, self.budget - self.spent - len(wanted)))
            made = task_named(self.task, depths=(depth,), **self.options)
            found = list(made.samples(self.engine.count, done + room, self.seed, length))[done:]
            wanted += [(depth, sample) for sample in found]
        metric = METRICS[task_named(self.task, **self.options).metric]

        def score(sample: Sample) -> float:
            pieces = tuple(Piece(name, text, 0) for name, text in sample.documents.items())
            reply = self.engine.ask(Prompt(sample.question, pieces), max_tokens=sample.max_tokens)
            return 0.0 if reply.abstained else metric(reply.text, sample.golds)

        with ThreadPoolExecutor(max(1, self.engine.concurrency)) as pool:
            for (depth, _), found_score in zip(wanted, pool.map(score, [s for _, s in wanted]), strict=True):
                self.scores.setdefault((length, depth), []).append(found_score)
                self.spent += 1
                if self.say is not None:
                    self.say(self.spent, self.budget)

    def length(self, length: int) -> Scored | None:
        """The score at a length over all depths."""
        return _scored(length, [s for (at, _), scores in self.scores.items() if at == length for s in scores])

    def depth(self, length: int, depth: float) -> Scored | None:
        """The score at one depth of a length."""
        return _scored(depth, self.scores.get((length, depth), []))


def measure(gauge: Gauge, window: int, *, threshold: float = 0.9) -> Profile:
    """The effective context and the position curve of an engine.

    Args:
        window: tokens of the longest prompt with its reply.
        threshold: share of the score at the shortest length that a longer one must keep to hold.

    Raises:
        InputError: the window is too short, the budget too small, or nothing is right at the shortest length.
    """
    if window < 2 * SHORTEST:
        raise InputError(f"A window of {window} tokens is too short to be measured: {2 * SHORTEST} are needed.")
    if gauge.budget < 2 * LENGTHS * FEW:
        raise InputError(f"{gauge.budget} samples are too few: give --samples {2 * LENGTHS * FEW} or more.")
    per_depth = -(-FEW // len(DEPTHS))
    lengths = [round(SHORTEST * (window / SHORTEST) ** (i / (LENGTHS - 1))) for i in range(LENGTHS)]
    for length in lengths:
        gauge.ask(length, DEPTHS, per_depth)
    base = gauge.length(lengths[0])
    if base is None or base.score == 0:
        raise InputError(
            f"Nothing is right even in {lengths[0]} tokens on the task {gauge.task}: choose one that the model can do."
        )
    holds, fails = _bounds(gauge, lengths, threshold * base.score)
    while fails is not None and fails > holds * CLOSE and gauge.spent < gauge.budget * 2 // 3:
        middle = round((holds * fails) ** 0.5)
        gauge.ask(middle, DEPTHS, per_depth)
        lengths = sorted({*lengths, middle})
        holds, fails = _bounds(gauge, lengths, threshold * base.score)
    places = list(DEPTHS)
    while gauge.spent < gauge.budget:
        before = gauge.spent
        gauge.ask(holds, places, per_depth)
        places = _refined(gauge, holds, places)
        if gauge.spent == before:
            break
    measured = [scored for length in lengths if (scored := gauge.length(length)) is not None]
    positions = [scored for depth in places if (scored := gauge.depth(holds, depth)) is not None]
    return Profile(
        engine=gauge.engine.name,
        window=window,
        task=gauge.task,
        threshold=threshold,
        effective=holds,
        lengths=tuple(measured),
        positions=tuple(positions),
        length=holds,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )


def _bounds(gauge: Gauge, lengths: Sequence[int], least: float) -> tuple[int, int | None]:
    """The longest length up to which all hold, and the next, which does not."""
    holds = lengths[0]
    for length in lengths[1:]:
        found = gauge.length(length)
        if found is None or found.score < least:
            return holds, length
        holds = length
    return holds, None


def _refined(gauge: Gauge, length: int, places: list[float]) -> list[float]:
    """The depths with one more between the two neighbours that differ most, if they differ by enough."""
    scores = {depth: found.score for depth in places if (found := gauge.depth(length, depth)) is not None}
    gaps = [
        (abs(scores[a] - scores[b]), (a + b) / 2)
        for a, b in pairwise(places)
        if a in scores and b in scores and b - a > 1 / 16
    ]
    widest, middle = max(gaps, default=(0.0, 0.0))
    return sorted([*places, middle]) if widest >= DIFFERENT else places


def _scored(at: float, scores: Sequence[float]) -> Scored | None:
    if not scores:
        return None
    found = estimate(scores, range(len(scores)), SCORE)
    return Scored(at=at, score=found.mean, low=found.low, high=found.high, n=len(scores))


@click.command()
@click.option("--config", type=Place(), help="Settings file; default: hybrid.toml here, if there is one.")
@click.option("--url", help="An OpenAI-compatible server; default: the engine of the settings.")
@click.option("--model", help="The model's name on that server.")
@click.option("--long", "use_long", is_flag=True, help="Measure the long engine of the settings.")
@click.option("--task", "task_name", default="testbed/keys", show_default=True, help="See `hybrid eval list`.")
@click.option("--window", type=click.IntRange(64), help="Tokens; default: what the engine tells.")
@click.option("--samples", default=400, show_default=True, type=click.IntRange(1), help="To ask in all.")
@click.option(
    "--threshold",
    default=0.9,
    show_default=True,
    type=Number(0, 1),
    help="Share of the score of short prompts that a longer one must keep.",
)
@click.option("--seed", default=0, show_default=True)
@click.option("--output", "-o", default="hybrid-profile.json", show_default=True, type=Place(), help="File to write.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
def calibrate_window(use_long: bool, task_name: str, window: int | None, samples: int, **options: Any) -> None:
    """Measure up to which length, and at which depths, the engine finds what it is asked for.

    \b
    Try:  hybrid calibrate window --url http://localhost:8000/v1
    """
    from hybrid.engines.make import make_engine
    from hybrid.index.embedding import Embedder

    file = Path(options["output"])
    check_writable(file)
    settings = settings_from({**options, "window": window})
    if use_long and settings.long_engine is None:
        refuse("--long", "where no long engine is named", "leave it out, or name one under [long_engine] and no --url")
    chosen = (settings.long_engine or settings.engine) if use_long else settings.engine
    engine = make_engine(chosen, Embedder(settings.embedder))
    if getattr(engine, "quotes", False):
        raise InputError("The extractive engine reads every position alike: name a model's server with --url.")
    extra: dict[str, Any] = {"unanswerable": 0.0} if task_name.startswith("testbed/") else {}
    with progress_bars(quiet=options["quiet"]) as progress:
        say = None if progress is None else partial(progress, "asking")
        gauge = Gauge(engine, task_name, options["seed"], samples, extra, say)
        found = measure(gauge, window or engine.window, threshold=options["threshold"])
    save_profile(found, file)
    if options["as_json"]:
        print_json({"file": str(file), **found.model_dump()})
        return
    _show(found, file)


def _show(profile: Profile, file: Path) -> None:
    from rich.table import Table

    out = console()
    out.print(
        f"[bold]{profile.engine}[/], {profile.task}: reads [bold]{profile.effective:,}[/] of {profile.window:,} tokens"
    )
    for title, rows, form in (
        ("tokens", profile.lengths, "{:,.0f}"),
        (f"depth in {profile.length:,} tokens", profile.positions, "{:.0%}"),
    ):
        table = Table(title, "right", "95 %", "n")
        for row in rows:
            table.add_row(form.format(row.at), f"{row.score:.2f}", f"{row.low:.2f} to {row.high:.2f}", str(row.n))
        out.print(table)
    zones = ", ".join(f"{a:.0%} to {b:.0%}" for a, b in profile.dead_zone)
    out.print(f"dead zone: {zones or 'none established'}", markup=False)
    out.print(
        f"{file} written; it is used where it lies in the current folder, or is named in routing.profile", markup=False
    )
