"""What a store offers: passages and documents for a question. An index is a store that this project fills itself.

`STORES` in hybrid/settings/names.py names the indexes, and the setting `index.store` chooses one. A new one is a class
with the members of `Index`; tests/index/test_stores.py tries all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.fields import Fields
from hybrid.corpus.problems import Problem
from hybrid.document import Document
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder, Vectors
from hybrid.index.fusion import Ids, Mode, Ranking
from hybrid.index.where import Filter, Selected, known, parsed
from hybrid.index.workers import Workers
from hybrid.types import Candidate, Passage

Place = Path | str  # a folder, or an address in object storage
Progress = Callable[[str, int, int], None]  # stage, done, total


@dataclass(frozen=True, slots=True)
class Entry:
    """A document of a store, without its text."""

    name: str
    path: str | None
    kind: str
    tokens: int  # in the embedder's tokens
    passages: int


@dataclass(slots=True)
class Changes:
    """What an update did."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    embedded: int = 0  # passages that needed the embedder
    passages: int = 0  # in the index afterwards
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether the index has changed."""
        return bool(self.added or self.changed or self.removed)


@runtime_checkable
class Store(Protocol):
    """Passages and documents, open for questions from several threads. A subclass inherits the bodies given here.

    Attributes:
        path: the folder of its files; None where it has none of its own.
        mended: a sentence on what was damaged and is made anew; empty where nothing was.
    """

    path: Place | None = None
    mended: str = ""

    def pinned(self) -> Store:
        """The store as it is now, for one question; where it cannot be held still, itself."""
        return self

    @property
    def notes(self) -> Sequence[str]:
        """Sentences on its searches that an answer passes on to the reader."""
        return ()

    @property
    def generation(self) -> int:
        """Counts the changes: what was computed from the store holds while this stays the same."""

    @property
    def cpu_seconds(self) -> float:
        """CPU time that making and updating it took; 0 where others made it."""
        return 0.0

    def search(
        self,
        question: str,
        k: int,
        mode: Mode = "fused",
        documents: Sequence[str] | None = None,
        vector: Vectors | None = None,
    ) -> list[Candidate]:
        """The `k` passages that match a question best, best first.

        Args:
            mode: which searches are used; a store that has only one ignores it.
            documents: names of the documents to search in; None means all.
            vector: the question's unit vector of shape (d,), if it is known already.
        """

    def select(self, where: str | Filter) -> Sequence[str]:
        """The names of the documents that pass a filter, ascending; see `hybrid.index.where`.

        Args:
            where: as somebody wrote it, or taken apart; then it may ask for fields that no document has.

        Raises:
            InputError: it is no filter, or it asks for a field that no document has.
        """
        filters = parsed(where) if isinstance(where, str) else where
        fields = self.fields()
        if isinstance(where, str):
            known(filters, {name for each in fields.values() for name in each})
        return Selected(sorted(name for name, each in fields.items() if filters.holds(each)), filters)

    def fields(self, names: Sequence[str] | None = None) -> Mapping[str, Fields]:
        """What filters may ask of each document, by name; `names` limits them to those."""
        return {entry.name: {"document": entry.name, "kind": entry.kind} for entry in self.entries(names)}

    def matching(self, question: str, k: int, among: Ids) -> Ranking:
        """The `k` passages that share the question's words, as (id, BM25 score), best first.

        Args:
            among: ids of the passages to choose from.
        """

    def passages(self, ids: Sequence[int]) -> Mapping[int, Passage]:
        """Passages by id; ids that are no longer there are left out."""

    def ids_of(self, names: Sequence[str]) -> Ids:
        """Ids of all passages of the named documents, ascending."""
        return np.array(sorted(passage.id for name in names for passage in self.passages_of(name)), np.int64)

    def passages_of(self, name: str) -> list[Passage]:
        """The passages of a document, in order; none where there is no such document."""

    def sample(self, count: int) -> list[Passage]:
        """About `count` passages from all over the store."""

    def entries(self, names: Sequence[str] | None = None) -> list[Entry]:
        """Documents by name; `names` limits them to those."""

    def document(self, name: str) -> Document:
        """A document with its whole text. Raises DocumentGone, a KeyError, where there is none of that name."""

    def __len__(self) -> int:
        """How many passages it holds."""

    def problems(self) -> list[Problem]:
        """Files that could not be read at the last update."""
        return []

    def unread(self) -> list[Problem]:
        """All files that questions do not see: files passed over, and files that could not be read."""
        return self.problems()

    def close(self) -> None:
        """Release files and connections."""


class Index(Store, Protocol):
    """A store that this project fills from a corpus, on disk or in memory.

    Args:
        path: its folder, or an address where it can be at one; None keeps everything in memory.
        embedder: the one it was made with.
        chunker: likewise, with the same settings.
        create: make the folder where there is no index yet.

    Attributes:
        passed_over: files of the corpus, as last looked at, that an update does not try to read.

    Raises:
        IndexStoreError: there is none, it is damaged, or it was made by another embedder or a newer version.
    """

    passed_over: tuple[Problem, ...]

    def __init__(self, path: Any, embedder: Embedder, chunker: Chunker, *, create: bool = True) -> None: ...

    @staticmethod
    def exists(path: Any) -> bool:
        """Whether there is an index in this folder."""

    @staticmethod
    def delete(path: Any) -> None:
        """Delete an index's files and nothing else in its folder. Raises IndexStoreError where that is refused."""

    def inspect(self) -> None:
        """Look for damage, once after opening. Raises IndexDamaged."""

    def fresh(self, corpus: Corpus) -> bool:
        """Whether it can be searched and holds the corpus, judged by names, sizes and times of change."""

    def update(self, corpus: Corpus, progress: Progress | None = None, workers: Workers | None = None) -> Changes:
        """Make it hold exactly what `corpus` holds; only what changed is read, split and embedded again.

        Args:
            progress: receives stage, done and total.
            workers: who reads, splits and embeds; None: this process.

        Raises:
            IndexLocked: another process is updating this index.
            IndexStoreError: the disk is full or the folder cannot be written; the previous state stays usable.
            CorpusError: nothing of the corpus can be read.
        """
