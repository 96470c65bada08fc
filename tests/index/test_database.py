"""Indexes that cannot be used: what is said, and how they are mended."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.index.chunking import Chunker
from hybrid.index.database import FORMAT, Database
from hybrid.index.embedding import Embedder
from hybrid.index.store import SqliteStore as Store
from hybrid.settings import EmbedderSettings, PassageSettings
from tests.index.notes import refusal, write


@pytest.fixture
def made(tmp_path: Path, corpus: Path, store: Store) -> Path:
    """A small index of one document."""
    write(corpus, {"a.txt": "The zebra counts its stripes."})
    store.update(Corpus.of(corpus))
    store.close()
    return tmp_path / "index"


def test_no_index_where_one_is_expected(tmp_path: Path, chunker: Chunker) -> None:
    said = refusal(lambda: Store(tmp_path / "none", chunker.embedder, chunker, create=False))
    assert said == f"There is no index at {tmp_path / 'none'}. Make one with: hybrid index build PATH."
    assert not (tmp_path / "none").exists()


def test_many_may_make_the_same_index_at_once(tmp_path: Path) -> None:
    for number in range(8):
        start = threading.Barrier(8)

        def make(_: int, folder: Path = tmp_path / str(number), start: threading.Barrier = start) -> str | None:
            start.wait()
            with closing(Database(folder, "minilm", 32, create=True)) as made:
                return made.meta("tokens")

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(make, range(8))) == {"32"}


def test_another_embedder_and_other_passages(made: Path, chunker: Chunker) -> None:
    prompted = Embedder(EmbedderSettings(query_prompt="q: "))
    said = refusal(lambda: Store(made, prompted, chunker))
    assert said.startswith(
        f"The index at {made} was made with the embedder 'minilm', now it is \"minilm ('q: ', None)\". "
    )
    longer = Chunker(chunker.embedder, PassageSettings(tokens=100))
    said = refusal(lambda: Store(made, chunker.embedder, longer))
    assert said == (
        f"The index at {made} was made with passages.tokens '32', now it is '100'. Set it back, give another folder "
        "with --index, or make the index anew with `hybrid index build --rebuild`."
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            "DELETE FROM meta WHERE key = 'reading'",
            "by a version that read files or words in another way. Make it anew with "
            "`hybrid index build --rebuild`, or",
        ),
        (
            f"UPDATE meta SET value = '{FORMAT + 1}' WHERE key = 'format'",
            f"by a newer version (format {FORMAT + 1}, this one reads {FORMAT}). Upgrade hybrid-context, or",
        ),
    ],
)
def test_an_index_of_another_version(made: Path, chunker: Chunker, change: str, says: str) -> None:
    with closing(sqlite3.connect(made / "index.db")) as db, db:
        db.execute(change)
    said = refusal(lambda: Store(made, chunker.embedder, chunker))
    assert said == f"The index at {made} was made {says} give another folder with --index."


def test_a_database_of_something_else(tmp_path: Path, chunker: Chunker) -> None:
    with sqlite3.connect(tmp_path / "index.db") as db:
        db.execute("CREATE TABLE other (x)")
    db.close()
    assert "it has no table of its properties" in refusal(lambda: Store(tmp_path, chunker.embedder, chunker))


@pytest.mark.parametrize("left", [100, 4096, 20_000])
def test_a_damaged_database(made: Path, corpus: Path, chunker: Chunker, left: int) -> None:
    whole = (made / "index.db").read_bytes()
    assert len(whole) > 30_000

    def use() -> None:
        store = Store(made, chunker.embedder, chunker)
        try:
            store.entries()
            store.document("a.txt")
            write(corpus, {"b.txt": "The baker sells bread."})
            store.update(Corpus.of(corpus))
        finally:
            store.close()

    for damaged in (whole[:left], whole[:left] + os.urandom(len(whole) - left), os.urandom(len(whole))):
        (made / "index.db").write_bytes(damaged)
        said = refusal(use)
        assert said.startswith(f"The index at {made} cannot be read: ")
        assert said.endswith("Make it anew with `hybrid index build --rebuild`.")
    Store.delete(made)
    store = Store(made, chunker.embedder, chunker)
    store.update(Corpus.of(corpus))
    assert len(store.matching("zebra", 3)) == 1
    store.close()


@pytest.mark.parametrize(
    ("what", "how"),
    [
        *product(
            ["dense-1.faiss", "lexical-1/data.npy", "lexical-1/indptr.npy"], ["missing", "cut", "emptied", "garbage"]
        ),
        ("lexical-1", "missing"),
    ],
)
def test_search_files_that_cannot_be_used(made: Path, corpus: Path, chunker: Chunker, what: str, how: str) -> None:
    file = made / what
    if file.is_dir():
        shutil.rmtree(file)
    elif how == "missing":
        file.unlink()
    else:
        whole = file.read_bytes()
        file.write_bytes({"cut": whole[: len(whole) // 2], "emptied": b"", "garbage": os.urandom(len(whole))}[how])
    store = Store(made, chunker.embedder, chunker)
    expected = (
        f"The index at {made} cannot be read: its search files are missing or damaged. Make it anew with "
        "`hybrid index build --rebuild`."
    )
    assert refusal(lambda: store.matching("zebra", 3)) == expected
    assert refusal(lambda: len(store)) == expected
    changes = store.update(Corpus.of(corpus))  # from the vectors, which are in the database
    assert (changes.any, changes.embedded) == (False, 0)
    assert store.mended == "The search files of the index were missing or damaged and were made anew."
    assert len(store.matching("zebra", 3)) == 1
    assert len(store.nearest(chunker.embedder.encode_query(["zebra"])[0], 1)) == 1
    store.close()


def test_a_file_where_the_folder_should_be(tmp_path: Path, chunker: Chunker) -> None:
    (tmp_path / "index").write_text("")
    said = refusal(lambda: Store(tmp_path / "index", chunker.embedder, chunker))
    assert said.startswith(f"Cannot write the index at {tmp_path / 'index'}: File exists. What was there before ")
    said = refusal(lambda: Store(tmp_path / "index" / "deeper", chunker.embedder, chunker))
    assert f"{tmp_path / 'index' / 'deeper'}: Not a directory." in said


def test_delete_takes_its_own_files_only(made: Path, chunker: Chunker) -> None:
    (made / "notes.txt").write_text("mine")
    (made / "dense-x.faiss").write_text("mine")
    Store.delete(made)
    assert {file.name for file in made.iterdir()} == {"notes.txt", "dense-x.faiss", "write.lock"}
    Store.delete(made / "none")
