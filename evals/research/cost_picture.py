"""The seconds of a question by route and document length, as a table and a picture.

Run `python -m hybrid.evals.research.cost_picture`.

    python -m hybrid.evals.research.cost_picture --svg docs/cost.svg [--rates hybrid-rates.json]

Lines are estimates at the assumed shares of the GPUs' peaks. With --rates, a further row shows a calibrated engine: its
estimates with their interval, and the measured points on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from hybrid.cost.fit import Fitted, load
from hybrid.cost.gpus import gpus
from hybrid.cost.rates import assumed
from hybrid.cost.shape import shape_of
from hybrid.cost.work import BreakEven, break_even, work
from hybrid.model.carried import carried

MODELS = {"qwen3-8b": 1, "qwen3-32b": 2, "llama-3.1-70b": 4}  # GPUs that share a copy
GPUS = ("l40s", "h100", "h200")
LENGTHS = (4_096, 8_192, 16_384, 32_768, 65_536, 131_072)
PASSAGES = 1_700
ROUTES = {"passages": "#0072B2", "whole, cold": "#D55E00", "whole, cached": "#009E73"}  # Okabe and Ito


@click.command()
@click.option("--svg", type=click.Path(path_type=Path), help="Write the picture.")
@click.option(
    "--rates", type=click.Path(exists=True, path_type=Path), help="The file that `hybrid calibrate cost` wrote."
)
def main(svg: Path | None, rates: Path | None) -> None:
    """Print the table, and draw the picture."""
    click.echo("| model | GPUs | document | passages, s | cold, s | cached, s | worth it from |")
    click.echo("|---|---|---|---|---|---|---|")
    for model, count in MODELS.items():
        for name in GPUS:
            for length in (32_768, 131_072):
                found = _found(model, name, length)
                base = found.passages.engine
                times = [f"{e.engine:.2f} ({e.engine / base:.1f}x)" for e in (found.cold, found.warm)]
                n = found.questions
                paid = "never" if n is None else f"{n} question{'s' if n > 1 else ''}"
                click.echo(
                    f"| {model} | {count} {name} | {length // 1024}K | {base:.2f} | {' | '.join(times)} | {paid} |"
                )
    if svg is not None:
        _draw(svg, None if rates is None else load(rates))


def _found(model: str, gpu: str, length: int) -> BreakEven:
    rates = assumed(gpus()[gpu], gpu, gpus=MODELS[model])
    return break_even(shape_of(carried()[model]), rates, length, PASSAGES)


def _draw(file: Path, fitted: Fitted | None) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "hybrid"  # the same picture is the same file
    from matplotlib import pyplot as plt

    rows = len(MODELS) + (fitted is not None)
    figure, axes = plt.subplots(rows, len(GPUS), figsize=(11, 2.6 * rows), squeeze=False, sharex=False)
    for row, (model, count) in enumerate(MODELS.items()):
        for column, name in enumerate(GPUS):
            axis = axes[row][column]
            found = [_found(model, name, length) for length in LENGTHS]
            ways = [(f.passages, f.cold, f.warm) for f in found]
            for (label, colour), values in zip(ROUTES.items(), zip(*ways, strict=True), strict=True):
                axis.plot(LENGTHS, [e.gpu_seconds for e in values], color=colour, label=label)
            _finish(axis, f"{model} on {count} {name}", LENGTHS)
            axis.set_ylabel("GPU-seconds" if column == 0 else "")
    if fitted is not None:
        _measured(axes[-1], fitted)
    axes[0][0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})


def _measured(axes: Sequence[Any], fitted: Fitted) -> None:
    """A calibrated engine: cold, cached and long replies, estimates as bands and measurements as points."""
    cached = [p for p in fitted.points if p.cached > 0.8 * (p.new + p.cached) and p.output == 1 and p.batch == 1]
    cold = [p for p in fitted.points if p.cached == 0 and p.output == 1 and p.batch == 1]
    longer = [p for p in fitted.points if p.cached == 0 and p.output > 1 and p.batch == 1]
    low, high = fitted.rates.spread or (1.0, 1.0)
    for axis, (label, points, colour) in zip(
        axes,
        (
            ("cold, one token written", cold, ROUTES["whole, cold"]),
            ("19 of 20 tokens cached", cached, ROUTES["whole, cached"]),
            ("cold, 33 tokens written", longer, ROUTES["passages"]),
        ),
        strict=True,
    ):
        points = sorted(points, key=lambda p: p.new + p.cached)
        lengths = [p.new + p.cached for p in points]
        line = [work(fitted.shape, fitted.rates, p.new, p.output, cached=p.cached).seconds for p in points]
        axis.plot(lengths, line, color=colour)
        axis.fill_between(lengths, [low * t for t in line], [high * t for t in line], color=colour, alpha=0.2, lw=0)
        axis.plot(lengths, [p.seconds for p in points], "o", color="black", ms=4, label="measured")
        _finish(axis, f"{fitted.model}, no GPU: {label}", lengths)
        axis.set_xlabel("tokens of the prompt")
    axes[0].set_ylabel("seconds")
    axes[0].legend(frameon=False, fontsize=8)


def _finish(axis: Any, title: str, lengths: Sequence[int]) -> None:
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_title(title, fontsize=9)
    axis.set_xticks(list(lengths), [f"{n // 1024}K" if n >= 1024 else str(n) for n in lengths], fontsize=7)
    axis.minorticks_off()
    axis.grid(alpha=0.3)


if __name__ == "__main__":
    main()
