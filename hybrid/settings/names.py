"""What settings name and other packages may add to: engines, policies, orderings, stores. One line each.

The things themselves are in the rooms above. Here are only their names and places, so that settings can be checked
without importing any. Another package adds one with an entry point of the group `hybrid.KIND`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from hybrid.registry import Registry

# made with the settings of the engine, and the embedder
ENGINES = Registry[Any](
    "engine",
    {
        "extractive": "hybrid.engines.make:extractive",
        "server": "hybrid.engines.make:server",
        "local": "hybrid.engines.make:local",
        "vllm": "hybrid.engines.make:vllm",
    },
)

# made with nothing
POLICIES = Registry[Any](
    "policy",
    {
        "rag": "hybrid.routing.policies.rag:Rag",
        "long": "hybrid.routing.policies.long:Long",
        "fits": "hybrid.routing.policies.fits:Fits",
        "self_route": "hybrid.routing.policies.self_route:SelfRoute",
        "question_type": "hybrid.routing.policies.question_type:QuestionType",
        "calibrated": "hybrid.routing.policies.calibrated:Calibrated",
    },
)

# take pieces, the most relevant first, and the engine's measured curve; return them in reading order
ORDERINGS = Registry[Any](
    "ordering",
    {
        "relevance": "hybrid.reading.ordering:relevance",
        "document": "hybrid.reading.ordering:document",
        "edges": "hybrid.reading.ordering:edges",
        "curve": "hybrid.reading.ordering:by_curve",
    },
)

# classes with the members of hybrid.index.protocol.Index
STORES = Registry[Any](
    "store", {"sqlite": "hybrid.index.store:SqliteStore", "lance": "hybrid.index.lance.store:LanceStore"}
)

# plan and fill in tables for engines that quote; classes with the members of hybrid.each.extractor.Rules
EXTRACTORS = Registry[Any]("extractor", {"clauses": "hybrid.pipelines.legal.each:Clauses"})

EngineKind = Annotated[str, BeforeValidator(ENGINES.named)]
PolicyName = Annotated[str, BeforeValidator(POLICIES.named)]
Ordering = Annotated[str, BeforeValidator(ORDERINGS.named)]
StoreName = Annotated[str, BeforeValidator(STORES.named)]
OrderingSetting = Annotated[str, BeforeValidator(lambda name: ORDERINGS.named(name, beside=("auto",)))]
