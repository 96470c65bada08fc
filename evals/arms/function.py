"""The arms `function` and `llama_index`: a function of the user that answers, or that makes a query engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from hybrid.evals.arms.arm import Reply
from hybrid.evals.arms.shared import Kept
from hybrid.evals.sample import Sample

from hybrid.chat.refusals import abstains
from hybrid.chat.thinking import spoken
from hybrid.types import Usage


class FunctionArm:
    """A function of the user: (question, documents) -> text. Its replies and their time are all that is known."""

    kind = "function"
    count = None

    def __init__(self, name: str, function: Callable[..., Any], concurrency: int = 1) -> None:
        self.name = name
        self.concurrency = concurrency
        self._function = function

    def about(self) -> dict[str, Any]:
        named = getattr(self._function, "__qualname__", type(self._function).__name__)
        return {"kind": self.kind, "target": f"{self._function.__module__}:{named}"}

    def answer(self, sample: Sample) -> Reply:
        return self._timed(self._function, sample.question, sample.documents)

    @staticmethod
    def _timed(ask: Callable[..., Any], *arguments: Any) -> Reply:
        begun = time.perf_counter()
        text = spoken(str(ask(*arguments)))
        return Reply(text, abstains(text), usage=Usage(seconds=time.perf_counter() - begun))

    def price(self, usage: Usage) -> None:
        return None

    def close(self) -> None:
        pass


class QueryEngineArm(FunctionArm):
    """A query engine of LlamaIndex, made for each corpus by a function of the user: documents -> engine."""

    kind = "llama_index"

    def __init__(self, name: str, function: Callable[[Mapping[str, str]], Any], concurrency: int = 1) -> None:
        super().__init__(name, function, concurrency)
        self._engines: Kept[Any] = Kept()

    def answer(self, sample: Sample) -> Reply:
        engine = self._engines.get(sample.documents, lambda: self._function(sample.documents))
        return self._timed(engine.query, sample.question)

    def close(self) -> None:
        self._engines.clear()
