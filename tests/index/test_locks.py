"""Several processes and threads at one index."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.errors import IndexLocked
from hybrid.index.embedding import Vectors
from tests.index.notes import same
from tests.index.scene import Scene, Updates, already_embedded
from tests.index.updates import AT_ONCE


def test_a_second_writer_is_told(
    tmp_path: Path, scene: Scene, updates: Updates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hybrid.index.database._LOCK_SECONDS", 0.1)
    index = scene.copy(tmp_path)
    child = updates.start(index=index, corpus=scene.corpus, die="hang")
    store = scene.open(index)
    try:
        until = time.monotonic() + 20
        while len(already_embedded(index)) < 2 * AT_ONCE and time.monotonic() < until:
            assert same(scene.found(store), scene.before)  # a reader goes on
        with pytest.raises(IndexLocked) as refused:
            store.update(Corpus.of(scene.corpus))
        assert str(refused.value) == (
            f"Another process is updating the index at {index}. Wait for it to finish, "
            "or give another folder with --index."
        )
        assert same(scene.found(store), scene.before)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        assert updates.end()[0] == -signal.SIGKILL
    store.update(Corpus.of(scene.corpus))  # the lock went with the process
    assert same(scene.found(store), scene.after)


def test_a_reader_sees_the_new_state_of_another_process(tmp_path: Path, scene: Scene, updates: Updates) -> None:
    index = scene.copy(tmp_path)
    store = scene.open(index)
    assert same(scene.found(store), scene.before)
    assert "0.txt" in [entry.name for entry in store.entries()]
    old = store.document("1.txt").text
    updates.start(index=index, corpus=scene.corpus)
    assert updates.end() == (0, "")
    assert same(scene.found(store), scene.after)
    assert store.document("1.txt").text == (scene.corpus / "1.txt").read_text() != old
    with pytest.raises(KeyError):
        store.document("0.txt")


@pytest.mark.parametrize("shared", [True, False])
def test_threads_read_while_another_writes(
    tmp_path: Path, scene: Scene, asked: list[tuple[str, Vectors]], shared: bool
) -> None:
    index = scene.copy(tmp_path)
    writer = scene.open(index)
    reader = writer if shared else scene.open(index)
    known = {key for state in (scene.before, scene.after) for key in state[0]}
    faults: list[BaseException] = []
    reads = [0]
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                for question, vector in asked:
                    near = reader.nearest(vector, 5)
                    match = reader.matching(question, 5)
                    passages = reader.passages([i for i, _ in [*near, *match]])
                    assert {(p.document, p.ordinal, p.text) for p in passages.values()} <= known
                    assert reader.document("3.txt").text
                    reads[0] += 1
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    writer.update(Corpus.of(scene.corpus))
    before = reads[0]
    deadline = time.monotonic() + 10
    while reads[0] < before + 20 and not faults and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults
    assert before > 0
    assert same(scene.found(reader), scene.after)
