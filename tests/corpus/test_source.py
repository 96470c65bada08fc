"""Loading a file: what changes, vanishes or may not be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.problems import Problem
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.source import Source
from tests.corpus.conftest import Tree


class TestLoad:
    def test_vanished(self, tree: Tree) -> None:
        root = tree({"a.txt": "a"})
        source = Corpus.of(root).sources[0]
        (root / "a.txt").unlink()
        with pytest.raises(Unreadable, match=r"^no such file or directory$"):
            source.load()
        (root / "a.txt").mkdir()
        with pytest.raises(Unreadable, match=r"^is a directory$"):
            source.load()
        (root / "a.txt").rmdir()
        os.mkfifo(root / "a.txt")
        with pytest.raises(Unreadable, match="not a regular file"):
            source.load()

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
    def test_permission_denied(self, tree: Tree) -> None:
        root = tree({"a.txt": "a", "x/b.txt": "b"})
        (root / "a.txt").chmod(0)
        (root / "x").chmod(0)
        try:
            corpus = Corpus.of(root)
            assert corpus.problems == (Problem("x/", "permission denied"),)
            with pytest.raises(Unreadable, match="permission denied"):
                corpus.sources[0].load()
        finally:
            (root / "x").chmod(0o700)

    def test_changing_file(self, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tree({"a.txt": "a"}) / "a.txt"
        source = Corpus.of(path).sources[0]
        read_bytes, reads = Path.read_bytes, [0]

        def read_and_change(self: Path, times: int) -> bytes:
            data = read_bytes(self)
            reads[0] += 1
            if reads[0] <= times:
                self.write_text("a" * (reads[0] + 1))
            return data

        monkeypatch.setattr(Path, "read_bytes", lambda self: read_and_change(self, 2))
        assert (source.load(), reads) == (b"aaa", [3])
        monkeypatch.setattr(Path, "read_bytes", lambda self: read_and_change(self, 99))
        with pytest.raises(Unreadable, match=r"^changed while it was read$"):
            source.load()
        assert reads == [6]

    def test_fingerprint_is_of_the_content(self) -> None:
        source = Source("a", None, 0, 0)
        assert source.fingerprint(b"a") == source.fingerprint(b"a") != source.fingerprint(b"b")
