"""The store `lance`: an index in a Lance table, in a folder or in object storage, with many writers.

What is found is what the store `sqlite` finds: the same passages and vectors, fused by the same code. Cosines are the
same; BM25 is Lance's, with k1 = 1.2, and counts deleted passages until their fragments are joined.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Sequence

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.fields import Fields
from hybrid.corpus.problems import Problem
from hybrid.document import Document
from hybrid.errors import IndexDamaged
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder, Vectors
from hybrid.index.fusion import Ids, Mode, Ranking
from hybrid.index.lance.pending import files_of
from hybrid.index.lance.seam import lance, translated
from hybrid.index.lance.table import NAME, check, created, exists, head_of, opened, options, properties, uri_of
from hybrid.index.lance.update import Update
from hybrid.index.lance.view import LanceView
from hybrid.index.prepared import clean_source
from hybrid.index.protocol import Changes, Entry, Index, Place, Progress
from hybrid.index.where import Filter
from hybrid.index.workers import Workers
from hybrid.types import Candidate, Passage


class LanceStore(Index):
    """An index in Lance.

    Args:
        path: a folder, or an address such as `s3://bucket/folder`; None: a folder that is deleted when it is closed.
    """

    def __init__(self, path: Place | None, embedder: Embedder, chunker: Chunker, *, create: bool = True) -> None:
        self._own = tempfile.TemporaryDirectory(prefix="hybrid-lance-") if path is None else None
        self.place: Place = self._own.name if self._own is not None else path if path is not None else ""
        self.path = path
        self.embedder = embedder
        self.chunker = chunker
        self.passed_over: tuple[Problem, ...] = ()
        self._moving = threading.RLock()
        try:
            table = created(self.place, chunker) if create else opened(self.place, properties(chunker))
        except BaseException:
            self.close()
            raise
        self._view = LanceView(self.place, embedder, table)

    # -- searching: always in the newest version; `pinned` holds one ---------------------------------------------

    def pinned(self) -> LanceView:
        with self._moving:
            with translated(self.place, "read"):
                newest = self._view.table.latest_version
                if newest != self._view.table.version:
                    table = lance().dataset(uri_of(self.place), version=newest, storage_options=options(self.place))
                    check(self.place, head_of(table, self.place).made, properties(self.chunker))
                    self._view = LanceView(self.place, self.embedder, table)
            view = self._view
            view.path, view.passed_over, view.mended = self.path, self.passed_over, self.mended
            return view

    def search(
        self,
        question: str,
        k: int,
        mode: Mode = "fused",
        documents: Sequence[str] | None = None,
        vector: Vectors | None = None,
    ) -> list[Candidate]:
        return self.pinned().search(question, k, mode, documents, vector)

    def nearest(self, vector: Vectors, k: int, among: str | Ids | None = None) -> Ranking:
        """As `LanceView.nearest`."""
        return self.pinned().nearest(vector, k, among)

    def matching(self, question: str, k: int, among: str | Ids | None = None) -> Ranking:
        return self.pinned().matching(question, k, among)

    def select(self, where: str | Filter) -> Sequence[str]:
        return self.pinned().select(where)

    def fields(self, names: Sequence[str] | None = None) -> dict[str, Fields]:
        return self.pinned().fields(names)

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        return self.pinned().passages(ids)

    def ids_of(self, names: Sequence[str]) -> Ids:
        return self.pinned().ids_of(names)

    def passages_of(self, name: str) -> list[Passage]:
        return self.pinned().passages_of(name)

    def sample(self, count: int) -> list[Passage]:
        return self.pinned().sample(count)

    def entries(self, names: Sequence[str] | None = None) -> list[Entry]:
        return self.pinned().entries(names)

    def document(self, name: str) -> Document:
        return self.pinned().document(name)

    def problems(self) -> list[Problem]:
        return self.pinned().problems()

    def unread(self) -> list[Problem]:
        return self.pinned().unread()

    def __len__(self) -> int:
        return len(self.pinned())

    @property
    def generation(self) -> int:
        return self.pinned().generation

    @property
    def cpu_seconds(self) -> float:
        return self.pinned().cpu_seconds

    # -- the index itself ----------------------------------------------------------------------------------------

    def inspect(self) -> None:
        """Lance checks what it reads; here that the newest version can be read, and that its indexes are there."""
        view = self.pinned()
        len(view)
        files, folder = files_of(self.place)
        with translated(self.place, "read"):
            for index in view.table.describe_indices():
                for segment in index.segments:
                    at = f"{folder}/{NAME}/_indices/{segment.uuid}"
                    if files.get_file_info(at).type.name != "Directory":
                        raise IndexDamaged(
                            f"The index at {self.place} cannot be read: the folder {at} is gone. Make it anew with "
                            "`hybrid index build --rebuild`."
                        )

    def fresh(self, corpus: Corpus) -> bool:
        if any(source.document is not None for source in corpus.sources):
            return False  # given texts have no time of change
        view = self.pinned()
        touched = view.head.made.get("touched", {})
        known = {name: tuple(touched.get(name, state[1:])) for name, state in view.known.items()}
        known |= {name: (size, mtime_ns) for name, _, size, mtime_ns in view.head.made.get("problems", ())}
        return known == {source.name: (source.size, source.mtime_ns) for source in map(clean_source, corpus.sources)}

    def update(self, corpus: Corpus, progress: Progress | None = None, workers: Workers | None = None) -> Changes:
        begun = time.perf_counter()
        changes = Update(self.pinned(), self.chunker, progress, workers).run(corpus)
        changes.passages, changes.seconds = len(self), time.perf_counter() - begun
        return changes

    @staticmethod
    def exists(path: Place) -> bool:
        return exists(path)

    @staticmethod
    def delete(path: Place) -> None:
        with translated(path, "write"):
            files, folder = files_of(path)
            for name in (NAME, "pending"):
                if files.get_file_info(f"{folder}/{name}").type.name == "Directory":
                    files.delete_dir(f"{folder}/{name}")

    def close(self) -> None:
        if self._own is not None:
            self._own.cleanup()
