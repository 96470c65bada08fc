"""BM25 against a few plain lines of it, and the words it counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.index.lexical import Lexical, identifiers, query_words, words

TEXTS = [
    "The agreement ends on 3 May 2027.",
    "The agreement renews, the agreement renews.",
    "A licence fee of 500 dollars is due in May.",
    "def parse_args(argv): return parser.parse_args(argv)",
    "",
    "The end of the line.",
    "Fee fee fee fee.",
]


def bm25(texts: Sequence[Sequence[int]], query: Sequence[int], k1: float = 1.5, b: float = 0.75) -> list[float]:
    """Lucene's variant (Kamphuis et al. 2020, "Which BM25 do you mean?"), without its constant factor k1 + 1."""
    average = sum(map(len, texts)) / len(texts)
    scores = []
    for text in texts:
        counts, score = Counter(text), 0.0
        for word in query:
            holding = sum(word in other for other in texts)
            idf = math.log(1 + (len(texts) - holding + 0.5) / (holding + 0.5))
            score += idf * counts[word] / (counts[word] + k1 * (1 - b + b * len(text) / average))
        scores.append(score)
    return scores


def numbered(texts: Sequence[str]) -> tuple[list[list[int]], dict[str, int]]:
    known: dict[str, int] = {}
    return [[known.setdefault(word, len(known) + 1) for word in words(text)] for text in texts], known


def built(texts: Sequence[Sequence[int]], ids: Sequence[int], vocabulary: int) -> Lexical:
    return Lexical.build(np.array(ids, np.int64), [np.array(t, np.int32) for t in texts], vocabulary)


@pytest.mark.parametrize("question", ["agreement", "when does the agreement end", "fee in May", "parse args", "the"])
def test_equals_plain_bm25(question: str) -> None:
    texts, known = numbered(TEXTS)
    ids = [3, 8, 9, 20, 21, 40, 41]
    asked = [known[word] for word in dict.fromkeys(words(question)) if word in known]
    expected = bm25(texts, asked)
    ranked = sorted((-score, i) for score, i in zip(expected, ids, strict=True) if score > 0)
    found, scores = built(texts, ids, len(known) + 1).search(asked, 10)
    assert found.tolist() == [i for _, i in ranked]
    assert scores.tolist() == pytest.approx([-score for score, _ in ranked], rel=1e-5)
    assert len(ranked) > 0


@given(
    st.lists(st.lists(st.integers(1, 8), max_size=12), min_size=1, max_size=12),
    st.lists(st.integers(1, 12), max_size=5, unique=True),
    st.integers(1, 14),
)
def test_equals_plain_bm25_on_anything(texts: list[list[int]], query: list[int], k: int) -> None:
    ids = [5 * i for i in range(len(texts))]
    known = [word for word in query if any(word in text for text in texts)]
    expected = bm25(texts, known) if any(texts) else [0.0] * len(texts)
    found, scores = built(texts, ids, 9).search(query, k)
    ranked = sorted((-score, i) for score, i in zip(expected, ids, strict=True) if score > 0)[:k]
    assert scores.tolist() == pytest.approx([-score for score, _ in ranked], rel=1e-4)
    for score, i in zip(scores.tolist(), found.tolist(), strict=True):
        assert score == pytest.approx(expected[i // 5], rel=1e-4)


def test_ties_are_cut_by_id() -> None:
    texts = [[1, 2]] * 9 + [[1, 1]]
    index = built(texts, range(10, 20), 3)
    assert index.search([1], 4)[0].tolist() == [19, 10, 11, 12]
    assert index.search([2], 3)[0].tolist() == [10, 11, 12]


def test_among_keeps_the_scores() -> None:
    texts, known = numbered(TEXTS)
    index = built(texts, range(7), len(known) + 1)
    everywhere = dict(
        zip(*(part.tolist() for part in index.search([known["agreement"], known["fee"]], 9)), strict=True)
    )
    found, scores = index.search([known["agreement"], known["fee"]], 9, np.array([6, 0, 5, 100]))
    assert sorted(found.tolist()) == [0, 6]
    assert scores.tolist() == [everywhere[i] for i in found.tolist()]
    assert len(index.search([known["fee"]], 9, np.zeros(0, np.int64))[0]) == 0


def test_unknown_words() -> None:
    texts, known = numbered(TEXTS)
    index = built(texts, range(7), len(known) + 1)
    assert index.search([], 5)[0].tolist() == []
    assert index.search([len(known) + 50], 5)[0].tolist() == []
    alone = index.search([known["may"]], 5)
    both = index.search([known["may"], len(known) + 50], 5)
    assert alone[0].tolist() == both[0].tolist()
    assert alone[1].tolist() == both[1].tolist()


@pytest.mark.parametrize("texts", [[], [[]], [[], []]])
def test_without_any_word(texts: list[list[int]], tmp_path: Path) -> None:
    index = built(texts, range(len(texts)), 4)
    assert index.search([1, 2], 5)[0].tolist() == []
    index.save(tmp_path)
    assert Lexical.open(tmp_path).search([1, 2], 5)[0].tolist() == []


def test_save_and_open(tmp_path: Path) -> None:
    texts, known = numbered(TEXTS)
    index = built(texts, range(100, 107), len(known) + 1)
    index.save(tmp_path)
    again = Lexical.open(tmp_path)
    for word in known.values():
        before, after = index.search([word], 9), again.search([word], 9)
        assert before[0].tolist() == after[0].tolist()
        assert before[1].tolist() == after[1].tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTPServer getName parseXMLFile", ["http", "server", "get", "name", "parse", "xml", "file"]),
        ("snake_case_name v2 utf8", ["snake", "case", "name", "v", "2", "utf", "8"]),
        ("Section 12.3(a)", ["section", "12", "3", "a"]),
        ("don't the licensor's", ["don't", "the", "licensor", "s"]),
        ("東京は 日本", ["東京", "東", "京", "は", "日本", "日", "本"]),
        ("서울", ["서울", "서", "울"]),
        ("Grüße ÉCOLE École für-Straße", ["grusse", "ecole", "ecole", "fur", "strasse"]),
        ("größeÄnderung", ["grosse", "anderung"]),
        ("квартира Москва", ["квартира", "москва"]),
        ("parties agencies classes buses status analysis boss fees", None),
        ("!?; -- …", []),
    ],
)
def test_words(text: str, expected: list[str] | None) -> None:
    if expected is None:
        expected = ["party", "agency", "classe", "buse", "status", "analysis", "boss", "fee"]
    assert words(text) == expected


def test_singular_and_plural_are_one_word() -> None:
    for one, many in [("party", "parties"), ("fee", "fees"), ("document", "documents"), ("licence", "licences")]:
        assert words(one) == words(many)


def test_question_words() -> None:
    assert query_words("When does the Agreement end?") == ["agreement", "end"]
    assert query_words("What is it?") == ["what", "is", "it"]  # nothing else is left
    assert query_words("") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("WideLife wide_life WIDE_LIFE widelife", ["widelife", "widelife", "widelife"]),
        ("class BadParametersException(HTTPError): ...", ["badparametersexception", "httperror"]),
        ("The URLs of McDonald's", ["url", "mcdonald"]),
        ("_private __init__ __all__ x_ _", []),
        ("log4cxx/PatternLayout.h, a.b, don't, 10-K, test1", ["patternlayout", "log4cxx", "10k", "test1"]),
        ("AX-4418-B, ax4418b, 12th, 30km", ["ax4418b", "ax4418b"]),
        ("1,250,000 = 1.25 million = 1,25 Millionen = 125万", ["1250000"] * 4),
        ("5 March 2024, 2024-03-05", ["2024-03-05", "2024-03-05"]),
        ("使用HTTPServer的", ["httpserver"]),
        ("_" * 100_000, []),
    ],
)
def test_names_of_several_words_are_one_word_too(text: str, found: list[str]) -> None:
    assert identifiers(text) == found
