"""Documents read into an engine's cache before anybody asks: which, at what price, and the reading.

What is sent is what the route long will send: the same rules and documents in the same bytes, up to the place where
the question begins, and one token is written. An engine that holds it already says so and computes nothing.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hybrid.chat.prompts import Prompt
from hybrid.cost.estimate import estimate, of_settings
from hybrid.cost.work import OUTPUT, QUESTION, break_even
from hybrid.engines.base import Engine
from hybrid.errors import EngineError, InputError, SettingsError
from hybrid.index.protocol import Store
from hybrid.reading.window import fit
from hybrid.serving.plan import PASSAGES
from hybrid.session.caches import Caches
from hybrid.session.hybrid import Hybrid
from hybrid.session.warmed import Part, Prefix, Warmed, digests
from hybrid.settings import Settings
from hybrid.types import Cost, Piece, Usage

TIMES = 3.0  # what a question on the whole may cost, in questions over passages, to be worth it
WARM = 0.9  # share of a prompt that has to be cached for it to count as warm
BLOCKS = 256  # tokens at the end of a prefix that may be missing, because engines cache in blocks
_FAILED = 3  # readings in a row after which the engine is given up


@dataclass(frozen=True, slots=True)
class Reading:
    """A prefix to read, and what it is expected to cost.

    Args:
        documents: one, or all of a corpus that fits the window.
        tokens: of the prompt.
        price: of the reading.
        cold, warm: a question on the whole before, and after.
        passages: a question over passages instead.
        questions: from how many questions on the whole costs on average at most `TIMES` one over passages; None: never,
            or not known.
        known: whether the present run of its server has read it already.
        server: the address of the server that reads it; empty where the engine is none.
    """

    documents: tuple[str, ...]
    tokens: int
    price: Cost
    cold: Cost
    warm: Cost
    passages: Cost
    questions: int | None
    known: bool
    server: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """A prefix that was read: the engine's own figures."""

    reading: Reading
    usage: Usage
    was: str  # cold, warm, or disk: where an earlier run had left it, and from where the engine says it came


def readings(
    hybrid: Hybrid, store: Store, documents: Sequence[str] = (), caches: Caches | None = None
) -> list[Reading]:
    """What can be read ahead, the longest first: all of a corpus that fits the window, else document by document.

    Args:
        documents: names of the only ones; none: all that fit the window.
        caches: of the engine's servers; None: they are asked now.

    Raises:
        InputError: a document is not in the corpus, or a named one does not fit the window.
    """
    entries = {entry.name: entry for entry in store.entries()}
    if missing := [name for name in documents if name not in entries]:
        raise InputError(f"There is no document {missing[0]!r} in the corpus. See: hybrid index show PATH.")
    engine, room = hybrid.long_engine, _room(hybrid)
    ratio = hybrid._situating.ratio(engine, store)
    sized = {name: round(ratio * entries[name].tokens) + BLOCKS for name in documents or entries}
    if not documents and sum(sized.values()) <= room:
        groups = [tuple(sorted(sized))]
    else:
        groups = [(name,) for name in sized if sized[name] <= room]
        if documents and len(groups) < len(sized):
            name = next(name for name in sized if sized[name] > room)
            raise InputError(
                f"The document {name!r} has about {sized[name]:,} tokens and {engine.name} has room for {room:,}: it "
                "is read in parts, which no cache keeps. Serve a longer window, or leave it out."
            )
    known, caches = Warmed.of(engine.name), caches or Caches.read(engine, hybrid.settings)
    found = [_reading(hybrid, store, group, sum(sized[n] for n in group), known, caches) for group in groups]
    return sorted(found, key=lambda one: (-one.tokens, one.documents))


def paying(found: Sequence[Reading], questions: float, capacity: Mapping[str, int | None]) -> list[Reading]:
    """The readings that pay with as many questions on each, the longest first, as many as each server's cache holds.

    Args:
        capacity: tokens that the cache of each server holds; None, or no such server: unknown, all.
    """
    chosen: list[Reading] = []
    held: Counter[str] = Counter()
    for one in found:
        pays = one.questions is not None and one.questions <= questions
        room = capacity.get(one.server)
        if pays and (room is None or one.tokens + held[one.server] <= room):
            chosen.append(one)
            held[one.server] += one.tokens
    return chosen


def capacity(caches: Caches, settings: Settings, gigabytes: float | None) -> dict[str, int | None]:
    """Tokens that each server's cache holds: on disk, if its GB are given, else in memory, if it tells; None: unknown.

    Raises:
        SettingsError: the model's shape is not known, so that GB cannot be told in tokens.
    """
    if gigabytes is not None:
        shape = of_settings(settings.cost).shape
        return dict.fromkeys(caches.servers, int(gigabytes * 1e9 / max(1.0, shape.kv_bytes(1_000_000) / 1_000_000)))
    return {address: cache.capacity for address, cache in caches.servers.items()}


def read(
    hybrid: Hybrid,
    store: Store,
    chosen: Sequence[Reading],
    failures: dict[tuple[str, ...], EngineError],
    step: Callable[[int, int], None] = lambda done, total: None,
    caches: Caches | None = None,
) -> Iterator[Read]:
    """Read prefixes one after the other; each is remembered when it is read, so that a kill loses none before it.

    Args:
        failures: receives the engine's errors; the others go on, but not after three in a row.
        step: told how many are done.
        caches: of the engine's servers; None: they are asked now.
    """
    engine, in_a_row = hybrid.long_engine, 0
    caches = caches or Caches.read(engine, hybrid.settings)
    for done, one in enumerate(chosen):
        step(done, len(chosen))
        pieces = _pieces(store, one.documents)
        earlier, home = Warmed.of(engine.name).found(digests(pieces)), caches.home(pieces)
        old = earlier is not None and earlier.left_on(home, caches.runs)
        before = caches.loaded(home) if old else 0.0
        try:
            usage, in_a_row = _prefill(engine, Prompt("", pieces)), 0
        except EngineError as error:
            failures[one.documents] = error
            in_a_row += 1
            if in_a_row == _FAILED:
                return
            continue
        server = caches.home(pieces)  # that has answered, which may not be the one from before
        was = "warm" if usage.cached_tokens >= WARM * usage.prompt_tokens else "cold"
        if was == "warm" and old and server == home and caches.has_loaded(home, before, usage.cached_tokens):
            was = "disk"  # and not by a question in between
        speed = usage.cached_tokens / usage.seconds if was == "disk" and usage.seconds else None
        counts = engine.count([piece.text for piece in pieces])
        parts = [Part(p.document, tokens, key) for p, tokens, key in zip(pieces, counts, digests(pieces), strict=True)]
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        prefix = Prefix(tuple(parts), caches.run(pieces), today, server)
        Warmed.of(engine.name).having(prefix, speed).save()  # others may have written it
        hybrid.warm.note(engine.name, [(part.name, part.tokens) for part in parts], usage.cached_tokens)
        yield Read(one, usage, was)
    step(len(chosen), len(chosen))


def _reading(
    hybrid: Hybrid, store: Store, documents: tuple[str, ...], tokens: int, known: Warmed, caches: Caches
) -> Reading:
    settings, pieces = hybrid.settings.cost, _pieces(store, documents)
    server = caches.home(pieces)
    run = caches.servers[server].run if server else ""
    earlier = known.found(digests(pieces)) if known.prefixes else None
    cold, warm = (estimate(settings, tokens + QUESTION, OUTPUT, cached) for cached in (0, tokens))
    passages = min(PASSAGES, tokens)
    try:
        setup = of_settings(settings)
        questions = break_even(setup.shape, setup.rates, tokens, passages, times=TIMES).questions
    except SettingsError:
        questions = None
    return Reading(
        documents=documents,
        tokens=tokens,
        price=estimate(settings, tokens, 1),
        cold=cold,
        warm=warm,
        passages=estimate(settings, passages + QUESTION, OUTPUT),
        questions=questions,
        known=bool(earlier is not None and run and earlier.run == run),
        server=server,
    )


def _pieces(store: Store, documents: Sequence[str]) -> tuple[Piece, ...]:
    """Whole documents as the route long reads them, in the order of their names."""
    return tuple(Piece(name, store.document(name).text, 0) for name in sorted(documents))


def _room(hybrid: Hybrid) -> int:
    """Tokens that documents may take beside a short question and its answer."""
    engine, most = hybrid._situating.engine_for("documents")
    frame = fit(engine, "?", (), most).tokens
    return engine.window - most - frame - QUESTION


def _prefill(engine: Engine, prompt: Prompt) -> Usage:
    """What reading a prompt took; the one token that is written may be no text, which is no failure here."""
    try:
        return engine.ask(prompt, max_tokens=1).usage
    except EngineError as error:
        if not isinstance(error.usage, Usage) or not error.usage.prompt_tokens:
            raise
        return error.usage
