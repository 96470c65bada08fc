"""What the commands share: settings from options, progress bars, JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hybrid.settings import Settings, load

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from hybrid.index.store import Progress

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--config", type=click.Path(), help="Settings file; default: hybrid.toml here, if there is one."),
    click.option("--index", "index_dir", type=click.Path(), help="Folder of the index; default: your cache folder."),
    click.option("--embedder", help="Embedding model: 'minilm' (packaged), a folder or a hub name."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON for machines."),
    click.option("--quiet", "-q", is_flag=True, help="No progress bars."),
)
_ENGINE = (
    click.option("--url", help="An OpenAI-compatible server, such as http://localhost:8000/v1."),
    click.option("--model", help="The model's name on that server."),
    click.option(
        "--policy",
        type=click.Choice(["rag", "long", "fits", "self_route", "question_type", "calibrated"]),
        help="How routes are chosen.",
    ),
    click.option(
        "--prefer", type=click.Choice(["accuracy", "balance", "cost"]), help="What the policy calibrated goes for."
    ),
    click.option("-k", "k", type=click.IntRange(1), help="Passages read on the route rag."),
)


def corpus_options(function: F) -> F:
    """Options of every command that opens a corpus."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def engine_options(function: F) -> F:
    """Options of every command that answers."""
    for option in reversed(_ENGINE):
        function = option(function)
    return function


def settings_from(options: Mapping[str, Any]) -> Settings:
    """Settings with a command's options on top."""
    url = options.get("url")
    return load(
        options.get("config"),
        {
            "index": {"dir": options.get("index_dir")},
            "embedder": {"model": options.get("embedder")},
            "engine": {"url": url, "model": options.get("model"), "kind": "server" if url else None},
            "routing": {"policy": options.get("policy"), "prefer": options.get("prefer")},
            "retrieval": {"k": options.get("k")},
        },
    )


def console(*, stderr: bool = False) -> Console:
    """A rich console on standard output or standard error."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=True)


@contextmanager
def progress_bars(*, quiet: bool) -> Iterator[Progress | None]:
    """A bar for each stage on standard error, with rate and time left; nothing where no terminal looks."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:>14}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def step(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield step


def print_json(data: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


def grouped(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table that fits 80 columns where it can: rows that share their first cell stand together and say it once."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i < 2 else "right", no_wrap=i > 1)
    groups: dict[str, list[Sequence[str]]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row)
    for group in groups.values():
        for i, (name, *others) in enumerate(group):
            table.add_row("" if i else name, *others, end_section=len(group) > 1 and i == len(group) - 1)
    return table
