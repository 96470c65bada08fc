"""`hybrid eval`: run a suite, report on it, compare two runs, judge policies on saved records, and simulate."""

from __future__ import annotations

import click
from hybrid.evals.cli.judge import judge
from hybrid.evals.cli.merge import merge
from hybrid.evals.cli.replay import replay
from hybrid.evals.cli.report import compare, report
from hybrid.evals.cli.run import run
from hybrid.evals.cli.simulate import simulate
from hybrid.evals.cli.suites import suites


@click.group("eval")
def evaluate() -> None:
    """Measure arms on tasks, and report what it shows.

    \b
    Try:  hybrid eval run smoke --output smoke
          hybrid eval report smoke
    """


for command in (run, merge, report, judge, compare, replay, suites, simulate):
    evaluate.add_command(command)
