"""An index before and after an update, and processes that carry the update out."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from hybrid.corpus.corpus import Corpus
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Vectors
from hybrid.index.store import SqliteStore as Store
from tests.index.notes import Found, contexts, found, scratch, text, write


class Updates:
    """The program of tests/index/updates.py, running."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.index.updates"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert self._read() == "ready"

    def start(self, **request: Any) -> int:
        """Begin an update; returns the process that does it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request, default=str) + "\n")
        self._process.stdin.flush()
        child = self._read()
        assert isinstance(child, int)
        return child

    def end(self) -> tuple[int, str]:
        """Wait for it; returns how it ended and what it said."""
        reply = self._read()
        return (self._read(), reply) if isinstance(reply, str) else (reply, "")

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


class Scene:
    """An index, a corpus that has changed since, and what is to be found before and after the update."""

    def __init__(self, folder: Path, chunker: Chunker, asked: list[tuple[str, Vectors]]) -> None:
        self.corpus, self.index, self._asked = folder / "corpus", folder / "index", asked
        self.chunker = chunker
        self.corpus.mkdir()
        rng = random.Random(6)
        write(self.corpus, {f"{i}.txt": text(rng, 3) for i in range(8)})
        store = self.open()
        store.update(Corpus.of(self.corpus))
        self.before = found(store, asked)
        store.close()
        (self.corpus / "0.txt").unlink()
        (self.corpus / "4.txt").write_bytes(b"\0\1\2\3" * 100)
        for i in (1, 2):
            write(self.corpus, {f"{i}.txt": (self.corpus / f"{i}.txt").read_text() + "\n" + text(rng, 2)})
        write(self.corpus, {f"new {i}.txt": text(rng, 10) for i in range(4)})
        self.after = scratch(self.corpus, chunker, asked)
        self.new = len(contexts(self.after) - contexts(self.before))  # passages to embed

    def open(self, index: Path | None = None) -> Store:
        return Store(index or self.index, self.chunker.embedder, self.chunker)

    def found(self, store: Store) -> list[Found]:
        return found(store, self._asked)

    def copy(self, folder: Path) -> Path:
        return Path(shutil.copytree(self.index, folder / "copy"))


def already_embedded(index: Path) -> set[str]:
    """The texts of pending documents that have a vector."""
    with sqlite3.connect(index / "index.db") as db:
        rows = db.execute(
            "SELECT p.text FROM passages p JOIN documents d ON d.id = p.document"
            " WHERE d.live = 0 AND p.vector IS NOT NULL"
        ).fetchall()
    db.close()
    return {row[0] for row in rows}
