"""What a reader of a clause needs besides: the definitions of the terms it uses, and the clauses it names.

Definitions are found where they stand: "Affiliate" means ..., (the "Company"), TERM shall mean ... A definition that
only points to another place ("has the meaning set forth in Section 2.1") is followed to that place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from hybrid.pipelines.legal.clause import Clause, label_key
from hybrid.pipelines.legal.contract import Contract

from hybrid.text.sentences import sentences

LONGEST = 1_200  # characters of a definition
_COMMON = 0.2  # a term in a larger share of the clauses ("Agreement", "Party") explains itself
_TERM = r"[A-Z0-9][^\"\u201c\u201d\n()]{1,60}?"
_MEANS = (
    r"(?:shall |will )?(?:means?\b|mean\b|refers? to\b|includes?\b|is defined\b|has the (?:same )?meanings?\b|"
    r"have the (?:same )?meanings?\b|has the respective\b)"
)
_QUOTED = re.compile(
    rf"[\"\u201c](?P<term>{_TERM})[,.]?[\"\u201d](?:\s*(?:or|and|,)\s*[\"\u201c][^\"\u201d]{{2,60}}[\"\u201d])?\s*[,:]?\s*{_MEANS}"
)
_BARE = re.compile(
    r"^[ \t\u00a0]*(?:\d{1,3}(?:\.\d{1,3})*\.?[ \t\u00a0]+|\([a-z]{1,3}\)\s+)?"
    r"(?P<term>[A-Z][A-Z&/-]+(?: [A-Z&/-]{2,}){0,5}|[A-Z][\w'&/-]+(?: (?:of |and )?[A-Z][\w'&/-]+){0,5})[ \t]+"
    rf"{_MEANS}",
    re.MULTILINE,
)
_PARENTHESIS = re.compile(
    rf"\((?:[^()\"\u201c\u201d]{{0,80}})[\"\u201c](?P<term>{_TERM})[,.]?[\"\u201d][^()]{{0,120}}\)"
)
_NO_TERMS = frozenset("this it that which what agreement section article the such nothing and or including".split())
_POINTS = re.compile(r"(?:meanings?|defined)\b[^.]{0,80}\b(?:in|by|to)\b[^.]{0,80}", re.IGNORECASE)

_ID = r"(?:\d{1,3}(?:\.\d{1,3}){0,5}|[IVXLC]{1,7}\b|[A-Z](?:-\d{1,2})?\b)(?:\s?\((?:[a-z]{1,4}|[A-Z]|\d{1,2})\))*"
_REFERENCE = re.compile(
    r"\b(?P<word>Sections?|Sec\.|Articles?|Clauses?|Paragraphs?|Exhibits?|Schedules?|Annex(?:es)?|Appendix|"
    r"Attachments?|SECTIONS?|ARTICLES?|EXHIBITS?|SCHEDULES?|\u00a7\u00a7?)[ \t\u00a0\n]{1,4}"
    rf"(?P<ids>{_ID}(?:(?:,? (?:and|or|through|to) |, ){_ID})*)"
)
# "Section 365 of the Bankruptcy Code" is not a section of this contract
_ELSEWHERE = re.compile(
    r"\s*(?:,\s*)?(?:of|to|under|in)\s+(?!(?:this|the)\s+(?:Agreement|Lease|Contract|License|Amendment|Exhibit|Schedule)\b)"
    r"(?:the|that|any|such|its|each|Title|Regulation|Rule|Part)\b"
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A defined term with the text that defines it."""

    term: str
    start: int  # character range in Document.text
    end: int


@dataclass
class Terms:
    """The defined terms of one contract and the references between its clauses."""

    contract: Contract
    definitions: dict[str, Definition] = field(default_factory=dict)  # by term, as it is written

    @staticmethod
    def of(contract: Contract) -> Terms:
        """All definitions of a contract; for a term, the first that says more than where another one is."""
        found: dict[str, Definition] = {}
        pointing: list[Definition] = []
        for definition in sorted(_definitions(contract), key=lambda d: d.start):
            text = contract.document.text[definition.start : definition.end]
            if _POINTS.search(text) and len(text) < 400 and _REFERENCE.search(text):
                pointing.append(definition)
            else:
                found.setdefault(definition.term, definition)
        for definition in pointing:
            found.setdefault(definition.term, definition)
        return Terms(contract, found)

    def used(self, text: str, question: str = "") -> list[Definition]:
        """Definitions of the terms that a text uses, those that the question names first, then the rarest.

        Terms that stand nearly everywhere are left out unless the question names them.
        """
        if self._finder is None:
            return []
        named = {term for term in self.definitions if re.search(rf"\b{re.escape(term)}\b", question, re.IGNORECASE)}
        used = {self._written[match[0].lower()] for match in self._finder.finditer(text)}
        limit = max(8, _COMMON * len(self.contract.clauses))
        wanted = {term for term in used if self._counts[term] <= limit} | (named & set(self.definitions))
        ranked = sorted(wanted, key=lambda term: (term not in named, self._counts[term], term))
        return [self.definitions[term] for term in ranked]

    def references(self, start: int, end: int) -> list[Clause]:
        """The clauses of this contract that the characters `start:end` name, in that order."""
        text = self.contract.document.text
        found: dict[int, Clause] = {}
        for match in _REFERENCE.finditer(text, start, end):
            if _ELSEWHERE.match(text, match.end()):
                continue
            for label in named_labels(match):
                clause = self._resolve(label, start)
                if clause is not None and not clause.start <= start < clause.end and clause.start not in found:
                    found[clause.start] = clause
        return list(found.values())

    def _resolve(self, label: str, near: int) -> Clause | None:
        """The clause of a label, or the nearest one above it: 5.2 for 5.2(b) if (b) is no clause."""
        clause = self.contract.labelled(label, near)
        shorter = re.sub(r"\s?\([^()]*\)$", "", label)
        return clause if clause is not None or shorter == label else self._resolve(shorter, near)

    @cached_property
    def _written(self) -> dict[str, str]:
        """Terms by the forms that a text may use: in lower case, singular and plural."""
        return {f"{term}{ending}".lower(): term for term in self.definitions for ending in ("s", "es", "")}

    @cached_property
    def _finder(self) -> re.Pattern[str] | None:
        forms = [f"(?i:{re.escape(form)})" for form in sorted(self._written, key=len, reverse=True)]
        return re.compile(rf"(?=[A-Z0-9])\b(?:{'|'.join(forms)})(?!\w)") if forms else None

    @cached_property
    def _counts(self) -> dict[str, int]:
        counts = dict.fromkeys(self.definitions, 0)
        if self._finder is not None:
            for match in self._finder.finditer(self.contract.document.text):
                counts[self._written[match[0].lower()]] += 1
        return counts


def named_labels(match: re.Match[str]) -> Iterator[str]:
    """The labels in a match of a reference: "Sections 2.1 and 2.3(b)" names two."""
    word = match["word"].rstrip(".").rstrip("\u00a7").lower()
    word = {"annexes": "annex"}.get(word, word.removesuffix("s"))
    for number in re.split(r",? (?:and|or|through|to) |, ", match["ids"]):
        if word in ("article", "exhibit", "schedule", "annex", "appendix", "attachment"):
            yield label_key(f"{word} {number.strip()}")
        else:
            yield label_key(number)


def references_in(text: str) -> Iterator[re.Match[str]]:
    """Every reference in a text, to whatever clause."""
    return _REFERENCE.finditer(text)


def _definitions(contract: Contract) -> Iterator[Definition]:
    text = contract.document.text
    for pattern in (_QUOTED, _BARE):
        for match in pattern.finditer(text):
            term = " ".join(match["term"].split())
            if pattern is _BARE and (term.lower() in _NO_TERMS or not 2 < len(term) < 60):
                continue
            yield Definition(term, *_extent(contract, match.start("term")))
    for match in _PARENTHESIS.finditer(text):
        term = " ".join(match["term"].split())
        yield Definition(term, *_sentence(contract, match.start()))


def _extent(contract: Contract, position: int) -> tuple[int, int]:
    """The clause of a definition with its items if it is short; else its paragraph."""
    clause = contract.at(position)
    text = contract.document.text
    if (
        clause is not None
        and clause.kind == "clause"
        and position - clause.start < 40
        and clause.end - clause.start <= LONGEST
    ):
        return _trimmed(text, clause.start, clause.end)
    start, end = contract.paragraph(position)
    if position - start > LONGEST // 2:  # a paragraph of many definitions
        return _sentence(contract, position)
    return _trimmed(text, start, min(end, start + LONGEST))


def _sentence(contract: Contract, position: int) -> tuple[int, int]:
    text = contract.document.text
    start, end = contract.paragraph(position)
    start, end = max(start, position - LONGEST), min(end, position + LONGEST)
    for first, last in sentences(text[start:end]):
        if start + first <= position < start + last:
            return start + first, start + last
    return _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), end - (len(part) - len(part.rstrip()))
