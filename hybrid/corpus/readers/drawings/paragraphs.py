"""DrawingML: the paragraphs on slides, in the text boxes of sheets and in charts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hybrid.corpus.readers.equations import linear
from hybrid.corpus.readers.markup import BLANKS, raised
from hybrid.corpus.readers.xml import tag_of

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_STRUCK = ("sngStrike", "dblStrike")


def drawn(paragraph: Any, left_out: Counter[str]) -> str:
    """The text of a paragraph with its equations; struck-out text is left out and counted."""
    text = BLANKS.sub(" ", "".join(map(_run, paragraph))).strip()
    left_out["struck-out passage"] += any(is_struck(run) and _said(run).strip() for run in paragraph.iter(f"{A}r"))
    return text


def _run(element: Any) -> str:
    tag = tag_of(element)
    if tag in ("oMath", "oMathPara"):
        return f" {linear(element)} "
    if tag in ("AlternateContent", "Choice", "m"):
        return "".join(map(_run, element))
    if tag not in ("r", "fld"):
        return " " if tag == "br" else ""
    look = element.find(f"{A}rPr")
    rise = "0" if look is None else look.get("baseline", "0")
    return "" if is_struck(element) else raised(_said(element), float(rise.rstrip("%") or "0"))


def _said(run: Any) -> str:
    return "".join(held.text or "" for held in run.findall(f"{A}t"))


def is_struck(run: Any) -> bool:
    look = run.find(f"{A}rPr")
    return look is not None and look.get("strike") in _STRUCK
