"""Vectors: scores are exact, order is stable, and what is removed is gone, in both types of index."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid.cli import doctor
from hybrid.corpus.corpus import Corpus
from hybrid.errors import MissingDependency
from hybrid.index import dense as module
from hybrid.index.chunking import Chunker
from hybrid.index.dense import EXACT, RECALL, Dense
from hybrid.index.embedding import Embedder
from hybrid.index.store import SqliteStore as Store
from hybrid.session.hybrid import Hybrid
from hybrid.settings import Settings

Floats = NDArray[np.float32]
TOLERANCE = 2e-3  # of an inner product of unit vectors kept in half precision


def unit(count: int, dimension: int = 32, seed: int = 0) -> Floats:
    """Random directions around a few centres, as texts have them."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(20, dimension))
    vectors = centres[rng.integers(0, 20, count)] + 0.7 * rng.normal(size=(count, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def exact() -> tuple[Dense, NDArray[np.int64], Floats]:
    vectors = unit(300)
    ids = np.arange(300, dtype=np.int64) * 7 + 3
    index = Dense.empty(32)
    index.add(ids[:100], vectors[:100])
    index.add(ids[100:], vectors[100:])
    return index, ids, vectors


@pytest.fixture(scope="module")
def inverted() -> tuple[Dense, NDArray[np.int64], Floats]:
    vectors = unit(4000)
    ids = np.arange(4000, dtype=np.int64) + 11
    index = Dense.trained(vectors[::2], len(vectors))
    index.add(ids, vectors)
    return index, ids, vectors


def test_scores_are_inner_products_best_first(exact: tuple[Dense, NDArray[np.int64], Floats]) -> None:
    index, ids, vectors = exact
    for query in unit(5, seed=1):
        found, scores = index.search(query, 10)
        truth = vectors @ query
        best = np.argsort(-truth)[:10]
        assert np.allclose(scores, truth[best], atol=TOLERANCE)
        assert np.allclose(scores, [truth[np.flatnonzero(ids == i)[0]] for i in found], atol=TOLERANCE)
        assert (np.diff(scores) <= 0).all()
    assert (len(index), index.nprobe, index.made_for) == (300, 0, 0)


def test_a_vector_finds_itself_with_score_one(exact: tuple[Dense, NDArray[np.int64], Floats]) -> None:
    index, ids, vectors = exact
    for i in (0, 99, 100, 299):
        found, scores = index.search(vectors[i], 1)
        assert found[0] == ids[i]
        assert scores[0] == pytest.approx(1.0, abs=TOLERANCE)


def test_ties_are_in_the_order_of_ids() -> None:
    same = np.repeat(unit(1), 6, axis=0)
    index = Dense.empty(32)
    index.add(np.array([40, 5, 17, 99, 2, 8]), same)
    assert index.search(same[0], 6)[0].tolist() == [2, 5, 8, 17, 40, 99]


def test_edges_of_k(exact: tuple[Dense, NDArray[np.int64], Floats]) -> None:
    index, _, vectors = exact
    assert len(index.search(vectors[0], 1000)[0]) == 300
    assert len(index.search(vectors[0], 0)[0]) == 0
    found, scores = Dense.empty(32).search(vectors[0], 5)
    assert (found.tolist(), scores.tolist()) == ([], [])


def test_removed_ids_are_gone_and_others_stay_what_they_were(exact: tuple[Dense, NDArray[np.int64], Floats]) -> None:
    index, ids, vectors = exact
    assert index.remove(ids[:150:3]) == 50
    assert index.remove(np.array([10**9])) == 0
    assert index.remove(np.zeros(0, np.int64)) == 0
    index.add(np.array([5000, 5001]), unit(2, seed=5))
    staying = np.setdiff1d(ids, ids[:150:3])
    found, _ = index.search(vectors[0], 400)
    assert sorted(found.tolist()) == [*staying.tolist(), 5000, 5001]
    for i in staying[::20]:
        best, scores = index.search(vectors[np.flatnonzero(ids == i)[0]], 1)
        assert best[0] == i
        assert scores[0] == pytest.approx(1.0, abs=TOLERANCE)


def test_among(exact: tuple[Dense, NDArray[np.int64], Floats]) -> None:
    index, ids, vectors = exact
    some = ids[5:300:50]
    found, scores = index.search(vectors[0], 100, some)
    truth = vectors[5:300:50] @ vectors[0]
    assert found.tolist() == some[np.argsort(-truth)].tolist()
    assert np.allclose(scores, np.sort(truth)[::-1], atol=TOLERANCE)
    assert len(index.search(vectors[0], 3, np.array([10**9]))[0]) == 0
    assert len(index.search(vectors[0], 3, np.zeros(0, np.int64))[0]) == 0


def test_save_and_open(exact: tuple[Dense, NDArray[np.int64], Floats], tmp_path: Path) -> None:
    index, ids, vectors = exact
    index.save(tmp_path / "x.faiss")
    before = index.search(vectors[7], 20)
    for writable in (False, True):
        again = Dense.open(tmp_path / "x.faiss", 0, 0, writable=writable)
        found, scores = again.search(vectors[7], 20)
        assert found.tolist() == before[0].tolist()
        assert scores.tolist() == before[1].tolist()
    assert again.remove(ids[:10]) == 10  # the last one is the writable one
    again.add(np.array([1]), vectors[:1])
    assert again.search(vectors[0], 1)[0].tolist() == [1]
    with pytest.raises(OSError, match="No such file or directory"):
        index.save(tmp_path / "none" / "x.faiss")


def test_the_inverted_file_is_tuned_to_its_recall(inverted: tuple[Dense, NDArray[np.int64], Floats]) -> None:
    index, ids, vectors = inverted
    queries = vectors[::40]
    truth = [set(ids[np.argsort(-(vectors @ query))[:20]].tolist()) for query in queries]
    reached = index.tune(queries, truth)
    assert reached >= RECALL
    assert 4 <= index.nprobe < int(2 * np.sqrt(4000))
    measured = [len(t & set(index.search(q, 20)[0].tolist())) / 20 for q, t in zip(queries, truth, strict=True)]
    assert np.mean(measured) == pytest.approx(reached, abs=1e-6)
    others = vectors[7::80] + 0.05 * unit(50, seed=9)  # not the ones it was tuned on
    expected = [set(ids[np.argsort(-(vectors @ query))[:20]].tolist()) for query in others]
    held = [len(t & set(index.search(q, 20)[0].tolist())) / 20 for q, t in zip(others, expected, strict=True)]
    assert np.mean(held) > 0.93
    assert Dense.empty(32).tune(queries, truth) == 1.0


def test_the_inverted_file_scores_and_restricts_exactly(inverted: tuple[Dense, NDArray[np.int64], Floats]) -> None:
    index, ids, vectors = inverted
    query = unit(1, seed=4)[0]
    found, scores = index.search(query, 20)
    assert np.allclose(scores, vectors[found - 11] @ query, atol=TOLERANCE)
    some = ids[3::400]  # every list is searched for these, however few are probed otherwise
    found, _ = index.search(query, 100, some)
    assert found.tolist() == some[np.argsort(-(vectors[some - 11] @ query))].tolist()


def test_the_inverted_file_removes_saves_and_opens(tmp_path: Path) -> None:
    vectors = unit(1500)
    ids = np.arange(1500, dtype=np.int64)
    index = Dense.trained(vectors, 1500)
    index.add(ids, vectors)
    assert index.remove(ids[::2]) == 750
    index.save(tmp_path / "x.faiss")
    for writable in (False, True):
        again = Dense.open(tmp_path / "x.faiss", 1500, 16, writable=writable)
        assert (len(again), again.nprobe, again.made_for) == (750, 16, 1500)
        for i in range(1, 1500, 100):
            assert again.search(vectors[i], 1)[0].tolist() == [i]
        assert not set(again.search(vectors[0], 750)[0].tolist()) & set(ids[::2].tolist())
    again.add(ids[::2], vectors[::2])
    assert again.search(vectors[0], 1)[0].tolist() == [0]


def test_outgrown() -> None:
    index = Dense.empty(8)
    assert not index.outgrown(EXACT)
    assert index.outgrown(EXACT + 1)
    inverted = Dense(index, made_for=EXACT + 1)
    assert not inverted.outgrown(EXACT // 2)
    assert inverted.outgrown(EXACT // 2 - 1)
    assert not inverted.outgrown(4 * (EXACT + 1))
    assert inverted.outgrown(4 * (EXACT + 1) + 1)


class OnCpu:
    """The real faiss with one GPU that is a copy on the CPU, as GPUs copy an index and do not see later changes."""

    def __init__(self) -> None:
        import faiss

        self._faiss = faiss
        self.StandardGpuResources = object
        self.copies = 0
        self.fails = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._faiss, name)

    def get_num_gpus(self) -> int:
        return 1

    class GpuMultipleClonerOptions:
        useFloat16 = False

    def index_cpu_to_all_gpus(self, index: object, co: object) -> object:
        if self.fails:
            raise RuntimeError("CUDA error 2 out of memory")
        self.copies += 1
        return self._faiss.clone_index(index)


@pytest.mark.parametrize("trained", [False, True], ids=["exact", "inverted"])
def test_changes_reach_the_gpu(trained: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    faiss = OnCpu()
    monkeypatch.setattr(module, "_faiss", lambda: faiss)
    vectors, ids = unit(1500), np.arange(1500, dtype=np.int64)
    index = Dense.trained(vectors, 1500) if trained else Dense.empty(vectors.shape[1])
    index.add(ids[:1000], vectors[:1000])
    assert index.to_gpu()
    assert index.search(vectors[5], 1)[0].tolist() == [5]
    assert faiss.copies == 1
    index.remove(np.array([5]))
    assert index.search(vectors[5], 1)[0].tolist() != [5]
    index.add(ids[1000:], vectors[1000:])
    assert index.search(vectors[1200], 1)[0].tolist() == [1200]
    assert index.search(vectors[1200], 1)[0].tolist() == [1200]
    assert faiss.copies == 3  # one for each change that was followed by a question


def test_a_gpu_that_fails_leaves_the_search_to_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    faiss = OnCpu()
    monkeypatch.setattr(module, "_faiss", lambda: faiss)
    vectors, ids = unit(50), np.arange(50, dtype=np.int64)
    index = Dense.empty(vectors.shape[1])
    index.add(ids, vectors)
    faiss.fails = True
    assert not index.to_gpu()
    assert index.gpu_fault == "CUDA error 2 out of memory"
    assert index.search(vectors[5], 1)[0].tolist() == [5]


def test_a_gpu_that_fails_is_told_once_in_an_answer_and_by_doctor(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faiss = OnCpu()
    faiss.fails = True
    monkeypatch.setattr(module, "_faiss", lambda: faiss)
    monkeypatch.chdir(tmp_path)
    with Hybrid(Settings()) as hybrid:
        answer = hybrid.answer(
            "Where is the office?", {"a": "The office is in Lima.", "b": "The harbour opens at six."}
        )
    assert [note for note in answer.notes if "GPU failed" in note] == [
        "The CPU searched the passages, as the GPU failed: CUDA error 2 out of memory."
    ]
    monkeypatch.setattr("hybrid.index.libraries.faiss", lambda: faiss)
    assert doctor._faiss().endswith("on the CPU, as the GPU failed: CUDA error 2 out of memory")
    faiss.fails = False
    assert "GPU failed" not in doctor._faiss()


def test_an_index_in_memory_that_changes_reaches_the_gpu(monkeypatch: pytest.MonkeyPatch, embedder: Embedder) -> None:
    faiss = OnCpu()
    monkeypatch.setattr(module, "_faiss", lambda: faiss)
    texts = {"a": "The office is in Lima.", "b": "The harbour opens at six."}
    store = Store(None, embedder, Chunker(embedder))
    store.update(Corpus.of(texts))
    harbour, lighthouse = embedder.encode_query(["When does the harbour open?", "Which colour is the lighthouse?"])
    ((best, _),) = store.nearest(harbour, 1)
    assert store.passages([best])[best].document == "b"
    store.update(Corpus.of({"a": texts["a"], "c": "The lighthouse is red."}))
    found = store.passages([i for i, _ in store.nearest(harbour, 5)])
    assert {passage.document for passage in found.values()} == {"a", "c"}
    ((best, _),) = store.nearest(lighthouse, 1)
    assert found[best].document == "c"
    assert faiss.copies == 2


def test_missing_faiss_is_said_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingDependency) as refused:
        module.Dense.empty(8)
    assert str(refused.value) == (
        "Searching vectors needs the package 'faiss-cpu', which is not installed. "
        "Install it with: pip install 'hybrid-context[cpu]'"
    )
