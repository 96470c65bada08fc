"""Finding documents: paths, patterns, given texts, what is left out, and what cannot be loaded."""

from __future__ import annotations

import io
import os
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.problems import Problem, not_read, nothing_readable
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.numerals import FORMS
from hybrid.corpus.readers.pdf import ocr
from hybrid.corpus.readers.read import read
from hybrid.corpus.source import Source
from hybrid.errors import CorpusError, InputError, SettingsError
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

    @pytest.mark.parametrize(
        ("labels", "pages"),
        [
            (("i", "ii", "1", "2"), (1, 2, 3, 4)),  # printed: all pages in their order
            (("3", "4", "5"), (3, 4, 5)),
            (("2", "5"), (2, 5)),
            (("4",), (4,)),
        ],
    )
    def test_some_pages_and_printed_labels(self, labels: tuple[str, ...], pages: tuple[int, ...]) -> None:
        nodes = [node(f"text {label}", f"id{label}", file_name="r.pdf", page_label=label) for label in labels]
        (source,) = Corpus.of(nodes).sources
        document = source.document
        assert document is not None
        assert source.name == "r.pdf"
        assert tuple(document.page_of(document.text.index(f"text {label}")) for label in labels) == pages

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
    began = time.process_time()
    corpus = Corpus.of(tmp_path)
    assert time.process_time() - began < 4
    assert re.fullmatch(r".*/ \(10000 files\)", corpus.label)


NUMBERING = """<w:numbering {ns}>
<w:abstractNum w:abstractNumId="0">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="ARTICLE %1"/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:isLgl/><w:lvlText w:val="%1.%2"/></w:lvl>
<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%3)"/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="1">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="bullet"/><w:lvlText w:val="\uf0b7"/></w:lvl>
</w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
<w:num w:numId="3"><w:abstractNumId w:val="0"/>
<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>
</w:numbering>"""


def word(build: Callable[[Any], None], parts: dict[str, str] | None = None, numbering: str = "") -> bytes:
    """A Word file made by python-docx, with other parts put in as XML: name without suffix -> root element."""
    import docx
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    document = docx.Document()
    if numbering:
        document.part.numbering_part._element = parse_xml(numbering.format(ns=nsdecls("w")))
    build(document)
    for name, xml in (parts or {}).items():
        part = Part(
            PackURI(f"/word/{name}.xml"),
            f"application/vnd.openxmlformats-officedocument.wordprocessingml.{name}+xml",
            xml.format(ns=nsdecls("w")).encode(),
            document.part.package,
        )
        document.part.relate_to(part, f"{RELATIONSHIP_TYPE.FOOTNOTES.rsplit('/', 1)[0]}/{name}")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def numbered(document: Any, text: str, level: int, number: int = 1) -> Any:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    paragraph = document.add_paragraph(text)
    inner = f'<w:ilvl w:val="{level}"/><w:numId w:val="{number}"/>'
    paragraph._p.get_or_add_pPr().append(parse_xml(f"<w:numPr {nsdecls('w')}>{inner}</w:numPr>"))
    return paragraph


class TestWord:
    def test_numbers_are_counted_as_word_shows_them(self) -> None:
        def build(document: Any) -> None:
            for text, level, number in (
                ("Definitions", 0, 1), ("Terms", 1, 1), ("First item.", 2, 1), ("Second item.", 2, 1),
                ("Scope", 1, 1), ("Again first.", 2, 1), ("Rent", 0, 1), ("Amount", 1, 1),
                ("A point.", 0, 2), ("Begun anew", 0, 3),
            ):  # fmt: skip
                numbered(document, text, level, number)

        text = read("a.docx", word(build, numbering=NUMBERING)).text
        assert text.split("\n\n") == [
            "ARTICLE I Definitions", "1.1 Terms", "(a) First item.", "(b) Second item.", "1.2 Scope",
            "(a) Again first.", "ARTICLE II Rent", "2.1 Amount", "• A point.", "ARTICLE I Begun anew",
        ]  # fmt: skip

    def test_a_style_numbers_its_paragraphs_and_zero_switches_it_off(self) -> None:
        def build(document: Any) -> None:
            from docx.oxml import parse_xml
            from docx.oxml.ns import nsdecls

            style = document.styles["Heading 1"].element.get_or_add_pPr()
            style.append(parse_xml(f'<w:numPr {nsdecls("w")}><w:numId w:val="1"/></w:numPr>'))
            document.add_heading("Term", 1)
            document.add_heading("Rent", 1)
            numbered(document.add_heading("Notices", 1)._parent, "Plain", 0, 0).style = "Heading 1"

        document = read("a.docx", word(build, numbering=NUMBERING))
        assert [h.title for h in document.headings] == [
            "ARTICLE I Term",
            "ARTICLE II Rent",
            "ARTICLE III Notices",
            "Plain",
        ]

    @pytest.mark.parametrize(
        ("form", "value", "shown"),
        [
            ("upperRoman", 49, "XLIX"), ("lowerLetter", 28, "bb"), ("ordinal", 112, "112th"), ("ordinal", 22, "22nd"),
            ("cardinalText", 42, "Forty-Two"), ("ordinalText", 20, "Twentieth"), ("ordinalText", 23, "Twenty-Third"),
            ("decimalZero", 7, "07"), ("lowerRoman", 5000, "5000"),
        ],
    )  # fmt: skip
    def test_forms_of_numbers(self, form: str, value: int, shown: str) -> None:
        assert FORMS[form](value) == shown

    def test_footnotes_stand_after_their_paragraph(self) -> None:
        def build(document: Any) -> None:
            from docx.oxml import parse_xml
            from docx.oxml.ns import nsdecls

            paragraph = document.add_paragraph("Rent is due monthly")
            paragraph._p.append(parse_xml(f'<w:r {nsdecls("w")}><w:footnoteReference w:id="2"/></w:r>'))
            paragraph.add_run(".")
            document.add_paragraph("Next.")

        notes = (
            '<w:footnotes {ns}><w:footnote w:id="-1" w:type="separator"><w:p/></w:footnote><w:footnote w:id="2"><w:p>'
            "<w:r><w:t>Except in </w:t></w:r><w:r><w:t>May.</w:t></w:r></w:p></w:footnote></w:footnotes>"
        )
        text = read("a.docx", word(build, {"footnotes": notes})).text
        assert text == "Rent is due monthly [footnote 1].\n\n[footnote 1: Except in May.]\n\nNext."

    def test_page_headers_and_footers_are_read_once(self) -> None:
        def build(document: Any) -> None:
            document.sections[0].header.paragraphs[0].text = "Execution Copy"
            document.sections[0].footer.paragraphs[0].text = "Page 1 of 2"
            document.add_paragraph("Rent.")
            document.add_section().header.is_linked_to_previous = False
            document.sections[1].header.paragraphs[0].text = "Execution Copy"
            document.sections[1].footer.paragraphs[0].text = "Confidential"

        assert read("a.docx", word(build)).text == "[header: Execution Copy]\n\nRent.\n\n[footer: Confidential]"

    def test_tables_in_tables_are_read_once(self) -> None:
        def build(document: Any) -> None:
            table = document.add_table(1, 2)
            table.cell(0, 0).text = "Item"
            inner = table.cell(0, 1).add_table(1, 2)
            inner.cell(0, 0).text, inner.cell(0, 1).text = "Price", "5 EUR"

        assert read("a.docx", word(build)).text == "Item | Price | 5 EUR"

    def test_a_title_alone_is_no_outline(self) -> None:
        def build(document: Any) -> None:
            document.add_heading("Lease", 0)
            for text in ("ARTICLE I TERM", "The term is a year.", "ARTICLE II RENT", "Rent is 5."):
                document.add_paragraph(text)

        document = read("a.docx", word(build))
        assert [h.title for h in document.headings] == ["ARTICLE I TERM", "ARTICLE II RENT"]

    def test_macros_are_left_alone(self) -> None:
        out = io.BytesIO()
        given = io.BytesIO(word(lambda d: d.add_paragraph("Rent is 5.")))
        kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
        with zipfile.ZipFile(given) as plain, zipfile.ZipFile(out, "w") as file:
            for name in plain.namelist():
                macros = b"application/vnd.ms-word.document.macroEnabled.main+xml"
                file.writestr(name, plain.read(name).replace(kind.encode(), macros))
            file.writestr("word/vbaProject.bin", b"\xd0\xcf\x11\xe0 macros")
        assert read("a.docm", out.getvalue()).text == "Rent is 5."

    def test_a_bomb_is_not_unpacked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file, file.open("word/document.xml", "w") as part:
            for _ in range(105):
                part.write(b"\0" * 1_000_000)
        assert len(out.getvalue()) < 200_000
        monkeypatch.setattr(zipfile.ZipFile, "open", lambda *a, **k: pytest.fail("something was unpacked"))
        with pytest.raises(
            Unreadable, match=r"^suspicious DOCX: one part unpacks to 105 MB, over the limit of 100 MB$"
        ):
            read("a.docx", out.getvalue())

    def test_broken_numbering_does_not_stop_reading(self) -> None:
        broken = NUMBERING.replace('w:abstractNumId w:val="0"', 'w:abstractNumId w:val="9"').replace(
            'val="1"', 'val="x"', 1
        )
        text = read("a.docx", word(lambda d: numbered(d, "Rent", 0), numbering=broken)).text
        assert text == "Rent"


def scanned(*words: str) -> bytes:
    """A PDF of pages that are pictures, one for each text."""
    image = pytest.importorskip("PIL.Image")
    draw, font = pytest.importorskip("PIL.ImageDraw"), pytest.importorskip("PIL.ImageFont")
    pages = []
    for text in words:
        page = image.new("RGB", (1240, 1754), "white")
        draw.Draw(page).text((120, 150), text, font=font.load_default(32), fill="black")
        pages.append(page)
    out = io.BytesIO()
    pages[0].save(out, "PDF", resolution=150, save_all=True, append_images=pages[1:])
    return out.getvalue()


def with_text(scan: bytes, text: str) -> bytes:
    """The pages of a PDF with a page of text before them."""
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    page = writer.add_blank_page(612, 792)
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
    )
    stream = DecodedStreamObject()
    stream.set_data(f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode())
    page[NameObject("/Contents")] = writer._add_object(stream)
    for other in PdfReader(io.BytesIO(scan)).pages:
        writer.add_page(other)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


class TestScans:
    def test_without_ocr_scans_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ocr, "installed", lambda: False)
        with pytest.raises(Unreadable, match="its page is a scan; install the extra ocr of hybrid-context"):
            read("a.pdf", scanned("Rent is 500"))
        with pytest.raises(Unreadable, match="its 2 pages are scans"):
            read("a.pdf", scanned("Rent is 500", "Term"))

    def test_one_scanned_page_among_others_keeps_its_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ocr, "installed", lambda: False)
        document = read("a.pdf", with_text(scanned("Rent is 500"), "First page"))
        assert document.text.startswith("First page\n[page 2 has no text: it is a scan, install the extra ocr")
        assert document.page_of(len(document.text) - 1) == 2

    def test_with_ocr_scans_are_read(self) -> None:
        if not ocr.installed():
            pytest.skip("the extra ocr is not installed")
        document = read("a.pdf", with_text(scanned("Rent is 500 euro"), "First page"))
        assert "[page 2 is a scan, read by OCR]" in document.text
        assert "Rent is 500 euro" in document.text

    def test_a_fault_of_ocr_is_named_and_the_rest_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(data: bytes, number: int) -> str:
            raise RuntimeError("no memory")

        monkeypatch.setattr(ocr, "installed", lambda: True)
        monkeypatch.setattr(ocr, "read_page", fail)
        text = read("a.pdf", with_text(scanned("Rent is 500"), "First page")).text
        assert text == "First page\n[page 2 has no text: it is a scan, and reading it failed: no memory]"

    def test_recognised_pieces_are_put_into_lines(self) -> None:
        def box(x: int, y: int) -> list[tuple[int, int]]:
            return [(x, y), (x + 90, y), (x + 90, y + 20), (x, y + 20)]

        assert ocr.lines([(box(200, 52), "c"), (box(0, 0), "a"), (box(0, 50), "b")]) == "a\nb  c"
