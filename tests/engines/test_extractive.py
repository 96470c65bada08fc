"""The quoting engine: verbatim, silent when nothing supports an answer, unmoved by hostile text."""

import math
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Completion, Engine
from hybrid.engines.extractive import SILENT, Extractive
from hybrid.engines.quoting.question import Question
from hybrid.engines.quoting.weights import FEATURES, OVERALL, Weights
from hybrid.errors import WindowError
from hybrid.index.embedding import Embedder
from hybrid.settings import EngineSettings
from hybrid.text.words import stem
from hybrid.types import Piece

CONTRACT = """\
1. Term. This agreement begins on 1 March 2021 and ends on 28 February 2024, unless it is terminated earlier.

2. Fees. The customer pays Acme Corp. a yearly fee of 48,500 euros. Invoices are due within 30 days of receipt.

3. Termination. Either party may terminate this agreement with a notice period of ninety days. Notice has to be given \
in writing.

4. Governing law. This agreement is governed by the laws of the Netherlands, and the courts of Rotterdam have \
jurisdiction.
"""
WHALES = """\
The blue whale is the largest animal known ever to have existed. It reaches a length of thirty metres.

Blue whales feed almost only on krill, small crustaceans that they filter through baleen plates.
"""
FILLER = (
    "The committee met in the morning and went through the papers that had been handed round. "
    "Several members said that the roof of the pavilion was in need of repair before the winter. "
    "It was agreed that the gardener should be thanked for the state of the lawns.\n\n"
    "After lunch the visitors walked along the river and came back by the old mill. "
    "Nobody had brought an umbrella, and the grass was wet.\n\n"
)


@pytest.fixture(scope="module")
def engine() -> Extractive:
    return Extractive(Embedder())


def ask(engine: Extractive, question: str, *texts: str, **options: object) -> Completion:
    pieces = tuple(Piece(f"document {number}", text, 0) for number, text in enumerate(texts))
    prompt = Prompt(question, pieces, **options)  # type: ignore[arg-type]
    reply = engine.ask(prompt, max_tokens=200)
    assert_verbatim(reply, texts)
    return reply


def assert_verbatim(reply: Completion, texts: tuple[str, ...]) -> None:
    flat = " ".join(reply.text.split())
    for quote in reply.quotes:
        quoted = texts[quote.piece][quote.start : quote.end]
        assert quoted.strip() == quoted != ""
        assert " ".join(quoted.split()) in flat
        assert 0 <= quote.score <= 1
    assert reply.abstained == (not reply.quotes) == (reply.text == SILENT)


def test_is_an_engine(engine: Extractive) -> None:
    seam: Engine = engine
    assert seam.name == "extractive (all-MiniLM-L6-v2 (packaged))"
    assert (seam.window, seam.concurrency, seam.counts_exactly) == (1_000_000, 1, True)
    assert seam.count(["a contract", ""]) == [2, 0]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the notice period for termination?", "ninety days"),
        ("How much is the yearly fee?", "48,500 euros"),
        ("Which law governs the agreement?", "Netherlands"),
        ("When does the agreement end?", "28 February 2024"),
        ("What do blue whales eat?", "krill"),
        ("How long is a blue whale?", "thirty metres"),
    ],
)
def test_answers_with_the_sentence_that_says_it(engine: Extractive, question: str, expected: str) -> None:
    reply = ask(engine, question, CONTRACT, WHALES)
    assert expected in reply.text
    piece = 2 if "whale" in question else 1
    assert f"[{piece}]" in reply.text
    assert len(reply.quotes) <= 2


def test_how_often_wants_a_frequency(engine: Extractive) -> None:
    lease = "The lease is dated 4 March 2021.\n\nThe rent is 900 euros. Rent is due monthly, on the first working day."
    assert "monthly" in ask(engine, "How often is rent due?", lease).text


@pytest.mark.parametrize(
    "question",
    [
        "Who won the football world cup in 1998?",
        "What is the boiling point of mercury?",
        "How do I bake a sourdough bread?",
        "qwertz uiop asdf?",
        "Which medicines may not be taken together with aspirin?",
    ],
)
def test_says_so_when_nothing_supports_an_answer(engine: Extractive, question: str) -> None:
    for texts in ((CONTRACT, WHALES), (FILLER * 100,)):
        assert ask(engine, question, *texts).text == SILENT


@pytest.mark.parametrize("depth", [0.0, 0.5, 1.0])
def test_finds_a_fact_anywhere_in_a_long_text(engine: Extractive, depth: float) -> None:
    fact = "The combination of the safe in the vestry is 7-19-42."
    at = round(depth * 400)
    text = FILLER * at + fact + "\n\n" + FILLER * (400 - at)
    reply = ask(engine, "What is the combination of the safe in the vestry?", text)
    assert text[reply.quotes[0].start : reply.quotes[0].end] == fact


def test_evidence_is_read_closely_even_if_no_word_matches(engine: Extractive) -> None:
    fact = "The physician earns ninety thousand euros."
    text = FILLER * 20 + fact + "\n\n" + FILLER * 20
    evidence = Piece("document 0", fact, text.index(fact))
    prompt = Prompt("What is the doctor's salary?", (Piece("document 0", text, 0),), evidence=(evidence,))
    read = engine.read(prompt)
    assert (0, text.index(fact), text.index(fact) + len(fact)) in read.spans()


def test_collecting_gives_bare_sentences_one_per_line(engine: Extractive) -> None:
    reply = ask(engine, "What is the notice period for termination?", CONTRACT, task="collect")
    lines = reply.text.splitlines()
    assert any("ninety days" in line for line in lines)
    assert len(lines) == len(reply.quotes)
    assert "[1]" not in reply.text
    assert ask(engine, "Who won the football world cup in 1998?", WHALES, task="collect").abstained


def test_the_same_question_gets_the_same_answer(engine: Extractive) -> None:
    replies = [ask(each, "How much is the yearly fee?", CONTRACT, WHALES) for each in (engine, Extractive(Embedder()))]
    assert replies[0].text == replies[1].text
    assert [(q.piece, q.start, q.end) for q in replies[0].quotes] == [
        (q.piece, q.start, q.end) for q in replies[1].quotes
    ]


def test_of_equal_sentences_the_first_is_quoted_once(engine: Extractive) -> None:
    reply = ask(engine, "How much is the yearly fee?", CONTRACT, CONTRACT)
    assert reply.quotes[0].piece == 0
    assert len({CONTRACT[q.start : q.end] for q in reply.quotes}) == len(reply.quotes)


@pytest.mark.parametrize(
    "texts",
    [
        (),
        ("",),
        ("", " \n\t\n "),
        ("?!.,;:-()[]{}" * 50,),
        ("\U0001f600\U0001f680 " * 200,),
        (
            "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u6771\u4eac\u306f\u65e5\u672c\u306e\u9996\u90fd\u3067\u3059\u3002"
            * 20,
        ),
        ("\u0130\u0131\u00df\ufb01 \x00 \ud7ff" * 50,),
        ("word " * 200_000,),
        ("x" * 1_000_000,),
    ],
)
@pytest.mark.parametrize("question", ["Who signed the treaty of Westphalia?", "", "\U0001f600?", "?!", "the of and"])
def test_hostile_input_gets_a_quick_refusal(engine: Extractive, texts: tuple[str, ...], question: str) -> None:
    began = time.process_time()
    reply = ask(Extractive(engine.embedder, EngineSettings(window=3_000_000)), question, *texts)
    assert time.process_time() - began < 10
    if question.startswith("Who"):
        assert reply.abstained


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=80),
    st.lists(st.text(max_size=200) | st.text("Ab1. \n|#()*[]\\+?^$\u4e2d", max_size=200), max_size=3),
)
def test_any_question_on_any_text(engine: Extractive, question: str, texts: list[str]) -> None:
    ask(engine, question, *texts)


def test_a_prompt_beyond_the_window_is_refused_with_both_numbers(engine: Extractive) -> None:
    small = Extractive(engine.embedder, EngineSettings(window=100))
    prompt = Prompt("What is the notice period?", (Piece("contract", CONTRACT, 0),))
    tokens = small.measure(prompt)
    with pytest.raises(WindowError, match=rf"{tokens} tokens .* 50 .* at most 100"):
        small.ask(prompt, max_tokens=50)
    exact = Extractive(engine.embedder, EngineSettings(window=tokens + 50))
    assert exact.ask(prompt, max_tokens=50).usage.prompt_tokens == tokens


def test_usage_counts_everything_that_is_read(engine: Extractive) -> None:
    pieces = (Piece("contract", CONTRACT, 0, heading="Terms"), Piece("whales", FILLER * 150, 0))
    prompt = Prompt("What is the notice period?", pieces, evidence=(Piece("contract", "ninety days", 0),))
    texts = [prompt.question, "contract", "Terms", CONTRACT, "whales", FILLER * 150, "ninety days"]
    heard: list[str] = []
    reply = engine.ask(prompt, max_tokens=200, on_text=heard.append)
    assert reply.usage.prompt_tokens == engine.measure(prompt) == sum(engine.count(texts))
    assert reply.usage.output_tokens == engine.count([reply.text])[0]
    assert reply.usage.calls == 1
    assert reply.usage.seconds > 0
    assert heard == [reply.text]


def test_a_short_limit_drops_the_second_sentence(engine: Extractive) -> None:
    reply = engine.ask(Prompt("How much is the yearly fee?", (Piece("contract", CONTRACT, 0),)), max_tokens=5)
    assert len(reply.quotes) == 1


def test_the_packaged_weights_are_complete_and_finite() -> None:
    weights = Weights.load()
    assert set(weights.order) == set(FEATURES)
    assert set(weights.answered) <= {*FEATURES, *OVERALL}
    assert all(map(math.isfinite, (*weights.order.values(), *weights.answered.values(), weights.bias)))
    assert 0 < weights.collect < weights.threshold < 1
    assert max(weights.words.values()) <= weights.sentences


@pytest.mark.parametrize(
    ("words", "same"),
    [
        (("release", "released", "releasing", "releases"), True),
        (("country", "countries"), True),
        (("run", "running"), True),
        (("number", "numb"), False),
        (("need", "ne"), False),
    ],
)
def test_stems(words: tuple[str, ...], same: bool) -> None:
    assert (len(set(map(stem, words))) == 1) == same


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When was it signed?", "when"),
        ("In which year did it end?", "when"),
        ("How many episodes are there?", "number"),
        ("Why did they leave?", "why"),
        ("Where is it?", "where"),
        ("Who signed?", "who"),
        ("What is it?", None),
    ],
)
def test_kinds_of_questions(question: str, kind: str | None) -> None:
    assert Question.of(question).kind == kind


def test_what_is_counted_counts_more_than_a_number() -> None:
    question = Question.of("How many episodes does the first season have?")
    assert question.fits("It has 13 episodes.") > question.fits("It ran from 2015.") > question.fits("It ran.")


def test_words_are_found_in_their_sentences() -> None:
    text = "Cats sleep. Dogs and cats run."
    found = Question.of("Do cats run in Rome?").hits(text, np.array([0, 12]))
    assert found.tolist() == [[1, 0, 0], [1, 1, 0]]


def test_importing_the_engine_loads_no_model() -> None:
    code = (
        "import sys, hybrid.engines.extractive; print([m for m in ('torch', 'sklearn', 'scipy') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_sentences_are_embedded_once_for_many_questions(embedder, monkeypatch):
    engine, seen = Extractive(embedder), []
    real = embedder.encode_documents
    monkeypatch.setattr(embedder, "encode_documents", lambda texts, *rest: (seen.extend(texts), real(texts, *rest))[1])
    piece = Piece("lease", "Rent is due monthly. The lease ends on 31 May 2030. Dutch law governs it.", 0)
    first = engine.ask(Prompt("When does the lease end?", (piece,)), max_tokens=100)
    engine.ask(Prompt("Which law governs the lease?", (piece,)), max_tokens=100)
    again = engine.ask(Prompt("When does the lease end?", (piece,)), max_tokens=100)
    assert again.text == first.text
    assert len(seen) == len(set(seen)) == 3
