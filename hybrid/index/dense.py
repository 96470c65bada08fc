"""Nearest passages by inner product of unit vectors (FAISS).

Vectors are kept in half precision: half the memory and, on two cores, a quarter of the time of float32, with scores
that differ in the fourth digit. Up to `EXACT` passages every vector is compared. Above that, as many lists of an
inverted file are probed as it takes to find `RECALL` of what comparing all would find. Both types can delete.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.index.embedding import Vectors
from hybrid.index.fusion import Ids
from hybrid.index.libraries import faiss as _faiss

EXACT = 200_000  # passages; about 10 ms a question on two cores
RECALL = 0.98  # of the 20 nearest, measured on a sample when the inverted file is made
_GROWTH = 4  # an inverted file is made anew when it holds this many times the passages it was made for


class Dense:
    """Vectors by passage id. Many threads may read; one may write.

    Args:
        index: a FAISS index that takes ids.
        made_for: passages an inverted file was trained for; 0 for the exact type.
    """

    def __init__(self, index: Any, made_for: int = 0) -> None:
        self._index = index
        self.made_for = made_for
        self._wanted_on_gpu = False
        self._gpu: Any = None  # a copy, made anew after each change
        self._gpu_lock = threading.Lock()  # GPU indexes are not safe even for reads
        self.gpu_fault = ""  # why the CPU searches although there is a GPU

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def nprobe(self) -> int:
        """Lists searched per question; 0 for the exact type."""
        return int(self._index.nprobe) if self.made_for else 0

    @classmethod
    def empty(cls, dimension: int) -> Dense:
        """An exact index with nothing in it."""
        faiss = _faiss()
        flat = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        flat.is_trained = True  # half precision has nothing to learn
        return cls(faiss.IndexIDMap2(flat))

    @classmethod
    def trained(cls, sample: Vectors, expected: int) -> Dense:
        """An empty inverted file for about `expected` vectors, its lists learned from `sample` of shape (n, d)."""
        faiss = _faiss()
        lists = max(16, int(2 * np.sqrt(expected)))
        index = faiss.index_factory(sample.shape[1], f"IVF{lists},SQfp16", faiss.METRIC_INNER_PRODUCT)
        index.cp.niter = 8
        index.cp.max_points_per_centroid = 128
        index.train(sample)
        index.nprobe = min(lists, 32)
        return cls(index, made_for=expected)

    def outgrown(self, passages: int) -> bool:
        """Whether another type, or another training, suits this many passages."""
        if not self.made_for:
            return passages > EXACT
        return passages < EXACT // 2 or passages > _GROWTH * self.made_for

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add unit vectors of shape (n, d) under ids that are not in the index."""
        if len(ids):
            self._gpu = None
            self._index.add_with_ids(np.ascontiguousarray(vectors, np.float32), np.asarray(ids, np.int64))

    def remove(self, ids: Ids) -> int:
        """Remove ids; returns how many of them the index held."""
        self._gpu = None if len(ids) else self._gpu
        return int(self._index.remove_ids(np.asarray(ids, np.int64))) if len(ids) else 0

    def tune(self, queries: Vectors, exact: list[set[int]]) -> float:
        """Probe as few lists as find `RECALL` of `exact`; returns the recall reached."""
        if not self.made_for:
            return 1.0
        self._gpu, recall = None, 0.0
        for nprobe in _powers(int(self._index.nlist)):
            self._index.nprobe = nprobe
            _, found = self._index.search(queries, len(next(iter(exact))))
            recall = float(
                np.mean([len(truth & set(row.tolist())) / len(truth) for truth, row in zip(exact, found, strict=True)])
            )
            if recall >= RECALL:
                break
        return recall

    def search(self, query: Vectors, k: int, among: Ids | None = None) -> tuple[Ids, NDArray[np.float32]]:
        """The `k` nearest passages of one question vector and their inner products, best first, ties by id.

        Args:
            query: shape (d,), unit length.
            among: passage ids to choose from; None means all.
        """
        faiss = _faiss()
        k = min(k, len(self))
        if k == 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        vector = np.ascontiguousarray(query[None], np.float32)
        served = self._from_gpu(vector, k) if self._wanted_on_gpu and among is None else None
        if served is not None:
            scores, ids = served
        else:
            with _one_thread(faiss):
                scores, ids = self._search(vector, k, among)
        scores, ids = scores[0], ids[0]
        scores, ids = scores[ids >= 0], ids[ids >= 0]
        order = np.lexsort((ids, -scores))
        return ids[order], scores[order]

    def _search(self, vector: Vectors, k: int, among: Ids | None) -> Any:
        """Scores and ids of one vector, from the index in memory."""
        if among is None:
            return self._index.search(vector, k)
        faiss = _faiss()
        selector = faiss.IDSelectorBatch(np.asarray(among, np.int64))
        kind = faiss.SearchParametersIVF if self.made_for else faiss.SearchParameters
        extra = {"nprobe": int(self._index.nlist)} if self.made_for else {}
        return self._index.search(vector, k, params=kind(sel=selector, **extra))

    def to_gpu(self) -> bool:
        """Search on the GPUs where there are some and faiss-gpu is installed; returns whether they do.

        The copy on the GPUs is made anew before the search that follows a change. Where the GPUs fail, for want of
        memory say, `gpu_fault` tells why and the CPU searches.
        """
        faiss = _faiss()
        self._wanted_on_gpu = hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0
        with self._gpu_lock:
            return bool(self._wanted_on_gpu and len(self) and self._copied(faiss))

    def _from_gpu(self, vector: Vectors, k: int) -> tuple[Any, Any] | None:
        """The scores and ids that the GPUs find; None where they fail."""
        with self._gpu_lock:
            if not self._copied(_faiss()):
                return None
            try:
                scores, ids = self._gpu.search(vector, k)
            except Exception as error:  # noqa: BLE001 - CUDA's errors come in many types; the CPU can answer
                self._give_up(error)
                return None
            return scores, ids

    def _copied(self, faiss: Any) -> bool:
        """Whether the GPUs hold what the index holds now; they are given it where they do not."""
        if self._gpu is None and self._wanted_on_gpu:
            options = faiss.GpuMultipleClonerOptions()
            options.useFloat16 = True
            try:
                self._gpu = faiss.index_cpu_to_all_gpus(self._index if self.made_for else self._flat(faiss), co=options)
            except Exception as error:  # noqa: BLE001 - see _from_gpu
                self._give_up(error)
        return self._gpu is not None

    def _give_up(self, error: Exception) -> None:
        self._gpu, self._wanted_on_gpu = None, False
        self.gpu_fault = " ".join(str(error).split())[:200] or type(error).__name__

    def _flat(self, faiss: Any) -> Any:
        """The exact index in the type that GPUs know."""
        flat = faiss.IndexIDMap2(faiss.IndexFlatIP(self._index.d))
        vectors = self._index.index.reconstruct_n(0, self._index.ntotal)
        flat.add_with_ids(vectors, faiss.vector_to_array(self._index.id_map))
        return flat

    def save(self, file: Path) -> None:
        """Write the index to `file`. Raises OSError where the disk is full or the folder cannot be written."""
        try:
            _faiss().write_index(self._index, str(file))
        except RuntimeError as error:  # FAISS wraps the system's error in its own text
            raise OSError(str(error).split("Error: ")[-1]) from None

    @classmethod
    def open(cls, file: Path, made_for: int, nprobe: int, *, writable: bool = False) -> Dense:
        """Read an index. Unless `writable`, it is mapped into memory and read only where it is searched."""
        faiss = _faiss()
        index = faiss.read_index(str(file), 0 if writable else faiss.IO_FLAG_MMAP_IFC)
        if made_for:
            index.nprobe = nprobe
        return cls(index, made_for)


@contextmanager
def _one_thread(faiss: Any) -> Iterator[None]:
    """FAISS divides searches by their vectors, so one vector gains nothing from threads, which spin in vain."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # of this thread alone
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _powers(limit: int) -> Iterator[int]:
    nprobe = 4
    while nprobe < limit:
        yield nprobe
        nprobe *= 2
    yield limit
