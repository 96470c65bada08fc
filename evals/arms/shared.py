"""Embedders and indexes that arms share, and things that an arm keeps for a corpus."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from hybrid.evals.content import digest

from hybrid.corpus.corpus import Corpus
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.protocol import Index, Store
from hybrid.settings import EmbedderSettings, Settings
from hybrid.settings.names import STORES

_OPEN = 8  # corpora that an arm keeps ready
_KEPT = 64_000_000  # characters of texts whose indexes the arms of a run share
T = TypeVar("T")


class Shared:
    """Embedders and indexes in memory that all arms of a run share, so that a text is embedded once."""

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
        corpus = settings.corpus.model_dump_json()  # some of its settings are tables, which cannot be hashed
        key = (digest(documents), settings.embedder, settings.passages, corpus, settings.index.store)
        with self._lock:
            if key not in self._stores:
                embedder = self.embedder(settings)
                store: Index = STORES[settings.index.store](None, embedder, Chunker(embedder, settings.passages))
                store.update(Corpus.of(documents, settings.corpus))
                self._stores[key] = store
                self._characters += sum(map(len, documents.values()))
                if self._characters > _KEPT:
                    self._stores.clear()  # arms under way hold theirs
                    self._characters = 0
                    self._stores[key] = store
            return self._stores[key]


class Kept(Generic[T]):
    """Things made for the last few corpora, found by the mapping object that samples share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: OrderedDict[int, tuple[Mapping[str, str], T]] = OrderedDict()

    def get(self, documents: Mapping[str, str], make: Callable[[], T]) -> T:
        """The thing made for `documents` at the first call; the mapping is held, so no other gets its id."""
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
