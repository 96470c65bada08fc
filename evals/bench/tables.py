"""Figures of ways and metrics with their 95 % intervals: rows as JSON, or a table for each data set.

And programs in a process of their own that print such rows: `hybrid`, the way people run it, and a part of a benchmark.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import click
from hybrid.evals.cli.common import spanned
from hybrid.evals.columns import shown
from hybrid.evals.statistics import Interval, bootstrap

from hybrid.cli.common import console, print_json

Row = dict[str, Any]


def row(data: str, way: str, metric: str, values: Sequence[float], groups: Sequence[Hashable] | None = None) -> Row:
    """The mean of a way on some data by a metric; groups are drawn whole."""
    found = bootstrap(values, groups) if values else Interval(0.0, 0.0, 0.0)
    return {"data": data, "way": way, "metric": metric, **found._asdict(), "n": len(values)}


def less(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """The differences of two ways question by question."""
    return [a - b for a, b in zip(one, other, strict=True)]


def show(rows: Sequence[Row], as_json: bool) -> None:
    """Print rows: a table for each data set, a line for each way."""
    if as_json:
        print_json(rows)
        return
    for data in dict.fromkeys(row["data"] for row in rows):
        own = [row for row in rows if row["data"] == data]
        metrics = list(dict.fromkeys(row["metric"] for row in own))
        lines = []
        for way in dict.fromkeys(row["way"] for row in own):
            found = {r["metric"]: r for r in own if r["way"] == way}
            cells = [found.get(metric) for metric in metrics]
            told = [f"{spanned(Interval(c['mean'], c['low'], c['high']))} n={c['n']}" if c else "" for c in cells]
            lines.append([way.replace("{}", "X"), *told])
        table(["", *metrics], lines, f"{data}, 95 % intervals")


def written(rows: Sequence[Row], columns: Mapping[str, Callable[[Row], str]], as_json: bool) -> None:
    """Print rows as JSON, or as a table."""
    if as_json:
        print_json(rows)
    else:
        table(*shown(rows, columns))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """Print a table."""
    from rich.table import Table

    made = Table(*heads, title=title, title_justify="left")
    for line in rows:
        made.add_row(*line)
    console().print(made)


HYBRID = (sys.executable, "-c", "from hybrid.cli.main import main; main()")


def hybrid(*arguments: str) -> Any:
    """The JSON that a command of `hybrid` prints.

    Raises:
        click.ClickException: it failed, for the reason that it gave.
    """
    return json.loads(_output(*HYBRID, *arguments, "--json", "--quiet"))


def part(module: str, *arguments: object) -> Any:
    """The JSON in the last line that a module prints."""
    return json.loads(_output(sys.executable, "-m", module, *map(str, arguments)).splitlines()[-1])


def _output(*program: str) -> str:
    ran = subprocess.run(program, capture_output=True, text=True)
    if ran.returncode:
        raise click.ClickException(ran.stderr.strip())
    return ran.stdout
