"""A service that is killed again and again, in the middle of uploads and questions."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import openai
import pytest

from tests.serve.conftest import LEASE, Running, running

KILLS = int(os.environ.get("KILLS", "4"))


@pytest.mark.slow
def test_what_was_acknowledged_is_there_after_every_kill(tmp_path: Path) -> None:
    chance = random.Random(4)
    (tmp_path / "lease.md").write_text(LEASE, "utf-8")
    kept: dict[str, bytes] = {}
    members: dict[str, set[str]] = {}
    for kill in range(KILLS):
        with running(tmp_path, "lease=lease.md") as service:
            _check(service, kept, members)
            _work_until_killed(service, kept, members, chance.uniform(0.3, 1.5), after_one=kill % 2 == 1)
            _check_files(tmp_path / "uploads", kept)
    with running(tmp_path, "lease=lease.md") as service:
        _check(service, kept, members)
    assert len(kept) > 2 * KILLS
    assert members


def _check(service: Running, kept: dict[str, bytes], members: dict[str, set[str]]) -> None:
    """Every acknowledged upload and member is there, whole, and the indexes open."""
    client = service.client
    assert {file.id for file in client.files.list()} >= set(kept)
    for file_id, content in kept.items():
        assert client.files.content(file_id).read() == content
    for store, files in members.items():
        known = service.get(f"/v1/vector_stores/{store}/files").json()["data"]
        assert {file["id"] for file in known} >= files
        assert service.get(f"/v1/corpora/{store}/documents").status_code == 200
    reply = client.chat.completions.create(
        model="lease", messages=[{"role": "user", "content": "When does the lease end?"}]
    )
    assert "28 February 2027" in (reply.choices[0].message.content or "")


def _work_until_killed(
    service: Running, kept: dict[str, bytes], members: dict[str, set[str]], seconds: float, *, after_one: bool
) -> None:
    """Upload and ask for some seconds, which begin when a member was acknowledged where one is waited for."""
    client, killed = service.client, threading.Event()
    store = client.vector_stores.create(name="kept")
    members[store.id] = set()

    def upload() -> None:
        content = f"Note {time.perf_counter_ns()}. ".encode() * 2000
        file = client.files.create(file=("note.txt", content), purpose="assistants")
        kept[file.id] = content

    def attach() -> None:
        file = client.files.create(file=("small.txt", b"The gate code is 4711."), purpose="assistants")
        kept[file.id] = b"The gate code is 4711."
        client.vector_stores.files.create(store.id, file_id=file.id)
        members[store.id].add(file.id)

    def ask() -> None:
        client.chat.completions.create(model="lease", messages=[{"role": "user", "content": "What is the rent?"}])

    threads = [threading.Thread(target=_again, args=(work, killed)) for work in (upload, upload, attach, ask)]
    for thread in threads:
        thread.start()
    begun = time.monotonic()
    while after_one and not members[store.id] and time.monotonic() < begun + 60:
        time.sleep(0.02)
    time.sleep(seconds)
    service.kill()
    killed.set()
    for thread in threads:
        thread.join()
    if not members[store.id]:  # nothing was acknowledged of it: it has no corpus yet
        del members[store.id]


def _again(work: Callable[[], None], killed: threading.Event) -> None:
    while not killed.is_set():
        try:
            work()
        except openai.APIError:
            return


def _check_files(uploads: Path, kept: dict[str, bytes]) -> None:
    """Nothing half written has a name that is read."""
    there = [path for path in (uploads / "files").iterdir() if path.name.startswith("file-")]
    assert {path.name for path in there} >= set(kept)
    assert all((path / "about.json").is_file() for path in there)
