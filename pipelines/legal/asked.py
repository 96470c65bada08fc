"""Questions over many contracts, understood by rules: which clauses they ask for, and what is computed over them.

`each.toml` has the words. Every word of a question has to be one of them, a number, a date, a name behind the governing
law, or a word that carries nothing: what is not understood to the last word is left to the ordinary way.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

from hybrid.each.plan import Compute, Condition, Plan, Test
from hybrid.text.values import measure_of, values
from hybrid.text.words import STOP
from hybrid.types import Column, ValueKind

KIND, ROLE = "kind_", ""  # before the names of columns for kinds of contracts, and for who a party is
_MOST = 3  # subjects of one question
_MARK = "\u00a7"  # stands with its number for a subject, in a question
_COMPUTE: tuple[Compute, ...] = ("count", "sum", "mean", "max", "min", "list")
_IN_TOTAL = r"\b(?:in total|altogether|overall)\b"
_OVER_VALUES: tuple[Compute, ...] = ("sum", "mean", "max", "min")
_MEASURED: tuple[ValueKind, ...] = ("amount", "duration", "date", "percent")
_OVER = r"(?:(?:more|longer|greater|later|higher|larger) than|over|above|after|later than|exceed\w*|since)"
_UNDER = r"(?:(?:less|shorter|fewer|lower|earlier|smaller) than|under|below|before)"
_NAME = r"[A-Z][\w.'-]*(?:(?: and| of| the)? [A-Z][\w.'-]*)*"
_NEGATED = r"\b(?:no|not|without|lacks?|lacking|missing|silent on|don't|doesn't|do not|does not|never|cannot)\b"
_VALUES = rf"\b(?:compare|tabulate)\b|\bthe {_MARK}\d (?:of|for|in|under|at) (?:each|every|all)\b"
_DOUBLES = r"(?:the |these |those |all |of )*"


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that contracts say, and the ways in which a question names it."""

    name: str
    ask: tuple[str, ...]
    categories: tuple[str, ...] = ()  # of CUAD
    noun: str = ""  # what an amount is of, where no category has it
    kind: ValueKind = "yesno"  # of its value
    near: str = ""  # stands beside the value that is meant
    not_near: str = ""  # stands before a value that is not meant


@dataclass(frozen=True, slots=True)
class Words:
    """What each.toml says."""

    documents: str
    kinds: dict[str, list[str]]
    roles: dict[str, list[str]]
    compute: dict[str, str]
    filler: frozenset[str]
    subjects: dict[str, Subject]


@lru_cache(maxsize=1)
def known() -> Words:
    """The words of questions over contracts."""
    stored = tomllib.loads((files("hybrid.pipelines.legal") / "each.toml").read_text("utf-8"))
    filler = stored["filler"]["words"].split()
    gap = rf"(?:[ '-]+(?:{'|'.join(filler)})\b)*[ '-]+"
    return Words(
        stored["documents"],
        stored["kinds"],
        stored["roles"],
        stored["compute"],
        frozenset(filler) | STOP,
        {entry["name"]: _subject(entry, gap) for entry in stored["subject"]},
    )


def _subject(entry: dict[str, Any], gap: str) -> Subject:
    category = entry.get("category", ())
    whole = (rf"(?<!\w)(?:{pattern.replace('{gap}', gap)})(?!\w)" for pattern in entry["ask"])
    return Subject(
        entry["name"],
        tuple(whole),
        (category,) if isinstance(category, str) else tuple(category),
        entry.get("noun", ""),
        entry.get("kind", "yesno"),
        entry.get("near", ""),
        entry.get("not_near", ""),
    )


@dataclass(slots=True)
class Asked:
    """A question that is taken apart; what was understood of it is taken out."""

    text: str
    subjects: list[Subject] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    role: str = ""
    conditions: list[Condition] = field(default_factory=list)

    def take(self, pattern: str, instead: str = " ") -> re.Match[str] | None:
        """The first match of a pattern, which something else is put in the place of."""
        match = re.search(pattern, self.text, re.IGNORECASE)
        if match is not None:
            self.text = " ".join(f"{self.text[: match.start()]} {instead} {self.text[match.end() :]}".split())
        return match

    @property
    def left(self) -> list[str]:
        """The words that were not understood."""
        bare = re.sub(rf"{_MARK}\d", " ", self.text.lower())
        return [word for word in re.findall(r"[^\W_]+", bare) if len(word) > 1 and word not in known().filler]


def plan(question: str) -> Plan | None:
    """The plan of a question; None where it is not understood."""
    asked = Asked(" ".join(question.replace("\u2019", "'").rstrip(" ?.!").split()))
    if _counts_others(asked.text) or not _documents(asked):
        return None
    for subject in known().subjects.values():
        number = len(asked.subjects)
        if any(asked.take(pattern, f"{_MARK}{number}") for pattern in subject.ask):
            asked.subjects.append(subject)
    if not 0 < len(asked.subjects) <= _MOST or re.search(rf"{_MARK}\d.*\bn?or\b.*{_MARK}\d", asked.text):
        return None  # conditions are joined by "and" alone
    _names(asked)
    _limits(asked)
    group = asked.take(rf"{known().compute['group']} {_DOUBLES}{_MARK}(?P<by>\d)")
    shown = re.search(_VALUES, asked.text, re.IGNORECASE) is not None
    asked.take(r"\b(?:compare|tabulate)\b")
    found = _computations(asked)
    negated = asked.take(_NEGATED) is not None
    if asked.left or not (found or group or shown):
        return None
    several = [name for name in found if name != "list"]
    if len(several) > 1 or (group and set(several) - {"count", "sum"}):
        return None
    compute: Compute = "group" if group else found[0] if found else "list"
    shown |= group is not None and "sum" in found
    return _made(asked, compute, int(group["by"]) if group else None, shown=shown, negated=negated)


def _counts_others(text: str) -> bool:
    """Whether a question counts something else than documents, as the days of a notice period are."""
    words = known()
    what = "|".join((words.documents, *(pattern for pattern, _ in (*words.kinds.values(), *words.roles.values()))))
    counted = r"\b(?:how many|number of)\b"
    between = r"\s(?:(?:of|the|these|those|our|my|all)\s)*(?:(?!(?:of|to|in|on|by|for|with|from)\s)[\w'-]+\s){0,2}"
    return bool(re.search(counted, text, re.IGNORECASE)) and not re.search(
        rf"{counted}{between}(?:{what})\b", text, re.IGNORECASE
    )


def _computations(asked: Asked) -> list[Compute]:
    """What is to be computed, as far as a question says it."""
    found: list[Compute] = []
    for name in _COMPUTE:
        if asked.take(known().compute[name]):
            found.append(name)
        if found == ["count"]:
            asked.take(_IN_TOTAL)
    return found


def _documents(asked: Asked) -> bool:
    """Whether a question speaks of contracts, of kinds of them, or of who has them."""
    for name, (pattern, _) in known().kinds.items():
        if asked.take(rf"\b{pattern}\b"):
            asked.kinds.append(name)
    plain = asked.take(rf"\b{known().documents}\b")
    if asked.kinds or plain:
        return len(asked.kinds) < 2
    for name, (pattern, _) in known().roles.items():
        if asked.take(rf"\b(?:{pattern})\b"):
            asked.role = name
            return True
    return False


def _names(asked: Asked) -> None:
    """The name behind a subject whose value is text: "governed by the laws of Ohio"."""
    for number, subject in enumerate(asked.subjects):
        if subject.kind == "text" and (match := asked.take(rf"{_MARK}{number}\s+(?:the )?(?-i:(?P<name>{_NAME}))")):
            asked.text += f" {_MARK}{number}"
            asked.conditions.append(Condition(column=subject.name, test="contains", value=match["name"]))


def _limits(asked: Asked) -> None:
    """What the values have to be over, under or in."""
    measured = [subject for subject in asked.subjects if subject.kind in _MEASURED]
    if len(measured) != 1:
        return
    (subject,) = measured
    if len(subject.categories) > 1:  # it would have to hold in one column or the other
        return
    _limit(asked, subject, "over", _OVER)
    _limit(asked, subject, "under", _UNDER)
    if subject.kind == "date" and (match := asked.take(r"\b(?:in|during) (?P<year>\d{4})\b")):
        year = int(match["year"])
        asked.conditions.append(Condition(column=subject.name, test="over", value=str(year - 1)))
        asked.conditions.append(Condition(column=subject.name, test="under", value=str(year + 1)))


def _limit(asked: Asked, subject: Subject, test: Test, lead: str) -> None:
    measure = measure_of(subject.kind)
    match = re.search(rf"\b{lead} (?P<rest>.{{1,60}})", asked.text, re.IGNORECASE)
    if match is None:
        return
    rest = match["rest"]
    year = re.match(r"\d{4}\b", rest) if measure == "date" else None
    first = next((value for value in values(rest, measure) if not value.start), None)
    if year is None and first is None:
        return
    said = year[0] if year is not None else first.text if first is not None else ""
    asked.text = f"{asked.text[: match.start()]} {asked.text[match.start('rest') + len(said) :]}"
    if match[0].lower().startswith("since"):  # which has the year, or the day, in it
        said = str(int(said) - 1) if first is None else date.fromordinal(int(first.number) - 1).isoformat()
    asked.conditions.append(Condition(column=subject.name, test=test, value=said))


def _made(asked: Asked, compute: Compute, by: int | None, *, shown: bool, negated: bool) -> Plan | None:
    """The plan of what was understood; None where it does not make one."""
    limited = {condition.column for condition in asked.conditions}
    columns: list[Column] = []
    where = list(asked.conditions)
    of: list[str] = []
    for number, subject in enumerate(asked.subjects):
        told = shown or bool(subject.noun) or (compute in _OVER_VALUES and subject.kind in _MEASURED)
        valued = told or number == by or subject.name in limited
        if not valued and len(subject.categories) > 1:  # it would have to be said on one or the other
            return None
        own = _valued(subject) if valued else [_whether(subject)]
        columns += own
        if told and number != by and not negated:
            of += [column.name for column in own]
        if not valued or (compute in ("count", "list") and not shown and subject.name not in limited):
            where.append(Condition(column=subject.name, test="silent" if negated else "said"))
    if (compute in _OVER_VALUES and not of) or (negated and (limited or shown or by is not None or len(columns) > 1)):
        return None
    if compute == "sum" and any(c.kind == "date" for c in columns if c.name in of):
        return None
    for kind in asked.kinds:
        columns.append(Column(name=f"{KIND}{kind}", kind="yesno", description=f"whether it is of the kind {kind}"))
        where.append(Condition(column=f"{KIND}{kind}", test="said"))
    if asked.role:
        columns.append(Column(name=asked.role, kind="text", description=f"the {asked.role}"))
    if len(columns) > 8 or len({column.name for column in columns}) < len(columns):
        return None
    by_name = asked.subjects[by].name if by is not None else ""
    if by_name not in ("", *(column.name for column in columns)):
        return None  # it means either of two
    return Plan(columns=tuple(columns), where=tuple(where), compute=compute, of=tuple(of), by=by_name, named=asked.role)


def _whether(subject: Subject) -> Column:
    """The column that tells whether a contract has a subject."""
    return Column(name=subject.name, kind="yesno", description=", ".join(subject.categories))


def _valued(subject: Subject) -> Sequence[Column]:
    """The columns of a subject's value: one for each category that may be meant."""
    if len(subject.categories) < 2:
        about = ", ".join(subject.categories) or subject.noun
        return [Column(name=subject.name, kind=subject.kind, description=about)]
    of = [other for name in subject.categories for other in known().subjects.values() if other.categories == (name,)]
    wanted = [other for other in of if other.kind == subject.kind]
    return [Column(name=other.name, kind=other.kind, description=other.categories[0]) for other in wanted]
