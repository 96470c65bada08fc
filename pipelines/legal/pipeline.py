"""Contracts and filings: questions answered clause by clause, a table over many contracts, one clause side by side.

    hybrid legal ask "When does the agreement end?" contracts/
    hybrid legal clauses contracts/ --format html -o clauses.html
    hybrid legal compare contracts/ --clause "governing law"

The choices made over the defaults: every agreement is asked on its own, because clauses of different contracts look
alike, and with its amendments, which are shown first; whole clauses are read, in the order of the document, with the
definitions of the terms they use and the clauses they refer to; each statement is shown with its clause and page and
a quotation that was looked up again; and what a contract does not say is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import SequenceMatcher
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from hybrid.pipelines.legal.formats import FORMATS, Format, rendered
from hybrid.pipelines.legal.question import Question, cuad, named, questions_in, recognised
from hybrid.pipelines.legal.table import Table

from hybrid.cli.common import console, print_json
from hybrid.cli.dash import Place, once, said, standard_input, texts
from hybrid.cli.effect import refuse, written
from hybrid.cli.options import corpus_options, engine_options, settings_from
from hybrid.cli.progress import progress_bars
from hybrid.cli.words import questions_and_places
from hybrid.corpus.corpus import CorpusLike
from hybrid.errors import InputError
from hybrid.files import check_writable, write
from hybrid.settings import Settings, load
from hybrid.types import Answer, Piece, Record, Route

if TYPE_CHECKING:
    from hybrid.pipelines.legal.answer import Finding
    from hybrid.pipelines.legal.contract import Clause, Contract
    from hybrid.pipelines.legal.library import Library
    from rich.text import Text

    from hybrid.index.protocol import Progress, Store
    from hybrid.session.hybrid import Hybrid

_LONG_CLAUSE = 12_000  # characters; a clause longer than that is an article, of which the best part is compared
_TELLING = 1.5  # of `Question.fits`: a cue of several words, or several cues, tell the subject by themselves
_LIKELY = 0.35  # of the chance from which the engine answers: from here on a sentence with one short cue is taken
_CUE = 0.3  # what a cue weighs against the engine's ranking
_NEAR = 0.35  # cosine from which a passage is taken to be about a clause whose words it does not have


def settings(base: Settings | None = None) -> Settings:
    """The settings of this pipeline over `base`: clauses are read in the order of the document, unless that was set."""
    base = base or load()
    if "ordering" in base.routing.model_fields_set:
        return base
    routing = base.routing.model_copy(update={"ordering": "document"})
    return base.model_copy(update={"routing": routing})


class Legal:
    """Contracts that are asked, kept as clauses between questions.

    Args:
        hybrid: with the `settings` of this pipeline.
        corpus: files, folders, `{name: text}` or an opened index.
        progress: receives stage, done and total.

    Raises:
        UserError: nothing readable is there, or an index that cannot be used.

    Example:
        >>> with Hybrid(settings()) as hybrid:  # doctest: +SKIP
        ...     legal = Legal(hybrid, "contracts/")
        ...     for finding in legal.ask("When does the agreement end?"):
        ...         print(finding.document, finding.text, [s.place for s in finding.statements])
    """

    def __init__(self, hybrid: Hybrid, corpus: CorpusLike | Store, progress: Progress | None = None) -> None:
        from hybrid.pipelines.legal.library import Library

        self.hybrid = hybrid
        self.store: Store = hybrid.open(corpus, progress)
        self._quoting = getattr(hybrid.engine, "quotes", False)
        self.library: Library = Library(self.store, quoting=self._quoting, progress=progress)

    @property
    def problems(self) -> list[str]:
        """What could not be read: files, and pages of files."""
        files = [f"{problem.name}: {problem.reason}" for problem in self.store.unread()]
        return files + [note for entry in self.store.entries() for note in self.library.notes(entry.name)]

    def ask(
        self,
        questions: str | Question | Sequence[str | Question],
        *,
        route: Route | None = None,
        progress: Progress | None = None,
    ) -> Iterator[Finding]:
        """Every question of every agreement, agreement by agreement, in the order of their names.

        A question that names a category, as in `what does it say on "Governing Law"?`, is asked as that category. One
        on "the agreement with ..." is not asked of agreements that do not name the party while another one does.

        Args:
            route: force `rag` or `long`; None lets the policy choose.
            progress: receives stage, done and total.
        """
        from hybrid.pipelines.legal.answer import finding
        from hybrid.pipelines.legal.evidence import weighed

        listed = [questions] if isinstance(questions, str | Question) else list(questions)
        known = [Question(ask=q) if isinstance(q, str) else q for q in listed if not isinstance(q, str) or q.strip()]
        asked = [(q.ask, q if q.cues else recognised(q.ask)) for q in known]
        if not asked:
            raise InputError("There is no question. Ask something, for example: When does the agreement end?")
        matters = self.library.matters
        for done, matter in enumerate(matters, 1):
            names = [*(amendment.document for amendment in matter.amendments), matter.document]
            for text, question in asked:
                if other := self.library.elsewhere(matter, text):
                    reason = f"The question is on an agreement with {other}, who is not named here."
                    yield finding(self.library, matter.document, text, [], reason)
                    continue
                answers = [(name, self._answer(name, question, route)) for name in names]
                found = finding(self.library, matter.document, text, answers)
                yield weighed(self.library, question, found)
            if progress is not None:
                progress("agreements", done, len(matters))

    def _answer(self, name: str, question: Question, route: Route | None) -> Answer:
        widen = self.library.reading(name, question)
        if not (question.cues and self._quoting) or route == "long":
            return self.hybrid.answer(question.ask, self.store, route=route, documents=[name], widen=widen)
        read: list[Piece] = []

        def kept(asked: str, store: Store, found: Sequence[Piece]) -> list[Piece]:
            read[:] = widen(asked, store, found)
            return read

        # where no model judges, a clause without any cue is no answer, and neither is the rest of the document
        answer = self.hybrid.answer(question.ask, self.store, route="rag", documents=[name], widen=kept)
        if formed := self._formed(answer, name, question):
            return formed
        if answer.citations and all(question.fits(citation.quote) >= _TELLING for citation in answer.citations):
            return answer
        return self._cued(answer, question, read)

    def _formed(self, answer: Answer, name: str, question: Question) -> Answer | None:
        """The answer with the sentences that are written as clauses on the subject are; None where there are none."""
        from hybrid.pipelines.legal.evidence import chosen, lines

        from hybrid.engines.base import Completion, Quote
        from hybrid.reading.cite import cite

        contract = self.library.contract(name)
        found = chosen(question, lines(contract, question))
        if not found:
            return None
        pieces = [Piece(name, contract.document.text[line.start : line.end], line.start) for line in found]
        quotes = tuple(Quote(i, 0, len(piece.text), 1.0) for i, piece in enumerate(pieces))
        text, citations = cite(Completion("", answer.usage, quotes=quotes), pieces, self.store)
        return answer.model_copy(update={"text": text, "citations": citations, "abstained": False})

    def _cued(self, answer: Answer, question: Question, read: Sequence[Piece]) -> Answer:
        """The answer with the sentence that has a cue and that the engine ranks best; none where it is too unlikely."""
        from hybrid.chat.prompts import Prompt
        from hybrid.engines.base import Completion, Quote
        from hybrid.reading.cite import cite

        if not read:
            return answer
        engine: Any = self.hybrid.engine
        reading = engine.read(Prompt(question.ask, tuple(read)))
        likely = _LIKELY * engine.weights.threshold
        best: tuple[float, Quote] | None = None
        for (piece, start, end), score in zip(reading.spans(), reading.scores, strict=True):
            fit = question.fits(read[piece].text[start:end])
            if fit < _TELLING and (not fit or reading.chance < likely):
                continue
            worth = float(exp(score - reading.scores[0])) + _CUE * fit
            if best is None or worth > best[0]:
                best = worth, Quote(piece, start, end, max(reading.chance, likely))
        if best is None:
            return answer.model_copy(update={"text": "", "citations": (), "abstained": True})
        text, citations = cite(Completion("", answer.usage, quotes=(best[1],)), read, self.store)
        return answer.model_copy(update={"text": text, "citations": citations, "abstained": False})

    def compare(self, clause: str) -> list[Compared]:
        """The clause that is called, or is about, the same in every document; amendments after their agreement.

        Args:
            clause: such as "governing law".
        """
        if not clause.strip():
            raise InputError("Name the clause to compare, for example: --clause 'governing law'.")
        names = []
        for matter in self.library.matters:
            names += [*(a.document for a in matter.amendments), matter.document]
        return [self._compared(name, clause) for name in names]

    def _compared(self, name: str, wanted: str) -> Compared:
        contract = self.library.contract(name)
        found, by = _titled(contract, wanted), "title"
        if found is None:
            found, by = self._near(contract, wanted), "text"
        if found is None:
            return Compared(document=name)
        start, end = found.start, found.end
        if end - start > _LONG_CLAUSE:
            start, end = contract.paragraph(start)
        part = contract.document.text[start:end]
        end = start + len(part.rstrip())
        place = contract.document.locate(start, end)
        return Compared(
            document=name,
            clause=found.path,
            text=part.rstrip(),
            by=by,
            page=place.page,
            line=place.line,
            end_line=place.end_line,
            start=place.start,
            end=place.end,
        )

    def _near(self, contract: Contract, wanted: str) -> Clause | None:
        """The clause of the best passage that is about the subject; None where none is."""
        from hybrid.text.words import STOP, stems

        name, words = contract.document.name, set(stems(wanted, STOP))
        known = next((q for q in cuad() if q.name.lower() == wanted.strip().lower()), None)
        asked = wanted if known is None else known.ask
        found = self.store.search(asked, 8, self.hybrid.settings.retrieval.mode, [name])
        if known is not None:
            over = [clause for c in found for clause in contract.over(c.passage.start, c.passage.end)]
            best = max(over, key=lambda clause: known.fits(contract.own(clause)), default=None)
            return best if best is not None and known.fits(contract.own(best)) else None
        for candidate in found:
            passage = candidate.passage
            near = candidate.dense is not None and candidate.dense >= _NEAR
            if near and words <= set(stems(passage.text)):
                over = contract.over(passage.start, passage.end)
                return max(over, key=lambda clause: len(words & set(stems(contract.own(clause)))), default=None)
        return None


class Compared(Record):
    """The clause of one document in a comparison; without text where the document has none."""

    document: str
    clause: str = ""  # the path of clauses
    text: str = ""
    by: str = ""  # found by its title or by its text
    page: int | None = None
    line: int = 0
    end_line: int = 0
    start: int = 0  # characters in the original
    end: int = 0


def _titled(contract: Contract, wanted: str) -> Clause | None:
    """The clause whose title has all the words, the fewest others besides; the main text before schedules."""
    from hybrid.text.words import STOP, stems

    words = set(stems(wanted, STOP))
    found = []
    for number, clause in enumerate(contract.clauses):
        title = set(stems(clause.title, STOP))
        if words and words <= title and clause.end - clause.start > len(clause.name) + 20:
            in_schedule = contract.schedule(clause.start) is not None
            found.append((len(title - words), in_schedule, number))
    return contract.clauses[min(found)[2]] if found else None


# -- the command -----------------------------------------------------------------------------------------------------


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
    """Answer each QUESTION from every agreement under PATH, a file, folder or glob; corpus.paths, if none is given.

    As QUESTION, as PATH or as the file of questions, - is what standard input holds.

    Each statement has its clause and page; what an agreement does not say is said. Amendments are shown with the
    agreement they amend, before it.

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
    with _opened(options) as (hybrid, progress):
        found = Legal(hybrid, texts(paths), progress)
        findings = list(found.ask(asked, route=options["route"], progress=progress))
        problems = found.problems
    if options["as_json"]:
        print_json([finding.model_dump() | {"text": finding.text} for finding in findings])
    else:
        _show(findings)
    _tell(problems)


def _category(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The categories that begin so, for tab completion."""
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

    Without --questions these are the 41 categories of CUAD (Contract Understanding Atticus Dataset, CC BY 4.0). In CSV
    every statement is a row; in HTML every question is a row, every contract a column, and each cell links to its
    place. Each cell has a confidence, measured on contracts with known answers; those marked "?" are doubtful, say why,
    and have to be read at their place.

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
        refuse("--policy", "on CUAD's categories with the engine that quotes, which reads passages", "leave it out")
    with _opened(options) as (hybrid, progress):
        found = Legal(hybrid, texts(paths), progress)
        findings = tuple(found.ask(asked, progress=progress))
        names = dict.fromkeys(name for matter in found.library.matters for name in matter.documents)
        table = Table(asked, findings, {name: found.library.contract(name).document for name in names}, found.problems)
        problems = found.problems
    text = rendered(table, "json" if options["as_json"] else form)
    if output is None:
        click.echo(text, nl=False)
    else:
        write(Path(output), text)
        rows = len(table.documents())
        click.echo(
            f"Wrote {rows} agreement{'s' if rows != 1 else ''}, {len(asked)} questions each, to {output}.", err=True
        )
    _tell(problems)


@legal.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option(
    "--clause", required=True, shell_complete=_category, help="Its title or subject, such as 'governing law'."
)
@corpus_options
def compare(paths: tuple[str, ...], clause: str, **options: Any) -> None:
    """Put the same clause of the contracts under PATHS side by side.

    As a path, - is the text on standard input.

    A clause is found by its title, else by what it says. Words that the first contract's clause does not have are
    marked. No model is asked.

    \b
    Try:  hybrid legal compare contracts/ --clause "governing law"
          hybrid legal compare old.docx new.docx --clause assignment --json
    """
    once(*paths)
    with _opened(options) as (hybrid, progress):
        found = Legal(hybrid, texts(paths), progress)
        compared = found.compare(clause)
        problems = found.problems
    if options["as_json"]:
        print_json([one.model_dump() for one in compared])
    else:
        _side_by_side(compared, clause)
    _tell(problems)


def _questions_in(file: str) -> tuple[Question, ...]:
    """The questions of a file; of `-`, those on standard input."""
    return questions_in("standard input", standard_input()) if file == "-" else questions_in(file)


def _paths(path: str | None, options: dict[str, Any]) -> list[str]:
    """The named path, else those of `corpus.paths`."""
    found = [path] if path is not None else list(settings_from(options).corpus.paths)
    if not found:
        raise InputError("Nothing tells which contracts to read: give PATH, or set corpus.paths in hybrid.toml.")
    return found


@contextmanager
def _opened(options: dict[str, Any]) -> Iterator[tuple[Hybrid, Progress | None]]:
    from hybrid.session.hybrid import Hybrid

    with Hybrid(settings(settings_from(options))) as hybrid, progress_bars(quiet=bool(options["quiet"])) as progress:
        yield hybrid, progress


def _show(findings: Sequence[Finding]) -> None:
    """Findings for people, agreement by agreement."""
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
            source = f"{s.document}: " if s.document != finding.document else ""
            by = f"; amended by {', '.join(s.amended_by)}" if s.amended_by else ""
            out.print(f"    [green]{escape(source + s.place)}[/] [dim]line {s.line}{escape(by)}[/]")
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
    """What could not be read, on standard error."""
    for problem in problems:
        click.echo(f"Not read: {problem}", err=True)
