"""The base of all sections of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """A section: immutable, and refusing unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _a_number_is_no_switch(cls, given: Any) -> Any:
        """Refuse `k = true`: pydantic would take it for 1."""
        for key, value in given.items() if isinstance(given, Mapping) else ():
            field = cls.model_fields.get(key)
            if isinstance(value, bool) and field is not None and "bool" not in str(field.annotation):
                raise ValueError(f"the key {key!r} cannot be {str(value).lower()}: it is not a switch")
        return given
