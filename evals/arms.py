"""Arms: whatever answers a sample, behind one seam.

    hybrid       the whole way of a question, with any settings of hybrid.toml: a policy, a forced route, an ordering
    raw          a benchmark's own prompt, word for word, as one user message
    llama_index  a query engine of LlamaIndex
    function     a function of the user: (question, documents) -> text

Arms are called from as many threads as their concurrency says, because that is what fills an engine's batch; an engine
in this process gathers these calls itself.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from hybrid.evals.metrics.retrieval import Range
from hybrid.evals.sample import Count, Sample
from hybrid.evals.suite import ArmSpec, target

from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import abstains
from hybrid.chat.thinking import spoken
from hybrid.corpus.corpus import Corpus
from hybrid.cost.estimate import shape_named
from hybrid.cost.price import price
from hybrid.document import Location
from hybrid.engines.base import Engine
from hybrid.engines.make import make_engine
from hybrid.errors import InputError, SettingsError
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.store import Store
from hybrid.routing.policies import Doubting, Forced, Policy
from hybrid.routing.situation import Reading, Situation
from hybrid.session.hybrid import Hybrid
from hybrid.settings import EmbedderSettings, Settings
from hybrid.types import Answer, Candidate, Cost, Decision, Passage, Prediction, Route, Rung, Usage

_OPEN = 8  # corpora that an arm keeps ready
_KEPT = 64_000_000  # characters of texts whose indexes the arms of a run share
_MARKS = re.compile(r" ?\[\d+\]")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """What an arm made of a sample."""

    text: str  # as it is judged: without citation marks
    abstained: bool = False
    route: Route | None = None  # None where an arm knows no routes
    rung: Rung | None = None
    usage: Usage = field(default_factory=Usage)
    cost: Cost | None = None  # None where nothing tells
    decision: Mapping[str, Any] | None = None  # JSON: what was decided, on what, and each attempt
    timings: Mapping[str, float] = field(default_factory=dict)  # seconds by stage
    found: tuple[Range, ...] = ()  # what was retrieved, best first, whichever route was then taken


class Unsuited(InputError):
    """A sample that an arm has no way to answer: it is skipped, and counted as that."""


class Arm(Protocol):
    """Answers samples, from several threads at once."""

    @property
    def name(self) -> str:
        """As the suite calls it."""

    @property
    def concurrency(self) -> int:
        """Samples that keep its engine busy."""

    @property
    def count(self) -> Count | None:
        """Its model's tokenizer; None where it tells none."""

    def about(self) -> dict[str, Any]:
        """What sets it apart, as JSON: settings, engine, window."""

    def answer(self, sample: Sample) -> Reply:
        """Answer one sample.

        Raises:
            Unsuited: it has no way to answer this sample.
            WindowError: the sample is longer than its window.
            Exception: anything else fails this one sample; `usage` of the exception is what it took all the same.
        """

    def price(self, usage: Usage) -> Cost | None:
        """What a usage did cost; None where nothing tells."""

    def close(self) -> None:
        """Free what it holds."""


def _apart(settings: Settings, name: str) -> Settings:
    """The settings of an arm that finds nothing in a server's cache but what it read itself.

    Otherwise the arm that comes second on a document would look cheaper than the first.
    """
    salt = f"{name} {uuid4().hex}"
    engines = {
        field: engine.model_copy(update={"cache_salt": salt})
        for field in ("engine", "long_engine")
        if (engine := getattr(settings, field)) is not None and engine.cache_salt is None
    }
    return settings.model_copy(update=engines)


class Shared:
    """What the arms of a run have in common, so that a text is embedded once: embedders, and indexes in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._embedders: dict[EmbedderSettings, Embedder] = {}
        self._stores: OrderedDict[tuple[object, ...], Store] = OrderedDict()
        self._characters = 0

    def embedder(self, settings: Settings) -> Embedder:
        """The embedder of some settings."""
        return self._embedders.setdefault(settings.embedder, Embedder(settings.embedder))

    def store(self, documents: Mapping[str, str], settings: Settings) -> Store:
        """The index of some texts; the oldest are forgotten where they are many."""
        digest = blake2b(digest_size=16)
        for part in (part for pair in documents.items() for part in pair):
            digest.update(f"{len(part)} ".encode() + part.encode("utf-8", "replace"))
        key = (digest.digest(), settings.embedder, settings.passages, settings.corpus)
        with self._lock:
            if key not in self._stores:
                embedder = self.embedder(settings)
                store = Store(None, embedder, Chunker(embedder, settings.passages))
                store.update(Corpus.of(documents, settings.corpus))
                self._stores[key] = store
                self._characters += sum(map(len, documents.values()))
                if self._characters > _KEPT:
                    self._stores.clear()  # arms under way hold theirs
                    self._characters = 0
                    self._stores[key] = store
            return self._stores[key]


class HybridArm:
    """Hybrid with some settings.

    Args:
        shared: of all arms of a run; None for an arm of its own.
    """

    def __init__(self, name: str, settings: Settings, shared: Shared | None = None) -> None:
        routing = settings.routing
        forced = Forced(routing.route, routing.rung) if routing.route or routing.rung else None
        free = settings.model_copy(update={"routing": routing.model_copy(update={"route": None, "rung": None})})
        free = _apart(free, name)
        self.name = name
        self.settings = settings
        self._shared = shared or Shared()
        embedder = self._shared.embedder(settings)
        quoting = make_engine(free.engine, embedder) if free.engine.kind == "extractive" else None
        self._hybrid = Hybrid(free, engine=quoting, long_engine=free.long_engine, policy=forced)
        self._hybrid.embedder = embedder
        self._watched = watched(self._hybrid.policy)
        self._hybrid.policy = self._watched
        self._stores: _Kept[Store] = _Kept()

    @property
    def concurrency(self) -> int:
        return self._hybrid.engine.concurrency

    @property
    def count(self) -> Count:
        return self._hybrid.engine.count

    def about(self) -> dict[str, Any]:
        engines = dict.fromkeys((self._hybrid.engine, self._hybrid.long_engine))
        return {
            "kind": "hybrid",
            "settings": _shown(self.settings),
            "engines": [{"name": engine.name, "window": engine.window} for engine in engines],
            "kept": _kept(self.settings, self._hybrid.engine),
        }

    def answer(self, sample: Sample) -> Reply:
        if not sample.documents:
            raise Unsuited("it has no documents to retrieve from")
        begun = time.perf_counter()
        store = self._stores.get(sample.documents, lambda: self._shared.store(sample.documents, self.settings))
        opened = time.perf_counter() - begun
        answer = self._hybrid.answer(sample.question, store)
        attempts = [
            {
                "route": attempt.decision.route,
                "rung": attempt.decision.rung,
                "chunkwise": attempt.decision.chunkwise,
                "reason": attempt.decision.reason,
                "abstained": attempt.abstained,
                "usage": attempt.usage.model_dump(mode="json"),
                "cost": attempt.cost.model_dump(mode="json"),
                "left_out": attempt.left_out,
            }
            for attempt in answer.attempts
        ]
        situation = self._watched.take()
        best = situation.candidates[: self.settings.retrieval.k] if situation else ()
        return Reply(
            text=" ".join(_MARKS.sub("", answer.text).split()),
            abstained=answer.abstained,
            route=answer.decision.route,
            rung=answer.decision.rung,
            usage=answer.usage,
            cost=answer.cost,
            decision={
                "policy": self._watched.name,
                "attempts": attempts,
                "explored": _explored(answer),
                "situation": saved(situation) if situation is not None else None,
            },
            timings={**answer.timings, "index": opened},
            found=tuple((c.passage.document, c.passage.start, c.passage.end) for c in best),
        )

    def price(self, usage: Usage) -> Cost:
        engine = self._hybrid.engine
        return price(self.settings.cost, usage, on_gpu=engine.on_gpu, local=getattr(engine, "local", False))

    def close(self) -> None:
        self._stores.clear()
        self._hybrid.close()
        for engine in dict.fromkeys((self._hybrid.engine, self._hybrid.long_engine)):
            _close(engine)


class RawArm:
    """An engine that gets a benchmark's own prompt as one user message, and nothing else."""

    def __init__(self, name: str, settings: Settings, engine: Engine | None = None) -> None:
        if engine is None and settings.engine.kind == "extractive":
            raise SettingsError(
                f"The arm {name!r} sends prompts as they are, and the engine 'extractive' reads none: set "
                "engine.kind to server or vllm."
            )
        self.name = name
        self.settings = settings
        self._engine = engine or make_engine(_apart(settings, name).engine, Embedder(settings.embedder))

    @property
    def concurrency(self) -> int:
        return self._engine.concurrency

    @property
    def count(self) -> Count:
        return self._engine.count

    def about(self) -> dict[str, Any]:
        engine = {"name": self._engine.name, "window": self._engine.window}
        kept = _kept(self.settings, self._engine)
        return {"kind": "raw", "settings": _shown(self.settings), "engines": [engine], "kept": kept}

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
        _close(self._engine)


class QueryEngineArm:
    """A query engine of LlamaIndex, made for each corpus by a function of the user: documents -> engine."""

    count = None

    def __init__(self, name: str, function: Callable[[Mapping[str, str]], Any], concurrency: int = 1) -> None:
        self.name = name
        self.concurrency = concurrency
        self._function = function
        self._engines: _Kept[Any] = _Kept()

    def about(self) -> dict[str, Any]:
        return {"kind": "llama_index", "target": _named(self._function)}

    def answer(self, sample: Sample) -> Reply:
        engine = self._engines.get(sample.documents, lambda: self._function(sample.documents))
        begun = time.perf_counter()
        text = spoken(str(engine.query(sample.question)))
        return Reply(text, abstains(text), usage=Usage(seconds=time.perf_counter() - begun))

    def price(self, usage: Usage) -> None:
        return None

    def close(self) -> None:
        self._engines.clear()


class FunctionArm:
    """A function of the user: (question, documents) -> text."""

    count = None

    def __init__(self, name: str, function: Callable[[str, Mapping[str, str]], str], concurrency: int = 1) -> None:
        self.name = name
        self.concurrency = concurrency
        self._function = function

    def about(self) -> dict[str, Any]:
        return {"kind": "function", "target": _named(self._function)}

    def answer(self, sample: Sample) -> Reply:
        begun = time.perf_counter()
        text = spoken(str(self._function(sample.question, sample.documents)))
        return Reply(text, abstains(text), usage=Usage(seconds=time.perf_counter() - begun))

    def price(self, usage: Usage) -> None:
        return None

    def close(self) -> None:
        pass


def make_arm(spec: ArmSpec, settings: Settings, shared: Shared | None = None) -> Arm:
    """The arm of a specification.

    Args:
        settings: those of the suite, the command line and the arm together.
        shared: of all arms of the run.

    Raises:
        SettingsError: the settings do not fit the kind.
        InputError: the target cannot be imported.
    """
    if spec.kind == "hybrid":
        return HybridArm(spec.name, settings, shared)
    if spec.kind == "raw":
        return RawArm(spec.name, settings)
    arm = QueryEngineArm if spec.kind == "llama_index" else FunctionArm
    return arm(spec.name, target(spec.target), spec.concurrency)


@dataclass(frozen=True, slots=True)
class Verbatim(Prompt):
    """A prompt whose text is given."""

    text: str = ""

    def messages(self) -> list[dict[str, str]]:
        """One message of the user."""
        return [{"role": "user", "content": self.text}]


class Watched:
    """A policy that keeps the situation it decided on, thread by thread, for the record."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._seen = threading.local()
        self.name = policy.name
        self.escalates = policy.escalates

    def decide(self, situation: Situation) -> Decision:
        self._seen.situation = situation
        return self._policy.decide(situation)

    def review(self, situation: Situation, tried: Decision) -> Decision | None:
        return self._policy.review(situation, tried)

    def take(self) -> Situation | None:
        """The situation that this thread decided on last."""
        found: Situation | None = getattr(self._seen, "situation", None)
        self._seen.situation = None
        return found


class WatchedDoubting(Watched):
    """The same for a policy that also looks at attempts which answered."""

    def __init__(self, policy: Policy, doubting: Doubting) -> None:
        super().__init__(policy)
        self._doubting = doubting

    def reconsider(self, situation: Situation, tried: Decision) -> Decision | None:
        return self._doubting.reconsider(situation, tried)


def watched(policy: Policy) -> Watched:
    """A policy, watched."""
    return WatchedDoubting(policy, policy) if isinstance(policy, Doubting) else Watched(policy)


def saved(situation: Situation) -> dict[str, Any]:
    """A situation as JSON, the passages without their text."""
    return {
        "candidates": [
            {
                "document": c.passage.document,
                "passage": c.passage.id,
                "ordinal": c.passage.ordinal,
                "start": c.passage.start,
                "end": c.passage.end,
                "tokens": c.passage.tokens,
                "score": c.score,
                "dense": c.dense,
                "lexical": c.lexical,
            }
            for c in situation.candidates
        ],
        "documents": situation.documents,
        "tokens": situation.tokens,
        "rooms": situation.rooms,
        "largest": situation.largest,
        "features": dict(situation.features),
        "readings": {rung: asdict(reading) for rung, reading in situation.readings.items()},
        "predictions": {rung: p.model_dump(mode="json") for rung, p in situation.predictions.items()},
        "quoting": situation.quoting,
    }


def restored(question: str, data: Mapping[str, Any]) -> Situation:
    """The situation that `saved` wrote; texts, headings and lines of its passages are empty."""
    return Situation(
        question=question,
        candidates=tuple(_candidate(**candidate) for candidate in data["candidates"]),
        documents=data["documents"],
        tokens=data["tokens"],
        rooms=data["rooms"],
        largest=data["largest"],
        features=data["features"],
        readings={rung: Reading(**reading) for rung, reading in data.get("readings", {}).items()},
        predictions={rung: Prediction.model_validate(p) for rung, p in data["predictions"].items()},
        quoting=data.get("quoting", False),
    )


def _candidate(
    document: str,
    passage: int,
    ordinal: int,
    start: int,
    end: int,
    tokens: int,
    score: float,
    dense: float | None,
    lexical: float | None,
) -> Candidate:
    location = Location(start, end, 1, 1, None)
    found = Passage(passage, document, ordinal, "", start, end, location, "", tokens)
    return Candidate(found, score, dense, lexical)


class _Kept(Generic[T]):
    """What was made for the last few corpora, by the mapping object that samples share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: OrderedDict[int, tuple[Mapping[str, str], T]] = OrderedDict()

    def get(self, documents: Mapping[str, str], make: Callable[[], T]) -> T:
        """What belongs to `documents`, made at the first call; the mapping is held, so no other gets its id."""
        with self._lock:
            key = id(documents)
            if key not in self._made:
                self._made[key] = (documents, make())
                while len(self._made) > _OPEN:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return self._made[key][1]

    def clear(self) -> None:
        self._made.clear()


def _kept(settings: Settings, engine: Engine) -> dict[str, Any] | None:
    """What the engine's model keeps of a prompt, for estimates of memory; None where nobody said which model it is."""
    if not engine.on_gpu or "shape" not in settings.cost.model_fields_set:
        return None
    return {"model": Path(settings.cost.shape).name, **asdict(shape_named(settings.cost))}


def _shown(settings: Settings) -> dict[str, Any]:
    """Settings for a file that is passed on: a password in an address is left out."""
    data = settings.model_dump(mode="json")
    for section in ("engine", "long_engine"):
        url = (data[section] or {}).get("url")
        if url and "@" in urlsplit(url).netloc:
            parts = urlsplit(url)
            data[section]["url"] = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return data


def _close(engine: Engine) -> None:
    close = getattr(engine, "close", None)
    if close is not None:
        close()


def _explored(answer: Answer) -> dict[str, Any] | None:
    """What the other route made of the question, if that was explored, its text as it is judged."""
    if answer.explored is None:
        return None
    text = " ".join(_MARKS.sub("", answer.explored.text).split())
    return {**answer.explored.model_dump(mode="json"), "text": text}


def _named(function: Callable[..., Any]) -> str:
    return f"{function.__module__}:{getattr(function, '__qualname__', type(function).__name__)}"
