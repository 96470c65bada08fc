"""Questions about names, asked through `hybrid code ask`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

import click
from hybrid.evals.bench.code.truth import Line, Truth, root_of
from hybrid.evals.bench.program import hybrid
from hybrid.evals.bench.tables import Row, row, show


@click.command()
@click.argument("packages", nargs=-1, required=True)
@click.option("--questions", default=100, help="Of each kind and package, drawn with seed 0.")
@click.option("--json", "as_json", is_flag=True)
def symbols(packages: tuple[str, ...], questions: int, as_json: bool) -> None:
    """Ask where names of PACKAGES are defined, who calls them and what they call.

    Exact means: the same set of places, none too many and none missing. A call counts where `ast` and the imports,
    scopes and base classes tell its target; calls through objects are compared apart, as what may be called.
    """
    rows: list[Row] = []
    for package in packages:
        root = root_of(package)
        truth = Truth(root, root.name)
        chosen = random.Random(0).sample(sorted(truth.asked()), min(questions, len(truth.asked())))
        kinds: dict[str, Callable[[str], set[Line]]] = {
            "Where is {} defined?": truth.defined,
            "Who calls {}?": truth.callers,
            "What does {} call?": truth.callees,
        }
        for form, expected in kinds.items():
            asked = [form.format(name) for name in chosen]
            given = dict(zip(chosen, hybrid("code", "ask", package, *asked, "--with-tests")["answers"], strict=True))
            found = {name: _places(answer, sure=True) for name, answer in given.items()}
            right = {name: found[name] == expected(name) for name in chosen}
            rows.append(_share(package, form, "exact", list(right.values())))
            some = [ok for name, ok in right.items() if expected(name)]
            rows.append(_share(package, form, "exact, where there are any", some))
            single = [ok for name, ok in right.items() if len(truth.defined(name)) == 1]
            rows.append(_share(package, form, "exact, one definition of that name", single))
            if form.startswith("Who"):
                same = [_places(answer, sure=False) == truth.possible(name) for name, answer in given.items()]
                rows.append(_share(package, form, "exact, through objects", same))
    show(rows, as_json)


def _places(answer: Row, *, sure: bool) -> set[Line]:
    return {(c["document"], c["line"]) for c in answer["citations"] if (c["score"] == 1.0) == sure}


def _share(package: str, form: str, metric: str, values: Sequence[bool]) -> Row:
    distributions = metadata.packages_distributions().get(package, ())
    version = metadata.version(distributions[0]) if distributions else ""
    return row(f"{Path(package).name} {version}".strip(), form, metric, [float(value) for value in values])
