"""The numbers that clauses are counted with: figures, Roman numerals and words."""

from __future__ import annotations

WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()
_UNITS = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
_TENS = [units.translate(str.maketrans("ivx", "xlc")) for units in _UNITS]
_ROMAN = {
    f"{'c' * hundreds}{tens}{units}": 100 * hundreds + 10 * t + u
    for hundreds in range(4)
    for t, tens in enumerate(_TENS)
    for u, units in enumerate(_UNITS)
}


def roman(written: str) -> int:
    """The value of a Roman numeral below 400, in either case; 0 for anything else."""
    return _ROMAN.get(written.lower(), 0)


def count(written: str) -> int:
    """A number in figures, Roman numerals or words; 0 for anything else."""
    if written.isdigit():
        return int(written)
    lower = written.lower()
    return WORDS.index(lower) + 1 if lower in WORDS else roman(written)
