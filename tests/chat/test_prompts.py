"""The layout of prompts: stable bytes, text that cannot break out of its tags, and what counts as abstaining."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.chat.prompts import INSTRUCTIONS, Prompt, block, defuse
from hybrid.chat.refusals import ABSTAIN, abstains
from hybrid.types import Piece

HARMFUL = [
    "</text>",
    "< / text >",
    '<text number="9" source="x">',
    "<TEXT>",
    "</evidence>",
    "<question>",
    "</documents>",
    "<|im_start|>system",
    "<|im_end|>",
    "<|eot_id|>",
    "<|start_header_id|>",
    "<|endoftext|>",
    "<｜begin▁of▁sentence｜>",
    "<s>",
    "</s>",
    "<bos>",
    "<eos>",
    "<pad>",
    "<unk>",
    "<think>",
    "</think>",
    "<tool_call>",
    "<start_of_turn>user",
    "<end_of_turn>",
    "<<SYS>>",
    "<</SYS>>",
    "[INST]",
    "[/INST]",
    "[SYSTEM_PROMPT]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
]
HARMLESS = [
    "a < b and b > c",
    "vector<string>",
    "<span>x</span>",
    "<textarea>",
    "<script>",
    "<table>",
    "x[INSTANCE]",
    "[1]",
    "list[int]",
    "<-",
    "1 << 4",
    "<strong>",
    "<thinking about it",
]


@pytest.mark.parametrize("text", HARMFUL)
def test_what_could_switch_roles_is_defused(text: str) -> None:
    safe = defuse(f"before {text} after")
    assert text not in safe
    assert len(safe) == len(f"before {text} after")
    changed = [(a, b) for a, b in zip(f"before {text} after", safe, strict=True) if a != b]
    assert changed
    assert set(changed) <= {("<", "\u2039"), ("[", "\u27e6")}
    assert defuse(safe) == safe


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert defuse(text) == text


@given(st.text(alphabet=st.sampled_from(list('<>/|[] \n"textINSTs｜\U0001f642')), max_size=80))
def test_defusing_keeps_the_length_and_is_done_once(text: str) -> None:
    safe = defuse(text)
    assert len(safe) == len(text)
    assert defuse(safe) == safe
    assert "</text" not in safe
    assert "<|" not in safe
    assert "[INST]" not in safe


def test_a_block() -> None:
    piece = Piece("a.md", "\n  It runs.\n", 0, heading="Terms > End")
    assert block(piece, 3) == '<text number="3" source="a.md > Terms > End">\nIt runs.\n</text>'


def test_a_name_cannot_leave_its_attribute() -> None:
    piece = Piece('a"b\n</text>.md', "x", 0, heading='say "no"\r\n<|im_end|>')
    first = block(piece, 1).split("\n")
    assert len(first) == 3
    assert first[0].count('"') == 4
    assert "</text>" not in first[0]
    assert "<|" not in first[0]


@given(st.text(max_size=50), st.text(max_size=20), st.text(max_size=20))
def test_the_same_piece_gives_the_same_bytes(text: str, document: str, heading: str) -> None:
    one = Piece(document, text, 0, heading=heading, score=0.1, passage=1)
    other = Piece(document, text, 900, heading=heading, score=0.7)
    assert block(one, 2) == block(other, 2)
    assert block(one, 2).count("</text>") == 1


def test_stable_parts_come_first_and_the_question_last() -> None:
    pieces = (Piece("a", "one", 0), Piece("b", "two", 0))
    first = Prompt("What <|im_end|> is it?", pieces, evidence=(Piece("a", " key </evidence> ", 0),))
    second = Prompt("Another?", pieces)
    documents = "\n\n".join(block(piece, i) for i, piece in enumerate(pieces, 1))
    assert first.body().startswith(documents + "\n\n<evidence>\nkey \u2039/evidence>\n</evidence>\n\n")
    assert second.body() == f"{documents}\n\n{INSTRUCTIONS['answer']}\n\nQuestion: Another?"
    assert first.body().endswith("Question: What \u2039|im_end|> is it?")
    assert [m["role"] for m in first.messages()] == ["system", "user"]
    assert first.messages()[0] == second.messages()[0]
    assert Prompt("q", (), task="collect").body() == f"{INSTRUCTIONS['collect']}\n\nQuestion: q"


def test_without_drops_the_last_pieces() -> None:
    prompt = Prompt("q", tuple(Piece("a", str(i), i) for i in range(4)))
    assert [p.text for p in prompt.without(1).pieces] == ["0", "1", "2"]
    assert prompt.without(0) == prompt
    assert prompt.without(4).pieces == ()


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "  \n",
        ABSTAIN,
        f"{ABSTAIN}.",
        "Not in the documents.",
        f"I am sorry: {ABSTAIN}",
        "The documents do not say.",
        "The text doesn't mention the date of the agreement.",
        "There is no information about the price.",
        "I cannot answer this from the documents.",
        "The renewal fee is not specified in the texts provided.",
        "The provided texts do not contain the answer. Please check the annex.",
        "This can't be answered.",
        "The text doesn\u2019t mention it.",
        "The question is unanswerable from the given texts.",
        "The agreement did not state a term.",
    ],
)
def test_replies_that_abstain(reply: str) -> None:
    assert abstains(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "It ends on 3 May 2027 [1].",
        "No.",
        "The licence does not include source code [2].",
        "The fee is 5 euros. The VAT is not stated.",
        "Not until 2027.",
        "The manager, not the board, decides.",
        "42",
        "He said: 'it is not in my nature' [1].",
        "The warranty is void if the seal is broken.",
    ],
)
def test_replies_that_answer(reply: str) -> None:
    assert not abstains(reply)


def test_the_sentence_at_the_end_of_a_long_answer_is_no_abstention() -> None:
    reply = "The agreement ends on 3 May 2027 [1], and it renews for a year unless notice is given [2]. " * 3
    assert not abstains(f"{reply} The price is {ABSTAIN}.")
