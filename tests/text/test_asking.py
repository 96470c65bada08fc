"""What a question asks for, without how it is to be answered."""

from __future__ import annotations

import pytest

from hybrid.text.asking import without_form


@pytest.mark.parametrize(
    ("question", "kept"),
    [
        ("Where is Mary? Answer with one word.", "Where is Mary?"),
        ("Is John in the cinema? Answer yes, no or maybe.", "Is John in the cinema?"),
        ("Who is a pilot? Answer with the name alone.", "Who is a pilot?"),
        (
            'How many are there? Give the answer as "Answer: [number]" and write nothing after it.',
            "How many are there?",
        ),
        ("Who pays the rent?\nPlease answer briefly. Reply in one short sentence.", "Who pays the rent?"),
        ("Tell me who pays. Answer in full sentences.", "Tell me who pays."),
        ("Which?\n(A) red\n(B) blue\nAnswer with the letter of the right option.", "Which?\n(A) red\n(B) blue"),
        ("Who pays? Answer for the tenants of Lima only.", None),  # it says more than a form
        ("Who answers? Who gives the answer?", None),
        ("Answer with one word.", None),
        ("What is the answer to the reply of 3 May?", None),
        ("", None),
    ],
)
def test_how_to_answer_is_no_part_of_what_is_asked(question: str, kept: str | None) -> None:
    assert without_form(question) == (question if kept is None else kept)
