"""The search structures of an index, by generation: each update that changes something makes the next one.

dense-G.faiss       the vectors of generation G, mapped into memory when searched
lexical-G/*.npy     BM25 of generation G, likewise
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hybrid.errors import IndexDamaged, IndexStoreError
from hybrid.index.database import Database
from hybrid.index.dense import Dense
from hybrid.index.embedding import Embedder, Vectors
from hybrid.index.fusion import Ids
from hybrid.index.lexical import Lexical

_UNUSABLE = (FileNotFoundError, RuntimeError, ValueError, EOFError)  # FAISS and NumPy raise these for damaged files
NAMES = re.compile(r"dense-\d+\.faiss|lexical-\d+")


class Generations:
    """Opens the search structures that are valid, and makes those of the next generation."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._db = database
        self._embedder = embedder
        self._loaded: tuple[int, Dense, Lexical] | None = None

    @property
    def number(self) -> int:
        """The generation that is valid; 0 before the first update."""
        return int(self._db.meta("generation") or 0)

    @property
    def gpu_fault(self) -> str:
        """Why the CPU searches the vectors although there is a GPU; empty where nothing failed."""
        return "" if self._loaded is None else self._loaded[1].gpu_fault

    def current(self) -> tuple[Dense, Lexical]:
        """The search structures that are valid now. Raises IndexStoreError where they cannot be opened."""
        fault: Exception | None = None
        with self._db.lock:
            for _ in range(5):
                generation = self.number
                if self._loaded is not None and self._loaded[0] == generation:
                    break
                try:
                    self._loaded = (generation, self._dense(writable=False), self._lexical(generation))
                except _UNUSABLE as error:  # a writer moved on between the look and the opening
                    fault = error
                    time.sleep(0.05)
                except (OSError, MemoryError) as error:
                    raise self._unreadable(error) from None
                else:
                    self._loaded[1].to_gpu()
            if self._loaded is None:
                raise self._unreadable(fault)
            return self._loaded[1:]

    def searchable(self) -> bool:
        """Whether the search files are there and whole; an update makes them anew from the vectors."""
        try:
            self.current()
        except IndexDamaged:
            return False
        return True

    def _dense(self, *, writable: bool) -> Dense:
        generation, folder = self.number, self._db.folder
        if folder is None and self._loaded is not None:
            return self._loaded[1]
        if generation == 0 or folder is None:
            return Dense.empty(self._embedder.dimension)
        made_for, nprobe = int(self._db.meta("made_for") or 0), int(self._db.meta("nprobe") or 0)
        return Dense.open(_files(folder, generation)[0], made_for, nprobe, writable=writable)

    def _lexical(self, generation: int) -> Lexical:
        if generation == 0 or self._db.folder is None:
            return Lexical.build(np.zeros(0, np.int64), [], 1)
        return Lexical.open(_files(self._db.folder, generation)[1])

    # -- the next generation -------------------------------------------------------------------------------------

    def next_dense(self, going: str) -> tuple[Dense, float]:
        """The vectors of the next generation, and the recall an inverted file reaches on a sample of them.

        Args:
            going: ids of the documents that are to be deleted, as a JSON list.
        """
        count = "SELECT count(*) FROM passages WHERE document NOT IN (SELECT value FROM json_each(?))"
        staying = self._db.rows(count, going)[0][0]
        lost = not self.searchable()
        try:
            dense = Dense.empty(self._embedder.dimension) if lost else self._dense(writable=True)
        except (*_UNUSABLE, OSError, MemoryError) as error:
            raise self._unreadable(error) from None
        if lost or dense.outgrown(staying):
            dense = Dense.empty(self._embedder.dimension)
            if dense.outgrown(staying):
                sample = np.concatenate([v for _, v in self._vectors(going, every=max(1, staying // 60_000))])
                dense = Dense.trained(sample, staying)
            for ids, vectors in self._vectors(going):
                dense.add(ids, vectors)
            return dense, self._tune(dense, going, staying) if dense.made_for else 1.0
        removed = self._db.rows(
            "SELECT id FROM passages WHERE document IN (SELECT value FROM json_each(?)) ORDER BY id", going
        )
        dense.remove(np.array([row[0] for row in removed], np.int64))
        for ids, vectors in self._vectors(going, pending=True):
            dense.add(ids, vectors)
        return dense, float(self._db.meta("recall") or 1.0)

    def _tune(self, dense: Dense, going: str, total: int) -> float:
        """Choose how many lists of an inverted file are probed, by 200 passages taken as questions."""
        queries = np.concatenate([v for _, v in self._vectors(going, every=max(1, total // 200))])[:200]
        best_ids = np.zeros((len(queries), 0), np.int64)
        best = np.zeros((len(queries), 0), np.float32)
        for ids, vectors in self._vectors(going):
            scores = np.concatenate([best, queries @ vectors.T], axis=1)
            named = np.concatenate([best_ids, np.broadcast_to(ids, (len(queries), len(ids)))], axis=1)
            top = np.argpartition(-scores, 20, axis=1)[:, :20]
            best, best_ids = np.take_along_axis(scores, top, 1), np.take_along_axis(named, top, 1)
        return dense.tune(queries, [set(row.tolist()) for row in best_ids])

    def _vectors(self, going: str, *, pending: bool = False, every: int = 1) -> Iterator[tuple[Ids, Vectors]]:
        """Ids and vectors of what will be live (or only of what is pending), some ten thousand at a time."""
        sql = (
            "SELECT p.id, p.vector FROM passages p JOIN documents d ON d.id = p.document WHERE"
            + (" d.live = 0 AND" if pending else "")
            + " p.document NOT IN (SELECT value FROM json_each(?)) AND p.id % ? = 0 ORDER BY p.id"
        )
        with self._db.lock:
            cursor = self._db.connection.execute(sql, (going, every))
            while rows := cursor.fetchmany(20_000):
                ids = np.array([row[0] for row in rows], np.int64)
                vectors = np.frombuffer(b"".join(row[1] for row in rows), np.float16).reshape(len(rows), -1)
                yield ids, vectors.astype(np.float32)

    def next_lexical(self, going: str) -> Lexical:
        """The words of the next generation."""
        rows = self._db.rows(
            "SELECT id, words FROM passages WHERE document NOT IN (SELECT value FROM json_each(?)) ORDER BY id", going
        )
        vocabulary = int(self._db.rows("SELECT coalesce(max(id), 0) FROM words")[0][0]) + 1
        ids = np.array([row[0] for row in rows], np.int64)
        return Lexical.build(ids, [np.frombuffer(row[1], np.int32) for row in rows], vocabulary)

    def save(self, generation: int, dense: Dense, lexical: Lexical) -> None:
        """Write the files of a generation, where the index is on disk."""
        if self._db.folder is None:
            return
        file, folder = _files(self._db.folder, generation)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir()
            dense.save(file)
            lexical.save(folder)
            for written in (file, *folder.iterdir(), folder, file.parent):
                _flush(written)
        except OSError as error:
            file.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            raise self._db.cannot_write(error) from None

    def move(self, generation: int, dense: Dense, lexical: Lexical) -> None:
        """Search in a generation that has become valid; files are opened when they are needed."""
        with self._db.lock:
            if self._db.folder is not None:
                self._loaded = None
                self.sweep(self._db.folder, generation)
            else:
                self._loaded = (generation, dense, lexical)
                dense.to_gpu()

    @staticmethod
    def sweep(folder: Path, generation: int) -> None:
        """Delete the files of other generations; a file that cannot be deleted now is deleted next time."""
        keep = {file.name for file in _files(folder, generation)}
        for file in folder.iterdir():
            if NAMES.fullmatch(file.name) and file.name not in keep:
                if file.is_dir():
                    shutil.rmtree(file, ignore_errors=True)
                else:
                    file.unlink(missing_ok=True)

    def close(self) -> None:
        """Release the files."""
        self._loaded = None

    def _unreadable(self, error: BaseException | None) -> IndexStoreError:
        """The error for search files that cannot be opened: FAISS wraps the system's reason in its own text."""
        said = str(error or "").lower()
        if isinstance(error, MemoryError) or "bad_alloc" in said or "cannot allocate memory" in said:
            return IndexStoreError(
                f"The index at {self._db.folder or 'memory'} does not fit the memory that is free. Free some, or ask "
                "about a smaller corpus."
            )
        reasons = ("Permission denied", "Too many open files", "Input/output error")
        reason = next((known for known in reasons if known.lower() in said), "")
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            reason = error.strerror or str(error)
        if not reason:
            return self._db.damaged("its search files are missing or damaged")
        return IndexStoreError(
            f"The search files of the index at {self._db.folder} cannot be opened: {reason}. They are not known to be "
            "damaged: mend that, or give another folder with --index."
        )


def _files(folder: Path, generation: int) -> tuple[Path, Path]:
    return folder / f"dense-{generation}.faiss", folder / f"lexical-{generation}"


def _flush(path: Path) -> None:
    """Have the system write a file or folder to the disk."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # folders cannot be opened on Windows
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
