"""The table of clauses, cell by cell: `python -m hybrid.evals.bench.clauses [--half looked|held] [--show]`.

Fourteen agreements of a page (leases, non-disclosure, services, employment, licences, a loan, supply, distribution,
consulting, terms of use, hosting, one with an amendment), each asked the 41 questions of CUAD with the default engine.
Those called `looked-` were looked at while the pipeline was made, those called `held-` were not.

A cell is right where every statement in it holds one of the gold strings, or where there is no gold and nothing is
shown. Gold that begins with "denied" is a clause that denies what is asked, or leaves a heading empty: shown or not,
such a cell has to be marked as doubtful. Cells that can be read in two ways ("?") do not count. A cell is wrong and
certain where it is wrong and not marked as doubtful.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from hybrid.evals.statistics import wilson
from hybrid.pipelines.legal.answer import Finding
from hybrid.pipelines.legal.pipeline import Legal, settings
from hybrid.pipelines.legal.question import cuad

from hybrid.cli.common import console, print_json
from hybrid.session.hybrid import Hybrid

FOLDER = Path(__file__).with_name("clauses")
HALVES = ("looked", "held")
AMENDMENTS = {"held-amendment-base.txt": "held-amendment.txt"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell with whether it is right; None where it can be read in two ways."""

    name: str
    finding: Finding
    right: bool | None
    denied: bool  # the contract denies what is asked


def corpora(half: str) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Each agreement, with its amendment, and the gold of its cells by the question's name."""
    for file in sorted(FOLDER.glob(f"{half}-*.txt")):
        if file.name in AMENDMENTS.values():
            continue
        text, _, gold = file.read_text("utf-8").partition("\n=== gold ===\n")
        other = AMENDMENTS.get(file.name)
        documents = {file.name: text} | ({other: (FOLDER / other).read_text("utf-8")} if other else {})
        yield documents, dict(line.split(": ", 1) for line in gold.splitlines() if line)


def right(finding: Finding, gold: str) -> bool | None:
    """Whether a cell is right; see the module."""
    if gold == "?":
        return None
    if not gold:
        return not finding.statements
    wanted = [part.strip() for part in gold.removeprefix("denied ").split(" | ")]
    said = [" ".join(s.quote.split()) for s in finding.statements]
    holds = all(any(part in text for part in wanted) for text in said)
    return holds and (bool(said) or gold.startswith("denied "))


def cells(half: str, hybrid: Hybrid) -> list[Cell]:
    """Every cell of a half."""
    found = []
    names = {q.ask: q.name for q in cuad()}
    for documents, gold in corpora(half):
        assert set(gold) <= set(names.values()), set(gold) - set(names.values())
        for finding in Legal(hybrid, documents).ask(cuad()):
            name = names[finding.question]
            want = gold.get(name, "")
            found.append(Cell(name, finding, right(finding, want), want.startswith("denied ")))
    return found


def summary(found: list[Cell]) -> dict[str, Any]:
    """Counts, the share of cells that are wrong and certain, and how good each kind of evidence is."""
    judged = [cell for cell in found if cell.right is not None]
    certain = [cell for cell in judged if not cell.finding.doubtful]
    wrong = [cell for cell in certain if not cell.right or cell.denied]
    low, high = wilson(len(wrong), len(certain))
    kinds: dict[str, list[bool]] = {}
    for cell in judged:
        kinds.setdefault(cell.finding.evidence, []).append(bool(cell.right) and not cell.denied)
    return {
        "cells": len(judged),
        "right": sum(bool(cell.right) for cell in judged),
        "certain": len(certain),
        "shown and certain": sum(bool(cell.finding.statements) for cell in certain),
        "shown": sum(bool(cell.finding.statements) for cell in judged),
        "wrong and certain": len(wrong),
        "share": {"mean": len(wrong) / max(1, len(certain)), "low": low, "high": high},
        "evidence": {kind: {"right": sum(values), "n": len(values)} for kind, values in sorted(kinds.items())},
    }


@click.command()
@click.option("--half", type=click.Choice(HALVES), default="looked", show_default=True)
@click.option("--show", is_flag=True, help="Show every cell that is wrong, or doubtful.")
@click.option("--json", "as_json", is_flag=True)
def main(half: str, show: bool, as_json: bool) -> None:
    """Count the cells that are wrong and told as certain."""
    with Hybrid(settings()) as hybrid:
        found = cells(half, hybrid)
    if show:
        for cell in found:
            mark = {True: "right", False: "WRONG", None: "either"}[cell.right] + (" denied" if cell.denied else "")
            f = cell.finding
            if cell.right is not True or f.doubtful or cell.denied:
                sure = f"? {f.confidence:.2f}" if f.doubtful else f"  {f.confidence:.2f} CERTAIN"
                said = " // ".join(" ".join(s.quote.split()) for s in f.statements)[:200]
                console().print(f"{mark}|{sure}|{f.evidence}|{f.document}|{cell.name}|{said}", markup=False)
    (print_json if as_json else console().print)(summary(found))


if __name__ == "__main__":
    main()
