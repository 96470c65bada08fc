"""Equations on one line: F = 0.35 x V + 1200, (a + b)/2, x^2, sqrt(y), sum_(i = 1)^n a_i.

Those of Word (Office MathML) and of web pages (MathML) get the same form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, SubElement

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
NARY = {
    "\u2211": "sum", "\u220f": "product", "\u222b": "integral", "\u222c": "integral", "\u222d": "integral",
    "\u222e": "integral", "\u22c3": "union", "\u22c2": "intersection",
}  # fmt: skip
_OPERATOR = re.compile(
    r"(?<=[\w)\]}%\u00b0'|])\s*([=<>\u2264\u2265\u2248\u2260\u2261\u00b1\u00d7\u00f7+\u2212\u2192\u2208-])\s*(?=\S)"
)
_SIMPLE = re.compile(r"[+\u2212-]?\d+(?:[.,]\d+)?|[^\W\d_]+|\([^()]*\)|\[[^\[\]]*\]|.")


def linear(equation: Any) -> str:
    """An equation, or several below each other, as text; each on a line of its own."""
    if equation.tag == f"{M}oMathPara":
        return "\n".join(filter(None, (linear(one) for one in equation.findall(f"{M}oMath"))))
    return spaced(_inner(equation))


def spaced(equation: str) -> str:
    """An equation with blanks around operators, and "x" for the cross where no variable has that name."""
    text = " ".join(_OPERATOR.sub(r" \1 ", equation).split())
    return text if "x" in text else text.replace("\u00d7", "x")


def _inner(parent: Any) -> str:
    return "".join(_told(child) for child in parent) if parent is not None else ""


def _told(element: Any) -> str:
    if not isinstance(element.tag, str) or element.tag in (f"{_W}del", f"{_W}moveFrom"):
        return ""
    space, _, name = element.tag.rpartition("}")
    if name == "t":
        return element.text or ""
    if name == "r" and any(element.find(f"{_W}rPr/{_W}{gone}") is not None for gone in ("del", "moveFrom", "vanish")):
        return ""
    if f"{space}}}" != M:
        return "" if name.endswith("Pr") else _inner(element)
    tell = _FORMS.get(name)
    if tell is not None:
        return tell(element)
    return "" if name.endswith("Pr") else _inner(element)


def _part(element: Any, name: str) -> str:
    return _inner(element.find(f"{M}{name}")).strip()


def _value(element: Any, path: str, otherwise: str) -> str:
    """The value of a property, empty where it gives none; `otherwise` where it is missing."""
    found = element.find("/".join(f"{M}{name}" for name in path.split("/")))
    return otherwise if found is None else found.get(f"{M}val", "")


def _off(value: str) -> bool:
    return value in ("0", "false", "off")


def bound(text: str) -> str:
    """A text, in brackets where it would not hold together."""
    return text if not text or _SIMPLE.fullmatch(text) else f"({text})"


def _scripts(element: Any) -> str:
    sub, sup = _part(element, "sub"), _part(element, "sup")
    return (f"_{bound(sub)}" if sub else "") + (f"^{bound(sup)}" if sup else "")


def _fraction(element: Any) -> str:
    above, below = _part(element, "num"), _part(element, "den")
    if _value(element, "fPr/type", "bar") == "noBar":  # a binomial coefficient, in brackets of its own
        return f"{above} over {below}"
    return f"{bound(above)}/{bound(below)}"


def _root(element: Any) -> str:
    degree = _part(element, "deg")
    hidden = element.find(f"{M}radPr/{M}degHide")
    shown = degree if hidden is None or _off(hidden.get(f"{M}val", "1")) else ""
    return f"root_{bound(shown)}({_part(element, 'e')})" if shown else f"sqrt({_part(element, 'e')})"


def _nary(element: Any) -> str:
    sign = _value(element, "naryPr/chr", "\u222b")
    return f"{NARY.get(sign, sign)}{_scripts(element)} {_part(element, 'e')} ".replace("  ", " ")


def _delimited(element: Any) -> str:
    begin, end = _value(element, "dPr/begChr", "("), _value(element, "dPr/endChr", ")")
    between = _value(element, "dPr/sepChr", "|")
    inner = f" {between} ".join(_inner(part).strip() for part in element.findall(f"{M}e"))
    if begin in "([{" and inner.startswith("[") and inner.endswith("]") and element.find(f"{M}e/{M}m") is not None:
        inner = inner[1:-1]  # a matrix in its own brackets
    return f"{begin}{inner}{end}"


def _matrix(element: Any) -> str:
    rows = (", ".join(_inner(cell).strip() for cell in row.findall(f"{M}e")) for row in element.findall(f"{M}mr"))
    return f"[{'; '.join(rows)}]"


def _function(element: Any) -> str:
    name, argument = _part(element, "fName"), _part(element, "e")
    if name.startswith("lim") or not argument:
        return f"{name} {argument} "
    return f"{name}{argument}" if re.fullmatch(r"\([^()]*\)", argument) else f"{name}({argument})"


def _accent(element: Any) -> str:
    base = _part(element, "e")
    return base + _value(element, "accPr/chr", "\u0302") if len(base) == 1 else base


_FORMS: dict[str, Callable[[Any], str]] = {
    "f": _fraction,
    "sSup": lambda e: bound(_part(e, "e")) + _scripts(e),
    "sSub": lambda e: bound(_part(e, "e")) + _scripts(e),
    "sSubSup": lambda e: bound(_part(e, "e")) + _scripts(e),
    "sPre": lambda e: _scripts(e) + bound(_part(e, "e")),
    "rad": _root,
    "nary": _nary,
    "d": _delimited,
    "m": _matrix,
    "eqArr": lambda e: "; ".join(_inner(part).strip() for part in e.findall(f"{M}e")),
    "func": _function,
    "limLow": lambda e: f"{_part(e, 'e')}_{bound(_part(e, 'lim'))}",
    "limUpp": lambda e: f"{_part(e, 'e')}^{bound(_part(e, 'lim'))}",
    "acc": _accent,
    "phant": lambda e: "" if _off(_value(e, "phantPr/show", "1")) else _part(e, "e"),
}


_LEFT_OUT = frozenset({"annotation", "annotation-xml", "mphantom"})
_DEEPEST = 100


@dataclass(slots=True)
class Math:
    """An equation, read element by element."""

    begin: int  # offset in the source
    stack: list[Element] = field(default_factory=lambda: [Element("math")])

    def start(self, name: str) -> None:
        node = SubElement(self.stack[-1], name)
        if name not in ("mspace", "none", "mprescripts") and len(self.stack) < _DEEPEST:
            self.stack.append(node)

    def end(self, name: str) -> None:
        at = next((i for i in range(len(self.stack) - 1, 0, -1) if self.stack[i].tag == name), 0)
        if at:
            del self.stack[at:]

    def text(self, data: str) -> None:
        self.stack[-1].text = (self.stack[-1].text or "") + data

    def told(self) -> str:
        return spaced(_node(self.stack[0]))


def _node(node: Element) -> str:
    name, children = node.tag, list(node)
    if name in _LEFT_OUT:
        return ""
    if len(children) >= _PARTS.get(name, len(children) + 1):
        return _form(name, children)
    if name == "mspace":
        return " "
    if not children:
        text = " ".join((node.text or "").split())
        return f" {text} " if name == "mtext" else text.replace("\u2061", "").replace("\u2062", "")
    if name == "mtable":
        return f"[{'; '.join(', '.join(_node(cell).strip() for cell in row) for row in children)}]"
    if name == "mfenced":
        return f"({', '.join(_node(child).strip() for child in children)})"
    if name == "semantics":
        return _node(children[0])
    inner = "".join(map(_node, children))
    return f"sqrt({inner})" if name == "msqrt" else inner


_PARTS = {"mfrac": 2, "msup": 2, "msub": 2, "msubsup": 3, "mover": 2, "munder": 2, "munderover": 3, "mroot": 2}


def _form(name: str, children: Sequence[Element]) -> str:
    base, *rest = (_node(child).strip() for child in children)
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
