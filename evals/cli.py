"""`hybrid eval`: run a suite, report on it, compare two runs, and judge policies on saved records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem
from hybrid.evals import suite as suites
from hybrid.evals.suite import Suite

from hybrid.cli.common import columns, console, grouped, print_json
from hybrid.cli.dash import Place
from hybrid.cli.effect import refuse
from hybrid.cli.progress import progress_bars
from hybrid.errors import InputError
from hybrid.settings import load

if TYPE_CHECKING:
    from hybrid.evals.arms import Arm
    from hybrid.evals.sample import Task
    from hybrid.evals.statistics import Estimate


def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The carried suites that begin like this, else files."""
    names = [CompletionItem(name) for name in suites.carried() if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


FOLDER = Place(exists=True, file_okay=False, path_type=Path)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


@click.group("eval")
def evaluate() -> None:
    """Measure arms on tasks, and report what it shows.

    \b
    Try:  hybrid eval run smoke --output smoke
          hybrid eval report smoke
    """


@evaluate.command()
@click.argument("suite", shell_complete=complete, type=Place())
@click.option("--output", "-o", required=True, type=Place(file_okay=False, path_type=Path), help="Folder of the run.")
@click.option("--config", type=Place(), help="Settings file; default: hybrid.toml here, if there is one.")
@click.option("--url", help="An OpenAI-compatible server, such as http://localhost:8000/v1, for all arms.")
@click.option("--model", help="The model's name on that server.")
@click.option("--window", type=click.IntRange(64), help="Its window in tokens, where the server does not tell it.")
@click.option("--arm", "only", multiple=True, help="Only this arm of the suite; may be repeated.")
@click.option("--samples", "-n", type=click.IntRange(1), help="Of each task, length and seed, instead of the suite's.")
@click.option(
    "--engine", type=click.Choice(["extractive", "server", "vllm"]), help="Another kind of engine than the suite's."
)
@click.option("--data", type=Place(exists=True, file_okay=False, path_type=Path), help="Folder of data sets.")
@click.option("--vllm", type=Place(), help="vLLM's program, where the suite brings a model; default: on PATH.")
@click.option("--port", type=click.IntRange(1, 65534), help="For servers that the suite starts; two take the next too.")
@click.option("--retry-failed", is_flag=True, help="Ask once more for samples that failed before.")
@click.option(
    "--changed-data",
    is_flag=True,
    help="Go on although samples are other ones now: what was recorded of those is set aside, and asked again.",
)
@click.option("--report/--no-report", "reported", default=True, help="Write the report at the end.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bars.")
@JSON
def run(
    suite: str,
    output: Path,
    config: str | None,
    url: str | None,
    model: str | None,
    window: int | None,
    only: tuple[str, ...],
    samples: int | None,
    engine: str | None,
    data: Path | None,
    vllm: str | None,
    port: int | None,
    retry_failed: bool,
    changed_data: bool,
    reported: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Answer the samples of SUITE with its arms; SUITE is a name (see `hybrid eval list`) or a TOML file.

    The same command goes on with a run that was broken off: nothing is asked twice. A suite that brings a model, such
    as testbed, starts vLLM for it and stops it at the end, unless a server is named with --url.

    \b
    Try:  hybrid eval run smoke -o smoke
          hybrid eval run testbed -o testbed
          hybrid eval run standard -o standard --url http://localhost:8000/v1
    """
    from hybrid.evals import run as runner
    from hybrid.evals.report import make, save, summary

    engine = engine or (None if url is None else "server")
    read = suites.read(suite)
    chosen, left_out = possible(narrowed(read, only, samples), engine, data)
    _check_effects(chosen, engine, {"--model": model, "--window": window, "--vllm": vllm, "--port": port})
    if data is not None and not any(map(suites.needs_data, chosen.tasks)):
        refuse("--data", f"on the suite {chosen.name!r}, which reads no data sets", "leave it out")
    tasks = {spec.title: suites.make_task(spec, data) for spec in chosen.tasks}
    for task in tasks.values():
        runner.find_metric(task.metric)
    for note in left_out:
        console(stderr=True).print(f"[yellow]note[/] {note}")
    given = {
        key: value
        for key, value in {"url": url, "model": model, "kind": engine, "window": window}.items()
        if value is not None
    }
    if chosen.serve is not None and engine is None:
        if retry_failed or changed_data or not runner.finished(output, chosen):
            again = {"again": retry_failed, "changed": changed_data}
            _run_served(chosen, tasks, output, config, vllm, port, again, quiet=quiet)
    else:
        arms = make_arms(chosen, config, {"engine": given})
        with progress_bars(quiet=quiet) as step:
            runner.run(chosen, arms, tasks, output, step, again=retry_failed, changed=changed_data)
    notes = save(make(output), output / "report") if reported else []
    found = summary(output)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    out = console()
    _show_scores(found)
    for note in notes:
        out.print(f"[yellow]note[/] {note}")
    shown = output / "report" / "report.html" if reported else f"see them with: hybrid eval report {output}"
    out.print(f"\nrecords in {output}; {shown}", markup=False)


def _check_effects(suite: Suite, engine: str | None, options: Mapping[str, Any]) -> None:
    """Raise InputError where an option is of a named server, but one is started for the suite, or the reverse."""
    starts = suite.serve is not None and engine is None
    idle = ("--model", "--window") if starts else ("--vllm", "--port")
    why = "as the suite starts a server of its own" if starts else "as no server is started"
    remedy = "leave it out, or name a server with --url" if starts else "leave it out"
    for option in idle:
        if options[option] is not None:
            refuse(option, f"on the suite {suite.name!r}, {why}", remedy)


def _run_served(
    suite: Suite,
    tasks: Mapping[str, Task],
    folder: Path,
    config: str | None,
    vllm: str | None,
    port: int | None,
    again: Mapping[str, bool],
    *,
    quiet: bool,
) -> None:
    """A run on servers that are started for it."""
    from hybrid.evals import run as runner
    from hybrid.evals.serve import serving

    from hybrid.cli.up import Sayer

    say = Sayer(quiet=quiet)
    with serving(suite, vllm, port, folder / "logs", say.line, say.now) as served:
        say.clear()
        arms = make_arms(suite, config, served.settings)
        with progress_bars(quiet=quiet) as step:
            runner.run(suite, arms, tasks, folder, step, check=served.check, versions=served.versions, **again)


def narrowed(suite: Suite, only: Sequence[str], samples: int | None) -> Suite:
    """A suite with some of its arms, or with another number of samples.

    Raises:
        InputError: it has no such arm.
    """
    names = [arm.name for arm in suite.arms]
    for name in only:
        if name not in names:
            raise InputError(f"The suite {suite.name!r} has no {suites.unknown('arm', name, names)}")
    arms = tuple(arm for arm in suite.arms if not only or arm.name in only)
    kept = tuple(
        task.model_copy(update={"arms": tuple(arm for arm in task.arms if not only or arm in only)})
        for task in suite.tasks
        if not only or not task.arms or set(task.arms) & set(only)
    )
    if not kept:
        raise InputError(f"No task of the suite {suite.name!r} is for the arms {', '.join(only)}.")
    if samples is not None:
        kept = tuple(task.model_copy(update={"n": samples}) for task in kept)
    return suite.model_copy(update={"arms": arms, "tasks": kept})


def possible(suite: Suite, engine: str | None, data: Path | None) -> tuple[Suite, list[str]]:
    """A suite without what cannot be asked here, and what was left out.

    Args:
        engine: the kind of engine that was asked for instead of the suite's.
        data: the folder that tasks on data read.

    Raises:
        InputError: nothing is left.
    """
    notes = []
    kind = engine or suite.settings.get("engine", {}).get("kind", "extractive")
    raw = [arm.name for arm in suite.arms if arm.kind == "raw"] if kind == "extractive" else []
    if raw:
        notes.append(f"The arm {', '.join(raw)} is left out: it sends prompts as they are, and this engine reads none.")
        suite = narrowed(suite, [arm.name for arm in suite.arms if arm.name not in raw], None)
    waiting = [task.title for task in suite.tasks if data is None and suites.needs_data(task)]
    if waiting:
        notes.append(f"Left out, because they read data sets, whose folder --data names: {', '.join(waiting)}.")
        kept = tuple(task for task in suite.tasks if task.title not in waiting)
        if not kept:
            raise InputError(f"All tasks of the suite {suite.name!r} read data sets: name their folder with --data.")
        suite = suite.model_copy(update={"tasks": kept})
    return suite, notes


def make_arms(suite: Suite, config: str | None, given: Mapping[str, Mapping[str, Any]]) -> list[Arm]:
    """The arms of a suite: settings file and environment, then the suite, what is given, and the arm's own.

    Args:
        given: section -> key -> value, from the command line or the servers that were started.

    Raises:
        UserError: one of them cannot be made as it is described.
    """
    from hybrid.evals.arms import Shared, make_arm

    shared = Shared()
    common = suites.merged(suite.settings, given)
    return [make_arm(spec, load(config, [common, spec.settings]), shared) for spec in suite.arms]


@evaluate.command()
@click.argument("folder", type=FOLDER)
@click.option("--output", "-o", type=Place(file_okay=False, path_type=Path), help="Default: `report` in FOLDER.")
@JSON
def report(folder: Path, output: Path | None, as_json: bool) -> None:
    """Write the report of the run in FOLDER: one HTML page, the same as Markdown and JSON, and its figures.

    \b
    Try:  hybrid eval report smoke
    """
    from hybrid.evals.report import make, save

    found = make(folder)
    place = output or folder / "report"
    notes = save(found, place)
    if as_json:
        print_json(found.data.model_dump(mode="json"))
        return
    out = console()
    for note in (*found.data.notes, *notes):
        out.print(f"[yellow]note[/] {note}")
    out.print(f"{place / 'report.html'}", markup=False)


@evaluate.command("judge")
@click.argument("folder", type=FOLDER)
@click.option("--config", type=Place(), help="Settings file; default: hybrid.toml here, if there is one.")
@click.option("--url", help="The judge's server, such as http://localhost:8000/v1; not the model under test.")
@click.option("--model", help="The judge's name on that server.")
@click.option("--labels", type=Place(exists=True, dir_okay=False, path_type=Path), help="What people said, JSONL.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bars.")
@JSON
def judge_(
    folder: Path,
    config: str | None,
    url: str | None,
    model: str | None,
    labels: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Put the replies of the run in FOLDER before a language model as judge.

    Its verdicts are kept in judged.jsonl and stand beside the run's own scores, with how far both agree, how far it
    agrees with LABELS of people ({"arm", "task", "id", "label": true or false} a line), and what judging took.

    \b
    Try:  hybrid eval judge smoke --url http://localhost:8000/v1
    """
    from hybrid.evals.judged import judge_run

    from hybrid.engines.make import make_engine
    from hybrid.index.embedding import Embedder

    engine = {"url": url, "model": model, "kind": None if url is None else "server", "max_tokens": 64}
    settings = load(config, {"engine": engine})
    with progress_bars(quiet=quiet) as step:
        told = None if step is None else lambda done, total: step("judge", done, total)
        judge = make_engine(settings.engine, Embedder(settings.embedder))
        found = judge_run(folder, judge, labels, told, settings.cost)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    _show_verdicts(found)


@evaluate.command()
@click.argument("one", type=FOLDER)
@click.argument("other", type=FOLDER)
@JSON
def compare(one: Path, other: Path, as_json: bool) -> None:
    """Tell two runs apart, then compare what their arms scored on the same samples, ONE minus OTHER.

    \b
    Try:  hybrid eval compare before after
    """
    from hybrid.evals.report import compare as compared

    found = compared(one, other)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    out = console()
    for what, (was, now) in found.settings.items():
        out.print(f"{what}: {was!r} in {one}, {now!r} in {other}", markup=False)
    if not found.settings:
        out.print("Both runs have the same suite, settings, versions and hardware.")
    heads = ["arm", "task", "n", "ONE", "OTHER", "difference", ""]
    rows = []
    for row in found.rows:
        span = f"{row.difference:+.3f} ({row.low:+.3f} to {row.high:+.3f})"
        established = row.words in ("better", "worse")
        rows.append(
            (row.arm, row.task, f"{row.n:,}", f"{row.one:.3f}", f"{row.other:.3f}", span, row.words * established)
        )
    out.print(grouped(heads, rows), soft_wrap=False)
    if any(not row[-1] for row in rows):
        out.print("where no word stands behind a difference, none is established", soft_wrap=False)
    for note in found.notes:
        out.print(f"[yellow]note[/] {note}")


@evaluate.command()
@click.argument("records", type=Place(exists=True, path_type=Path))
@click.option(
    "--policy", "-p", "policies", multiple=True, help="A policy by name, or `module:function` that makes one."
)
@click.option("--model", help="For LaRA: only the replies of this model.")
@JSON
def replay(records: Path, policies: tuple[str, ...], model: str | None, as_json: bool) -> None:
    """Judge policies on saved RECORDS without an engine.

    RECORDS is a run that holds the replies of both routes, the folder of LaRA's published replies, or a JSONL file
    with question, route and label in each line. Without --policy all that are known are judged.

    \b
    Try:  hybrid eval replay smoke --policy self_route
          hybrid eval replay ../shared/data/lara --model llama-3.1-8b
    """
    from hybrid.evals import replay as replays

    cases = replays.read(records, model=model)
    judged = replays.judge([replays.policy(name) for name in policies or replays.known()], cases)
    if as_json:
        print_json(judged.model_dump(mode="json"))
        return
    _show_replay(judged)


@evaluate.command("list")
@JSON
def list_(as_json: bool) -> None:
    """Tell the suites, tasks and kinds of arms there are."""
    carried = {name: suites.read(name) for name in suites.carried()}
    names = suites.target("hybrid.evals.tasks.registry:TASKS")
    if as_json:
        described = {name: suite.model_dump(mode="json") for name, suite in carried.items()}
        print_json({"suites": described, "tasks": list(names), "arms": list(suites.KINDS)})
        return
    table = columns("suite", "arms", "tasks", "about", left=(0, 1, 3))
    for name, suite in carried.items():
        table.add_row(name, ", ".join(arm.name for arm in suite.arms), str(len(suite.tasks)), suite.about)
    console().print(table, soft_wrap=False)
    console().print(f"tasks: {', '.join(names)}", markup=False)
    console().print(f"kinds of arms: {', '.join(suites.KINDS)}", markup=False)


def _spanned(one: Estimate | None) -> str:
    return "-" if one is None else f"{one.mean:.3f} \\[{one.low:.3f}, {one.high:.3f}]"


def _show_scores(found: Any) -> None:
    short = any(row.failed or row.skipped for row in found.scores)
    heads = ["task", "arm", "n", *(["failed", "skipped"] if short else []), "score", "silent", "tokens read", "s"]
    rows = [
        [
            row.task,
            row.arm,
            f"{row.n:,}",
            *([str(row.failed), str(row.skipped)] if short else []),
            _spanned(row.score),
            f"{row.abstained:.0%}",
            f"{row.prompt_tokens:,.0f}",
            f"{row.seconds:.2f}",
        ]
        for row in found.scores
    ]
    console().print(grouped(heads, rows), soft_wrap=False)
    console().print(found.verdict, markup=False)


def _show_verdicts(found: Any) -> None:
    people = found.labels is not None
    heads = ["task", "arm", "n", "judge", "metric", "same", "kappa", "unread", *(["as people"] if people else [])]
    rows = []
    for row in found.rows:
        labels, kappa = row.with_labels, row.with_metric.kappa
        told = ["-" if labels is None else f"{labels.accuracy:.0%} of {labels.n}"] if people else []
        agreed = [f"{row.with_metric.accuracy:.0%}", "-" if kappa is None else f"{kappa:.2f}", str(row.unreadable)]
        rows.append([row.task, row.arm, f"{row.n:,}", _spanned(row.judge), _spanned(row.metric), *agreed, *told])
    out, spent, cost = console(), found.usage, found.cost
    out.print(grouped(heads, rows), soft_wrap=False)
    if found.labels is not None:
        same = f"people agree with {found.labels.accuracy:.0%} of {found.labels.n:,} verdicts"
        out.print(f"{same}; kappa {found.labels.words}", markup=False)
    read = f"{spent.prompt_tokens:,} tokens read, {spent.output_tokens:,} written, {spent.seconds:,.0f} s"
    out.print(f"{found.judge} took {spent.calls:,} calls: {read}", markup=False)
    dollars = "dollars unknown" if cost.dollars is None else f"${cost.dollars:.4f}"
    out.print(f"{cost.basis} {dollars}: {cost.note}", markup=False)
    for note in found.notes:
        out.print(f"[yellow]note[/] {note}")


def _show_replay(judged: Any) -> None:
    heads = ["set", "policy", "n", "score", "of tasks", "long", "tokens", "$ / 1000"]
    rows = [
        [
            row.set,
            row.policy + (" *" if row.on_frontier else ""),
            f"{row.n:,}",
            _spanned(row.score),
            f"{row.mean_of_tasks:.3f}",
            "-" if row.long is None else f"{row.long:.0%}",
            "-" if row.tokens is None else f"{row.tokens:,.0f}",
            "-" if row.dollars is None else f"{1000 * row.dollars:.2f}",
        ]
        for row in judged.rows
    ]
    console().print(grouped(heads, rows), soft_wrap=False)
    console().print("* nothing else costs no more and scores no less; of tasks: the mean over tasks of their means")
    if any(row.dollars is not None for row in judged.rows):
        console().print(f"dollars for 1,000 questions are {judged.basis}", markup=False)
    for note in judged.notes:
        console().print(f"[yellow]note[/] {note}")
