"""Filters over documents: `year >= 2024 and kind == 'pdf'`, in a small part of Python's grammar.

    comparisons   ==  !=  <  <=  >  >=  in  not in, of a field with a text, a number, True or False
    also          2020 <= year < 2024
    lists         kind in ('pdf', 'docx');  'annex' in document looks for a part of a text
    and, or, not, parentheses

A field that a document does not have fulfils only `!=` and `not in`; so does one of another type. Dates are ISO text
and compare as such: date >= '2024-05-01'. Nothing of a filter is ever run: it is looked at here, or becomes SQL.
"""

from __future__ import annotations

import ast
import json
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any

from hybrid.document import Field
from hybrid.errors import InputError

_SYNTAX = "Write, for example: year >= 2024 and kind in ('pdf', 'docx')."
_MOST = 4000  # characters of a filter
DEEPEST = 16  # `not`, `and` and `or` inside each other
_LARGEST = 1e300  # of a number, up to which all stores compare alike
_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_MARKS = {"s": "string", "n": "float", "b": "bool"}  # of a field's type, before its name in Lance's JSON


@dataclass(frozen=True)
class Comparison:
    """One comparison of a field with what a question gives."""

    field: str
    sign: str  # ==  !=  <  <=  >  >=  in  not in  has  has not
    value: Field | tuple[Field, ...]

    def holds(self, fields: Mapping[str, Field]) -> bool:
        """Whether a document with these fields passes."""
        if self.sign in ("!=", "not in", "has not"):
            return not self._positive().holds(fields)
        have = fields.get(self.field)
        if self.sign == "in":
            assert isinstance(self.value, tuple)
            return any(_type(have) == _type(value) and have == value for value in self.value)
        if _type(have) != _type(self.value):
            return False
        if self.sign == "has":
            return str(self.value) in str(have)
        return _HOLDS[self.sign](have, self.value)

    def sql(self) -> str:
        """The same for Lance."""
        return self.told(turned=False)[1]

    def told(self, *, turned: bool) -> tuple[int, str]:
        """How deep its SQL is, and the SQL, turned round or not."""
        negative = self.sign in ("!=", "not in", "has not")
        positive = self._positive() if negative else self
        return 0, f"{'NOT ' if turned != negative else ''}{positive._sql()}"

    def _sql(self) -> str:
        if self.sign == "in":
            assert isinstance(self.value, tuple)
            by_type: dict[str, list[str]] = {}
            for value in self.value:
                by_type.setdefault(_type(value), []).append(_literal(value))
            each = [f"coalesce({self._have(kind)} IN ({', '.join(some)}), false)" for kind, some in by_type.items()]
            return f"({' OR '.join(each)})" if each else "(false)"
        assert not isinstance(self.value, tuple)
        have = self._have(_type(self.value))
        if self.sign == "has":
            return f"coalesce(contains({have}, {quoted(str(self.value))}), false)"
        return f"coalesce({have} {'=' if self.sign == '==' else self.sign} {_literal(self.value)}, false)"

    def _have(self, kind: str) -> str:
        """The field's value where it is of a type."""
        return f"json_get_{_MARKS[kind]}(fields, {quoted(f'{kind}:{self.field}')})"

    def _positive(self) -> Comparison:
        return Comparison(self.field, {"!=": "==", "not in": "in", "has not": "has"}[self.sign], self.value)


@dataclass(frozen=True)
class Joined:
    """Several filters joined by `and` or `or`, or one turned round by `not`."""

    by: str
    parts: tuple[Filter, ...]

    def holds(self, fields: Mapping[str, Field]) -> bool:
        """Whether a document with these fields passes."""
        if self.by == "not":
            return not self.parts[0].holds(fields)
        each = (part.holds(fields) for part in self.parts)
        return all(each) if self.by == "and" else any(each)

    def sql(self) -> str:
        """The same for Lance."""
        return self.told(turned=False)[1]

    def told(self, *, turned: bool) -> tuple[int, str]:
        """How deep its SQL is, and the SQL, turned round or not.

        Lance reads some 50 levels of parentheses and `NOT`. So `NOT` stands before comparisons alone, which are true or
        false and never unknown, and the parts that are least deep are joined first.
        """
        if self.by == "not":
            return self.parts[0].told(turned=not turned)
        by = "AND" if (self.by == "and") != turned else "OR"
        parts = [part.told(turned=turned) for part in self.parts]
        heapify(parts)
        while len(parts) > 1:
            (_, first), (depth, second) = heappop(parts), heappop(parts)
            heappush(parts, (depth + 1, f"({first} {by} {second})"))
        return parts[0]


Filter = Comparison | Joined


class Selected(tuple[str, ...]):
    """The names of the documents that pass a filter; a store that knows filters searches by that instead."""

    filter: Filter

    def __new__(cls, names: Iterable[str], filters: Filter) -> Selected:
        made = super().__new__(cls, tuple(names))
        made.filter = filters
        return made


def parsed(where: str) -> Filter:
    """The filter that somebody wrote.

    Raises:
        InputError: it is no filter; the sentence says what is wrong and where.
    """
    if not isinstance(where, str):  # Python's callers are not checked
        raise InputError(f"A filter is given as a text, not as {type(where).__name__}. {_SYNTAX}")
    if not where.strip():
        raise InputError(f"The filter is empty. {_SYNTAX}")
    if len(where) > _MOST:
        raise InputError(f"The filter has {len(where):,} characters; {_MOST:,} are the most.")
    try:
        tree = ast.parse(where.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        at = f" at character {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        raise InputError(f"The filter {_cut(where)} cannot be read{at}. {_SYNTAX}") from None
    if _too_deep(tree.body):
        raise InputError(f"The filter {_cut(where)} is nested more than {DEEPEST} deep. {_SYNTAX}")
    return _filter(tree.body, where)


def _too_deep(node: ast.expr) -> bool:
    level: list[ast.AST] = [node]
    for _ in range(DEEPEST + 2):  # a comparison and its sides stand below
        level = [part for one in level for part in ast.iter_child_nodes(one) if isinstance(part, ast.expr)]
    return bool(level)


def known(filters: Filter, fields: Collection[str]) -> None:
    """Refuse a filter on a field that no document has. Raises InputError with the fields there are."""
    unknown = sorted(asked(filters) - set(fields))
    if unknown:
        there = sorted(fields)
        shown = ", ".join(there[:30]) + (", …" if len(there) > 30 else "")
        raise InputError(f"No document has a field {unknown[0]!r}; there are: {shown}.")


def asked(filters: Filter) -> set[str]:
    """The names of the fields that a filter asks for."""
    if isinstance(filters, Comparison):
        return {filters.field}
    return {name for part in filters.parts for name in asked(part)}


def marked(fields: Mapping[str, Field]) -> str:
    """Fields as JSON for Lance, the type before each name, so that SQL compares like with like."""
    return json.dumps({f"{_type(value)}:{name}": value for name, value in fields.items()})


def unmarked(text: str) -> dict[str, Field]:
    """What `marked` was given."""
    return {name.partition(":")[2]: value for name, value in json.loads(text).items()}


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _filter(node: ast.expr, where: str) -> Filter:
    if isinstance(node, ast.BoolOp):
        by = "and" if isinstance(node.op, ast.And) else "or"
        return Joined(by, tuple(_filter(value, where) for value in node.values))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return Joined("not", (_filter(node.operand, where),))
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        pairs = [
            _comparison(left, op, right, where) for left, op, right in zip(sides, node.ops, sides[1:], strict=False)
        ]
        return pairs[0] if len(pairs) == 1 else Joined("and", tuple(pairs))
    if isinstance(node, ast.Name):  # a field alone: whether it is True
        return Comparison(node.id, "==", True)
    raise _wrong(node, where)


def _comparison(left: ast.expr, op: ast.cmpop, right: ast.expr, where: str) -> Comparison:
    sign = _COMPARED.get(type(op))
    if sign is None:
        raise _wrong(left, where)
    if sign in ("in", "not in"):
        if isinstance(left, ast.Name) and isinstance(right, (ast.Tuple, ast.List, ast.Set)):
            return Comparison(left.id, sign, tuple(_value(each, where) for each in right.elts))
        if isinstance(right, ast.Name) and isinstance(text := _value(left, where), str):
            return Comparison(right.id, "has" if sign == "in" else "has not", text)
        raise InputError(
            f"The filter {_cut(where)} needs a list after `in`, or a text before it and a field after it. {_SYNTAX}"
        )
    if isinstance(left, ast.Name) and not isinstance(right, ast.Name):
        return Comparison(left.id, sign, _value(right, where))
    if isinstance(right, ast.Name) and not isinstance(left, ast.Name):
        return Comparison(right.id, _TURNED[sign], _value(left, where))
    if isinstance(left, ast.Name):
        raise InputError(
            f"The filter {_cut(where)} compares two fields. Compare a field with a value; a text stands in quotation "
            "marks."
        )
    raise _wrong(left, where)


def _value(node: ast.expr, where: str) -> Field:
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    constant = node.operand if negative and isinstance(node, ast.UnaryOp) else node
    value = constant.value if isinstance(constant, ast.Constant) else None
    if isinstance(value, bool | str) and not negative and _storable(value):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        if abs(value) > _LARGEST:
            raise InputError(f"The filter {_cut(where)} has a number beyond {_LARGEST:g}: give a smaller one.")
        return -value if negative else value
    raise _wrong(node, where)


def _storable(value: bool | str) -> bool:
    """Whether a document may have it: half a character, as in "\\ud800", is in no text."""
    return isinstance(value, bool) or not re.search("[\ud800-\udfff]", value)


def _wrong(node: ast.expr, where: str) -> InputError:
    part = ast.get_source_segment(where.strip(), node) or where
    return InputError(
        f"The filter {_cut(where)} cannot hold {_cut(part)}: fields are compared with texts, numbers, True and False. "
        f"{_SYNTAX}"
    )


def _type(value: object) -> str:
    if isinstance(value, bool):
        return "b"
    return "s" if isinstance(value, str) else "n" if isinstance(value, (int, float)) else ""


def _literal(value: Field) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return quoted(value) if isinstance(value, str) else repr(float(value))


def _cut(text: str) -> str:
    return f"`{text if len(text) <= 120 else text[:119] + '…'}`"
