"""Corpora and their indexes: made or brought up to date when they are needed, and kept open."""

from __future__ import annotations

import threading
from hashlib import blake2b
from pathlib import Path

from hybrid.corpus.corpus import Corpus, CorpusLike
from hybrid.corpus.readers.read import READING
from hybrid.each.kept import erase, tidy
from hybrid.errors import IndexDamaged, InputError, SettingsError
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.protocol import Changes, Index, Place, Progress, Store
from hybrid.index.workers import Workers
from hybrid.settings import Settings
from hybrid.settings.names import STORES
from hybrid.text.words import VERSION as WORDS

_OPEN = 16  # indexes kept open
ADDRESS = "lance:"  # before the folder or address of a Lance index that is asked as it is


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
        if isinstance(corpus, Store):
            return corpus
        place = address(corpus)
        return self.index(corpus, progress)[0] if place is None else self._at(place)

    def _at(self, place: Place) -> Store:
        """The Lance index at a place, which others make and keep up to date."""
        with self._lock:
            key = f"{ADDRESS}{place}"
            if key not in self._stores:
                self._make_room()
                self._stores[key] = STORES["lance"](place, self.embedder, self.chunker, create=False)
            return self._stores[key]

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
        if (place := address(corpus)) is not None:
            raise InputError(f"{ADDRESS}{place} names an index, and no files that one could be made of; ask about it.")
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
        path: Place | None,
        corpus: CorpusLike,
        found: Corpus,
        progress: Progress | None,
        workers: Workers | None,
    ) -> tuple[Store, Changes | None]:
        """The index of a corpus, opened once, and its changes."""
        if key not in self._stores:
            self._make_room()
            self._stores[key] = self.index_kind(path, self.embedder, self.chunker)
            self._stores[key].inspect()
            self._given[key] = corpus
        store = self._stores[key]
        store.passed_over = found.problems
        if store.fresh(found):
            return store, None
        changes = store.update(found, progress, *([] if workers is None else [workers]))
        if changes.any:
            tidy(store)
        return store, changes

    def _make_room(self) -> None:
        """Forget the index that was opened first, where too many are open."""
        if len(self._stores) >= _OPEN:
            oldest = next(iter(self._stores))
            self._given.pop(oldest, None)
            self._stores.pop(oldest)

    def index_path(self, corpus: Corpus) -> Place | None:
        """The folder or address of a corpus's index; None for given texts, which are indexed in memory."""
        chosen = self.settings.index.dir
        if chosen is not None and "://" in chosen:
            if self.settings.index.store == "sqlite":
                raise SettingsError(
                    f"index.dir is the address {chosen}, where only the store lance can be: set index.store to lance."
                )
            return chosen
        if chosen is not None:
            return Path(chosen)
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
                if isinstance(path, Path):
                    erase(path)

    def _discard(self, key: str, path: Place) -> None:
        """Forget an index and delete its files, and nothing else: what was extracted from documents was paid for."""
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


def address(corpus: object) -> str | None:
    """The place of the Lance index that a corpus names, as `lance:s3://bucket/folder`; None where it names files."""
    if isinstance(corpus, (list, tuple)) and len(corpus) == 1:
        corpus = corpus[0]
    if isinstance(corpus, str) and corpus.startswith(ADDRESS) and len(corpus) > len(ADDRESS):
        return corpus.removeprefix(ADDRESS)
    return None
