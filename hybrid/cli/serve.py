"""`hybrid serve`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli.common import console, print_json
from hybrid.cli.effect import refuse
from hybrid.cli.options import corpus_options, engine_options, settings_from
from hybrid.cli.progress import progress_bars
from hybrid.errors import InputError
from hybrid.settings import ServeSettings

if TYPE_CHECKING:
    from hybrid.settings import Settings


@click.command()
@click.argument("corpora", nargs=-1)
@click.option("--host", help="The address to listen on; any other than this machine's needs a key.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0 for any that is free.")
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@engine_options
@corpus_options
def serve(corpora: tuple[str, ...], opens: bool, **options: Any) -> None:
    """Serve CORPORA: a page, an OpenAI-compatible endpoint that routes, and tools for MCP clients.

    Each of CORPORA is a path, or NAME=PATH; without any, serve.corpora of the settings, or uploads alone.

    \b
    hybrid serve contracts/
    hybrid serve leases=contracts/leases code=src/ --url http://localhost:8000/v1
    HYBRID_SERVE_KEY=... hybrid serve contracts/ --host 0.0.0.0
    """
    from hybrid.serve.service import Service
    from hybrid.serve.start import check_reach, listening
    from hybrid.serve.start import serve as start
    from hybrid.session.hybrid import Hybrid

    if options["index_dir"] is not None:
        refuse("--index", "where several corpora are served", "leave it out: each has its own in the cache folder")
    settings = settings_from(options)
    settings = settings.model_copy(update={"index": settings.index.model_copy(update={"dir": None})})
    chosen = _chosen(corpora, settings, options)
    check_reach(chosen)
    with listening(chosen) as socket_, Hybrid(settings) as hybrid:
        service = Service(hybrid, chosen)
        with progress_bars(quiet=options["quiet"]) as progress:
            for name in service.shelf:
                service.shelf.open(name, progress)
        address = f"http://{chosen.host if chosen.host != '0.0.0.0' else 'localhost'}:{socket_.getsockname()[1]}"
        if options["as_json"]:
            print_json({"url": address, "corpora": list(service.shelf)})
        elif not options["quiet"]:
            _tell(service, address)
        if opens:
            import webbrowser

            webbrowser.open(address)
        start(service, socket_, log=not options["quiet"])


def _chosen(corpora: tuple[str, ...], settings: Settings, options: dict[str, Any]) -> ServeSettings:
    """The settings of the service, with the corpora, host and port of the command line."""
    named: dict[str, tuple[str, ...]] = {}
    for given in corpora:
        name, equals, path = given.partition("=")
        if not equals or not path or os.path.exists(given):  # noqa: PTH110 - Path raises for long names
            path, name = given, name_of(given)
        if name in named:
            raise InputError(f"Two corpora are named {name!r}: name them yourself, as in {name}-2={path}.")
        named[name] = (path,)
    values = {"host": options["host"], "port": options["port"]}
    changed = {name: value for name, value in values.items() if value is not None}
    known = settings.serve.model_copy(update=changed)
    if named:
        return known.model_copy(update={"corpora": named})
    if not known.corpora and settings.corpus.paths:
        return known.model_copy(update={"corpora": {"documents": settings.corpus.paths}})
    return known


def name_of(path: str) -> str:
    """A name for a corpus: that of its folder or file, in the letters that a name may have."""
    last = Path(path).resolve().name or "documents"
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in last)[:64].strip("-.") or "documents"


def _tell(service: Any, address: str) -> None:
    out = console(stderr=True)
    out.print(f"[bold]{address}[/]  the page", soft_wrap=True)
    out.print(
        f"{address}/v1  for OpenAI clients; models: {', '.join(service.shelf) or 'upload documents first'}",
        soft_wrap=True,
    )
    out.print(f"{address}/mcp  for MCP clients. Stop with Ctrl+C.", soft_wrap=True)
