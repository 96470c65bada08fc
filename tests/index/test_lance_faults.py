"""What the Lance store says of what is wrong, and that nothing is lost."""

from __future__ import annotations

import re
import resource
import shutil
import signal
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("lance", reason="pylance is missing")

from hybrid.corpus.corpus import Corpus
from hybrid.errors import IndexDamaged, IndexStoreError
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.lance.pending import Pending
from hybrid.index.lance.seam import translated
from hybrid.index.lance.store import LanceStore
from hybrid.index.lance.table import properties
from hybrid.index.lance.writing import Token, commit, write_fragment
from hybrid.settings import EmbedderSettings, PassageSettings
from tests.index.lances import put, use_bucket, written


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def store(place: Path, chunker: Chunker) -> LanceStore:
    return LanceStore(place, chunker.embedder, chunker)


def test_an_index_of_something_else_is_refused(store: LanceStore, place: Path, chunker: Chunker) -> None:
    store.update(Corpus.of({"a": "A zebra."}))
    with pytest.raises(IndexStoreError, match=r"with passages.tokens 32, now it is 64"):
        LanceStore(place, chunker.embedder, Chunker(chunker.embedder, PassageSettings(tokens=64)))
    commit(place, chunker, (), noted={"embedder": "other"})
    with pytest.raises(IndexStoreError, match="made with the embedder 'other'"):
        LanceStore(place, chunker.embedder, chunker)
    with pytest.raises(IndexStoreError, match="made with the embedder 'other'"):
        store.entries()  # also where it was opened before
    with pytest.raises(IndexStoreError, match="made with the embedder 'other'"):
        commit(place, chunker, (), noted={"format": 99})


def test_a_fragment_of_another_embedder_is_refused_and_nothing_is_lost(
    store: LanceStore, place: Path, chunker: Chunker, tmp_path: Path
) -> None:
    corpus = written(tmp_path / "files", 2)
    store.update(corpus)
    version = store.pinned().table.version
    prompted = Embedder(EmbedderSettings(query_prompt="q: "))  # its vectors have as many numbers
    token = write_fragment(place, Chunker(prompted, chunker.settings), put(chunker, {"a": "A zebra."}))
    for other in (token, Token.from_json(token.to_json())):
        with pytest.raises(IndexStoreError, match=r"A fragment for the index at .* was made with the embedder .*q: "):
            commit(place, chunker, [other])
    assert store.pinned().table.version == version
    Pending(place, properties(chunker)).note(token)  # as another program's update leaves it when it is killed
    (tmp_path / "files" / "new.txt").write_text("A horse.")
    assert store.update(Corpus.of(tmp_path / "files")).added == 1
    assert [entry.name for entry in store.entries()] == ["00.txt", "01.txt", "new.txt"]


def test_a_newer_version_is_refused(store: LanceStore, place: Path, chunker: Chunker) -> None:
    commit(place, chunker, (), noted={"format": 99})
    with pytest.raises(IndexStoreError, match=r"made by a newer version \(format 99, this one reads 1\)"):
        LanceStore(place, chunker.embedder, chunker)


def test_a_newer_lance_is_told_and_nothing_is_made_anew(
    store: LanceStore, place: Path, chunker: Chunker, tmp_path: Path
) -> None:
    store.update(Corpus.of({"a": "A zebra."}))
    newest = min((place / "hybrid.lance" / "_versions").glob("*.manifest"))  # they are named backwards
    data = newest.read_bytes()
    (at,) = struct.unpack("<Q", data[-16:-8])
    (size,) = struct.unpack("<I", data[at : at + 4])
    flags = b"\x48\x80\x80\x40\x50\x80\x80\x40"  # of readers and writers, one that does not exist yet
    message = data[at + 4 : at + 4 + size] + flags
    newest.write_bytes(data[:at] + struct.pack("<I", len(message)) + message + data[at + 4 + size :])
    with pytest.raises(IndexStoreError, match="a newer version of Lance has written it") as refused:
        LanceStore(place, chunker.embedder, chunker)
    assert not isinstance(refused.value, IndexDamaged)  # which would be made anew


def test_an_index_of_words_that_is_gone_is_told_before_a_question(
    store: LanceStore, place: Path, chunker: Chunker
) -> None:
    store.update(Corpus.of({"a": "A zebra."}))
    store.inspect()
    shutil.rmtree(place / "hybrid.lance" / "_indices")
    with pytest.raises(IndexDamaged, match=r"_indices/.* is gone"):
        LanceStore(place, chunker.embedder, chunker).inspect()


def test_rubbish_among_what_is_pending_is_passed_over(
    store: LanceStore, place: Path, chunker: Chunker, tmp_path: Path
) -> None:
    corpus = written(tmp_path / "files", 2)
    token = write_fragment(place, chunker, put(chunker, {"00.txt": (tmp_path / "files" / "00.txt").read_text()}))
    Pending(place, properties(chunker)).note(token)
    for file in (place / "hybrid.lance" / "data").iterdir():
        if file.name in "".join(token.fragments):
            file.unlink()  # a folder that was copied in part
    for name, said in (("a", "{"), ("b", "[]"), ("c", '{"made_by": 1}'), ("d", "null")):
        (place / "pending" / f"{name}.json").write_text(said)
    assert store.update(corpus).added == 2
    assert [entry.name for entry in LanceStore(place, chunker.embedder, chunker).entries()] == ["00.txt", "01.txt"]
    assert list((place / "pending").iterdir()) == []


@pytest.mark.parametrize(
    ("address", "endpoint", "said"),
    [
        ("s3://", "", "names no bucket: write it like s3://bucket/folder"),
        ("s3:///folder", "", "names no bucket"),
        ("memory://x", "", "would be gone at once"),
        ("s3://bucket/x", "http://127.0.0.1:port", "AWS_ENDPOINT cannot be 'http://127.0.0.1:port'"),
        ("s3://bucket/x", "me:secret@host:9000", "AWS_ENDPOINT cannot be 'host:9000'"),
    ],
)
def test_an_address_that_is_none_is_told(
    address: str, endpoint: str, said: str, chunker: Chunker, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_bucket(monkeypatch, endpoint)
    with pytest.raises(IndexStoreError, match=re.escape(said)) as refused:
        LanceStore(address, chunker.embedder, chunker)
    assert not isinstance(refused.value, IndexDamaged)


def test_a_panic_of_lance_is_one_sentence() -> None:
    panic = type("PanicException", (BaseException,), {})  # as pyo3 makes it; one of Lance's own is none on demand
    with pytest.raises(IndexStoreError, match="Cannot read the index at x: it broke"), translated("x", "read"):
        raise panic("it broke")
    with pytest.raises(KeyboardInterrupt), translated("x", "read"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("how", ["cut", "overwritten", "gone"])
def test_damage_is_told(store: LanceStore, place: Path, chunker: Chunker, how: str) -> None:
    store.update(Corpus.of({"a": "A zebra crosses.", "b": "A horse."}))
    for file in (place / "hybrid.lance" / "data").iterdir():
        data = file.read_bytes()
        if how == "gone":
            file.unlink()
        else:
            file.write_bytes(data[: len(data) // 2] if how == "cut" else bytes(reversed(data)))
    with pytest.raises(IndexDamaged, match=r"cannot be read: .*index build --rebuild"):
        LanceStore(place, chunker.embedder, chunker).search("zebra", 1)


def test_a_folder_that_is_no_index(place: Path, chunker: Chunker, tmp_path: Path) -> None:
    place.write_text("a file")
    with pytest.raises(IndexStoreError, match="a file is where its folder should be"):
        LanceStore(place, chunker.embedder, chunker)
    with pytest.raises(IndexStoreError, match="There is no index at"):
        LanceStore(tmp_path / "none", chunker.embedder, chunker, create=False)
    with pytest.raises(IndexStoreError, match="such an address is not known"):
        LanceStore("ftp://somewhere/folder", chunker.embedder, chunker)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Files may not grow above some bytes, as on a full disk."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_that_is_full_in_a_fragment_loses_nothing(store: LanceStore, tmp_path: Path) -> None:
    store.update(Corpus.of({"a": "A zebra."}))
    corpus = written(tmp_path / "files")
    with largest_file(5000), pytest.raises(IndexStoreError, match=r"the disk is full\. What was there before"):
        store.update(corpus)
    assert [entry.name for entry in store.entries()] == ["a"]
    assert store.search("zebra", 1)[0].passage.document == "a"
    assert store.update(corpus).added == 12
