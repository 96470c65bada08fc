"""The names that settings take of things which other packages may add to, with an entry point of `hybrid.KIND`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from hybrid.registry import Registry


def _names(kind: str, *carried: str) -> Registry[None]:
    return Registry(kind, dict.fromkeys(carried))


ENGINES = _names("engine", "extractive", "server", "vllm")
POLICIES = _names("policy", "rag", "long", "fits", "self_route", "question_type", "calibrated")
ORDERINGS = _names("ordering", "auto", "relevance", "document", "edges", "curve")

EngineKind = Annotated[str, BeforeValidator(ENGINES.named)]
PolicyName = Annotated[str, BeforeValidator(POLICIES.named)]
OrderingName = Annotated[str, BeforeValidator(ORDERINGS.named)]
