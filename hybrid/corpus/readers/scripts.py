"""Raised and lowered text is kept apart from its line, so that 10 with a raised 6 is never read as 106.

A raised figure after a figure, a bracket, a unit or a variable is an exponent (10^6, m^2, x^n), elsewhere the mark of a
note ([1]). Ordinals (1st) stay as they are. A lowered figure stays in the name of an element (H2O, CO2); all other
lowered text is marked (x_1, log_10).
"""

from __future__ import annotations

import re

_FIGURE = re.compile(r"[+\u2212\u2013-]?\d+(?:[.,/]\d+)?")
_TERM = re.compile(r"[\w+\u2212\u2013*/.,()\u00b0 -]{2,12}")
_ORDINAL = re.compile(
    r"(?:st|nd|rd|th|er|ers|re|res|e|es|\u00e8me|i\u00e8me|nde?|o|os|as|\u00ba|\u00aa)", re.IGNORECASE
)
_VARIABLE = re.compile(r"[i-zI-Z\u03b1-\u03c9\u2032']")  # letters before them mark notes
_BASE = re.compile(r"(?:^|[^\w^])(?:[^\W\d_]{1,2}|\d[\d.,' ]*|.*[)\]|}])$", re.DOTALL)
_MONEY = re.compile(r"[$\u20ac\u00a3\u00a5]\s?\d[\d.,' ]*$")
_A_YEAR = re.compile(r"(?:^|\D)(?:19|20)\d\d$")
_ELEMENT = re.compile(r"(?:[A-Z][a-z]?|[A-Z][a-z]?\d*[)\]])$")


def raised(before: str, mark: str, *, linked: bool = False) -> tuple[str, str]:
    """The characters to write before and behind a raised text so that it stays apart.

    Args:
        before: the line up to the raised text, or its last characters.
        mark: the raised text, without blanks at its ends.
        linked: whether it is a link, as the mark of a note is.
    """
    if not mark or mark[0] in "[(^" or not (mark[0].isalnum() or mark[0] in "+\u2212\u2013-"):
        return "", ""
    before = before.rstrip()
    if not before:
        return "", ""
    figure = _FIGURE.fullmatch(mark) is not None
    if linked:
        return "[", "]"
    if figure or _VARIABLE.fullmatch(mark):
        note = figure and (_MONEY.search(before) or (_A_YEAR.search(before) and len(mark) < 3))
        if not note and _BASE.search(before):
            return "^", ""
        return ("[", "]") if figure else ("", "")
    if re.fullmatch(r"\d{1,3}\)", mark):
        return " ", ""
    if _ORDINAL.fullmatch(mark):
        return "", ""
    if len(mark) == 1:
        return ("[", "]") if mark.islower() else ("^", "")
    if _BASE.search(before) and _TERM.fullmatch(mark) and re.search(r"[\d+*/\u2212\u2013-]", mark):
        return "^(", ")"
    return ("[", "]") if re.fullmatch(r"[\d,\u2013 -]+", mark) else ("", "")


def lowered(before: str, mark: str) -> tuple[str, str]:
    """The characters to write before and behind a lowered text so that it stays apart."""
    if not mark or not before or not mark[0].isalnum() or not (before[-1].isalnum() or before[-1] in ")]"):
        return "", ""
    if _FIGURE.fullmatch(mark) and _ELEMENT.search(before):
        return "", ""
    return ("_", "") if mark.isalnum() else ("_(", ")")
