"""The numbers of lists and headings as office files show them: figures, letters, Roman numerals, words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
             "twelve": "twelfth"}  # fmt: skip


def _letters(value: int) -> str:
    """a to z, then aa, bb, as Word goes on."""
    return chr(97 + (value - 1) % 26) * min(1 + (value - 1) // 26, 10) if value > 0 else str(value)


def _roman(value: int) -> str:
    if not 0 < value < 4000:
        return str(value)
    found = ""
    for size, letters in (
        (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
        (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
    ):  # fmt: skip
        found, value = found + letters * (value // size), value % size
    return found


def _words(value: int) -> str:
    if value >= 100:
        return str(value)
    if value < 20:
        return _ONES[value].title()
    ten, one = divmod(value, 10)
    return (_TENS[ten] + (f"-{_ONES[one]}" if one else "")).title()


def _ordinal(value: int) -> str:
    ending = "th" if value % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{value}{ending}"


def _ordinal_words(value: int) -> str:
    words = _words(value).lower()
    head, dash, last = words.rpartition("-")
    ending = _ORDINALS.get(last) or (last[:-1] + "ieth" if last.endswith("y") else f"{last}th")
    return (head + dash + ending).title() if value < 100 else _ordinal(value)


FORMS: Mapping[str, Callable[[int], str]] = {
    "decimal": str,
    "decimalZero": lambda value: f"{value:02}",
    "upperRoman": lambda value: _roman(value).upper(),
    "lowerRoman": _roman,
    "upperLetter": lambda value: _letters(value).upper(),
    "lowerLetter": _letters,
    "ordinal": _ordinal,
    "cardinalText": _words,
    "ordinalText": _ordinal_words,
    "none": lambda value: "",
}
