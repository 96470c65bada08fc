"""Replies in JSON, read leniently and checked strictly: fences, words around them and trailing commas do no harm."""

from __future__ import annotations

import ast
import json
import re
from contextlib import suppress
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


class Unreadable(ValueError):
    """A reply that does not fit; the message says why, for the model and for people."""


def checked(text: str, model: type[M]) -> M:
    """The reply as a model.

    Raises:
        Unreadable: there is no JSON object in it, or it does not fit.
    """
    found = _object(text)
    if found is None:
        raise Unreadable("it holds no JSON object")
    try:
        return model.model_validate(found)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, fault["loc"])) or "the object"
        raise Unreadable(f"{where}: {str(fault['msg']).removeprefix('Value error, ').lower()}") from None


def _object(text: str) -> dict[str, Any] | None:
    """The first object in a text that can be read."""
    for match in re.finditer(r"\{", text):
        whole = _balanced(text, match.start())
        if whole is None:
            continue
        for written in (whole, re.sub(r",\s*([}\]])", r"\1", whole)):
            with suppress(ValueError):
                found = json.loads(written, strict=False)
                return found if isinstance(found, dict) else None
        with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            found = ast.literal_eval(whole)
            if isinstance(found, dict):
                return found
    return None


def _balanced(text: str, start: int) -> str | None:
    """The text from an opening brace to the one that closes it; None where none does."""
    depth, inside, escaped = 0, False, False
    for at in range(start, len(text)):
        letter = text[at]
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == '"':
            inside = not inside
        elif not inside and letter == "{":
            depth += 1
        elif not inside and letter == "}":
            depth -= 1
            if not depth:
                return text[start : at + 1]
    return None
