"""`hybrid eval load`: the share of questions that are answered in time, by the rate at which they arrive."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from hybrid.evals.cli.common import CONFIG, JSON, QUIET, show_notes
from hybrid.evals.cli.run import check_effects, complete, engines
from hybrid.evals.columns import shown
from hybrid.evals.selection import narrowed, possible
from hybrid.evals.suite import ArmSpec, Suite, TaskSpec, make_task, read

from hybrid.cli.common import console, grouped, print_json
from hybrid.cli.dash import Place
from hybrid.cli.effect import refuse
from hybrid.cli.options import Number, urls_option
from hybrid.cli.progress import progress_bars
from hybrid.errors import InputError
from hybrid.settings.names import ENGINES

if TYPE_CHECKING:
    from hybrid.evals.load import Ask, Load, Rate
    from hybrid.evals.sample import Sample

MOST = 1_000_000  # questions at each rate
ARMS = ("rag", "long", "calibrated")  # where only questions are given
_QUESTIONS = (".jsonl", ".jsonl.gz")


@click.command()
@click.argument("what", metavar="SUITE", shell_complete=complete, type=Place())
@click.option(
    "--rate", "rates", multiple=True, type=Number(), help="Questions a second; again for more rates.  [required]"
)
@click.option("--within", type=Number(), help="Seconds in which the whole answer has to come.")
@click.option("--first", type=Number(), help="Seconds in which its first text has to come.")
@click.option(
    "--share",
    default=0.9,
    show_default=True,
    type=Number(0, 1, min_open=True),
    help="That has to be in time.",
)
@click.option("--questions", "-n", default=100, show_default=True, type=click.IntRange(1, MOST), help="At each rate.")
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the arrivals and of the questions' order."
)
@click.option("--service", metavar="URL", help="Ask this service, such as a `hybrid serve`, and no arms of ours.")
@click.option(
    "--model", "models", multiple=True, help="A model's name there, or on the engine's server; with --service again."
)
@CONFIG
@urls_option
@click.option(
    "--window", type=click.IntRange(64), help="The engine's window in tokens, where its server does not tell."
)
@click.option("--arm", "only", multiple=True, help="Only this arm of the suite; may be repeated.")
@click.option("--engine", type=click.Choice(list(ENGINES)), help="Another kind of engine than the suite's.")
@click.option("--data", type=Place(exists=True, file_okay=False, path_type=Path), help="Folder of data sets.")
@click.option("--vllm", type=Place(), help="vLLM's program, where the suite brings a model; default: on PATH.")
@click.option("--port", type=click.IntRange(1, 65534), help="For servers that the suite starts; two take the next too.")
@click.option("--output", "-o", type=Place(file_okay=False, path_type=Path), help="Folder for load.json and a picture.")
@QUIET
@JSON
def load(what: str, output: Path | None, as_json: bool, **options: Any) -> None:
    """Ask the questions of SUITE as they would arrive, and tell the share that is answered in time, by rate and arm.

    SUITE is a suite's name, its TOML file, or a file of questions (.jsonl) for the arms rag, long and calibrated; with
    --service its lines need no more than a "question". Arrivals are a Poisson stream that waits for no answer. The
    goodput is the highest rate up to which the share holds.

    \b
    Try:  hybrid eval load smoke --arm rag --rate 1 --rate 2 --within 5 --first 1
          hybrid eval load testbed --rate 1 --rate 2 --within 5
          hybrid eval load questions.jsonl --service http://127.0.0.1:8410 --rate 2 --within 10
    """
    from hybrid.evals.load import Limit
    from hybrid.evals.load import load as measure

    limit = Limit(options["first"], options["within"])
    rates: Sequence[float] = options["rates"]
    if not rates:
        raise InputError("No rate is given: name one or more with --rate, in questions a second.")
    if low := [rate for rate in rates if not rate > 0]:
        raise InputError(f"At a rate of {low[0]:g} questions a second none ever arrives: give --rate more than 0.")
    asked = _of_service if options["service"] else _of_arms
    with asked(what, options) as arms, progress_bars(quiet=options["quiet"]) as step:
        found = measure(
            arms, rates, limit, n=options["questions"], share=options["share"], seed=options["seed"], step=step
        )
    saved = None if output is None else _save(found, output)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        _show(found)
        if saved is not None:
            console().print(str(saved), markup=False)
    if found.stopped:
        from hybrid.evals.folder import RunFailed

        raise RunFailed(found.stopped)


@contextmanager
def _of_service(what: str, options: dict[str, Any]) -> Iterator[list[tuple[str, Ask, list[Sample]]]]:
    """The models of a service, as arms."""
    from hybrid.evals.arms.service import ServiceArm
    from hybrid.evals.run import estimated

    for option in ("urls", "only", "engine", "config", "window", "vllm", "port"):
        if options[option]:
            refuse(f"--{'url' if option == 'urls' else 'arm' if option == 'only' else option}", "beside --service")
    if what.endswith(_QUESTIONS):
        samples = _plain(Path(what))
    else:
        suite, _ = possible(read(what), None, options["data"])
        samples = _samples(suite, "", estimated, options)
    with ExitStack() as held:
        arms: list[tuple[str, Ask, list[Sample]]] = []
        for model in options["models"] or (None,):
            arm = ServiceArm(options["service"], model)
            held.callback(arm.close)
            arms.append((arm.name, arm.ask, samples))
        yield arms


@contextmanager
def _of_arms(what: str, options: dict[str, Any]) -> Iterator[list[tuple[str, Ask, list[Sample]]]]:
    """The arms of a suite, each with its questions and their indexes made."""
    from hybrid.evals.arms.make import make_arms
    from hybrid.evals.run import counter

    if len(options["models"]) > 1:
        raise InputError("--model is given twice, and an engine has one: give it once, or name a --service.")
    named = {**options, "model": next(iter(options["models"]), None)}
    engine = options["engine"] or ("server" if options["urls"] else None)
    suite, left_out = possible(narrowed(_suite(what), options["only"], None), engine, options["data"])
    starts = suite.serve is not None and engine is None
    check_effects(suite.name, starts, named)
    for note in left_out:
        console(stderr=True).print(f"[yellow]note[/] {note}")
    with ExitStack() as held:
        logs = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="hybrid-load-")))
        settings, _ = held.enter_context(engines(suite, logs, engine, named, starts=starts))
        made = make_arms(suite, options["config"], settings)
        arms: list[tuple[str, Ask, list[Sample]]] = []
        for arm in made:
            held.callback(arm.close)
            samples = _samples(suite, arm.name, counter(made), options)
            opened = getattr(arm, "opened", None)
            if opened is not None:
                for sample in samples:
                    opened(sample)  # indexes are made before the time counts
            ask = getattr(arm, "ask", None)
            arms.append((arm.name, ask or _whole(arm.answer), samples))
        yield arms


def _whole(answer: Callable[[Sample], object]) -> Ask:
    """What gives its text in one piece."""
    return lambda sample, _: answer(sample)


def _suite(what: str) -> Suite:
    """A suite; of a file of questions one with the usual arms."""
    if not what.endswith(_QUESTIONS):
        return read(what)
    if not Path(what).is_file():
        raise InputError(f"There is no file {what}: name a file of questions or a suite.")
    arms = tuple(ArmSpec(name=name, settings={"routing": {"policy": name}}) for name in ARMS)
    return Suite(name=Path(what).stem, tasks=(TaskSpec(name="jsonl", options={"path": what}),), arms=arms)


def _plain(path: Path) -> list[Sample]:
    """Questions alone, with what was said before them."""
    from hybrid.evals.sample import Sample
    from hybrid.evals.tasks.documents import FIELDS, history
    from hybrid.evals.tasks.files import lines

    found = []
    for number, row in enumerate(lines(path), 1):
        row.check(FIELDS)
        if not row.text("question").strip():
            raise row.fault("question", "is empty")
        found.append(Sample(str(number), row.text("question"), {}, (), group="", history=history(row)))
    return found


def _samples(suite: Suite, arm: str, count: Any, options: dict[str, Any]) -> list[Sample]:
    """Questions of all tasks that an arm answers, about as many of each; of all tasks where no arm is named."""
    tasks = [spec for spec in suite.tasks if not arm or suite.asks(spec, arm)]
    cells = [(spec, cell) for spec in tasks for cell in suite.cells(spec)]
    each = max(1, -(-options["questions"] * len(set(options["rates"])) // max(1, len(cells))))
    made = {spec.title: make_task(spec, options["data"]) for spec in tasks}
    return [
        sample
        for spec, cell in cells
        for sample in islice(made[spec.title].samples(count, each, cell.seed, cell.length), each)
    ]


def _save(found: Load, folder: Path) -> Path:
    """Write the figures, and the picture where there is something to draw; the one to look at."""
    from hybrid.evals.folder import make_folder, write
    from hybrid.evals.report.figures import lines, standalone
    from hybrid.evals.statistics import Estimate

    series = {
        arm.arm: [(f"{one.rate:g}", Estimate(one.share, one.low, one.high, one.n, one.n)) for one in arm.rates]
        for arm in found.arms
        if arm.rates
    }
    make_folder(folder)
    write(folder / "load.json", found.model_dump_json(indent=1))
    if series:
        title = f"Answered in time: {_limits(found)}"
        drawn = lines(title, series, "questions a second", threshold=found.share, y_label="share in time")
        write(folder / "load.svg", standalone(drawn))
    return folder / ("load.svg" if series else "load.json")


def _limits(found: Load) -> str:
    told = [(found.first, "first text"), (found.whole, "whole answer")]
    return " and ".join(f"{what} within {seconds:g} s" for seconds, what in told if seconds is not None)


def _show(found: Load) -> None:
    columns: dict[str, Callable[[Rate], str]] = {
        "rate": lambda one: f"{one.rate:g}",
        "n": lambda one: f"{one.n:,}",
        "in time": lambda one: f"{one.share:.2f} \\[{one.low:.2f}, {one.high:.2f}]",
        "first 50/95 %": lambda one: f"{_seconds(one.first50)} / {_seconds(one.first95)}",
        "whole 50/95 %": lambda one: f"{_seconds(one.whole50)} / {_seconds(one.whole95)}",
        "failed": lambda one: str(one.failed),
        "refused": lambda one: str(one.refused),
    }
    if not any(one.failed or one.refused for arm in found.arms for one in arm.rates):
        del columns["failed"], columns["refused"]
    rows = []
    for arm in found.arms:
        heads, cells = shown(arm.rates, columns)
        rows += [[arm.arm, *cell] for cell in cells]
    out = console()
    if rows:
        out.print(grouped(["arm", *heads], rows), soft_wrap=False)
    out.print(
        f"in time: {_limits(found)} after a question arrives; {found.different:,} different questions", markup=False
    )
    for arm in found.arms:
        if arm.goodput is None:
            told = f"below {found.share:.0%} at every rate" if arm.rates else "not measured"
        else:
            sure = "" if arm.established else ", which its interval does not establish"
            told = f"goodput {arm.goodput:g} questions a second: {found.share:.0%} or more in time{sure}"
        out.print(f"{arm.arm}: {told}", markup=False)
    show_notes(_notes(found))


def _notes(found: Load) -> Iterator[str]:
    asked = max((sum(one.n for one in arm.rates) for arm in found.arms), default=0)
    if asked > found.different:
        yield (
            f"{asked:,} questions were asked of {found.different:,} different ones: an engine with a prefix cache had "
            "read some already, which helps the later rates. Fewer rates or a smaller -n avoid that."
        )
    for arm in found.arms:
        for one in arm.rates:
            if one.reason:
                what = f"{one.failed} failed and {one.refused} were refused"
                yield f"{arm.arm} at {one.rate:g}/s: {what} of {one.n}, the last with: {one.reason}"
            if one.lag > 0.1:
                late = f"questions were sent up to {one.lag:.2f} s late"
                yield f"{arm.arm} at {one.rate:g}/s: {late}, which the waits count."


def _seconds(value: float | None) -> str:
    return "over" if value is None else f"{value:.2f}"
