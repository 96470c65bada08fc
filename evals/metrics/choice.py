"""Multiple choice: the option that a reply takes, read our way and as RUCAIBox/BAMBOO does (commit f230f20)."""

from __future__ import annotations

import re
from collections.abc import Sequence

# A letter that stands alone; an A that begins a phrase ("A man ...") is an article, not an option
_OPTION = r"(?<![\w'’])(?:([B-H])|(A)(?!\s+(?!because\b|since\b|as\b|is\b|or\b|and\b)[a-z]))(?![\w'’])"
_STATED = re.compile(rf"(?i:\banswer)(?:\s+is)?\s*:?\s*[(\[*\s]*{_OPTION}")
_LEADING = re.compile(rf"\W*{_OPTION}")


def choice(prediction: str, golds: Sequence[str]) -> float:
    """Ours, safer than L-Eval's and BAMBOO's reading: 1 if the letter that stands alone is the gold's, else 0.

    Read in this order: the last "answer is X" or "Answer: X"; a letter, A to H, that begins the reply; the only letter
    that stands alone. "Because" and "A man" name none. A reply that names none, or several, is wrong.
    """
    return float(option(prediction) in [gold.strip().upper() for gold in golds])


def option(reply: str) -> str | None:
    """The letter of the option that a reply chooses, as `choice` reads it; None if none or several."""
    stated = ["".join(found) for found in _STATED.findall(reply)]
    if stated:
        return stated[-1]
    if leading := _LEADING.match(reply):
        return leading[1] or leading[2]
    alone = {"".join(found) for found in re.findall(_OPTION, reply)}
    return alone.pop() if len(alone) == 1 else None


def bamboo_choice(prediction: str, golds: Sequence[str]) -> float:
    """BAMBOO: the first line's leading letter, or one after a square bracket, A before B and so on.

    Traps: "Because" is B and "definitely" D; an empty reply, on which the reference stops, is wrong.
    """
    line = prediction.strip().split("\n")[0].strip(" ")
    found = next((c for c in "ABCD" if f"[{c}" in line or line.upper().startswith(c)), None)
    return float(found in golds)
