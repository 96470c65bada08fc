"""The base of all sections of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(min_length=1)]
LARGEST = 1e9  # of any number that a user gives: seconds of 31 years, GB of an exabyte


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

    @model_validator(mode="after")
    def _numbers_are_small_enough(self) -> Self:
        """Refuse what no range keeps out, `nan` and `inf`, and what no library takes, such as a timeout of 1e300."""
        for key in type(self).model_fields:
            value = getattr(self, key)
            if isinstance(value, int | float) and not abs(value) <= LARGEST:
                raise ValueError(f"the key {key!r} has to be a number, and {LARGEST:g} at most")
        return self
