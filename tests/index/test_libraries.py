"""faiss and bm25s are imported as each needs, and what fails at it is told as what it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.errors import BrokenDependency, IndexStoreError, MissingDependency, UserError
from hybrid.index.chunking import Chunker
from hybrid.index.dense import Dense
from hybrid.index.libraries import bm25
from hybrid.index.store import SqliteStore as Store

ROOT = Path(__file__).parents[2]


def python(code: str, *path: Path) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that finds modules in these folders first."""
    lines = [f"import sys; sys.path[:0] = {[str(folder) for folder in (*path, ROOT)]!r}", code]
    return subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=120)


@pytest.fixture
def jax(tmp_path: Path) -> Path:
    """A folder with a module jax that tells when it is imported and when it computes."""
    folder = tmp_path / "site" / "jax"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("print('jax imported')\n")
    (folder / "lax.py").write_text("def top_k(*_):\n    print('jax computes')\n")
    return folder.parent


def test_bm25s_starts_no_jax(jax: Path) -> None:
    found = python("from hybrid.index.libraries import bm25\nprint(bm25().__name__)", jax)
    assert found.stdout.split("\n")[0] == "BM25", found.stderr


def test_a_programs_own_jax_stays_as_it_is(jax: Path) -> None:
    before = "import jax.lax\nfrom hybrid.index.libraries import bm25\nbm25()\nprint('done')"
    assert python(before, jax).stdout.split("\n")[:2] == ["jax imported", "done"]
    after = "from hybrid.index.libraries import bm25\nbm25()\nimport jax.lax\nprint(jax.lax.top_k is not None)"
    assert python(after, jax).stdout.split("\n")[:2] == ["jax imported", "True"]


def test_an_index_is_searched_without_jax(jax: Path, tmp_path: Path) -> None:
    code = (
        "from hybrid.index.lexical import Lexical\nimport numpy as np\n"
        "found = Lexical.build(np.arange(2), [np.array([0, 1], np.int32), np.array([1], np.int32)], 2)\n"
        "print(found.search([0], 2)[0].tolist())"
    )
    assert python(code, jax).stdout.strip() == "[0]"


BROKEN = {
    "cuda": "raise RuntimeError('libcudart.so.12: cannot open shared object file')",
    "library": "raise OSError('libopenblas.so.0: cannot open shared object file')",
    "name": "import a_module_that_nobody_has",
    "empty": "",
}


@pytest.mark.parametrize("code", BROKEN.values(), ids=BROKEN)
def test_a_broken_faiss_is_no_damaged_index(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedder: object
) -> None:
    (tmp_path / "faiss.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    kept = {name: sys.modules.pop(name) for name in [n for n in sys.modules if n.partition(".")[0] == "faiss"]}
    try:
        store = Store(None, embedder, Chunker(embedder))  # type: ignore[arg-type]
        with pytest.raises(BrokenDependency) as caught:
            store.update(Corpus.of({"a": "The office is in Lima."}))
    finally:
        sys.modules.pop("faiss", None)
        sys.modules.update(kept)
    said = str(caught.value)
    assert isinstance(caught.value, UserError)
    assert "'faiss', which is installed but cannot be loaded" in said
    assert "damaged" not in said
    assert "rebuild" not in said
    assert "force-reinstall" in said


def test_no_bm25s_is_said_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(MissingDependency, match="needs the package 'bm25s'"):
        bm25()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "does not fit the memory that is free"),
        (RuntimeError("Error in read: std::bad_alloc"), "does not fit the memory that is free"),
        (PermissionError(13, "Permission denied"), "cannot be opened: Permission denied"),
        (RuntimeError("could not open x for reading: Permission denied"), "cannot be opened: Permission denied"),
        (OSError(24, "Too many open files"), "cannot be opened: Too many open files"),
    ],
    ids=["memory", "memory in FAISS", "permission", "permission in FAISS", "files"],
)
def test_what_is_no_damage_is_not_told_as_damage(
    error: Exception, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedder: object
) -> None:
    made = Store(tmp_path / "index", embedder, Chunker(embedder))  # type: ignore[arg-type]
    made.update(Corpus.of({"a": "The office is in Lima."}))
    made.close()

    def fails(*_: object, **__: object) -> Dense:
        raise error

    monkeypatch.setattr(Dense, "open", fails)
    store = Store(tmp_path / "index", embedder, Chunker(embedder))  # type: ignore[arg-type]
    try:
        with pytest.raises(IndexStoreError, match=says) as caught:
            store.generations.current()
    finally:
        store.close()
    assert "rebuild" not in str(caught.value)
