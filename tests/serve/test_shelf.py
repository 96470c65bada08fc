"""The shelf of corpora."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from hybrid.errors import IndexDamaged
from hybrid.index.embedding import Embedder
from hybrid.serve.replies import Refused
from hybrid.serve.shelf import Shelf
from hybrid.session.hybrid import Hybrid
from hybrid.settings import Settings


def test_an_index_that_is_deleted_under_a_reader_is_no_fault_of_the_service(
    embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "a.md").write_text("The lease ends in 2027.", "utf-8")
    hybrid = Hybrid(Settings())
    hybrid.embedder = embedder
    shelf = Shelf(hybrid, {"a": [str(tmp_path / "a.md")]})
    with pytest.raises(IndexDamaged), shelf.reading("a"):
        raise IndexDamaged("no such table")  # it is there, so something is wrong with it

    def removed() -> None:
        shelf.remove("a")
        raise IndexDamaged("no such table")

    with pytest.raises(Refused, match="was deleted or replaced while it was read") as refused, shelf.reading("a"):
        removed()
    assert refused.value.status_code == 409
    hybrid.close()


@pytest.mark.parametrize("fault", [FileNotFoundError("No path was found."), OSError("OS file watch limit reached.")])
def test_a_watch_that_fails_begins_anew(
    fault: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder that goes between two looks, and a system that watches no more files, come too seldom by themselves."""
    watch, asked, stop = watchfiles.watch, list[dict[str, Any]](), threading.Event()

    def fails_once(*paths: str, **options: Any) -> Iterator[Any]:
        asked.append(options)
        if len(asked) == 1:
            raise fault
        return watch(*paths, **options)

    monkeypatch.setattr(watchfiles, "watch", fails_once)
    monkeypatch.setattr("hybrid.serve.shelf._LOOK_MS", 50)
    shelf, updated = Shelf(Hybrid(Settings()), {"a": [str(tmp_path)]}), threading.Event()
    monkeypatch.setattr(shelf, "update", lambda name: updated.set())
    thread = threading.Thread(target=shelf.watch, args=(stop,), daemon=True)
    thread.start()
    until = time.monotonic() + 8
    while not updated.is_set() and time.monotonic() < until:
        (tmp_path / "a.md").write_text(f"The lease ends in {time.monotonic()}.")
        time.sleep(0.1)
    stop.set()
    thread.join(5)
    assert updated.is_set()
    assert not thread.is_alive()
    polls = not isinstance(fault, FileNotFoundError)
    assert ("force_polling" in asked[-1]) == polls == ("The system cannot watch all files" in caplog.text)
