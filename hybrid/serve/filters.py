"""Filters over the attributes of files, as OpenAI's API has them: comparisons, and `and` and `or` of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from hybrid.index.where import Comparison, Joined
from hybrid.index.where import Filter as Where
from hybrid.serve.replies import Body, Refused
from hybrid.serve.service import Service

Value = str | int | float | bool
_SIGNS = {"eq": "==", "ne": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "in": "in", "nin": "not in"}


class Filter(Body):
    """One comparison, or several joined."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "and", "or"]
    key: str = ""
    value: Value | list[Value] | None = None
    filters: list[Filter] = Field([])

    def where(self) -> Where:
        """The same as a filter of ours. Raises Refused."""
        if self.type in ("and", "or"):
            return Joined(self.type, tuple(one.where() for one in self.filters))
        listed = isinstance(self.value, list)
        if (self.type in ("in", "nin")) != listed:
            needed = "no list" if listed else "a list of values"
            raise Refused(400, "invalid_request", f"The filter {self.type!r} on {self.key!r} needs {needed}.")
        value = tuple(self.value) if isinstance(self.value, list) else self.value
        return Comparison(self.key, _SIGNS[self.type], "" if value is None else value)

    def holds(self, attributes: Mapping[str, Any]) -> bool:
        """Whether some attributes pass. An attribute that is missing passes only `ne` and `nin`."""
        return self.where().holds(attributes)


def matching(service: Service, corpus: str, wanted: Filter) -> tuple[str, ...]:
    """The documents of a corpus that pass a filter. Each has `filename` and its fields; uploads have attributes too.

    Raises:
        Refused: none passes.
    """
    known: dict[str, dict[str, Any]] = {
        name: {"filename": name, **fields} for name, fields in service.shelf.open(corpus).fields().items()
    }
    for document, attributes in service.uploads.attributes(corpus).items():
        known.get(document, {}).update(attributes)
    where = wanted.where()
    found = tuple(name for name, attributes in known.items() if where.holds(attributes))
    if not found:
        raise Refused(400, "nothing_matches", f"No document of {corpus!r} passes the filter; it has {len(known)}.")
    return found
