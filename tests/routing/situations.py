"""Situations and weights of tests."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

from hybrid.routing.features import FEATURES
from hybrid.routing.situation import Situation, sized
from hybrid.routing.weights import NEEDS, Weights, carried
from hybrid.types import Cost, Rung

AVERAGE = {n: 0.0 if n.startswith("kind_") else own["mean"] for n, own in carried().features.items()}
COMPARES = {**AVERAGE, "kind_comparison": 1.0, "kind_reasoning": 0.0, "words": 3.4, "names": 1.8, "numbers": 1.4}
UNSAID = {**AVERAGE, "covered": 0.2, "covered_best": 0.05, "dense_best": 0.35, "lexical_best": 0.3, "lexical_mean": 0.2}


def situation(
    features: Mapping[str, float] | None = None,
    dollars: float = 0.002,
    corpus: int = 30_000,
    passages: int = 1_700,
    room: int = 128_000,
    largest: int | None = None,
    documents: int = 1,
) -> Situation:
    """One with prices; what reading the whole takes can be told, and by default it fits."""
    whole = corpus if largest is None else largest
    sizes: dict[Rung, int] = {"passages": passages, "sections": 3 * passages, "documents": whole, "corpus": corpus}
    prices: dict[Rung, float] = {"passages": 0.0005, "sections": 0.0008, "documents": dollars, "corpus": dollars}
    costs = {rung: Cost(dollars=p, gpu_seconds=1000 * p, basis="estimated") for rung, p in prices.items()}
    return sized(sizes, room, costs, question="q", documents=documents, features=features)


def settled(rag: float, long: float, *, abstains: float = 0.0, again: float = 0.0) -> Weights:
    """Weights that expect the same of every question, which needs a fact."""

    def line(p: float) -> tuple[float, float]:
        p = min(max(p, 1e-6), 1 - 1e-6)
        return log(p / (1 - p)), 0.0

    lines = {
        "abstains": dict.fromkeys(NEEDS, line(abstains)),
        "rag": dict.fromkeys(NEEDS, line(rag)),
        "long": dict.fromkeys(NEEDS, line(long)),
        "again": dict.fromkeys(NEEDS, line(again)),
    }
    flat = {name: {"mean": 0.0, "scale": 1.0, **dict.fromkeys(NEEDS, 0.0)} for name in FEATURES}
    return Weights({}, flat, {need: 20.0 * (need == "fact") for need in NEEDS}, lines)
