"""The arm `raw`: a benchmark's own prompt, word for word, as one user message."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from hybrid.evals.arms.arm import Reply, Unsuited
from hybrid.evals.arms.engine import apart, described, free
from hybrid.evals.sample import Count, Sample

from hybrid.chat.prompts import Prompt
from hybrid.cost.price import price
from hybrid.engines.base import Engine
from hybrid.engines.make import make_engine
from hybrid.errors import SettingsError
from hybrid.index.embedding import Embedder
from hybrid.settings import Settings
from hybrid.types import Cost, Usage


class RawArm:
    """An engine that gets a benchmark's own prompt as one user message, and nothing else."""

    def __init__(self, name: str, settings: Settings, engine: Engine | None = None) -> None:
        if engine is None and settings.engine.kind == "extractive":
            raise SettingsError(
                f"The arm {name!r} sends prompts as they are, and the engine 'extractive' reads none: set "
                "engine.kind to server, local or vllm."
            )
        self.name = name
        self.settings = settings
        self._engine = engine or make_engine(apart(settings, name).engine, Embedder(settings.embedder))

    @property
    def concurrency(self) -> int:
        return self._engine.concurrency

    @property
    def count(self) -> Count:
        return self._engine.count

    def about(self) -> dict[str, Any]:
        return described("raw", self.settings, [self._engine])

    def answer(self, sample: Sample) -> Reply:
        if not sample.prompt:
            raise Unsuited("its task has no prompt of its own")
        # A server continues no reply of the model, so the reply's beginning ends the message, as RULER does for APIs.
        prompt = Verbatim(sample.question, (), text=sample.prompt + sample.prefix)
        begun = time.perf_counter()
        completion = self._engine.ask(prompt, max_tokens=sample.max_tokens)
        return Reply(
            text=completion.text,
            abstained=completion.abstained,
            usage=completion.usage,
            cost=self.price(completion.usage),
            timings={"ask": time.perf_counter() - begun},
        )

    def price(self, usage: Usage) -> Cost:
        return price(self.settings.cost, usage, on_gpu=self._engine.on_gpu)

    def close(self) -> None:
        free(self._engine)


@dataclass(frozen=True, slots=True)
class Verbatim(Prompt):
    """A prompt whose text is given."""

    text: str = ""

    def messages(self) -> list[dict[str, str]]:
        """One message of the user."""
        return [{"role": "user", "content": self.text}]
