"""What contracts say on questions: statements, each with its clause and page and a quotation that was checked.

Every quotation is looked up again in the document. A statement in a model's own words is kept only if a quotation
supports it and every figure in it stands in the clause that is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hybrid.pipelines.legal.contract import Contract
from hybrid.pipelines.legal.library import Library
from hybrid.pipelines.legal.question import Question

from hybrid.document import Document
from hybrid.text.sentences import sentences
from hybrid.types import Answer, Citation, Cost, Record, Usage

SILENT = "Not addressed in this document."
UNSURE = "No clause was recognised."
UNSUPPORTED = "Nothing in this document supports what was replied, so it is not shown."
_MARKER = re.compile(r"\s*\[(\d+)\]")
_FIGURE = re.compile(r"\d[\d,.]*\d|\d")


class Statement(Record):
    """Something that a document says."""

    text: str  # the engine's words, or the quotation on one line
    quote: str  # as it stands in the document
    document: str
    clause: str  # the path of clauses: "Article IV Term > 4.1 Renewal"
    page: int | None
    line: int
    end_line: int
    start: int  # characters in the original
    end: int
    where: str  # path:line, with the page where there is one
    amended_by: tuple[str, ...] = ()  # amendments that change this clause

    @property
    def place(self) -> str:
        """Clause and page for people."""
        page = f", page {self.page}" if self.page is not None else ""
        return f"{self.clause}{page}"


class Finding(Record):
    """The answer of one agreement, with its amendments, to one question."""

    document: str
    question: str
    status: Literal["addressed", "not addressed", "unsupported"]
    statements: tuple[Statement, ...]  # of amendments first, the latest before the others
    amendments: tuple[str, ...] = ()
    amends: str = ""  # the agreement that an amendment names, if that is not among the documents
    withheld: int = 0  # statements of the engine that nothing supports
    reason: str = ""  # why this way of reading was taken
    route: str = ""
    usage: Usage = Usage()
    cost: Cost | None = None
    notes: tuple[str, ...] = ()
    evidence: str = ""  # its kind; see `hybrid.pipelines.legal.evidence`
    confidence: float | None = None  # how often cells of this kind of evidence were right, measured; None: not weighed
    doubtful: bool = False  # the confidence is too low to tell it as certain
    doubt: str = ""  # why, in words

    @property
    def text(self) -> str:
        """The answer as text."""
        if self.statements:
            return " ".join(statement.text for statement in self.statements)
        return UNSUPPORTED if self.status == "unsupported" else SILENT

    @property
    def told(self) -> str:
        """The answer for a table, which does not tell doubtful silence as silence."""
        return UNSURE if self.status == "not addressed" and self.doubtful else self.text

    def place(self, statement: Statement) -> str:
        """Clause and page of a statement, with the document if that is an amendment."""
        own = statement.document == self.document
        return statement.place if own else f"{statement.document}: {statement.place}"

    @property
    def share(self) -> str:
        """The confidence in percent; empty if it was not weighed."""
        return "" if self.confidence is None else f"{self.confidence:.0%}".replace("%", " %")


def finding(
    library: Library, name: str, question: str, answers: Sequence[tuple[str, Answer]], reason: str = ""
) -> Finding:
    """The finding of an agreement from the answers of its documents: (document, answer), amendments first.

    Args:
        reason: why it was not asked at all, if there are no answers.
    """
    matter = library.matter(name)
    statements: list[Statement] = []
    withheld = 0
    for _, answer in answers:
        kept, dropped = _statements(library, answer)
        statements += [s for s in kept if all((s.document, s.quote) != (o.document, o.quote) for o in statements)]
        withheld += dropped
    own = answers[-1][1] if answers else None
    notes = dict.fromkeys(note for _, answer in answers for note in answer.notes)
    return Finding(
        document=name,
        question=question,
        status="addressed" if statements else "unsupported" if withheld else "not addressed",
        statements=tuple(statements),
        amendments=tuple(a.document for a in matter.amendments),
        amends=matter.amends,
        withheld=withheld,
        reason=reason if own is None else own.reason,
        route="" if own is None else own.route,
        usage=sum((answer.usage for _, answer in answers), Usage()),
        cost=own.cost if own is not None and len(answers) == 1 else None,
        notes=tuple(notes),
    )


def _statements(library: Library, answer: Answer) -> tuple[list[Statement], int]:
    """The statements of an answer that its quotations support, and how many have no support."""
    if answer.abstained:
        return [], 0
    kept: list[Statement] = []
    dropped = 0
    for text, numbers in _said(answer):
        cited = [answer.citations[n - 1] for n in numbers if 0 < n <= len(answer.citations)]
        places = [found_at(library.contract(c.document).document, c.quote, c.start) for c in cited]
        found = [(citation, at) for citation, at in zip(cited, places, strict=True) if at is not None]
        if not found or not _figures_hold(library, text, found):
            dropped += 1
            continue
        kept += [_statement(library, text, citation, at) for citation, at in found[:1]]
    return kept, dropped


def _said(answer: Answer) -> Iterator[tuple[str, list[int]]]:
    text = re.sub(r"([.!?])((?:\s*\[\d+\])+)", r"\2\1", answer.text)  # a number behind the full stop belongs before it
    flat = [" ".join(citation.quote.split()) for citation in answer.citations]
    if answer.text == " ".join(f"{quote} [{i}]" for i, quote in enumerate(flat, 1)):  # quotations and nothing else
        yield from ((quote, [i]) for i, quote in enumerate(flat, 1))
        return
    for start, end in sentences(text):
        said = " ".join(_MARKER.sub("", text[start:end]).split())
        if re.search(r"\w", said):
            yield said, [int(n) for n in _MARKER.findall(text[start:end])]


def found_at(document: Document, quote: str, start: int) -> int | None:
    """Where in `Document.text` a quotation stands that begins at `start` of the original; None if it does not."""
    at = document.text.find(quote)
    while at >= 0:
        if document.locate(at, at + len(quote)).start == start:
            return at
        at = document.text.find(quote, at + 1)
    return None


def _figures_hold(library: Library, text: str, found: Sequence[tuple[Citation, int]]) -> bool:
    """Whether every figure of a statement stands in one of the clauses that it rests on."""
    figures = {figure.replace(",", "") for figure in _FIGURE.findall(text)}
    have: set[str] = set()
    for citation, at in found:
        contract = library.contract(citation.document)
        start, end = contract.around(at, at + len(citation.quote), 1_500)
        have |= {figure.replace(",", "") for figure in _FIGURE.findall(contract.document.text[start:end])}
    return figures <= have


def _statement(library: Library, text: str, citation: Citation, at: int) -> Statement:
    contract = library.contract(citation.document)
    clause = contract.at(at)
    return Statement(
        text=text,
        clause=clause.path if clause is not None else "",
        where=citation.where,
        amended_by=_amended_by(library, contract, clause.label if clause is not None else ""),
        **citation.model_dump(include={"quote", "document", "page", "line", "end_line", "start", "end"}),
    )


def _amended_by(library: Library, contract: Contract, label: str) -> tuple[str, ...]:
    matter = library.matter(contract.document.name)
    if matter.document != contract.document.name or not label:
        return ()
    return tuple(a.document for a in matter.amendments if a.touches(label))


@dataclass(frozen=True, slots=True)
class Table:
    """What contracts say on a list of questions: one finding for each contract and question, contract by contract."""

    questions: tuple[Question, ...]
    findings: tuple[Finding, ...]
    sources: Mapping[str, Document] = field(default_factory=dict)  # the documents, for their text and their paths
    unread: Sequence[str] = ()  # what could not be read and is in none of the findings

    def documents(self) -> dict[str, list[Finding]]:
        """The findings by contract, in the order of the questions."""
        found: dict[str, list[Finding]] = {}
        for finding in self.findings:
            found.setdefault(finding.document, []).append(finding)
        return found

    def title(self, finding: Finding) -> str:
        """The name of a finding's question."""
        return next((q.title for q in self.questions if q.ask == finding.question), finding.question)
