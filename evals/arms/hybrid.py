"""The arm `hybrid`: the whole way of a question, with any settings of hybrid.toml."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from hybrid.evals.arms.arm import COMPARED, Reply, Unsuited
from hybrid.evals.arms.engine import apart, described, free
from hybrid.evals.arms.shared import Kept, Shared
from hybrid.evals.arms.situations import saved, watched
from hybrid.evals.metrics.retrieval import Range
from hybrid.evals.metrics.words import unmarked
from hybrid.evals.sample import Count, Sample

from hybrid.cost.price import price
from hybrid.engines.base import Engine, OnText
from hybrid.engines.make import make_engine
from hybrid.index.protocol import Store
from hybrid.routing.policies.forced import Forced
from hybrid.session.hybrid import Hybrid
from hybrid.settings import Settings
from hybrid.types import Answer, Attempt, Candidate, Cost, Usage


class HybridArm:
    """Hybrid with some settings.

    Args:
        shared: embedders and indexes of all arms of a run; None makes its own.
    """

    def __init__(self, name: str, settings: Settings, shared: Shared | None = None) -> None:
        routing = settings.routing
        forced = Forced(routing.route, routing.rung) if routing.route or routing.rung else None
        free = settings.model_copy(update={"routing": routing.model_copy(update={"route": None, "rung": None})})
        free = apart(free, name)
        self.name = name
        self.settings = settings
        self._shared = shared or Shared()
        embedder = self._shared.embedder(settings)
        quoting = make_engine(free.engine, embedder) if free.engine.kind == "extractive" else None
        self._hybrid = Hybrid(free, engine=quoting, long_engine=free.long_engine, policy=forced)
        self._hybrid.embedder = embedder
        self._watched = watched(self._hybrid.policy)
        self._hybrid.policy = self._watched
        self._stores: Kept[Store] = Kept()

    @property
    def concurrency(self) -> int:
        return self._hybrid.engine.concurrency

    @property
    def count(self) -> Count:
        return self._hybrid.engine.count

    def about(self) -> dict[str, Any]:
        return described("hybrid", self.settings, self._engines)

    def answer(self, sample: Sample) -> Reply:
        begun = time.perf_counter()
        store = self.opened(sample)
        opened = time.perf_counter() - begun
        answer = self.ask(sample)
        situation = self._watched.take()
        best = situation.candidates[: self.settings.retrieval.k] if situation else ()
        searched = time.perf_counter()
        understood = answer.standalone is not None
        as_asked = self._hybrid.retrieve(sample.question, store) if understood else best if sample.history else ()
        searched = time.perf_counter() - searched
        return Reply(
            text=unmarked(answer.text),
            abstained=answer.abstained,
            route=answer.decision.route,
            rung=answer.decision.rung,
            usage=answer.usage,
            cost=answer.cost,
            decision={
                "policy": self._watched.name,
                "attempts": [_attempt(attempt) for attempt in answer.attempts],
                "explored": _explored(answer),
                "situation": saved(situation) if situation is not None else None,
            },
            timings={**answer.timings, "index": opened, **({COMPARED: searched} if understood else {})},
            found=_ranges(best),
            marked=answer.text if answer.citations else "",
            citations=answer.citations,
            standalone=answer.standalone or "",
            as_asked=_ranges(as_asked),
        )

    def ask(self, sample: Sample, on_text: OnText | None = None) -> Answer:
        """The answer itself; `on_text` receives its text as it is generated."""
        store = self.opened(sample)
        return self._hybrid.answer(sample.question, store, history=sample.history, on_text=on_text)

    def price(self, usage: Usage) -> Cost:
        engine = self._hybrid.engine
        return price(self.settings.cost, usage, on_gpu=engine.on_gpu, local=getattr(engine, "local", False))

    def close(self) -> None:
        self._stores.clear()
        self._hybrid.close()
        for engine in self._engines:
            free(engine)

    def opened(self, sample: Sample) -> Store:
        """The index of a sample's documents, made if it is not there yet.

        Raises:
            Unsuited: it has none.
        """
        if not sample.documents:
            raise Unsuited("it has no documents to retrieve from")
        return self._stores.get(sample.documents, lambda: self._shared.store(sample.documents, self.settings))

    @property
    def _engines(self) -> list[Engine]:
        return list(dict.fromkeys((self._hybrid.engine, self._hybrid.long_engine)))


def _ranges(found: Sequence[Candidate]) -> tuple[Range, ...]:
    """Where passages stand in the texts of the sample; rows of tables are longer in a document than in its text."""
    return tuple((one.passage.document, one.passage.location.start, one.passage.location.end) for one in found)


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        **attempt.decision.model_dump(mode="json", include={"route", "rung", "chunkwise", "reason"}),
        **attempt.model_dump(mode="json", include={"abstained", "usage", "cost", "left_out"}),
    }


def _explored(answer: Answer) -> dict[str, Any] | None:
    """The other route's answer where it was explored, its text without citation marks."""
    if answer.explored is None:
        return None
    return {**answer.explored.model_dump(mode="json"), "text": unmarked(answer.explored.text)}
