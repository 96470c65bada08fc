"""The arms without routing: a benchmark's own prompt, a function of the user, and a query engine of LlamaIndex."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hybrid.evals.arms.arm import Reply, Unsuited
from hybrid.evals.arms.engine import apart, described, free
from hybrid.evals.arms.shared import Kept
from hybrid.evals.sample import Count, Sample

from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import abstains
from hybrid.chat.thinking import spoken
from hybrid.cost.price import price
from hybrid.engines.base import Completion, Engine, OnText
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
        begun = time.perf_counter()
        completion = self.ask(sample)
        return Reply(
            text=completion.text,
            abstained=completion.abstained,
            usage=completion.usage,
            cost=self.price(completion.usage),
            timings={"ask": time.perf_counter() - begun},
        )

    def ask(self, sample: Sample, on_text: OnText | None = None) -> Completion:
        """The engine's reply itself; `on_text` receives its text as it is generated.

        Raises:
            Unsuited: the sample has no prompt.
        """
        if not sample.prompt:
            raise Unsuited("its task has no prompt of its own")
        # A server continues no reply of the model, so the reply's beginning ends the message, as RULER does for APIs.
        prompt = Verbatim(sample.question, (), text=sample.prompt + sample.prefix)
        return self._engine.ask(prompt, max_tokens=sample.max_tokens, on_text=on_text)

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
        _alone(sample)
        return self._timed(self._function, sample.question, sample.documents)

    @staticmethod
    def _timed(ask: Callable[..., Any], *arguments: Any) -> Reply:
        begun = time.perf_counter()
        said = ask(*arguments)
        if said is None:
            raise TypeError("it returned None, and a reply is text")
        text = spoken(str(said))
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
        _alone(sample)
        engine = self._engines.get(sample.documents, lambda: self._function(sample.documents))
        return self._timed(engine.query, sample.question)

    def close(self) -> None:
        self._engines.clear()


def _alone(sample: Sample) -> None:
    """Raise Unsuited where a question follows others, which such an arm is not told."""
    if sample.history:
        raise Unsuited("the question follows others, and this arm takes a question alone")
