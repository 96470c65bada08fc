"""Equations of web pages (MathML) on one line, in the same form as equations of Word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hybrid.corpus.readers.equations import NARY, bound, spaced

_LEFT_OUT = frozenset({"annotation", "annotation-xml", "mphantom"})
_DEEPEST = 100


@dataclass(slots=True)
class Node:
    """An element of an equation and its content."""

    name: str
    parts: list[Node | str] = field(default_factory=list)

    def children(self) -> list[Node]:
        return [part for part in self.parts if isinstance(part, Node)]


@dataclass(slots=True)
class Math:
    """An equation, read element by element."""

    begin: int  # offset in the source
    stack: list[Node] = field(default_factory=lambda: [Node("math")])

    def start(self, name: str) -> None:
        node = Node(name)
        self.stack[-1].parts.append(node)
        if name not in ("mspace", "none", "mprescripts") and len(self.stack) < _DEEPEST:
            self.stack.append(node)

    def end(self, name: str) -> None:
        at = next((i for i in range(len(self.stack) - 1, 0, -1) if self.stack[i].name == name), 0)
        if at:
            del self.stack[at:]

    def text(self, data: str) -> None:
        self.stack[-1].parts.append(data)

    def told(self) -> str:
        return spaced(_told(self.stack[0]))


def _told(node: Node) -> str:
    children = node.children()
    many = _FORMS.get(node.name)
    if node.name in _LEFT_OUT:
        return ""
    if many is not None and len(children) >= many:
        return _form(node.name, children)
    if node.name == "mspace":
        return " "
    if not children:
        text = " ".join("".join(part for part in node.parts if isinstance(part, str)).split())
        return f" {text} " if node.name == "mtext" else text.replace("\u2061", "").replace("\u2062", "")
    if node.name == "mtable":
        rows = (", ".join(_told(cell).strip() for cell in row.children()) for row in children)
        return f"[{'; '.join(rows)}]"
    if node.name == "mfenced":
        return f"({', '.join(_told(child).strip() for child in children)})"
    if node.name == "msqrt":
        return f"sqrt({_all(children)})"
    if node.name == "semantics":
        return _told(children[0])
    return _all(children)


_FORMS = {"mfrac": 2, "msup": 2, "msub": 2, "msubsup": 3, "mover": 2, "munder": 2, "munderover": 3, "mroot": 2}


def _form(name: str, children: Sequence[Node]) -> str:
    base, *rest = (_told(child).strip() for child in children)
    if name == "mfrac":
        return f"{bound(base)}/{bound(rest[0])}"
    if name == "mroot":
        return f"root_{bound(rest[0])}({base})"
    if name == "mover" and len(rest[0]) == 1 and not rest[0].isalnum():
        return base  # an accent
    below = rest[0] if name in ("msub", "munder", "msubsup", "munderover") else ""
    above = rest[-1] if name in ("msup", "mover", "msubsup", "munderover") else ""
    named = NARY.get(base)
    scripts = (f"_{bound(below)}" if below else "") + (f"^{bound(above)}" if above else "")
    return f"{named}{scripts} " if named else f"{bound(base)}{scripts}"


def _all(children: Sequence[Node]) -> str:
    return "".join(map(_told, children))
