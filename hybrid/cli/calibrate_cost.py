"""`hybrid calibrate cost`."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from hybrid.cli.common import console, print_json
from hybrid.cli.options import Number, bits_options, json_option, output_option, quiet_option
from hybrid.cli.progress import progress_bars
from hybrid.errors import EngineError, InputError
from hybrid.files import check_writable
from hybrid.settings.address import shown

if TYPE_CHECKING:
    from hybrid.cost.fit import Fitted


@click.command()
@click.option("--url", help="Base URL of the vLLM server; default: engine.url of hybrid.toml.")
@click.option("--model", help="The model's folder, carried name or hub name; default: the server's.")
@click.option(
    "--window", type=click.IntRange(64), help="Tokens of the longest prompt with its answer; default: the server's."
)
@click.option("--minutes", default=5.0, show_default=True, type=Number(0.2), help="Minutes of measuring.")
@click.option("--hardware", help="What the server runs on; default: the GPU or CPU of this machine.")
@click.option("--gpus", default=1, show_default=True, type=click.IntRange(1), help="GPUs of one copy of the model.")
@bits_options
@output_option("hybrid-rates.json")
@click.option("--seed", default=0, show_default=True)
@json_option
@quiet_option
def cost(**options: Any) -> None:
    """Measure a vLLM server on prompts of many lengths, cached and not, and fit the rates it reaches.

    From then on, estimates use the file if it is in the current folder or named in cost.rates, and have an interval.
    A third of the lengths is held out of the fit; the command reports the error on them.

    \b
    Try:  hybrid calibrate cost --url http://localhost:8000/v1
    """
    from hybrid.cost.fit import save

    file, notes = Path(options["output"]), list[str]()
    check_writable(file)
    fitted = _measured(options, notes.append)
    save(fitted, file)
    if options["as_json"]:
        print_json({"file": str(file), "notes": notes, **asdict(fitted)})
        return
    _show(fitted, file)
    for note in notes:
        console().print(f"[yellow]note[/] {note}")


def _measured(options: dict[str, Any], note: Callable[[str], None]) -> Fitted:
    """The rates that the server reaches, fitted to measured loads."""
    from hybrid.cost.fit import Fitted, fit
    from hybrid.cost.gpus import known_gpus
    from hybrid.cost.rates import peaks_of
    from hybrid.cost.shape import shape_of
    from hybrid.cost.sweep import sweep
    from hybrid.model.quantization import bits_of
    from hybrid.model.read import read_model
    from hybrid.settings import load

    settings = load(None, {"engine": {"url": options["url"]}})
    url = settings.engine.url
    if settings.engine.urls:
        raise InputError("engine.urls names several servers: give the one to measure with --url.")
    if not url:
        raise InputError("No server is named: give --url, such as http://localhost:8000/v1.")
    key = os.environ.get("VLLM_API_KEY") or os.environ.get(settings.engine.api_key_env, "")
    name, root, window = _served(url, key, options["window"] or settings.engine.window)
    model = read_model(options["model"] or _model_of(root))
    weight_bits = options["weight_bits"] or bits_of(model.config)
    shape = shape_of(model, weight_bits=weight_bits, kv_bits=options["kv_bits"])
    hardware, gpu = _hardware(url, options["hardware"], known_gpus(settings.cost))
    known = known_gpus(settings.cost).get(gpu)
    watts = None if known is None or known.watts is None else known.watts * options["gpus"]
    with progress_bars(quiet=options["quiet"]) as progress:
        points = sweep(
            url,
            name,
            window,
            seconds=60 * options["minutes"],
            seed=options["seed"],
            key=key,
            say=None if progress is None else partial(progress, "measuring"),
            note=note,
        )
    peaks = None if known is None else peaks_of(known, options["gpus"], weight_bits=weight_bits)
    rates, seen, held_out = fit(points, shape, gpus=options["gpus"], watts=watts, peaks=peaks)
    return Fitted(
        rates=replace(rates, label=hardware),
        shape=shape,
        model=model.name if "/" not in model.name else Path(model.name).name,
        engine=f"{name} at {urlsplit(shown(url)).netloc}",
        hardware=hardware,
        gpu=gpu,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        seen=seen,
        held_out=held_out,
        points=tuple(points),
    )


def _served(url: str, key: str, wanted: int | None) -> tuple[str, str, int]:
    """Name, model and window of what a server serves.

    Args:
        wanted: tokens that were set; the result is the least of these and the server's.
    """
    from openai import OpenAI, OpenAIError

    try:
        listed = OpenAI(base_url=url, api_key=key or "none", max_retries=1, timeout=30).models.list().data
    except (OpenAIError, ValueError) as error:
        raise EngineError(
            f"No vLLM server answers at {shown(url)} ({type(error).__name__}): start one with hybrid up."
        ) from None
    told = listed[0].model_dump() if listed else {}
    window = told.get("max_model_len")
    known = [tokens for tokens in (window, wanted) if isinstance(tokens, int)]
    if not known or not told:
        raise EngineError(
            f"The server at {shown(url)} does not tell its window as vLLM does: give --window with the tokens that it "
            "was started with."
        )
    return str(told["id"]), str(told.get("root") or told["id"]), min(known)


def _model_of(root: str) -> str:
    """The model behind a server, if its configuration is here or carried."""
    from hybrid.model.carried import carried, hub_name

    if Path(root).is_dir():
        return root
    for name in carried():
        if hub_name(name).lower() == root.lower():
            return name
    raise InputError(
        f"The server serves {root}, whose configuration is not at hand: name its folder, a carried model or, to fetch "
        "its config.json, the hub name with --model."
    )


def _hardware(url: str, given: str | None, known: Iterable[str]) -> tuple[str, str]:
    """What the server runs on, in words and as a name of the table of GPUs (empty: not in it)."""
    from hybrid.cost.gpus import gpu_here, named_like

    if given is not None:
        words = given
    elif urlsplit(url).hostname not in ("localhost", "127.0.0.1", "::1"):
        raise InputError(
            f"The server at {shown(url)} is on another machine: name what it runs on with --hardware, such as h100."
        )
    else:
        words = gpu_here() or f"{_cpu_here()}, no GPU"
    name = named_like(words, known)
    return words, name if name in known else ""


def _cpu_here() -> str:
    name = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores of {name}"


def _show(fitted: Fitted, file: Path) -> None:
    from rich.table import Table

    rates, out = fitted.rates, console()
    out.print(f"[bold]{fitted.model}[/] on {fitted.hardware}, {len(fitted.points)} loads measured", highlight=False)
    table = Table("reached", "")
    table.add_row("matrix products", f"{rates.flops / 1e12:,.3g} TFLOP/s")
    table.add_row("attention in prefill", f"{rates.attention / 1e12:,.3g} TFLOP/s")
    table.add_row("bandwidth in decoding", f"{rates.bandwidth / 1e9:,.3g} GB/s")
    table.add_row("each request", f"{rates.request * 1e3:,.2f} ms")
    table.add_row("each 1 000 tokens of prompt", f"{rates.token * 1e6:,.2f} ms")
    table.add_row("each pass", f"{rates.step * 1e3:,.2f} ms")
    out.print(table)
    table = Table("estimate against measurement", "loads", "median error", "90 % below")
    for name, found in (("lengths fitted", fitted.seen), ("lengths held out", fitted.held_out)):
        table.add_row(name, str(found.points), f"{found.median:.1%}", f"{found.ninth:.1%}")
    out.print(table)
    low, high = rates.spread or (1.0, 1.0)
    out.print(
        f"estimates carry the interval {low:.2f} to {high:.2f} times (90 % of the lengths held out)", markup=False
    )
    out.print(f"{file} written; estimates use it in the current folder, or if cost.rates names it", markup=False)
