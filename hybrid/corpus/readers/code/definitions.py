"""Definitions: the headings of source code, found by tree-sitter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from hybrid.document import Heading

SIZE_LIMIT = 1_000_000  # characters; above it a file is generated more often than written, and parsing it is slow
LINE_LIMIT = 20_000  # characters; nobody wrote a text of one such line, and some grammars take the square of it in time

# A rule for all grammars: a node that is named like a definition and has a name is one.
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
_ABOVE = re.compile(r"comment$|^attribute_item$|^decorator$")  # belong to the definition right below them
_WRAPPER = frozenset({"decorated_definition", "export_statement", "template_declaration", "ambient_declaration"})


def definitions(text: str, language: str) -> tuple[Heading, ...]:
    """The named definitions in source code; the level is how deep a definition is nested in others.

    A definition begins with the comment block, the decorators and the attributes right above it. Empty where there is
    no grammar for the language (they come with the extra `code`), and for very long texts.
    """
    syntax = parse(text, language)
    return tuple(Heading(d.start, d.level, d.name) for d in defined(syntax)) if syntax is not None else ()


class Defined(NamedTuple):
    """A definition in the syntax tree of a text."""

    name: str
    level: int  # 1 is the outermost
    start: int  # characters; where its comment block, decorators or attributes begin
    line: int  # 1-based, of its name
    node: Any  # of tree-sitter, without the comments above it


class Syntax(NamedTuple):
    """The nodes of a text that matter here, in order, an enclosing one before its inner ones."""

    raw: bytes  # the text as it was parsed
    nodes: list[tuple[str, Any]]  # group, node
    offset: Callable[[int], int]  # the character at a byte


GROUPS: dict[str, Callable[[str], object]] = {
    "definition": lambda kind: _DEFINITION.search(kind) is not None and _NO_DEFINITION.search(kind) is None,
    "comment": _ABOVE.search,
}  # by the name of a node's kind


def parse(text: str, language: str, groups: Mapping[str, Callable[[str], object]] = GROUPS) -> Syntax | None:
    """The nodes of each group, None where the language has no grammar here or the text is very long or one line.

    A query finds them ten times as fast as Python walks a tree.
    """
    if len(text) > SIZE_LIMIT or one_line(text):
        return None
    raw = text.encode("utf-8", "replace")
    prepared = _prepared(language, tuple(groups.items()))
    if prepared is None:
        return None
    from tree_sitter import QueryCursor
    from tree_sitter_language_pack import get_parser

    query, group_of = prepared
    root = get_parser(language).parse(raw).root_node  # type: ignore[arg-type]
    found = QueryCursor(query).captures(root).get("node", ())
    ordered = sorted(found, key=lambda node: (node.start_byte, -node.end_byte))
    return Syntax(raw, [(group_of[node.type], node) for node in ordered], _offsets(raw))


def one_line(text: str) -> bool:
    """Whether one very long line is most of a text, as in minified code."""
    longest = max(map(len, text.splitlines()), default=0)
    return longest > LINE_LIMIT and longest * 2 > len(text)


@lru_cache(maxsize=256)
def _prepared(
    language: str, groups: tuple[tuple[str, Callable[[str], object]], ...]
) -> tuple[Any, dict[str, str]] | None:
    """A query for all kinds of nodes in a group, and the group of each kind, which is the first that fits."""
    try:
        from tree_sitter import Query
        from tree_sitter_language_pack import get_language

        grammar = get_language(language)  # type: ignore[arg-type]
    except (LookupError, ValueError, ImportError, OSError):
        return None
    ids = range(grammar.node_kind_count)
    kinds = {
        grammar.node_kind_for_id(i) for i in ids if grammar.node_kind_is_named(i) and grammar.node_kind_is_visible(i)
    }
    group_of: dict[str, str] = {}
    for kind in sorted(kind for kind in kinds if kind and kind != "ERROR"):
        group = next((name for name, holds in groups if holds(kind)), None)
        if group is not None:
            group_of[kind] = group
    if not group_of:
        return None
    # one pattern each: tree-sitter takes minutes to analyse alternatives in the larger grammars
    return Query(grammar, " ".join(f"({kind}) @node" for kind in sorted(group_of))), group_of


def defined(syntax: Syntax) -> list[Defined]:
    """The definitions among the nodes, in order."""
    found: list[Defined] = []
    ends: list[int] = []  # where the enclosing definitions end
    above: dict[int, tuple[int, int]] = {}  # comments alone on their lines, by last line: first line and byte
    last = 0  # byte where the definition before begins
    for group, node in syntax.nodes:
        if group == "comment":
            _note(above, node, syntax.raw)
            continue
        named = _named(node) if group == "definition" else None
        name = "" if named is None else " ".join(named.text.decode("utf-8", "replace").split())[:80]
        if named is None or not name:
            continue
        while ends and node.start_byte >= ends[-1]:
            ends.pop()
        parent = node.parent
        outer = parent if parent is not None and parent.type in _WRAPPER else node
        byte, row = outer.start_byte, outer.start_point[0]
        while row - 1 in above and above[row - 1][1] < byte:
            row, byte = above[row - 1]
        last = max(byte, last)
        ends.append(node.end_byte)
        found.append(Defined(name, len(ends), syntax.offset(last), named.start_point[0] + 1, node))
    return found


def _note(above: dict[int, tuple[int, int]], node: Any, raw: bytes) -> None:
    """Remembers a comment that stands alone on its lines; a first line that names an interpreter is no comment."""
    start = node.start_byte
    if raw[raw.rfind(b"\n", 0, start) + 1 : start].strip() or (start == 0 and raw.startswith(b"#!")):
        return
    end_row, end_column = node.end_point
    above[end_row - (end_column == 0 and end_row > node.start_point[0])] = (node.start_point[0], start)


def _offsets(raw: bytes) -> Callable[[int], int]:
    if raw.isascii():
        return int
    import numpy as np

    begins = (np.frombuffer(raw, np.uint8) & 0xC0) != 0x80
    before = np.concatenate(([0], np.cumsum(begins)))
    return lambda byte: int(before[byte])


def _named(node: Any) -> Any:
    """The node of the name that a node defines, None where it defines nothing."""
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
    return named if named is not None and named.is_named and named.text is not None else None


def _elixir_name(node: Any) -> Any:
    """The name that a call of `def` or its like defines: `def f(x) when x > 1 do` defines `f`."""
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
