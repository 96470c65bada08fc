"""An update killed at any moment loses nothing, and the next one goes on."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from hybrid.corpus.corpus import Corpus
from tests.index.notes import check_texts, contexts, same
from tests.index.scene import Scene, Updates, already_embedded
from tests.index.updates import AT_ONCE, POINTS


def recover(scene: Scene, index: Path, embedded: list[str]) -> tuple[bool, int]:
    """Open what a kill left, check it, update it and check it again; returns what had been reached."""
    store = scene.open(index)
    state = scene.found(store)
    moved = store.generation == 2
    assert same(state, scene.after if moved else scene.before)
    assert [p.name for p in store.problems()] == (["4.txt"] if moved else [])
    done = already_embedded(index) - contexts(scene.before)  # unchanged passages took their vectors along
    embedded.clear()
    changes = store.update(Corpus.of(scene.corpus))
    assert not done & set(embedded)
    assert changes.embedded == len(embedded) == (0 if moved else scene.new - len(done))
    assert same(scene.found(store), scene.after)
    assert [p.name for p in store.problems()] == ["4.txt"]
    check_texts(store, scene.corpus)
    assert same(scene.found(scene.open(index)), scene.after)
    store.close()
    return moved, len(embedded)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point(point: str, tmp_path: Path, scene: Scene, updates: Updates, embedded: list[str]) -> None:
    index = scene.copy(tmp_path)
    updates.start(index=index, corpus=scene.corpus, die=point)
    assert updates.end() == (-signal.SIGKILL, "")
    left = {"put": scene.new, "embed": scene.new - 2 * AT_ONCE, "save": 0, "saved": 0, "commit": 0}[point]
    assert scene.new > 3 * AT_ONCE
    assert recover(scene, index, embedded) == (point == "commit", left)


@pytest.mark.slow
def test_killed_at_any_time(tmp_path: Path, scene: Scene, updates: Updates, embedded: list[str]) -> None:
    begun = time.perf_counter()
    updates.start(index=scene.copy(tmp_path / "whole"), corpus=scene.corpus)
    assert updates.end() == (0, "")
    takes = time.perf_counter() - begun
    ended = set()
    for i in range(8):
        index = scene.copy(tmp_path / str(i))
        child = updates.start(index=index, corpus=scene.corpus)
        time.sleep(takes * (i + 0.5) / 8)
        with suppress(ProcessLookupError):  # it was done before
            os.kill(child, signal.SIGKILL)
        ended.add(updates.end()[0])
        recover(scene, index, embedded)
    assert -signal.SIGKILL in ended


def test_an_update_killed_again_and_again_gets_done(tmp_path: Path, scene: Scene, updates: Updates) -> None:
    index = scene.copy(tmp_path)
    for point in ("put", "embed", "save", "saved", "saved", "commit"):
        updates.start(index=index, corpus=scene.corpus, die=point)
        assert updates.end() == (-signal.SIGKILL, "")
    assert same(scene.found(scene.open(index)), scene.after)


def test_a_first_build_killed_as_soon_as_something_is_embedded_goes_on(
    tmp_path: Path, scene: Scene, updates: Updates, embedded: list[str]
) -> None:
    index, kept = tmp_path / "index", 0
    for _ in range(4):
        child = updates.start(index=index, corpus=scene.corpus)
        until = time.monotonic() + 30
        while with_vectors(index) <= kept and time.monotonic() < until:
            time.sleep(0.002)
        with suppress(ProcessLookupError):  # it was done before
            os.kill(child, signal.SIGKILL)
        updates.end()
        assert with_vectors(index) > kept  # never less, and always some more
        kept = with_vectors(index)
        if kept >= scene.new:
            break
    done = already_embedded(index)
    store = scene.open(index)
    store.update(Corpus.of(scene.corpus))
    assert not done & set(embedded)
    assert same(scene.found(store), scene.after)


def with_vectors(index: Path) -> int:
    """Passages that are embedded, as another process sees it."""
    try:
        with closing(sqlite3.connect(f"file:{index}/index.db?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT count(vector) FROM passages").fetchone()[0])
    except sqlite3.OperationalError:  # not made yet
        return 0
