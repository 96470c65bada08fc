"""Definitions: the headings of source code, found by tree-sitter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hybrid.document import Heading

SIZE_LIMIT = 1_000_000  # characters; above it a file is generated more often than written, and parsing it is slow

# A rule for all grammars: what is named like a definition and has a name is one.
_DEFINITION = re.compile(
    r"(?:definition|declaration|_item|_spec|specifier|signature|_decl|function_def|(?:function|declaration)_statement)$"
    r"|^(?:class|module|method|singleton_method|function|interface|internal_module|trait|struct|enum|method_elem)$"
    r"|^create_(?:table|view|materialized_view|function|procedure|trigger|type)$"  # SQL
    r"|^(?:message|service|rpc)$"  # Protocol Buffers
    r"|^(?:variable_declarator|call)$"  # const f = () => ...; in Elixir `def` is called
)
_NO_DEFINITION = re.compile(
    r"parameter|field|variable(?!_declarator$)|var_|const_spec|property|import|package|use_|extern|local|let|lexical"
    r"|member|label|using|attribute|accessor|column|annotation_decl|alias_spec|storage|qualifier|type_signature"
)
_NAME_IN_CHILD = re.compile(  # where no field of the node holds it
    r"(?:class|function|method|object|interface|struct|protocol|contract|trait|enum).*(?:definition|declaration)$"
    r"|^create_|^(?:message|service|rpc|enum)$"
)
_IDENTIFIER = re.compile(r"(?:identifier|^name|^constant|^word|^object_reference|^(?:message|service|rpc|enum)_name)$")
_ELIXIR = frozenset(
    f"def{what}".encode() for what in ("", "p", "macro", "macrop", "guard", "module", "protocol", "impl")
)
_FUNCTION_VALUE = re.compile(r"function|lambda|^class$")
_WRAPPER = frozenset({"decorated_definition", "export_statement", "template_declaration", "ambient_declaration"})


def definitions(text: str, language: str) -> tuple[Heading, ...]:
    """The named definitions in source code; the level is how deep a definition is nested in others.

    Empty where there is no grammar for the language (they come with the extra `code`), and for very long texts.
    """
    if len(text) > SIZE_LIMIT:
        return ()
    raw = text.encode("utf-8", "replace")
    try:
        from tree_sitter_language_pack import get_parser

        cursor = get_parser(language).parse(raw).walk()  # type: ignore[arg-type]
    except (LookupError, ValueError, ImportError, OSError):
        return ()
    headings: list[Heading] = []
    ends: list[int] = []  # where the enclosing definitions end
    characters, counted = 0, 0
    candidates: dict[int, bool] = {}  # by kind of node: few kinds, very many nodes
    for node in _nodes(cursor):
        kind = node.kind_id
        if kind not in candidates:
            candidates[kind] = (
                node.is_named and _DEFINITION.search(node.type) is not None and not _NO_DEFINITION.search(node.type)
            )
        name = _definition_name(node) if candidates[kind] else None
        if name is None:
            continue
        while ends and node.start_byte >= ends[-1]:
            ends.pop()
        parent = node.parent
        start = parent.start_byte if parent is not None and parent.type in _WRAPPER else node.start_byte
        start = max(start, counted)
        characters += len(raw[counted:start].decode("utf-8", "replace"))
        counted = start
        ends.append(node.end_byte)
        headings.append(Heading(characters, len(ends), name))
    return tuple(headings)


def _nodes(cursor: Any) -> Iterator[Any]:
    """All nodes in order, without recursion: generated code can be nested thousands deep."""
    while True:
        yield cursor.node
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _definition_name(node: Any) -> str | None:
    """The name that a node of a defining kind defines, None where it defines nothing."""
    kind = node.type
    if kind == "variable_declarator":
        value = node.child_by_field_name("value")
        named = node.child_by_field_name("name") if value is not None and _FUNCTION_VALUE.search(value.type) else None
    elif kind == "call":
        named = _elixir_name(node)
    elif kind.endswith("specifier") and node.child_by_field_name("body") is None:
        return None  # `struct x *p` uses a structure, it does not define one
    else:
        named = node.child_by_field_name("name")
        if named is None and "impl" in kind:
            named = node.child_by_field_name("type")
        if named is None and kind.endswith("definition"):
            named = _declared_name(node)
        if named is None and _NAME_IN_CHILD.search(kind):
            named = next((c for c in node.named_children if _IDENTIFIER.search(c.type)), None)
    if named is None or not named.is_named or named.text is None:
        return None
    return " ".join(named.text.decode("utf-8", "replace").split())[:80] or None


def _elixir_name(node: Any) -> Any:
    """What a call of `def` or its like defines: `def f(x) when x > 1 do` defines `f`."""
    target = node.child_by_field_name("target")
    if target is None or target.text not in _ELIXIR or len(node.named_children) < 2:
        return None
    named = node.named_children[1].named_child(0)
    while named is not None and named.type in {"binary_operator", "call"}:
        named = named.child_by_field_name("left" if named.type == "binary_operator" else "target")
    return named


def _declared_name(node: Any) -> Any:
    """The name inside C's declarators: `int *f(void)` defines `f`."""
    while (inner := node.child_by_field_name("declarator")) is not None:
        node = inner
    return node if _IDENTIFIER.search(node.type) or node.type in {"destructor_name", "operator_name"} else None
