"""`hybrid calibrate router`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybrid.cli.common import console, print_json
from hybrid.cli.dash import Place
from hybrid.cli.options import json_option, output_option
from hybrid.files import check_writable

if TYPE_CHECKING:
    from hybrid.routing.records import Calibration


@click.command()
@click.argument("records", type=Place(exists=True, dir_okay=False, path_type=Path))
@click.option("--engine", default="", help="Name of the model that answered: the weights are refused for any other.")
@output_option("hybrid-router.json")
@json_option
def router(records: Path, engine: str, output: str, as_json: bool) -> None:
    """Fit the policy `calibrated` to RECORDS: your questions, answered by both routes and scored.

    RECORDS is a JSONL file, a line for each question and route: question, document or group, route, score (0 to 1),
    features (of the answer's decision), and if known abstained, tokens and cost. Records of `hybrid eval run` are such
    lines; so are answers of `hybrid ask --json` whose other route was explored (routing.explore), once you put a
    `score` into the answer and one into its `explored`. Half of the documents are held out. If the fitted router is
    worth less there than rag, self_route or long, less costs, the command writes nothing and says which to set.

    \b
    Try:  hybrid calibrate router runs/mine/records.jsonl
          HYBRID_ROUTING_EXPLORE=0.02 hybrid ask --questions q.txt contracts/ --json > answers.json
    """
    from hybrid.routing.records import calibrate as fit_router
    from hybrid.routing.records import read
    from hybrid.routing.weights import save
    from hybrid.settings import load

    file = Path(output)
    check_writable(file)
    routing = load().routing
    policy = {"prefer": routing.prefer, "accuracy_price": routing.accuracy_price}
    found = fit_router(read(records), policy, engine=engine, source=records.name)
    if found.better:
        save(found.weights, file)
    if as_json:
        told = {key: value for key, value in asdict(found).items() if key != "weights"}
        print_json({"file": str(file) if found.better else None, "better": found.better, **told})
        return
    _show_router(found, file)


def _show_router(found: Calibration, file: Path) -> None:
    from rich.table import Table

    out = console()
    out.print(f"{found.questions} questions on {found.groups} documents were held out", markup=False)
    table = Table("answered by", "mean score")
    for name, score in found.scores.items():
        table.add_row(name, f"{score:.3f}")
    out.print(table)
    table = Table("route", "expected", "observed", "questions")
    for route, bins in found.reliability.items():
        for expected, observed, questions in bins:
            table.add_row(route, f"{expected:.2f}", f"{observed:.2f}", str(questions))
    out.print(table)
    gain, low, high = found.gain
    out.print(
        f"against the better fixed route: {gain:+.3f} (95 %: {low:+.3f} to {high:+.3f}), with {found.tokens:.0%} of "
        "the long route's tokens",
        markup=False,
    )
    gain, low, high = found.worth
    out.print(
        f"with costs taken off, against {found.fixed}: {gain:+.3f} (95 %: {low:+.3f} to {high:+.3f})", markup=False
    )
    if found.better and found.weights.rule:
        rule = found.weights.rule
        out.print(f"these records do not show more than {rule} to be worth its cost: that decides", markup=False)
    if found.better:
        told = f"{file} written; the router uses it in the current folder, or if routing.weights names it"
    else:
        best, chance = found.fixed, ", which may be chance" if high >= 0 else ""
        told = f'nothing written: {best} is worth more{chance}. Set routing.policy = "{best}", or add records'
    out.print(told, markup=False)
