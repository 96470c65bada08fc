"""How far the score without a judge follows a published judge.

Run `python -m hybrid.evals.research.agreement --data ../shared/data/lara`.

LaRA (Alibaba-NLP/LaRA at c171553, MIT; arXiv 2502.09977) published its models' replies, and what a model as judge made
of them as one figure for each model, length, kind of question and mode; labels of single replies were not published.
So means are compared, cell by cell: of the questions at hand, which are about half of LaRA's, with the published
figure. That is no agreement with people, and none on single replies.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from hybrid.evals.cli.common import FOLDER
from hybrid.evals.replay import lara

from hybrid.types import Route

TASKS = ("location", "reasoning", "comp", "hallu")
# Percent judged right, whole document / passages, in the order of TASKS, as published in the repository's main.png.
PUBLISHED: dict[str, tuple[tuple[float, float], ...]] = {
    "llama-3.1-8b 32k": ((77.60, 73.85), (51.65, 46.59), (58.29, 38.06), (78.80, 83.73)),
    "llama-3.2-3b 32k": ((69.11, 71.08), (36.60, 34.88), (31.10, 25.02), (65.13, 79.71)),
    "qwen2.5-7b-instruct 32k": ((78.10, 73.70), (51.30, 48.63), (62.35, 43.79), (76.42, 84.36)),
    "qwen2.5-72b-instruct 32k": ((83.29, 81.63), (74.06, 65.24), (68.89, 49.24), (85.08, 83.76)),
    "mistral-nemo 32k": ((54.45, 72.38), (29.81, 45.74), (29.02, 43.63), (35.27, 71.70)),
    "llama-3.1-8b 128k": ((72.64, 72.65), (48.48, 47.73), (40.87, 22.27), (58.40, 78.36)),
    "llama-3.2-3b 128k": ((60.96, 68.96), (33.99, 38.86), (24.54, 20.20), (52.06, 69.45)),
    "qwen2.5-7b-instruct 128k": ((68.94, 74.08), (44.69, 50.93), (39.51, 29.17), (42.52, 71.02)),
    "qwen2.5-72b-instruct 128k": ((76.10, 78.92), (65.25, 64.37), (54.62, 36.10), (64.45, 71.32)),
    "mistral-nemo 128k": ((23.44, 72.29), (14.87, 50.53), (7.77, 32.59), (14.77, 57.92)),
}
MODES: tuple[Route, ...] = ("long", "rag")
DRAWS = 2000


class Cell(NamedTuple):
    """One model at one length, on one kind of question in one mode."""

    model: str
    ours: float  # mean score without a judge
    judge: float  # published
    n: int  # replies that ours is the mean of


class Agreement(NamedTuple):
    """Two series of means compared."""

    cells: int
    replies: int
    r: float  # Pearson
    low: float  # 95 % interval of r, models drawn
    high: float
    bias: float  # ours minus the judge's, mean
    apart: float  # the same without its sign
    same: float  # share of the pairs of cells that both put in the same order


def by_task(folder: Path) -> dict[str, Agreement]:
    """The agreement by kind of question."""
    return {task: agreement(cells) for task, cells in cells_of(folder).items()}


def cells_of(folder: Path) -> dict[str, list[Cell]]:
    """Means of the published replies by kind of question, each beside the published judge's figure.

    Raises:
        InputError: the folder holds no replies of LaRA.
    """
    scores: dict[tuple[str, str, Route], list[float]] = defaultdict(list)
    for case in lara(folder):
        for route, outcome in case.outcomes.items():
            scores[case.set, case.task, route].append(outcome.score)
    found: dict[str, list[Cell]] = {task: [] for task in TASKS}
    for (name, task, route), own in scores.items():
        judge = PUBLISHED[name][TASKS.index(task)][MODES.index(route)] / 100
        found[task].append(Cell(name.split()[0], sum(own) / len(own), judge, len(own)))
    return found


def agreement(cells: list[Cell], seed: int = 0) -> Agreement:
    """How far our means follow the judge's; the interval draws whole models, whose cells are not independent."""
    models = sorted({cell.model for cell in cells})
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(DRAWS):
        some = [cell for model in rng.choice(models, len(models)) for cell in cells if cell.model == model]
        draws.append(_pearson(some))
    low, high = np.percentile(draws, [2.5, 97.5])
    gaps = [cell.ours - cell.judge for cell in cells]
    pairs = [(a, b) for i, a in enumerate(cells) for b in cells[i + 1 :] if a.judge != b.judge]
    same = [(a.ours - b.ours) * (a.judge - b.judge) > 0 for a, b in pairs]
    return Agreement(
        cells=len(cells),
        replies=sum(cell.n for cell in cells),
        r=_pearson(cells),
        low=float(low),
        high=float(high),
        bias=sum(gaps) / len(gaps),
        apart=sum(map(abs, gaps)) / len(gaps),
        same=sum(same) / len(same),
    )


def _pearson(cells: list[Cell]) -> float:
    return float(np.corrcoef([cell.ours for cell in cells], [cell.judge for cell in cells])[0, 1])


@click.command()
@click.option("--data", required=True, type=FOLDER)
def main(data: Path) -> None:
    """Print the agreement by kind of question."""
    click.echo("| questions | cells | replies | r | ours minus the judge's | apart | pairs in the same order |")
    click.echo("|---|---|---|---|---|---|---|")
    for task, found in by_task(data).items():
        click.echo(
            f"| {task} | {found.cells} | {found.replies:,} | {found.r:.2f} [{found.low:.2f}, {found.high:.2f}] | "
            f"{found.bias:+.3f} | {found.apart:.3f} | {found.same:.0%} |"
        )


if __name__ == "__main__":
    main()
