"""Disks that are full, limited or read-only lose nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.index.chunking import Chunker
from tests.index.notes import refusal, same
from tests.index.scene import Scene, Updates


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=6m", "x", folder], capture_output=True).returncode
    ):
        pytest.skip("mounting a file system is not permitted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(file: Path, left: int) -> None:
    """Take all space of a disk but `left` bytes."""
    free = os.statvfs(file.parent)
    with file.open("wb") as handle:
        handle.write(bytes(max(0, free.f_bavail * free.f_frsize - left)))


@pytest.mark.parametrize("left", [0, 40_000, 100_000, 200_000, 300_000])
def test_a_full_disk(disk: Path, scene: Scene, left: int) -> None:
    index = Path(shutil.copytree(scene.index, disk / "index"))
    store = scene.open(index)
    assert same(scene.found(store), scene.before)
    fill(disk / "filler", left)
    said = refusal(lambda: store.update(Corpus.of(scene.corpus)))
    assert said.startswith(f"Cannot write the index at {index}: ")
    assert "free space" in said
    assert "rollback" not in said
    assert same(scene.found(store), scene.before)
    assert same(scene.found(scene.open(index)), scene.before)
    (disk / "filler").unlink()
    store.update(Corpus.of(scene.corpus))
    assert same(scene.found(store), scene.after)


@pytest.mark.parametrize("left", [0, 20_000, 100_000])
def test_a_full_disk_of_a_lance_index(disk: Path, scene: Scene, chunker: Chunker, left: int) -> None:
    pytest.importorskip("lance", reason="pylance is missing")
    from hybrid.index.lance.store import LanceStore

    index = disk / "index"
    store = LanceStore(index, chunker.embedder, chunker)
    store.update(Corpus.of({"a": "A zebra crosses the road."}))
    fill(disk / "filler", left)
    said = refusal(lambda: store.update(Corpus.of(scene.corpus)))
    assert said == (
        f"Cannot write the index at {index}: the disk is full. What was there before is unchanged; free space, or give "
        "another folder with --index."
    )
    for each in (store, LanceStore(index, chunker.embedder, chunker)):
        assert [entry.name for entry in each.entries()] == ["a"]
        assert each.search("zebra", 1)[0].passage.document == "a"
    (disk / "filler").unlink()
    assert store.update(Corpus.of(scene.corpus)).removed == 1
    assert {entry.name for entry in store.entries()} == {path.name for path in scene.corpus.iterdir()} - {"4.txt"}


def test_opened_when_the_disk_is_full_already(disk: Path, scene: Scene) -> None:
    index = Path(shutil.copytree(scene.index, disk / "index"))
    fill(disk / "filler", 0)
    store = scene.open(index)
    assert same(scene.found(store), scene.before)
    assert refusal(lambda: store.update(Corpus.of(scene.corpus))).startswith(f"Cannot write the index at {index}: ")
    assert refusal(lambda: scene.open(disk / "other")).startswith(f"Cannot write the index at {disk / 'other'}: ")
    store.close()
    (disk / "filler").unlink()
    store = scene.open(index)
    store.update(Corpus.of(scene.corpus))
    assert same(scene.found(store), scene.after)


@pytest.mark.parametrize("limit", [20_000, 60_000, 120_000])
def test_a_limit_on_file_sizes(tmp_path: Path, scene: Scene, updates: Updates, limit: int) -> None:
    index = scene.copy(tmp_path)
    updates.start(index=index, corpus=scene.corpus, limit=limit)
    code, said = updates.end()
    assert code == 2
    assert said.startswith(f"IndexStoreError: Cannot write the index at {index}: ")
    store = scene.open(index)
    assert same(scene.found(store), scene.before)
    store.update(Corpus.of(scene.corpus))
    assert same(scene.found(store), scene.after)


def test_a_folder_that_cannot_be_written(disk: Path, scene: Scene) -> None:
    index = Path(shutil.copytree(scene.index, disk / "index"))
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    store = scene.open(index)
    assert same(scene.found(store), scene.before)
    said = refusal(lambda: store.update(Corpus.of(scene.corpus)))
    assert said.startswith(f"Cannot write the index at {index}: Read-only file system. ")
    assert same(scene.found(store), scene.before)
    said = refusal(lambda: scene.open(disk / "other"))
    assert said.startswith(f"Cannot write the index at {disk / 'other'}: Read-only file system. ")
    store.close()
