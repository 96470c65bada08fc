"""`hybrid eval report` and `compare`: the page of a run, and how two runs differ."""

from __future__ import annotations

from pathlib import Path

import click
from hybrid.evals.cli.common import FOLDER, JSON, show_notes

from hybrid.cli.common import console, grouped, print_json
from hybrid.cli.dash import Place


@click.command()
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
    show_notes((*found.data.notes, *notes))
    console().print(f"{place / 'report.html'}", markup=False)


@click.command()
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
    if rows:
        out.print(grouped(heads, rows), soft_wrap=False)
    if any(not row[-1] for row in rows):
        out.print("where no word stands behind a difference, none is established", soft_wrap=False)
    show_notes(found.notes)
