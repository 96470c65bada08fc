"""Finding documents: paths, patterns, given texts, what is left out, and what cannot be loaded."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hybrid.corpus import Corpus, Problem, Source, nothing_readable
from hybrid.errors import CorpusError, InputError, SettingsError
from hybrid.readers.extract import Unreadable
from hybrid.settings import CorpusSettings

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


class TestPaths:
    def test_folder(self, tree: Tree) -> None:
        root = tree({"b.txt": "b", "a/c.md": "c", "a.txt": "aa"})
        corpus = Corpus.of(root)
        assert names(corpus) == ["a.txt", "a/c.md", "b.txt"]
        assert corpus.base == root
        assert corpus.label == "docs/ (3 files)"
        assert corpus.problems == ()
        source = corpus.sources[0]
        assert (source.path, source.size, source.document) == (root / "a.txt", 2, None)
        assert source.mtime_ns == (root / "a.txt").stat().st_mtime_ns
        data = source.load()
        assert len(source.fingerprint(data)) == 32
        document = source.parse(data)
        assert (document.name, document.text, document.path) == ("a.txt", "aa", str(root / "a.txt"))

    def test_one_file(self, tree: Tree) -> None:
        root = tree({"b.txt": "b", "a.txt": "a"})
        corpus = Corpus.of(str(root / "b.txt"))
        assert (names(corpus), corpus.base, corpus.label) == (["b.txt"], root, "b.txt")

    def test_relative_paths_and_home(self, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
        root = tree({"b.txt": "b"})
        monkeypatch.chdir(root.parent)
        monkeypatch.setenv("HOME", str(root.parent))
        assert Corpus.of("docs") == Corpus.of(root) == Corpus.of("./docs/") == Corpus.of("~/docs")

    def test_several_roots_share_a_base(self, tree: Tree) -> None:
        root = tree({"x/b.txt": "b", "y/a.txt": "a", "y/c.txt": "c"})
        corpus = Corpus.of([root / "y", str(root / "x" / "b.txt"), root / "y" / "a.txt"])
        assert names(corpus) == ["x/b.txt", "y/a.txt", "y/c.txt"]
        assert (corpus.base, corpus.label) == (root, "3 files")

    def test_key_is_of_the_place_not_of_the_content(self, tree: Tree) -> None:
        root = tree({"a.txt": "a", "b.txt": "b"})
        before = Corpus.of([root / "a.txt", root / "b.txt"])
        (root / "a.txt").write_text("changed")
        assert Corpus.of([root / "b.txt", root / "a.txt"]).key == before.key != ""
        assert Corpus.of(root).key not in {before.key, Corpus.of(str(root / "*.txt")).key}

    def test_a_corpus_is_kept(self, tree: Tree) -> None:
        corpus = Corpus.of(tree({"a.txt": "a"}))
        assert Corpus.of(corpus) is corpus

    @pytest.mark.parametrize(
        "said", ["nowhere", "", "What is the term?", "no/*.pdf", "[z-a]", "x" * 5000, "a\0b", "line\nline*"]
    )
    def test_missing(self, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        sentence = r"There is no file or folder .* in .*\. To ask about a text itself, pass \{'name': text\}\."
        with pytest.raises(InputError, match=f"^{sentence}$") as caught:
            Corpus.of(said)
        assert len(str(caught.value)) < 300

    @pytest.mark.parametrize("what", [3, None, b"bytes", {"a": 1}, {1: "a"}, {"": "a"}])
    def test_no_corpus(self, what: Any) -> None:
        with pytest.raises(InputError):
            Corpus.of(what)


class TestGlob:
    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("*.txt", ["a.txt"]),
            ("**/*.txt", ["a.txt", "x/b.txt", "x/y/c.txt"]),
            ("x/**/*.txt", ["b.txt", "y/c.txt"]),
            ("?.[tm][!x]*", ["d.md"]),
            ("x*", ["x/b.txt", "x/y/c.txt", "x/y/e.md"]),
            ("**", ["a.txt", "d.md", "x/b.txt", "x/y/c.txt", "x/y/e.md"]),
            ("*/y/*.md", ["x/y/e.md"]),
        ],
    )
    def test_patterns(self, tree: Tree, pattern: str, expected: list[str]) -> None:
        root = tree({"a.txt": "a", "d.md": "d", "x/b.txt": "b", "x/y/c.txt": "c", "x/y/e.md": "e"})
        assert names(Corpus.of(str(root / pattern))) == expected

    def test_a_file_with_such_a_name_comes_first(self, tree: Tree) -> None:
        root = tree({"a[1].txt": "x", "a1.txt": "y"})
        assert names(Corpus.of(str(root / "a[1].txt"))) == ["a[1].txt"]

    def test_label_and_rules(self, tree: Tree) -> None:
        root = tree({"a.txt": "a", "b.txt": "b", ".gitignore": "b.txt"})
        corpus = Corpus.of(str(root / "*.txt"))
        assert names(corpus) == ["a.txt"]
        assert corpus.label.endswith("*.txt (1 file)")
        with pytest.raises(CorpusError, match="ignored"):
            Corpus.of(str(root / "b*"))

    def test_named_twice(self, tree: Tree) -> None:
        root = tree({"a.txt": "a"})
        assert names(Corpus.of([root, str(root / "*.txt")])) == ["a.txt"]


class TestLeftOut:
    def test_hidden_junk_media_empty(self, tree: Tree) -> None:
        root = tree(
            {
                "a.txt": "a", ".hidden": "x", ".git/config": "x", "node_modules/m.js": "x", "__pycache__/c.py": "x",
                "env/pyvenv.cfg": "x", "env/lib/m.py": "x", "i.png": "x", "l.so": "x", "p.pyc": "x", "__init__.py": "",
            }
        )  # fmt: skip
        corpus = Corpus.of(root)
        assert names(corpus) == ["a.txt"]
        assert corpus.problems == ()

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


class TestLinks:
    def test_loops_and_doubles(self, tree: Tree) -> None:
        root = tree({"x/a.txt": "a", "z.txt": "z"})
        (root / "x" / "loop").symlink_to(root, target_is_directory=True)
        (root / "again").symlink_to(root / "x", target_is_directory=True)
        (root / "a-link.txt").symlink_to(root / "z.txt")
        assert names(Corpus.of(root)) == ["x/a.txt", "z.txt"]

    def test_links_out_of_the_folder_are_followed(self, tree: Tree, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "o.txt").write_text("o")
        root = tree({"a.txt": "a"})
        (root / "linked").symlink_to(tmp_path / "other", target_is_directory=True)
        assert names(Corpus.of(root)) == ["a.txt", "linked/o.txt"]

    def test_broken_links_are_problems(self, tree: Tree) -> None:
        root = tree({"a.txt": "a"})
        (root / "b.txt").symlink_to(root / "gone")
        (root / "self").symlink_to(root / "self")
        assert Corpus.of(root).problems == (Problem("b.txt", "broken link"), Problem("self", "broken link"))
        with pytest.raises(CorpusError, match=r"b\.txt: broken link"):
            Corpus.of(root / "b.txt")


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


class TestTexts:
    def test_mapping(self) -> None:
        corpus = Corpus.of({"b.md": "# Title\r\n\r\ntext", "a": "ä"})
        assert names(corpus) == ["a", "b.md"]
        assert (corpus.key, corpus.base, corpus.label) == ("", None, "2 texts")
        source = corpus.sources[1]
        document = source.parse(source.load())
        assert document.text == "# Title\r\n\r\ntext"
        assert [h.title for h in document.headings] == ["Title"]
        assert corpus.sources[0].size == len(corpus.sources[0].load()) == 2

    def test_mixed(self, tree: Tree) -> None:
        root = tree({"a.txt": "a"})
        corpus = Corpus.of([root, {"b": "text"}, {"c": ""}])
        assert names(corpus) == ["a.txt", "b"]
        assert (corpus.label, corpus.key) == ("1 file and 1 text", "")
        assert corpus.problems == (Problem("c", "empty text"),)

    def test_duplicate_names(self, tree: Tree) -> None:
        with pytest.raises(InputError, match="Two documents are named 'a'"):
            Corpus.of([{"a": "1"}, {"a": "2"}])
        with pytest.raises(InputError, match=r"Two documents are named 'a\.txt'"):
            Corpus.of([tree({"a.txt": "a"}), {"a.txt": "2"}])


def node(text: str, doc_id: str = "id", **metadata: str) -> Any:
    return SimpleNamespace(text=text, metadata=metadata, doc_id=doc_id)


class TestLlamaIndex:
    def test_names(self) -> None:
        corpus = Corpus.of([node("x", "doc-1"), node("y", file_name="b.md"), node("z", file_path="/d/c.txt")])
        assert names(corpus) == ["b.md", "c.txt", "doc-1"]
        assert corpus.sources[0].path is None

    def test_pages_of_a_file_are_put_together(self) -> None:
        pages = [node(f"text {i}", f"id{i}", file_name="r.pdf", page_label=str(i)) for i in (1, 2, 3)]
        corpus = Corpus.of(pages)
        assert names(corpus) == ["r.pdf"]
        document = corpus.sources[0].document
        assert document is not None
        assert (document.text, document.pages) == ("text 1\ntext 2\ntext 3", (0, 7, 14))

    def test_parts_and_equal_names_are_told_apart(self) -> None:
        some = [node("x", file_name="r.pdf", page_label=label) for label in ("iv", "v")]
        parts = [node("x", file_path="/a/n.txt"), node("y", file_path="/a/n.txt"), node("z", file_path="/b/n.txt")]
        assert names(Corpus.of([*some, *parts])) == [
            "/a/n.txt#1",
            "/a/n.txt#2",
            "/b/n.txt",
            "r.pdf#page=iv",
            "r.pdf#page=v",
        ]

    def test_without_any_name(self) -> None:
        with pytest.raises(InputError, match="file_name"):
            Corpus.of(SimpleNamespace(text="x", metadata={}))

    def test_real_ones(self) -> None:
        schema = pytest.importorskip("llama_index.core.schema")
        document = schema.Document(text="one", metadata={"file_name": "a.txt"})
        scored = schema.NodeWithScore(node=schema.TextNode(text="two", id_="n2"), score=1.0)
        corpus = Corpus.of([document, scored])
        assert names(corpus) == ["a.txt", "n2"]
        assert [s.load() for s in corpus.sources] == [b"one", b"two"]


def test_ten_thousand_files_are_found_quickly(tmp_path: Path) -> None:
    for i in range(100):
        folder = tmp_path / f"d{i:02}"
        folder.mkdir()
        for j in range(100):
            (folder / f"f{j:02}.txt").touch()
            os.truncate(folder / f"f{j:02}.txt", 1)
    (tmp_path / ".gitignore").write_text("*.log\nbuild/\n")
    began = time.perf_counter()
    corpus = Corpus.of(tmp_path)
    assert time.perf_counter() - began < 4
    assert re.fullmatch(r".*/ \(10000 files\)", corpus.label)
