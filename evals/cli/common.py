"""Options and cells that several commands of `hybrid eval` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybrid.cli.common import console
from hybrid.cli.dash import Place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hybrid.evals.statistics import Estimate, Interval

FOLDER = Place(exists=True, file_okay=False, path_type=Path)
CONFIG = click.option("--config", type=Place(), help="Settings file; default: hybrid.toml here, if there is one.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
DATA = click.option("--data", type=FOLDER, required=True, help="Folder of the data sets.")
QUIET = click.option("--quiet", "-q", is_flag=True, help="No progress bars.")


def spanned(one: Estimate | Interval | None) -> str:
    """A mean with its interval, as a cell of a table."""
    return "-" if one is None else f"{one.mean:.3f} \\[{one.low:.3f}, {one.high:.3f}]"


def show_notes(notes: Iterable[str]) -> None:
    """Print notes below a result."""
    for note in notes:
        console().print(f"[yellow]note[/] {note}")
