"""Marks of the texts in all forms that models write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid import Hybrid, load
from hybrid.chat.marks import BEGIN, END, MARK, marked
from hybrid.index.embedding import Embedder
from tests.session.doubles import Model


def shape(reply: str, texts: int = 3, read: tuple[str, ...] = ()) -> str:
    """A reply with its marks as <1>."""
    return marked(reply, texts, read).replace(BEGIN, "<").replace(END, ">")


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("It is so [1].", "It is so <1>."),
        ("It is so [1, 2] there.", "It is so <1,2> there."),
        ("It is so [1-3].", "It is so <1,2,3>."),
        ("It is so [1\u20132].", "It is so <1,2>."),
        ("It is so [1][2].", "It is so <1><2>."),
        ("It is so 【1】.", "It is so <1>."),
        ("It is so 【1†source】.", "It is so <1>."),
        ("It is so [text 1] and [Source 2].", "It is so <1> and <2>."),
        ("It is so (source 2).", "It is so <2>."),
        ("It is so [^1].", "It is so <1>."),
        ("It is so.\u00b9 Next.", "It is so.<1> Next."),
        ("可以[1]。", "可以<1>。"),
        ("no dogs in the rooms[1].", "no dogs in the rooms<1>."),
        ("It is so 【7】.", "It is so."),
        ("It is so [9].", "It is so."),
        ("It is so [1, 9].", "It is so <1>."),
        ("It is so [doc 1, p. 4].", "It is so <1>."),
        ("It is so [2, page 12].", "It is so <2>."),
        ('It is so [text number="1"].', "It is so <1>."),
        ("It is so (texts 1 and 2).", "It is so <1,2>."),
        ("Es ist so [Text 1 und Text 3].", "Es ist so <1,3>."),
        ("It is so **[1]**.", "It is so <1>."),
        ("It is so [[1]].", "It is so <1>."),
        ("It is so<sup>[1]</sup>.", "It is so<1>."),
        ("It is so.<sup>2</sup>", "It is so.<2>"),
        ("It is so [#1].", "It is so <1>."),
        ("可以［文書2］。", "可以<2>。"),
    ],
)
def test_marks_in_the_forms_that_models_write(reply: str, found: str) -> None:
    assert shape(reply) == found


@pytest.mark.parametrize(
    "reply",
    [
        "The files are argv[1] and argv[2].",
        "x[0] and i[1][2] are swapped",
        "`a[1]` is the second",
        "```\nprint(a[1])\n```",
        "x = [1, 2, 3]",
        "see [1](https://example.org)",
        "in [2024], and [9] is one",
        "the area is 5 m\u00b2",
        "step (2) comes next",
        "node.children[1].name",
        "it returns [1, 2]",
        "see [[1]](https://example.org)",
        "the matrix [[1, 2], [3, 4]]",
        "the slice x[1:2] holds it",
        "10<sup>2</sup> metres",
        "see issue [#12]",
        "rule [1.2] of 3",
    ],
)
def test_what_only_looks_like_a_mark(reply: str) -> None:
    assert shape(reply) == reply


def test_a_subscript_of_the_texts_is_no_mark() -> None:
    assert shape("It is in args[1] [2].", 2, ("The name is args[1].",)) == "It is in args[1] <2>."


@given(st.text(max_size=60), st.integers(0, 9))
def test_a_mark_names_a_text_that_was_read(reply: str, texts: int) -> None:
    found = marked(reply, texts, ())
    assert BEGIN in reply or all(0 < int(n) <= texts for group in MARK.findall(found) for n in group.split(","))


def test_marks_are_renumbered_and_code_stays(embedder: Embedder) -> None:
    text = {"tool": "The tool reads argv.\n\nThe first argument, argv[1], names the input and argv[2] the output file."}
    reply = "The input file is named by argv[1] and the output file by argv[2] [1]."
    with Hybrid(load(environ={}), engine=Model(reply)) as hybrid:
        hybrid.embedder = embedder
        answer = hybrid.answer("Which argument names the input file?", text)
    assert answer.text == "The input file is named by argv[1] and the output file by argv[2]. [1]"
