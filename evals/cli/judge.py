"""`hybrid eval judge`: the replies of a run put before a language model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from hybrid.evals.cli.common import CONFIG, FOLDER, JSON, QUIET, show_notes, spanned

from hybrid.cli.common import console, grouped, print_json
from hybrid.cli.dash import Place
from hybrid.cli.progress import progress_bars
from hybrid.settings import load

if TYPE_CHECKING:
    from hybrid.evals.judge import Verdicts


@click.command()
@click.argument("folder", type=FOLDER)
@CONFIG
@click.option("--url", help="The judge's server, such as http://localhost:8000/v1; not the model under test.")
@click.option("--model", help="The judge's name on that server.")
@click.option("--labels", type=Place(exists=True, dir_okay=False, path_type=Path), help="What people said, JSONL.")
@QUIET
@JSON
def judge(
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
    from hybrid.evals.judge import judge_run, judging

    given = {"url": url, "model": model, "kind": None if url is None else "server", "max_tokens": 64}
    settings = load(config, {"engine": given})
    with progress_bars(quiet=quiet) as step:
        told = None if step is None else lambda done, total: step("judge", done, total)
        found = judge_run(folder, judging(settings), labels, told, settings.cost)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    _show_verdicts(found)


def _show_verdicts(found: Verdicts) -> None:
    people = found.labels is not None
    heads = ["task", "arm", "n", "judge", "metric", "same", "kappa", "unread", *(["as people"] if people else [])]
    rows = []
    for row in found.rows:
        labels, kappa = row.with_labels, row.with_metric.kappa
        told = ["-" if labels is None else f"{labels.accuracy:.0%} of {labels.n}"] if people else []
        agreed = [f"{row.with_metric.accuracy:.0%}", "-" if kappa is None else f"{kappa:.2f}", str(row.unreadable)]
        rows.append([row.task, row.arm, f"{row.n:,}", spanned(row.judge), spanned(row.metric), *agreed, *told])
    out, spent, cost = console(), found.usage, found.cost
    out.print(grouped(heads, rows), soft_wrap=False)
    if found.labels is not None:
        same = f"people agree with {found.labels.accuracy:.0%} of {found.labels.n:,} verdicts"
        out.print(f"{same}; kappa {found.labels.words}", markup=False)
    read = f"{spent.prompt_tokens:,} tokens read, {spent.output_tokens:,} written, {spent.seconds:,.0f} s"
    out.print(f"{found.judge} took {spent.calls:,} calls: {read}", markup=False)
    dollars = "dollars unknown" if cost.dollars is None else f"${cost.dollars:.4f}"
    out.print(f"{cost.basis} {dollars}: {cost.note}", markup=False)
    show_notes(found.notes)
