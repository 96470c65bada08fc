"""`hybrid code`."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli.common import console, print_json
from hybrid.cli.dash import Place, elsewhere, once, said
from hybrid.cli.effect import refuse, written
from hybrid.cli.options import corpus_options, engine_options, settings_from, together
from hybrid.cli.progress import progress_bars
from hybrid.cli.words import questions_and_places
from hybrid.errors import InputError

if TYPE_CHECKING:
    from hybrid.pipelines.code.map import RepositoryMap
    from hybrid.pipelines.code.pipeline import Codebase
    from hybrid.pipelines.code.symbols import SymbolChanges
    from rich.console import Console

    from hybrid.index.protocol import Changes
    from hybrid.types import Answer

code_options = together(  # of every command that reads a codebase
    click.option("--with-tests", is_flag=True, help="Read tests and documentation too."),
    click.option("--with-generated", is_flag=True, help="Read vendored and generated files and large data too."),
    click.option("--subtree", help="Only this folder of it, such as packages/core."),
)


@click.group()
def code() -> None:
    """Ask, map and index a codebase: a folder, a Git URL, or an installed package by name.

    \b
    Try:  hybrid code ask "How are default values resolved?" src/
          hybrid code ask "Who calls Session.send?" requests
          hybrid code map https://github.com/pallets/click
    """


@code.command()
@click.argument("words", nargs=-1, required=True, metavar="QUESTION... [CODEBASE]")
@click.option(
    "--read",
    type=click.Choice(["auto", "passages", "definitions", "file", "imports", "package"]),
    default="auto",
    show_default=True,
    help="How much is read. imports: a file and those it imports; package: the largest around it that fits.",
)
@click.option("--explain", is_flag=True, help="Show what every way of reading was expected to take, and the timings.")
@code_options
@engine_options
@corpus_options
def ask(words: tuple[str, ...], read: Any, explain: bool, **options: Any) -> None:
    """Answer one QUESTION or more about CODEBASE, else that of corpus.paths; - reads standard input.

    The index of symbols answers where a name is defined, who calls it, what it calls, what inherits from it and which
    members it has: exactly and without a model.

    \b
    Try:  hybrid code ask "Where is Parser.parse defined?" "Who calls Parser.parse?" src/
          hybrid code ask "Which errors can a request raise?" src/ --url http://localhost:8000/v1
    """
    once(*words)
    for name in ("policy", "prefer"):
        if options[name] and read != "auto":
            refuse(f"--{name}", f"where --read {read} says what is read")
    configured = settings_from(options).corpus.paths
    questions, (codebase, *more) = questions_and_places(words, configured, is_place=_is_codebase)
    if more:
        raise InputError("The setting 'corpus.paths' names several places: name one codebase after the question.")
    if codebase == "-":
        raise InputError(elsewhere("the codebase"))
    questions = [said(question) for question in questions]
    if not questions:
        raise InputError(f'Give a question and then the codebase: hybrid code ask "..." {shlex.quote(codebase)}')
    with _opened(codebase, options) as found:
        answers = found.ask_many(questions, read)
        state = found.repository.state
        if options["as_json"]:
            print_json({**_header(found), "answers": [_as_json(answer, state) for answer in answers]})
            return
        out = console()
        for answer in answers:
            _show(out, answer, state, explain=explain, with_question=len(answers) > 1)
        _notes(out, found)


def _is_codebase(word: str) -> bool:
    """Whether a word may name a folder, a Git URL or an installed package, and is no question."""
    return Path(word).expanduser().exists() or not re.search(r"[\s?]", word.strip())


@code.command("map")
@click.argument("codebase", type=Place())
@click.option(
    "--files", "most", type=click.IntRange(1), default=60, show_default=True, help="Files shown, most used first."
)
@click.option("--text", is_flag=True, help="Print the map as the long route reads it, in Markdown.")
@code_options
@corpus_options
def map_(codebase: str, most: int, text: bool, **options: Any) -> None:
    """Show a map of CODEBASE: languages, files in the order of their imports, main symbols.

    \b
    Try:  hybrid code map src/
          hybrid code map requests --json
    """
    from hybrid.pipelines.code.map import as_text

    if text and options["as_json"]:
        refuse("--text", "with --json, which prints the same map")
    if written("most") and (text or options["as_json"]):
        refuse("--files", f"with {'--text' if text else '--json'}, which has all files")
    with _opened(codebase, options) as found:
        mapped = found.map()
        if options["as_json"]:
            print_json({**_header(found), "symbols": _symbols_json(found.symbol_changes), "files": _map_json(mapped)})
        elif text:
            click.echo(as_text(mapped), nl=False)
        else:
            out = console()
            _show_map(out, found, mapped, most)
            _notes(out, found)


@code.command("index")
@click.argument("codebase", type=Place())
@click.option("--rebuild", is_flag=True, help="Delete the indexes first and make them anew.")
@click.option("--list", "listed", is_flag=True, help="Name every file that is left out.")
@code_options
@corpus_options
def index(codebase: str, rebuild: bool, listed: bool, **options: Any) -> None:
    """Build the indexes of CODEBASE, or bring them up to date, and say what is left out and why.

    Only files whose content changed are read, parsed and embedded again. `hybrid code ask` does this by itself.

    \b
    Try:  hybrid code index src/
          hybrid code index . --with-tests --list
    """
    with _opened(codebase, options, rebuild=rebuild) as found:
        changes, symbols = found.update()
        if options["as_json"]:
            counts = ("added", "changed", "removed", "unchanged", "embedded", "passages")
            unchanged = {"unchanged": len(found.store.entries()), "passages": len(found.store)}
            print_json(
                {
                    **_header(found),
                    "index": str(found.folder),
                    "passages": unchanged if changes is None else {name: getattr(changes, name) for name in counts},
                    "symbols": _symbols_json(symbols),
                    "left_out": [one._asdict() for one in found.left_out()],
                }
            )
            return
        out = console()
        _show_changes(out, found, changes, symbols)
        _show_left_out(out, found, listed)
        _notes(out, found)


def _show_changes(out: Console, found: Codebase, changes: Changes | None, symbols: SymbolChanges) -> None:
    out.print(f"{found.repository.corpus.label} {found.repository.state}".rstrip(), markup=False)
    if changes is None:
        out.print(f"  passages: nothing changed; {len(found.store):,} in the index")
    else:
        out.print(
            f"  passages: {changes.added} files added, {changes.changed} changed, {changes.removed} removed; "
            f"{changes.embedded:,} of {changes.passages:,} embedded in {changes.seconds:.1f} s"
        )
    out.print(
        f"  symbols: {symbols.parsed} files parsed ({symbols.lines:,} lines), {symbols.unchanged} unchanged, "
        f"{symbols.removed} removed in {symbols.seconds:.1f} s"
    )
    out.print(f"  index: {found.folder}", markup=False)


@contextmanager
def _opened(codebase: str, options: dict[str, Any], *, rebuild: bool = False) -> Iterator[Codebase]:
    from hybrid.pipelines.code.pipeline import Codebase, settings

    with progress_bars(quiet=options["quiet"]) as progress:
        read = {name: options[name] for name in ("subtree", "with_tests", "with_generated")}
        opened = partial(Codebase, codebase, settings(settings_from(options)), progress=progress, **read)
        if rebuild:
            with opened() as found:
                folder, kind = found.folder, found.hybrid.index_kind
            kind.delete(folder)
            for file in folder.glob("symbols.db*"):
                file.unlink()
        with opened() as found:
            yield found


def _header(found: Codebase) -> dict[str, Any]:
    repository = found.repository
    return {
        "root": str(repository.root),
        "commit": repository.commit,
        "dirty": repository.dirty,
        "version": repository.version,
        "notes": list(repository.notes),
    }


def _symbols_json(changes: SymbolChanges | None) -> dict[str, Any]:
    assert changes is not None  # it is up to date
    counts = {name: getattr(changes, name) for name in ("parsed", "unchanged", "removed", "lines")}
    return {**counts, "seconds": round(changes.seconds, 3), "cpu_seconds": round(changes.cpu_seconds, 3)}


def _as_json(answer: Answer, state: str) -> dict[str, Any]:
    """An answer with the place of each citation in one string: file:line-line, and the commit."""
    from hybrid.pipelines.code.questions import at_lines

    data = answer.model_dump()
    for citation in data["citations"]:
        place = at_lines(citation["document"], citation["line"], citation["end_line"])
        citation["where"] = place + (f" @ {state}" if state else "")
    data["answered_by"] = "symbols" if answer.decision.policy == "symbols" else "hybrid"
    return data


def _show(out: Console, answer: Answer, state: str, *, explain: bool, with_question: bool) -> None:
    from hybrid.pipelines.code.questions import at_lines
    from rich.markup import escape

    from hybrid.cli.ask import show

    if with_question:
        out.print(f"\n[bold]{escape(answer.question)}[/]")
    out.print(answer.text, markup=False)
    if answer.decision.policy == "symbols":
        at = f" @ {escape(state)}" if state else ""
        out.print(f"  [bold]from[/]    the index of symbols{at}; no model was asked")
        return
    out.print()
    here = f"{Path.cwd()}{os.sep}"
    for number, citation in enumerate(answer.citations, 1):
        path = (citation.path or citation.document).removeprefix(here)
        place = at_lines(path, citation.line, citation.end_line)
        out.print(f"  [cyan]\\[{number}] {escape(place)}[/]  {escape(citation.heading)}")
    if state and answer.citations:
        out.print(f"  [bold]at[/]      {escape(state)}", end="")
    show(out, answer.model_copy(update={"citations": ()}), explain=explain, with_text=False)


def _show_map(out: Console, found: Codebase, mapped: RepositoryMap, most: int) -> None:
    from rich.markup import escape
    from rich.table import Table

    languages = ", ".join(f"{name} {lines:,} lines in {files}" for name, files, lines in mapped.languages()[:8])
    state = f" ({escape(found.repository.state)})" if found.repository.state else ""
    out.print(f"[bold]{escape(mapped.title)}[/]{state}: {len(mapped.files)} files, {mapped.lines:,} lines")
    out.print(f"  {escape(languages)}")
    chosen = sorted(mapped.files, key=lambda one: (-one.used_by, -len(one.symbols), one.file.name))[:most]
    kept = {one.file.name for one in chosen}
    table = Table("file", "symbols, most used first", title="Each file after those it imports", title_justify="left")
    for name in ("lines", "imported by"):
        table.add_column(name, justify="right")
    folder = None
    for one in mapped.files:
        if one.file.name not in kept:
            continue
        parent = str(PurePosixPath(one.file.name).parent)
        if folder is not None and parent != folder:
            table.add_section()
        folder = parent
        names = ", ".join(row.definition.name for row in one.symbols[:6])
        more = f" and {len(one.symbols) - 6} more" if len(one.symbols) > 6 else ""
        table.add_row(escape(one.file.name), escape(names + more), f"{one.file.lines:,}", str(one.used_by or ""))
    out.print(table)
    if len(mapped.files) > len(chosen):
        out.print(f"  and {len(mapped.files) - len(chosen)} more files; all of them with --json, or raise --files")
    _show_left_out(out, found, listed=False)


def _map_json(mapped: RepositoryMap) -> list[dict[str, Any]]:
    return [
        {
            "name": one.file.name,
            "language": one.file.language or None,
            "module": one.file.module,
            "lines": one.file.lines,
            "imports": list(one.needs),
            "imported_by": one.used_by,
            "symbols": [
                {
                    "name": definition.path,
                    **{name: getattr(definition, name) for name in ("kind", "line", "end_line", "signature")},
                    "members": list(one.members.get(definition.path, ())),
                }
                for definition in (row.definition for row in one.symbols)
            ],
        }
        for one in mapped.files
    ]


def _show_left_out(out: Console, found: Codebase, listed: bool) -> None:
    left_out = found.left_out()
    if listed:
        for one in left_out:
            out.print(f"  left out: {one.name}: {one.reason}", markup=False)
        return
    for reason, count, names in found.repository.reasons():
        more = ", …" if count > len(names) else ""
        out.print(f"  left out: {count} × {reason} ({', '.join(names)}{more})", markup=False)
    for one in left_out[len(found.repository.left_out) :]:
        out.print(f"  not read: {one.name}: {one.reason}", markup=False)


def _notes(out: Console, found: Codebase) -> None:
    for note in found.repository.notes:
        out.print(f"  note: {note}", markup=False)
