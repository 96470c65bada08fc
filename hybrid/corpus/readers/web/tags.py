"""The elements of web pages: those that end lines, hide or strike out their text, or end other elements."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

DROPPED = frozenset({"script", "style", "template", "noscript", "svg"})
PARAGRAPHS = frozenset(
    "p h1 h2 h3 h4 h5 h6 pre blockquote table ul ol dl section article header footer main nav aside title hr".split()
)
LINES = frozenset(
    "address body br caption center dd details div dt fieldset figcaption figure form head html legend li option "
    "summary tbody textarea tfoot thead tr".split()
)
VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
# Start tags that end open elements which have no end tag: those elements, and the ones that hold them
ENDED: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "li": (frozenset({"li"}), frozenset({"ul", "ol", "menu"})),
    **dict.fromkeys(("dt", "dd"), (frozenset({"dt", "dd"}), frozenset({"dl"}))),
    **dict.fromkeys(("option", "optgroup"), (frozenset({"option"}), frozenset({"select", "optgroup"}))),
    **dict.fromkeys(("td", "th"), (frozenset({"td", "th"}), frozenset({"tr", "table"}))),
    "tr": (frozenset({"tr", "td", "th"}), frozenset({"table"})),
    **dict.fromkeys(
        ("tbody", "thead", "tfoot"),
        (frozenset({"tbody", "thead", "tfoot", "tr", "td", "th", "caption", "colgroup"}), frozenset({"table"})),
    ),
    **dict.fromkeys(
        "p h1 h2 h3 h4 h5 h6 pre blockquote table ul ol dl section article header footer main nav aside hr address "
        "center details dir div fieldset figcaption figure form menu".split(),
        (frozenset({"p"}), frozenset({"table", "td", "th", "caption", "button"})),
    ),
}
CELLS = frozenset({"table", "td", "th", "caption"})  # an end tag inside one of these ends nothing outside
TABLE = CELLS | {"tr", "tbody", "thead", "tfoot", "body", "html"}
NESTED = 512  # open elements that are searched, as deep as browsers nest
_DISPLAY = re.compile(r"(?:^|;)\s*display\s*:\s*([a-z-]+)", re.IGNORECASE)
_INVISIBLE = re.compile(r"(?:^|;)\s*visibility\s*:\s*(?:hidden|collapse)", re.IGNORECASE)
_LINE_THROUGH = re.compile(r"(?:^|;)\s*text-decoration(?:-line)?\s*:[^;]*line-through", re.IGNORECASE)
_STRUCK = frozenset({"del", "s", "strike"})
HEADINGS = {"title": 1, "h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}


def hides(attrs: Sequence[tuple[str, str | None]]) -> bool:
    """Whether an element's attributes hide it; the last of several declarations holds."""
    if not attrs:
        return False
    given = dict(attrs)
    declared = _DISPLAY.findall(given.get("style") or "")
    if _INVISIBLE.search(given.get("style") or ""):
        return True
    return declared[-1].lower() == "none" if declared else "hidden" in given


def strikes(tag: str, attrs: Sequence[tuple[str, str | None]]) -> bool:
    """Whether an element strikes its text out."""
    return tag in _STRUCK or bool(attrs and _LINE_THROUGH.search(dict(attrs).get("style") or ""))
