"""The prefix caches of an engine's servers: which one has a document, how much each holds, since when."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from hybrid.chat.prompts import Prompt
from hybrid.cost.prometheus import Counters
from hybrid.engines.base import Engine
from hybrid.settings import Settings
from hybrid.settings.address import shown
from hybrid.types import Piece

TIMEOUT = 2.0  # seconds for a server to tell
SETTLE = 1.0  # seconds until its counters have what it has just answered
_LOADED = "vllm:external_prefix_cache_hits_total"  # tokens that came from below its memory


@dataclass(frozen=True, slots=True)
class Cache:
    """One server's."""

    run: str = ""  # when the server was started, as it says; empty if it does not
    capacity: int | None = None  # tokens in its memory; None: it does not tell


@dataclass(frozen=True, slots=True)
class Caches:
    """Those of all servers of an engine, by their addresses without passwords; without servers it has none."""

    engine: Engine
    servers: Mapping[str, Cache]
    model: str | None = None  # on the servers
    asked: Mapping[str, Sequence[str]] = field(default_factory=dict)  # where each is asked for its counters

    @classmethod
    def read(cls, engine: Engine, settings: Settings) -> Caches:
        """What the servers tell that read whole documents; all are asked at once."""
        chosen = settings.long_engine or settings.engine
        urls = chosen.urls or ((chosen.url,) if chosen.url else ())
        behind: tuple[str, ...] = getattr(engine, "behind", ()) if len(urls) == 1 else ()
        asked = behind or urls
        with ThreadPoolExecutor(max(1, len(asked))) as pool:
            told = list(pool.map(lambda url: Counters.read(url, chosen.model, timeout=TIMEOUT), asked))
        each = [Cache(one.started, one.capacity) for one in told]
        named = list(map(shown, urls))
        if behind:
            return cls(engine, {named[0]: _together(each)}, chosen.model, {named[0]: behind})
        alone = {name: (url,) for name, url in zip(named, urls, strict=True)}
        return cls(engine, dict(zip(named, each, strict=True)), chosen.model, alone)

    @property
    def runs(self) -> set[str]:
        """All present runs."""
        return {cache.run for cache in self.servers.values()}

    def home(self, pieces: Sequence[Piece]) -> str:
        """The address of the server that is asked about these documents now; empty where there is none."""
        home = getattr(self.engine, "home", None)
        if home is None or len(self.servers) < 2:
            return next(iter(self.servers), "")
        address: str = home(Prompt("", tuple(pieces)))
        return address

    def run(self, pieces: Sequence[Piece]) -> str:
        """The run of that server."""
        return self.servers.get(self.home(pieces), Cache()).run

    def loaded(self, address: str) -> float:
        """Tokens that a server has loaded from below its memory since it was started; 0 where it does not tell."""
        told = (Counters.read(url, self.model, timeout=TIMEOUT) for url in self.asked.get(address, ()))
        return sum(one.values.get(_LOADED, 0.0) for one in told)

    def has_loaded(self, address: str, before: float, tokens: int) -> bool:
        """Whether a server says that it loaded about as many tokens since it had loaded `before`."""
        until = time.monotonic() + SETTLE
        while self.loaded(address) - before < tokens / 2:
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True


def _together(each: Sequence[Cache]) -> Cache:
    """The caches behind a router, which alone knows where a document is: one that starts anew may have lost it."""
    run = "" if not all(cache.run for cache in each) else " ".join(cache.run for cache in each)
    return Cache(run, sum(cache.capacity or 0 for cache in each) or None)
