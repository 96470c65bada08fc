"""What plans and fills in a table: a model, or rules of a pipeline for engines that only quote.

A pipeline brings its rules by one line in `EXTRACTORS` of `hybrid/settings/names.py`, another package by an entry point
of the group `hybrid.extractor`: a class with the members of `Rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from hybrid.each.found import Found
from hybrid.each.plan import Plan
from hybrid.each.units import Unit
from hybrid.index.protocol import Store
from hybrid.settings.names import EXTRACTORS
from hybrid.types import Column


class Extractor(Protocol):
    """Reads the fields of one unit. Used from several threads at once."""

    @property
    def made_by(self) -> str:
        """What is kept is known by this name: of the model, or of the rules with their version."""

    def extract(self, unit: Unit, columns: Sequence[Column]) -> list[Found]:
        """What a unit says on each field, in their order.

        Raises:
            EngineError: the engine failed, or its reply cannot be used.
        """


class Rules(Extractor, Protocol):
    """An extractor for engines that quote, made with the `Hybrid` that asks and the store."""

    def __init__(self, hybrid: Any, store: Store) -> None: ...

    @staticmethod
    def plan(question: str) -> Plan | None:
        """The plan of a question; None where the rules do not understand every word of it that matters."""

    @staticmethod
    def fits(store: Store) -> bool:
        """Whether the documents are of the kind that the rules are for."""


def rules_for(question: str, store: Store) -> tuple[type[Rules], Plan] | None:
    """The rules that understand a question on these documents, with their plan; None where none do."""
    for name in EXTRACTORS:
        rules: type[Rules] = EXTRACTORS[name]
        plan = rules.plan(question)
        if plan is not None and rules.fits(store):
            return rules, plan
    return None
