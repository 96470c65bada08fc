"""`hybrid legal`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from hybrid.pipelines.legal.answer import Table
from hybrid.pipelines.legal.formats import FORMATS, Format, rendered
from hybrid.pipelines.legal.question import Question, cuad, named, questions_in

from hybrid.cli.common import console, print_json
from hybrid.cli.dash import Place, once, said, standard_input, texts
from hybrid.cli.effect import refuse, written
from hybrid.cli.options import corpus_options, engine_options, settings_from
from hybrid.cli.progress import progress_bars
from hybrid.cli.words import questions_and_places
from hybrid.errors import InputError
from hybrid.files import check_writable, write

if TYPE_CHECKING:
    from hybrid.pipelines.legal.answer import Finding
    from hybrid.pipelines.legal.pipeline import Compared, Legal
    from rich.text import Text

    from hybrid.index.protocol import Progress


@click.group()
def legal() -> None:
    """Ask contracts and filings, tabulate their clauses, compare one clause.

    \b
    Try:  hybrid legal ask "When does the agreement end?" "Which law governs it?" contracts/
          hybrid legal clauses contracts/ --format html -o clauses.html
          hybrid legal compare contracts/ --clause "governing law"
    """


@legal.command()
@click.argument("words", nargs=-1, metavar="[QUESTION]... [PATH]")
@click.option("--questions", "file", type=click.Path(), help="A file with one question a line, or tables in TOML.")
@click.option("--route", type=click.Choice(["rag", "long"]), help="Force a route.")
@engine_options
@corpus_options
def ask(words: tuple[str, ...], file: str | None, **options: Any) -> None:
    """Answer each QUESTION from every agreement under PATH: a file, folder or glob, else corpus.paths.

    - reads standard input: as QUESTION, as PATH or as the file of questions.

    Each statement comes with its clause and page. If an agreement does not say, the answer says so. Amendments are
    shown with the agreement they amend, before it.

    \b
    Try:  hybrid legal ask "When does the agreement end?" contracts/
          hybrid legal ask "Who may terminate?" "On what notice?" lease.pdf --json
    """
    once(*words, file)
    configured = settings_from(options).corpus.paths
    questions, paths = questions_and_places(words, configured) if words else ([], _paths(None, options))
    asked = [
        *(Question(ask=q) for q in map(said, questions) if q.strip()),
        *(_questions_in(file) if file is not None else ()),
    ]
    if not asked:
        raise InputError("Give a question, or a file of them with --questions. For a checklist: hybrid legal clauses.")
    with _opened(paths, options) as (found, progress):
        findings = list(found.ask(asked, route=options["route"], progress=progress))
        problems = found.problems
    if options["as_json"]:
        print_json([finding.model_dump() | {"text": finding.text} for finding in findings])
    else:
        _show(findings)
    _tell(problems)


def _category(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [q.name for q in cuad() if q.name.lower().startswith(incomplete.lower())]


@legal.command()
@click.argument("path", required=False, type=click.Path())
@click.option("--questions", "file", type=click.Path(), help="Your own: one a line, or tables in TOML.")
@click.option(
    "--only", multiple=True, shell_complete=_category, help="Only the question of this name; may be repeated."
)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="markdown", show_default=True)
@click.option("-o", "--output", type=Place(dir_okay=False), help="Write to this file, not to the terminal.")
@engine_options
@corpus_options
def clauses(
    path: str | None, file: str | None, only: tuple[str, ...], form: Format, output: str | None, **options: Any
) -> None:
    """Tabulate what the contracts under PATH, else those of corpus.paths, say on a list of questions.

    Without --questions the list is the 41 categories of CUAD (Contract Understanding Atticus Dataset, CC BY 4.0). In
    CSV every statement is a row; in HTML every question is a row, every contract a column, and each cell links to its
    place. Each cell has a confidence, measured on contracts with known answers. A cell marked "?" is doubtful and says
    why: read it at its place.

    \b
    Try:  hybrid legal clauses contracts/ --format html -o clauses.html
          hybrid legal clauses contracts/ --only "Governing Law" --only "Cap On Liability"
    """
    once(path, file)
    if options["as_json"] and written("form") and form != "json":
        refuse(f"--format {form}", "with --json")
    asked = _questions_in(file) if file is not None else cuad()
    asked = named(asked, only) if only else asked
    if output is not None:
        check_writable(Path(output))
    paths = _paths(path, options)
    if options["policy"] and file is None and settings_from(options).engine.kind == "extractive":
        refuse("--policy", "on CUAD's categories with the quoting engine, which reads passages", "leave it out")
    with _opened(paths, options) as (found, progress):
        findings = tuple(found.ask(asked, progress=progress))
        problems = found.problems
        names = [name for matter in found.library.matters for name in matter.documents]
        table = Table(asked, findings, {name: found.library.contract(name).document for name in names}, problems)
    text = rendered(table, "json" if options["as_json"] else form)
    if output is None:
        click.echo(text, nl=False)
    else:
        write(Path(output), text)
        rows = len(table.documents())
        many = "s" if rows != 1 else ""
        click.echo(f"Wrote {rows} agreement{many}, {len(asked)} questions each, to {output}.", err=True)
    _tell(problems)


@legal.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option(
    "--clause", required=True, shell_complete=_category, help="Its title or subject, such as 'governing law'."
)
@corpus_options
def compare(paths: tuple[str, ...], clause: str, **options: Any) -> None:
    """Put the same clause of the contracts under PATHS side by side.

    A clause is found by its title, else by what it says. Words that the first contract's clause does not have are
    marked. No model is asked. - as a path reads the text on standard input.

    \b
    Try:  hybrid legal compare contracts/ --clause "governing law"
          hybrid legal compare old.docx new.docx --clause assignment --json
    """
    once(*paths)
    with _opened(paths, options) as (found, _):
        compared = found.compare(clause)
        problems = found.problems
    if options["as_json"]:
        print_json([one.model_dump() for one in compared])
    else:
        _side_by_side(compared, clause)
    _tell(problems)


def _questions_in(file: str) -> tuple[Question, ...]:
    return questions_in("standard input", standard_input()) if file == "-" else questions_in(file)


def _paths(path: str | None, options: dict[str, Any]) -> list[str]:
    found = [path] if path is not None else list(settings_from(options).corpus.paths)
    if not found:
        raise InputError("No contracts are named: give PATH, or set corpus.paths in hybrid.toml.")
    return found


@contextmanager
def _opened(paths: Sequence[str], options: dict[str, Any]) -> Iterator[tuple[Legal, Progress | None]]:
    from hybrid.pipelines.legal.pipeline import Legal, settings

    from hybrid.session.hybrid import Hybrid

    with Hybrid(settings(settings_from(options))) as hybrid, progress_bars(quiet=bool(options["quiet"])) as progress:
        yield Legal(hybrid, texts(paths), progress), progress


def _show(findings: Sequence[Finding]) -> None:
    from rich.markup import escape

    out, document = console(), None
    for finding in findings:
        if finding.document != document:
            document = finding.document
            out.print(f"\n[bold]{escape(document)}[/]")
            if finding.amendments:
                out.print(f"  amended by {escape(', '.join(finding.amendments))}")
            if finding.amends:
                out.print(f"  amends {escape(finding.amends)}, which is not among the documents")
        out.print(f"  [cyan]{escape(finding.question)}[/]")
        if not finding.statements:
            out.print(f"    [dim]{escape(finding.text)}[/]")
        for s in finding.statements:
            out.print(f"    {escape(s.text)}")
            quote = " ".join(s.quote.split())
            if quote != s.text:
                out.print(f"    [dim]\u201c{escape(quote)}\u201d[/]")
            by = f"; amended by {', '.join(s.amended_by)}" if s.amended_by else ""
            out.print(f"    [green]{escape(finding.place(s))}[/] [dim]line {s.line}{escape(by)}[/]")
        if finding.withheld:
            out.print(f"    [yellow]{finding.withheld} of the reply's statements have no support and are not shown.[/]")


def _side_by_side(compared: Sequence[Compared], clause: str) -> None:
    from rich.table import Table as Shown

    shown = Shown(title=f"Clause: {clause}", title_justify="left", show_lines=True)
    first = next((one for one in compared if one.text), None)
    for one in compared:
        shown.add_column(one.document, ratio=1, overflow="fold")
    shown.add_row(*(one.clause + (f", page {one.page}" if one.page is not None else "") for one in compared))
    shown.add_row(*(_marked(one, first) for one in compared))
    out = console()
    out.soft_wrap = False
    out.print(shown)


def _marked(one: Compared, first: Compared | None) -> Text:
    """The words of a clause, those in bold that the first one does not have at that place."""
    from rich.text import Text

    if not one.text:
        return Text("No such clause.", style="dim")
    words = one.text.split()
    if first is None or first is one:
        return Text(" ".join(words))
    shown = Text()
    matcher = SequenceMatcher(None, [w.lower() for w in first.text.split()], [w.lower() for w in words], autojunk=False)
    for tag, _, _, start, end in matcher.get_opcodes():
        if start < end:
            shown.append(" ".join(words[start:end]) + " ", style="" if tag == "equal" else "bold yellow")
    return shown


def _tell(problems: Sequence[str]) -> None:
    for problem in problems:
        click.echo(f"Not read: {problem}", err=True)
