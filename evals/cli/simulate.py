"""`hybrid eval simulate`."""

from __future__ import annotations

from functools import partial
from typing import Any

import click
from hybrid.evals.cli.common import JSON

from hybrid.cli.common import columns, console, print_json
from hybrid.cli.dash import Place
from hybrid.cli.effect import refuse, written
from hybrid.cli.options import Number
from hybrid.errors import InputError

WIDE = 100  # columns of the table
MOST = 10_000_000  # questions, and documents, that fit the memory of a small machine


@click.command()
@click.option("--engines", default=8, show_default=True, type=click.IntRange(1, 10_000), help="Copies of the model.")
@click.option("--rate", default=4.0, show_default=True, type=Number(1e-6, 1e6), help="Questions a second.")
@click.option("--questions", default=20_000, show_default=True, type=click.IntRange(100, MOST), help="Asked in a run.")
@click.option(
    "--documents", default=100_000, show_default=True, type=click.IntRange(1, MOST), help="That may be asked about."
)
@click.option("--zipf", default=1.0, show_default=True, type=Number(0, 100), help="Exponent of their popularity.")
@click.option("--whole", default=0.3, show_default=True, type=Number(0, 1), help="Share read as a whole.")
@click.option(
    "--median", default=24_000, show_default=True, type=click.IntRange(2_000, 128_000), help="Tokens of a document."
)
@click.option(
    "--cache", type=click.IntRange(0, 10**15), help="Tokens each keeps in memory; default: what the GPU has room for."
)
@click.option("--disk-gb", default=0.0, show_default=True, type=Number(0), help="Disk of each for its cache.")
@click.option("--disk-gbps", default=5.0, show_default=True, type=Number(0.001, 1e6), help="GB/s the disk loads at.")
@click.option("--shared", is_flag=True, help="One disk of that size times the engines, for all.")
@click.option("--routing", "routings", multiple=True, help="One of them; may be repeated. Default: all.")
@click.option("--start", type=click.Choice(["cold", "warm", "both"]), default="both", show_default=True)
@click.option("--gpu", default="h200", show_default=True, help="A GPU of gpus.toml.")
@click.option("--shape", default="qwen3-8b", show_default=True, help="A carried model or a folder.")
@click.option("--rates", type=Place(), help="Rates of `hybrid calibrate cost`, instead of a GPU and a shape.")
@click.option(
    "--batch", default=8, show_default=True, type=click.IntRange(1, 4096), help="Questions that decode together."
)
@click.option(
    "--limit", default=10.0, show_default=True, type=Number(0), help="Seconds for a first token to be in time."
)
@click.option(
    "--seeds", default=5, show_default=True, type=click.IntRange(1, 1000), help="Runs, of which 95 % intervals come."
)
@JSON
def simulate(**options: Any) -> None:
    """Simulate engines with prefix caches under a load, by routing; nothing is served, and no GPU is needed.

    \b
    Try:  hybrid eval simulate --engines 8 --rate 6 --zipf 1.1
          hybrid eval simulate --routing affinity --routing least --disk-gb 2000
    """
    from hybrid.evals.simulate import ROUTINGS, Fleet, Load, over_seeds
    from hybrid.evals.simulate import simulate as run

    if unknown := [name for name in options["routings"] if name not in ROUTINGS]:
        raise InputError(f"There is no routing {unknown[0]!r}; choose one of: {', '.join(ROUTINGS)}.")
    _check_effects(options)
    times, kept, size = _machine(options)
    load = Load(
        options["rate"],
        options["questions"] / options["rate"],
        documents=options["documents"],
        zipf=options["zipf"],
        whole=options["whole"],
        median=options["median"],
    )
    many = options["engines"] if options["shared"] else 1
    rows = []
    for start in ("cold", "warm"):
        fleet = Fleet(
            options["engines"],
            kept if options["cache"] is None else options["cache"],
            disk=int(options["disk_gb"] * 1e9 / size) * many,
            shared=options["shared"],
            load=options["disk_gbps"] * 1e9 / size,
            warm=start == "warm",
        )
        for routing in options["routings"] or ROUTINGS if options["start"] in (start, "both") else ():
            one = partial(run, load, fleet, times, routing, limit=options["limit"])
            figures = over_seeds(one, range(options["seeds"]))
            rows.append({"start": start, "routing": routing, **figures})
    if options["as_json"]:
        print_json({"options": options, "cache_tokens": kept, "bytes_per_token": size, "rows": rows})
        return
    _show(rows, options)


def _check_effects(options: dict[str, Any]) -> None:
    """Raise InputError for an option that changes nothing beside the others."""
    for name in ("disk_gbps", "shared"):
        if not options["disk_gb"] and written(name):
            refuse(f"--{name.replace('_', '-')}", "without a disk", "give its size with --disk-gb")
    for name in ("gpu", "shape"):
        if options["rates"] and written(name):
            refuse(f"--{name}", "beside --rates, which were measured on one machine")


def _machine(options: dict[str, Any]) -> tuple[Any, int, float]:
    """Times of a question, tokens that fit the memory of one engine, and bytes of a token."""
    from pathlib import Path

    from hybrid.evals.simulate import Times

    from hybrid.cost.fit import load
    from hybrid.cost.gpus import gpus, named
    from hybrid.cost.rates import assumed
    from hybrid.cost.shape import shape_of
    from hybrid.model.read import read_model
    from hybrid.serving.memory import GIB, kv_bytes
    from hybrid.serving.plan import plan

    if options["rates"]:
        fitted = load(Path(options["rates"]))
        size = fitted.shape.kv_bytes(1_000_000) / 1e6
        if options["cache"] is None:
            raise InputError("--rates does not tell the memory of the machine: give --cache, in tokens.")
        return Times.of(fitted.shape, fitted.rates, batch=options["batch"]), 0, size
    gpu = named(gpus(), options["gpu"].lower(), "gpu")
    model = read_model(options["shape"])
    (fit,) = plan(model, 32_768, gpus=[options["gpu"].lower()]).fits
    size = kv_bytes(model.config, 131_072) / 131_072
    kept = int(max(0.0, fit.free) * GIB / size)
    if kept < 1:
        raise InputError(f"The weights of {model.name} alone do not fit one {options['gpu']}: name a larger --gpu.")
    return Times.of(shape_of(model), assumed(gpu, options["gpu"].lower()), batch=options["batch"]), kept, size


def _show(rows: list[dict[str, Any]], options: dict[str, Any]) -> None:
    out = console()
    out.width = max(out.width, WIDE)  # a narrow page would cut figures, and ±0.015 read as ±0.01
    disk = ["disk %"] if options["disk_gb"] else []
    heads = ("", "cached %", *disk, "GPU-s each", "busy %", "wait 95, 99 %", "first", "good/s")
    table = columns(*heads, left=())
    for row in rows:
        cells = [f"{row['start']} {row['routing']}", _spanned(row["cached"], 100, 0)]
        cells += [f"{100 * row['loaded'][0]:.0f}" for _ in disk] + [_spanned(row["busy"], digits=3)]
        waits = " / ".join(f"{row[name][0]:.1f}" for name in ("p95", "p99"))
        table.add_row(*cells, f"{100 * row['used'][0]:.0f}", waits, f"{row['first95'][0]:.1f}", f"{row['good'][0]:.2f}")
    out.print(table)
    seeds = f"{options['seeds']} seeds with half of the 95 % interval" if options["seeds"] > 1 else "one seed"
    out.print(
        f"{options['engines']} engines, {options['rate']:g} questions/s, {options['questions']:,} questions, "
        f"{seeds}; first: seconds to the first token, 95 % are below",
        markup=False,
    )


def _spanned(figure: tuple[float, float | None], times: float = 1.0, digits: int = 2) -> str:
    mean, half = figure
    return f"{mean * times:.{digits}f}" + ("" if half is None else f" ±{half * times:.{digits}f}")
