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
from hybrid.index.workers import Look, Wanted, look
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
    texts: int = 0  # that were embedded
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

    def embed(self, texts: Sequence[str]) -> Done:
        """The unit vectors of texts in half precision, shape (n, d)."""

        def work() -> Any:
            if not self._ready:
                self._embedder.prepare(texts, self._total)
                self._ready = True
            return self._embedder.encode_documents(texts, part=True).astype(np.float16)

        return _done(work, len(texts))

    _ready = False  # whether the embedder knows how much there is to come


def _done(work: Callable[[], Any], texts: int = 0) -> Done:
    """Do some work; an error that a user can mend becomes a sentence."""
    begun, worked = time.perf_counter(), time.process_time()
    result, failure = None, ""
    try:
        with _quietly():
            result = work()
    except HybridError as error:
        failure = str(error)
    return Done(result, failure, texts, time.perf_counter() - begun, time.process_time() - worked)


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
