"""The columns of a table: the head of each, and what it shows of a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


def shown(rows: Iterable[T], columns: Mapping[str, Callable[[T], str]]) -> tuple[list[str], list[list[str]]]:
    """The heads, and the cells of each row."""
    return list(columns), [[cell(row) for cell in columns.values()] for row in rows]
