"""Amendments: which contract of several an amendment changes, and which of its clauses.

An amendment names the agreement it amends by title, date and parties. The contract that fits these best is taken. If
none fits, the amendment stands alone and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hybrid.pipelines.legal.clause import label_key
from hybrid.pipelines.legal.contract import Contract
from hybrid.pipelines.legal.terms import named_labels, references_in

from hybrid.text.amendments import Naming, fit, naming

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
