"""`hybrid route`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hybrid.cli.common import columns, console, print_json
from hybrid.cli.dash import once, said
from hybrid.cli.effect import refuse
from hybrid.cli.options import corpus_options, engine_options, settings_from, where_option
from hybrid.cli.progress import progress_bars
from hybrid.cli.words import corpus_of, in_order

if TYPE_CHECKING:
    from rich.console import Console

    from hybrid.settings import CostSettings, Settings
    from hybrid.types import Decision


@click.command()
@click.argument("question")
@click.argument("paths", nargs=-1, type=click.Path())
@where_option
@engine_options
@click.option("--gpu", help="The GPU that costs are estimated for, such as h100.")
@corpus_options
def route(question: str, paths: tuple[str, ...], **options: Any) -> None:
    """Tell which way QUESTION would take over PATHS, and why, without asking a model.

    Without a server, --model names the model to decide for: a folder, or a name that `hybrid plan` knows. It need not
    be on this machine.

    \b
    hybrid route "How do the two leases differ?" contracts/ --model qwen3-8b --gpu h100
    hybrid route "Who signed it?" contracts/ --url http://localhost:8000/v1 --prefer cost --json
    """
    from hybrid.engines.planned import Planned
    from hybrid.index.embedding import Embedder
    from hybrid.session.hybrid import Hybrid

    once(question, *paths)
    settings, model = _settings(options), options["model"]
    only_named = bool(model) and settings.engine.kind == "extractive"
    engine = Planned(model, Embedder(settings.embedder)) if only_named else None
    with Hybrid(settings, engine=engine) as hybrid, progress_bars(quiet=options["quiet"]) as progress:
        (question, *_), places = in_order([question, *paths]) if paths else ([question], [])
        decision = hybrid.decide(said(question), corpus_of(places, settings), where=options["where"], progress=progress)
    if options["as_json"]:
        print_json(decision.model_dump(mode="json"))
        return
    _show(console(), decision)


def _settings(options: dict[str, Any]) -> Settings:
    """The settings of the options, with costs of the model and the GPU that they name."""
    from hybrid.cost.gpus import with_known_gpu

    # without a server the model's shape decides
    named_only = options["model"] and not options["urls"] and not options["kind"]
    settings = settings_from({**options, "model": None} if named_only else options, weighed=bool(named_only))
    if named_only and settings.engine.kind != "extractive":
        settings = settings_from(options)
    cost = {}
    if options["gpu"] is not None:
        _check_gpu(settings.cost)
        cost["gpu"] = with_known_gpu(settings.cost.model_copy(update={"gpu": options["gpu"]})).gpu
    if options["model"] and settings.engine.kind == "extractive":
        cost["shape"] = options["model"]
    return settings.model_copy(update={"cost": settings.cost.model_copy(update=cost)})


def _check_gpu(settings: CostSettings) -> None:
    """Raise InputError if the named GPU changes no estimate."""
    from hybrid.cost.fit import rates_file
    from hybrid.cost.price import has_token_prices

    if has_token_prices(settings):
        refuse("--gpu", "where tokens have prices, as in the settings of [cost]")
    file = rates_file(settings.rates)
    if file is not None:
        refuse("--gpu", f"where costs are as calibrated in {file}", "leave it out, or go to another folder")


def _show(out: Console, decision: Decision) -> None:
    from rich.markup import escape

    out.print(f"[bold]{decision.route}[/] ({decision.rung}), by the policy {decision.policy}")
    out.print(decision.reason, markup=False)
    if decision.ordering:
        out.print(f"passages stand by {decision.ordering}", markup=False)
    table = columns("reads", "tokens", "cached", "calls", "$", "expected right", "worth $")
    for prediction in decision.predictions:
        right, dollars = decision.expected.get(prediction.rung), prediction.cost.dollars
        worth = decision.worth.get(prediction.rung)
        table.add_row(
            prediction.rung,
            f"{prediction.prompt_tokens:,}",
            f"{prediction.cached_tokens:,}" if prediction.cached_tokens else "",
            str(prediction.calls),
            "?" if dollars is None else f"{dollars:.2g}",
            "" if right is None else f"{right:.0%}",
            "" if worth is None else f"{worth:.4f}",
        )
    out.print(table, soft_wrap=False)
    known = ", ".join(f"{name} {value:g}" for name, value in decision.features.items())
    out.print(f"[dim]{escape(known)}[/]")
