"""Options that several commands have, and the settings that they make."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from hybrid.cli.dash import Place
from hybrid.cli.effect import check_effects
from hybrid.errors import InputError
from hybrid.settings import Settings, load
from hybrid.settings.names import ENGINES, POLICIES
from hybrid.settings.section import LARGEST

F = TypeVar("F", bound=Callable[..., Any])


class Number(click.FloatRange):
    """A finite number: no range keeps `nan` out, and few calculations stand `inf` or what leads there."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, as `click.FloatRange` gives it."""
        given = click.FLOAT.convert(value, param, ctx)
        if not math.isfinite(given):
            self.fail(f"{given} is no finite number.", param, ctx)
        found = super().convert(value, param, ctx)
        if self.max is None and abs(found) > LARGEST:
            self.fail(f"{found:g} is more than {LARGEST:g}, the most that is taken here.", param, ctx)
        return found


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator."""

    def add(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def output_option(file: str) -> Callable[[F], F]:
    """The option for the file that a result is written to."""
    return click.option("--output", "-o", default=file, show_default=True, type=Place(), help="File to write.")


def _bits(context: click.Context, option: click.Parameter, given: str | None) -> int | None:
    return None if given is None else int(given)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
quiet_option = click.option("--quiet", "-q", is_flag=True, help="No progress bars.")
url_option = click.option("--url", help="An OpenAI-compatible server, such as http://localhost:8000/v1.")
urls_option = click.option(
    "--url",
    "urls",
    multiple=True,
    help="An OpenAI-compatible server, such as http://localhost:8000/v1; again for more servers of the same model.",
)
where_option = click.option("--where", help="Read only documents that pass, such as: year >= 2024 and kind == 'pdf'.")
prefer_option = click.option(
    "--prefer",
    type=click.Choice(["accuracy", "balance", "cost"]),
    help="What the policy calibrated aims at. [default: balance]",
)
bits_options = together(
    click.option(
        "--weight-bits",
        type=click.Choice(["16", "8", "4"]),
        callback=_bits,
        help="Bits of a weight. [default: as its files or its configuration say]",
    ),
    click.option(
        "--kv-bits",
        type=click.Choice(["16", "8", "4"]),
        callback=_bits,
        default="16",
        show_default=True,
        help="Bits of a cached key or value.",
    ),
)
PARALLEL = ("tensor_parallel", "pipeline_parallel", "data_parallel")
parallel_options = together(
    *(
        click.option(
            f"--{name}-parallel", f"-{name[0]}p", default=1, type=click.IntRange(1), show_default=True, help=text
        )
        for name, text in (
            ("tensor", "GPUs that share each layer."),
            ("pipeline", "Groups of GPUs, or nodes, that share the layers."),
            ("data", "Copies of the model behind one address."),
        )
    )
)
tier_options = together(
    click.option(
        "--cache-dir", type=Place(), help="Folder on disk for what was computed, loaded again after a restart."
    ),
    click.option("--cache-gb", type=Number(min=0, min_open=True), help="Bound of that folder, in 10^9 bytes."),
)
corpus_options = together(  # of every command that opens a corpus
    click.option("--config", type=Place(), help="Settings file; default: hybrid.toml here, if there is one."),
    click.option(
        "--index",
        "index_dir",
        type=Place(),
        help="Folder of the index, or address of one in Lance; default: your cache folder.",
    ),
    click.option("--embedder", help="Embedding model: 'minilm' (packaged), a folder or a hub name."),
    json_option,
    quiet_option,
)
engine_options = together(  # of every command that answers
    urls_option,
    click.option("--engine", "kind", type=click.Choice(list(ENGINES)), help="What answers. [default: extractive]"),
    click.option(
        "--window",
        type=click.IntRange(64),
        help="Tokens that the server reads, if it does not say; a local model is extended to it.",
    ),
    click.option("--model", help="The model's name on that server; with --engine local a folder or a GGUF file."),
    click.option("--policy", type=click.Choice(list(POLICIES)), help="How routes are chosen."),
    prefer_option,
    click.option("-k", "k", type=click.IntRange(1), help="Passages read on the route rag."),
)


def addresses(urls: Sequence[str]) -> dict[str, Any]:
    """The settings of an engine for the servers that a command line names."""
    return {"urls": tuple(urls)} if len(urls) > 1 else {"url": urls[0]} if urls else {}


def cache_asked(options: Mapping[str, Any]) -> tuple[str, float] | None:
    """The folder of a cache on disk and its bound in GB; None where none is asked for.

    Raises:
        InputError: one is given without the other.
    """
    folder, gigabytes = options["cache_dir"], options["cache_gb"]
    if (folder is None) != (gigabytes is None):
        missing, given = ("--cache-gb", "--cache-dir") if gigabytes is None else ("--cache-dir", "--cache-gb")
        raise InputError(f"{given} needs {missing}: a cache on disk is a folder and a bound, because vLLM sets none.")
    return None if folder is None else (folder, gigabytes)


def settings_from(options: Mapping[str, Any], *, weighed: bool = False) -> Settings:
    """Settings with a command's options on top.

    Args:
        weighed: whether the decision is for a model that the settings do not name.

    Raises:
        UserError: an option does not fit, or has no effect.
    """
    from hybrid.cost.gpus import with_known_gpu

    urls = tuple(options.get("urls") or ())
    settings = load(
        options.get("config"),
        {
            "index": {"dir": options.get("index_dir")},
            "embedder": {"model": options.get("embedder")},
            "engine": {
                **addresses(urls),
                "model": options.get("model"),
                "kind": options.get("kind") or ("server" if urls else None),
                "window": options.get("window"),
            },
            "routing": {"policy": options.get("policy"), "prefer": options.get("prefer")},
            "retrieval": {"k": options.get("k")},
        },
    )
    check_effects(options, settings, weighed=weighed)
    return settings.model_copy(update={"cost": with_known_gpu(settings.cost)})
