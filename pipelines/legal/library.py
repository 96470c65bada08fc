"""The contracts of one index, each read into clauses once and put together with its amendments.

An amendment names the agreement it amends by title, date and parties. The contract that fits these best is taken. If
none fits, the amendment stands alone and says so. A question reads whole clauses of a contract instead of passages, and
with them what they need to be understood, each marked in its heading: definitions of the terms they use, clauses they
refer to (one step), and the clauses of amendments that change them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hybrid.pipelines.legal.clause import label_key
from hybrid.pipelines.legal.contract import Contract
from hybrid.pipelines.legal.question import Question
from hybrid.pipelines.legal.terms import Terms, named_labels, references_in

from hybrid.index.protocol import Progress, Store
from hybrid.session.way import Widen
from hybrid.text.amendments import Naming, fit, naming
from hybrid.types import Piece

_CHANGES = re.compile(
    r"[^.;]{0,200}?\b(?:is|are|shall be|be)\s+(?:hereby\s+)?(?:further\s+)?"
    r"(?:amended|deleted|replaced|restated|revised|supplemented|modified|removed|superseded|extended)\b"
)


@dataclass(frozen=True, slots=True)
class Amendment:
    """A document that changes another one."""

    document: str  # its name
    named: str  # the agreement it names, in its own words
    number: int  # 2 for a second amendment; 0 where it does not say
    changes: frozenset[str]  # labels of the clauses it changes, as `label_key` writes them

    def touches(self, label: str) -> bool:
        """Whether it changes a clause of that label, or one that holds it."""
        key = label_key(label)
        return bool(key) and any(key == c or re.match(rf"{re.escape(c)}[.(]", key) for c in self.changes)


@dataclass(frozen=True, slots=True)
class Matter:
    """An agreement with its amendments, the latest first; an amendment without its agreement is a matter of its own."""

    document: str
    amendments: tuple[Amendment, ...] = ()
    amends: str = ""  # what an amendment names, where that is not among the documents

    @property
    def documents(self) -> list[str]:
        """The agreement, then its amendments."""
        return [self.document, *(amendment.document for amendment in self.amendments)]

    @property
    def amendments_first(self) -> list[str]:
        """The amendments, the latest first, then the agreement."""
        return [*self.documents[1:], self.document]


def amendment_of(contract: Contract) -> Amendment | None:
    """What a document says about the agreement it amends; None where it is no amendment."""
    one = naming(contract.document.text)
    if one is None:
        return None
    return Amendment(contract.document.name, one.named, one.number, frozenset(_changed(contract)))


def _changed(contract: Contract) -> Iterable[str]:
    text = contract.document.text
    for match in references_in(text):
        if _CHANGES.match(text, match.end()):
            yield from named_labels(match)


def matters(contracts: Mapping[str, Contract]) -> list[Matter]:
    """Each agreement with its amendments, in the order of the names."""
    read = {name: amendment_of(contract) for name, contract in contracts.items()}
    amendments = {name: amendment for name, amendment in read.items() if amendment is not None}
    bases = {name: contract for name, contract in contracts.items() if name not in amendments}
    of: dict[str, list[Amendment]] = {}
    alone: list[Matter] = []
    for name, amendment in amendments.items():
        one = Naming(amendment.named, amendment.number)
        own = contracts[name].document.text
        fits = ((fit(one, own, base.document.text), other) for other, base in bases.items())
        best, base = max(fits, default=(0.0, ""))
        if best > 0:
            of.setdefault(base, []).append(amendment)
        else:
            alone.append(Matter(name, (), amendment.named))
    found = [Matter(name, tuple(sorted(of.get(name, ()), key=lambda a: (-a.number, a.document)))) for name in bases]
    return sorted([*found, *alone], key=lambda matter: matter.document)


CLAUSE = 1_500  # characters: the largest clause around a passage that is no longer is read
COMPANION = 1_200  # characters of one definition or clause that is read along
DEFINITIONS, REFERENCES, CHANGES = 6, 3, 3  # of each at most
CUED = 6  # clauses with a cue that are read at most
_BEGINNING = 5_000  # characters in which title, parties and date stand
_NAME = r"[A-Z0-9][\w&.'’-]*(?:\s+(?:& |of )?[A-Z0-9][\w&.'’-]*)*"
_WITH = re.compile(
    r"\b(?:agreements?|contracts?|leases?|licen[cs]es?|loans?|deals?)\s+(?:\w+\s+){0,3}?(?:with|between)\s+"
    rf"(?-i:(?P<names>{_NAME}(?:(?:,\s*|,?\s+(?:and|or)\s+){_NAME})*))",
    re.IGNORECASE,
)
_GAPS = re.compile(r"\[page (\d+) (?:cannot be read|has no text)[^\]]*\]")


class Library:
    """The documents of an index as contracts.

    Args:
        store: the opened index.
        quoting: whether the engine only quotes; it is not shown clauses without a question's cues.
        progress: receives stage, done and total while contracts are read into clauses.
    """

    def __init__(self, store: Store, *, quoting: bool = False, progress: Progress | None = None) -> None:
        self.store = store
        self.quoting = quoting
        self._contracts: dict[str, Contract] = {}
        self._terms: dict[str, Terms] = {}
        names = [entry.name for entry in store.entries()]
        for done, name in enumerate(names, 1):
            self._contracts[name] = Contract.of(store.document(name))
            if progress is not None:
                progress("clauses", done, len(names))
        self.matters: list[Matter] = matters(self._contracts)

    def contract(self, name: str) -> Contract:
        """The contract of that name. Raises KeyError where there is none."""
        return self._contracts[name]

    def terms(self, name: str) -> Terms:
        """Its definitions and references."""
        if name not in self._terms:
            self._terms[name] = Terms.of(self._contracts[name])
        return self._terms[name]

    def matter(self, name: str) -> Matter:
        """The agreement that a document is, or changes."""
        for matter in self.matters:
            if name in matter.documents:
                return matter
        return Matter(name)

    def elsewhere(self, matter: Matter, asked: str) -> str:
        """Whom a question on "the agreement with ..." names, if only other agreements name them too; else empty.

        A name that no document has does not count: it may stand for a role, or be misspelt.
        """
        match = _WITH.search(asked)
        if match is None:
            return ""
        names = [name.rstrip(".,'’") for name in re.split(r",\s*(?:and |or )?|\s+(?:and|or)\s+", match["names"])]
        own = set(matter.documents)
        if any(self._names(document, name) for document in own for name in names):
            return ""
        others = self._contracts.keys() - own
        return next((n for n in names if any(self._names(document, n) for document in others)), "")

    def _names(self, document: str, name: str) -> bool:
        pattern = r"\s+".join(re.escape(part) for part in name.split())
        return re.search(rf"\b{pattern}\b", self._contracts[document].document.text, re.IGNORECASE) is not None

    def notes(self, name: str) -> list[str]:
        """What could not be read of a document, in sentences."""
        pages = [int(page) for page in _GAPS.findall(self._contracts[name].document.text)]
        if not pages:
            return []
        shown = ", ".join(map(str, pages[:12])) + (", ..." if len(pages) > 12 else "")
        return [f"{name}: {len(pages)} of its pages could not be read or hold no text (pages {shown})."]

    def reading(self, name: str, question: Question) -> Widen:
        """What a question reads of one document, given the passages found in it."""

        def widen(asked: str, store: Store, found: Sequence[Piece]) -> list[Piece]:
            clauses = self._clauses(found)
            if question.cues:
                cued = self._cued(name, question, clauses)
                clauses = cued if self.quoting else _apart([*cued, *clauses])
            if not clauses or (self.quoting and question.cues):
                return clauses
            return [*clauses, *self._companions(name, asked, clauses)]

        return widen

    def _clauses(self, found: Sequence[Piece]) -> list[Piece]:
        """Passages widened to their clauses, best first; clauses that overlap become one."""
        merged: list[Piece] = []
        for piece in found:
            contract = self._contracts[piece.document]
            start, end = contract.around(piece.start, piece.end, CLAUSE)
            score = piece.score
            overlapping = [m for m in merged if m.document == piece.document and m.start < end and start < m.end]
            for other in overlapping:
                start, end, score = min(start, other.start), max(end, other.end), max(score, other.score)
                merged.remove(other)
            merged.append(self._piece(piece.document, start, end, score))
        return sorted(merged, key=lambda piece: (-piece.score, piece.document, piece.start))

    def _piece(self, name: str, start: int, end: int, score: float = 0.0, mark: str = "") -> Piece:
        contract = self._contracts[name]
        clause = contract.at(start)
        heading = mark + (clause.path if clause is not None else "")
        location = contract.document.locate(start, end)
        return Piece(name, contract.document.text[start:end], start, heading, location, None, score)

    def _cued(self, name: str, question: Question, found: Sequence[Piece]) -> list[Piece]:
        """The clauses that have a cue of the question, the most telling first."""
        contract = self._contracts[name]
        scored = []
        for start, end, score in _parts(contract, question):
            if score > 0:
                near = max((p.score for p in found if p.start < end and start < p.end), default=0.0)
                scored.append((-score - 2 * near, start, end))
        best = sorted(scored)[:CUED]
        return _apart([self._piece(name, *contract.around(start, end, CLAUSE), -less) for less, start, end in best])

    def _companions(self, name: str, asked: str, clauses: Sequence[Piece]) -> list[Piece]:
        """Changes by amendments, clauses referred to and definitions, without those that are read anyway."""
        kept: list[Piece] = []
        for piece in (*self._changes(name, clauses), *self._referred(clauses), *self._defined(name, asked, clauses)):
            if not _within(piece.document, piece.start, piece.end, (*clauses, *kept)):
                kept.append(piece)
        return kept

    def _defined(self, name: str, asked: str, clauses: Sequence[Piece]) -> Iterator[Piece]:
        """Definitions from the document itself, then from the agreement that it amends."""
        text = "\n".join(piece.text for piece in clauses)
        seen: set[str] = set()
        for document in dict.fromkeys((name, self.matter(name).document)):
            for definition in self.terms(document).used(text, asked):
                if definition.term in seen or len(seen) >= DEFINITIONS:
                    continue
                if _within(document, definition.start, definition.end, clauses):
                    continue
                seen.add(definition.term)
                end = min(definition.end, definition.start + COMPANION)
                yield self._piece(document, definition.start, end, 0.0, f'definition of "{definition.term}" in ')

    def _referred(self, clauses: Sequence[Piece]) -> Iterator[Piece]:
        count = 0
        for piece in clauses[:3]:  # of the most relevant: further ones name half of the contract
            contract = self._contracts[piece.document]
            for clause in self.terms(piece.document).references(piece.start, piece.end):
                if count == REFERENCES:
                    return
                count += 1
                end = clause.end if clause.end - clause.start <= COMPANION else contract.paragraph(clause.start)[1]
                end = min(end, clause.start + COMPANION)
                yield self._piece(piece.document, clause.start, end, 0.0, "referred to: ")

    def _changes(self, name: str, clauses: Sequence[Piece]) -> Iterator[Piece]:
        matter = self.matter(name)
        if name != matter.document:
            return
        count = 0
        for amendment in matter.amendments:
            for piece in clauses:
                for start, end in self._changing(amendment, piece):
                    if count < CHANGES:
                        count += 1
                        yield self._piece(amendment.document, start, end, 1.0, "amendment, changes what is below: ")

    def _changing(self, amendment: Amendment, piece: Piece) -> Iterator[tuple[int, int]]:
        base, own = self._contracts[piece.document], self._contracts[amendment.document]
        labels = {clause.label for clause in base.clauses if piece.start <= clause.start < piece.end and clause.label}
        here = base.at(piece.start)
        labels |= {here.label} if here is not None and here.label else set()
        for label in sorted(filter(amendment.touches, labels)):
            if match := re.search(rf"\b{re.escape(label)}\b", own.document.text):
                yield own.around(match.start(), match.end(), COMPANION)


def _parts(contract: Contract, question: Question) -> Iterator[tuple[int, int, float]]:
    """Start, end and score of each clause without those below it, by its cues; 0 without any."""
    text = contract.document.text
    title_words = question.stems
    clauses = contract.clauses
    for i, clause in enumerate(clauses):
        stop = clauses[i + 1].start if i + 1 < len(clauses) else clause.end
        for start, end in _paragraphs(text, clause.start, min(stop, clause.end) if stop > clause.start else clause.end):
            if question.where == "beginning" and start > _BEGINNING:
                return
            score = question.fits(f"{clause.title}\n{text[start:end]}")
            if score:
                title = title_words & question.words(clause.title)
                score += 1.5 * len(title) / max(1, len(title_words))
            yield start, end, score


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A stretch of text, in its paragraphs if it is long."""
    if end - start <= CLAUSE:
        yield start, end
        return
    at = start
    for match in re.finditer(r"\n[ \t\r]*\n\s*", text[start:end]):
        stop = start + match.end()
        if stop - at > 200:
            yield at, stop
            at = stop
    if at < end:
        yield at, end


def _within(document: str, start: int, end: int, pieces: Sequence[Piece]) -> bool:
    """Whether one of the pieces holds a whole range of a document."""
    return any(p.document == document and p.start <= start and end <= p.end for p in pieces)


def _apart(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces without those inside another one; the larger takes the place of the smaller."""
    kept: list[Piece] = []
    for piece in pieces:
        if _within(piece.document, piece.start, piece.end, kept):
            continue
        inner = next((other for other in kept if _within(other.document, other.start, other.end, [piece])), None)
        if inner is None:
            kept.append(piece)
        else:
            kept[kept.index(inner)] = replace(piece, score=max(piece.score, inner.score))
    return kept
