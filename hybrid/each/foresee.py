"""The price of asking every document before a plan is made, from the sizes of the documents alone."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid.each.extractor import rules_for
from hybrid.each.price import price, unpriced
from hybrid.engines.base import Engine
from hybrid.index.protocol import Store
from hybrid.settings import CostSettings
from hybrid.types import Prediction

_FRAME, _FIELDS = 400, 2  # tokens beside a document, and fields, that are expected


def foreseen(
    question: str, store: Store, sizes: Sequence[int], engine: Engine, settings: CostSettings
) -> Prediction | None:
    """What the rung each is expected to take; None where an engine that quotes has no rules for the question.

    Args:
        sizes: tokens of the documents.
    """
    if getattr(engine, "quotes", False):
        return None if rules_for(question, store) is None else unpriced(sizes).prediction(engine.name)
    room = max(1, engine.window - _FRAME)
    calls = [min(size, room) + _FRAME for size in sizes for _ in range(max(1, -(-size // room)))]
    return price(settings, [_FRAME, *calls], _FIELDS, engine.concurrency).prediction(engine.name)
