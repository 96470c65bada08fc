"""The fields of a plan as a pydantic model of one document's reply, as JSON schema, and in words.

Values stay as the document writes them, because what they are worth is computed by code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator

from hybrid.types import Column, ValueKind

_KINDS: dict[ValueKind, str] = {
    "yesno": "yes or no",
    "text": "a few words",
    "number": "a number",
    "amount": "an amount of money with its currency, and how often it recurs",
    "duration": "a length of time",
    "date": "a date",
    "percent": "a percentage",
}


class Said(BaseModel):
    """What a reply gives for one field."""

    model_config = ConfigDict(extra="forbid")

    value: str | None = Field(description="as the text writes it; null if the text does not say")
    quote: str | None = Field(description="the sentence that says so, word for word; null if there is none")

    @field_validator("value", "quote", mode="before")
    @classmethod
    def _as_text(cls, given: Any) -> Any:
        """Booleans and numbers as text; models write them in spite of what they are told."""
        if isinstance(given, bool):
            return "yes" if given else "no"
        return str(given) if isinstance(given, int | float) else given


class YesNo(Said):
    """The same for a field of yes or no."""

    value: Literal["yes", "no"] | None = Field(description="null if the text does not say")

    @field_validator("value", mode="before")
    @classmethod
    def _small(cls, given: Any) -> Any:
        return given.strip().rstrip(".").lower() if isinstance(given, str) else given


def reply_model(columns: Sequence[Column]) -> type[BaseModel]:
    """The model of a reply that fills in the fields; `said_of` gives them."""
    fields: dict[str, Any] = {  # by place, because a column may be named as what each model has, such as copy
        f"field_{i}": (
            YesNo if column.kind == "yesno" else Said,
            Field(alias=column.name, description=_described(column)),
        )
        for i, column in enumerate(columns)
    }
    return create_model("Fields", __config__=ConfigDict(extra="forbid"), **fields)


def said_of(reply: BaseModel) -> list[Said]:
    """What a reply gives for each field, in the order of the columns."""
    return [getattr(reply, name) for name in type(reply).model_fields]


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """A model as JSON schema in the strict form: every key required, no others, no default and no length of texts.

    A server that refuses one of these refuses the schema; the reply is checked in any case.
    """
    schema = model.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        if part.get("type") == "object":
            part["required"] = list(part["properties"])
            part["additionalProperties"] = False
            for each in part["properties"].values():
                for name in ("default", "maxLength"):
                    each.pop(name, None)
    return schema


def in_words(columns: Sequence[Column]) -> str:
    """The fields as a list, and the form of the reply."""
    listed = "\n".join(f"- {column.name}: {_described(column)}" for column in columns)
    form = ", ".join(f'"{column.name}": {{"value": ..., "quote": ...}}' for column in columns)
    return f"{listed}\nForm: {{{form}}}"


def _described(column: Column) -> str:
    unit = f" in {column.unit}" if column.unit else ""
    return f"{column.description or column.title} ({_KINDS[column.kind]}{unit})"
