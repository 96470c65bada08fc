"""What the tests of the index share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder, Vectors
from hybrid.index.store import SqliteStore as Store
from hybrid.settings import PassageSettings
from tests.index.notes import QUESTIONS
from tests.index.scene import Scene, Updates
from tests.index.updates import TOKENS


@pytest.fixture(scope="package")
def chunker(embedder: Embedder) -> Chunker:
    return Chunker(embedder, PassageSettings(tokens=TOKENS))


@pytest.fixture(scope="package")
def asked(embedder: Embedder) -> list[tuple[str, Vectors]]:
    return list(zip(QUESTIONS, embedder.encode_query(QUESTIONS), strict=True))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    return folder


@pytest.fixture
def store(tmp_path: Path, chunker: Chunker) -> Store:
    """An index on disk, still empty."""
    return Store(tmp_path / "index", chunker.embedder, chunker)


@pytest.fixture
def embedded(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collects every text that the embedder is given for the index."""
    texts: list[str] = []
    encode = embedder.encode_documents

    def spy(given: list[str], *rest: Any, **how: Any) -> Vectors:
        texts.extend(given)
        return encode(given, *rest, **how)

    monkeypatch.setattr(embedder, "encode_documents", spy)
    return texts


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as long unchanged: nobody can set back when a file was last written."""
    monkeypatch.setattr("hybrid.index.prepared._RACY_NS", -(10**12))


@pytest.fixture(scope="package")
def updates() -> Iterator[Updates]:
    program = Updates()
    yield program
    program.stop()


@pytest.fixture(scope="package")
def scene(tmp_path_factory: pytest.TempPathFactory, chunker: Chunker, asked: list[tuple[str, Vectors]]) -> Scene:
    return Scene(tmp_path_factory.mktemp("scene"), chunker, asked)
