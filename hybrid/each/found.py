"""What was found on a field, tied to the place in the text that says it.

A model's value is taken only with a quotation that stands in the text, and a figure only if the quotation has it: what
is computed with is read out of the text by code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from hybrid.each.schema import Said
from hybrid.index.protocol import Store
from hybrid.text.values import Value, measure_of, values
from hybrid.types import Cell, Citation, Column, Record

_WORD = re.compile(r"\w+")
_LONGEST = 400  # words of a quotation that are looked for
_AROUND = 60  # characters before and after a quotation
_SHARE = 0.5  # of a text value's words that have to stand in its quotation
NOT_THERE = "no quotation was given for it that stands in the document, so the value is withheld"
NO_FIGURE = "the sentence quoted has no such value, so it is withheld"
TWO_WAYS = "the date can be read in two ways"


class Found(Record):
    """A cell as it is kept: its place is that in one of the texts that were read, whatever their names."""

    value: bool | float | str | None = None
    unit: str = ""
    shown: str = ""
    text: int = 0  # which of the texts
    start: int = 0
    end: int = 0  # 0 where nothing is quoted
    doubt: str = ""
    counts: bool = True


def found(said: Said, column: Column, texts: Sequence[str]) -> Found:
    """What a reply gives for a field, checked against the texts that were read."""
    if said.value is None or not said.value.strip():
        return Found()
    place = located(said.quote or ("" if column.kind == "yesno" else said.value), texts)
    if place is None:
        if column.kind == "yesno" and said.value == "no":  # nothing is claimed that would need support
            return Found()
        return Found(shown=said.value, doubt=NOT_THERE, counts=False)
    text, start, end = place
    at = {"text": text, "start": start, "end": end}
    if column.kind == "yesno":
        return Found(value=said.value == "yes", shown=said.value, **at)
    if column.kind == "text":
        quoted = texts[text][start:end]
        wanted, have = _words(said.value), set(_words(quoted))
        supported = sum(word in have for word in wanted) >= _SHARE * len(wanted)
        doubt = "" if supported else "its words are not those of the sentence quoted"
        return Found(value=said.value, shown=said.value, doubt=doubt, counts=supported, **at)
    return measured(said.value, column, texts[text], at)


def measured(written: str, column: Column, text: str, at: dict[str, int]) -> Found:
    """A value of a measure that a quotation has; withheld where it has none of that size.

    What stands around the quotation belongs to it where it says how often a value recurs, or where it cuts a figure.

    Args:
        written: the value as it was told.
        text: that is quoted.
        at: the quotation's place, for the result.
    """
    measure = measure_of(column.kind)
    first = max(0, at["start"] - _AROUND)
    near = text[first : at["end"] + _AROUND]
    having = [value for value in values(near, measure) if at["start"] <= first + value.start < at["end"]]
    wanted = values(written, measure) or values(written, "number")
    same = [value for value in having if any(_alike(value, other) for other in wanted)]
    if not same:
        return Found(shown=written, doubt=NO_FIGURE, counts=False, **at)
    return of_value(same, column, {**at, "end": max(at["end"], first + same[0].end)})


def of_value(same: Sequence[Value], column: Column, at: dict[str, int]) -> Found:
    """The first of some values as it is kept; a date with another reading is doubtful."""
    first = same[0]
    shown = " ".join(first.text.split())
    two = column.kind == "date" and any(o.start == first.start and o.number != first.number for o in same)
    value: float | str = date.fromordinal(int(first.number)).isoformat() if column.kind == "date" else first.number
    unit = "" if column.kind == "date" else first.unit or column.unit
    return Found(value=value, unit=unit, shown=shown, doubt=TWO_WAYS if two else "", counts=not two, **at)


def located(quote: str, texts: Sequence[str]) -> tuple[int, int, int] | None:
    """Which of the texts has a quotation, and where; case, blanks and marks may differ."""
    wanted = max(re.split(r"\.\.\.|\u2026", quote), key=len).strip(" \t\n\"'\u201c\u201d\u2018\u2019")
    if not wanted:
        return None
    words = _WORD.findall(wanted)[:_LONGEST]
    if not words:
        return None
    loosely = "[$\u20ac\u00a3\u00a5(]?\\b" + r"\W+".join(map(re.escape, words)) + r"\b[%.)]*"
    for pattern in (re.compile(rf"(?<!\w){re.escape(wanted)}(?!\w)"), re.compile(loosely, re.IGNORECASE)):
        for number, text in enumerate(texts):
            if match := pattern.search(text):
                return number, match.start(), match.end()
    return None


def merged(parts: Sequence[Found]) -> Found:
    """What several parts of a text say on a field: the first that says something; others that differ are told."""
    saying = [part for part in parts if part.value is not None]
    if not saying:
        return next((part for part in parts if part.doubt), Found())
    best = next((part for part in saying if part.value is not False and part.counts), saying[0])
    others = {part.shown for part in saying if part.value is not False and part.value != best.value}
    if not others or best.doubt:
        return best
    return best.model_copy(update={"doubt": f"other parts of the text say {', '.join(sorted(others))}"})


def cell(kept: Found, names: Sequence[str], store: Store) -> Cell:
    """A cell with its citation.

    Args:
        names: of the documents whose texts were read, in that order.
    """
    said = kept.model_dump(include={"value", "unit", "shown", "doubt", "counts"})
    if not kept.end:
        return Cell(**said)
    document = store.document(names[kept.text])
    citation = Citation(
        document=document.name,
        path=document.path,
        **document.locate(kept.start, kept.end)._asdict(),
        heading=next((h.title for h in reversed(document.headings) if h.start <= kept.start), ""),
        quote=document.text[kept.start : kept.end],
        score=1.0,
    )
    return Cell(**said, citation=citation)


def _alike(value: Value, other: Value) -> bool:
    """Whether two values are the same; one that is told without its unit, or how often, goes by its figure."""
    same = value.number == other.number
    if value.unit == other.unit:
        return same
    figure = any(plain.number == other.number for plain in values(value.text, "number"))
    return (same or figure) and other.unit in value.unit


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
