"""What all tests share: the real embedder, and an environment without this machine's settings."""

from __future__ import annotations

import os

import pytest

from hybrid.embedding import Embedder
from hybrid.settings import EmbedderSettings


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The packaged model in float32, so that results do not depend on the order of the tests or on the CPU."""
    return Embedder(EmbedderSettings(device="cpu", precision="float32"))


@pytest.fixture(autouse=True)
def _clean_environ(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in [name for name in os.environ if name.startswith("HYBRID_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
