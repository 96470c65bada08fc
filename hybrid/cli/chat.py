"""`hybrid chat`."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Any

import click

from hybrid.cli.ask import show
from hybrid.cli.common import console, labelled, print_json
from hybrid.cli.dash import questions_alone
from hybrid.cli.options import corpus_options, engine_options, settings_from, where_option
from hybrid.cli.progress import progress_bars
from hybrid.cli.words import corpus_of
from hybrid.errors import EngineError, InputError
from hybrid.types import Turn

_END = ("exit", "quit", "bye")


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--route", type=click.Choice(["rag", "long"]), help="Force a route.")
@where_option
@engine_options
@corpus_options
def chat(paths: tuple[str, ...], **options: Any) -> None:
    """Ask one question after the other about PATHS; each is understood from those before it.

    A question that only makes sense after another ("And its deposit?") is first put so that it stands alone, and shown
    so. An empty line, exit or the end of the input ends it. With --json every answer, or error, is one line.

    \b
    hybrid chat contracts/
    printf 'When does the lease end?\\nAnd when does it begin?\\n' | hybrid chat lease.md --json
    """
    from hybrid.session.hybrid import Hybrid

    questions_alone(paths)
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    out = console()
    asked = failed = 0
    history: list[Turn] = []
    with Hybrid(settings_from(options)) as hybrid:
        with progress_bars(quiet=options["quiet"]) as progress:
            store = hybrid.open(corpus_of(list(paths), hybrid.settings), progress)
        while (question := _next()) is not None:
            asked += 1
            try:
                answer = hybrid.answer(question, store, route=options["route"], where=options["where"], history=history)
            except (EngineError, InputError) as error:
                failed += 1
                click.echo(f"Error: {error}", err=True)
                if options["as_json"]:
                    print_json({"question": question, "error": str(error)}, lines=True)
                continue
            history += [Turn(role="user", text=answer.standalone or question), Turn(role="assistant", text=answer.text)]
            if options["as_json"]:
                print_json(answer.model_dump(), lines=True)
                continue
            if answer.standalone:
                labelled(out, "[dim]Understood as:[/] ", answer.standalone)
            show(out, answer, explain=False)
    if failed and not sys.stdin.isatty():  # a person has seen it
        raise EngineError(f"{failed} of {asked} questions were not answered.")


def _next() -> str | None:
    """The next question; None where there is none. Empty lines end what a person types, and not what is piped."""
    if sys.stdin.isatty():
        click.echo("\n? ", nl=False, err=True)
    line = sys.stdin.readline()
    while line and not line.strip() and not sys.stdin.isatty():
        line = sys.stdin.readline()
    question = line.strip()
    return None if not question or question.lower() in _END else question
