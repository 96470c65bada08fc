"""`Hybrid` keeps models and indexes loaded between questions; `answer(question, corpus)` asks a shared one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, TypedDict, Unpack

from hybrid.corpus.corpus import CorpusLike
from hybrid.cost.estimate import checked_costs
from hybrid.cost.meter import Spent
from hybrid.engines.base import Engine, OnText
from hybrid.engines.effective import Effective
from hybrid.engines.make import make_engine
from hybrid.errors import EngineError, InputError
from hybrid.index.protocol import Progress, Store
from hybrid.index.where import parsed
from hybrid.model.profile import FILE as PROFILE
from hybrid.reading.reranker import Reranker
from hybrid.routing.policies.forced import Forced
from hybrid.routing.policies.make import make_policy
from hybrid.routing.policy import Policy
from hybrid.routing.situation import ROUTES, Situation
from hybrid.session.batch import Begun, answers
from hybrid.session.calls import Calls
from hybrid.session.corpora import Corpora
from hybrid.session.each import tabulated
from hybrid.session.explored import explored
from hybrid.session.followup import depends, turns
from hybrid.session.situate import Counted, Situating
from hybrid.session.stream import as_it_comes
from hybrid.session.warm import Warm
from hybrid.session.way import OnFound, Reply, Way, Widen
from hybrid.settings import Settings, load
from hybrid.types import EACH, Answer, Candidate, Decision, Route, Rung, Sampling, Turn


class Replaced(TypedDict, total=False):
    """Arguments of `Hybrid` that take the place of settings."""

    engine: Any
    long_engine: Any
    policy: Policy | None


class _How(TypedDict, total=False):
    """Arguments of `Way` that a caller gives for one question."""

    on_text: OnText | None
    progress: Progress | None
    widen: Widen | None


class Hybrid(Corpora):
    """Answers questions over corpora, keeping the embedder, the engines and opened indexes.

    Safe to use from several threads.

    Args:
        settings: as loaded by `hybrid.settings.load`; None loads `hybrid.toml` and the environment.
        engine: an engine, or any LlamaIndex LLM, instead of those in the settings.
        long_engine: a second one for whole documents, instead of the one in the settings.
        policy: a policy of your own instead of the one in the settings.

    Raises:
        SettingsError: a setting that does not fit.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        engine: Any = None,
        long_engine: Any = None,
        policy: Policy | None = None,
    ) -> None:
        settings = load() if settings is None else settings
        settings = settings.model_copy(update={"cost": checked_costs(settings.cost)})
        if engine is not None and long_engine is None:  # the engine is meant for whole documents too
            settings = settings.model_copy(update={"long_engine": None})
        super().__init__(settings)
        self.engine: Engine = self._measured(engine or settings.engine)
        other = long_engine or settings.long_engine
        self.long_engine: Engine = self._measured(other) if other else self.engine
        self.policy: Policy = policy or make_policy(settings.routing, lambda: self.engine.name, settings.cost.gpus)
        self.warm = Warm()
        self.calls = Calls(settings.cost, (self.engine, self.long_engine))
        self._counted = Counted()
        self._loaded = False  # whether the embedder is

    def __enter__(self) -> Hybrid:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def answer(
        self,
        question: str,
        corpus: CorpusLike | Store,
        *,
        route: Route | None = None,
        rung: Rung | None = None,
        documents: Sequence[str] | None = None,
        where: str | None = None,
        on_text: OnText | None = None,
        progress: Progress | None = None,
        widen: Widen | None = None,
        history: Sequence[Turn | Mapping[str, str]] = (),
        sampling: Sampling | None = None,
        on_found: OnFound | None = None,
    ) -> Answer:
        """Answer a question from a corpus.

        Args:
            question: in any language the embedder knows.
            corpus: a file, folder or glob, a list of them, `{name: text}`, LlamaIndex documents, or an opened store.
            route: force `rag` or `long`.
            rung: force how much is read.
            documents: names of the only documents to read; None means all.
            where: a filter for the only documents to read, such as `year >= 2024 and kind == 'pdf'`.
            on_text: receives the answer's text as it is generated.
            progress: receives stage, done and total while the corpus is indexed or read chunk-wise.
            widen: changes what is read on the route rag; see `Widen`.
            history: the turns before the question, the oldest first: `Turn`s, or messages with role and content. A
                question that follows them is first put so that it stands alone; `Answer.standalone` tells how.
            sampling: how the answer is generated, where it is not as the settings say.
            on_found: receives the question as it was understood, and the passages found for it, best first.

        Raises:
            UserError: a sentence that says what to mend.
        """
        way = self._way(
            question, corpus, route, rung, documents, where, on_text=on_text, progress=progress, widen=widen
        )
        way.history, way.sampling, way.on_found = turns(history), sampling, on_found
        situation, decision = self._begin(way)
        return explored(way, situation, *way.finish(situation, decision))

    async def answer_async(self, question: str, corpus: CorpusLike | Store, **options: Any) -> Answer:
        """`answer` without blocking the event loop."""
        return await asyncio.to_thread(self.answer, question, corpus, **options)

    def stream(self, question: str, corpus: CorpusLike | Store, **options: Any) -> Iterator[str | Answer]:
        """The answer's text piece by piece as it is generated, and last the whole `Answer`."""
        return as_it_comes(lambda on_text: self.answer(question, corpus, on_text=on_text, **options))

    def answer_many(
        self,
        questions: Sequence[str],
        corpus: CorpusLike | Store,
        *,
        route: Route | None = None,
        rung: Rung | None = None,
        documents: Sequence[str] | None = None,
        where: str | None = None,
        progress: Progress | None = None,
        widen: Widen | None = None,
        failures: dict[int, EngineError] | None = None,
    ) -> list[Answer]:
        """Answers in the order of the questions.

        The policy `calibrated` decides the questions together (`hybrid.routing.batch`). Questions that read the same
        are asked one after the other, so that one prefill of a document serves all of them; as many run at once as the
        engine takes. Exploring comes after all answers, and only where the batch has no budget.

        Args:
            failures: receives the engine's errors by the question's place in the list. The other questions go on, and
                only their answers are returned; after three failures in a row no more is asked. None: the first
                failure is raised.
        """
        if where is not None:
            parsed(where)  # before an index is made in vain
        store = self.open(corpus, progress).pinned()
        chosen = _chosen(store, documents, where)
        ways = [self._way(question, store, route, rung, chosen, widen=widen) for question in questions]
        begun = [Begun(way, *self._begin(way)) for way in ways]
        return answers(begun, self.settings.routing.batch_budget, self.engine.concurrency, failures, progress)

    def decide(
        self,
        question: str,
        corpus: CorpusLike | Store,
        *,
        route: Route | None = None,
        rung: Rung | None = None,
        documents: Sequence[str] | None = None,
        where: str | None = None,
        progress: Progress | None = None,
        history: Sequence[Turn | Mapping[str, str]] = (),
    ) -> Decision:
        """Only the decision; the engine is not asked. A question that follows others is understood by rule."""
        way = self._way(question, corpus, route, rung, documents, where, progress=progress)
        way.history = turns(history)
        if depends(question, way.history):
            way.understand(asks=False)
        return way.decide(way.retrieve())[1]

    def retrieve(
        self,
        question: str,
        corpus: CorpusLike | Store,
        k: int | None = None,
        documents: Sequence[str] | None = None,
        where: str | None = None,
    ) -> list[Candidate]:
        """Only the passages that are found for a question, best first.

        Args:
            k: how many; None: `retrieval.k`.
            documents: names of the only documents to search in; None means all.
            where: a filter for them; see `answer`.
        """
        k = k or self.settings.retrieval.k
        return self._way(question, corpus, documents=documents, where=where).retrieve(k)[:k]

    @property
    def _reranks(self) -> bool:
        """Whether `_rerank` changes anything."""
        return self.settings.retrieval.reranker is not None

    def _rerank(self, question: str, found: list[Candidate], store: Store) -> list[Candidate]:
        """The retrieved passages as the reranker orders them; a subclass may choose and order them anew."""
        return found if self._reranker is None else self._reranker(question, found)

    @cached_property
    def _reranker(self) -> Reranker | None:
        name = self.settings.retrieval.reranker
        return None if name is None else Reranker(name, self.settings.embedder.device)

    def spent(self) -> dict[str, Spent]:
        """Tokens, seconds and joules of all calls until now, by the engine's name; engines of one name count as one."""
        return self.calls.spent()

    @property
    def _situating(self) -> Situating:
        """What puts situations together."""
        return Situating(self.settings, self.engine, self.long_engine, self.warm, self._counted)

    def _way(
        self,
        question: str,
        corpus: CorpusLike | Store,
        route: Route | None = None,
        rung: Rung | None = None,
        documents: Sequence[str] | None = None,
        where: str | None = None,
        **how: Unpack[_How],
    ) -> Way:
        """A question on its way, its corpus opened."""
        if not isinstance(question, str) or not question.strip():
            raise InputError("The question is empty. Ask something, for example: When does the agreement end?")
        if rung is not None and rung not in ROUTES:
            raise InputError(f"There is no rung {rung!r}; choose one of: {', '.join(ROUTES)}.")
        if route not in (None, "rag", "long"):
            raise InputError(f"There is no route {route!r}; choose rag or long.")
        if where is not None:
            parsed(where)  # before an index is made in vain
        routing = self.settings.routing
        route, rung = (route, rung) if route or rung else (routing.route, routing.rung)
        policy: Policy = Forced(route, rung) if route or rung else self.policy
        begun = time.perf_counter()
        store = self.open(corpus, how.get("progress")).pinned()
        chosen = _chosen(store, documents, where)
        opened = time.perf_counter() - begun
        return Way(
            question,
            store,
            policy,
            self.settings,
            self._situating,
            self.calls,
            self._rerank if self._reranks else None,
            chosen,
            timings={"index": opened},
            tabulate=partial(self._tabulated, forced=rung == EACH),
            **how,
        )

    def _tabulated(
        self, way: Way, situation: Situation, decision: Decision, *, forced: bool
    ) -> tuple[Answer, list[Reply]]:
        """The answer on the rung each."""
        return tabulated(way, situation, decision, lambda rules: rules(self, way.store), forced=forced)

    def _begin(self, way: Way) -> tuple[Situation, Decision]:
        """The way up to the decision; the embedder is loaded before, so that searches are timed without that."""
        if not self._loaded and (self.settings.retrieval.mode != "lexical" or self._reranker is not None):
            with way.stage("load"):
                if self.settings.retrieval.mode != "lexical":
                    self.embedder.warm_up()
                if self._reranker is not None:
                    self._reranker.warm_up()
            self._loaded = True
        return way.begin()

    def _measured(self, what: Any) -> Engine:
        """An engine that is given no more than it was measured to read; it is not asked here."""
        engine, profile = make_engine(what, self.embedder), self.settings.routing.profile
        if getattr(engine, "quotes", False) or (profile is None and not Path(PROFILE).is_file()):
            return engine
        limited: Any = Effective(engine, profile)
        return limited  # type: ignore[no-any-return]


def _chosen(store: Store, documents: Sequence[str] | None, where: str | None) -> tuple[str, ...] | None:
    """The only documents to read, by their names and by a filter; None: all. Raises InputError where none passes."""
    if where is None:
        return documents if documents is None or isinstance(documents, tuple) else tuple(documents)
    passing = store.select(where)
    if documents is not None:
        found = set(passing)
        passing = tuple(name for name in documents if name in found)
    if not passing:
        raise InputError(f"No document passes the filter `{where}`.")
    return passing if isinstance(passing, tuple) else tuple(passing)


@lru_cache(maxsize=4)
def _shared(settings: str) -> Hybrid:
    """One `Hybrid` for equal settings, which are compared as JSON because overrides cannot be hashed."""
    return Hybrid(Settings.model_validate_json(settings))


def answer(
    question: str,
    corpus: CorpusLike,
    *,
    settings: Settings | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    **options: Any,
) -> Answer:
    """Answer a question from files, a folder, texts or LlamaIndex documents.

    Models and indexes stay loaded for the next call with the same settings. With no settings, a `hybrid.toml` in the
    current folder and the environment are used, else defaults that need no GPU, key or download.

    Example:
        >>> from hybrid import answer
        >>> a = answer("When does the agreement end?", "contracts/")
        >>> a.text, a.route, a.reason, a.citations, a.usage, a.cost  # doctest: +SKIP

    Args:
        question: in any language the embedder knows.
        corpus: a file, folder or glob, a list of them, `{name: text}`, or LlamaIndex documents.
        settings: as loaded by `hybrid.settings.load`.
        progress: receives stage, done and total.
        options: `route`, `rung`, `where` and `on_text` of `Hybrid.answer`.

    Raises:
        UserError: a sentence that says what to mend.
    """
    return _shared((settings or load()).model_dump_json()).answer(question, corpus, progress=progress, **options)
