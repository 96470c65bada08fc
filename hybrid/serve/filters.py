"""Filters over documents: ours, as somebody writes them (`where`), and OpenAI's, as objects (`filters`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from hybrid.errors import InputError
from hybrid.index.protocol import Store
from hybrid.index.where import DEEPEST, Comparison, Joined, asked, known, parsed
from hybrid.index.where import Filter as Ours
from hybrid.serve.replies import Body, Refused

Attributes = Mapping[str, Mapping[str, Any]]  # of uploads, by the names of their documents
Value = str | int | float | bool
Where = Annotated[
    str | None,
    Field(
        description="a filter for the only documents to read, such as: year >= 2024 and kind in ('pdf', 'docx'). It "
        "has == != < <= > >= in, not in, and, or, not; 'annex' in document looks for a part of a text. Fields are "
        "document (its name), kind, language, and those that the documents were given"
    ),
]
NAME, PATH = "filename", "path"  # OpenAI's word for a document's name; what nobody may learn over the network
MOST = 1000  # comparisons of OpenAI's filters, and values of a list
_SIGNS = {"eq": "==", "ne": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "in": "in", "nin": "not in"}


class Filter(Body):
    """One comparison, or several joined."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "and", "or"]
    key: str = ""
    value: Value | list[Value] | None = None
    filters: list[Filter] = Field([])

    def where(self, depth: int = 1) -> Ours:
        """The same as a filter of ours. Raises Refused."""
        if fault := self._fault(depth):
            on = f" on {self.key!r}" if self.type in _SIGNS else ""
            raise Refused(400, "invalid_request", f"The filter {self.type!r}{on} {fault}.")
        if self.type not in _SIGNS:
            return Joined(self.type, tuple(one.where(depth + 1) for one in self.filters))
        value = tuple(self.value) if isinstance(self.value, list) else self.value
        assert value is not None
        return Comparison(self.key, _SIGNS[self.type], value)

    def _fault(self, depth: int) -> str:
        """Why this is no filter, what it joins left aside; empty where it is one."""
        if self.type not in _SIGNS:
            count = self.size if depth == 1 else len(self.filters)
            if count > MOST:
                return f"has {count:,} comparisons; {MOST:,} are the most"
            return f"is nested more than {DEEPEST} deep" if depth > DEEPEST else "" if count else "joins no 'filters'"
        if not self.key or self.value is None:
            return "needs a 'value'" if self.key else "needs a 'key'"
        listed = isinstance(self.value, list)
        if (self.type in ("in", "nin")) != listed:
            return "needs no list" if listed else "needs a list of values"
        if isinstance(self.value, list) and len(self.value) > MOST:
            return f"has {len(self.value):,} values; {MOST:,} are the most"
        return ""

    @property
    def size(self) -> int:
        """How many comparisons it holds."""
        return sum(one.size for one in self.filters) if self.type not in _SIGNS else 1

    def holds(self, attributes: Mapping[str, Any]) -> bool:
        """Whether some attributes pass. An attribute that is missing passes only `ne` and `nin`."""
        return self.where().holds(attributes)


def filters_of(where: str | None, filters: Filter | None) -> tuple[str | Ours, ...]:
    """The filters of a request that may have one of each form; documents have to pass both. Raises Refused."""
    return (*([] if where is None else [where]), *([] if filters is None else [filters.where()]))


def passing(store: Store, where: str | Ours, attributes: Attributes) -> Sequence[str]:
    """The names of the documents that pass a filter. Each has its fields and `filename`; uploads have attributes too.

    Args:
        where: as somebody wrote it; or OpenAI's, which may ask for fields that no document has.

    Raises:
        InputError: it is no filter, or asks for a field that is not there.
        Refused: no document passes.
    """
    filters = parsed(where) if isinstance(where, str) else where
    if PATH in asked(filters):
        raise InputError(f"A filter cannot ask for {PATH!r} here; {'document'!r} is a document's name.")
    if not any(attributes.values()) and NAME not in asked(filters):
        found = store.select(where)
    else:
        fields: dict[str, dict[str, Any]] = {
            name: {NAME: name, **own, **attributes.get(name, {})} for name, own in store.fields().items()
        }
        if isinstance(where, str):
            known(filters, {field for each in fields.values() for field in each} - {PATH})
        found = tuple(sorted(name for name, each in fields.items() if filters.holds(each)))
    if not found:
        shown = f" `{where}`" if isinstance(where, str) else ""
        raise Refused(
            400, "nothing_matches", f"No document passes the filter{shown}; there are {len(store.entries())}."
        )
    return found


def within(
    store: Store, documents: Sequence[str] | None, filters: Sequence[str | Ours], attributes: Attributes
) -> Sequence[str] | None:
    """The only documents to read: those named, if any are, that pass all filters; None: all. Raises as `passing`."""
    for one in filters:
        found = passing(store, one, attributes)
        if documents is not None:
            passed = set(found)
            found = tuple(name for name in documents if name in passed)
            if not found:
                raise Refused(400, "nothing_matches", "None of the documents that were chosen passes the filter.")
        documents = found
    return documents


def given_to(store: Store, names: Sequence[str] | None, attributes: Attributes) -> dict[str, dict[str, Any]]:
    """What documents were given, by name: fields and attributes, without what every document has. None: all."""
    own = ("document", "kind", PATH)
    return {
        name: {**{field: value for field, value in fields.items() if field not in own}, **attributes.get(name, {})}
        for name, fields in store.fields(names).items()
    }
