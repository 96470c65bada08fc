"""The way from a character of the text back to the original."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hybrid.document import Anchor, Document, Location

lines = st.lists(st.text(alphabet="ab \r\U0001f642", max_size=6), min_size=1, max_size=8).map("\n".join)


@given(lines, st.data())
def test_lines_and_characters_of_plain_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    last = max(start, end - 1)
    found = Document("a", text).locate(start, end)
    assert found == Location(start, end, text.count("\n", 0, start) + 1, text.count("\n", 0, last) + 1, None)


def test_lines_count_within_the_page() -> None:
    text = "one\ntwo\n\nthree\nfour\n"
    document = Document("a.pdf", text, "pdf", pages=(0, 9))
    assert document.locate(4, 7) == Location(4, 7, 2, 2, 1)
    assert document.locate(9, 14) == Location(9, 14, 1, 1, 2)
    assert document.locate(15, 19) == Location(15, 19, 2, 2, 2)


def test_pages() -> None:
    document = Document("a.pdf", "abcdef", pages=(0, 2, 2, 4))  # the second page is empty
    assert [document.page_of(i) for i in range(7)] == [1, 1, 3, 3, 4, 4, 4]
    assert Document("a", "abc").page_of(1) is None


def test_anchors_lead_to_the_original() -> None:
    # original: "<p>A &amp; B</p>\n<p>C</p>", text: "A & B\nC"
    anchors = (Anchor(0, 3, 1), Anchor(2, 5, 1), Anchor(3, 10, 1), Anchor(6, 20, 2))
    source = "<p>A &amp; B</p>\n<p>C</p>"
    document = Document("a.html", "A & B\nC", "html", anchors=anchors)
    whole = document.locate(0, 5)
    assert source[whole.start : whole.end] == "A &amp; B"
    assert (whole.line, whole.end_line) == (1, 1)
    last = document.locate(6, 7)
    assert source[last.start : last.end] == "C"
    assert (last.line, last.end_line) == (2, 2)


def test_positions_inside_a_shrunken_stretch_stay_inside() -> None:
    document = Document("a", "abcdef", anchors=(Anchor(0, 0, 1), Anchor(4, 2, 1)))
    assert [document.locate(i, i).start for i in range(6)] == [0, 1, 2, 2, 2, 3]


def test_an_empty_range() -> None:
    document = Document("a", "x\ny", anchors=(Anchor(0, 10, 5),))
    assert document.locate(2, 2) == Location(12, 12, 6, 6, None)
