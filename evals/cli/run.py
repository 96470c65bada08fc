"""`hybrid eval run`: answer the samples of a suite with its arms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem
from hybrid.evals.cli.common import CONFIG, JSON, QUIET, show_notes, spanned
from hybrid.evals.columns import shown
from hybrid.evals.selection import narrowed, needs_data, possible
from hybrid.evals.shards import WHOLE, Shard, parse
from hybrid.evals.suite import Suite, carried, make_task, read

from hybrid.cli.common import console, grouped, print_json
from hybrid.cli.dash import Place
from hybrid.cli.effect import refuse
from hybrid.cli.options import addresses, urls_option
from hybrid.cli.progress import progress_bars
from hybrid.errors import InputError
from hybrid.settings.names import ENGINES

if TYPE_CHECKING:
    from hybrid.evals.report.data import Data, ScoreRow
    from hybrid.evals.sample import Task


def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The carried suites that begin like this, else files."""
    names = [CompletionItem(name) for name in carried() if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


@click.command()
@click.argument("suite", shell_complete=complete, type=Place())
@click.option("--output", "-o", required=True, type=Place(file_okay=False, path_type=Path), help="Folder of the run.")
@CONFIG
@urls_option
@click.option("--model", help="The model's name on that server.")
@click.option("--window", type=click.IntRange(64), help="Its window in tokens, where the server does not tell it.")
@click.option("--arm", "only", multiple=True, help="Only this arm of the suite; may be repeated.")
@click.option("--samples", "-n", type=click.IntRange(1), help="Of each task, length and seed, instead of the suite's.")
@click.option("--engine", type=click.Choice(list(ENGINES)), help="Another kind of engine than the suite's.")
@click.option("--data", type=Place(exists=True, file_okay=False, path_type=Path), help="Folder of data sets.")
@click.option("--vllm", type=Place(), help="vLLM's program, where the suite brings a model; default: on PATH.")
@click.option("--port", type=click.IntRange(1, 65534), help="For servers that the suite starts; two take the next too.")
@click.option("--shard", metavar="I/N", help="Only the I-th of N parts, by documents; see `hybrid eval merge`.")
@click.option(
    "--ray",
    is_flag=False,
    flag_value="",
    metavar="[ADDRESS]",
    help="All parts as tasks of a Ray cluster, by its address or else on this machine's cores, and their merge.",
)
@click.option("--shards", type=click.IntRange(1), help="Parts for --ray; default: one for each of its CPUs.")
@click.option("--retry-failed", is_flag=True, help="Ask once more for samples that failed before.")
@click.option(
    "--changed-data",
    is_flag=True,
    help="Continue although samples have changed: their records are set aside, and they are asked again.",
)
@click.option("--report/--no-report", "reported", default=True, help="Write the report at the end.")
@QUIET
@JSON
def run(suite: str, output: Path, engine: str | None, data: Path | None, as_json: bool, **options: Any) -> None:
    """Answer the samples of SUITE with its arms; SUITE is a name (see `hybrid eval list`) or a TOML file.

    The same command continues an interrupted run and asks nothing twice. A suite that brings a model, such
    as testbed, starts vLLM for it and stops it at the end, unless a server is named with --url.

    \b
    Try:  hybrid eval run smoke -o smoke
          hybrid eval run testbed -o testbed
          hybrid eval run standard -o standard --url http://localhost:8000/v1
          hybrid eval run standard -o part2 --shard 2/3 --url http://localhost:8000/v1
    """
    from hybrid.evals.metrics.registry import METRICS

    engine = engine or ("server" if options["urls"] else None)
    chosen, left_out = possible(narrowed(read(suite), options["only"], options["samples"]), engine, data)
    starts = chosen.serve is not None and engine is None
    check_effects(chosen.name, starts, options)
    shard = WHOLE if options["shard"] is None else parse(options["shard"])
    if data is not None and not any(map(needs_data, chosen.tasks)):
        refuse("--data", f"on the suite {chosen.name!r}, which reads no data sets", "leave it out")
    tasks = {spec.title: make_task(spec, data) for spec in chosen.tasks}
    for task in tasks.values():
        METRICS[task.metric]  # raises where there is none, before anything is asked
    for note in left_out:
        console(stderr=True).print(f"[yellow]note[/] {note}")
    if options["ray"] is None:
        _answer(chosen, tasks, output, engine, options, shard, starts=starts)
        notes = []
    else:
        notes = _on_ray(chosen, output, engine, data, options)
    found = tell(output, notes, reported=options["reported"], as_json=as_json)
    if not any(row.n or row.skipped for row in found.scores):
        _check_answered(output)


def check_effects(suite: str, starts: bool, options: Mapping[str, Any]) -> None:
    """Raise InputError where an option is of a named server, but one is started for the suite, or the reverse."""
    idle = ("model", "window") if starts else ("vllm", "port")
    why = "as the suite starts a server of its own" if starts else "as no server is started"
    remedy = "leave it out, or name a server with --url" if starts else "leave it out"
    for option in idle:
        if options[option] is not None:
            refuse(f"--{option}", f"on the suite {suite!r}, {why}", remedy)
    if "ray" not in options:
        return
    if options["ray"] is None and options["shards"] is not None:
        refuse("--shards", "without --ray", "leave it out, or run one of the parts with --shard I/N")
    if options["ray"] is not None and options["shard"] is not None:
        refuse("--shard", "beside --ray, which runs all parts")
    if options["ray"] is not None and starts:
        raise InputError(
            f"The suite {suite!r} starts a server of its own, and every shard would start one: start it once with "
            "`hybrid up`, and name it with --url."
        )


def _on_ray(suite: Suite, folder: Path, engine: str | None, data: Path | None, options: Mapping[str, Any]) -> list[str]:
    """Run the suite as shards on a cluster; returns notes."""
    from hybrid.evals.cluster import run_shards

    with progress_bars(quiet=options["quiet"]) as step:
        return run_shards(
            suite,
            folder,
            options["shards"],
            address=options["ray"] or None,
            config=options["config"],
            settings=_named(suite, engine, options, shared=True),
            data=data,
            step=step,
            again=options["retry_failed"],
            changed=options["changed_data"],
        )


def _named(suite: Suite, engine: str | None, options: Mapping[str, Any], *, shared: bool) -> dict[str, dict[str, Any]]:
    """The settings of the engine that the command line names.

    Args:
        shared: other processes ask its server too.
    """
    given = {**addresses(options["urls"]), "model": options["model"], "kind": engine, "window": options["window"]}
    if shared and (engine or suite.settings.get("engine", {}).get("kind")) == "server":
        given["shared"] = True
    return {"engine": {key: value for key, value in given.items() if value is not None}}


def _answer(
    suite: Suite,
    tasks: Mapping[str, Task],
    folder: Path,
    engine: str | None,
    options: Mapping[str, Any],
    shard: Shard,
    *,
    starts: bool,
) -> None:
    """Run the suite with the engine that is named, or on servers that are started for it."""
    from hybrid.evals.arms.make import make_arms
    from hybrid.evals.folder import finished
    from hybrid.evals.run import run

    again, changed, quiet = options["retry_failed"], options["changed_data"], options["quiet"]
    if starts and not (again or changed) and finished(folder, suite, shard.name):
        return
    with engines(suite, folder, engine, options, starts=starts, shared=shard.of > 1) as (settings, more):
        arms = make_arms(suite, options["config"], settings)
        with progress_bars(quiet=quiet) as step:
            run(suite, arms, tasks, folder, step, again=again, changed=changed, shard=shard, **more)


@contextmanager
def engines(
    suite: Suite, folder: Path, engine: str | None, options: Mapping[str, Any], *, starts: bool, shared: bool = False
) -> Iterator[tuple[Mapping[str, Mapping[str, Any]], dict[str, Any]]]:
    """The settings of the engine that is named, or of servers that run meanwhile; and what `run` is told of these.

    Args:
        folder: for the servers' logs.
        starts: servers are started for the suite.
        shared: other processes ask the named server too.
    """
    from hybrid.evals.serve import serving

    from hybrid.cli.up import Sayer

    if not starts:
        yield _named(suite, engine, options, shared=shared), {}
        return
    say = Sayer(quiet=options["quiet"])
    with serving(suite, options["vllm"], options["port"], folder / "logs", say.line, say.now) as served:
        say.clear()
        yield served.settings, {"check": served.check, "versions": served.versions}


def _check_answered(folder: Path) -> None:
    """Raise RunFailed where samples failed; to be called where none was answered."""
    from hybrid.evals.folder import RunFailed
    from hybrid.evals.record import ended, records

    reasons = [record.reason for record in records(folder) if record.status == "failed"]
    if reasons:
        raise RunFailed(
            f"No sample was answered: all {len(reasons):,} failed, the last with: {ended(reasons[-1])} Mend that and "
            "run the same command with --retry-failed."
        )


def tell(folder: Path, notes: list[str], *, reported: bool, as_json: bool) -> Data:
    """Write the report of a run, and print its scores."""
    from hybrid.evals.report import make, save, summary

    notes += save(make(folder), folder / "report") if reported else []
    found = summary(folder)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return found
    _show_scores(found)
    show_notes([*found.notes, *notes])
    shown = folder / "report" / "report.html" if reported else f"see them with: hybrid eval report {folder}"
    console().print(f"\nrecords in {folder}; {shown}", markup=False)
    return found


def _show_scores(found: Data) -> None:
    columns: dict[str, Callable[[ScoreRow], str]] = {
        "task": lambda row: row.task,
        "arm": lambda row: row.arm,
        "n": lambda row: f"{row.n:,}",
        "failed": lambda row: str(row.failed),
        "skipped": lambda row: str(row.skipped),
        "score": lambda row: spanned(row.score),
        "silent": lambda row: f"{row.abstained:.0%}" if row.n else "-",
        "tokens read": lambda row: f"{row.prompt_tokens:,.0f}" if row.n else "-",
        "s": lambda row: f"{row.seconds:.2f}" if row.n else "-",
    }
    cited = {(row.task, row.arm): f"{row.recall.mean:.2f}/{row.precision.mean:.2f}" for row in found.citations}
    if cited:
        columns["cited"] = lambda row: cited.get((row.task, row.arm), "-")
    if not any(row.failed or row.skipped for row in found.scores):
        del columns["failed"], columns["skipped"]
    console().print(grouped(*shown(found.scores, columns)), soft_wrap=False)
    console().print(found.verdict, markup=False)
