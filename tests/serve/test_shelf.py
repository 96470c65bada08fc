"""The shelf of corpora."""

from __future__ import annotations

from pathlib import Path

import pytest

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
