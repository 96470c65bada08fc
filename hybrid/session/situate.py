"""What a policy may know of a question: how much each rung would read, what it would take, and what is warm.

Nothing is asked of a model here; sizes come from the index, windows and costs from the engines and the settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from hybrid.cost.estimate import estimate
from hybrid.cost.price import total
from hybrid.engines.base import Engine
from hybrid.engines.effective import Effective
from hybrid.errors import InputError
from hybrid.index.store import Entry, Store
from hybrid.model.profile import Profile
from hybrid.reading.assemble import ranked_documents
from hybrid.reading.ordering import Ordering, choose
from hybrid.reading.window import room, sizes
from hybrid.routing.adaptive import kept
from hybrid.routing.features import features
from hybrid.routing.situation import Reading, Situation
from hybrid.session.warm import Warm
from hybrid.settings import EngineSettings, Settings
from hybrid.types import RUNGS, Candidate, Piece, Prediction, Rung

EVIDENCE = 3  # best passages repeated after a long document
EVIDENCE_FROM = 4_000  # tokens of document from which repeating them is worth it
_EXPECTED_OUTPUT = 128  # tokens of an answer, for predictions


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted before, by index: not by its id, which is given to another one when an index is dropped."""

    ratios: WeakKeyDictionary[Store, dict[tuple[str, int], float]] = field(default_factory=WeakKeyDictionary)
    counts: WeakKeyDictionary[Store, dict[tuple[str, int, tuple[str, ...]], int]] = field(
        default_factory=WeakKeyDictionary
    )


@dataclass(frozen=True, slots=True)
class Situating:
    """Puts situations together for two engines, which may be one."""

    settings: Settings
    engine: Engine  # reads passages
    long_engine: Engine  # reads whole documents
    warm: Warm
    counted: Counted

    def situation(
        self, question: str, store: Store, documents: Sequence[str] | None, candidates: Sequence[Candidate]
    ) -> Situation:
        """What a policy may know of a question.

        Sizes are estimated from the index, which counts in the embedder's tokens, and exact where it matters.

        Args:
            documents: the only ones that may be read; None: all.
            candidates: what was found for the question, best first.

        Raises:
            InputError: none of the documents is in the index.
        """
        k = self.settings.retrieval.k
        entries = store.entries(documents)
        if not entries:
            raise InputError(f"None of the documents {documents} is in the corpus. See: hybrid index show PATH.")
        best = [name for name, _ in ranked_documents(candidates)] or [entry.name for entry in entries]
        known = features(question, candidates, {e.name: e.passages for e in entries}, sum(e.tokens for e in entries), k)
        k = kept(candidates, k) if self.settings.routing.adaptive_k else k
        tokens = {entry.name: entry.tokens for entry in entries}
        short, long_ = self.ratio(self.engine, store), self.ratio(self.long_engine, store)
        rooms: dict[Rung, int] = {}
        for rung in RUNGS:
            engine, settings = self.engine_for(rung)
            rooms[rung] = room(engine, question, settings.max_tokens)
        frame = sizes(self.engine, [Piece(c.passage.document, "", 0, c.passage.heading) for c in candidates[:k]])
        read: dict[Rung, int] = {
            "passages": round(short * sum(c.passage.tokens for c in candidates[:k])) + sum(frame),
            "sections": round(
                short * min(sum(self._section_tokens(c, tokens) for c in candidates[:k]), sum(tokens.values()))
            )
            + sum(frame),
            "corpus": self._measured(
                self.long_engine, list(tokens), sum(tokens.values()) * long_, rooms["corpus"], store
            ),
        }
        largest = self._measured(self.long_engine, best[:1], tokens[best[0]] * long_, rooms["documents"], store)
        sized = {name: round(tokens[name] * long_) for name in best}
        chosen = _fitting(best, sized, rooms["documents"])
        read["documents"] = max(largest, sum(sized[name] for name in chosen))
        reads: dict[Rung, tuple[str, ...]] = {"documents": tuple(sorted(chosen)), "corpus": tuple(sorted(tokens))}
        warm = {rung: self._cached(names) for rung, names in reads.items()}
        again = self.long_engine.on_gpu and self.warm.caches(self.long_engine.name)
        _, _, words = self.ordering(self.engine, k)
        return Situation(
            question=question,
            candidates=tuple(candidates[:k]),
            documents=len(entries),
            tokens=read,
            rooms=rooms,
            largest=largest,
            predictions={rung: self._predict(rung, read[rung], rooms[rung], warm.get(rung, 0)) for rung in RUNGS},
            features=known,
            readings=self._readings(
                read, rooms, {name: _depths(candidates[:k], reads[name], entries) for name in reads}
            ),
            again={rung: self._predict(rung, read[rung], rooms[rung], read[rung]) for rung in reads if again},
            reads=reads,
            ordering=words,
            quoting=getattr(self.engine, "quotes", False),
        )

    def _cached(self, documents: Sequence[str]) -> int:
        """Tokens of whole documents that the long engine should still hold; without a GPU nothing is cached."""
        return self.warm.expected(self.long_engine.name, documents) if self.long_engine.on_gpu else 0

    def _readings(
        self, read: Mapping[Rung, int], rooms: Mapping[Rung, int], depths: Mapping[Rung, list[tuple[float, float]]]
    ) -> dict[Rung, Reading]:
        """How well each rung would be read, where its engine was measured.

        A text that is read in parts may stand anywhere in them. After a long text its best passages are repeated: they
        are read at the better of their two places.
        """
        found: dict[Rung, Reading] = {}
        for rung in RUNGS:
            engine, _ = self.engine_for(rung)
            profile = profile_of(engine)
            if profile is None:
                continue
            tokens = min(read[rung], rooms[rung])
            places = depths.get(rung, []) if read[rung] <= rooms[rung] else []
            if tokens >= EVIDENCE_FROM and places:
                end = profile.score_at(1.0)
                best = [(1.0 if profile.score_at(d) < end else d, weight) for d, weight in places[:EVIDENCE]]
                places = [*best, *places[EVIDENCE:]]
            kept = profile.kept(tokens, places)
            found[rung] = Reading(profile.window, profile.effective, profile.curve, round(kept, 6))
        return found

    def _section_tokens(self, candidate: Candidate, tokens: Mapping[str, int]) -> int:
        """What a section is expected to take: three of its passages, or the document where that is shorter."""
        return min(3 * candidate.passage.tokens, tokens[candidate.passage.document])

    def _measured(self, engine: Engine, names: list[str], estimated: float, limit: int, store: Store) -> int:
        """Tokens of whole documents: counted where the estimate is too close to the limit to decide by it."""
        if not limit / 2 < estimated < limit * 2:
            return round(estimated)
        known, key = self.counted.counts.setdefault(store, {}), (engine.name, store.generation, tuple(names))
        if key not in known:
            known[key] = sum(sum(sizes(engine, [Piece(name, store.document(name).text, 0)])) for name in names)
        return known[key]

    def _predict(self, rung: Rung, tokens: int, limit: int, cached: int) -> Prediction:
        engine, settings = self.engine_for(rung)
        fits = tokens <= limit
        if rung in ("passages", "sections"):  # what does not fit is left out; only whole texts are read in parts
            tokens = min(tokens, limit)
        calls = 1 if tokens <= limit else -(-tokens // limit) + 1
        output = min(settings.max_tokens, _EXPECTED_OUTPUT)
        cached = min(cached, tokens) if calls == 1 else 0
        if calls == 1:
            cost = estimate(self.settings.cost, tokens, output, cached)
        else:
            cost = total([estimate(self.settings.cost, limit, output)] * (calls - 1))
        return Prediction(
            route="rag" if rung in ("passages", "sections") else "long",
            rung=rung,
            engine=engine.name,
            prompt_tokens=tokens,
            cached_tokens=cached,
            calls=calls,
            fits=fits,
            cost=cost,
        )

    def ratio(self, engine: Engine, store: Store) -> float:
        """The engine's tokens per token of the embedder, from a sample of the corpus."""
        known, key = self.counted.ratios.setdefault(store, {}), (engine.name, store.generation)
        if key not in known:
            sample = store.sample(16)
            ours = sum(p.tokens for p in sample)
            known[key] = sum(engine.count([p.text for p in sample])) / ours if ours else 1.0
        return known[key]

    def engine_for(self, rung: Rung) -> tuple[Engine, EngineSettings]:
        """What reads a rung, and how it is set."""
        if rung in ("documents", "corpus"):
            return self.long_engine, self.settings.long_engine or self.settings.engine
        return self.engine, self.settings.engine

    def ordering(self, engine: Engine, count: int) -> tuple[Ordering, Sequence[float], str]:
        """How as many passages are ordered for an engine, its position curve, and why."""
        routing = self.settings.routing
        if routing.ordering != "auto":
            return routing.ordering, routing.curve, f"{routing.ordering}: you asked for it"
        profile = profile_of(engine)
        curve = routing.curve or (() if profile is None else profile.curve)
        ordering, why = choose(count, curve)
        return ordering, curve, f"{ordering}: {why}"


def profile_of(engine: Engine) -> Profile | None:
    """What was measured on an engine, if anything was."""
    return engine.profile if isinstance(engine, Effective) else None


def _depths(
    candidates: Sequence[Candidate], names: Sequence[str], entries: Sequence[Entry]
) -> list[tuple[float, float]]:
    """Where the best passages would stand if documents were read whole: (depth, relevance), best first."""
    sizes_ = {entry.name: (entry.tokens, entry.passages) for entry in entries}
    total_ = max(1, sum(sizes_[name][0] for name in names))
    before, starts = 0, {}
    for name in names:
        starts[name] = before
        before += sizes_[name][0]
    found = []
    for candidate in candidates:
        passage = candidate.passage
        if passage.document in starts:
            tokens, count = sizes_[passage.document]
            inside = (passage.ordinal + 0.5) / max(1, count)
            found.append((min(1.0, (starts[passage.document] + inside * tokens) / total_), max(0.0, candidate.score)))
    return found


def _fitting(best: Sequence[str], tokens: Mapping[str, int], room: int) -> list[str]:
    """As many of the best documents as fit together, at least one."""
    chosen: list[str] = []
    used = 0
    for name in best:
        if not chosen or used + tokens[name] <= room:
            chosen.append(name)
            used += tokens[name]
    return chosen
