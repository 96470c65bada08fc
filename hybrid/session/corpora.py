"""Corpora and their indexes: made or brought up to date when they are needed, and kept open."""

from __future__ import annotations

import threading
from hashlib import blake2b
from pathlib import Path

from hybrid.corpus.corpus import Corpus, CorpusLike
from hybrid.corpus.readers.read import READING
from hybrid.errors import IndexDamaged
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.protocol import Changes, Index, Progress, Store
from hybrid.index.workers import Workers
from hybrid.settings import Settings
from hybrid.settings.names import STORES
from hybrid.text.words import VERSION as WORDS

_OPEN = 16  # indexes kept open


class Corpora:
    """Opens corpora with one embedder and keeps their indexes. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.embedder = Embedder(settings.embedder)
        self.chunker = Chunker(self.embedder, settings.passages)
        self.index_kind: type[Index] = STORES[settings.index.store]
        self._stores: dict[str, Index] = {}
        self._given: dict[str, object] = {}  # texts by the key of their index, kept so that no others get their id
        self._lock = threading.RLock()

    def open(self, corpus: CorpusLike | Store, progress: Progress | None = None) -> Store:
        """The index of a corpus, made or brought up to date; a store is given back without a look for changes.

        Raises:
            CorpusError: nothing readable is there.
            IndexStoreError: the index cannot be used or written.
        """
        return corpus if isinstance(corpus, Store) else self.index(corpus, progress)[0]

    def index(
        self,
        corpus: CorpusLike,
        progress: Progress | None = None,
        *,
        rebuild: bool = False,
        workers: Workers | None = None,
    ) -> tuple[Store, Changes | None]:
        """Bring the index of a corpus up to date; the changes are None where no file had changed.

        Args:
            workers: who reads, splits and embeds, such as a `hybrid.index.cluster.Cluster`; None: this process.
        """
        found = Corpus.of(corpus, self.settings.corpus)
        with self._lock:
            key = found.key or f"texts {id(corpus)}"
            path = self.index_path(found)
            if rebuild and path is not None:
                self._discard(key, path)
            try:
                return self._updated(key, path, corpus, found, progress, workers)
            except IndexDamaged as error:
                mended = error.mended
                if path is None or self.settings.index.dir is not None:  # a folder the user chose is theirs
                    raise
                self._discard(key, path)
            store, changes = self._updated(key, path, corpus, found, progress, workers)
            store.mended = mended
            return store, changes

    def _updated(
        self,
        key: str,
        path: Path | None,
        corpus: CorpusLike,
        found: Corpus,
        progress: Progress | None,
        workers: Workers | None,
    ) -> tuple[Store, Changes | None]:
        """The index of a corpus, opened once, and its changes."""
        if key not in self._stores:
            if len(self._stores) >= _OPEN:
                oldest = next(iter(self._stores))
                self._given.pop(oldest, None)
                self._stores.pop(oldest)
            self._stores[key] = self.index_kind(path, self.embedder, self.chunker)
            self._stores[key].inspect()
            self._given[key] = corpus
        store = self._stores[key]
        store.passed_over = found.problems
        if store.fresh(found):
            return store, None
        return store, store.update(found, progress, *([] if workers is None else [workers]))

    def index_path(self, corpus: Corpus) -> Path | None:
        """The folder of a corpus's index; None for texts given directly, which are indexed in memory."""
        if self.settings.index.dir is not None:
            return Path(self.settings.index.dir)
        if not corpus.key:
            return None
        from platformdirs import user_cache_path

        made_by = f"{corpus.key} {self.embedder.fingerprint} {self.settings.passages.tokens} {READING}.{WORDS}"
        if self.settings.index.store != "sqlite":  # whose folders keep the names they had
            made_by += f" {self.settings.index.store}"
        return user_cache_path("hybrid-context") / blake2b(made_by.encode(), digest_size=10).hexdigest()

    def forget(self, store: Store) -> None:
        """Delete an index that was opened here; questions under way go on with what they have opened.

        Raises:
            IndexStoreError: its files cannot be deleted.
        """
        with self._lock:
            for key in [key for key, known in self._stores.items() if known is store]:
                del self._stores[key]
                self._given.pop(key, None)
            path = getattr(store, "path", None)
            if path is not None and self.settings.index.dir is None:  # a folder the user chose is theirs
                self.index_kind.delete(path)

    def _discard(self, key: str, path: Path) -> None:
        """Forget an index and delete its files, and nothing else in its folder."""
        if key in self._stores:
            self._stores.pop(key).close()
        self.index_kind.delete(path)

    def close(self) -> None:
        """Release opened indexes."""
        with self._lock:
            for store in self._stores.values():
                store.close()
            self._stores.clear()
            self._given.clear()
