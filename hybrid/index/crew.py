"""What runs on the workers of a cluster: looking at files, and embedding. Ray is not needed to read this."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from hybrid import __version__
from hybrid.errors import HybridError
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.workers import Look, Wanted, Written, look
from hybrid.settings import EmbedderSettings, PassageSettings


@dataclass(frozen=True)
class Crew:
    """The settings that all workers share, as JSON."""

    embedder: str
    passages: str


class Done(NamedTuple):
    """What a worker made of its part. Errors are sent as sentences: their classes need not survive the way."""

    result: Any = None
    failure: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0


def version() -> str:
    """The version of this program on a worker."""
    return __version__


def look_at(crew: Crew, wanted: Sequence[Wanted]) -> Done:
    """Look at some sources; the result is a list of `Look`."""

    def work() -> list[Look]:
        chunker = _chunker(crew)
        looks = [look(one, chunker) for one in wanted]
        for one in looks:
            if one.prepared is not None:
                _ = one.prepared.keys, one.prepared.words()  # made here, where there are many
        return looks

    return _done(work)


class Embedding:
    """Embeds parts of a corpus, with one thread on a CPU or with one GPU.

    Args:
        precision: that of all workers; `auto` until one of them has judged.
        total: texts that all workers have to embed.
    """

    def __init__(self, crew: Crew, precision: str, device: str, total: int) -> None:
        settings = EmbedderSettings.model_validate_json(crew.embedder)
        self._settings = settings.model_copy(update={"device": device})
        self._total = total
        self._embedder = self._made(precision)
        self._chunker = Chunker(self._embedder, PassageSettings.model_validate_json(crew.passages))
        self._ready = False  # whether the embedder knows how much there is to come

    def _made(self, precision: str) -> Embedder:
        _one_thread()
        return Embedder(self._settings.model_copy(update={"precision": precision}), threads=1)

    def judge(self, sample: Sequence[str], thoroughly: bool) -> Done:
        """The precision for all workers: the quickest that ranks the sample as float32 does.

        Args:
            thoroughly: whether looking for one pays; float32 otherwise.
        """

        def work() -> str:
            if not thoroughly:
                self._embedder = self._made("float32")
                return "float32"
            self._embedder.prepare(sample, self._total)
            return self._embedder.precision

        return _done(work)

    def judge_of(self, wanted: Sequence[Wanted], thoroughly: bool) -> Done:
        """As `judge`, by the passages of some sources."""

        def sample() -> list[str]:
            made = [look(one, self._chunker).prepared for one in wanted] if thoroughly else []
            return [text for one in made if one is not None for text in one.contexts]

        sampled = _done(sample)
        return sampled if sampled.failure else self.judge(sampled.result, thoroughly and len(sampled.result) > 1)

    def embed(self, texts: Sequence[str]) -> Done:
        """The unit vectors of texts in half precision, shape (n, d)."""
        return _done(lambda: self._vectors(texts))

    def write(self, place: Any, wanted: Sequence[Wanted]) -> Done:
        """Look at sources, embed what is new in them, and write it as a fragment; the result is a `Written`."""
        return _done(lambda: self._written(place, wanted))

    def _written(self, place: Any, wanted: Sequence[Wanted]) -> Written:
        from hybrid.index.lance.writing import write_fragment

        looks = [look(one, self._chunker) for one in wanted]
        made = [one.prepared for one in looks if one.prepared is not None]
        seen = [one._replace(prepared=None) for one in looks]
        if not made:
            return Written(seen, None, 0)
        texts = {key: text for one in made for key, text in zip(one.keys, one.contexts, strict=True)}
        changed = any(one.known for one in wanted)
        known = self._known(place, list(texts)) if changed else {}
        waiting = {key: text for key, text in texts.items() if key not in known}
        vectors = {**known, **dict(zip(waiting, self._vectors(list(waiting.values())), strict=True))}
        shape = (-1, self._embedder.dimension)
        rows = [(one, np.array([vectors[key] for key in one.keys], np.float32).reshape(shape)) for one in made]
        return Written(seen, write_fragment(place, self._chunker, rows), len(waiting))

    def _known(self, place: Any, keys: list[str]) -> dict[str, Any]:
        """The vectors that the index has already, by key."""
        from hybrid.index.lance.table import opened, properties
        from hybrid.index.lance.view import LanceView

        return LanceView(place, self._embedder, opened(place, properties(self._chunker))).vectors(keys)

    def _vectors(self, texts: Sequence[str]) -> Any:
        if texts and not self._ready:
            self._embedder.prepare(texts, self._total)
            self._ready = True
        return self._embedder.encode_documents(texts, part=True).astype(np.float16)


def _done(work: Callable[[], Any]) -> Done:
    """Do some work; an error that a user can mend becomes a sentence."""
    begun, worked = time.perf_counter(), time.process_time()
    result, failure = None, ""
    try:
        with _quietly():
            result = work()
    except HybridError as error:
        failure = str(error)
    return Done(result, failure, time.perf_counter() - begun, time.process_time() - worked)


@lru_cache(maxsize=2)
def _chunker(crew: Crew) -> Chunker:
    _one_thread()
    embedder = Embedder(EmbedderSettings.model_validate_json(crew.embedder), threads=1)
    return Chunker(embedder, PassageSettings.model_validate_json(crew.passages))


def _one_thread() -> None:
    """Each worker has a core: threads of several would wait for each other."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


@contextmanager
def _quietly() -> Iterator[None]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nobody reads what a worker prints
        yield
