"""Tables over many contracts without a model: the clauses of CUAD's categories, and the values in them.

Whether a contract has a clause is what `hybrid legal clauses` finds; a cell whose kind of evidence was right less often
than not is too doubtful to be computed with. Values are read out of the clause, through the definition of a term where
it gives none itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from threading import Lock
from typing import Any

from hybrid.pipelines.legal.answer import Finding, Statement, found_at
from hybrid.pipelines.legal.asked import KIND, Subject, known, plan
from hybrid.pipelines.legal.pipeline import Legal
from hybrid.pipelines.legal.question import cuad

from hybrid.each.found import NO_FIGURE, Found, of_value
from hybrid.each.plan import Plan
from hybrid.each.units import Unit
from hybrid.index.protocol import Store
from hybrid.text.sentences import sentences
from hybrid.text.values import Value, measure_of, values
from hybrid.types import Column

VERSION = 1  # of the rules: what was kept under another is made anew
_ENOUGH = 0.5  # measured confidence from which a cell is computed with
_SAMPLE = 16  # documents that are looked at to tell whether they are contracts
_HEAD = 1_500  # characters in which a contract's title stands
_TITLE = re.compile(
    r"(?i)\b(?:agreement|contract|lease|licen[cs]e|deed|memorandum of|terms (?:of|and)|addendum|amendment|policy)\b"
)
_BETWEEN = re.compile(r"(?i)\b(?:between|parties|landlord|tenant|client|customer|you)\b")
_BESIDE = 40  # characters before a value, and after it
_FOLLOWS = 80  # characters between what an amount is of and the amount
_LAW = re.compile(
    r"\blaws? of (?:the )?(?:(?:State|Commonwealth|Province|Republic|Kingdom|Federal Republic) of )?"
    r"(?P<of>[A-Z][a-z]+(?: (?:and |of )?[A-Z][a-z]+)*)|\b(?P<adjective>[A-Z][a-z]+) [Ll]aws?\b"
)
_COUNTRIES = {
    "danish": "Denmark", "english": "England", "scots": "Scotland", "scottish": "Scotland", "swiss": "Switzerland",
    "german": "Germany", "french": "France", "italian": "Italy", "japanese": "Japan", "irish": "Ireland",
    "dutch": "Netherlands", "swedish": "Sweden", "norwegian": "Norway", "spanish": "Spain", "indian": "India",
    "chinese": "China", "austrian": "Austria", "belgian": "Belgium", "canadian": "Canada", "australian": "Australia",
}  # fmt: skip
_NO_LAWS = ("this", "the", "such", "any", "applicable", "governing", "federal", "state", "common", "no")


class Clauses:
    """Plans and fills in tables over contracts, for an engine that quotes.

    Args:
        hybrid: the `Hybrid` that asks.
        store: the opened index of the contracts.
    """

    made_by = f"clauses {VERSION}"

    def __init__(self, hybrid: Any, store: Store) -> None:
        self._hybrid, self._store = hybrid, store
        self._legal: Legal | None = None
        self._lock = Lock()

    @staticmethod
    def plan(question: str) -> Plan | None:
        """The plan of a question; None where the rules do not understand it."""
        return plan(question)

    @staticmethod
    def fits(store: Store) -> bool:
        """Whether most of the documents begin like contracts."""
        entries = store.entries()
        some = entries[:: max(1, len(entries) // _SAMPLE)][:_SAMPLE]
        heads = [store.document(entry.name).text[:_HEAD] for entry in some]
        return sum(bool(_TITLE.search(head) and _BETWEEN.search(head)) for head in heads) > len(heads) / 2

    def extract(self, unit: Unit, columns: Sequence[Column]) -> list[Found]:
        """What a contract with its amendments says on each field."""
        return [self._found(unit, column) for column in columns]

    @property
    def legal(self) -> Legal:
        """The contracts, read into clauses when they are first needed."""
        with self._lock:
            if self._legal is None:
                self._legal = Legal(self._hybrid, self._store)
            return self._legal

    def _found(self, unit: Unit, column: Column) -> Found:
        if column.name.startswith(KIND):
            return _of_kind(unit, column.name.removeprefix(KIND))
        if column.name in known().roles:
            return _of_role(unit, column.name)
        subject = known().subjects[column.name]
        if subject.noun:
            return _amount(subject, column, unit)
        question = next(q for q in cuad() if q.name == subject.categories[0])
        finding = self.legal.ask_of(unit.names[0], question)
        if not finding.statements:
            return Found(doubt=finding.doubt if finding.doubtful else "")
        return self._said(unit, column, subject, finding)

    def _said(self, unit: Unit, column: Column, subject: Subject, finding: Finding) -> Found:
        """A clause that was found, or the value in it."""
        statement = finding.statements[0]
        at = self._place(unit, statement)
        doubt = finding.doubt if finding.doubtful else ""
        counts = (finding.confidence or 0.0) >= _ENOUGH
        if column.kind == "yesno":
            return Found(value=True, shown="yes", doubt=doubt, counts=counts, **at)
        if column.kind == "text":
            law = _law(statement.quote)
            return Found(value=law or statement.quote, shown=law or statement.quote, doubt=doubt, counts=counts, **at)
        found = self._value(subject, column, statement, at)
        if found.value is None or (found.doubt and not found.counts):
            return found
        return found.model_copy(update={"doubt": doubt or found.doubt, "counts": counts})

    def _place(self, unit: Unit, statement: Statement) -> dict[str, int]:
        """Where a statement stands in the texts of a unit; nothing where it does not."""
        document = self.legal.library.contract(statement.document).document
        start = found_at(document, statement.quote, statement.start)
        if start is None or statement.document not in unit.names:
            return {}
        return {"text": unit.names.index(statement.document), "start": start, "end": start + len(statement.quote)}

    def _value(self, subject: Subject, column: Column, statement: Statement, at: dict[str, int]) -> Found:
        """The value that a clause gives on its subject: itself, by a defined term, or as a period from the start."""
        measure = measure_of(column.kind)
        meant = _meant(subject, statement.quote, values(statement.quote, measure))
        if not meant:
            terms = self.legal.library.terms(statement.document)
            contract = terms.contract
            whole = contract.document.text
            defined = (values(whole[d.start : d.end], measure) for d in terms.used(statement.quote, statement.quote))
            meant = next((found for found in defined if len({value.number for value in found}) == 1), [])
        if not meant and column.name == "expiration_date":
            return self._ending(statement, at)
        if not meant:
            return Found(shown="", doubt=NO_FIGURE, counts=False, **at)
        found = of_value(meant, column, at)
        different = {value.number for value in meant if value.unit == meant[0].unit and value.start != meant[0].start}
        if different - {meant[0].number}:
            return found.model_copy(update={"doubt": "the clause gives other values too"})
        return found

    def _ending(self, statement: Statement, at: dict[str, int]) -> Found:
        """The end of a contract that runs for a period: the period after the day on which it takes effect."""
        periods = values(statement.quote, "duration")
        names = ("Effective Date", "Agreement Date")
        for question in (q for name in names for q in cuad() if q.name == name and periods):
            begun = self.legal.ask_of(statement.document, question)
            dates = [d for s in begun.statements[:1] for d in values(s.quote, "date")]
            if (begun.confidence or 0.0) < _ENOUGH or len({d.number for d in dates}) != 1:
                continue
            end = date.fromordinal(int(dates[0].number)) + timedelta(days=round(periods[0].number))
            shown = f"{' '.join(periods[0].text.split())} from {' '.join(dates[0].text.split())}"
            return Found(value=end.isoformat(), shown=shown, **at)
        return Found(shown="", doubt=NO_FIGURE, counts=False, **at)


def _meant(subject: Subject, quote: str, found: Sequence[Value]) -> list[Value]:
    """The values of a clause that its subject means, the first of them first."""
    kept = []
    for value in found:
        before, after = quote[max(0, value.start - _BESIDE) : value.start], quote[value.end : value.end + _BESIDE]
        if subject.not_near and re.search(rf"(?i)\b{subject.not_near}\s*(?:the )?$", before):
            continue
        if subject.near and not re.search(rf"(?i){subject.near}", before + after):
            continue
        kept.append(value)
    return kept


def _law(quote: str) -> str:
    """The law that a clause names; a country for its adjective."""
    for match in _LAW.finditer(quote):
        said = match["of"] or match["adjective"]
        if said.lower() not in _NO_LAWS:
            return _COUNTRIES.get(said.lower(), said)
    return ""


def _of_kind(unit: Unit, kind: str) -> Found:
    """Whether the title of a contract is that of a kind."""
    pattern = known().kinds[kind][1]
    head = unit.texts[0][:_HEAD]
    title = re.search(r"[^\n]*\b(?:agreement|contract|lease|licen[cs]e|deed|terms)\b[^\n]*", head, re.IGNORECASE)
    if title is None or not re.search(pattern, title[0], re.IGNORECASE):
        return Found()
    return Found(value=True, shown="yes", start=title.start(), end=title.end())


def _of_role(unit: Unit, role: str) -> Found:
    """The party that a contract calls so, by the words in which it is introduced."""
    called = known().roles[role][1]
    head = unit.texts[0][: 2 * _HEAD]
    match = re.search(
        rf"(?P<name>[A-Z][\w&.'-]*(?: (?:and |of |& )?[A-Z][\w&.'-]*){{0,6}})[^()]{{0,120}}"
        rf"\((?:the |each )?[\"\u201c](?:(?i:{called}))[\"\u201d]\)"
        rf"|(?m:^)(?i:the )?(?i:{called}): (?P<line>[A-Z][^\n.;]{{1,80}})",
        head,
    )
    if match is None:
        return Found()
    name = match["name"] or match["line"]
    return Found(value=name, shown=" ".join(name.split()), start=match.start(), end=match.end())


def _amount(subject: Subject, column: Column, unit: Unit) -> Found:
    """The amount that stands behind what it is of: "pay rent of 48,000 pounds a year"; one that recurs comes first."""
    text = unit.texts[0]
    found: list[tuple[bool, int, Value, int, int]] = []
    for start, end, base in _stretches(text):
        said = text[start:end]
        amounts = values(said, "amount")
        for noun in re.finditer(rf"(?i)\b{subject.noun}\b", said):
            first = next((value for value in amounts if value.start >= noun.end()), None)
            between = "" if first is None else said[noun.end() : first.start]
            if first is not None and len(between) <= _FOLLOWS and not re.search(r"[;]|\n\n", between):
                found.append(("/" not in first.unit, base, first, start, start + first.end))
                break
    if not found:
        return Found()
    _, _, first, start, end = min(found, key=lambda one: one[:2])
    return of_value([first], column, {"text": 0, "start": start, "end": end})


def _stretches(text: str) -> Sequence[tuple[int, int, int]]:
    """The sentences of a text with their place; a title of a few words belongs to the sentence after it."""
    spans = sentences(text)
    joined = []
    for i, (start, end) in enumerate(spans):
        titled = i > 0 and len(text[spans[i - 1][0] : spans[i - 1][1]].split()) <= 3
        joined.append((spans[i - 1][0] if titled else start, end, i))
    return joined
