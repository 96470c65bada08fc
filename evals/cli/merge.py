"""`hybrid eval merge`: put the shards of a run together."""

from __future__ import annotations

from pathlib import Path

import click
from hybrid.evals.cli.common import FOLDER, JSON
from hybrid.evals.cli.run import tell

from hybrid.cli.dash import Place


@click.command()
@click.argument("out", type=Place(file_okay=False, path_type=Path))
@click.argument("folders", nargs=-1, required=True, type=FOLDER)
@click.option("--partial", is_flag=True, help="Shards may be missing or unfinished; the report says what is missing.")
@click.option("--report/--no-report", "reported", default=True, help="Write the report at the end.")
@JSON
def merge(out: Path, folders: tuple[Path, ...], partial: bool, reported: bool, as_json: bool) -> None:
    """Put the shards in FOLDERS together in OUT: the records of an undisturbed run, in its order, and the report.

    \b
    Try:  hybrid eval run standard -o part1 --shard 1/2 --url http://one:8000/v1
          hybrid eval run standard -o part2 --shard 2/2 --url http://two:8000/v1
          hybrid eval merge standard part1 part2
    """
    from hybrid.evals.merge import merge as put_together

    _, notes = put_together(out, folders, partial=partial)
    tell(out, notes, reported=reported, as_json=as_json)
