"""What a policy may know of a question: how much each rung would read, what that costs, and what is cached.

No model is asked here: sizes come from the store, windows and costs from the engines and the settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from hybrid.cost.estimate import estimate
from hybrid.cost.price import total
from hybrid.each.foresee import foreseen
from hybrid.engines.base import Engine
from hybrid.engines.effective import Effective
from hybrid.errors import InputError
from hybrid.index.protocol import Entry, Store
from hybrid.model.profile import Profile
from hybrid.reading.ordering import choose
from hybrid.reading.window import EVIDENCE, EVIDENCE_FROM, ranked_documents, room, sizes
from hybrid.routing.across import across
from hybrid.routing.adaptive import kept
from hybrid.routing.features import features
from hybrid.routing.situation import ROUTES, Reading, Situation
from hybrid.session.caches import Caches
from hybrid.session.warm import Warm
from hybrid.session.warmed import Warmed, changed, digests
from hybrid.settings import Settings
from hybrid.settings.names import Ordering
from hybrid.types import RUNGS, Candidate, Piece, Prediction, Rung

_EXPECTED_OUTPUT = 128  # tokens of an answer, for predictions

# earlier counts by store, and not by its id, which another one gets when a store is dropped
Counted = WeakKeyDictionary[Store, dict[tuple[object, ...], float]]


UNKNOWN = (
    "were read by `hybrid warm` before the engine was started anew; whether and how fast it loads them is not known: "
    "they count as cold until `hybrid warm` finds them again, or cost.disk says it"
)


@dataclass(frozen=True, slots=True)
class Held:
    """What an engine should hold of a prompt: tokens, those of them on its disk, and the seconds that these take."""

    cached: int = 0
    loaded: int = 0
    seconds: float = 0.0
    note: str = ""


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

        Sizes are estimated from the store, which counts in the embedder's tokens, and counted exactly where a decision
        could depend on it.

        Args:
            documents: the only ones that may be read; None: all.
            candidates: passages found for the question, best first.

        Raises:
            InputError: none of the documents is in the index.
        """
        self._read_ahead(store)
        entries = store.entries(documents)
        if not entries:
            missing = "There is no document in the corpus" if documents is None else ""
            missing = missing or f"None of the documents {documents} is in the corpus"
            raise InputError(f"{missing}. See: hybrid index show PATH.")
        k = self.settings.retrieval.k
        known = features(question, candidates, {e.name: e.passages for e in entries}, sum(e.tokens for e in entries), k)
        k = kept(candidates, k) if self.settings.routing.adaptive_k else k
        read = candidates[:k]
        tokens = {entry.name: entry.tokens for entry in entries}
        best = [name for name, _ in ranked_documents(candidates)] or list(tokens)
        rooms = {rung: room(engine, question, most) for rung in RUNGS for engine, most in [self.engine_for(rung)]}
        whole, largest, reads = self._whole(store, best, tokens, rooms)
        sizes_ = {**self._passages(store, read, tokens), **whole}
        again = self._keeps and self.warm.caches(self.long_engine.name)
        depths = {rung: _depths(read, names, entries) for rung, names in reads.items()}
        return Situation(
            question=question,
            candidates=tuple(read),
            documents=len(entries),
            tokens=sizes_,
            rooms=rooms,
            largest=largest,
            predictions={
                rung: self._predict(rung, sizes_[rung], rooms[rung], self._cached(reads.get(rung, ())))
                for rung in RUNGS
            },
            features=known,
            readings=self._readings(sizes_, rooms, depths),
            again={rung: self._predict(rung, sizes_[rung], rooms[rung], Held(sizes_[rung])) for rung in reads if again},
            reads=reads,
            ordering=self.ordering(self.engine, k)[2],
            each=self._each(question, store, entries),
            quoting=getattr(self.engine, "quotes", False),
        )

    def _each(self, question: str, store: Store, entries: Sequence[Entry]) -> Prediction | None:
        """What asking every document the same is expected to take; None where the question does not want that."""
        if not across(question, len(entries)):
            return None
        ratio = self.ratio(self.long_engine, store)
        sizes_ = [round(entry.tokens * ratio) for entry in entries]
        return foreseen(question, store, sizes_, self.long_engine, self.settings.cost)

    def _passages(self, store: Store, read: Sequence[Candidate], tokens: Mapping[str, int]) -> dict[Rung, int]:
        """Tokens of passages, and of their sections, taken as three passages each or the document if it is shorter."""
        ratio = self.ratio(self.engine, store)
        frames = sum(sizes(self.engine, [Piece(c.passage.document, "", 0, c.passage.heading) for c in read]))
        around = sum(min(3 * c.passage.tokens, tokens[c.passage.document]) for c in read)
        return {
            "passages": round(ratio * sum(c.passage.tokens for c in read)) + frames,
            "sections": round(ratio * min(around, sum(tokens.values()))) + frames,
        }

    def _whole(
        self, store: Store, best: Sequence[str], tokens: Mapping[str, int], rooms: Mapping[Rung, int]
    ) -> tuple[dict[Rung, int], int, dict[Rung, tuple[str, ...]]]:
        """Tokens of the best documents that fit and of all, tokens of the best one, and the documents that are read."""
        ratio = self.ratio(self.long_engine, store)
        largest = self._measured(best[:1], tokens[best[0]] * ratio, rooms["documents"], store)
        sized = {name: round(tokens[name] * ratio) for name in best}
        chosen = _fitting(best, sized, rooms["documents"])
        return (
            {
                "documents": max(largest, sum(sized[name] for name in chosen)),
                "corpus": self._measured(list(tokens), sum(tokens.values()) * ratio, rooms["corpus"], store),
            },
            largest,
            {"documents": tuple(sorted(chosen)), "corpus": tuple(sorted(tokens))},
        )

    @property
    def _keeps(self) -> bool:
        """Whether the long engine may keep what it read; one without a model has nothing to keep."""
        return not getattr(self.long_engine, "quotes", False)

    def _cached(self, documents: Sequence[str]) -> Held:
        """What the long engine should still hold of whole documents; an engine that quotes holds none."""
        if not documents or not self._keeps:
            return Held()
        name = self.long_engine.name
        cached, loadable = self.warm.expected(name, documents), self.warm.loadable(name, documents)
        if loadable <= cached:
            return Held(cached)
        speed = self.settings.cost.disk or Warmed.of(name).speed
        if speed is None:
            return Held(cached, note=f"{loadable:,} tokens {UNKNOWN}")
        return Held(loadable, loadable - cached, (loadable - cached) / speed)

    def _read_ahead(self, store: Store) -> None:
        """Learn what `hybrid warm` has read of this store; once for as long as neither changes."""
        if not self.long_engine.on_gpu:
            return
        name = self.long_engine.name
        known, key = self.counted.setdefault(store, {}), ("ahead", name, store.generation, changed(name))
        if key in known:
            return
        known[key] = 1.0
        warmed = Warmed.of(name)
        if not warmed.prefixes:
            return
        caches = Caches.read(self.long_engine, self.settings)
        names = {entry.name for entry in store.entries()}
        for prefix in warmed.prefixes:
            if all(part.name in names for part in prefix.parts):
                pieces = [Piece(part.name, store.document(part.name).text, 0) for part in prefix.parts]
                if tuple(digests(pieces)) == prefix.key:
                    read = [(part.name, part.tokens) for part in prefix.parts]
                    here = prefix.run == caches.run(pieces)
                    if here or prefix.left_on(caches.home(pieces), caches.runs):  # else another server has it
                        self.warm.was_read(name, read, on_disk=not here)

    def _readings(
        self, read: Mapping[Rung, int], rooms: Mapping[Rung, int], depths: Mapping[Rung, list[tuple[float, float]]]
    ) -> dict[Rung, Reading]:
        """How well each rung would be read, where its engine was measured.

        A text that is read in parts has no known place in them. The best passages of a long text are repeated after it
        and read at the better of their two places.
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

    def _measured(self, names: Sequence[str], estimated: float, limit: int, store: Store) -> int:
        """Tokens of whole documents, counted where the estimate is too close to the limit to decide by it."""
        if not limit / 2 < estimated < limit * 2:
            return round(estimated)
        engine = self.long_engine
        known, key = self.counted.setdefault(store, {}), (engine.name, store.generation, *names)
        if key not in known:
            known[key] = sum(sum(sizes(engine, [Piece(name, store.document(name).text, 0)])) for name in names)
        return round(known[key])

    def _predict(self, rung: Rung, tokens: int, limit: int, held: Held) -> Prediction:
        engine, most = self.engine_for(rung)
        fits = tokens <= limit
        if ROUTES[rung] == "rag":  # passages that do not fit are left out; only whole texts are read in parts
            tokens = min(tokens, limit)
        calls = 1 if tokens <= limit else -(-tokens // limit) + 1
        output = min(most, _EXPECTED_OUTPUT)
        if calls == 1:
            cost = estimate(self.settings.cost, tokens, output, min(held.cached, tokens), held.seconds)
            if held.note:
                cost = cost.model_copy(update={"note": f"{cost.note}; {held.note}"})
        else:
            held = Held()
            cost = total([estimate(self.settings.cost, limit, output)] * (calls - 1))
        return Prediction(
            route=ROUTES[rung],
            rung=rung,
            engine=engine.name,
            prompt_tokens=tokens,
            cached_tokens=min(held.cached, tokens),
            loaded_tokens=min(held.loaded, tokens),
            calls=calls,
            fits=fits,
            cost=cost,
        )

    def ratio(self, engine: Engine, store: Store) -> float:
        """The engine's tokens per token of the embedder, from a sample of the corpus."""
        known, key = self.counted.setdefault(store, {}), (engine.name, store.generation)
        if key not in known:
            sample = store.sample(16)
            ours = sum(p.tokens for p in sample)
            known[key] = sum(engine.count([p.text for p in sample])) / ours if ours else 1.0
        return known[key]

    def engine_for(self, rung: Rung) -> tuple[Engine, int]:
        """The engine that reads a rung, and the tokens kept for its answer."""
        if ROUTES[rung] == "long":
            return self.long_engine, (self.settings.long_engine or self.settings.engine).max_tokens
        return self.engine, self.settings.engine.max_tokens

    def ordering(self, engine: Engine, count: int) -> tuple[Ordering, Sequence[float], str]:
        """The ordering of that many passages for an engine, its position curve, and why."""
        routing = self.settings.routing
        if routing.ordering != "auto":
            return routing.ordering, routing.curve, f"{routing.ordering}: you asked for it"
        profile = profile_of(engine)
        curve = routing.curve or (() if profile is None else profile.curve)
        ordering, why = choose(count, curve)
        return ordering, curve, f"{ordering}: {why}"


def profile_of(engine: Engine) -> Profile | None:
    """The measured profile of an engine, if there is one."""
    return engine.profile if isinstance(engine, Effective) else None


def _depths(
    candidates: Sequence[Candidate], names: Sequence[str], entries: Sequence[Entry]
) -> list[tuple[float, float]]:
    """Where the best passages would stand if documents were read whole: (depth, relevance), best first."""
    known = {entry.name: entry for entry in entries}
    length, starts = 0, {}
    for name in names:
        starts[name] = length
        length += known[name].tokens
    found = []
    for candidate in candidates:
        passage = candidate.passage
        if passage.document in starts:
            entry = known[passage.document]
            inside = (passage.ordinal + 0.5) / max(1, entry.passages) * entry.tokens
            depth = (starts[passage.document] + inside) / max(1, length)
            found.append((min(1.0, depth), max(0.0, candidate.score)))
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
