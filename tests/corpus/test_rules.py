"""What is left out of a folder, and how the answer says so."""

from __future__ import annotations

import os

import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.problems import Problem, not_read, nothing_readable
from hybrid.errors import CorpusError, SettingsError
from hybrid.settings import CorpusSettings
from tests.corpus.conftest import Tree, names


class TestLeftOut:
    def test_hidden_junk_media_empty(self, tree: Tree) -> None:
        root = tree(
            {
                "a.txt": "a", ".hidden": "x", ".git/config": "x", "node_modules/m.js": "x", "__pycache__/c.py": "x",
                "env/pyvenv.cfg": "x", "env/lib/m.py": "x", "i.png": "x", "l.so": "x", "p.pyc": "x", "__init__.py": "",
                "notes.txt": "", "run.sh": "", "budget.numbers": "x",
            }
        )  # fmt: skip
        corpus = Corpus.of(root)
        assert names(corpus) == ["a.txt"]
        assert corpus.problems == (
            Problem("budget.numbers", "unsupported format .numbers: export it as .xlsx"),
            Problem("i.png, l.so, p.pyc", "pictures, sound, fonts or built files, without text", 3),
            Problem("notes.txt", "empty file"),
            Problem("run.sh", "empty file"),
        )
        assert not_read(corpus.problems) == (
            "Not read: 6 files: budget.numbers (unsupported format: export it as .xlsx); i.png, l.so, p.pyc "
            "(pictures, sound, fonts or built files, without text); notes.txt, run.sh (empty file)."
        )

    def test_gitignore_with_negation_and_nesting(self, tree: Tree) -> None:
        root = tree(
            {
                ".gitignore": "*.log\n!keep.log\n/build/\nsecret*\n# comment\n\n[z-a]\n",
                "a.txt": "a", "x.log": "x", "keep.log": "k", "build/o.txt": "o", "sub/build/p.txt": "p",
                "sub/.gitignore": "!x.log\nkeep.log\n/only.txt", "sub/x.log": "x", "sub/keep.log": "k",
                "sub/only.txt": "o", "sub/deep/only.txt": "o", "secrets/a.txt": "s",
            }
        )  # fmt: skip
        assert names(Corpus.of(root)) == ["a.txt", "keep.log", "sub/build/p.txt", "sub/deep/only.txt", "sub/x.log"]

    def test_rules_of_the_enclosing_repository(self, tree: Tree) -> None:
        root = tree({".git/HEAD": "x", ".gitignore": "*.tmp.txt\n/out/", "in/.gitignore": "b.txt", "in/x/a.txt": "a"})
        tree({"in/x/b.txt": "b", "in/x/c.tmp.txt": "c", "out/d.txt": "d"})
        (root.parent / ".gitignore").write_text("*.txt")  # outside the repository: not its business
        assert names(Corpus.of(root / "in" / "x")) == ["a.txt"]
        assert names(Corpus.of(root / "out")) == ["d.txt"]  # named itself

    def test_exclude(self, tree: Tree) -> None:
        root = tree({"a.txt": "a", "b.md": "b", "x/c.md": "c", ".gitignore": "!*.md"})
        assert names(Corpus.of(root, CorpusSettings(exclude=("*.md", "!x/c.md")))) == ["a.txt", "x/c.md"]
        with pytest.raises(SettingsError, match=r"corpus\.exclude"):
            Corpus.of(root, CorpusSettings(exclude=("a", "!")))

    def test_a_named_file_is_always_read(self, tree: Tree) -> None:
        root = tree({".gitignore": "*", ".env.txt": "x", "node_modules/a.txt": "a"})
        assert names(Corpus.of(root / ".env.txt")) == [".env.txt"]
        assert names(Corpus.of([root / "node_modules" / "a.txt", root / ".gitignore"])) == [
            ".gitignore",
            "node_modules/a.txt",
        ]

    def test_a_named_file_that_cannot_be_read_is_a_problem(self, tree: Tree) -> None:
        root = tree({"a.txt": "a", "i.png": "x", "e.txt": ""})
        os.mkfifo(root / "pipe")
        corpus = Corpus.of([root, root / "i.png", root / "e.txt", root / "pipe"])
        assert names(corpus) == ["a.txt"]
        assert corpus.problems == (
            Problem("e.txt", "empty file"),
            Problem("i.png", "unsupported format .png"),
            Problem("pipe", "not a regular file"),
        )

    def test_large_files(self, tree: Tree) -> None:
        root = tree({"a.txt": "a", "big.txt": "x" * 1_000_001})
        corpus = Corpus.of(root, CorpusSettings(max_file_mb=1))
        assert corpus.problems == (
            Problem("big.txt", "1.1 MB is over the limit of 1 MB; raise corpus.max_file_mb to read it"),
        )

    def test_nothing_left(self, tree: Tree) -> None:
        root = tree({})
        with pytest.raises(CorpusError, match="it is empty"):
            Corpus.of(root)
        tree({".hidden": "x", "i.png": "x"})
        with pytest.raises(CorpusError, match="all 2 entries are hidden, empty, ignored or of formats without text"):
            Corpus.of(root)
        with pytest.raises(CorpusError, match=r"\(i\.png: unsupported format \.png\)"):
            Corpus.of(root / "i.png")
        with pytest.raises(CorpusError, match="No documents were given"):
            Corpus.of([])
        with pytest.raises(CorpusError, match="a: empty text"):
            Corpus.of({"a": " "})

    def test_nothing_readable_names_the_first(self) -> None:
        error = nothing_readable("docs/", [Problem(f"{i}.pdf", "binary file") for i in range(5)])
        assert str(error) == (
            "Nothing in docs/ can be read (0.pdf: binary file; 1.pdf: binary file; 2.pdf: binary file; and 2 more)."
        )
