"""Progress of long work: bars on a terminal, and a line before a long build."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli.common import console

if TYPE_CHECKING:
    from hybrid.index.protocol import Progress

_LOOK_SECONDS = 3.0  # of embedding, after which its rate is known
_PAUSE_SECONDS = 2.0  # between two batches, which is no work
_LONG_SECONDS = 60.0  # still to come, which is worth a line


@contextmanager
def progress_bars(*, quiet: bool) -> Iterator[Progress | None]:
    """A bar for each stage on standard error, with rate and time left.

    A line announces a long build with the time it takes, also without a terminal.
    """
    if quiet:
        yield None
        return
    warn = _LongBuild()
    if not sys.stderr.isatty():
        yield partial(warn.step, say=partial(click.echo, err=True))
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
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def step(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total, rate="")
            speed = bars.tasks[tasks[stage]].speed
            bars.update(tasks[stage], completed=done, total=total, rate=f"{speed:.1f}/s" if speed else "")
            warn.step(stage, done, total, partial(bars.console.print, markup=False))

        yield step


class _LongBuild:
    """Says once that embedding takes long, from the rate of its first seconds."""

    def __init__(self) -> None:
        self._begun = self._last = -math.inf
        self._first = 0
        self._said = False

    def step(self, stage: str, done: int, total: int, say: Callable[[str], Any]) -> None:
        """Look at how far a stage is."""
        if stage != "embedding" or self._said:
            return
        now = time.monotonic()
        if now - self._last > _PAUSE_SECONDS and now - self._begun > 2 * _LOOK_SECONDS:
            self._begun, self._first = now, done  # a model was loading, or its first batch was slow
        self._last = now
        passed = now - self._begun
        if passed < _LOOK_SECONDS:
            return
        self._said = True
        left = passed / max(1, done - self._first) * (total - done)
        if left > _LONG_SECONDS:
            say(
                f"Embedding {total:,} passages takes about {duration(left)} more. If you stop it, what is embedded "
                "stays, and the same command goes on."
            )


def duration(seconds: float) -> str:
    """A time as people say it: "40 s", "14 min", "2.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
