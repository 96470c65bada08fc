"""SmartArt: its texts, each behind those above it, as in `Board > Finance > Payroll`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hybrid.corpus.readers.drawings.paragraphs import A, drawn
from hybrid.corpus.readers.markup import marked
from hybrid.corpus.readers.xml import attribute, tag_of

_TOLD = frozenset({"", "node", "asst"})  # kinds of points; the others are lines and forms
_APART = " > "


def diagram(root: Any, left_out: Counter[str]) -> str:
    """A diagram, by the root of its data, as a list in HTML."""
    points = {
        attribute(point, "modelId"): point for point in root.iter("{*}pt") if tag_of(point.getparent()) == "ptLst"
    }
    texts = {
        name: "" if _is_prompt(point) else " ".join(filter(None, (drawn(p, left_out) for p in point.iter(f"{A}p"))))
        for name, point in points.items()
        if attribute(point, "type") in _TOLD
    }
    below: dict[str, list[tuple[int, str]]] = {}
    for line in root.iter("{*}cxn"):
        if attribute(line, "type") in ("", "parOf") and attribute(line, "destId") in texts:
            order = int(attribute(line, "srcOrd") or 0)
            below.setdefault(attribute(line, "srcId"), []).append((order, attribute(line, "destId")))
    hanging = {name for children in below.values() for _, name in children}
    told = [line for name in points if name not in hanging for line in _lines(name, (), texts, below)]
    return f"<ul>{''.join(f'<li>{marked(line)}</li>' for line in told)}</ul>" if told else ""


def _lines(
    name: str, above: Sequence[str], texts: Mapping[str, str], below: Mapping[str, list[tuple[int, str]]]
) -> Iterator[str]:
    """A line for each text with none below it."""
    path = (*above, texts[name]) if texts.get(name) else tuple(above)
    if len(path) > len(texts):  # points that hang on each other in a circle
        return
    children = [line for _, child in sorted(below.get(name, ())) for line in _lines(child, path, texts, below)]
    if children:
        yield from children
    elif texts.get(name):
        yield _APART.join(path)


def _is_prompt(point: Any) -> bool:
    """Whether a text only asks somebody to write something."""
    return any(attribute(look, "phldr") in ("1", "true") for look in point.iterfind("{*}prSet"))
