"""Contracts and filings: questions answered clause by clause, and one clause of several contracts side by side.

The choices made over the defaults: every agreement is asked on its own, because clauses of different contracts look
alike, and with its amendments, which are shown first; whole clauses are read, in the order of the document, with the
definitions of the terms they use and the clauses they refer to; each statement is shown with its clause and page and
a quotation that was looked up again; and what a contract does not say is said. A clause that is compared is found by
its title, else by what it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp
from typing import TYPE_CHECKING, cast

from hybrid.pipelines.legal.answer import Finding, finding
from hybrid.pipelines.legal.clause import Clause
from hybrid.pipelines.legal.contract import Contract
from hybrid.pipelines.legal.evidence import chosen, lines, weighed
from hybrid.pipelines.legal.library import Library
from hybrid.pipelines.legal.question import Meanings, Question, cuad, recognised

from hybrid.chat.prompts import Prompt
from hybrid.corpus.corpus import CorpusLike
from hybrid.engines.base import Completion, Quote
from hybrid.errors import InputError
from hybrid.index.fusion import Mode
from hybrid.index.protocol import Progress, Store
from hybrid.reading.cite import cite
from hybrid.settings import Settings, load
from hybrid.text.words import STOP, stems
from hybrid.types import Answer, Piece, Record, Route

if TYPE_CHECKING:
    from hybrid.engines.extractive import Extractive
    from hybrid.session.hybrid import Hybrid

_LONG_CLAUSE = 12_000  # characters; a longer clause is an article, and only its first paragraph is compared
_NEAR = 0.35  # cosine from which a passage is taken to be about a clause whose words it does not have


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


def compared(contract: Contract, wanted: str, store: Store, mode: Mode) -> Compared:
    """The clause of a contract that is called, or is about, what is wanted.

    Args:
        store: where the contract's passages are searched if no title fits.
        mode: how they are searched.
    """
    name = contract.document.name
    found, by = _titled(contract, wanted), "title"
    if found is None:
        found, by = _nearest(contract, wanted, store, mode), "text"
    if found is None:
        return Compared(document=name)
    start, end = found.start, found.end
    if end - start > _LONG_CLAUSE:
        start, end = contract.paragraph(start)
    text = contract.document.text[start:end].rstrip()
    place = contract.document.locate(start, start + len(text))
    return Compared(document=name, clause=found.path, text=text, by=by, **place._asdict())


def _titled(contract: Contract, wanted: str) -> Clause | None:
    """The clause whose title has all the words and the fewest others; the main text before schedules."""
    words = set(stems(wanted, STOP))
    found = []
    for number, clause in enumerate(contract.clauses):
        title = set(stems(clause.title, STOP))
        if words and words <= title and clause.end - clause.start > len(clause.name) + 20:
            in_schedule = contract.schedule(clause.start) is not None
            found.append((len(title - words), in_schedule, number))
    return contract.clauses[min(found)[2]] if found else None


def _nearest(contract: Contract, wanted: str, store: Store, mode: Mode) -> Clause | None:
    """The clause of the best passage that is about the subject; None where no passage is."""
    known = next((q for q in cuad() if q.name.lower() == wanted.strip().lower()), None)
    asked = wanted if known is None else known.ask
    passages = [(c.dense, c.passage) for c in store.search(asked, 8, mode, [contract.document.name])]
    if known is not None:
        over = [clause for _, passage in passages for clause in contract.over(passage.start, passage.end)]
        best = max(over, key=lambda clause: known.fits(contract.own(clause)), default=None)
        return best if best is not None and known.fits(contract.own(best)) else None
    words = set(stems(wanted, STOP))
    for dense, passage in passages:
        if dense is not None and dense >= _NEAR and words <= set(stems(passage.text)):
            over = contract.over(passage.start, passage.end)
            return max(over, key=lambda clause: len(words & set(stems(contract.own(clause)))), default=None)
    return None


_TELLING = 1.5  # of `Question.fits`: a cue of several words, or several cues, tell the subject by themselves
_LIKELY = 0.35  # of the chance from which the engine answers: from here on a sentence with one short cue is taken
_CUE = 0.3  # what a cue weighs against the engine's ranking


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
        UserError: nothing readable is there, or the index cannot be used.

    Example:
        >>> with Hybrid(settings()) as hybrid:  # doctest: +SKIP
        ...     legal = Legal(hybrid, "contracts/")
        ...     for finding in legal.ask("When does the agreement end?"):
        ...         print(finding.document, finding.text, [s.place for s in finding.statements])
    """

    def __init__(self, hybrid: Hybrid, corpus: CorpusLike | Store, progress: Progress | None = None) -> None:
        self.hybrid = hybrid
        self.store: Store = hybrid.open(corpus, progress)
        self._quoting = getattr(hybrid.engine, "quotes", False)
        self._meanings = Meanings(hybrid.embedder)
        self.library = Library(self.store, quoting=self._quoting, progress=progress)

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
        """Ask every agreement every question, agreement by agreement, in the order of their names.

        A question that names a category, as in `what does it say on "Governing Law"?`, is asked as that category. A
        question on "the agreement with ..." is asked only of agreements that name the party, if any agreement does.

        Args:
            route: force `rag` or `long`; None lets the policy choose.
            progress: receives stage, done and total.
        """
        listed = [questions] if isinstance(questions, str | Question) else questions
        known = [Question(ask=q) if isinstance(q, str) else q for q in listed if not isinstance(q, str) or q.strip()]
        asked = [(q.ask, q if q.cues else self._understood(q.ask)) for q in known]
        if not asked:
            raise InputError("There is no question. Ask something, for example: When does the agreement end?")
        matters = self.library.matters
        for done, matter in enumerate(matters, 1):
            for text, question in asked:
                if other := self.library.elsewhere(matter, text):
                    reason = f"The question is on an agreement with {other}, who is not named here."
                    yield finding(self.library, matter.document, text, [], reason)
                    continue
                yield self.ask_of(matter.document, question, text, route)
            if progress is not None:
                progress("agreements", done, len(matters))

    def _understood(self, asked: str) -> Question:
        """The category that a question names or, where no model reads, means."""
        named = recognised(asked)
        return named if named.cues or not self._quoting else self._meanings.of(asked)

    def ask_of(self, name: str, question: Question, text: str = "", route: Route | None = None) -> Finding:
        """Ask one agreement, with its amendments, one question.

        Args:
            text: the question as it was asked, where it was put in other words.
        """
        matter = self.library.matter(name)
        answers = [(own, self._answer(own, question, route)) for own in matter.amendments_first]
        found = finding(self.library, matter.document, text or question.ask, answers)
        return weighed(self.library, question, found)

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
        """The answer with the sentences in the usual form of clauses on the subject; None where there are none."""
        contract = self.library.contract(name)
        found = chosen(question, lines(contract, question))
        pieces = [Piece(name, contract.document.text[line.start : line.end], line.start) for line in found]
        quotes = [Quote(i, 0, len(piece.text), 1.0) for i, piece in enumerate(pieces)]
        return self._quoted(answer, quotes, pieces) if found else None

    def _cued(self, answer: Answer, question: Question, read: Sequence[Piece]) -> Answer:
        """The answer with the sentence that has a cue and that the engine ranks best; none where it is too unlikely."""
        if not read:
            return answer
        engine = cast("Extractive", self.hybrid.engine)
        reading = engine.read(Prompt(question.ask, tuple(read)))
        likely = _LIKELY * engine.weights.threshold
        best: tuple[float, Quote] | None = None
        for (piece, start, end), score in zip(reading.spans(), reading.ranked.scores, strict=True):
            fit = question.fits(read[piece].text[start:end])
            if fit < _TELLING and (not fit or reading.chance < likely):
                continue
            worth = float(exp(score - reading.ranked.scores[0])) + _CUE * fit
            if best is None or worth > best[0]:
                best = worth, Quote(piece, start, end, max(reading.chance, likely))
        if best is None:
            return answer.model_copy(update={"text": "", "citations": (), "abstained": True})
        return self._quoted(answer, [best[1]], read)

    def _quoted(self, answer: Answer, quotes: Sequence[Quote], pieces: Sequence[Piece]) -> Answer:
        text, citations = cite(Completion("", answer.usage, quotes=tuple(quotes)), pieces, self.store)
        return answer.model_copy(update={"text": text, "citations": citations, "abstained": False})

    def compare(self, clause: str) -> list[Compared]:
        """The clause that is called, or is about, the same in every document; amendments before their agreement.

        Args:
            clause: such as "governing law".
        """
        if not clause.strip():
            raise InputError("Name the clause to compare, for example: --clause 'governing law'.")
        names = [name for matter in self.library.matters for name in matter.amendments_first]
        mode = self.hybrid.settings.retrieval.mode
        return [compared(self.library.contract(name), clause, self.store, mode) for name in names]
