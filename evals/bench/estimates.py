"""Where the rates that estimates assume come from, and how far off they are: `python -m hybrid.evals.bench.estimates`.

`docs/measured/h200` holds what one H200 took with vLLM 0.26 and the shape of an 8-billion model in 16 bit: a sweep by
`hybrid calibrate cost`, and single questions through `Hybrid.answer` on a document of 33 000, 65 000 and 130 000
tokens, cold and cached. Rates are fitted to the sweep within the GPU's peaks. The time of a token and of a request is
fitted to the questions on 33 000 and 130 000 tokens, since that sweep sent its prompts as lists of token ids, which a
server reads more slowly than text; those on 65 000 took no part and are what the error is told of.

`docs/measured/h200-qwen3-4b` (`hybrid.evals.bench.gpu`) holds the same of another model on another H200, which took
part in nothing: there the estimate of the engine's seconds stands beside what vLLM's own counters moved by.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from hybrid.evals.bench.tables import Row, table

from hybrid.cli.common import console, print_json
from hybrid.cost.fit import fit, load
from hybrid.cost.gpus import gpus
from hybrid.cost.rates import Rates, assumed, peaks_of
from hybrid.cost.shape import Shape
from hybrid.cost.work import work

MEASURED = Path(__file__).parents[2] / "docs" / "measured" / "h200"
OTHER = MEASURED.with_name("h200-qwen3-4b")
HELD_OUT = 2  # copies of the document that make 65 000 tokens


def estimated(shape: Shape, rates: Rates, row: Row) -> float:
    """Seconds that a question should take."""
    new = row["prompt_tokens"] - row["cached_tokens"]
    return work(shape, rates, new, row["output_tokens"], cached=row["cached_tokens"]).seconds


def of_another_model() -> list[Row]:
    """Questions to another model, and what its engine should take, as carried and as fitted to a sweep of it."""
    fitted = load(OTHER / "rates.json")
    rates = {"assumed": assumed(gpus()["h200"], "h200"), "fitted": fitted.rates}
    rows: list[Row] = []
    for part, measured in json.loads((OTHER / "figures.json").read_text("utf-8")).items():
        for row in measured if part in rates else ():
            new, cached = row["prompt_tokens"] - row["cached_tokens"], row["cached_tokens"]
            found = work(fitted.shape, rates[part], new, row["output_tokens"], cached=cached)
            rows.append({**row, "rates": part, "estimated_engine_seconds": found.engine})
    return rows


def host(shape: Shape, rates: Rates, rows: list[Row]) -> Rates:
    """The rates with the seconds of a token and of a request that suit some questions best, on a grid."""
    tried = [
        replace(rates, token=float(token), request=float(request))
        for token in np.geomspace(1e-6, 2e-5, 60)
        for request in np.geomspace(1e-3, 5e-2, 30)
    ]

    def off(one: Rates) -> float:
        return float(np.mean([abs(np.log(estimated(shape, one, row) / row["engine_seconds"])) for row in rows]))

    return min(tried, key=off)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def main(as_json: bool) -> None:
    """Fit what an H200 reached and compare the estimates with questions that were measured on it."""
    measured = load(MEASURED / "rates.json")
    rows: list[Row] = json.loads((MEASURED / "answers.json").read_text("utf-8"))
    gpu, shape = gpus()["h200"], measured.shape
    rates, seen, held_out = fit(measured.points, shape, watts=gpu.watts, peaks=peaks_of(gpu))
    rates = host(shape, rates, [row for row in rows if row["copies"] != HELD_OUT])
    shares = {name: getattr(rates, name) / peak for name, peak in peaks_of(gpu).items()}
    carried = assumed(gpu, "h200")
    told: dict[str, Any] = {
        "shares": shares,
        **{name: getattr(rates, name) for name in ("request", "token", "step")},
        "sweep": {"fitted": seen.median, "held_out": held_out.median, "held_out_90": held_out.ninth},
        "questions": [{**row, "estimated_seconds": estimated(shape, carried, row)} for row in rows],
        "another_model": of_another_model(),
    }
    if as_json:
        print_json(told)
        return
    out = console()
    out.print(", ".join(f"{name} {share:.2f} of the peak" for name, share in shares.items()), highlight=False)
    out.print(f"request {rates.request:.2g} s, token {rates.token:.2g} s, pass {rates.step:.2g} s", highlight=False)
    out.print(f"sweep, lengths held out: {held_out.median:.1%} median, {held_out.ninth:.1%} at 90 %", highlight=False)
    heads = ["prompt", "cached", "measured s", "carried estimate s", "ratio", ""]
    ordered = sorted(told["questions"], key=lambda row: (row["prompt_tokens"], row["cached_tokens"]))
    lines = [[*_cells(r, "estimated_seconds"), "held out" if r["copies"] == HELD_OUT else ""] for r in ordered]
    table(heads, lines, "One question")
    heads = ["rates", "question", "prompt", "cached", "engine s", "estimate s", "ratio"]
    lines = [[r["rates"], r["kind"], *_cells(r, "estimated_engine_seconds")] for r in told["another_model"]]
    table(heads, lines, "Qwen3-4B, not fitted to")


def _cells(row: Row, estimate: str) -> list[str]:
    """Prompt, cached tokens, seconds of the engine, the estimate, and that by these."""
    took, expected = row["engine_seconds"], row[estimate]
    sizes = f"{row['prompt_tokens']:,}", f"{row['cached_tokens']:,}"
    return [*sizes, f"{took:.2f}", f"{expected:.2f}", f"{expected / took:.2f}"]


if __name__ == "__main__":
    main()
