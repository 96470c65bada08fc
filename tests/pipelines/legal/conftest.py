"""What the tests of the commands for legal files share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where commands are given, with a folder `in` for what they read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYBRID_EMBEDDER_PRECISION", "float32")  # the int8 form would be made anew in each test's cache
    (tmp_path / "in").mkdir()
    return tmp_path
