"""Values that can be computed with, as texts write them: durations, amounts of money, dates, shares and numbers.

A value keeps its place in the text and has a number and a unit, so that only what is alike is added up or compared:
days for durations, a currency for amounts with the year they recur in ("GBP/year"), days since the year 1 for dates.
A month counts as the twelfth of a year of 365.25 days.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from hybrid.files import carried
from hybrid.text.words import dates
from hybrid.types import ValueKind

Measure = Literal["duration", "amount", "date", "percent", "number"]
_CARRIED = carried(__name__)
_WORDS: dict[str, int] = _CARRIED["numbers"]
_CURRENCIES: dict[str, str] = {name: code for code, names in _CARRIED["currencies"].items() for name in names.split()}
_UNITS: dict[str, str] = {name: unit for unit, names in _CARRIED["units"].items() for name in names.split()}
_LY: dict[str, str] = {name: unit for unit, names in _CARRIED["recurs"].items() for name in names.split()}
DAYS = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 365.25 / 12, "quarter": 365.25 / 4, "year": 365.25}
_A_YEAR = {"day": 365, "week": 52, "month": 12, "quarter": 4, "year": 1}

_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_WORDED = rf"\b(?:{_WORD})(?:(?:-| and | )(?:{_WORD}))*\b"
_FIGURE = r"(?<![\w.,])(?:\d{1,3}(?:[,.'\u00a0 ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d+)?)(?!\d)"
_ALONE = rf"{_FIGURE}(?!\w)"
_COUNT = rf"(?:(?P<word>{_WORDED})(?:\s*\((?P<both>\d+)\))?|(?P<figure>{_ALONE})(?:\s*\(\d+\))?\)?)"
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_DURATION = re.compile(
    rf"(?i){_COUNT}(?:\s|-)+(?:(?:calendar|business|working|full|more|further|additional|consecutive|successive)\s+)?"
    rf"(?P<unit>{_UNIT})\b"
)
_CODE = "|".join(sorted(map(re.escape, _CURRENCIES), key=len, reverse=True))
_SCALED = rf"(?:{_FIGURE}|{_WORDED})(?:\s?(?:thousand|million|billion|mn|bn|k|m)\b)?(?!\w)"
_AMOUNT = re.compile(
    rf"(?i)(?<![a-z])(?P<before>{_CODE})\s?(?P<number>{_SCALED})|(?P<number2>{_SCALED})\s?(?P<after>{_CODE})(?![a-z])"
)
_SCALE = re.compile(r"(?i)(thousand|million|billion|mn|bn|k|m)$")
_SCALES = {"thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "mn": 1e6, "billion": 1e9, "bn": 1e9}
_OFTEN = "|".join(sorted(map(re.escape, _LY), key=len, reverse=True))
_RECURS = re.compile(
    r"(?i)^\W{0,3}(?:in total )?(?:a|an|per|each|every|in each|for each|im|pro|je|par|al|por|cada|/)\s?"
    rf"(?:calendar |contract )?(?P<of>{_UNIT}|annum|(?<=par )an)\b|^\W{{0,2}}(?P<ly>{_OFTEN})(?!\w)"
)
_RECURRING = re.compile(rf"(?i)\b(?P<ly>{_OFTEN})(?!\w)[^.;]{{0,40}}$")
_PERCENT = re.compile(rf"(?i)(?:(?P<figure>{_FIGURE})|(?P<word>{_WORDED}))\s?(?:%|per\s?cent\b)")
_NUMBER = re.compile(rf"(?i)(?P<figure>{_ALONE})|(?P<word>{_WORDED})")


@dataclass(frozen=True, slots=True)
class Value:
    """A value in a text."""

    start: int
    end: int
    number: float
    unit: str  # "days", "GBP", "GBP/year", "date", "%", or empty
    text: str  # as it is written


def measure_of(kind: ValueKind) -> Measure:
    """The measure of a kind of value; ValueError for kinds that have none."""
    if kind == "yesno" or kind == "text":
        raise ValueError(f"a value of the kind {kind!r} cannot be measured")
    return kind


def values(text: str, measure: Measure) -> list[Value]:
    """The values of a measure in a text, in order; of a date that can be read in two ways, both."""
    return list(_FOUND[measure](text))


def _durations(text: str) -> Iterator[Value]:
    for match in _DURATION.finditer(text):
        count = _number(match["both"] or match["figure"] or match["word"])
        yield _value(match, count * DAYS[_UNITS[match["unit"].lower()]], "days")


def _amounts(text: str) -> Iterator[Value]:
    for match in _AMOUNT.finditer(text):
        number = match["number"] or match["number2"]
        currency = (match["before"] or match["after"]).lower()
        scale = _SCALE.search(number)
        if scale is not None:
            number = number[: scale.start()].rstrip()
        amount = _number(number) * (_SCALES[scale[0].lower()] if scale is not None else 1.0)
        if currency in ("cent", "cents"):
            amount, code = amount / 100, "cents of a currency"
        else:
            code = _CURRENCIES[currency]
        recurs = _RECURS.search(text[match.end() : match.end() + 40])
        every = recurs or _RECURRING.search(text[max(0, match.start() - 60) : match.start()])
        if every is None:
            yield _value(match, amount, code)
            continue
        said = (every.groupdict().get("of") or every["ly"]).lower()
        end = match.end() + (recurs.end() if recurs is not None else 0)
        period = "year" if said == "an" else _LY.get(said) or _UNITS[said]
        often, of = (_A_YEAR[period], "year") if period in _A_YEAR else (1, period)
        yield Value(match.start(), end, amount * often, f"{code}/{of}", text[match.start() : end])


def _dates(text: str) -> Iterator[Value]:
    for start, end, iso in dates(text):
        try:
            number = date.fromisoformat(iso).toordinal()
        except ValueError:
            continue
        yield Value(start, end, float(number), "date", text[start:end])


def _percents(text: str) -> Iterator[Value]:
    for match in _PERCENT.finditer(text):
        yield _value(match, _number(match["figure"] or match["word"]), "%")


def _numbers(text: str) -> Iterator[Value]:
    for match in _NUMBER.finditer(text):
        yield _value(match, _number(match["figure"] or match["word"]), "")


_FOUND = {"duration": _durations, "amount": _amounts, "date": _dates, "percent": _percents, "number": _numbers}


def _value(match: re.Match[str], number: float, unit: str) -> Value:
    return Value(match.start(), match.end(), number, unit, match[0])


def _number(written: str) -> float:
    """A number in figures or in English words."""
    if not written[0].isdigit():
        return float(_worded(written))
    plain = re.sub(r"[\u00a0 ']", "", written)
    grouped = re.fullmatch(r"\d{1,3}(?:([,.])\d{3})(?:\1\d{3})*(?:[.,]\d{1,2})?", plain)
    if grouped:
        plain = plain.replace(grouped[1], "")
    return float(plain.replace(",", "."))


def _worded(written: str) -> int:
    """ "one hundred twenty" is 120, "two thousand five hundred" 2500."""
    total = current = 0
    for word in re.findall(r"[a-z]+", written.lower()):
        if word == "and":
            continue
        value = _WORDS[word]
        if value in (100, 1000):
            current = max(1, current) * value
            if value == 1000:
                total, current = total + current, 0
        else:
            current += value
    return total + current
