"""`hybrid eval replay`: policies judged on saved records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from hybrid.evals.cli.common import JSON, show_notes, spanned
from hybrid.evals.columns import shown

from hybrid.cli.common import console, grouped, print_json
from hybrid.cli.dash import Place
from hybrid.settings.names import POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybrid.evals.replay import Replay, Row


@click.command()
@click.argument("records", type=Place(exists=True, path_type=Path))
@click.option(
    "--policy", "-p", "policies", multiple=True, help="A policy by name, or `module:function` that makes one."
)
@click.option("--model", help="For LaRA: only the replies of this model.")
@JSON
def replay(records: Path, policies: tuple[str, ...], model: str | None, as_json: bool) -> None:
    """Judge policies on saved RECORDS without an engine.

    RECORDS is a run that holds the replies of both routes, the folder of LaRA's published replies, or a JSONL file
    with question, route and label in each line. Without --policy all that are known are judged.

    \b
    Try:  hybrid eval replay smoke --policy self_route
          hybrid eval replay ../shared/data/lara --model llama-3.1-8b
    """
    from hybrid.evals import replay as replays

    cases = replays.read(records, model=model)
    judged = replays.judge([replays.policy(name) for name in policies or POLICIES], cases)
    if as_json:
        print_json(judged.model_dump(mode="json"))
        return
    _show_replay(judged)


def _show_replay(judged: Replay) -> None:
    columns: dict[str, Callable[[Row], str]] = {
        "set": lambda row: row.set,
        "policy": lambda row: row.policy + (" *" if row.on_frontier else ""),
        "n": lambda row: f"{row.n:,}",
        "score": lambda row: spanned(row.score),
        "of tasks": lambda row: f"{row.mean_of_tasks:.3f}",
        "long": lambda row: "-" if row.long is None else f"{row.long:.0%}",
        "tokens": lambda row: "-" if row.tokens is None else f"{row.tokens:,.0f}",
        "$ / 1000": lambda row: "-" if row.dollars is None else f"{1000 * row.dollars:.2f}",
    }
    console().print(grouped(*shown(judged.rows, columns)), soft_wrap=False)
    console().print("* nothing else costs no more and scores no less; of tasks: the mean over tasks of their means")
    if any(row.dollars is not None for row in judged.rows):
        console().print(f"dollars for 1,000 questions are {judged.basis}", markup=False)
    show_notes(judged.notes)
