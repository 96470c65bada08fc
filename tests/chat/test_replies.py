"""What models reply: thoughts that are no answer, refusals that are told from negatives, marks of all forms."""

from __future__ import annotations

import json
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid import Hybrid, load
from hybrid.chat.marks import BEGIN, END, MARK, marked
from hybrid.chat.refusals import abstains
from hybrid.chat.thinking import Spoken, opens_unseen, spoken
from hybrid.engines.base import Completion
from hybrid.errors import EngineError
from hybrid.index.embedding import Embedder
from hybrid.types import Usage

FILE = Path(__file__).parents[1] / "data" / "refusals.jsonl"
REFUSALS = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
ANSWER = "Dogs are not allowed [1]."


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: f"{row['language']}: {row['text'][:40]}")
def test_a_refusal_is_told_from_a_correct_negative(row: dict[str, Any]) -> None:
    assert abstains(row["text"]) == row["refuses"]


@pytest.mark.parametrize(
    ("reply", "refuses"),
    [
        ("", True),
        ("NOT IN THE DOCUMENTS", True),
        ('"Not in the documents."', True),
        (
            "**NOT IN THE DOCUMENTS** [2]\n\nThe texts speak of rooms and of breakfast, and of nothing else.",
            True,
        ),
        ("The text does not mention a pool, but it says that the lake is open [1].", False),
        ("The documents do not mention it [1].", False),  # it cites: the reader may judge
        ("Breakfast is not included in the room rate 【1】.", False),
    ],
)
def test_the_agreed_sentence_comes_first(reply: str, refuses: bool) -> None:
    assert abstains(reply) == refuses


@pytest.mark.parametrize(
    "reply",
    [
        "No, salaries may not be disclosed to colleagues.",
        "The source of the report must never be disclosed to the press.",
        "No details of customers are passed to the insurer.",
        "The sale cannot be concluded by telephone.",
        "The source of the leak is unknown.",
        "The document was not signed.",
        "The rent cannot be determined unilaterally.",
        "The agreement does not state a notice period, so the statutory one applies.",
        "The policy does not specify a limit: the insurer pays in full.",
        "The document does not grant the buyer any right to return the goods.",
        "Nein, der Vertrag enthält keine Verlängerung.",
        "Der Vertrag gibt dem Käufer keinen Anspruch auf Rückgabe.",
        "Es werden keine Informationen an Dritte weitergegeben.",
        "Die Namen dürfen nicht genannt werden.",
        "Le contrat ne fournit pas de place de parking.",
        "Le document ne donne pas le droit de revendre.",
        "Aucune information n'est transmise à l'assureur.",
        "No, el contrato no ofrece garantía.",
        "No se puede encontrar aparcamiento después de las ocho.",
        "Il contratto non contiene un termine minimo.",
        "Nessuna informazione viene condivisa con l'assicuratore.",
        "O contrato não fornece mobília.",
        "Het contract bevat geen boeteclausule.",
        "Er worden geen gegevens met derden gedeeld.",
        "Umowa nie zawiera okresu próbnego.",
        "Договор не содержит срока окончания.",
        "合同不提供家具。",
        "المبنى لا يحتوي على مصعد.",
    ],
)
def test_what_is_not_granted_or_shared_is_an_answer(reply: str) -> None:
    assert not abstains(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "The passages say nothing about the architect.",
        "Neither of the texts states a price.",
        "None of the documents gives a year.",
        "From the excerpts it remains unclear who paid.",
        "The agreement is silent on this point.",
        "The documents do not say who paid, so the payer is unknown.",
        "The date of the vote is not disclosed in the documents.",
        "This name isn't in the passages.",
        "Die Zahl ist im Text nicht vorhanden.",
        "Le nom n'apparaît pas dans le texte.",
        "Il nome non è presente nel testo.",
        "O nome não está presente no texto.",
        "Kein Dokument erwähnt den Architekten.",
        "Darüber steht nichts in den Unterlagen.",
        "Le texte reste muet sur ce point.",
        "Aucun des documents ne précise le prix.",
        "Ninguno de los documentos menciona al arquitecto.",
        "El nombre no consta en los documentos.",
        "Nessuno dei documenti indica il prezzo.",
        "Nenhum dos documentos menciona o arquiteto.",
        "Geen van de documenten noemt de architect.",
        "Texten säger inget om arkitekten.",
        "Det framgår inte av texten.",
        "Dokumentet nevner ikke prisen.",
        "Det står ikke i teksten.",
        "Teksten siger intet om prisen.",
        "Dokumentet nævner ikke arkitekten.",
        "Teksti ei kerro hintaa.",
        "Asiakirjoissa ei ole tietoa arkkitehdista.",
        "Żaden z dokumentów nie podaje ceny.",
        "Text neuvádí cenu.",
        "V dokumentech to není uvedeno.",
        "У тексті немає інформації про ціну.",
        "Текст не згадує архітектора.",
        "Το κείμενο δεν αναφέρει την τιμή.",
        "Δεν υπάρχουν πληροφορίες για την τιμή στο έγγραφο.",
        "הטקסט אינו מזכיר את המחיר.",
        "אין מידע על כך במסמכים.",
        "पाठ में कीमत की कोई जानकारी नहीं है।",
        "दस्तावेज़ में वास्तुकार का उल्लेख नहीं है।",
        "Văn bản không nêu giá.",
        "Không có thông tin về giá trong tài liệu.",
    ],
)
def test_a_document_that_does_not_tell_is_a_refusal(reply: str) -> None:
    assert abstains(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "Hundar är inte tillåtna på rummen.",
        "Hunder er ikke tillatt på rommene.",
        "Hunde er ikke tilladt på værelserne.",
        "Koiria ei sallita huoneissa.",
        "Psi nejsou v pokojích povoleni.",
        "Собаки в номерах не дозволені.",
        "Τα σκυλιά δεν επιτρέπονται στα δωμάτια.",
        "אסור להכניס כלבים לחדרים.",
        "कमरों में कुत्तों की अनुमति नहीं है।",
        "Không được mang chó vào phòng.",
    ],
)
def test_a_negative_in_further_languages_is_an_answer(reply: str) -> None:
    assert not abstains(reply)


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


class Model:
    """An engine that replies what it is told, letter by letter."""

    name = "model"
    window = 100_000
    concurrency = 1
    counts_exactly = True
    on_gpu = True

    def __init__(self, reply: str, truncated: bool = False) -> None:
        self.reply, self.truncated = reply, truncated

    def count(self, texts: Any) -> list[int]:
        return [len(text) // 4 + 1 for text in texts]

    def measure(self, prompt: Any) -> int:
        return sum(self.count([message["content"] for message in prompt.messages()]))

    def ask(self, prompt: Any, *, max_tokens: int, on_text: Any = None) -> Completion:
        for letter in self.reply if on_text is not None else ():
            on_text(letter)
        usage = Usage(calls=1, prompt_tokens=100, output_tokens=40, seconds=0.1)
        return Completion(self.reply, usage, abstained=abstains(self.reply), truncated=self.truncated)


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
    assert answer.usage.output_tokens == 40
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
        model.reply, model.truncated = "Breakfast, text 1, and", True
        with pytest.raises(EngineError, match="for thinking, without an answer"):
            hybrid.answer("What does breakfast cost?", HOTEL)


@pytest.mark.parametrize(
    "reply", ["<think>The user asks about", "<think>It costs 14 euros.</think>", "[THINK]Hm, dogs"]
)
def test_thoughts_without_an_answer_are_no_refusal(reply: str, embedder: Embedder) -> None:
    with pytest.raises(EngineError, match="model replied with nothing but thoughts"):
        asked(Model(reply), embedder)


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
