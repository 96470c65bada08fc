"""What all parts of the service share: the `Hybrid` that answers, the corpora, the turns, the keys, the counters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from anyio import to_thread
from starlette.requests import Request
from starlette.types import Receive

from hybrid.engines.base import OnText
from hybrid.errors import CalledOff, InputError
from hybrid.index.protocol import Store
from hybrid.index.where import Filter
from hybrid.serve.asking import Turns
from hybrid.serve.citing import Places, file_id, places
from hybrid.serve.filters import within
from hybrid.serve.keys import Key, Keys
from hybrid.serve.log import note
from hybrid.serve.measured import Measured
from hybrid.serve.shelf import Shelf
from hybrid.serve.tracing import Tracing
from hybrid.serve.uploads import Uploads
from hybrid.session.hybrid import Hybrid
from hybrid.session.situate import profile_of
from hybrid.session.way import OnFound
from hybrid.settings import ServeSettings
from hybrid.types import Answer, Decision, Sampling, Turn

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to the service."""

    corpus: str
    question: str
    route: str | None = None
    rung: str | None = None
    documents: Sequence[str] | None = None
    history: tuple[Turn, ...] = ()
    sampling: Sampling | None = None
    filters: tuple[str | Filter, ...] = ()  # for the only documents to read, as written or taken apart


class Service:
    """The service itself, without its addresses.

    Args:
        hybrid: answers.
        settings: the section `serve`.
    """

    def __init__(self, hybrid: Hybrid, settings: ServeSettings) -> None:
        self.hybrid, self.settings = hybrid, settings
        self.shelf = Shelf(hybrid, settings.corpora)
        self.uploads = Uploads(settings)
        self.turns = Turns(settings.at_once, settings.waiting, settings.seconds)
        self.keys = Keys(settings, self.uploads.folder)
        self.measured, self.tracing = Measured(), Tracing()
        for store in self.uploads.stores():
            if store.files:
                self.shelf.put(store.id, (str(self.uploads.documents_of(store.id)),))

    # -- asking --------------------------------------------------------------------------------------------------

    async def answer(
        self, asked: Asked, key: Key, receive: Receive | None = None, on_found: OnFound | None = None
    ) -> Answer:
        """The answer to a question, charged to a key; called off where `receive` tells that the caller has gone."""
        work = asyncio.create_task(self._last(asked, key, on_found))
        gone = asyncio.create_task(_disconnected(receive)) if receive is not None else None
        try:
            await asyncio.wait({work, gone} if gone else {work}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise CalledOff("The caller has gone.")
            return work.result()
        finally:
            for task in (work, gone):
                if task is not None:
                    task.cancel()

    async def _last(self, asked: Asked, key: Key, on_found: OnFound | None) -> Answer:
        async with aclosing(self.stream(asked, key, on_found)) as items:
            async for item in items:
                if isinstance(item, Answer):
                    return item
        raise AssertionError("a stream ends with its answer")

    async def stream(self, asked: Asked, key: Key, on_found: OnFound | None = None) -> AsyncGenerator[str | Answer]:
        """The text of an answer as it is written, and last the answer. Leaving the loop early calls the engine off.

        Args:
            on_found: receives, in another thread and before all text, what was searched for and found.
        """
        self.check(asked)
        begun, ended = time.perf_counter(), False
        with key.turn():
            try:
                async for item in self.turns.stream(lambda on_text: self._answer(asked, on_text, on_found)):
                    if isinstance(item, Answer):
                        ended = True
                        key.charge(item.cost.dollars)
                        self.measured.answered(asked.corpus, item, time.perf_counter() - begun)
                        self.tracing.answered(asked.corpus, item, time.perf_counter() - begun)
                        note(asked.corpus, item)
                    yield item
            except BaseException as error:
                if not ended:  # who has the answer may well leave
                    self.measured.failed(error)
                    note(asked.corpus, error)
                raise

    async def decide(self, asked: Asked, key: Key) -> Decision:
        """Only the decision: no engine is asked."""
        self.check(asked)
        begun = time.perf_counter()
        with key.turn():
            decision = await self.turns.run(lambda _: self._decision(asked))
        self.measured.decided(decision, time.perf_counter() - begun)
        return decision

    async def during(self, asked: Asked, key: Key, work: Callable[[], T]) -> T:
        """What some work returns that is no answer, in a turn of its own."""
        self.check(asked)
        with key.turn():
            return await self.turns.run(lambda _: work())

    async def narrowed(self, asked: Asked, key: Key) -> Asked:
        """The question with its documents in the place of its filters, so that a wrong one is told before a stream."""
        if not asked.filters:
            return asked

        def chosen() -> Sequence[str] | None:
            with self.shelf.reading(asked.corpus) as store:
                return self.documents(asked, store)

        return replace(asked, documents=await self.during(asked, key, chosen), filters=())

    def documents(self, asked: Asked, store: Store) -> Sequence[str] | None:
        """The only documents that a question is about; None: all.

        Raises:
            InputError: one of its filters is none, or asks for a field that no document has.
            Refused: no document passes.
        """
        return within(store, asked.documents, asked.filters, self.uploads.attributes(asked.corpus))

    def check(self, asked: Asked) -> None:
        """Raise InputError where a question is too long or its corpus unknown."""
        self.shelf[asked.corpus]
        most = self.settings.question_characters
        length = len(asked.question)
        if length > most:
            raise InputError(
                f"The question has {length:,} characters; {most:,} are read at most. Put long texts into a corpus, and "
                "ask about them."
            )

    def _answer(self, asked: Asked, on_text: OnText, on_found: OnFound | None) -> Answer:
        quotes = getattr(self.hybrid.engine, "quotes", False)  # its text comes at once, and with its numbers in place
        with self.shelf.reading(asked.corpus) as store:
            return self.hybrid.answer(
                asked.question,
                store,
                route=asked.route,  # type: ignore[arg-type]
                rung=asked.rung,  # type: ignore[arg-type]
                documents=self.documents(asked, store),
                on_text=None if quotes else on_text,
                history=asked.history,
                sampling=asked.sampling,
                on_found=on_found,
            )

    def _decision(self, asked: Asked) -> Decision:
        with self.shelf.reading(asked.corpus) as store:
            return self.hybrid.decide(
                asked.question,
                store,
                route=asked.route,  # type: ignore[arg-type]
                rung=asked.rung,  # type: ignore[arg-type]
                documents=self.documents(asked, store),
                history=asked.history,
            )

    # -- what is told of an answer -------------------------------------------------------------------------------

    async def places(self, corpus: str, answer: Answer) -> Places:
        """Where the citations of an answer stand; looked for in a thread, as documents can be long."""

        def looked_up() -> Places:
            with self.shelf.reading(corpus) as store:
                return places(corpus, answer, store)

        return await to_thread.run_sync(looked_up)

    def title(self, corpus: str) -> str:
        """What people call a corpus: a vector store by its name, where it has one."""
        return (self.uploads.store(corpus).name if self.uploads.has(corpus) else "") or corpus

    def file_id(self, corpus: str, document: str) -> str:
        """The id of a document: that of the upload where it is one."""
        return self.uploads.file_of(corpus, document) or file_id(corpus, document)

    def base(self, request: Request) -> str:
        """What links begin with."""
        return (self.settings.url or str(request.base_url)).rstrip("/")

    def told(self, corpus: str, answer: Answer, places: Places, base: str) -> dict[str, Any]:
        """An answer's way, costs and citations, as the last piece of every reply carries them."""
        decision = answer.decision
        return {
            "text": answer.text,
            "corpus": corpus,
            "route": answer.route,
            "rung": decision.rung,
            "policy": decision.policy,
            "reason": answer.reason,
            "standalone": answer.standalone,
            "abstained": answer.abstained,
            "calls": answer.usage.calls,
            "cost": answer.cost.model_dump(mode="json"),
            "preparation": answer.preparation.model_dump(mode="json") if answer.preparation else None,
            "usage": answer.usage.model_dump(mode="json"),
            "predictions": [prediction.model_dump(mode="json") for prediction in decision.predictions],
            "attempts": [
                {
                    "route": attempt.decision.route,
                    "rung": attempt.decision.rung,
                    "engine": attempt.engine,
                    "abstained": attempt.abstained,
                    "cost": attempt.cost.model_dump(mode="json"),
                }
                for attempt in answer.attempts
            ],
            "citations": [place.record(base) for place in places.cited],
            "dead_zone": self._dead_zone(answer),
            "read": [stretch.model_dump(mode="json") for stretch in answer.read],
            "table": None if answer.table is None else places.table(answer.table, base),
            "notes": list(answer.notes),
            "timings": answer.timings,
        }

    def _dead_zone(self, answer: Answer) -> list[tuple[float, float]] | None:
        """The measured dead zone of the engine that answered; None where nothing was measured."""
        hybrid = self.hybrid
        profile = profile_of(hybrid.long_engine if answer.route == "long" else hybrid.engine)
        return None if profile is None else list(profile.dead_zone)

    def close(self) -> None:
        """Write what is still to be written, and release indexes."""
        self.keys.save()
        self.hybrid.close()


async def _disconnected(receive: Receive) -> None:
    """Return once the caller has gone; its body has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
