"""Elements of XML by their names without namespaces, and the values of those of WordprocessingML (ECMA-376 part 1)."""

from __future__ import annotations

from typing import Any


def tag_of(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Any, name: str) -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def find(parent: Any | None, tag: str) -> Any | None:
    """The first child with a tag, None where there is none."""
    return None if parent is None else parent.find(f"{W}{tag}")


def value(parent: Any | None, tag: str) -> str | None:
    """The value of a child, None where there is none."""
    found = find(parent, tag)
    return None if found is None else found.get(f"{W}val")


def switch(parent: Any | None, tag: str) -> bool | None:
    """Whether a child switches something on, None where there is none."""
    found = find(parent, tag)
    return None if found is None else found.get(f"{W}val") not in ("0", "false", "off")


def whole_number(element: Any | None, otherwise: int) -> int:
    """The whole number that an element gives, 1000 at most."""
    said = "" if element is None else element.get(f"{W}val", "")
    return min(int(said), 1000) if said.isdigit() else otherwise
