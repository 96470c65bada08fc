"""Passages: nothing lost, nothing twice, nothing too long, each with its place, its titles and one page."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybrid.corpus.readers.headings import headings_of
from hybrid.corpus.readers.read import read
from hybrid.document import Document, Heading
from hybrid.index.chunking import Chunker, Cut, Outline
from hybrid.index.embedding import Embedder
from hybrid.settings import PassageSettings

WORDS = (
    "lease term notice party agreement 12 e.g. the of and a, internationalization naïve 東京 café x=1 ( ) — 3.14 "
    "🙂 antidisestablishmentarianism http://a.example/b?c=d"
).split()
real = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def small(embedder: Embedder) -> Chunker:
    return Chunker(embedder, PassageSettings(tokens=32))


sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=25).map(lambda words: " ".join(words) + ".")
prose = st.lists(st.tuples(sentences, st.sampled_from([" ", "\n", "\n\n", "\r\n", "\t", "  \n \n"])), max_size=25).map(
    lambda parts: "".join(text + gap for text, gap in parts)
)
markdown = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 4), st.sampled_from(WORDS)).map(lambda h: "#" * h[0] + " " + h[1] + "\n\n"),
        sentences.map(lambda text: text + "\n\n"),
        sentences.map(lambda text: "- " + text + "\n"),
        sentences.map(lambda text: "```\n" + text + "\n```\n"),
        st.just("| a | b |\n|---|---|\n| 1 | 2 |\n\n"),
    ),
    max_size=25,
).map("".join)
code = st.lists(
    st.tuples(st.sampled_from(["f", "g", "Klass"]), st.lists(st.integers(0, 10**12), max_size=20)).map(
        lambda d: f"def {d[0]}(a, b):\n" + "".join(f"    x = a + {n}  # note\n" for n in d[1]) + "    return b\n\n\n"
    ),
    max_size=10,
).map("".join)


def check(document: Document, chunker: Chunker) -> list[Cut]:
    """Everything that has to hold for the passages of any document."""
    cuts = chunker.split(document)
    covered = bytearray(len(document.text))
    last = 0
    for cut in cuts:
        assert last <= cut.start < cut.end <= len(document.text)
        last = cut.end
        assert cut.text == document.text[cut.start : cut.end]
        assert cut.location == document.locate(cut.start, cut.end)
        covered[cut.start : cut.end] = b"\1" * (cut.end - cut.start)
    lost = {c for c, seen in zip(document.text, covered, strict=True) if not seen and not c.isspace()}
    assert not lost
    counts = chunker.embedder.count([cut.text for cut in cuts])
    assert all(count <= chunker.capacity for count in counts)
    assert all(count <= cut.tokens <= chunker.capacity for cut, count in zip(cuts, counts, strict=True))
    assert chunker.split(document) == cuts
    return cuts


@real
@given(prose)
def test_prose(small: Chunker, text: str) -> None:
    check(Document("a.txt", text, headings=headings_of(text, "text")), small)


@real
@given(markdown)
def test_markdown(small: Chunker, text: str) -> None:
    check(Document("a.md", text, "markdown", headings=headings_of(text, "markdown")), small)


@real
@given(code)
def test_code(small: Chunker, text: str) -> None:
    headings = headings_of(text, "code", "python")
    check(Document("a.py", text, "code", language="python", headings=headings), small)


@real
@given(st.lists(prose, min_size=1, max_size=6))
def test_a_passage_has_one_page(small: Chunker, texts: list[str]) -> None:
    starts = [sum(len(text) + 1 for text in texts[:i]) for i in range(len(texts))]
    document = Document("a.pdf", "\n".join(texts), "pdf", pages=tuple(starts))
    for cut in check(document, small):
        visible = [i for i in range(cut.start, cut.end) if not document.text[i].isspace()]
        assert {document.page_of(i) for i in visible} <= {cut.location.page}


@real
@given(st.text(max_size=400))
def test_any_text(small: Chunker, text: str) -> None:
    check(Document("a.txt", text.encode("utf-8", "replace").decode("utf-8")), small)


def test_capacity_leaves_room_for_titles(embedder: Embedder) -> None:
    assert Chunker(embedder).capacity == 214
    assert Chunker(embedder, PassageSettings(tokens=5000)).capacity == embedder.max_tokens - 40
    assert Chunker(embedder, PassageSettings(tokens=16)).capacity == 16


def test_nothing_gives_nothing(small: Chunker) -> None:
    assert small.split(Document("a.txt", "")) == []
    assert small.split(Document("a.txt", " \n\n\t ")) == []


def test_a_word_without_end_is_cut(embedder: Embedder) -> None:
    chunker = Chunker(embedder)
    text = "".join(random.Random(1).choices("abcdefghij", k=200_000))
    cuts = check(Document("a.txt", text), chunker)
    assert max(len(cut.text) for cut in cuts) <= 8 * chunker.capacity  # to the embedder 1400 letters are one token
    assert len(cuts) > 100


def test_small_ends_are_joined(small: Chunker) -> None:
    text = "The notice period is three months and it begins on the first day of the month after.\n\nYes.\n"
    assert [cut.text for cut in check(Document("a.txt", text), small)] == [text.strip()]


@pytest.mark.parametrize(
    ("ranges", "headings", "pages", "joined"),
    [
        ([(0, 80, 20), (82, 100, 5)], set(), set(), [(0, 100, 25)]),
        ([(0, 80, 20), (82, 100, 8)], set(), set(), [(0, 100, 28)]),
        ([(0, 80, 20), (82, 100, 5)], {82}, set(), None),  # a section begins
        ([(0, 12, 3), (14, 100, 20)], {14}, set(), [(0, 100, 23)]),  # a title without text
        ([(0, 12, 3), (14, 100, 20)], set(), {14}, None),  # a page begins
        ([(0, 12, 3), (14, 100, 30)], set(), set(), None),  # more than the capacity
        ([(0, 200, 3), (200, 300, 3)], set(), set(), None),  # more letters than the capacity can be
        ([(0, 10, 2), (11, 20, 2), (21, 30, 2)], set(), set(), [(0, 30, 6)]),
    ],
)
def test_what_is_joined(small: Chunker, ranges: list, headings: set, pages: set, joined: list | None) -> None:
    assert small.capacity == 32
    assert small._joined(ranges, headings, pages, small.capacity, code=False) == (joined or ranges)


def test_of_code_only_what_is_small_is_joined(small: Chunker) -> None:
    assert len(small._joined([(0, 80, 20), (82, 100, 8)], set(), set(), small.capacity, code=True)) == 2
    assert len(small._joined([(0, 80, 20), (82, 100, 5)], set(), set(), small.capacity, code=True)) == 1


def test_pages_are_kept_apart_even_when_tiny(small: Chunker) -> None:
    text = "Cover\nThe tenant pays on the first of every month.\nEnd"
    document = Document("a.pdf", text, "pdf", pages=(0, 6, text.index("End")))
    assert [(cut.text, cut.location.page) for cut in check(document, small)] == [
        ("Cover", 1),
        ("The tenant pays on the first of every month.", 2),
        ("End", 3),
    ]


def test_titles_above(small: Chunker) -> None:
    outline = Outline([Heading(0, 1, "A"), Heading(10, 2, "B"), Heading(20, 3, "C"), Heading(30, 2, "D")])
    assert [outline.path(at, at + 1) for at in (0, 9, 10, 25, 30, 99)] == [
        "A", "A", "A > B", "A > B > C", "A > D", "A > D"
    ]  # fmt: skip
    assert outline.path(28, 40) == "A > D"  # it begins early in the range
    assert outline.path(22, 40) == "A > B > C"
    assert Outline([Heading(5, 1, "A")]).path(0, 4) == ""


def test_what_is_embedded_names_file_and_titles(small: Chunker) -> None:
    text = "# Rent\n\nIt is due in May."
    document = Document("lease.md", text, "markdown", headings=headings_of(text, "markdown"))
    (cut,) = small.split(document)
    assert cut.context("lease.md") == f"lease.md > Rent\n{text}"
    assert cut.context() == f"Rent\n{text}"
    long = Cut(0, 1, "x", "h" * 500, cut.location, 1).context("lease.md")
    assert long == "h" * 100 + "\nx"


def test_code_is_cut_at_definitions(embedder: Embedder) -> None:
    chunker = Chunker(embedder)
    begun, definitions = 0, 0
    for file in sorted((Path(__file__).parents[2] / "hybrid" / "corpus" / "readers").rglob("[a-z]*.py")):
        document = read(file.name, file.read_bytes(), str(file))
        starts = {cut.start for cut in check(document, chunker)}
        top = {heading.start for heading in document.headings if heading.level == 1}
        begun, definitions = begun + len(top & starts), definitions + len(top)
    assert definitions > 50
    assert begun > 0.9 * definitions  # the others are small and share a passage


def test_a_definition_has_its_comment_and_no_part_of_the_one_before(embedder: Embedder) -> None:
    body = "    total = first + second\n    for item in second:\n        total += item\n    return total\n"
    text = "".join(
        f"# What number {i} is for,\n# in two lines.\ndef function_{i}(first, second):\n{body}\n" for i in range(9)
    )
    document = read("a.py", text.encode())
    cuts = check(document, Chunker(embedder))
    assert [cut.start for cut in cuts] == [heading.start for heading in document.headings]
    assert all(cut.text.startswith("# What number ") for cut in cuts)


def test_code_is_not_cut_at_the_blank_lines_inside_a_definition(embedder: Embedder) -> None:
    body = (
        "    total = first\n\n    for item in second:\n        total += item\n\n    print(total)\n\n    return total\n"
    )
    text = "".join(f"def function_{i}(first, second):\n{body}" for i in range(12))
    cuts = check(Document("a.py", text, "code", language="python"), Chunker(embedder, PassageSettings(tokens=64)))
    assert all(cut.text.startswith("def function_") for cut in cuts)
    assert len(cuts) > 5


def test_long_code_falls_back_to_text(small: Chunker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid.index.chunking._LARGEST_SYNTAX", 100)
    text = "".join(f"def f{i}():\n    return {i}\n\n\n" for i in range(50))
    check(Document("a.py", text, "code", language="python"), small)
    check(Document("a.zz", text, "code", language="no such language"), small)


def test_long_texts_are_split_in_stretches(small: Chunker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid.index.chunking._BLOCK", 300)
    text = "".join(f"Sentence number {i} says little.{' ' if i % 7 else chr(10) * 2}" for i in range(200))
    cuts = check(Document("a.txt", text), small)
    assert len(cuts) > 200 * 32 / 300
    check(Document("a.txt", "x" * 2000), small)


def test_no_grammar_hangs_or_crashes_on_odd_text() -> None:
    """All grammars on what is not their language: in a process of its own, because a crash would end this one."""
    script = """
from hybrid.index.chunking import _code_splitter
from hybrid.text.kinds import FILE_NAMES, LANGUAGES
from hybrid.corpus.readers.code.symbols import symbols
odd = ["(" * 1500 + "[" * 1500 + "{" * 1500, "x=1;a(b)\\"c,d' <e> " * 300]
odd.append("/* \\"'`\\n" + "def f(a):\\n  return a\\n" * 100)
for language in sorted({*LANGUAGES.values(), *FILE_NAMES.values()}):
    print(language, flush=True)
    for text in odd:
        symbols(text, language)
        splitter = _code_splitter(language, 600)
        assert splitter is None or splitter.chunk_indices(text)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, f"{ran.stdout.split()[-1:]}: {ran.stderr[-500:]}"
    assert len(ran.stdout.split()) > 80


def test_a_text_of_one_line_is_not_parsed(small: Chunker) -> None:
    """Some grammars take the square of its length in time: D more than an hour for a million characters."""
    packed = "x=1;a(b)\"c,d' <e> " * 2_000
    assert read("a.d", packed.encode()).headings == ()
    check(Document("a.d", packed, "code", language="d"), small)
    source = "def f():\n    pass\n" * 10
    assert len(read("a.py", (source + f"DATA = '{'x' * 30_000}'\n").encode()).headings) == 0
    assert len(read("a.py", (source * 300 + f"DATA = '{'x' * 30_000}'\n").encode()).headings) == 3_000
