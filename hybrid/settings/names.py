"""The names that settings take of things which other packages may add to, with an entry point of `hybrid.KIND`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from hybrid.registry import Registry


def _names(kind: str, *carried: str) -> Registry[str]:
    return Registry(kind, dict.fromkeys(carried, ""))


def _one_of(names: Registry[str]) -> Callable[[Any], str]:
    """A check that refuses other names in the words that pydantic has for a Literal."""

    def check(given: Any) -> str:
        if isinstance(given, str) and given in names:
            return given
        *first, last = map(repr, names)
        expected = f"{', '.join(first)} or {last}"
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})

    return check


ENGINES = _names("engine", "extractive", "server", "vllm")
POLICIES = _names("policy", "rag", "long", "fits", "self_route", "question_type", "calibrated")
ORDERINGS = _names("ordering", "auto", "relevance", "document", "edges", "curve")

EngineKind = Annotated[str, BeforeValidator(_one_of(ENGINES))]
PolicyName = Annotated[str, BeforeValidator(_one_of(POLICIES))]
OrderingName = Annotated[str, BeforeValidator(_one_of(ORDERINGS))]
