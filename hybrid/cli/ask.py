"""`hybrid ask`."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli.common import columns, console, labelled, print_json
from hybrid.cli.dash import Place, once, said, standard_input
from hybrid.cli.effect import refuse
from hybrid.cli.options import corpus_options, engine_options, settings_from, where_option
from hybrid.cli.progress import progress_bars
from hybrid.cli.words import corpus_of, in_order, is_path
from hybrid.errors import EngineError, InputError
from hybrid.files import check_writable, read_text, write
from hybrid.text.blocks import headline, source_language
from hybrid.types import EACH

if TYPE_CHECKING:
    from rich.console import Console

    from hybrid.session.hybrid import Hybrid
    from hybrid.types import Answer, Attempt, Cost, Explored, Table

_ROWS = 30  # of a table that are shown
_NOT_WRITTEN = (".xlsx", ".xls", ".ods", ".parquet", ".html", ".md", ".jsonl")  # forms that somebody may expect


@click.command()
@click.argument("question", required=False)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--questions",
    type=click.Path(),
    help="A file with one question a line, or - for standard input; all arguments are then paths.",
)
@click.option("--route", type=click.Choice(["rag", "long"]), help="Force a route.")
@click.option(
    "--rung", type=click.Choice(["passages", "sections", "documents", "corpus", "each"]), help="Force how much is read."
)
@click.option(
    "--table",
    type=Place(dir_okay=False),
    help="Ask every document the same and write the table that the answer is computed from: CSV, or JSON for .json.",
)
@where_option
@click.option("--explain", is_flag=True, help="Show what every way of reading was expected to take, and the timings.")
@engine_options
@corpus_options
def ask(question: str | None, paths: tuple[str, ...], questions: str | None, **options: Any) -> None:
    """Answer QUESTION from PATHS: files, folders or globs. Without PATHS: corpus.paths, else the current folder.

    - as QUESTION or as a path reads standard input.

    \b
    hybrid ask "When does the agreement end?" contracts/
    hybrid ask "Who calls parse_args?" src/ --explain
    hybrid ask --questions questions.txt filings/ --json
    hybrid ask "How many contracts have a cap on liability, and which?" contracts/ --table caps.csv
    pdftotext lease.pdf - | hybrid ask "Who is the tenant?" -
    """
    once(question, *paths, questions)
    _check_table(questions, options)
    if questions is not None:
        asked, places = _read_questions(questions), [] if question is None else [question, *paths]
        question = ""
    elif question is None:
        raise click.UsageError("Missing argument 'QUESTION'.")
    else:
        if not paths and question != "-" and is_path(question):
            raise InputError(f'Give a question and then the path: hybrid ask "..." {shlex.quote(question)}')
        (question, *_), places = in_order([question, *paths]) if paths else ([question], [])
        question = said(question)
        asked = [question]
    from hybrid.session.hybrid import Hybrid

    with Hybrid(settings_from(options)) as hybrid:
        corpus = corpus_of(places, hybrid.settings)
        if questions is None and not options["as_json"] and sys.stdout.isatty():
            answer = _streamed(hybrid, question, corpus, options)
            _write_table(answer, options)
            show(console(), answer, explain=options["explain"], with_text=False)
            return
        with progress_bars(quiet=options["quiet"]) as progress:
            ways = {name: options[name] for name in ("route", "rung", "where")}
            failures: dict[int, EngineError] | None = None if questions is None else {}
            answers = iter(hybrid.answer_many(asked, corpus, progress=progress, failures=failures, **ways))
    if failures is not None:
        _show_all(asked, [failures.get(place) or next(answers) for place in range(len(asked))], options)
        return
    answer = next(answers)
    _write_table(answer, options)
    if options["as_json"]:
        print_json(answer.model_dump())
    else:
        show(console(), answer, explain=options["explain"])


def _check_table(questions: str | None, options: dict[str, Any]) -> None:
    """Raise UserError where --table cannot be followed; it asks for the rung each."""
    if options["table"] is None:
        return
    if questions is not None:
        refuse("--table", "with --questions: a table is of one question", "ask it alone")
    if options["route"] or options["rung"] not in (None, EACH):
        refuse("--table", f"with --{'route' if options['route'] else 'rung'}, which reads without a table")
    suffix = Path(options["table"]).suffix.lower()
    if suffix in _NOT_WRITTEN:
        raise InputError(f"Tables are written as CSV, or as JSON to a file that ends with .json, and not as {suffix}.")
    check_writable(Path(options["table"]))
    options["rung"] = EACH


def _write_table(answer: Answer, options: dict[str, Any]) -> None:
    if options["table"] is None or answer.table is None:
        return
    from hybrid.each.written import written

    write(Path(options["table"]), written(answer.table, Path(options["table"]).suffix.lower() == ".json"))
    count = len(answer.table.rows)
    click.echo(f"Wrote {count} row{'s' if count != 1 else ''} to {options['table']}.", err=True)


def _show_all(asked: list[str], found: list[Answer | EngineError], options: dict[str, Any]) -> None:
    """Print the answers to a file of questions.

    Raises:
        EngineError: some questions were not answered.
    """
    records: list[dict[str, Any]] = []
    failures: list[EngineError] = []
    for question, one in zip(asked, found, strict=True):
        if isinstance(one, EngineError):
            failures.append(one)
            records.append({"question": question, "error": str(one)})
        else:
            records.append(one.model_dump())
        if options["as_json"]:
            continue
        if isinstance(one, EngineError):
            console().print(f"\n{question}\nnot answered: {one}", markup=False)
        else:
            show(console(), one, explain=options["explain"], with_question=True)
    if options["as_json"]:
        print_json(records)
    if failures:
        raise EngineError(f"{len(failures)} of {len(asked)} questions were not answered. The first: {failures[0]}")


def _streamed(hybrid: Hybrid, question: str, corpus: list[Any], options: dict[str, Any]) -> Answer:
    """Index with bars, then show the answer while it is written; the numbered text replaces it at the end."""
    from rich.live import Live
    from rich.text import Text

    out = console()
    with progress_bars(quiet=options["quiet"]) as progress:
        store = hybrid.open(corpus, progress)
    with Live(console=out, transient=True, refresh_per_second=12) as live:
        shown = Text()

        def show_more(text: str) -> None:
            live.update(shown.append(text))

        ways = {name: options[name] for name in ("route", "rung", "where")}
        answer = hybrid.answer(question, store, on_text=show_more, **ways)
    out.print(answer.text, markup=False)
    return answer


def _read_questions(file: str) -> list[str]:
    text = standard_input() if file == "-" else read_text(Path(file), f"the questions in {file}")
    found = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not found:
        raise InputError(f"There is no question in {'standard input' if file == '-' else file}: write one a line.")
    return found


def show(out: Console, answer: Answer, *, explain: bool, with_question: bool = False, with_text: bool = True) -> None:
    """Print an answer for people."""
    from rich.markup import escape

    if with_question:
        out.print(f"\n[bold]{escape(answer.question)}[/]")
    if with_text:
        out.print(answer.text, markup=False)
    out.print()
    if answer.table is not None:
        _show_table(out, answer.table)
    for number, citation in enumerate(answer.citations, 1):
        is_code = source_language(citation.document) is not None
        quote = headline(citation.quote) if is_code else " ".join(citation.quote.split())
        short = quote if len(quote) <= 160 else quote[:157] + "..."
        place = citation.where.removeprefix(f"{Path.cwd()}{os.sep}")
        out.print(f"  [cyan]\\[{number}] {escape(place)}[/]  [dim]{escape(short)}[/]")
    labelled(out, "  [bold]route[/]   ", f"{answer.route} ({answer.decision.rung}): {answer.reason}")
    labelled(out, "  [bold]usage[/]   ", _usage(answer))
    labelled(out, "  [bold]cost[/]    ", _cost(answer.cost))
    if answer.explored is not None:
        labelled(out, "  [bold]explored[/] ", _explored(answer.explored))
    for note in answer.notes:
        labelled(out, "  [yellow]note[/]    ", note)
    if explain:
        _explain(out, answer)


def _show_table(out: Console, table: Table) -> None:
    """The table of an answer, a line a document; doubtful cells are marked."""
    from hybrid.each.written import said

    heads = ["section" if any(row.section for row in table.rows) else "document", *(c.title for c in table.columns)]
    shown = columns(*heads, left=range(len(heads)))
    for row in table.rows[:_ROWS]:
        cells = [said(cell, column) for cell, column in zip(row.cells, table.columns, strict=False)]
        shown.add_row(row.title, *(cells or [f"not read: {row.failed}"]))
    out.print(shown, soft_wrap=False)
    if len(table.rows) > _ROWS:
        out.print(f"  and {len(table.rows) - _ROWS} more: --table FILE writes all", markup=False)
    out.print(f"  {table.computed} A ? marks what is doubtful.", markup=False)


def _explain(out: Console, answer: Answer) -> None:
    cost = answer.decision.predictions[0].cost if answer.decision.predictions else None
    out.print(f"\nPredicted before asking (estimated: {cost.note if cost else 'nothing'})", markup=False)
    table = columns("route", "reads", "tokens", "cached", "calls", "GPU s", "$ per 1000", "taken", left=(0, 1, 7))
    for p in answer.decision.predictions:
        taken = [i for i, a in enumerate(answer.attempts, 1) if a.decision.rung == p.rung]
        table.add_row(
            p.route,
            p.rung,
            f"{p.prompt_tokens:,}",
            f"{p.cached_tokens:,}" if p.cached_tokens else "",
            str(p.calls),
            "?" if p.cost.gpu_seconds is None else f"{p.cost.gpu_seconds:.2f}",
            "?" if p.cost.dollars is None else f"{p.cost.dollars * 1000:.3f}",
            _nth(taken),
        )
    out.print(table, soft_wrap=False)
    for number, attempt in enumerate(answer.attempts, 1):
        out.print(f"  attempt {number}: {_attempt(attempt)}", markup=False)
        costs = [attempt.cost, *(p.cost for p in attempt.decision.predictions if p.rung == attempt.decision.rung)]
        for cost in costs:
            out.print(f"    {_cost(cost)}", markup=False)
    if answer.preparation is not None:
        before, paid = answer.preparation, answer.preparation.dollars
        shown = "" if paid is None else f", ${paid:.6f}"
        out.print(f"  before: {before.cpu_seconds:.3f} CPU-seconds{shown} measured: {before.note}", markup=False)
    ordered = answer.attempts[0].decision.ordering
    if ordered:
        out.print(f"  passages stand by {ordered}", markup=False)
    stages = ", ".join(f"{name} {seconds * 1000:,.0f} ms" for name, seconds in answer.timings.items())
    out.print(f"  timings: {stages}", markup=False)


def _attempt(attempt: Attempt) -> str:
    said = "did not answer" if attempt.abstained else "answered"
    return f"{attempt.engine} read {attempt.usage.prompt_tokens:,} tokens and {said}. {attempt.decision.reason}"


def _explored(found: Explored) -> str:
    """The other route's answer, and what it took."""
    said = found.failed or ("did not answer" if found.abstained else " ".join(found.text.split())[:160])
    paid = f"charged above: {_cost(found.cost)}" if found.extra else "one of the attempts"
    return f"{found.route} ({found.rung}), for calibration only: {said} ({paid})"


def _nth(numbers: list[int]) -> str:
    return " and ".join({1: "first", 2: "second"}.get(n, f"{n}th") for n in numbers)


def _usage(answer: Answer) -> str:
    usage = answer.usage
    cached = f", {usage.cached_tokens:,} of them cached" if usage.cached_tokens else ""
    calls = f" in {usage.calls} calls" if usage.calls != 1 else ""
    first = "" if usage.first_token_seconds is None else f", first text after {usage.first_token_seconds:.2f} s"
    share = "" if usage.shared_seconds is None else f" (share {usage.shared_seconds:.2f} s)"
    tokens = f"{usage.prompt_tokens:,} tokens read{cached}, {usage.output_tokens:,} written{calls}"
    return f"{tokens}, {usage.seconds:.2f} s{share}{first}"


def _cost(cost: Cost) -> str:
    """A cost in figures: measured or estimated, and where they come from."""
    seconds = "GPU time unknown" if cost.engine_seconds is None else f"{cost.engine_seconds:.3f} engine seconds"
    known = [
        (seconds if cost.gpu_seconds is None else f"{cost.gpu_seconds:.3f} GPU-seconds")
        + ("" if cost.interval is None else f" (90 %: {cost.interval[0]:.3f} to {cost.interval[1]:.3f})"),
        "" if cost.cpu_seconds is None else f"{cost.cpu_seconds:.2f} CPU-seconds",
        "" if cost.joules is None else f"{cost.joules:,.1f} J",
        "" if cost.dollars is None else f"${cost.dollars:.6f}",
    ]
    return f"{cost.basis} {', '.join(filter(None, known))}: {cost.note}"
