"""Many engines with prefix caches under a load of questions, without a GPU: which routing keeps prefixes warm.

Questions arrive as a Poisson stream. A share of them reads a whole document, drawn by Zipf's law; the others read
passages. An engine serves in the order of arrival; a question occupies it for its prefill and for its part of decoding
in a batch, by the cost model of `hybrid.cost.work`. Its cache keeps whole documents, the least recently read leave it;
behind it there may be a disk, of each engine or of all, from which a document is loaded at so many tokens a second.

Because each engine serves in order, what a question finds in the cache is known when it is routed, and no calendar of
events is needed. A document that comes from the disk delays its question and not the engine. Left out: partial
prefixes, chunked prefill between decoding steps, failures, answers of other lengths.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from hybrid.cost.rates import Rates
from hybrid.cost.shape import Shape
from hybrid.cost.work import OUTPUT, QUESTION, work

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
PASSAGES = 1_700  # tokens of eight passages
SLACK = 1.25  # times the mean load that an engine may have under bounded loads (arXiv 1608.01350)
ROUTINGS = ("random", "round-robin", "least", "affinity", "bounded")
_HEAD = 20_000  # documents that are taken one by one for the steady state
_GRID = 64  # lengths between which times are interpolated


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked.

    Args:
        rate: questions a second.
        seconds: of arrivals.
        documents: that may be asked about.
        zipf: exponent of their popularity; 0 asks about all alike.
        whole: share of the questions that read a whole document.
        median, spread: tokens of a document in the middle, and the deviation of their logarithm.
        shortest, longest: limits of a document's tokens.
    """

    rate: float
    seconds: float
    documents: int = 100_000
    zipf: float = 1.0
    whole: float = 0.3
    median: float = 24_000
    spread: float = 0.8
    shortest: int = 2_000
    longest: int = 128_000


@dataclass(frozen=True, slots=True)
class Fleet:
    """What serves.

    Args:
        engines: how many.
        cache: tokens that each keeps in memory.
        disk: tokens that its disk keeps; 0: none.
        shared: whether one disk serves all engines.
        load: tokens a second that come from the disk.
        warm: whether the caches begin with the documents asked most, as after `hybrid warm`.
    """

    engines: int
    cache: int
    disk: int = 0
    shared: bool = False
    load: float = 20_000.0
    warm: bool = False


class Times(NamedTuple):
    """Seconds of a question by its tokens, on a grid: prefill cold and cached, decoding alone, and the host's work."""

    tokens: Floats
    cold: Floats
    cached: Floats
    decode: Floats  # from the first token to the last
    share: float  # of decoding that a question occupies the engine for: one part of a batch
    host: Floats

    @classmethod
    def of(cls, shape: Shape, rates: Rates, *, batch: int = 8, output: int = OUTPUT) -> Times:
        """The times of a model on its hardware, decoding `batch` questions together."""
        tokens = np.geomspace(128, 200_000, _GRID)
        whole = [round(length) for length in tokens]
        cold = [work(shape, rates, length + QUESTION, 1) for length in whole]
        cached = [work(shape, rates, QUESTION, 1, cached=length) for length in whole]
        decode = [work(shape, rates, 1, output, cached=length, batch=batch).decode for length in whole]
        host = [e.seconds - e.engine for e in cold]
        prefill, again = ([e.engine for e in each] for each in (cold, cached))
        return cls(tokens, np.array(prefill), np.array(again), np.array(decode), 1 / batch, np.array(host))


class Result(NamedTuple):
    """What a run came to.

    Args:
        cached, loaded: shares of the tokens of whole documents that were found in memory, and on disk.
        busy: engine-seconds a question.
        used: share of the time that engines were busy.
        p50, p95, p99: seconds from arrival until its prefill begins.
        first95: seconds until the first token, 95 % of the questions are below.
        good: questions a second whose first token came in time.
    """

    cached: float
    loaded: float
    busy: float
    used: float
    p50: float
    p95: float
    p99: float
    first95: float
    good: float


class Cache:
    """Documents by tokens; the least recently read leave when a bound is passed."""

    def __init__(self, tokens: int) -> None:
        self._most, self._held, self._tokens = tokens, 0, OrderedDict[int, int]()

    def read(self, document: int) -> bool:
        """Whether it is there; then it counts as just read."""
        if document not in self._tokens:
            return False
        self._tokens.move_to_end(document)
        return True

    def keep(self, document: int, tokens: int) -> None:
        """Keep a document that is not there, if it fits at all."""
        if tokens > self._most:
            return
        self._tokens[document] = tokens
        self._held += tokens
        while self._held > self._most:
            self._held -= self._tokens.popitem(last=False)[1]

    @property
    def room(self) -> int:
        """Tokens that are left."""
        return self._most - self._held


class Engines:
    """The engines at one moment: when each is free, what is under way, what it has cached."""

    def __init__(self, fleet: Fleet, rng: np.random.Generator) -> None:
        count = fleet.engines
        self.free = np.zeros(count)
        self.under_way = np.zeros(count, np.int64)
        self._ends: list[tuple[float, int]] = []
        self.caches = [Cache(fleet.cache) for _ in range(count)]
        disks = [Cache(fleet.disk) for _ in range(1 if fleet.shared else count)]
        self.disks = [disks[0 if fleet.shared else i] for i in range(count)]
        self._keys = rng.integers(0, 2**63, count, dtype=np.uint64)
        self._turn = 0
        self._rng = rng

    def until(self, now: float) -> None:
        """Forget what has ended."""
        while self._ends and self._ends[0][0] <= now:
            self.under_way[heappop(self._ends)[1]] -= 1

    def begin(self, place: int, end: float) -> None:
        """A question is under way on an engine until `end`."""
        heappush(self._ends, (end, place))
        self.under_way[place] += 1

    def order(self, document: int) -> Ints:
        """Engines in the order in which a document prefers them (rendezvous hashing)."""
        with np.errstate(over="ignore"):  # splitmix64 of document and engine
            mixed = self._keys ^ np.uint64((document + 1) * 0x9E3779B97F4A7C15 % 2**64)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.argsort(mixed ^ (mixed >> np.uint64(31)))

    def route(self, routing: str, document: int) -> int:
        """The engine for a question; -1 as document reads passages, which no cache keeps."""
        count = len(self.free)
        if routing == "random":
            return int(self._rng.integers(count))
        if routing == "round-robin":
            self._turn += 1
            return self._turn % count
        if routing == "soonest":  # knows how long each will work: the bound that theory gives for one queue
            return int(np.argmin(self.free))
        if routing == "least" or document < 0:
            least = np.flatnonzero(self.under_way == self.under_way.min())
            return int(least[self._rng.integers(len(least))])
        order = self.order(document)
        if routing == "affinity":
            return int(order[0])
        most = np.ceil(SLACK * (self.under_way.sum() + 1) / count)
        return int(order[np.argmax(self.under_way[order] + 1 <= most)])


def simulate(
    load: Load,
    fleet: Fleet,
    times: Times,
    routing: str,
    *,
    seed: int | np.random.Generator = 0,
    limit: float = 10.0,
    seen: Callable[[list[float]], Any] | None = None,
) -> Result:
    """Serve a load with some routing.

    Args:
        routing: one of `ROUTINGS`.
        limit: seconds for a first token to be in time.
        seen: receives the waits of all questions.
    """
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.exponential(1 / load.rate, round(load.rate * load.seconds)))
    count = len(arrivals)
    drawn = rng.lognormal(np.log(load.median), load.spread, load.documents)
    lengths: Ints = np.clip(drawn, load.shortest, load.longest).astype(np.int64)
    popularity = np.cumsum(np.arange(1, load.documents + 1, dtype=np.float64) ** -load.zipf)
    asked = np.searchsorted(popularity, rng.random(count) * popularity[-1])
    asked = np.where(rng.random(count) < load.whole, asked, -1)
    tokens = np.where(asked >= 0, lengths[asked], PASSAGES)
    cold, cached, decode, host = (np.interp(tokens, times.tokens, y) for y in (*times[1:4], times.host))
    engines = Engines(fleet, rng)
    if fleet.warm:
        _fill(engines, lengths, routing)
    waits, firsts, busy = np.zeros(count), np.zeros(count), np.zeros(count)
    found = np.zeros(count, np.int64)  # 0 computed, 1 in memory, 2 on disk
    for i, now in enumerate(arrivals.tolist()):
        engines.until(now)
        document = int(asked[i])
        place = engines.route(routing, document)
        prefill, delay = float(cold[i]), 0.0
        if document >= 0:
            size = int(tokens[i])
            if engines.caches[place].read(document):
                found[i], prefill = 1, float(cached[i])
            else:
                if engines.disks[place].read(document):
                    found[i], prefill, delay = 2, float(cached[i]), size / fleet.load
                else:
                    engines.disks[place].keep(document, size)
                engines.caches[place].keep(document, size)
        begin = max(now, float(engines.free[place]))
        busy[i] = prefill + times.share * float(decode[i])
        waits[i] = begin - now
        firsts[i] = waits[i] + delay + prefill + float(host[i])
        engines.free[place] = begin + busy[i]
        engines.begin(place, begin + delay + prefill + float(decode[i]))
    if seen is not None:
        seen(waits.tolist())
    whole = asked >= 0
    total = max(1, int(tokens[whole].sum()))
    span = max(float(engines.free.max()), float(arrivals[-1]))
    memory, disk = (float(tokens[whole & (found == how)].sum() / total) for how in (1, 2))
    p50, p95, p99 = np.quantile(waits, [0.5, 0.95, 0.99]).tolist()
    return Result(
        memory,
        disk,
        float(busy.mean()),
        float(busy.sum() / span / fleet.engines),
        p50,
        p95,
        p99,
        float(np.quantile(firsts, 0.95)),
        float((firsts <= limit).sum() / span),
    )


def _fill(engines: Engines, lengths: Ints, routing: str) -> None:
    """Read the documents asked most into the engines that will be asked for them, until caches and disks are full.

    Without affinity nobody knows which engine will be asked, and documents go round.
    """
    count = len(engines.free)
    full = 0
    for document, size in enumerate(lengths.tolist()):
        place = int(engines.order(document)[0]) if routing in ("affinity", "bounded") else document % count
        kept = False
        for cache in (engines.caches[place], engines.disks[place]):
            if size <= cache.room:
                cache.keep(document, size)
                kept = True
        full = 0 if kept else full + 1
        if full > 50 * count:
            return


def over_seeds(run: Callable[..., Result], seeds: Sequence[int]) -> dict[str, tuple[float, float | None]]:
    """Mean and half of the 95 % interval (Student's t) of every figure over several seeds, which `run` takes.

    One seed has no interval: None.
    """
    rows = np.array([run(seed=seed) for seed in seeds])
    few = len(seeds)
    means = dict(zip(Result._fields, rows.mean(0).tolist(), strict=True))
    if few < 2:
        return {name: (mean, None) for name, mean in means.items()}
    halves = (_t(few - 1) * rows.std(0, ddof=1) / np.sqrt(few)).tolist()
    return {name: (mean, half) for (name, mean), half in zip(means.items(), halves, strict=True)}


def _t(freedom: int) -> float:
    """The 97.5 % point of Student's t, from a table for few degrees of freedom."""
    table = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
    return table[freedom - 1] if freedom <= len(table) else 2.0


def steady(load: Load, fleet: Fleet, routing: str, *, seed: int = 0) -> tuple[float, float]:
    """The shares of whole documents' tokens found in memory and on disk once caches are full, without a run.

    Che's approximation: a cache that forgets the least recently read keeps a document for one time T that is the same
    for all, so that it holds what is asked again within T (Che, Tung and Wang, IEEE JSAC 20(7), 2002). With affinity
    the fleet's memory is one cache, otherwise every engine has its own for the same documents.
    """
    rng = np.random.default_rng(seed)
    count = min(load.documents, 5 * _HEAD)  # enough for the mean of the rest
    drawn = np.clip(rng.lognormal(np.log(load.median), load.spread, count), load.shortest, load.longest)
    head = min(load.documents, _HEAD)
    edges: Ints = np.array([head + 1])
    if load.documents > head:  # ranks far back are taken in stretches
        edges = np.unique(np.geomspace(head + 1, load.documents + 1, 2_000).astype(np.int64))
    widths, middles = np.diff(edges), np.sqrt(edges[:-1] * (edges[1:] - 1.0))
    popularity = np.concatenate([np.arange(1, head + 1), middles]) ** -load.zipf
    popularity /= popularity[:head].sum() + (popularity[head:] * widths).sum()
    sizes = np.concatenate([drawn[:head], widths * drawn[-_HEAD:].mean()])
    together = fleet.engines if routing in ("affinity", "bounded") else 1
    memory = _held(popularity, sizes, fleet.cache * together)
    disk = _held(popularity, sizes, fleet.disk * (1 if fleet.shared else together))
    return memory, max(0.0, disk - memory)


def _held(popularity: Floats, sizes: Floats, capacity: float) -> float:
    """The share of the tokens asked for that a cache of `capacity` tokens holds."""
    if capacity >= sizes.sum():
        return 1.0
    low, high = 0.0, 1.0
    while (sizes * -np.expm1(-popularity * high)).sum() < capacity:
        low, high = high, high * 4
    for _ in range(50):
        middle = (low + high) / 2
        full = (sizes * -np.expm1(-popularity * middle)).sum() >= capacity
        low, high = (low, middle) if full else (middle, high)
    found = -np.expm1(-popularity * low)
    return float((popularity * sizes * found).sum() / (popularity * sizes).sum())
