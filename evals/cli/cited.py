"""`hybrid eval cited`: whether the statements of a run's answers are supported by what they cite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from hybrid.evals.cli.common import CONFIG, FOLDER, JSON, QUIET, show_notes

from hybrid.cli.common import console, grouped, print_json
from hybrid.cli.effect import refuse
from hybrid.cli.progress import progress_bars
from hybrid.settings import load
from hybrid.settings.names import ENGINES

if TYPE_CHECKING:
    from hybrid.evals.cited import CitedRun, Judge
    from hybrid.evals.statistics import Estimate


@click.command()
@click.argument("folder", type=FOLDER)
@CONFIG
@click.option("--nli", help="A cross-encoder trained on natural language inference, a folder or hub name, as judge.")
@click.option("--url", help="A server whose model judges instead, such as http://localhost:8000/v1.")
@click.option("--engine", type=click.Choice(list(ENGINES)), help="Or the engine of the settings, of this kind.")
@click.option("--model", help="The judge's name on that server, or the local engine's folder or name.")
@QUIET
@JSON
def cited(
    folder: Path,
    config: str | None,
    nli: str | None,
    url: str | None,
    engine: str | None,
    model: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Tell recall and precision of the citations in the answers of the run in FOLDER, as ALCE defines them.

    Recall: the share of an answer's statements that what they cite supports. Precision: the share of its citations
    that support. Both by containment (numbers, names and most words of a statement stand in the quotation), and with a
    model by what it says; its verdicts are kept in entailed.jsonl.

    \b
    Try:  hybrid eval cited smoke
          hybrid eval cited smoke --nli cross-encoder/nli-deberta-v3-base
          hybrid eval cited smoke --engine local --model HuggingFaceTB/SmolLM2-1.7B-Instruct
    """
    from hybrid.evals.cited import cited_run

    if nli is not None and (url or engine or model) is not None:
        refuse("--nli", "beside --url, --engine or --model, which name another judge")
    if model is not None and url is None and engine is None:
        refuse("--model", "without --url or --engine", "name the judge's server or kind too")
    with progress_bars(quiet=quiet) as step:
        told = None if step is None else lambda done, total: step("judge", done, total)
        found = cited_run(folder, _judge(config, nli, url, engine, model), told)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    _show(found)


def _judge(config: str | None, nli: str | None, url: str | None, kind: str | None, model: str | None) -> Judge | None:
    from hybrid.evals.cited import Asked, Inference
    from hybrid.evals.judge import judging

    if nli is not None:
        return Inference(nli, load(config).embedder.device)
    if url is None and kind is None:
        return None
    settings = load(config, {"engine": {"url": url, "model": model, "kind": kind or "server", "max_tokens": 64}})
    return Asked(judging(settings))


def _show(found: CitedRun) -> None:
    rows = []
    for row in found.rows:
        counts = [f"{number:,}" for number in (row.n, row.statements, row.citations)]
        rows.append([row.task, row.arm, *counts, "rule", _short(row.recall), _short(row.precision)])
        if found.judge is not None:
            own = [_short(row.entailed_recall), _short(row.entailed_precision)]
            rows.append([row.task, row.arm, *counts, "model", *own])
    heads = ["task", "arm", "n", "stated", "cited", "by", "recall", "precision"]
    console().print(grouped(heads, rows), soft_wrap=False)
    for row in found.rows:
        if row.same is not None:
            told = f"{row.task}, {row.arm}: rule and model agree on {row.same:.0%} of the statements that cite"
            console().print(told, markup=False)
    if found.usage.calls:
        read = f"{found.usage.prompt_tokens:,} tokens read, {found.usage.seconds:,.0f} s"
        console().print(f"{found.judge} took {found.usage.calls:,} calls: {read}", markup=False)
    show_notes(found.notes)


def _short(one: Estimate | None) -> str:
    return "-" if one is None else f"{one.mean:.2f} \\[{one.low:.2f}, {one.high:.2f}]"
