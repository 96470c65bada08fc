"""The way of a question: retrieve, situate, decide, assemble, ask, check, cite.

`answer(question, corpus)` does it once; `Hybrid` keeps models and indexes loaded between questions.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import abstains
from hybrid.chat.thinking import Spoken, breaks_off, opens_unseen, spoken
from hybrid.corpus.corpus import Corpus, CorpusLike, not_read
from hybrid.corpus.readers.read import READING
from hybrid.cost.energy import Energy
from hybrid.cost.estimate import checked_costs
from hybrid.cost.meter import Meter, Power, Spent
from hybrid.cost.price import preparation, price, total
from hybrid.engines.base import Completion, Engine, OnText
from hybrid.engines.effective import Effective
from hybrid.engines.faults import nothing_said
from hybrid.engines.make import make_engine
from hybrid.errors import EngineError, HybridError, IndexDamaged, InputError, WindowError
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.fusion import retrieve
from hybrid.index.store import Changes, Progress, Store
from hybrid.model.profile import FILE as PROFILE
from hybrid.reading.assemble import passage_piece, pieces, ranked_documents
from hybrid.reading.chunkwise import Chunkwise
from hybrid.reading.cite import cite
from hybrid.reading.ordering import order
from hybrid.reading.window import fit, sizes
from hybrid.routing.batch import plan
from hybrid.routing.explore import drawn, other
from hybrid.routing.policies.calibrated import Calibrated, dollars
from hybrid.routing.policies.forced import Forced
from hybrid.routing.policies.make import make_policy
from hybrid.routing.policy import Doubting, Policy
from hybrid.routing.situation import Situation
from hybrid.session.situate import EVIDENCE, EVIDENCE_FROM, Counted, Situating
from hybrid.session.warm import Warm
from hybrid.settings import EngineSettings, Settings
from hybrid.text.amendments import amended
from hybrid.text.words import VERSION as WORDS
from hybrid.types import (
    RUNGS,
    Answer,
    Attempt,
    Candidate,
    Cost,
    Decision,
    Explored,
    Piece,
    Route,
    Rung,
    Usage,
)

SILENT = "The documents do not say."
_AMENDMENTS_AMONG = 20  # documents at most that are compared with each other
_WIDE = 20  # passages by which documents are ranked for the long route
_CLEAR = 120  # characters after which a streamed reply is no abstention
_OPEN = 16  # indexes kept open
_REMARKED = 8  # documents whose remarks an answer tells
_FAILED = 3  # calls in a row, after which a batch takes the engine for gone
_NOT_ASKED = f"Not asked: the engine had failed {_FAILED} times in a row."

# Given a question, the index and what was chosen on the route rag, best first: what is read instead, best first.
# A pipeline puts whole clauses or functions in the place of passages and adds what has to be read with them.
Widen = Callable[[str, Store, Sequence[Piece]], Sequence[Piece]]


@dataclass(slots=True)
class _Run:
    """One question on its way."""

    question: str
    store: Store
    policy: Policy
    documents: tuple[str, ...] | None  # the only ones that may be read; None: all
    on_text: OnText | None
    progress: Progress | None
    widen: Widen | None = None
    timings: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)  # of every call that has ended, failed ones too

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - begun


@dataclass(frozen=True, slots=True)
class _Reading:
    """What an engine read and what it replied."""

    completion: Completion
    pieces: tuple[Piece, ...]
    left_out: int


class Hybrid:
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
        if settings is None:
            from hybrid.settings import load

            settings = load()
        settings = settings.model_copy(update={"cost": checked_costs(settings.cost)})
        if engine is not None and long_engine is None:  # it is named for whole documents too
            settings = settings.model_copy(update={"long_engine": None})
        self.settings = settings
        self.embedder = Embedder(settings.embedder)
        self.chunker = Chunker(self.embedder, settings.passages)
        self.engine: Engine = self._measured_engine(engine or settings.engine)
        other = long_engine or settings.long_engine
        self.long_engine: Engine = self._measured_engine(other) if other else self.engine
        self.policy: Policy = policy or make_policy(settings.routing, lambda: self.engine.name, settings.cost.gpus)
        self._stores: dict[str, Store] = {}
        self._given: dict[str, object] = {}  # texts by the key of their index: kept, so that no other gets their id
        self._counted = Counted()
        self._lock = threading.RLock()
        self.warm = Warm()
        self._loaded = False  # the embedder
        self._thinking: set[str] = set()  # engines that think without an opening tag
        self._meters: dict[str, Meter] = {}
        self._power, self._unmeasured = self._find_power()

    # -- corpora -------------------------------------------------------------------------------------------------

    def open(self, corpus: CorpusLike | Store, progress: Progress | None = None) -> Store:
        """The index of a corpus, made or brought up to date; give it instead of the corpus to skip looking for changes.

        Raises:
            CorpusError: nothing readable is there.
            IndexStoreError: the index cannot be used or written.
        """
        return corpus if isinstance(corpus, Store) else self.index(corpus, progress)[0]

    def index(
        self, corpus: CorpusLike, progress: Progress | None = None, *, rebuild: bool = False
    ) -> tuple[Store, Changes | None]:
        """Bring the index of a corpus up to date; the changes are None where there were none to look into."""
        found = Corpus.of(corpus, self.settings.corpus)
        with self._lock:
            key = found.key or f"texts {id(corpus)}"
            path = self.index_path(found)
            if rebuild and path is not None:
                self._discard(key, path)
            try:
                return self._updated(key, path, corpus, found, progress)
            except IndexDamaged:
                if path is None or self.settings.index.dir is not None:  # a folder somebody chose is theirs
                    raise
                self._discard(key, path)
            store, changes = self._updated(key, path, corpus, found, progress)
            store.mended = "The index was damaged and was made anew."
            return store, changes

    def _updated(
        self, key: str, path: Path | None, corpus: CorpusLike, found: Corpus, progress: Progress | None
    ) -> tuple[Store, Changes | None]:
        """The index of a corpus, opened once, and what was changed in it."""
        with self._lock:
            if key not in self._stores:
                if len(self._stores) >= _OPEN:
                    oldest = next(iter(self._stores))
                    self._given.pop(oldest, None)
                    self._stores.pop(oldest)
                opened = Store(path, self.embedder, self.chunker)
                self._stores[key] = opened
                opened.inspect()
                self._given[key] = corpus
            store = self._stores[key]
            store.passed_over = found.problems
            if store.fresh(found) and store.searchable():
                return store, None
            return store, store.update(found, progress)

    def index_path(self, corpus: Corpus) -> Path | None:
        """The folder of a corpus's index; None for texts given directly, which are indexed in memory."""
        if self.settings.index.dir is not None:
            return Path(self.settings.index.dir)
        if not corpus.key:
            return None
        from platformdirs import user_cache_path

        made_by = f"{corpus.key} {self.embedder.fingerprint} {self.settings.passages.tokens} {READING}.{WORDS}"
        return user_cache_path("hybrid-context") / blake2b(made_by.encode(), digest_size=10).hexdigest()

    def _discard(self, key: str, path: Path) -> None:
        """Forget an index and delete its files, and nothing else in its folder."""
        if key in self._stores:
            self._stores.pop(key).close()
        Store.delete(path)

    def close(self) -> None:
        """Release opened indexes."""
        with self._lock:
            for store in self._stores.values():
                store.close()
            self._stores.clear()
            self._given.clear()

    def __enter__(self) -> Hybrid:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- questions -----------------------------------------------------------------------------------------------

    def answer(
        self,
        question: str,
        corpus: CorpusLike | Store,
        *,
        route: Route | None = None,
        rung: Rung | None = None,
        documents: Sequence[str] | None = None,
        on_text: OnText | None = None,
        progress: Progress | None = None,
        widen: Widen | None = None,
    ) -> Answer:
        """Answer a question from a corpus.

        Args:
            question: in any language the embedder knows.
            corpus: a file, folder or glob, a list of them, `{name: text}`, LlamaIndex documents, or an opened index.
            route: force `rag` or `long`.
            rung: force how much is read.
            documents: names of the only documents to read; None means all.
            on_text: receives the answer's text as it is generated.
            progress: receives stage, done and total while the corpus is indexed or read chunk-wise.
            widen: changes what is read on the route rag; see `Widen`.

        Raises:
            UserError: a sentence that says what to mend.
        """
        run = self._run(question, corpus, route, rung, documents, on_text, progress, widen)
        self._load(run)
        with run.stage("retrieve"):
            candidates = self._candidates(run)
        with run.stage("decide"):
            situation = self._situation(run, candidates)
            decision = run.policy.decide(situation)
        return self._explored(run, situation, *self._carry_out(run, situation, decision))

    async def answer_async(self, question: str, corpus: CorpusLike | Store, **options: Any) -> Answer:
        """`answer` without blocking the event loop."""
        return await asyncio.to_thread(self.answer, question, corpus, **options)

    def stream(self, question: str, corpus: CorpusLike | Store, **options: Any) -> Iterator[str | Answer]:
        """The answer's text piece by piece as it is generated, and last the whole `Answer`."""
        pieces_: queue.SimpleQueue[str | Answer | BaseException] = queue.SimpleQueue()

        def work() -> None:
            try:
                pieces_.put(self.answer(question, corpus, on_text=pieces_.put, **options))
            except BaseException as error:  # noqa: BLE001  (raised again in the caller's thread)
                pieces_.put(error)

        threading.Thread(target=work, daemon=True).start()
        while True:
            item = pieces_.get()
            if isinstance(item, BaseException):
                raise item
            yield item
            if isinstance(item, Answer):
                return

    def answer_many(
        self,
        questions: Sequence[str],
        corpus: CorpusLike | Store,
        *,
        route: Route | None = None,
        rung: Rung | None = None,
        documents: Sequence[str] | None = None,
        progress: Progress | None = None,
        widen: Widen | None = None,
        failures: dict[int, EngineError] | None = None,
    ) -> list[Answer]:
        """Answers in the order of the questions.

        Questions are decided together where the policy is `calibrated` (`hybrid.routing.batch`), and asked grouped by
        what they read, so that one prefill of a document serves all of its questions; as many at once as the engine
        takes. What is explored comes after all answers, and not where there is a budget for the batch.

        Args:
            failures: receives what an engine failed at, by the question's place in the list; the other questions go on,
                and the answers are of these only. After three failures in a row no more is asked. None: the first
                failure is raised.
        """
        store = self.open(corpus, progress)
        ways: list[tuple[_Run, Situation, Decision]] = []
        for question in questions:
            run = self._run(question, store, route, rung, documents, None, None, widen)
            self._load(run)
            with run.stage("retrieve"):
                candidates = self._candidates(run)
            with run.stage("decide"):
                situation = self._situation(run, candidates)
                ways.append((run, situation, run.policy.decide(situation)))
        ways, first = self._together(ways)
        grouped = sorted(range(len(ways)), key=lambda i: (*_turn(ways[i][1], ways[i][2]), i not in first, i))
        answers: dict[int, tuple[Answer, list[_Reading]]] = {}
        in_a_row = 0
        workers = max(1, min(self.engine.concurrency, len(ways)))
        with ThreadPoolExecutor(workers) as pool:
            futures = [(i, pool.submit(self._carry_out, *ways[i])) for i in grouped]
            try:
                for done, (i, future) in enumerate(futures, 1):
                    try:
                        answers[i], in_a_row = future.result(), 0
                    except (EngineError, CancelledError) as error:
                        if failures is None:
                            raise
                        in_a_row += not isinstance(error, WindowError)  # that is the question's own
                        failures[i] = error if isinstance(error, EngineError) else EngineError(_NOT_ASKED)
                        if in_a_row >= _FAILED:
                            for _, later in futures[done:]:
                                later.cancel()
                    if progress is not None:
                        progress("answering", done, len(ways))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        if self.settings.routing.batch_budget is not None:
            return [answers[i][0] for i in sorted(answers)]
        return [self._explored(*ways[i][:2], *answers[i]) for i in sorted(answers)]

    def _together(
        self, ways: list[tuple[_Run, Situation, Decision]]
    ) -> tuple[list[tuple[_Run, Situation, Decision]], set[int]]:
        """The ways of a batch as they are best together, and which of them are to be asked before their like.

        Only the policy `calibrated` weighs questions against each other.
        """
        budget, policy = self.settings.routing.batch_budget, ways[0][0].policy if ways else None
        if not isinstance(policy, Calibrated) or (len(ways) == 1 and budget is None):
            return ways, set()
        planned = plan(policy, [situation for _, situation, _ in ways], budget)
        changed = [
            (replace(run, policy=one.policy), one.situation, one.decision)
            for (run, _, _), one in zip(ways, planned, strict=True)
        ]
        return changed, {i for i, one in enumerate(planned) if one.first}

    def decide(
        self,
        question: str,
        corpus: CorpusLike | Store,
        *,
        route: Route | None = None,
        rung: Rung | None = None,
        documents: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> Decision:
        """Only the decision: nothing is asked of the engine."""
        run = self._run(question, corpus, route, rung, documents, None, progress)
        return run.policy.decide(self._situation(run, self._candidates(run)))

    def retrieve(
        self,
        question: str,
        corpus: CorpusLike | Store,
        k: int | None = None,
        documents: Sequence[str] | None = None,
    ) -> list[Candidate]:
        """Only the passages found for a question, best first.

        Args:
            k: how many; None: `retrieval.k`.
            documents: names of the only documents to search in; None means all.
        """
        k = k or self.settings.retrieval.k
        return self._found(self._run(question, corpus, None, None, documents, None, None), max(k, _WIDE))[:k]

    def spent(self) -> dict[str, Spent]:
        """What all calls until now took, by the engine's name; engines of one name count as one."""
        return {name: meter.spent() for name, meter in list(self._meters.items())}

    # -- the way -------------------------------------------------------------------------------------------------

    def _run(
        self,
        question: str,
        corpus: CorpusLike | Store,
        route: Route | None,
        rung: Rung | None,
        documents: Sequence[str] | None,
        on_text: OnText | None,
        progress: Progress | None,
        widen: Widen | None = None,
    ) -> _Run:
        if not isinstance(question, str) or not question.strip():
            raise InputError("The question is empty. Ask something, for example: When does the agreement end?")
        if rung is not None and rung not in RUNGS:
            raise InputError(f"There is no rung {rung!r}; choose one of: {', '.join(RUNGS)}.")
        if route not in (None, "rag", "long"):
            raise InputError(f"There is no route {route!r}; choose rag or long.")
        routing = self.settings.routing
        route, rung = (route, rung) if route or rung else (routing.route, routing.rung)
        policy: Policy = Forced(route, rung) if route or rung else self.policy
        begun = time.perf_counter()
        store = self.open(corpus, progress)
        only = None if documents is None else tuple(documents)
        run = _Run(question, store, policy, only, on_text, progress, widen)
        run.timings["index"] = time.perf_counter() - begun
        return run

    def _load(self, run: _Run) -> None:
        """Load the embedder before the first search, so that what a search takes is known apart."""
        if not self._loaded and self.settings.retrieval.mode != "lexical":
            with run.stage("load"):
                self.embedder.warm_up()
            self._loaded = True

    def _candidates(self, run: _Run) -> list[Candidate]:
        return self._found(run, max(self.settings.retrieval.k, _WIDE))

    def _found(self, run: _Run, k: int) -> list[Candidate]:
        """The `k` best passages: by the index's own search where it has one, as of a server, else by ours."""
        search = getattr(run.store, "search", None)
        if search is None:
            best = retrieve(run.store, run.question, k, self.settings.retrieval.mode, run.documents)
            fault = run.store.gpu_fault and f"The CPU searched the passages, as the GPU failed: {run.store.gpu_fault}."
            run.notes += [fault] if fault and fault not in run.notes else []
            return best
        run.notes += getattr(run.store, "notes", ())
        found: list[Candidate] = search(run.question, k, run.documents)
        return found

    @property
    def _situating(self) -> Situating:
        return Situating(self.settings, self.engine, self.long_engine, self.warm, self._counted)

    def _situation(self, run: _Run, candidates: list[Candidate]) -> Situation:
        return self._situating.situation(run.question, run.store, run.documents, candidates)

    def _carry_out(self, run: _Run, situation: Situation, decision: Decision) -> tuple[Answer, list[_Reading]]:
        try:
            return self._attempt(run, situation, decision)
        except HybridError as error:  # whoever goes on with the next question can charge this one
            error.usage = sum(run.usages, Usage()) if run.usages else None
            raise

    def _attempt(self, run: _Run, situation: Situation, decision: Decision) -> tuple[Answer, list[_Reading]]:
        attempts: list[Attempt] = []
        readings: list[_Reading] = []
        while True:
            engine, settings = self._situating.engine_for(decision.rung)
            doubt = run.policy.reconsider(situation, decision) if isinstance(run.policy, Doubting) else None
            shown = run if doubt is None else replace(run, on_text=None)  # what would be discarded is not streamed
            reading = self._read(shown, situation, decision, engine, settings)
            readings.append(reading)
            completion = reading.completion
            attempts.append(
                Attempt(
                    decision=decision,
                    engine=engine.name,
                    abstained=completion.abstained,
                    usage=completion.usage,
                    cost=self._price(completion.usage, engine),
                    left_out=reading.left_out,
                )
            )
            again = run.policy.review(situation, decision) if completion.abstained else doubt
            if again is None:
                break
            decision = again
        return self._finish(run, reading, attempts), readings

    def _explored(self, run: _Run, situation: Situation, answer: Answer, readings: list[_Reading]) -> Answer:
        """The answer with what the other route makes of its question, if the question is drawn for it.

        Nothing is explored where the user asked for a route, nor beyond the budget of a question.
        """
        routing = self.settings.routing
        if run.policy.name == "forced" or not drawn(run.question, routing.explore, routing.explore_seed):
            return answer
        ranked = ranked_documents(situation.candidates)
        about = {"document": ranked[0][0] if ranked else ""}
        decision = other(situation, answer.attempts)
        if decision is None:  # both routes were taken
            at = next(i for i, one in enumerate(answer.attempts) if one.decision.route != answer.route)
            done, way = answer.attempts[at], answer.attempts[at].decision
            known = self._replied(run, readings[at])
            told = {"engine": done.engine, "usage": done.usage, "cost": done.cost, "extra": False}
            found = Explored(route=way.route, rung=way.rung, **known, **told, **about)
            return answer.model_copy(update={"explored": found})
        taken = [situation.predictions[rung] for rung in (*(a.decision.rung for a in answer.attempts), decision.rung)]
        if routing.budget is not None and sum(map(dollars, taken)) > routing.budget:
            return answer
        engine, settings = self._situating.engine_for(decision.rung)
        apart = replace(run, on_text=None, timings={}, notes=[], usages=[])
        reply: dict[str, Any] = {"text": "", "abstained": False}
        with run.stage("explore"):
            try:
                reply = self._replied(run, self._read(apart, situation, decision, engine, settings))
            except HybridError as error:  # the answer is there, and stays
                reply["failed"] = str(error)
        usage = sum(apart.usages, Usage())
        cost = self._price(usage, engine) if apart.usages else Cost(basis="measured")
        told = {"engine": engine.name, "usage": usage, "cost": cost, "extra": True}
        found = Explored(route=decision.route, rung=decision.rung, **reply, **told, **about)
        charged = {"usage": answer.usage + usage, "cost": total([answer.cost, cost]) if apart.usages else answer.cost}
        timings = {name: round(seconds, 6) for name, seconds in run.timings.items()}
        return answer.model_copy(update={"explored": found, **charged, "timings": timings})

    def _replied(self, run: _Run, reading: _Reading) -> dict[str, Any]:
        """A reply as an answer would give it."""
        silent = reading.completion.abstained
        text, _ = cite(reading.completion, reading.pieces, run.store)
        return {"text": SILENT if silent else text, "abstained": silent}

    def _finish(self, run: _Run, reading: _Reading, attempts: list[Attempt]) -> Answer:
        completion, decision = reading.completion, attempts[-1].decision
        with run.stage("cite"):
            text, citations = cite(completion, reading.pieces, run.store)
        run.notes += _remarks(run.store, [c.document for c in citations] or [p.document for p in reading.pieces])
        run.notes += filter(None, [run.store.mended, not_read(run.store.unread())])
        if reading.left_out:
            run.notes.append(
                f"{reading.left_out} of the pieces that were found did not fit the window and were not read."
            )
        if completion.truncated:
            run.notes.append("The answer was cut off; raise engine.max_tokens.")
        for engine in dict.fromkeys((self.engine, self.long_engine)):
            run.notes += list(getattr(engine, "notes", ()))
        run.notes += [self._unmeasured] if self._unmeasured else []
        usage = sum((attempt.usage for attempt in attempts), Usage())
        return Answer(
            question=run.question,
            text=SILENT if completion.abstained else text,
            abstained=completion.abstained,
            route=decision.route,
            reason=decision.reason,
            citations=citations,
            decision=decision,
            usage=usage,
            cost=total([attempt.cost for attempt in attempts]),
            preparation=preparation(
                self.settings.cost, run.timings.get("retrieve", 0.0), getattr(run.store, "cpu_seconds", 0.0)
            ),
            attempts=tuple(attempts),
            notes=tuple(dict.fromkeys(run.notes)),
            timings={name: round(seconds, 6) for name, seconds in run.timings.items()},
        )

    def _read(
        self, run: _Run, situation: Situation, decision: Decision, engine: Engine, settings: EngineSettings
    ) -> _Reading:
        with run.stage("assemble"):
            ranked = pieces(run.store, decision.rung, situation.candidates, run.documents)
            if decision.rung == "documents" and decision.chunkwise:
                ranked = ranked[:1]
            if decision.route == "rag" and run.widen is not None:
                ranked = list(run.widen(run.question, run.store, ranked))
        if not ranked:
            return _Reading(Completion(SILENT, Usage(), abstained=True), (), 0)
        if decision.chunkwise:
            return self._read_in_parts(run, engine, settings, ranked)
        with run.stage("assemble"):
            fitted = fit(engine, run.question, ranked, settings.max_tokens)
            if not fitted.kept:
                raise WindowError(
                    f"Nothing that was found fits the {engine.window} tokens of {engine.name}: the shortest piece is "
                    "longer. Lower engine.max_tokens or passages.tokens, or use an engine with a larger window."
                )
            if decision.rung in ("documents", "corpus"):
                kept = sorted(fitted.kept, key=lambda piece: piece.document)  # always the same: the prefix is cached
                evidence = self._evidence(situation, kept, engine, settings, fitted.tokens)
            else:
                ordering, curve, _ = self._situating.ordering(engine, len(situation.candidates))
                kept = order(fitted.kept, ordering, curve)
                evidence = ()
            prompt = Prompt(run.question, tuple(kept), evidence=evidence)
        with run.stage("ask"):
            by = self._amendments(run, prompt)
            held = replace(run, on_text=None) if by and getattr(engine, "quotes", False) else run
            completion = self._ask(held, engine, prompt, settings.max_tokens)
            completion = self._amended(held, engine, prompt, completion, by, settings.max_tokens)
            if held is not run and run.on_text is not None:
                run.on_text(cite(completion, kept, run.store)[0])
        if decision.rung in ("documents", "corpus"):
            length = max(1, sum(len(piece.text) for piece in kept))
            read = [(piece.document, fitted.tokens * len(piece.text) // length) for piece in kept]
            self.warm.note(engine.name, read, completion.usage.cached_tokens)
        return _Reading(completion, tuple(kept), len(fitted.left_out))

    def _evidence(
        self, situation: Situation, kept: Sequence[Piece], engine: Engine, settings: EngineSettings, tokens: int
    ) -> tuple[Piece, ...]:
        """The best passages once more, to stand next to the question, where the documents are long and room is left."""
        if tokens < EVIDENCE_FROM:
            return ()
        read = {piece.document for piece in kept}
        best = [passage_piece(c.passage, c.score) for c in situation.candidates if c.passage.document in read]
        free = engine.window - settings.max_tokens - tokens
        chosen: list[Piece] = []
        for piece, size in zip(best[:EVIDENCE], sizes(engine, best[:EVIDENCE]), strict=True):
            if size + 16 <= free:
                chosen.append(piece)
                free -= size
        return tuple(chosen)

    def _ask(self, run: _Run, engine: Engine, prompt: Prompt, max_tokens: int) -> Completion:
        if run.on_text is None or not run.policy.escalates:
            return self._call(run, engine, prompt, max_tokens, run.on_text)
        held = _Held(run.on_text)
        completion = self._call(run, engine, prompt, max_tokens, held)
        if not completion.abstained:
            held.release()
        return completion

    def _amendments(self, run: _Run, prompt: Prompt) -> dict[str, tuple[str, ...]]:
        """Which of the documents that are read amend which, the latest first."""
        names = sorted({piece.document for piece in prompt.pieces})
        if not 1 < len(names) <= _AMENDMENTS_AMONG:
            return {}
        return amended({name: run.store.document(name).text for name in names})

    def _amended(
        self,
        run: _Run,
        engine: Engine,
        prompt: Prompt,
        completion: Completion,
        by: Mapping[str, tuple[str, ...]],
        max_tokens: int,
    ) -> Completion:
        """The quotations with that of an amendment before those of the agreement it amends; a note says so."""
        if completion.abstained:
            return completion
        names = sorted({piece.document for piece in prompt.pieces})
        cited = [prompt.pieces[quote.piece].document for quote in completion.quotes] or names
        for base, amendments in by.items():
            said = [name for name in amendments if name in cited]
            if base not in cited and not said:
                continue
            if completion.quotes and not said:
                completion = self._by_amendment(run, engine, prompt, completion, amendments, max_tokens)
                said = [a for a in amendments if a == prompt.pieces[completion.quotes[0].piece].document]
            if said:
                run.notes.append(f"{said[0]} amends {base}: what it says comes first.")
                first = sorted(completion.quotes, key=lambda q: prompt.pieces[q.piece].document not in said)
                completion = replace(completion, quotes=tuple(first))
        return completion

    def _by_amendment(
        self, run: _Run, engine: Engine, prompt: Prompt, completion: Completion, names: Sequence[str], max_tokens: int
    ) -> Completion:
        """The quotations after one of the latest amendment that answers the question, where one does."""
        for name in names:
            places = [i for i, piece in enumerate(prompt.pieces) if piece.document == name]
            if not places:
                continue
            apart = Prompt(prompt.question, tuple(prompt.pieces[i] for i in places))
            again = self._call(run, engine, apart, max_tokens)
            completion = replace(completion, usage=completion.usage + again.usage)
            if not again.abstained:
                first = replace(again.quotes[0], piece=places[again.quotes[0].piece])
                return replace(completion, quotes=(first, *completion.quotes[:1]))
        return completion

    def _call(
        self, run: _Run, engine: Engine, prompt: Prompt, max_tokens: int, on_text: OnText | None = None
    ) -> Completion:
        """The one way to an engine: measured, also where it fails."""
        spoken_text = None if on_text is None else Spoken(on_text, thinks=engine.name in self._thinking)
        power = self._power if getattr(engine, "local", False) else None
        meter = self._meters.setdefault(engine.name, Meter(power))
        try:
            with meter.call(says_when=getattr(engine, "says_when", False)) as call:
                completion = engine.ask(prompt, max_tokens=max_tokens, on_text=spoken_text)
                call.told_seconds = completion.usage.told_seconds
        except HybridError as error:
            run.usages.append(error.usage)
            raise
        usage = completion.usage
        shares: dict[str, float | None] = {
            "shared_seconds": call.shared_seconds,
            # an engine's own figure counts the work of other calls in this process too
            "cpu_seconds": None if usage.cpu_seconds is None else call.cpu_seconds,
            "joules": usage.joules if call.joules is None else call.joules,
        }
        usage = usage.model_copy(update=shares)
        run.usages.append(usage)
        completion = self._without_thoughts(replace(completion, usage=usage), engine, max_tokens)
        if spoken_text is not None:
            spoken_text.finish(completion.text)
        return completion

    def _without_thoughts(self, completion: Completion, engine: Engine, max_tokens: int) -> Completion:
        """What a model said after thinking aloud; a refusal or an answer is looked for there alone."""
        if completion.quotes:
            return completion
        said, text = spoken(completion.text), completion.text
        if opens_unseen(text):
            self._thinking.add(engine.name)  # from now on nothing of it is streamed before its thoughts end
        if completion.truncated and (not said or breaks_off(text, thinks=engine.name in self._thinking)):
            raise EngineError(
                f"{engine.name} used all {max_tokens} tokens for thinking, without an answer; raise engine.max_tokens "
                "or serve it with thinking turned off."
            )
        if said == text:
            return completion
        if not said:
            raise nothing_said(engine.name, completion.finish, thought=True)
        return replace(completion, text=said, abstained=abstains(said))

    def _price(self, usage: Usage, engine: Engine) -> Cost:
        return price(self.settings.cost, usage, on_gpu=engine.on_gpu, local=getattr(engine, "local", False))

    def _measured_engine(self, what: Any) -> Engine:
        """An engine that is given no more than it was measured to read; nothing is asked of it here."""
        engine, profile = make_engine(what, self.embedder), self.settings.routing.profile
        if not engine.on_gpu or (profile is None and not Path(PROFILE).is_file()):
            return engine
        limited: Any = Effective(engine, profile)
        return limited  # type: ignore[no-any-return]

    def _find_power(self) -> tuple[Power | None, str]:
        """What measures this machine's GPUs, and a note where energy was wanted and cannot be measured."""
        settings = self.settings.cost
        if settings.energy is False:
            return None, ""
        why = "no engine runs on this machine's GPUs"
        if any(getattr(engine, "local", False) for engine in (self.engine, self.long_engine)):
            energy = Energy()
            if not energy.why:
                return Power(energy, settings.idle_watts), ""
            why = energy.why
        return None, f"Energy is not measured: {why}." if settings.energy else ""

    def _read_in_parts(self, run: _Run, engine: Engine, settings: EngineSettings, ranked: Sequence[Piece]) -> _Reading:
        """Read every part of texts longer than the window, and answer from what was found in them."""

        def call(prompt: Prompt) -> Completion:
            return self._call(run, engine, prompt, settings.max_tokens)

        reader = Chunkwise(engine, run.question, settings.max_tokens, call, run.stage, run.progress)
        findings, usage = reader.findings(ranked)
        if not findings:
            return _Reading(Completion(SILENT, usage, abstained=True), (), 0)
        best = sorted(findings, key=lambda piece: (-piece.score, piece.document, piece.start))
        fitted = fit(engine, run.question, best, settings.max_tokens)
        kept = sorted(fitted.kept, key=lambda piece: (piece.document, piece.start))
        with run.stage("ask"):
            completion = self._ask(run, engine, Prompt(run.question, tuple(kept)), settings.max_tokens)
        return _Reading(replace(completion, usage=usage + completion.usage), tuple(kept), len(fitted.left_out))


class _Held:
    """Passes text on once it cannot be an abstention any more."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self._text = ""
        self._open = False

    def __call__(self, text: str) -> None:
        if self._open:
            self._on_text(text)
            return
        self._text += text
        ended = len(self._text) > _CLEAR or any(mark in self._text for mark in (". ", "\n", "? ", "! "))
        if ended and not abstains(self._text):
            self.release()

    def release(self) -> None:
        if not self._open:
            self._open = True
            self._on_text(self._text)


def _turn(situation: Situation, decision: Decision) -> tuple[bool, tuple[str, ...]]:
    """When a question of a batch is asked: those that read the same text one after the other, passages last.

    A second attempt after passages then finds what others have read.
    """
    return decision.route == "rag", situation.reads.get(decision.rung, ())


@lru_cache(maxsize=4)
def _shared(settings: str) -> Hybrid:
    """One `Hybrid` for equal settings, which are compared as JSON: overrides are no hashable values."""
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
        question: what to answer.
        corpus: a file, folder or glob, a list of them, `{name: text}`, or LlamaIndex documents.
        settings: as loaded by `hybrid.settings.load`.
        progress: receives stage, done and total.
        options: `route`, `rung` and `on_text` of `Hybrid.answer`.

    Raises:
        UserError: a sentence that says what to mend.
    """
    from hybrid.settings import load

    return _shared((settings or load()).model_dump_json()).answer(question, corpus, progress=progress, **options)


def _remarks(store: Store, names: Sequence[str]) -> list[str]:
    """What is not in the texts of documents though it is in their files, of the first few that an answer stands on."""
    few = list(dict.fromkeys(names))[:_REMARKED]
    return [f"{name}: {', '.join(said)}." for name in few if (said := store.document(name).remarks)]
