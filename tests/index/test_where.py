"""Filters over documents say the same in Python and in Lance, and refuse what they do not know."""

from __future__ import annotations

import json
import math
import re
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from hybrid import Hybrid, Settings
from hybrid.corpus.corpus import Corpus
from hybrid.corpus.fields import checked, front_matter
from hybrid.engines.extractive import Extractive
from hybrid.errors import InputError
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.protocol import Index
from hybrid.index.where import parsed
from hybrid.settings import IndexSettings
from hybrid.settings.names import STORES

TEXTS = {
    "a.txt": "The lease of the harbour ends in 2031.",
    "b.md": "---\nyear: 2023\nauthor: Ada O'Hara\ndraft: true\n---\n\nThe lease of the mill ends in 2040.",
    "c.md": "---\ndate: 2024-05-01\nscore: 2.5\nauthor: Bo\n---\n\nThe lease of the farm ends in 2050.",
    "annex/d.txt": "The lease of the barn ends in 2060.",
}
GIVEN = {"a.txt": {"year": 2025, "odd": "text", "day": date(2024, 1, 2)}, "annex/d.txt": {"odd": 7, "draft": False}}
DEEP = "draft"
for level in range(4):  # as deep as a filter may be, and wide on every level
    DEEP = f"not ({' and '.join([f'not ({DEEP})', *(f'year != {level + 1}{n:02}' for n in range(30))])})"
    DEEP = f"not ({DEEP})" if level % 2 else DEEP
CASES = {
    "year >= 2024": ["a.txt", "c.md"],
    "2023 <= year < 2025": ["b.md", "c.md"],
    "2024 < year": ["a.txt"],
    "year != 2025": ["annex/d.txt", "b.md", "c.md"],
    "not year >= 2024": ["annex/d.txt", "b.md"],
    "kind == 'markdown' and year >= 2024": ["c.md"],
    "kind == 'markdown' or document == 'a.txt'": ["a.txt", "b.md", "c.md"],
    'author == "Ada O\'Hara"': ["b.md"],
    "author in ('Bo', \"Ada O'Hara\")": ["b.md", "c.md"],
    "author not in ['Bo']": ["a.txt", "annex/d.txt", "b.md"],
    "'annex/' in document": ["annex/d.txt"],
    "'annex/' not in document": ["a.txt", "b.md", "c.md"],
    "draft": ["b.md"],
    "draft == False": ["annex/d.txt"],
    "not draft": ["a.txt", "annex/d.txt", "c.md"],
    "odd == 7": ["annex/d.txt"],
    "odd >= 'a'": ["a.txt"],
    "odd == '7'": [],
    "odd in (7, 'text')": ["a.txt", "annex/d.txt"],
    "score > -1 and score == 2.5": ["c.md"],
    "date >= '2024-04-30'": ["c.md"],
    "day == '2024-01-02'": ["a.txt"],
    "year == True": [],
    "not not " * 7 + "draft": ["b.md"],
    "draft or " + " or ".join(f"year == {year}" for year in range(1000, 1240)): ["b.md"],
    "not (" + " or ".join(["year == 2024", *("odd != 7 and not (draft or kind == 'x')" for _ in range(60))]) + ")": [
        "annex/d.txt",
        "b.md",
    ],
    DEEP: ["b.md"],
    f"odd in ({', '.join(map(str, range(600)))})": ["annex/d.txt"],
}
WRONG = {
    "": "The filter is empty",
    "year >=": "cannot be read",
    "__import__('os').system('true')": "cannot hold",
    "year == other": "compares two fields",
    "year + 1 == 2024": "cannot hold",
    "year in 2024": "needs a list",
    "nobody == 1": "No document has a field 'nobody'; there are: author, date",
    "year is 3": "cannot hold",
    "[x for x in y]": "cannot hold",
    "1": "cannot hold",
    "f'{year}' == kind": "cannot hold",
    "year == None": "cannot hold",
    "x" * 5000: "4,000 are the most",
    "not " * 900 + "draft": "nested more than 16 deep",
    "year == " + "-" * 500 + "5": "nested more than 16 deep",
    "year == " + "9" * 400: "a number beyond 1e+300",
    "year < -1e999": "a number beyond 1e+300",
    "author == '\\ud800'": "cannot hold",
}


@pytest.fixture(scope="module", params=STORES)
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Index:
    if request.param == "lance":
        pytest.importorskip("lance", reason="pylance is missing")
    made: Index = STORES[request.param](tmp_path_factory.mktemp("index"), embedder, Chunker(embedder))
    made.update(Corpus.of(TEXTS, metadata=GIVEN))
    return made


@pytest.mark.parametrize("where", CASES)
def test_a_filter_chooses(index: Index, where: str) -> None:
    assert [*index.select(where)] == CASES[where]
    found = index.search("When does the lease end?", 9, documents=index.select(where))
    assert sorted({c.passage.document for c in found}) == CASES[where]


@pytest.mark.parametrize("where", WRONG)
def test_what_is_no_filter_is_refused(index: Index, where: str) -> None:
    with pytest.raises(InputError, match=re.escape(WRONG[where])):
        index.select(where)


@pytest.mark.parametrize("where", [5, [], {}, b"year == 1", True])
def test_what_is_no_text_is_no_filter(where: object) -> None:
    with pytest.raises(InputError, match="A filter is given as a text, not as "):
        parsed(where)  # type: ignore[arg-type]


def test_nothing_is_run() -> None:
    with pytest.raises(InputError):
        parsed("(lambda: 1/0)() == 1")
    with pytest.raises(InputError):
        parsed("(" * 3000 + "a" + ")" * 3000)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("rung", ["passages", "documents", "corpus"])
def test_every_rung_obeys_a_filter(store: str, rung: str, embedder: Embedder) -> None:
    if store == "lance":
        pytest.importorskip("lance", reason="pylance is missing")
    corpus = Corpus.of(TEXTS, metadata=GIVEN)
    with Hybrid(Settings(index=IndexSettings(store=store)), engine=Extractive(embedder)) as hybrid:
        answer = hybrid.answer("When does the lease end?", corpus, rung=rung, where="date >= '2024-01-01'")  # type: ignore[arg-type]
        assert {read.document for read in answer.read} == {"c.md"}
        assert "2050" in answer.text
        (again,) = hybrid.answer_many(["When does the lease end?"], corpus, where="year == 2023")
        assert "2040" in again.text
        (found,) = hybrid.retrieve("lease", corpus, documents=["a.txt", "b.md"], where="year >= 2024")
        assert found.passage.document == "a.txt"
        with pytest.raises(InputError, match="No document passes the filter `year > 3000`"):
            hybrid.answer("lease?", corpus, where="year > 3000")


@pytest.mark.parametrize("store", STORES)
def test_other_fields_of_a_file_are_taken_in(store: str, tmp_path: Path, embedder: Embedder) -> None:
    if store == "lance":
        pytest.importorskip("lance", reason="pylance is missing")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_text("A zebra.")
    with closing(STORES[store](tmp_path / "index", embedder, Chunker(embedder))) as index:
        index.update(Corpus.of(tmp_path / "files"))
        fields = tmp_path / "fields.json"
        fields.write_text(json.dumps({"a.txt": {"year": 2020}}))
        corpus = Corpus.of(tmp_path / "files", metadata={"a.txt": {"year": 2020}})
        assert not index.fresh(corpus)
        changes = index.update(corpus)
        assert (changes.changed, changes.embedded) == (1, 0)
        assert [*index.select("year == 2020")] == ["a.txt"]


def test_front_matter_gives_single_values() -> None:
    text = '---\ntitle: "A: b"\ntags: [a, b]\nyear: 2020 # said\nflag: no\nrate: 1.5\nlist:\n  - x\nnull: ~\n---\ntext'
    assert front_matter(text) == {"title": "A: b", "year": 2020, "flag": "no", "rate": 1.5}
    assert front_matter("no\n---\nyear: 1\n---") == {}


def test_fields_that_no_filter_can_ask_for_are_refused() -> None:
    with pytest.raises(InputError, match=r"'a\.txt' has a field 'two words'"):
        checked("a.txt", {"two words": 1})
    with pytest.raises(InputError, match="none of: document, kind"):
        checked("a.txt", {"kind": "pdf"})
    with pytest.raises(InputError, match="is a list"):
        checked("a.txt", {"tags": ["a"]})


@pytest.mark.parametrize("store", STORES)
def test_what_no_store_can_keep_is_no_field(store: str, embedder: Embedder) -> None:
    if store == "lance":
        pytest.importorskip("lance", reason="pylance is missing")
    odd = {"score": math.nan, "most": math.inf, "half": "a\ud800b", "big": 1e30, "quoted": 'it\'s "so"\n\0'}
    with closing(STORES[store](None, embedder, Chunker(embedder))) as index:
        index.update(Corpus.of({"a": "A zebra.", "b": "A horse."}, metadata={"a": odd}))
        assert index.fields()["a"] == {
            "document": "a", "kind": "text", "half": "a\ufffdb", "big": 1e30, "quoted": odd["quoted"]
        }  # fmt: skip
        assert [*index.select("big > 1e29 and 'so' in quoted")] == ["a"]
        assert [*index.select("not " * 15 + "big > 1")] == ["b"]  # as deep as it may be
