"""Symbols: the definitions, calls, base classes and imports of a source text, found by tree-sitter.

The rules use the names of nodes and fields that all grammars share, so that a language needs no table of its own. Only
an index of many texts can say which definition a name means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from hybrid.corpus.readers.code.definitions import GROUPS, Defined, defined, parse

Kind = Literal["class", "function", "method", "module", "implementation", "variable"]

_CALL = re.compile(
    r"^(?:call|command|invocation|macro_invocation|function_call|explicit_constructor_invocation|new_expression)$"
    r"|call_expression$|^(?:method|constructor)_invocation$|^invocation_expression$|^object_creation_expression$"
)
_IMPORT = re.compile(
    r"^(?:import_statement|import_from_statement|future_import_statement|import_spec|use_declaration|using_directive"
    r"|preproc_include|namespace_use_declaration|import_header|extern_crate_declaration|import_declaration)$"
)
_VARIABLE = re.compile(
    r"^(?:assignment|variable_assignment|variable_declarator|const_spec|var_spec|const_element|enum_constant|preproc_def"
    r"|preproc_function_def)$"
)
_MARK = re.compile(r"^(?:decorator|marker_annotation|annotation)$")
_CLASS = re.compile(r"class|struct|interface|trait|enum|union|object|protocol|type|table|view|message|service|contract")
_MODULE = re.compile(r"module|namespace")
_BASES = re.compile(
    r"^(?:superclass|super_interfaces|extends_interfaces|class_heritage|base_\w+|class_interface_clause)$"
)
_IDENTIFIER = re.compile(r"identifier$|^(?:name|constant|word|command_name)$")
_TARGET = ("function", "method", "macro", "constructor", "name", "type", "target")  # fields of a call, in this order
_LAST = ("attribute", "property", "field", "name", "method")  # fields of a path that hold its last part
_NO_BASE = frozenset("extends implements public private protected virtual new with override final".split())


class Definition(NamedTuple):
    """Something with a name."""

    name: str  # the last part only
    path: str  # with the names around it: Class.method
    kind: Kind
    start: int  # characters; where its comment block or decorators begin
    end: int
    line: int  # 1-based, of the definition itself
    end_line: int
    level: int  # 1 is the outermost
    signature: str  # its first line or lines, up to the body, on one line


class Reference(NamedTuple):
    """A use of a name: a call, a decorator, or a class to inherit from."""

    name: str  # the last part only
    kind: Literal["call", "mark", "base"]
    line: int
    inside: int  # which definition it stands in, the innermost; -1 outside of all
    receiver: str  # before the last part: self, os.path; may be empty


class Import(NamedTuple):
    """A name taken from elsewhere."""

    module: str  # as written: os.path, ..util, ./view, a/b.h
    name: str  # in the module; "" the module itself, "*" everything
    alias: str  # its name here, "" the same
    line: int


class Symbols(NamedTuple):
    """All symbols of one text, each kind in order."""

    definitions: tuple[Definition, ...]
    references: tuple[Reference, ...]
    imports: tuple[Import, ...]


def symbols(text: str, language: str) -> Symbols:
    """The symbols of a text; empty for a language without a grammar, and for very long texts.

    Variables count as definitions outside of functions only. Calls inside Rust's macros and in generated strings are
    not seen.
    """
    syntax = parse(text, language, _GROUPS)
    if syntax is None:
        return Symbols((), (), ())
    scopes = {d.node.id: d for d in defined(syntax)}
    definitions: list[Definition] = []
    references: list[Reference] = []
    imports: list[Import] = []
    open_: list[tuple[int, int]] = []  # enclosing definitions: end byte, number
    for group, node in syntax.nodes:
        while open_ and node.start_byte >= open_[-1][0]:
            open_.pop()
        inside = open_[-1][1] if open_ else -1
        around = definitions[inside] if open_ else None
        scope = scopes.get(node.id)
        if scope is not None:
            made = _definition(scope, around, syntax.offset(node.end_byte))
            open_.append((node.end_byte, len(definitions)))
            definitions.append(made)
            references += _bases(node, len(definitions) - 1)
        elif group == "definition" and not _CALL.search(node.type):
            if _VARIABLE.search(node.type):
                definitions += _variables(node, around, syntax.offset)
        elif group == "variable":
            definitions += _variables(node, around, syntax.offset)
        elif group == "import":
            imports += _imports(node, language)
        elif group in ("call", "definition"):
            references += _call(node, inside)
            imports += _required(node)
        elif group == "mark" or node.type == "decorator":
            references += _mark(node, inside)
    return Symbols(tuple(definitions), tuple(references), tuple(imports))


_GROUPS: dict[str, Callable[[str], object]] = {
    **GROUPS,
    "call": _CALL.search,
    "import": _IMPORT.search,
    "variable": _VARIABLE.search,
    "mark": _MARK.search,
}


def _definition(scope: Defined, around: Definition | None, end: int) -> Definition:
    node = scope.node
    parts = [part for part in re.split(r"::|\.|#", scope.name) if part]
    receiver = node.child_by_field_name("receiver")  # Go: func (t *T) Method()
    if receiver is not None:
        parts = [*re.findall(r"\w+", re.sub(r"\[.*", "", _text(receiver).strip("()")))[-1:], *parts]
    kind: Kind
    if "impl" in node.type:
        kind = "implementation"
    elif _MODULE.search(node.type):
        kind = "module"
    elif _CLASS.search(node.type) and "method" not in node.type and "function" not in node.type:
        kind = "class"
    elif len(parts) > 1 or (around is not None and around.kind in ("class", "implementation")):
        kind = "method"
    else:
        kind = "function"
    path = ".".join(([around.path] if around is not None else []) + parts)
    return Definition(
        name=parts[-1] if parts else scope.name,
        path=path,
        kind=kind,
        start=scope.start,
        end=end,
        line=scope.line,
        end_line=_last_row(node) + 1,
        level=scope.level,
        signature=_signature(node),
    )


def _variables(node: Any, around: Definition | None, offset: Any) -> Iterator[Definition]:
    """The names that an assignment outside of functions gives a value to."""
    if around is not None and around.kind not in ("class", "module", "implementation"):
        return
    left = _field(node, "name", "left")
    if left is None:
        left = next((c for c in node.named_children if _IDENTIFIER.search(c.type)), None)
    if left is None or (around is None and _within_function(node)):
        return
    targets = left.named_children if left.type in ("pattern_list", "tuple_pattern") else [left]
    for target in targets:
        if _IDENTIFIER.search(target.type) and target.named_child_count == 0:
            name = _text(target)
            yield Definition(
                name=name,
                path=f"{around.path}.{name}" if around is not None else name,
                kind="variable",
                start=offset(node.start_byte),
                end=offset(node.end_byte),
                line=node.start_point[0] + 1,
                end_line=_last_row(node) + 1,
                level=around.level + 1 if around is not None else 1,
                signature=_one_line(_text(node), 120),
            )


def _within_function(node: Any) -> bool:
    """Whether a function without a name, as callbacks are, holds a node."""
    above = node.parent
    while above is not None:
        if "function" in above.type or "lambda" in above.type or above.type in ("block", "statement_block"):
            return above.parent is not None and above.parent.type not in ("if_statement", "try_statement")
        above = above.parent
    return False


def _call(node: Any, inside: int) -> Iterator[Reference]:
    target = _field(node, *_TARGET) or node.named_child(0)
    if target is None:
        return
    before = _field(node, "object", "receiver", "scope")
    name, receiver = _last_part(target)
    if name:
        receiver = receiver if before is None else _one_line(_text(before), 60)
        yield Reference(name, "call", target.end_point[0] + 1, inside, receiver)


def _mark(node: Any, inside: int) -> Iterator[Reference]:
    """A decorator or annotation without a call."""
    target = _field(node, "name") or node.named_child(0)
    if target is not None and not _CALL.search(target.type):
        name, receiver = _last_part(target)
        if name:
            yield Reference(name, "mark", node.start_point[0] + 1, inside, receiver)


def _bases(node: Any, number: int) -> Iterator[Reference]:
    given = node.child_by_field_name("superclasses")  # Python
    clauses = [c for c in node.named_children if _BASES.search(c.type) or c.type == "delegation_specifier"]
    named = [c for c in given.named_children if c.type != "keyword_argument"] if given is not None else clauses
    for clause in named:
        text = re.sub(r"<[^<>]*(?:<[^<>]*>[^<>]*)*>|\[.*|\(.*", "", _text(clause), flags=re.DOTALL)
        for path in re.findall(r"[A-Za-z_$][\w$]*(?:(?:\.|::|\\)[A-Za-z_$][\w$]*)*", text):
            if path not in _NO_BASE:
                before, _, name = re.sub(r"::|\\", ".", path).rpartition(".")
                yield Reference(name, "base", clause.start_point[0] + 1, number, before)
    if "impl" in node.type and (trait := node.child_by_field_name("trait")) is not None:
        name, receiver = _last_part(trait)
        if name:
            yield Reference(name, "base", node.start_point[0] + 1, number, receiver)


def _last_part(node: Any) -> tuple[str, str]:
    """The last name of a path like `a.b.c`, and the part before; empty where the target is no path, as in `f()()`."""
    top = node
    for _ in range(16):
        if node.named_child_count == 0 or node.type in ("variable_name", "command_name"):
            if not (_IDENTIFIER.search(node.type) or node.type in ("variable_name", "super", "this", "self")):
                return "", ""
            before = re.sub(r"<.*", "", _text(top)[: node.start_byte - top.start_byte], flags=re.DOTALL)
            return _text(node), _one_line(before.rstrip().rstrip(".:>-?!\\").rstrip(), 60)
        inner = _field(node, *_LAST)
        if inner is None and re.search(
            r"generic|template|user_type|scoped|qualified|object_reference|constructor_inv", node.type
        ):
            inner = _field(node, "type", "function") or node.named_child(0)
        if inner is None and re.search(r"navigation|qualified|non_null|object_reference", node.type):
            inner = node.named_child(node.named_child_count - 1)
        if inner is None:
            return "", ""
        node = inner
    return "", ""


# --- imports ------------------------------------------------------------------------------------------------------


def _imports(node: Any, language: str) -> Iterator[Import]:
    line = node.start_point[0] + 1
    if node.type == "import_declaration" and any(c.type.startswith("import_spec") for c in node.named_children):
        return  # Go: each of them is a node of its own
    if language == "python":
        yield from _python_imports(node, line)
    elif (source := node.child_by_field_name("source")) is not None:  # JavaScript and TypeScript
        yield from _script_imports(node, _text(source).strip("'\"`"), line)
    elif (path := node.child_by_field_name("path")) is not None:  # Go, C
        yield Import(_text(path).strip("\"'`<>"), "", _text(_field(node, "name")), line)
    else:
        text = re.sub(
            r"^\W*(?:(?:pub(?:\([^)]*\))?|global|static|import|use|using|function|const|extern|crate)\s+)+",
            "",
            _text(node),
        )
        for path_ in _expanded(re.sub(r"\s+", " ", text).rstrip("; ")):
            full, _, alias = path_.partition(" as ")
            parts = [part for part in re.split(r"::|\\|\.", full.strip()) if part]
            if parts:
                yield Import(".".join(parts[:-1]), parts[-1], alias.strip(), line)


def _python_imports(node: Any, line: int) -> Iterator[Import]:
    module = _field(node, "module_name")
    of = _text(module).replace(" ", "") if module is not None else "__future__" if "future" in node.type else ""
    if any(child.type == "wildcard_import" for child in node.named_children):
        yield Import(of, "*", "", line)
    for name in node.children_by_field_name("name"):
        said, alias = _text(_field(name, "name") or name), _text(_field(name, "alias"))
        yield Import(of, said, alias, name.start_point[0] + 1) if of else Import(said, "", alias, line)


def _script_imports(node: Any, source: str, line: int) -> Iterator[Import]:
    clause = next((c for c in node.named_children if c.type == "import_clause"), None)
    found: list[Import] = []
    for child in clause.named_children if clause is not None else ():
        if child.type == "identifier":
            found.append(Import(source, "default", _text(child), line))
        elif child.type == "namespace_import":
            alias = _text(child).removeprefix("*").strip().removeprefix("as").strip()
            found.append(Import(source, "", alias, line))
        for part in child.named_children if child.type == "named_imports" else ():
            if (name := _field(part, "name")) is not None:
                found.append(Import(source, _text(name), _text(_field(part, "alias")), line))
    yield from found or [Import(source, "", "", line)]


def _required(node: Any) -> Iterator[Import]:
    """`require("x")` of JavaScript, Ruby and Lua, `source x` of a shell."""
    text = node.text[:200].decode("utf-8", "replace")
    found = re.match(r"""(require|require_relative|source|\.)[\s(]+["']?([^"'\s()]+)["']?\)?$""", text)
    if found is not None:
        module = f"./{found[2]}" if found[1] != "require" and not found[2].startswith(".") else found[2]
        yield Import(module, "", "", node.start_point[0] + 1)


def _expanded(path: str) -> Iterator[str]:
    """`a::{b, c::{d}}` as its single paths."""
    found = re.match(r"([^{]*)\{(.*)\}[^}]*$", path, re.DOTALL)
    if found is None:
        yield path
        return
    depth, begin, inner = 0, 0, found[2]
    for at, mark in enumerate(f"{inner},"):
        depth += (mark == "{") - (mark == "}")
        if mark == "," and depth == 0:
            part = inner[begin:at].strip()
            begin = at + 1
            if part:
                yield from _expanded(found[1].rstrip(":\\ ") if part == "self" else found[1] + part)


# --- fields and texts of nodes ------------------------------------------------------------------------------------


def _field(node: Any, *names: str) -> Any:
    """The first of these fields that a node has, or None."""
    return next((found for name in names if (found := node.child_by_field_name(name)) is not None), None)


def _text(node: Any) -> str:
    return "" if node is None else (node.text or b"").decode("utf-8", "replace")


def _one_line(text: str, most: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def _signature(node: Any) -> str:
    body = node.child_by_field_name("body")
    if body is None:
        body = next((c for c in node.named_children if c.type.endswith("_body") or c.type == "block"), None)
    if body is None:
        return _one_line(_text(node).partition("\n")[0], 200)
    head = node.text[: body.start_byte - node.start_byte].decode("utf-8", "replace")
    kept = "\n".join(line for line in head.split("\n") if not re.match(r"\s*(?:#|//)", line))
    return _one_line(kept, 200).rstrip("{ ").rstrip()


def _last_row(node: Any) -> int:
    """The last row that a node fills; some end at the beginning of the next one."""
    row, column = node.end_point
    return int(row - 1 if column == 0 and row > node.start_point[0] else row)
