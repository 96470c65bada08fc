"""Sentences: what ends one, what does not, and properties that hold for any text."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.text.sentences import LONGEST, sentences


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Mr. Smith met Dr. Jones at St. Mary's.",
        "Acme Inc. paid Foo Corp. a fee.",
        "The U.S. Treasury agreed on Jan. 5, 2018.",
        "See No. 12 and Section 2.3 of the deed, e.g. the annex, i.e. Fig. 4.",
        "Smith v. Jones was decided by J. R. Hale.",
        "It grew by 3.5 percent to 1.2 million.",
        "He arrived at 5 p.m. on Monday.",
    ],
)
def test_abbreviations_do_not_end_a_sentence(text: str) -> None:
    assert split(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four\u2026 Five", ["One.", "Two!", "Three?", "Four\u2026", "Five"]),
        ("He said \u201cgo.\u201d She went.", ["He said \u201cgo.\u201d", "She went."]),
        ("It was sold to Acme Inc. The price was low.", ["It was sold to Acme Inc.", "The price was low."]),
        ("They moved to the U.S. In 1990 they left.", ["They moved to the U.S.", "In 1990 they left."]),
        ("\u5929\u6c14\u597d\u3002\u6211\u4eec\u8d70\u3002", ["\u5929\u6c14\u597d\u3002", "\u6211\u4eec\u8d70\u3002"]),
        ("Done.[1] Next one.", ["Done.[1] Next one."]),
    ],
)
def test_marks_end_sentences(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_a_wrapped_paragraph_is_one_sentence_and_a_heading_is_its_own() -> None:
    wrapped = (
        "This is a paragraph which was wrapped at about seventy characters,\nand it goes on in the following line."
    )
    assert split(f"# Heading\n{wrapped}") == ["# Heading", wrapped]
    assert split(f"Background\n\n{wrapped}") == ["Background", wrapped]


def test_list_items_and_table_rows_end_sentences() -> None:
    assert split("- one thing\n- two things\n1. first\n(a) second") == [
        "- one thing",
        "- two things",
        "1. first",
        "(a) second",
    ]
    assert split("| a | b |\n| c | d |") == ["| a | b |", "| c | d |"]


def test_a_row_of_a_table_is_one_sentence_whatever_stands_in_it() -> None:
    rows = [
        "Name: Dr. Roth & Sons Inc. | Note: Paid. Overdue? No! Closed. | Total: 12.50",
        "Name: Acme | Note: | Total: 9 on the first of the month and 11 afterwards",
        "and a lower-case key | Deposit: 800 EUR",
    ]
    assert split("\n".join(rows)) == rows
    long = "key: K1 | text: " + "It goes on. " * 60
    assert all(len(part) <= LONGEST for part in split(long))


def test_code_lines_stay_whole_and_open_brackets_join() -> None:
    code = "def f(x,\n      y):\n    return x + y\n\nz = f(1, 2)\nw = 3"
    assert split(code) == ["def f(x,\n      y):", "return x + y", "z = f(1, 2)", "w = 3"]


def test_blank_lines_are_never_crossed() -> None:
    assert split("no stop here\n \t\nbut two parts") == ["no stop here", "but two parts"]
    assert split("no stop here\r\n\r\nbut two parts") == ["no stop here", "but two parts"]


def test_long_runs_are_cut_at_a_clause() -> None:
    parts = split("word " * 80 + "end of clause; " + "word " * 200)
    assert parts[0].endswith("clause;")
    assert all(len(part) <= LONGEST for part in parts)


@pytest.mark.parametrize(
    "unit", [".", "a.", ". ", "a\n", "(\n", " ", "\n", "x", '."', "a " * 10, "| a ", "\u3002", "\n "]
)
def test_time_is_linear_for_hostile_text(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    began = time.process_time()
    sentences(text)
    assert time.process_time() - began < 5


@settings(max_examples=300, deadline=None)
@given(st.text() | st.text(alphabet="aB1. \n\t,;:!?()[]|#-\"'\u3002\u2026\r\f", max_size=2000))
def test_ranges_are_ordered_stripped_and_complete(text: str) -> None:
    at, kept = 0, []
    for start, end in sentences(text):
        assert at <= start < end <= len(text)
        assert end - start <= LONGEST
        assert text[start:end] == text[start:end].strip()
        assert not text[at:start].strip()  # only white space is left out
        kept.append(text[start:end])
        at = end
    assert not text[at:].strip()
    assert "".join("".join(kept).split()) == "".join(text.split())
