"""`hybrid mcp`."""

from __future__ import annotations

from typing import Any

import click

from hybrid.cli.dash import questions_alone
from hybrid.cli.options import corpus_options, engine_options, settings_from
from hybrid.cli.serve import name_of
from hybrid.cli.words import corpus_of


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@engine_options
@corpus_options
def mcp(paths: tuple[str, ...], **options: Any) -> None:
    """Offer the documents of PATHS to an MCP client: the tools ask, search, fetch and route, all read-only.

    A client starts this itself and speaks to it over standard input and output; `hybrid serve` has the same tools over
    HTTP.

    \b
    claude mcp add contracts -- hybrid mcp contracts/
    """
    from hybrid.corpus.corpus import Corpus
    from hybrid.serve.mcp import Tools
    from hybrid.serve.shelf import Shelf
    from hybrid.session.corpora import address
    from hybrid.session.hybrid import Hybrid

    questions_alone(paths)
    with Hybrid(settings_from(options)) as hybrid:
        places = [str(path) for path in corpus_of(list(paths), hybrid.settings)]
        if address(places) is None:
            Corpus.of(places, hybrid.settings.corpus)  # a client would show nothing of what goes wrong later
        name = name_of(places[0])
        Tools(hybrid, Shelf(hybrid, {name: places})).server.run("stdio")
