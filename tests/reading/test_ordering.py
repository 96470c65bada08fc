"""Where each piece stands in the prompt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.errors import InputError
from hybrid.reading.ordering import order
from hybrid.settings.names import Ordering
from hybrid.types import Piece

# ranks from the first position to the last; rank 0 is the most relevant
EDGES = {
    0: [],
    1: [0],
    2: [0, 1],
    3: [0, 2, 1],
    4: [0, 2, 3, 1],
    5: [0, 2, 4, 3, 1],
    6: [0, 2, 4, 5, 3, 1],
    7: [0, 2, 4, 6, 5, 3, 1],
    8: [0, 2, 4, 6, 7, 5, 3, 1],
    9: [0, 2, 4, 6, 8, 7, 5, 3, 1],
}


def pieces(scores: list[float]) -> list[Piece]:
    return [Piece("a.txt", f"piece {i}", 100 * i, score=score) for i, score in enumerate(scores)]


def starts(found: list[Piece]) -> list[int]:
    return [piece.start // 100 for piece in found]


@pytest.mark.parametrize(("count", "ranks"), EDGES.items())
def test_edges(count: int, ranks: list[int]) -> None:
    ranked = pieces([1.0 - i / 100 for i in range(count)])
    assert starts(order(ranked[::-1], "edges")) == ranks


def test_edges_of_many() -> None:
    count = 4001
    ranked = pieces([1.0 - i / 10_000 for i in range(count)])
    expected = [*range(0, count, 2), *range(1, count, 2)[::-1]]
    assert starts(order(ranked, "edges")) == expected


def test_relevance_and_document() -> None:
    given = [Piece("b", "1", 0, score=0.9), Piece("a", "2", 50, score=0.1), Piece("a", "3", 7, score=0.5)]
    assert [p.text for p in order(given, "relevance")] == ["1", "3", "2"]
    assert [p.text for p in order(given, "document")] == ["3", "2", "1"]


@pytest.mark.parametrize("ordering", ["relevance", "document"])
def test_ties_keep_the_order_of_the_documents(ordering: Ordering) -> None:
    given = [Piece("b", "1", 0), Piece("a", "2", 50), Piece("a", "3", 7), Piece("b", "4", 3)]
    assert [p.text for p in order(given, ordering)] == ["3", "2", "1", "4"]


def test_ties_at_the_edges() -> None:
    given = [Piece("b", "1", 0), Piece("a", "2", 50), Piece("a", "3", 7), Piece("b", "4", 3)]
    assert [p.text for p in order(given, "edges")] == ["3", "1", "4", "2"]


@pytest.mark.parametrize(
    ("curve", "ranks"),
    [
        ([0.0, 1.0], [3, 2, 1, 0]),
        ([1.0, 0.0], [0, 1, 2, 3]),
        ([0.0, 1.0, 0.0], [2, 0, 1, 3]),  # 0, 2/3, 2/3, 0: of equal positions the earlier first
        ([0.5, 0.5], [0, 1, 2, 3]),
        ([0.9, 0.2, 0.1, 0.5], [0, 2, 3, 1]),
    ],
)
def test_the_best_stands_where_the_curve_is_highest(curve: list[float], ranks: list[int]) -> None:
    assert starts(order(pieces([0.9, 0.8, 0.7, 0.6]), "curve", curve)) == ranks


@pytest.mark.parametrize("curve", [[], [1.0]])
def test_curve_needs_a_curve(curve: list[float]) -> None:
    with pytest.raises(InputError, match=rf"needs scores at 2 positions or more, got {len(curve)}. Set routing.curve"):
        order(pieces([0.5]), "curve", curve)


@given(
    st.lists(st.floats(-1, 1), max_size=30),
    st.sampled_from(["relevance", "document", "edges", "curve"]),
    st.lists(st.floats(0, 1), min_size=2, max_size=12),
)
def test_always_a_permutation(scores: list[float], ordering: Ordering, curve: list[float]) -> None:
    ranked = pieces(scores)
    found = order(ranked, ordering, curve)
    assert sorted(starts(found)) == list(range(len(ranked)))
    assert found == order(ranked[::-1], ordering, curve)  # the order given does not matter
