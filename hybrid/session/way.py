"""The way of a question, from top to bottom: understand, retrieve, situate, decide, assemble, ask, check, cite.

understand    put a question that follows others so that it stands alone
retrieve      find the passages that are near the question
decide        put together what the policy may know, and have it choose the route
attempts      read and check, once or twice
  assemble    make a prompt of the pieces that fit, in their order
  ask         call an engine, once or for every part of a long text
answer        cite and price the reply
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from hybrid.chat.prompts import Prompt
from hybrid.corpus.problems import not_read
from hybrid.cost.price import preparation, total
from hybrid.engines.base import Completion, Engine, OnText
from hybrid.errors import HybridError, WindowError
from hybrid.index.protocol import Progress, Store
from hybrid.reading.amendments import amendments, amendments_first
from hybrid.reading.chunkwise import Chunkwise
from hybrid.reading.cite import cite
from hybrid.reading.ordering import order
from hybrid.reading.window import Fit, evidence, fit, pieces
from hybrid.routing.policy import Policy, second
from hybrid.routing.situation import ROUTES, Situation
from hybrid.session.calls import Calls, Held
from hybrid.session.followup import by_rule, checked, depends
from hybrid.session.situate import Situating
from hybrid.settings import Settings
from hybrid.text.asking import without_form
from hybrid.types import EACH, Answer, Attempt, Candidate, Cost, Decision, Piece, Sampling, Stretch, Turn, Usage

SILENT = "The documents do not say."
_WIDE = 20  # passages by which documents are ranked for the long route
_REWRITTEN = 128  # tokens of a question that is rewritten
_REMARKED = 8  # documents whose remarks an answer tells

# Receives a question as it was understood, and the passages that were found for it, best first
OnFound = Callable[[str, Sequence[Candidate]], None]
# Answers on the rung each: from a table that is filled in from every document
Tabulate = Callable[["Way", Situation, Decision], "tuple[Answer, list[Reply]]"]
# Takes a question, the store and the pieces chosen on the route rag; returns the pieces to read instead, best first.
# A pipeline puts whole clauses or functions in the place of passages and adds what has to be read with them.
Widen = Callable[[str, Store, Sequence[Piece]], Sequence[Piece]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An engine's reply, and the pieces it read."""

    completion: Completion
    pieces: tuple[Piece, ...] = ()
    left_out: int = 0  # pieces that did not fit


@dataclass(slots=True)
class Way:
    """One question on its way, and what is noted of it.

    Args:
        settings, situating, calls, rerank: of the `Hybrid` that is asked.
        documents: the only ones that may be read; None: all.
        on_text: receives the answer's text as it is generated.
        progress: receives stage, done and total.
        widen: changes what is read on the route rag; see `Widen`.
        on_found: receives what was searched for and found; see `OnFound`.
        tabulate: answers where the rung is each; see `Tabulate`.
        history: the turns before the question, the oldest first.
        sampling: how the answer is generated, where it is not as the settings say.
    """

    question: str
    store: Store
    policy: Policy
    settings: Settings
    situating: Situating
    calls: Calls
    rerank: Callable[[str, list[Candidate], Store], list[Candidate]] | None  # None: as the search orders them
    documents: tuple[str, ...] | None = None
    on_text: OnText | None = None
    progress: Progress | None = None
    widen: Widen | None = None
    on_found: OnFound | None = None
    tabulate: Tabulate | None = None
    history: tuple[Turn, ...] = ()
    sampling: Sampling | None = None
    asked: str | None = None  # the question as it was asked, where it was put in other words
    rewriting: tuple[Usage, Cost] | None = None  # what that took
    timings: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)  # of every call that has ended, failed ones too

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times a stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - begun

    # -- understand, retrieve, situate, decide -------------------------------------------------------------------

    def begin(self) -> tuple[Situation, Decision]:
        """Understand, retrieve and decide."""
        if depends(self.question, self.history):
            with self.stage("understand"):
                self.understand()
        candidates = self.retrieve()
        if self.on_found is not None:
            self.on_found(self.question, candidates)
        with self.stage("decide"):
            return self.decide(candidates)

    def understand(self, *, asks: bool = True) -> None:
        """Put a question that follows others so that it stands alone.

        Args:
            asks: a model may be asked to; else the rule does it.
        """
        engine = self.situating.engine
        if not asks or getattr(engine, "quotes", False):
            found = by_rule(self.question, self.history)
        else:
            prompt = Prompt(self.question, (), task="rewrite", history=self.history)
            try:
                completion = self.calls.ask(engine, prompt, _REWRITTEN, self.usages)
            except WindowError:
                found = by_rule(self.question, self.history)
            else:
                found = checked(completion.text, self.question, self.history)
                self.rewriting = completion.usage, self.calls.price(completion.usage, engine)
        if found != self.question:
            self.asked, self.question = self.question, found

    def retrieve(self, k: int | None = None) -> list[Candidate]:
        """The best passages, and what the store notes on its search."""
        retrieval = self.settings.retrieval
        wide = max(k or retrieval.k, _WIDE)
        more = wide if retrieval.reranker is None else max(wide, retrieval.rerank_from)
        with self.stage("retrieve"):
            found = self.store.search(without_form(self.question), more, retrieval.mode, self.documents)
        self.notes += self.store.notes
        if self.rerank is None:
            return found
        with self.stage("rerank"):
            return self.rerank(self.question, found, self.store)[:wide]

    def decide(self, candidates: Sequence[Candidate]) -> tuple[Situation, Decision]:
        """What the policy may know of the question, and its decision."""
        situation = self.situating.situation(self.question, self.store, self.documents, candidates)
        return situation, self.policy.decide(situation)

    # -- read and check, once or twice ---------------------------------------------------------------------------

    def finish(self, situation: Situation, decision: Decision) -> tuple[Answer, list[Reply]]:
        """The answer by a decision, and the reply of every attempt.

        Raises:
            HybridError: with the usage of all calls, so that a batch that goes on can charge this question.
        """
        try:
            if decision.rung == EACH and self.tabulate is not None:
                return self.tabulate(self, situation, decision)
            attempts, replies = self.attempts(situation, decision)
            return self.answer(attempts, replies[-1]), replies
        except HybridError as error:
            error.usage = sum(self.usages, Usage()) if self.usages else None
            raise

    def attempts(self, situation: Situation, decision: Decision) -> tuple[list[Attempt], list[Reply]]:
        """Read until the policy wants no further attempt."""
        attempts: list[Attempt] = []
        replies: list[Reply] = []
        upcoming: Decision | None = decision
        while upcoming is not None:
            decision = upcoming
            doubt = second(self.policy, situation, decision, abstained=False)
            shown = self if doubt is None else replace(self, on_text=None)  # what may be discarded is not streamed
            replies.append(shown.read(situation, decision))
            completion = replies[-1].completion
            engine, _ = self.situating.engine_for(decision.rung)
            attempts.append(
                Attempt(
                    decision=decision,
                    engine=engine.name,
                    abstained=completion.abstained,
                    usage=completion.usage,
                    cost=self.calls.price(completion.usage, engine),
                    left_out=replies[-1].left_out,
                )
            )
            upcoming = self.policy.review(situation, decision) if completion.abstained else doubt
        return attempts, replies

    def read(self, situation: Situation, decision: Decision) -> Reply:
        """One attempt: assemble what the decision says, and ask."""
        engine, max_tokens = self.situating.engine_for(decision.rung)
        if self.sampling is not None and self.sampling.max_tokens is not None:
            max_tokens = self.sampling.max_tokens
        with self.stage("assemble"):
            ranked = self.found(situation, decision)
        if not ranked:
            return Reply(Completion(SILENT, Usage(), abstained=True))
        if decision.chunkwise:
            return self.read_in_parts(engine, max_tokens, ranked)
        with self.stage("assemble"):
            prompt, fitted = self.assemble(situation, decision, engine, max_tokens, ranked)
        with self.stage("ask"):
            completion = self.ask_for_amendments(engine, prompt, max_tokens)
        if ROUTES[decision.rung] == "long":
            length = max(1, sum(len(piece.text) for piece in prompt.pieces))
            read = [(piece.document, fitted.tokens * len(piece.text) // length) for piece in prompt.pieces]
            self.situating.warm.note(engine.name, read, completion.usage.cached_tokens)
        return Reply(completion, prompt.pieces, len(fitted.left_out))

    # -- assemble ------------------------------------------------------------------------------------------------

    def found(self, situation: Situation, decision: Decision) -> Sequence[Piece]:
        """The pieces that were found, widened to the rung, best first."""
        ranked = pieces(self.store, decision.rung, situation.candidates, self.documents)
        if decision.rung == "documents" and decision.chunkwise:
            return ranked[:1]
        if decision.route == "rag" and self.widen is not None:
            return list(self.widen(self.question, self.store, ranked))
        return ranked

    def assemble(
        self, situation: Situation, decision: Decision, engine: Engine, max_tokens: int, ranked: Sequence[Piece]
    ) -> tuple[Prompt, Fit]:
        """The prompt of as many pieces as fit, in their order.

        Raises:
            WindowError: nothing fits.
        """
        kept_free = max_tokens + self.said(engine)
        fitted = fit(engine, self.question, ranked, kept_free)
        if not fitted.kept:
            raise WindowError(
                f"Nothing that was found fits the {engine.window} tokens of {engine.name}: the shortest piece is "
                "longer. Lower engine.max_tokens or passages.tokens, or use an engine with a larger window."
            )
        if ROUTES[decision.rung] == "long":
            kept = sorted(fitted.kept, key=lambda piece: piece.document)  # always the same: the prefix is cached
            again = evidence(engine, situation.candidates, fitted, kept_free)
            return Prompt(self.question, tuple(kept), evidence=again), fitted
        ordering, curve, _ = self.situating.ordering(engine, len(situation.candidates))
        return Prompt(self.question, tuple(order(fitted.kept, ordering, curve))), fitted

    def said(self, engine: Engine) -> int:
        """Tokens that the turns before the question take in a prompt."""
        if not self.history or getattr(engine, "quotes", False):
            return 0
        with_them = Prompt(self.question, (), history=self.history)
        return engine.measure(with_them) - engine.measure(replace(with_them, history=()))

    # -- ask -----------------------------------------------------------------------------------------------------

    def ask_for_amendments(self, engine: Engine, prompt: Prompt, max_tokens: int) -> Completion:
        """Ask, and put an amendment's words before what it amends; the text of an engine that quotes follows then."""
        by = amendments(self.store, prompt.pieces)
        on_text, show = self.on_text, None
        if by and getattr(engine, "quotes", False):
            on_text, show = None, self.on_text
        completion = self.ask(engine, prompt, max_tokens, on_text)
        ask_apart = partial(self.call, engine, max_tokens=max_tokens)
        completion, notes = amendments_first(prompt, completion, by, ask_apart)
        self.notes += notes
        if show is not None:
            show(cite(completion, prompt.pieces, self.store)[0])
        return completion

    def read_in_parts(self, engine: Engine, max_tokens: int, ranked: Sequence[Piece]) -> Reply:
        """Read every part of texts longer than the window, and answer from the findings."""
        call = partial(self.call, engine, max_tokens=max_tokens)
        reader = Chunkwise(engine, self.question, max_tokens, call, self.stage, self.progress)
        findings, usage = reader.findings(ranked)
        if not findings:
            return Reply(Completion(SILENT, usage, abstained=True))
        best = sorted(findings, key=lambda piece: (-piece.score, piece.document, piece.start))
        fitted = fit(engine, self.question, best, max_tokens + self.said(engine))
        kept = tuple(sorted(fitted.kept, key=lambda piece: (piece.document, piece.start)))
        with self.stage("ask"):
            completion = self.ask(engine, Prompt(self.question, kept), max_tokens, self.on_text)
        return Reply(replace(completion, usage=usage + completion.usage), kept, len(fitted.left_out))

    def ask(self, engine: Engine, prompt: Prompt, max_tokens: int, on_text: OnText | None) -> Completion:
        """Ask; where the policy may try again, an abstention is not streamed."""
        if on_text is None or not self.policy.escalates:
            return self.call(engine, prompt, max_tokens, on_text)
        held = Held(on_text)
        completion = self.call(engine, prompt, max_tokens, held)
        if not completion.abstained:
            held.release()
        return completion

    def call(self, engine: Engine, prompt: Prompt, max_tokens: int, on_text: OnText | None = None) -> Completion:
        """One call of an engine, its usage noted."""
        if not getattr(engine, "quotes", False):
            answers = prompt.task == "answer"  # findings in parts of a text are not the caller's to cut short
            history, sampling = (self.history, self.sampling) if answers else ((), None)
            prompt = replace(prompt, history=history, sampling=sampling)
        return self.calls.ask(engine, prompt, max_tokens, self.usages, on_text)

    # -- cite ----------------------------------------------------------------------------------------------------

    def answer(self, attempts: Sequence[Attempt], last: Reply) -> Answer:
        """The answer of the last attempt, with the usage and cost of all."""
        completion, decision = last.completion, attempts[-1].decision
        with self.stage("cite"):
            text, citations = cite(completion, last.pieces, self.store)
        self.tell(last, [c.document for c in citations] or [p.document for p in last.pieces])
        usages, costs = [attempt.usage for attempt in attempts], [attempt.cost for attempt in attempts]
        if self.rewriting is not None:
            usages.insert(0, self.rewriting[0])
            costs.insert(0, self.rewriting[1])
        return Answer(
            question=self.question if self.asked is None else self.asked,
            standalone=None if self.asked is None else self.question,
            text=SILENT if completion.abstained else text,
            abstained=completion.abstained,
            route=decision.route,
            reason=decision.reason,
            citations=citations,
            decision=decision,
            usage=sum(usages, Usage()),
            cost=total(costs),
            preparation=preparation(
                self.settings.cost,
                self.timings.get("retrieve", 0.0),
                self.store.cpu_seconds,
                self.timings.get("rerank", 0.0),
            ),
            attempts=tuple(attempts),
            read=tuple(Stretch(document=p.document, start=p.start, end=p.end) for p in last.pieces),
            notes=tuple(dict.fromkeys(self.notes)),
            timings=self.rounded(),
        )

    def tell(self, reply: Reply, documents: Sequence[str]) -> None:
        """Note what the user should know about the answer and its documents."""
        for name in list(dict.fromkeys(documents))[:_REMARKED]:
            if remarks := self.store.document(name).remarks:  # on parts of its file that are not in its text
                self.notes.append(f"{name}: {', '.join(remarks)}.")
        self.notes += filter(None, [self.store.mended, not_read(self.store.unread())])
        if reply.left_out:
            self.notes.append(
                f"{reply.left_out} of the pieces that were found did not fit the window and were not read."
            )
        if reply.completion.truncated:
            self.notes.append("The answer was cut off; raise engine.max_tokens.")
        for engine in (self.situating.engine, self.situating.long_engine):
            self.notes += getattr(engine, "notes", ())
        if self.calls.unmeasured:
            self.notes.append(self.calls.unmeasured)

    def rounded(self) -> dict[str, float]:
        """Seconds by stage, for an answer."""
        return {name: round(seconds, 6) for name, seconds in self.timings.items()}
