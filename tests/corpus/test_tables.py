"""The rows of Parquet and JSON lines files as documents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.problems import Problem
from hybrid.corpus.readers.extract import Unreadable
from hybrid.document import Document, Heading
from hybrid.errors import CorpusError
from hybrid.settings import CorpusSettings
from tests.corpus.conftest import Tree, names

ROWS = [
    {"_id": "q1", "title": "Lease", "text": "The lease ends in May.", "year": 2024, "tags": ["a"], "page-count": 3},
    {"_id": "q2", "title": "", "text": "Rent is due on Monday.", "year": 2025, "tags": [], "page-count": 1},
]


def lines(rows: Sequence[Any]) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def parquet(file: Path, rows: Sequence[Any], **how: Any) -> Path:
    pa = pytest.importorskip("pyarrow", reason="pyarrow reads Parquet")
    pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow reads Parquet")
    pq.write_table(pa.Table.from_pylist(rows), file, **how)
    return file


def read(corpus: Corpus) -> list[Document]:
    return [source.parse(source.load()) for source in corpus.sources]


@pytest.fixture(params=["jsonl", "parquet"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / f"texts.{request.param}"
    if request.param == "parquet":
        return parquet(file, ROWS)
    file.write_text(lines(ROWS), "utf-8")
    return file


def test_each_row_is_a_document_with_name_title_and_fields(table: Path) -> None:
    corpus = Corpus.of(table)
    assert (names(corpus), corpus.problems, corpus.label) == (["q1", "q2"], (), f"{table.name} (2 rows)")
    one, other = read(corpus)
    assert (one.name, one.text, one.kind, one.path) == ("q1", "The lease ends in May.", "text", str(table))
    assert one.headings == (Heading(0, 0, "Lease"),)
    assert (one.metadata, other.metadata["year"]) == ({"title": "Lease", "year": 2024, "page_count": 3}, 2025)
    assert other.headings == ()


def test_every_row_has_a_name_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    named = ["t.jsonl#2", "", "a (t.jsonl#5)", "a", "a", "b\0", "b\\0"]
    file.write_text(lines([{"name": name, "text": f"Text {i}."} for i, name in enumerate(named)]), "utf-8")
    found = names(Corpus.of(file))
    assert len(set(found)) == len(found) == len(named)
    assert {"t.jsonl#2", "t.jsonl#2 (t.jsonl#2)", "b\\0"} <= set(found)


def test_a_row_that_is_nested_without_end_hides_no_other(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    deep = f'{{"name": "deep", "text": "A horse.", "x": {"[" * 100_000}{"]" * 100_000}}}\n'
    file.write_text(lines([{"name": "good", "text": "A zebra."}]) + deep, "utf-8")
    good, deep_one = sorted(Corpus.of(file).sources, key=lambda source: source.name != "good")
    assert good.parse(good.load()).text == "A zebra."
    with pytest.raises(Unreadable, match="its line is no JSON"):
        deep_one.parse(deep_one.load())


def test_in_a_folder_a_table_is_one_file_unless_texts_are_asked_for(table: Path) -> None:
    (table.parent / "notes.md").write_text("# Notes\n")
    as_files = Corpus.of(table.parent)
    if table.suffix == ".jsonl":
        assert names(as_files) == ["notes.md", "texts.jsonl"]
    else:
        assert names(as_files) == ["notes.md"]
        assert "texts: before the folder's" in as_files.problems[0].reason
    as_texts = Corpus.of(f"texts:{table.parent}")
    assert names(as_texts) == ["q1", "q2"]
    assert as_texts.key != as_files.key


def test_a_pattern_for_tables_means_their_rows(table: Path) -> None:
    assert names(Corpus.of(f"{table.parent}/*{table.suffix}")) == ["q1", "q2"]


def test_lines_without_a_name_stay_one_document(tree: Tree) -> None:
    root = tree({"chat.jsonl": lines([{"user": "a", "text": "Hello"}]), "log.jsonl": lines([{"name": "x", "code": 3}])})
    for name in ("chat.jsonl", "log.jsonl"):
        assert names(Corpus.of(root / name)) == [name]
    assert names(Corpus.of(f"texts:{root}/chat.jsonl")) == ["chat.jsonl#1"]
    named = CorpusSettings(text_column="text", name_column="user")
    assert names(Corpus.of(root / "chat.jsonl", named)) == ["a"]


def test_columns_can_be_chosen(table: Path) -> None:
    corpus = Corpus.of(table, CorpusSettings(text_column="title", name_column="text"))
    assert names(corpus) == ["Rent is due on Monday.", "The lease ends in May."]
    assert [source.parse(source.load()).text for source in corpus.sources[1:]] == ["Lease"]
    with pytest.raises(Unreadable, match="empty text"):
        corpus.sources[0].parse(corpus.sources[0].load())
    with pytest.raises(CorpusError, match=r"no column 'body', which corpus\.text_column names; it has _id, title"):
        Corpus.of(f"texts:{table}", CorpusSettings(text_column="body"))


def test_a_table_without_texts_says_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(lines([{"x": 1, "y": 2}]))
    with pytest.raises(CorpusError, match=r"no column named text or alike, but x, y; set corpus\.text_column"):
        Corpus.of(f"texts:{tmp_path}")


def test_names_that_are_missing_or_taken_tell_the_row(tree: Tree) -> None:
    rows = [{"id": 7, "text": "one"}, {"id": 7, "text": "two"}, {"text": "three"}, {"id": None, "text": "four"}]
    root = tree({"a.jsonl": lines(rows), "7": "a file"})
    corpus = Corpus.of([root / "a.jsonl", root / "7"])
    assert names(corpus) == ["7", "7 (a.jsonl#1)", "7 (a.jsonl#2)", "a.jsonl#3", "a.jsonl#4"]


def test_bad_lines_are_problems_of_their_own(tree: Tree) -> None:
    good = lines(ROWS[:1])
    root = tree({"a.jsonl": good + "{not json\n\n[1]\n" + lines([{"_id": "q3"}, {"_id": "q4", "text": " "}])})
    corpus = Corpus.of(root / "a.jsonl")
    assert names(corpus) == ["a.jsonl#2", "a.jsonl#4", "q1", "q3", "q4"]
    reasons = {}
    for source in corpus.sources:
        try:
            source.parse(source.load())
        except Unreadable as error:
            reasons[source.name] = str(error)
    assert reasons == {
        "a.jsonl#2": "its line is no JSON",
        "a.jsonl#4": "no text in its column 'text'",
        "q3": "no text in its column 'text'",
        "q4": "empty text",
    }


def test_broken_and_changed_tables_are_told(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow reads Parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(CorpusError, match=r"broken\.parquet: broken table: "):
        Corpus.of(tmp_path / "broken.parquet")
    for file in (parquet(tmp_path / "a.parquet", ROWS), tmp_path / "b.jsonl"):
        file.write_text(lines(ROWS)) if file.suffix == ".jsonl" else None
        corpus = Corpus.of(file)
        file.write_text("shorter")
        with pytest.raises(Unreadable, match="its file was changed meanwhile"):
            corpus.sources[0].load()


def test_large_parquet_files_are_read_in_any_order(tmp_path: Path) -> None:
    rows = [{"id": f"{i:04}", "text": f"text {i}"} for i in range(3000)]
    corpus = Corpus.of(parquet(tmp_path / "a.parquet", rows, row_group_size=700))
    assert len(corpus.sources) == 3000
    for i in (0, 699, 700, 2999, 5, 1400, 1401):
        source = corpus.sources[i]
        assert source.parse(source.load()).text == f"text {i}"


def test_a_table_that_is_found_twice_counts_once(table: Path) -> None:
    assert names(Corpus.of([table, f"texts:{table.parent}", table])) == ["q1", "q2"]


def test_an_empty_table_is_a_problem(tree: Tree) -> None:
    root = tree({"a.jsonl": "", "b.txt": "b"})
    assert Problem("a.jsonl", "empty file") in Corpus.of([root / "a.jsonl", root / "b.txt"]).problems
