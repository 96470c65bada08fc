"""What the runner itself takes: `python -m hybrid.evals.bench.overhead --records 1000000`.

An arm that answers at once, so that all that is measured is drawing, judging, writing and looking up; memory is the
process's peak after each tenth of the records, and has to stay flat.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from hybrid.evals.arms.plain import FunctionArm
from hybrid.evals.record import RECORDS
from hybrid.evals.run import run
from hybrid.evals.sample import Count, Sample
from hybrid.evals.suite import ArmSpec, Suite, TaskSpec

from hybrid.cli.common import console

_TENTHS = 10
_PEAK = 1024 if sys.platform.startswith("linux") else 1024**2  # units of ru_maxrss in a MiB


class Nothing:
    """A task whose samples cost nothing to make; twenty share a document."""

    name, source, metric = "nothing", "made up", "exact_match"

    def samples(self, count: Count, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        for i in range(n):
            if i % 20 == 0:
                documents = {f"document {i // 20}": "A document of few words."}
            yield Sample(str(i), f"What is the number {i}?", documents, (str(i),), group=str(i // 20))


def at_once(question: str, documents: Mapping[str, str]) -> str:
    """The number in the question."""
    return question.removeprefix("What is the number ").rstrip("?")


@click.command()
@click.option("--records", default=1_000_000, show_default=True, help="Samples to answer.")
@click.option("--concurrency", default=(1, 8), multiple=True, show_default=True, help="Threads; may be repeated.")
def main(records: int, concurrency: tuple[int, ...]) -> None:
    """Measure records per second and peak memory, then going on with a finished run."""
    for threads in concurrency:
        with tempfile.TemporaryDirectory() as folder:
            _measure(Path(folder), records, threads)


def _measure(folder: Path, records: int, threads: int) -> None:
    out = console()
    suite = Suite(
        name="overhead",
        n=records,
        tasks=(TaskSpec(name="hybrid.evals.bench.overhead:Nothing", label="nothing"),),
        arms=(ArmSpec(name="at once", kind="function", target="hybrid.evals.bench.overhead:at_once"),),
    )
    peaks: list[float] = []

    def step(arm: str, done: int, total: int) -> None:
        if done % max(1, total // _TENTHS) == 0:
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PEAK)

    for what in ("answered", "found again"):
        peaks.clear()
        begun = time.perf_counter()
        run(suite, [FunctionArm("at once", at_once, threads)], {"nothing": Nothing()}, folder, step)
        seconds = time.perf_counter() - begun
        grown = f"peak memory {peaks[0]:.0f} MiB after a tenth, {peaks[-1]:.0f} MiB at the end"
        size = (folder / RECORDS).stat().st_size / records
        out.print(f"{threads} threads, {records:,} {what}: {records / seconds:,.0f}/s, {grown}, {size:.0f} bytes each")


if __name__ == "__main__":
    main()
