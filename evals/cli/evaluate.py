"""`hybrid eval`: run a suite, report on it, compare two runs, judge policies on records, simulate, and list."""

from __future__ import annotations

import click
from hybrid.evals import suite as known
from hybrid.evals.cli.cited import cited
from hybrid.evals.cli.common import JSON
from hybrid.evals.cli.judge import judge
from hybrid.evals.cli.load import load
from hybrid.evals.cli.merge import merge
from hybrid.evals.cli.replay import replay
from hybrid.evals.cli.report import compare, report
from hybrid.evals.cli.run import run
from hybrid.evals.cli.simulate import simulate

from hybrid.cli.common import columns, console, print_json


@click.command("list")
@JSON
def suites(as_json: bool) -> None:
    """Tell the suites, tasks and kinds of arms there are."""
    from hybrid.evals.tasks.registry import TASKS

    carried = {name: known.read(name) for name in known.carried()}
    names = list(TASKS)
    if as_json:
        described = {name: suite.model_dump(mode="json") for name, suite in carried.items()}
        print_json({"suites": described, "tasks": names, "arms": list(known.KINDS)})
        return
    table = columns("suite", "arms", "tasks", "about", left=(0, 1, 3))
    for name, suite in carried.items():
        table.add_row(name, ", ".join(arm.name for arm in suite.arms), str(len(suite.tasks)), suite.about)
    console().print(table, soft_wrap=False)
    console().print(f"tasks: {', '.join(names)}", markup=False)
    console().print(f"kinds of arms: {', '.join(known.KINDS)}", markup=False)


@click.group("eval")
def evaluate() -> None:
    """Measure arms on tasks, and report what it shows.

    \b
    Try:  hybrid eval run smoke --output smoke
          hybrid eval report smoke
    """


for command in (run, merge, report, judge, cited, compare, replay, suites, load, simulate):
    evaluate.add_command(command)
