"""What the tests of codebases share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hybrid.pipelines.code.pipeline import Codebase

from tests.pipelines.code.shop import FILES, git


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / "shop" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / "shop"


@pytest.fixture
def commit(shop: Path) -> str:
    git(shop, "init", "--quiet")
    git(shop, "add", "--all", "--force")
    git(shop, "commit", "--quiet", "-m", "first")
    return git(shop, "rev-parse", "HEAD")


@pytest.fixture
def found(shop: Path) -> Iterator[Codebase]:
    with Codebase(shop) as codebase:
        yield codebase
