"""`hybrid plan`."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli.common import columns, console, print_json
from hybrid.cli.effect import refuse, written
from hybrid.cli.options import PARALLEL, Number, bits_options, cache_asked, json_option, parallel_options, tier_options
from hybrid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from hybrid.cost.gpus import Gpu
    from hybrid.model.config import Model
    from hybrid.serving.memory import Cache
    from hybrid.serving.plan import Plan
    from hybrid.serving.tier import Kept

GIB = 2**30


@click.command()
@click.argument("model")
@click.option(
    "--context", "-c", required=True, metavar="N", help="Tokens of the longest prompt and its answer: 131072, 128k, 1M."
)
@click.option("--gpu", "gpus", multiple=True, help="A GPU to fit it to; may be repeated. Default: all that are known.")
@parallel_options
@click.option(
    "--context-parallel",
    "-cp",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Parts of a prompt, each on GPUs with all weights (ring attention).",
)
@bits_options
@click.option(
    "--method",
    type=click.Choice(["yarn", "linear", "dynamic"]),
    default="yarn",
    show_default=True,
    help="How positions are extended.",
)
@click.option(
    "--times",
    default=3.0,
    show_default=True,
    type=Number(1),
    help="A question on the whole document may cost this many times one over passages, to be worth it.",
)
@tier_options
@click.option("--frequencies", is_flag=True, help="Show the rotary frequencies, native and as served.")
@json_option
def plan(model: str, context: str, gpus: tuple[str, ...], frequencies: bool, as_json: bool, **options: Any) -> None:
    """Plan a window for MODEL: overrides, memory, how many requests fit, and the command that serves it.

    MODEL is a folder with a config.json, a name carried with the project, or a hub name (its config.json is fetched).

    \b
    Try:  hybrid plan qwen3-8b --context 128k --gpu h100
          hybrid plan ./my-model -c 1M --gpu h200 -tp 8 --kv-bits 8
    """
    from dataclasses import asdict

    from hybrid.cost.gpus import known_gpus
    from hybrid.model.read import read_model
    from hybrid.serving.plan import plan as make
    from hybrid.serving.tier import GB, UNTRIED, flags, kept
    from hybrid.settings import load

    known = known_gpus(load().cost)
    what, cache = read_model(model), cache_asked(options)
    found = make(
        what,
        tokens(context),
        gpus={name: known[name] for name in (_gpu(said, known) for said in gpus or known)},
        **{name: value for name, value in options.items() if name not in ("cache_dir", "cache_gb")},
    )
    if written("method") and options["method"] != found.extension.rope_type:
        why = "is extended in its own way" if found.extension.extended else "reads as many tokens as it is"
        refuse("--method", f"on {found.model}, which {why}", "leave it out")
    if frequencies and found.extension.parameters is None:
        refuse("--frequencies", f"on {found.model}, which has no rotary positions", "leave it out")
    command = _command(model, found, options)
    held = None
    if cache is not None:
        held = kept(found, round(cache[1] * GB), options["kv_bits"])
        command += flags(what.config, cache[0], held.host)
    waves = _waves(what, found) if frequencies else None
    if as_json:
        print_json(_data(found, command, waves) | ({} if held is None else {"disk": {**asdict(held), "note": UNTRIED}}))
        return
    _show(found, command, waves, options, held)


def _gpu(said: str, known: Mapping[str, Gpu]) -> str:
    """The known name of a GPU, as people and drivers say it."""
    from hybrid.cost.gpus import named_like, unknown_gpu

    if said.strip().lower() == "cpu":
        raise InputError("A window is planned for GPUs, and 'cpu' is none: name one with --gpu, or leave it out.")
    name = named_like(said, known)
    if name not in known:
        raise InputError(unknown_gpu(said, known))
    return name


def tokens(text: str) -> int:
    """A number of tokens as people write it: 131072, 131,072, 128k, 1M (k and M count 1 024).

    Raises:
        InputError: it is not such a number.
    """
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?)([kKmM]?)", text.strip().replace(",", "").replace("_", ""))
    if match is None:
        raise InputError(f"{text!r} is not a number of tokens: write it like 131072, 128k or 1M.")
    return round(float(match[1]) * {"": 1, "k": 1024, "m": 1024**2}[match[2].lower()])


def _command(model: str, plan: Plan, options: dict[str, Any]) -> list[str]:
    """The command that serves the plan."""
    from hybrid.model.carried import hub_name
    from hybrid.serving.served import Served, flags

    cache = {8: ("--kv-cache-dtype", "fp8"), 4: ("--kv-cache-dtype", "int4_per_token_head")}
    extra, parts = cache.get(options["kv_bits"], ()), str(options["context_parallel"])
    if options["context_parallel"] > 1:
        extra = (*extra, "--prefill-context-parallel-size", parts, "--decode-context-parallel-size", parts)
    served = Served(
        model=hub_name(model),
        name=plan.model,
        window=plan.context,
        overrides=plan.extension.overrides,
        extra=extra,
        **{name: options[name] for name in PARALLEL},
    )
    return ["vllm", "serve", served.model, *flags(served)]


def _waves(model: Model, plan: Plan) -> dict[str, list[float]] | None:
    """Tokens per turn of each rotated pair, before and after."""
    import math

    from hybrid.model.config import window_of
    from hybrid.model.extension import extend
    from hybrid.model.layers import head_size
    from hybrid.model.rope import frequencies

    rope = plan.extension.parameters
    if rope is None:
        return None
    config = model.config
    plain = extend(config, 1).parameters or rope
    width, trained = head_size(config), window_of(config)
    before, _ = frequencies(plain, width, None, trained)
    after, factor = frequencies(rope, width, plan.context, trained)
    return {
        "native": (2 * math.pi / before).tolist(),
        "served": (2 * math.pi / after).tolist(),
        "attention_factor": [factor],
    }


def _data(plan: Plan, command: list[str], waves: dict[str, list[float]] | None) -> dict[str, Any]:
    from dataclasses import asdict

    data = asdict(plan)
    data["extension"].pop("parameters")
    data["extension"].pop("warnings")
    return {**data, "command": command, **({"tokens_per_turn": waves} if waves else {})}


def _show(
    plan: Plan,
    command: list[str],
    waves: dict[str, list[float]] | None,
    options: dict[str, Any],
    held: Kept | None,
) -> None:
    out = console()
    out.soft_wrap = False  # also in a pipe: only the command has to be one line
    extension = plan.extension
    how = f"{extension.rope_type} by {extension.factor:g}" if extension.extended else "as it is"
    out.print(
        f"[bold]{plan.model}[/], {plan.parameters:.3g} billion parameters, native window {extension.native:,} tokens"
    )
    out.print(f"to read [bold]{plan.context:,}[/] tokens: {how}")
    table = columns("cache of keys and values", "per token, KiB", "per request, GiB")
    for cache in plan.caches:
        table.add_row(f"{cache.bits} bit", _per_token(cache), f"{cache.per_request / GIB:.2f}")
    out.print(table)
    _show_fits(out, plan)
    _show_questions(out, plan)
    if held is not None:
        _show_kept(out, plan, held, options["cache_gb"])
    if options["kv_bits"] == 4:
        out.print("vLLM keeps scales beside 4-bit values: a few percent more than these sizes.", markup=False)
    for warning in plan.warnings:
        out.print(f"[yellow]note[/] {warning}")
    if waves:
        _show_waves(out, waves)
    out.print("\n[bold]serve it[/]  (or let `hybrid up` start, check and connect it)")
    out.print(shlex.join(command), markup=False, soft_wrap=True)


def _per_token(cache: Cache) -> str:
    """KiB of a token: of the first ones and of the later ones, if layers look back only some tokens."""
    last, first = (f"{size / 1024:.1f}" for size in (cache.per_token, cache.first))
    return last if cache.per_token == cache.first else f"{first} to {cache.until:,} tokens, then {last}"


def _show_fits(out: Console, plan: Plan) -> None:
    if not plan.fits:
        return
    table = columns("GPU", "weights", "left for cache", "requests", "short by", "fits from")
    for fit in plan.fits:
        left = f"{max(0.0, fit.free):.1f} of {fit.memory:g}"
        short = "" if fit.requests else f"{fit.missing:.1f}"
        needed = "" if fit.requests else f"{fit.needed} GPUs" if fit.needed else "not with 64"
        table.add_row(fit.gpu, f"{fit.weights:.1f}", left, str(fit.requests), short, needed)
    out.print(table)
    each = "one GPU" if plan.fits[0].gpus == 1 else f"each of {plan.fits[0].gpus} GPUs"
    out.print(f"GiB on {each}; requests of {plan.context:,} tokens at once", markup=False)


def _show_questions(out: Console, plan: Plan) -> None:
    """The estimated seconds of a question by route."""
    if not plan.questions:
        return
    times = plan.questions[0].times
    table = columns("GPU", "passages", "whole", "cached", "from host", "worth it")
    for q in plan.questions:
        base = q.passages.seconds
        shown = [f"{e.seconds:.2f} s ({_times(e.seconds / base)})" if e else "?" for e in (q.cold, q.warm, q.offloaded)]
        table.add_row(q.label, f"{base:.2f} s", *shown, _from(q.questions))
    out.print(table)
    out.print(
        "what a question takes, estimated: over passages; over the whole, cold, cached, and back from the host's "
        "memory. Worth it: from how many questions on one document the average costs at most "
        f"{times:g} times one over passages (--times)",
        markup=False,
    )
    first = plan.questions[0].cold
    share = first.attention_flops / first.flops if first.flops else 0.0
    where = f", and overtakes the rest at {plan.overtakes:,} tokens" if plan.overtakes else ""
    out.print(f"of the cold prompt's operations {share:.0%} are attention's, which grow with its square{where}")


def _show_kept(out: Console, plan: Plan, held: Kept, gigabytes: float) -> None:
    """A cache on disk: what it holds, and from which speed of its disk on it is worth having."""
    from hybrid.serving.tier import GB, SINCE, UNTRIED

    tokens = f"{held.tokens:,} tokens, " if held.tokens else ""
    out.print(
        f"a cache of {gigabytes:g} GB on disk holds {tokens}{held.documents:,} documents of {plan.context:,}; they "
        f"pass through {held.host / GB:.1f} GB of the host's memory (/dev/shm)",
        markup=False,
    )
    if held.even:
        fast = ", ".join(f"{speed:.1f} on {label}" for label, speed in held.even)
        out.print(f"loading one is quicker than computing it where the disk reads, in GB a second, more than {fast}")
    out.print(f"[yellow]note[/] {UNTRIED}; it needs a GPU and vLLM {SINCE[0]}.{SINCE[1]} or later")
    out.print(
        "[yellow]note[/] vLLM sets the folder no bound, and mixes models of one name in it that differ otherwise: "
        "`hybrid up` bounds it, and gives each a folder of its own"
    )


def _times(ratio: float) -> str:
    return f"{ratio:.1f}x" if ratio < 10 else f"{ratio:,.0f}x"


def _from(questions: int | None) -> str:
    return "never" if questions is None else "at once" if questions == 1 else f"from {questions:,}"


def _show_waves(out: Console, waves: dict[str, list[float]]) -> None:
    table = columns("pair", "tokens per turn, native", "as served", "stretched by")
    for i, (before, after) in enumerate(zip(waves["native"], waves["served"], strict=True)):
        table.add_row(str(i), f"{before:,.1f}", f"{after:,.1f}", f"{after / before:.3f}")
    out.print(table)
    out.print(f"queries and keys are multiplied by {waves['attention_factor'][0]:.4f}")
