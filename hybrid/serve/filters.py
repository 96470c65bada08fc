"""Filters over the attributes of files, as OpenAI's API has them: comparisons, and `and` and `or` of them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import Field

from hybrid.serve.replies import Body, Refused
from hybrid.serve.service import Service

Value = str | int | float | bool
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda value, among: value in among,
    "nin": lambda value, among: value not in among,
}


class Filter(Body):
    """One comparison, or several joined."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "and", "or"]
    key: str = ""
    value: Value | list[Value] | None = None
    filters: list[Filter] = Field([])

    def holds(self, attributes: Mapping[str, Any]) -> bool:
        """Whether some attributes pass. An attribute that is missing passes only `ne` and `nin`."""
        if self.type in ("and", "or"):
            each = (one.holds(attributes) for one in self.filters)
            return all(each) if self.type == "and" else any(each)
        if self.key not in attributes:
            return self.type in ("ne", "nin")
        value = attributes[self.key]
        if self.type in ("in", "nin") and not isinstance(self.value, list):
            raise Refused(400, "invalid_request", f"The filter {self.type!r} on {self.key!r} needs a list of values.")
        try:
            return _COMPARED[self.type](value, self.value)
        except TypeError:
            return False  # a text is neither more nor less than a number


def matching(service: Service, corpus: str, wanted: Filter) -> tuple[str, ...]:
    """The documents of a corpus that pass a filter. Each has `filename` and `kind`; uploads have their attributes too.

    Raises:
        Refused: none passes.
    """
    known: dict[str, dict[str, Any]] = {
        entry.name: {"filename": entry.name, "kind": entry.kind} for entry in service.shelf.open(corpus).entries()
    }
    for document, attributes in service.uploads.attributes(corpus).items():
        known.get(document, {}).update(attributes)
    found = tuple(name for name, attributes in known.items() if wanted.holds(attributes))
    if not found:
        raise Refused(400, "nothing_matches", f"No document of {corpus!r} passes the filter; it has {len(known)}.")
    return found
