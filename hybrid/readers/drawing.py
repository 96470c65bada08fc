"""DrawingML: the paragraphs on slides, in the text boxes of sheets and in charts."""

from __future__ import annotations

from typing import Any

from hybrid.readers.equations import linear
from hybrid.readers.markup import BLANKS, raised
from hybrid.readers.xml import tag_of

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"


def drawn(paragraph: Any) -> str:
    """The text of a paragraph on a slide or in a text box, its equations included."""
    return BLANKS.sub(" ", "".join(map(_run, paragraph))).strip()


def _run(element: Any) -> str:
    tag = tag_of(element)
    if tag in ("oMath", "oMathPara"):
        return f" {linear(element)} "
    if tag in ("AlternateContent", "Choice", "m"):
        return "".join(map(_run, element))
    if tag not in ("r", "fld"):
        return " " if tag == "br" else ""
    text = "".join(held.text or "" for held in element.findall(f"{A}t"))
    look = element.find(f"{A}rPr")
    return raised(text, float("0" if look is None else look.get("baseline", "0").rstrip("%") or "0"))
