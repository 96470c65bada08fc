"""Amendments: which contract of several an amendment changes, and which of its clauses.

An amendment names the agreement it amends by title, date and parties; the contract that fits these best is taken. Where
none fits, the amendment stands alone, and that is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hybrid.sentences import stems
from pipelines.contract import Contract, label_key
from pipelines.contract_terms import named_labels, references_in

_HEAD = 3_000  # characters in which title, date and parties stand
_IS = re.compile(
    r"(?im:^[ \t]*(?:\w+[ \t]+){0,3}(?:AMENDMENT|ADDENDUM|SUPPLEMENT(?:AL AGREEMENT)?)\b(?! AND RESTATED)"
    r"(?:[ \t]+(?:NO\.?|NUMBER|#)?[ \t]*\w+)?(?:[ \t]+(?:TO|OF)\b|[ \t]*$|[ \t]+AGREEMENT\b))"
    r"|\b[Tt]his (?:\w+ ){0,2}(?:Amendment|AMENDMENT|Addendum|ADDENDUM)\b"
)
_KINDS = r"(?:Agreement|AGREEMENT|Lease|LEASE|Contract|CONTRACT|License|LICENSE|Plan|PLAN)"
_NAMED = re.compile(
    r"(?:\b[Aa]mend(?:ment|s|ing|ed)?\b|\bAMENDMENT\b|\b[Aa]ddendum\b|\bADDENDUM\b|that certain|parties to (?:the|a)|"
    r"entered into (?:the|an?|that)|executed (?:the|an?))[^.\n]{0,40}?"
    rf"(?P<name>(?:[A-Z][\w&,'/-]*[ \n]+(?:(?:and|of|for|&|to the) )?){{1,9}}{_KINDS})(?P<after>[^.]{{0,220}})"
)
_TITLE = re.compile(
    rf"\b(?:This|THIS)\s+(?P<name>(?:[A-Z][\w&,'/-]*\s+(?:(?:and|of|for|&) )?){{1,9}}{_KINDS})\b"
    rf"|^[ \t]*(?P<line>(?:[A-Z][A-Z&,'/-]*[ \t]+){{1,9}}{_KINDS})[ \t]*$",
    re.MULTILINE,
)
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(
    rf"(?i:\b(?P<month>{_MONTHS})\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})\b"
    rf"|\b(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?: day of)?\s+(?P<month2>{_MONTHS}),?\s+(?P<year2>\d{{4}})\b)"
)
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()
_ORDINAL = re.compile(
    rf"(?i:\b({'|'.join(_ORDINALS)})\s+(?:amendment|addendum|supplement)|(?:amendment|addendum)\s+(?:no\.?|number|#)?\s*(\d{{1,2}})\b)"
)
_CHANGES = re.compile(
    r"[^.;]{0,200}?\b(?:is|are|shall be|be)\s+(?:hereby\s+)?(?:further\s+)?"
    r"(?:amended|deleted|replaced|restated|revised|supplemented|modified|removed|superseded|extended)\b"
)
_PARTY = re.compile(r"\b[A-Z][A-Za-z0-9&.'-]{2,}\b")
_ORDINARY = frozenset(
    """
    this the agreement amendment first second third party parties whereas and now therefore section effective date
    dated between inc llc ltd corp corporation company limited delaware state new having lease license contract exhibit
    """.split()
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


def amendment_of(contract: Contract) -> Amendment | None:
    """What a document says about the agreement it amends; None where it is no amendment."""
    head = contract.document.text[:_HEAD]
    if not _IS.search(head[:1_500]):
        return None
    own = [match for match in _NAMED.finditer(head) if not re.search(r"(?i)amendment", match["name"])]
    if not own:
        return None
    best = max(own, key=lambda match: (_DATE.search(match["after"]) is not None, -match.start()))
    ordinal = _ORDINAL.search(head)
    number = 0 if ordinal is None else int(ordinal[2]) if ordinal[2] else _ORDINALS.index(ordinal[1].lower()) + 1
    date = _DATE.search(best["after"])
    name = re.sub(r"^(?:(?:to|of|the)\s+)+", "", " ".join(best["name"].split()), flags=re.IGNORECASE)
    named = name + (f" dated {' '.join(date[0].split())}" if date else "")
    return Amendment(contract.document.name, named, number, frozenset(_changed(contract)))


def _changed(contract: Contract) -> Iterable[str]:
    text = contract.document.text
    for match in references_in(text):
        if _CHANGES.match(text, match.end()):
            yield from named_labels(match)


def matters(contracts: Mapping[str, Contract]) -> list[Matter]:
    """The documents put together: each agreement with its amendments, in the order of the names."""
    read = {name: amendment_of(contract) for name, contract in contracts.items()}
    amendments = {name: amendment for name, amendment in read.items() if amendment is not None}
    bases = {name: contract for name, contract in contracts.items() if name not in amendments}
    of: dict[str, list[Amendment]] = {}
    alone: list[Matter] = []
    for name, amendment in amendments.items():
        fitting = sorted(
            ((_fit(amendment, contracts[name], base), other) for other, base in bases.items()), reverse=True
        )
        if fitting and fitting[0][0] > 0:
            of.setdefault(fitting[0][1], []).append(amendment)
        else:
            alone.append(Matter(name, (), amendment.named))
    found = [Matter(name, tuple(sorted(of.get(name, ()), key=lambda a: (-a.number, a.document)))) for name in bases]
    return sorted([*found, *alone], key=lambda matter: matter.document)


def _fit(amendment: Amendment, own: Contract, base: Contract) -> float:
    """How well a contract is the one an amendment names: its title has to, and its date or its parties; 0 if not."""
    head = base.document.text[: 2 * _HEAD]
    wanted = set(stems(re.sub(_DATE, "", amendment.named).replace("dated", "")))
    titles = [set(stems(match["name"] or match["line"])) for match in _TITLE.finditer(head)]
    title = max((len(wanted & words) / len(wanted | words) for words in titles), default=0.0) if wanted else 0.0
    dates = {_day(match) for match in _DATE.finditer(head)}
    wanted_dates = {_day(match) for match in _DATE.finditer(amendment.named)}
    dated = bool(wanted_dates & dates)
    if wanted_dates and dates and not dated:
        return 0.0  # another agreement of the same kind
    parties = _names(own.document.text[:_HEAD])
    shared = len(parties & _names(head)) / max(1, len(parties))
    if title < 0.5 or not (dated or shared >= 0.4):
        return 0.0
    return title + dated + shared


def _day(match: re.Match[str]) -> tuple[str, int, str]:
    month = (match["month"] or match["month2"]).lower()
    return month, int(match["day"] or match["day2"]), match["year"] or match["year2"]


def _names(head: str) -> set[str]:
    return {word.lower().rstrip(".") for word in _PARTY.findall(head)} - _ORDINARY
