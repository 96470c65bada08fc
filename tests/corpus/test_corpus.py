"""Finding documents: paths, patterns, links, given texts."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.problems import Problem
from hybrid.errors import CorpusError, InputError
from tests.corpus.conftest import Tree, names


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
        assert source.mtime_ns >= (root / "a.txt").stat().st_mtime_ns
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
        sentence = r"There is no file or folder .* in .*\. To ask about a text itself, give \{'name': text\}, or - .*\."
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


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are Unicode there")
def test_names_that_are_not_unicode_stay_apart(tmp_path: Path) -> None:
    for name in (b"lease-\xff.txt", b"lease-\xfe.txt"):
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    corpus = Corpus.of(tmp_path)
    assert names(corpus) == ["lease-\\xfe.txt", "lease-\\xff.txt"]
    assert [source.load()[-5:-4] for source in corpus.sources] == [b"\xfe", b"\xff"]


def test_ten_thousand_files_are_found_quickly(tmp_path: Path) -> None:
    for i in range(100):
        folder = tmp_path / f"d{i:02}"
        folder.mkdir()
        for j in range(100):
            (folder / f"f{j:02}.txt").touch()
            os.truncate(folder / f"f{j:02}.txt", 1)
    (tmp_path / ".gitignore").write_text("*.log\nbuild/\n")
    began = time.process_time()
    corpus = Corpus.of(tmp_path)
    assert time.process_time() - began < 4
    assert re.fullmatch(r".*/ \(10000 files\)", corpus.label)
