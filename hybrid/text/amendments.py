"""Amendments: which documents amend another one, and which agreement among others an amendment names.

An amendment names the agreement it amends by title, date and parties; the document that fits these best is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hybrid.text.words import MONTHS, stems

_HEAD = 3_000  # characters in which title, date and parties stand
_IS = re.compile(
    r"(?im:^[ \t]*(?:\w+[ \t]+){0,3}(?:AMENDMENT|ADDENDUM|SUPPLEMENT(?:AL AGREEMENT)?)\b(?! AND RESTATED)"
    r"(?:[ \t]+(?:NO\.?|NUMBER|#)?[ \t]*\w+)?(?:[ \t]+(?:TO|OF)\b|[ \t]*$|[ \t]+AGREEMENT\b))"
    r"|\b[Tt]his (?:\w+ ){0,2}(?:Amendment|AMENDMENT|Addendum|ADDENDUM)\b"
)
# The heading of an amendment that stands behind what it amends, and words of its sentences.
AMENDING = re.compile(
    r"(?im)^[ \t#*]*(?:(?:first|second|third|fourth|fifth)[ \t]+)?(?:amendment|addendum|supplement)\b[^\n]{0,60}$"
)
CHANGING = re.compile(
    r"(?i)\b(?:moved|raised|reduced|lowered|increased|decreased|changed|extended|shortened|postponed|brought forward|"
    r"replaced|amended|deleted|cancelled|corrected|added|instead of|no longer|increases?|rises?|falls?|now|new)\b"
)
_KINDS = r"(?:Agreement|AGREEMENT|Lease|LEASE|Contract|CONTRACT|License|LICENSE|Plan|PLAN)"
_NAMED = re.compile(
    r"(?:\b[Aa]mend(?:ment|s|ing|ed)?\b|\bAMENDMENT\b|\b[Aa]ddendum\b|\bADDENDUM\b|that certain|parties to (?:the|a)|"
    r"entered into (?:the|an?|that)|executed (?:the|an?))[^.\n]{0,40}?"
    rf"(?P<name>(?:[A-Z][\w&,'/-]*[ \n]+(?:(?:and|of|for|&|to the) )?){{1,9}}{_KINDS})(?=(?P<after>[^.]{{0,220}}))"
)
# Here another paragraph begins, or the amendment tells its own date
_OWN = re.compile(
    r"\n\s*\n|(?i:\bthis\s+(?:\w+\s+){0,2}(?:amendment|addendum)\b|\bis\s+(?:made|dated|entered|effective)\b)"
)
_TITLE = re.compile(
    rf"\b(?:This|THIS)\s+(?P<name>(?:[A-Z][\w&,'/-]*\s+(?:(?:and|of|for|&) )?){{1,9}}{_KINDS})\b"
    rf"|^[ \t]*(?P<line>(?:[A-Z][A-Z&,'/-]*[ \t]+){{1,9}}{_KINDS})[ \t]*$",
    re.MULTILINE,
)
_DATE = re.compile(
    rf"(?i:\b(?P<month>{MONTHS})\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})\b"
    rf"|\b(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?: day of)?\s+(?P<month2>{MONTHS}),?\s+(?P<year2>\d{{4}})\b)"
)
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()
_ORDINAL = re.compile(
    rf"(?i:\b({'|'.join(_ORDINALS)})\s+(?:amendment|addendum|supplement)|(?:amendment|addendum)\s+(?:no\.?|number|#)?\s*(\d{{1,2}})\b)"
)
_PARTY = re.compile(r"\b[A-Z][A-Za-z0-9&.'-]{2,}\b")
_ORDINARY = frozenset(
    """
    this the agreement amendment first second third party parties whereas and now therefore section effective date
    dated between inc llc ltd corp corporation company limited delaware state new having lease license contract exhibit
    """.split()
)


@dataclass(frozen=True, slots=True)
class Naming:
    """What an amendment says about the agreement it amends."""

    named: str  # in its own words
    number: int  # 2 for a second amendment; 0 where it does not say


def naming(text: str) -> Naming | None:
    """What an amendment says about the agreement it amends; None of any other text."""
    head = text[:_HEAD]
    if not _IS.search(head[:1_500]):
        return None
    own = [match for match in _NAMED.finditer(head) if not re.search(r"(?i)amendment", match["name"])]
    if not own:
        return None
    best = max(own, key=lambda match: (_dated(match) is not None, -match.start()))
    ordinal = _ORDINAL.search(head)
    number = 0 if ordinal is None else int(ordinal[2]) if ordinal[2] else _ORDINALS.index(ordinal[1].lower()) + 1
    date = _dated(best)
    name = re.sub(r"^(?:(?:to|of|the)\s+)+", "", " ".join(best["name"].split()), flags=re.IGNORECASE)
    return Naming(name + (f" dated {' '.join(date[0].split())}" if date else ""), number)


def _dated(match: re.Match[str]) -> re.Match[str] | None:
    return _DATE.search(_OWN.split(match["after"], maxsplit=1)[0])


def amended(texts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The documents that others among them amend, by name, each with the names of its amendments, the latest first."""
    read = {name: naming(text) for name, text in texts.items()}
    found: dict[str, list[tuple[int, str]]] = {}
    for name, one in read.items():
        if one is None:
            continue
        fitting = [(fit(one, texts[name], texts[base]), base) for base, own in read.items() if own is None]
        if fitting and max(fitting)[0] > 0:
            found.setdefault(max(fitting)[1], []).append((-one.number, name))
    return {base: tuple(name for _, name in sorted(amendments)) for base, amendments in found.items()}


def fit(amendment: Naming, own: str, base: str) -> float:
    """How well a text fits the agreement that an amendment names; 0 unless its title does, and its date or parties.

    Args:
        own: the amendment's text.
        base: the other text.
    """
    head = base[: 2 * _HEAD]
    wanted = set(stems(re.sub(_DATE, "", amendment.named).replace("dated", "")))
    titles = [set(stems(match["name"] or match["line"])) for match in _TITLE.finditer(head)]
    title = max((len(wanted & words) / len(wanted | words) for words in titles), default=0.0) if wanted else 0.0
    dates = {_day(match) for match in _DATE.finditer(head)}
    wanted_dates = {_day(match) for match in _DATE.finditer(amendment.named)}
    dated = bool(wanted_dates & dates)
    if wanted_dates and dates and not dated:
        return 0.0  # another agreement of the same kind
    parties = _names(own[:_HEAD])
    shared = len(parties & _names(head)) / max(1, len(parties))
    if title < 0.5 or not (dated or shared >= 0.4):
        return 0.0
    return title + dated + shared


def _day(match: re.Match[str]) -> tuple[str, int, str]:
    month = (match["month"] or match["month2"]).lower()
    return month, int(match["day"] or match["day2"]), match["year"] or match["year2"]


def _names(head: str) -> set[str]:
    return {word.lower().rstrip(".") for word in _PARTY.findall(head)} - _ORDINARY
