"""The thoughts of a model are no part of its answer."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid import Hybrid, load
from hybrid.chat.thinking import Spoken, opens_unseen, spoken
from hybrid.errors import EngineError
from hybrid.index.embedding import Embedder
from tests.session.doubles import Model

ANSWER = "Dogs are not allowed [1]."
THOUGHTS = [
    (f"<think>The user asks. Text [1] says 15:00? No.</think>\n\n{ANSWER}", ANSWER),
    (f"<THINKING>\na\n</THINKING>{ANSWER}", ANSWER),
    (f"[THINK]a[/THINK]{ANSWER}", ANSWER),
    (f"◁think▷a◁/think▷{ANSWER}", ANSWER),
    (f"<think>a</think>\n<think>b</think>{ANSWER}", ANSWER),
    (f"<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}", ANSWER),
    (f"analysisThe user asks.assistantfinal{ANSWER}", ANSWER),
    ("<think>It broke off", ""),
    ("<think></think>\n\nNOT IN THE DOCUMENTS", "NOT IN THE DOCUMENTS"),
    (ANSWER, ANSWER),
    ("Use `</think>` to close it.", "Use `</think>` to close it."),
    ("The tag <think> opens a thought, </think> closes it.", "The tag <think> opens a thought, </think> closes it."),
    ("```\n<think>x</think>\n```\nis such a block.", "```\n<think>x</think>\n```\nis such a block."),
    ("Analysis of the soil shows clay.", "Analysis of the soil shows clay."),
    ("<p> opens a paragraph.", "<p> opens a paragraph."),
    (f"<reasoning>\na\n</reasoning>\n<answer>\n{ANSWER}\n</answer>", ANSWER),
    (f"<think>a</think><answer>{ANSWER}</answer>\nConfidence: 0.9", f"{ANSWER}\nConfidence: 0.9"),
    (f"<think>I write `</think>` and stop.</think>{ANSWER}", ANSWER),
    (f"<think>So:\n```\n<think>x</think>\n```\nFine.</think>\n{ANSWER}", ANSWER),
    (f"<think>A fence:\n```\nx</think>{ANSWER}", ANSWER),
    (f"<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>{ANSWER}<|END_RESPONSE|>", ANSWER),
    (f"<unused94>thought\na<unused95>{ANSWER}", ANSWER),
    (f"<|channel>thought\na\n<channel|>{ANSWER}", ANSWER),
    (f"Here is my thought process:\na\nHere is my response:\n{ANSWER}", ANSWER),
    ("Here is my thought process: first the price.", "Here is my thought process: first the price."),
    (f"<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}<|return|>", ANSWER),
    (f"<|begin_of_thought|>a<|end_of_thought|>\n<|begin_of_solution|>\n{ANSWER}\n<|end_of_solution|>", ANSWER),
    (f"</think>\n\n{ANSWER}", ANSWER),
    (f"{ANSWER}\n\n<think>Was that right?</think>", ANSWER),
    (f"{ANSWER}\n<think>a</think><think>b</think>\nCats are.", f"{ANSWER}\n\nCats are."),
    (f"{ANSWER}\n\n<think>Was that", ANSWER),
    ("The elements are:\n<analysis> holds text.", "The elements are:\n<analysis> holds text."),
    ("If a < b and b > c, it ends.", "If a < b and b > c, it ends."),
    ("analysisResult is a field.", "analysisResult is a field."),
    ("Okay, but only until 22:00.", "Okay, but only until 22:00."),
]


@pytest.mark.parametrize(("reply", "said"), THOUGHTS)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_thoughts_are_not_said(reply: str, said: str, size: int) -> None:
    assert spoken(reply) == said
    shown: list[str] = []
    stream = Spoken(shown.append)
    for start in range(0, len(reply), size):
        stream(reply[start : start + size])
    stream.finish(said)
    assert "".join(shown) == said


PARTS = [
    *(reply for reply, _ in THOUGHTS if "`" not in reply and reply[:2] != "</"),
    "\n",
    " ",
    "<",
    "[1]",
    "`",
    "```",
    "<|end|>",
    "<answer>",
    "</answer>",
    "x",
]


@given(st.lists(st.sampled_from(PARTS)).map("".join), st.lists(st.integers(1, 5), min_size=1))
def test_a_reply_streams_in_as_it_is_said_however_it_is_cut(reply: str, sizes: list[int]) -> None:
    said, at = spoken(reply).strip(), 0
    parts: list[str] = []
    stream = Spoken(parts.append)
    for size in cycle(sizes) if reply else ():
        stream(reply[at : at + size])
        assert said.startswith("".join(parts).rstrip())  # no thought flashes up
        at += size
        if at >= len(reply):
            break
    stream.finish(said)
    assert "".join(parts).strip() == said


@pytest.mark.parametrize(
    "reply",
    [
        f"I check the rules.</think>\n{ANSWER}",
        f"Hm.\n</think>{ANSWER}",
        f"Okay, it's the user's dog, isn't it?</think>{ANSWER}",
    ],
)
def test_thoughts_that_nothing_opens(reply: str) -> None:
    assert spoken(reply) == ANSWER
    assert opens_unseen(reply)
    shown: list[str] = []
    stream = Spoken(shown.append, thinks=True)
    for letter in reply:
        stream(letter)
    stream.finish(ANSWER)
    assert "".join(shown) == ANSWER


@given(st.text(st.characters(blacklist_characters="<[◁", blacklist_categories=["Cs"])))
def test_a_reply_without_tags_stays_as_it_is(reply: str) -> None:
    if not reply.lstrip().startswith("analysis"):
        assert spoken(reply) == reply


HOTEL = {
    "hotel": "House rules.\n\nBreakfast costs 14 euros.\n\nDogs are not allowed in the rooms.\n\nCheck-in is at 15:00."
}


def asked(model: Model, embedder: Embedder, times: int = 1) -> tuple[Any, str]:
    shown: list[str] = []
    with Hybrid(load(environ={}), engine=model) as hybrid:
        hybrid.embedder = embedder
        for _ in range(times):
            shown.clear()
            answer = hybrid.answer("Are dogs allowed in the rooms?", HOTEL, on_text=shown.append)
    return answer, "".join(shown)


def test_a_thinking_models_answer(embedder: Embedder) -> None:
    reply = "<think>Text [1] says breakfast costs 14 euros.</think>\n\nDogs are not allowed in the rooms [1]."
    answer, shown = asked(Model(reply), embedder)
    assert answer.text == "Dogs are not allowed in the rooms. [1]"
    assert len(answer.citations) == 1
    assert answer.usage.output_tokens == len(reply) // 4
    assert shown == "Dogs are not allowed in the rooms [1]."


def test_a_thinking_models_refusal(embedder: Embedder) -> None:
    answer, shown = asked(Model("<think>Breakfast costs 14 euros [1]. No pool.</think>NOT IN THE DOCUMENTS"), embedder)
    assert answer.abstained
    assert not answer.citations
    assert "think" not in answer.text + shown


def test_a_model_that_never_opens_its_thoughts_is_held_back_from_the_second_time_on(embedder: Embedder) -> None:
    model = Model("Dogs, text 1.</think>Dogs are not allowed in the rooms [1].")
    answer, shown = asked(model, embedder, times=2)
    assert answer.text == "Dogs are not allowed in the rooms. [1]"
    assert shown == "Dogs are not allowed in the rooms [1]."


def test_thoughts_that_begin_as_usual_are_held_back_at_once(embedder: Embedder) -> None:
    model = Model("Okay, the user asks about dogs.</think>Dogs are not allowed in the rooms [1].")
    assert asked(model, embedder)[1] == "Dogs are not allowed in the rooms [1]."


@pytest.mark.parametrize("reply", ["<think>The user asks about", "Okay, so the user asks about dogs. Text 1 says"])
def test_thinking_that_takes_all_tokens_is_said(reply: str, embedder: Embedder) -> None:
    with pytest.raises(EngineError, match=r"used all \d+ tokens for thinking, without an answer; raise engine.max_t"):
        asked(Model(reply, truncated=True), embedder)


def test_an_answer_that_breaks_off_is_shown(embedder: Embedder) -> None:
    answer, _ = asked(Model("Let me explain: dogs are not allowed in the rooms [1], but in", truncated=True), embedder)
    assert answer.text.startswith("Let me explain: dogs are not allowed in the rooms")


def test_a_model_known_to_think_that_breaks_off_has_not_answered(embedder: Embedder) -> None:
    model = Model("Dogs, text 1.</think>Dogs are not allowed in the rooms [1].")
    with Hybrid(load(environ={}), engine=model) as hybrid:
        hybrid.embedder = embedder
        hybrid.answer("Are dogs allowed in the rooms?", HOTEL)
        model.replies, model.truncated = ["Breakfast, text 1, and"], True
        with pytest.raises(EngineError, match="for thinking, without an answer"):
            hybrid.answer("What does breakfast cost?", HOTEL)


@pytest.mark.parametrize(
    "reply", ["<think>The user asks about", "<think>It costs 14 euros.</think>", "[THINK]Hm, dogs"]
)
def test_thoughts_without_an_answer_are_no_refusal(reply: str, embedder: Embedder) -> None:
    with pytest.raises(EngineError, match="told replied with nothing but thoughts"):
        asked(Model(reply), embedder)
