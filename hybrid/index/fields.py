"""What filters may ask of a document: its name, kind, path and language, and the fields that somebody gave it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from hybrid.document import Document, Field
from hybrid.errors import InputError

Fields = Mapping[str, Field]

OWN = ("document", "kind", "path", "language")  # of every document, as far as they are known


def fields_of(document: Document) -> dict[str, Field]:
    """The fields of a document; `year` follows from a `date` where nobody gave it."""
    own = (document.name, document.kind, document.path, document.language)
    found: dict[str, Field] = dict(document.metadata)
    date = found.get("date")
    if "year" not in found and isinstance(date, str) and date[:4].isdecimal() and date[4:5] in ("", "-"):
        found["year"] = int(date[:4])
    return {**found, **{name: value for name, value in zip(OWN, own, strict=True) if value is not None}}


def checked(name: str, given: Mapping[Any, Any]) -> dict[str, Field]:
    """Fields that somebody gives a document, dates as ISO text; what is None is left out.

    Raises:
        InputError: a name or value that no filter can ask for.
    """
    found: dict[str, Field] = {}
    for field, value in given.items():
        if not isinstance(field, str) or not field.isidentifier() or field in OWN:
            raise InputError(
                f"{name!r} has a field {field!r}; a field's name is a word without blanks, and none of: "
                f"{', '.join(OWN)}."
            )
        if isinstance(value, datetime.date):  # a datetime is one too
            value = value.isoformat()
        if value is None:
            continue
        if not isinstance(value, (str, int, float, bool)):
            raise InputError(
                f"The field {field!r} of {name!r} is a {type(value).__name__}; give a text, a number, a date, "
                "True or False."
            )
        found[field] = value
    return found


def usable(given: Mapping[Any, Any]) -> dict[str, Field]:
    """Of metadata that others made, what filters can ask for."""
    found: dict[str, Field] = {}
    for field, value in given.items():
        try:
            found.update(checked("", {field: value}))
        except InputError:
            continue
    return found
