"""What the tests of finding documents share: files under a fresh folder, and the names that are found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hybrid.corpus.corpus import Corpus

Tree = Callable[[dict[str, str]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Writes files, given by relative path and content, under a fresh folder."""

    def write(files: dict[str, str]) -> Path:
        root = tmp_path / "docs"
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return root

    return write


def names(corpus: Corpus) -> list[str]:
    return [source.name for source in corpus.sources]
