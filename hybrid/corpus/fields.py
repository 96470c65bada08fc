"""What filters may ask of a document: its name, kind, path and language, and the fields that somebody gave it."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from hybrid.document import Document, Field
from hybrid.errors import InputError
from hybrid.files import read_text

Fields = Mapping[str, Field]
Metadata = Mapping[str, Mapping[str, Any]] | Callable[[str], Mapping[str, Any] | None]  # fields by a document's name

_FRONT = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)", re.DOTALL)
_HALVES = re.compile("[\ud800-\udfff]")  # of characters, which no store can keep

OWN = ("document", "kind", "path", "language")  # of every document, as far as they are known


def fields_of(document: Document) -> dict[str, Field]:
    """The fields of a document; `year` follows from a `date` where nobody gave it."""
    own = (document.name, document.kind, document.path, document.language)
    found: dict[str, Field] = dict(document.metadata)
    date = found.get("date")
    if "year" not in found and isinstance(date, str) and date[:4].isdecimal() and date[4:5] in ("", "-"):
        found["year"] = int(date[:4])
    return {**found, **{name: value for name, value in zip(OWN, own, strict=True) if value is not None}}


def given(metadata: Metadata, name: str) -> dict[str, Field]:
    """The fields that somebody gives a document of that name. Raises InputError."""
    found = metadata(name) if callable(metadata) else metadata.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise InputError(f"The fields of {name!r} are a {type(found).__name__}; give a mapping of names to values.")
    return checked(name, found)


def of_file(path: Path) -> Metadata:
    """Fields by document from a JSON file: {"lease.pdf": {"year": 2024}}. Raises InputError."""
    try:
        state = path.stat()
    except OSError as error:
        raise InputError(f"Cannot read the fields in {path}: {error.strerror}. See corpus.metadata.") from None
    return _of_file(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _of_file(path: Path, mtime_ns: int, size: int) -> Metadata:
    try:
        made = json.loads(read_text(path, f"the fields in {path}"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"The fields in {path} are no JSON: {error}.") from None
    if not isinstance(made, dict):
        raise InputError(f'The fields in {path} are no object; write {{"lease.pdf": {{"year": 2024}}}}.')
    return made


def front_matter(text: str) -> dict[str, Field]:
    """The fields that a Markdown text begins with, between two lines of `---`; what is more than one value is left."""
    if (block := _FRONT.match(text)) is None:
        return {}
    found: dict[str, Any] = {}
    for line in block[1].splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip().isidentifier() and name == name.lstrip() and (value := value.strip()):
            found[name.strip()] = _scalar(value)
    return usable(found)


def _scalar(value: str) -> Field | None:
    """A value as YAML writes it, where it is a single one."""
    if value[0] in "'\"":
        return value[1:-1] if len(value) > 1 and value[-1] == value[0] else None
    value = re.sub(r"\s+#.*", "", value)
    if value[:1] in ("[", "{", "&", "*", "!", "|", ">"):
        return None
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    if re.fullmatch(r"[-+]?\d{1,15}", value):
        return int(value)
    if re.fullmatch(r"[-+]?\d+\.\d+(e[-+]?\d+)?", value):
        return float(value)
    return None if value.lower() in ("null", "~") else value


def checked(name: str, given: Mapping[Any, Any]) -> dict[str, Field]:
    """Fields that somebody gives a document, dates as ISO text; what is None or no finite number is left out.

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
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            continue
        if not isinstance(value, (str, int, float, bool)):
            raise InputError(
                f"The field {field!r} of {name!r} is a {type(value).__name__}; give a text, a number, a date, "
                "True or False."
            )
        found[field] = _HALVES.sub("\ufffd", value) if isinstance(value, str) else value
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
