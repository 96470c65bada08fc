"""Many processes write one Lance index at once and are killed: nothing is lost, doubled or mixed up."""

from __future__ import annotations

import ast
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("lance", reason="pylance is missing")

from hybrid.index.lance.store import LanceStore
from hybrid.index.lance.view import LanceView
from tests.index.writers import chunker, text_of, vector_of, write

KILLS = int(os.environ.get("HYBRID_TEST_KILLS", "4"))
WRITERS = 3


def check(view: LanceView) -> dict[str, int]:
    """That one version is whole; returns the state of each document in it."""
    found: dict[str, int] = {}
    for entry in view.entries():
        assert entry.name not in found, f"{entry.name} is there twice"
        text = view.document(entry.name).text
        found[entry.name] = state = int(text.split("in state ")[1].split()[0])
        assert text == text_of(entry.name, state)
        passages = view.passages_of(entry.name)
        assert [p.ordinal for p in passages] == list(range(entry.passages))
        assert all(text[p.start : p.end] == p.text for p in passages)
        assert [p.id for p in passages] == view.ids_of([entry.name]).tolist()
    rows = view._rows(["document", "text", "vector"], "row = 2").to_pylist()
    assert len(rows) == sum(entry.passages for entry in view.entries()) == len(view)
    for row in rows:
        assert np.allclose(np.array(row["vector"], np.float32), vector_of(row["text"]), atol=1e-2)
    return found


def allowed(logs: Iterator[Path]) -> dict[str, set[Any]]:
    """The states that each document may be in, by what the writers noted: the last that was done, and later tries."""
    states: dict[str, set[Any]] = {}
    for log in logs:
        for line in log.read_text().splitlines():
            word, _, noted = line.partition(" ")
            for name, state in ast.literal_eval(noted).items():
                if word == "done" and not name.startswith("shared"):
                    states[name] = {state}
                else:
                    states.setdefault(name, {None}).add(state)
    return states


def wait_for_changes(log: Path, count: int) -> None:
    """Wait until a writer has begun that many more changes."""
    before, until = tries(log), time.monotonic() + 120
    while tries(log) < before + count and time.monotonic() < until:
        time.sleep(0.01)


def tries(log: Path) -> int:
    return log.read_text().count("try") if log.is_file() else 0


@pytest.mark.slow
def test_writers_that_are_killed_lose_double_and_mix_up_nothing(tmp_path: Path) -> None:
    place, cuts, rng = tmp_path / "index", chunker(), random.Random(1)
    store = LanceStore(place, cuts.embedder, cuts)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.index.writers"])
    logs = [tmp_path / f"{number}.log" for number in range(WRITERS)]

    def start(number: int, seed: int, most: int = 10**6) -> Any:
        process = context.Process(target=write, args=(place, number, logs[number], seed, most))
        process.start()
        return process

    stop, faults, versions = threading.Event(), list[BaseException](), set[int]()

    def read() -> None:
        reader = LanceStore(place, cuts.embedder, cuts, create=False)
        while not stop.is_set():
            try:
                view = reader.pinned()
                first = check(view)
                assert check(view) == first  # the same version again, whatever was committed meanwhile
                versions.add(view.table.version)
            except BaseException as error:  # noqa: BLE001 - told below, in the thread of the test
                faults.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    writers = [start(number, number + 1) for number in range(WRITERS)]
    killed = 0
    while killed < KILLS and not faults:
        number = rng.randrange(WRITERS)
        wait_for_changes(logs[number], rng.randrange(1, 6))
        time.sleep(rng.uniform(0, 0.2))
        assert writers[number].is_alive(), f"writer {number} ended by itself: {writers[number].exitcode}"
        os.kill(writers[number].pid, signal.SIGKILL)
        writers[number].join()
        killed += 1
        writers[number] = start(number, 10 * killed + number + 1)
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    stop.set()
    reader.join()
    assert not faults, faults[0]
    last = check(store.pinned())
    for name, states in allowed(iter(logs)).items():
        assert last.get(name) in states, f"{name} is in state {last.get(name)}, and not one of {states}"
    done = sum(log.read_text().count("done") for log in logs)
    assert store.generation >= done > 0  # what was done is a version, and at most one more for each kill
    assert store.generation <= done + killed + WRITERS
    print(f"{killed} kills, {done} commits, {len(versions)} versions read whole")
    for number in range(WRITERS):  # and they go on
        process = start(number, 999 + number, most=2)
        process.join()
        assert process.exitcode == 0
    check(store.pinned())
