"""What a question over many documents asks for: fields of every document, and a computation over their table."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from hybrid.types import Column, Record

Test = Literal["said", "silent", "is", "contains", "over", "under"]
Compute = Literal["count", "list", "sum", "mean", "max", "min", "group"]
WORDS: dict[Test, str] = {
    "said": "is said",
    "silent": "is not said",
    "is": "is",
    "contains": "contains",
    "over": "is more or later than",
    "under": "is less or earlier than",
}


class Condition(Record):
    """What a row has to fulfil to be computed with."""

    column: str
    test: Test = Field(description="said: the document says yes or gives a value; silent: it does not")
    value: str = Field("", max_length=200, description="to compare with, such as '30 days' or '2025-01-01'")

    @property
    def words(self) -> str:
        """It in words."""
        return f"{self.column.replace('_', ' ')} {WORDS[self.test]}{f' {self.value}' if self.value else ''}"


class Plan(Record):
    """Fields that are asked of every document, and what is computed from them.

    Raises:
        ValidationError: it names a field that is not among the columns, or a computation has nothing to compute with.
    """

    columns: tuple[Column, ...] = Field(min_length=1, max_length=8)
    where: tuple[Condition, ...] = Field((), max_length=8, description="all of them have to hold")
    compute: Compute
    of: tuple[str, ...] = Field((), max_length=4, description="fields with the values that are computed with or listed")
    by: str = Field("", description="the field whose values make the groups of 'group'")
    named: str = Field("", description="the field by which documents are named, such as the supplier; else ''")

    @model_validator(mode="after")
    def _names_are_known(self) -> Plan:
        known = {column.name for column in self.columns}
        if len(known) < len(self.columns):
            raise ValueError("two columns have one name")
        named = [*(condition.column for condition in self.where), *self.of, *filter(None, (self.by, self.named))]
        for name in named:
            if name not in known:
                raise ValueError(f"{name!r} is not among the columns {', '.join(sorted(known))}")
        if self.compute in ("sum", "mean", "max", "min") and not self.of:
            raise ValueError(f"'{self.compute}' needs a field in 'of'")
        if self.compute == "group" and not self.by:
            raise ValueError("'group' needs a field in 'by'")
        if self.compute == "count" and not self.where:  # all documents would be told as those that were asked for
            raise ValueError("'count' needs a condition in 'where'")
        if self.compute == "list" and not self.where and not self.of:
            raise ValueError("'list' needs a condition in 'where', or fields in 'of'")
        for condition in self.where:
            if condition.test not in ("said", "silent") and not condition.value:
                raise ValueError(f"the condition {condition.test!r} on {condition.column!r} needs a value")
        return self

    @property
    def words(self) -> str:
        """What is computed, in words."""
        of = " and ".join(name.replace("_", " ") for name in self.of)
        what = {
            "count": "The documents are counted",
            "list": "The documents are listed" + (f" with {of}" if of else ""),
            "sum": f"The sum of {of}",
            "mean": f"The mean of {of}",
            "max": f"The largest {of}",
            "min": f"The smallest {of}",
            "group": f"The documents by {self.by.replace('_', ' ')}" + (f", with {of}" if of else ""),
        }[self.compute]
        where = " and ".join(condition.words for condition in self.where)
        return f"{what}{f' where {where}' if where else ''}."
