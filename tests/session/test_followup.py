"""Follow-up questions: which depend on what was said, what they become, and which rewritings of a model are taken."""

from __future__ import annotations

import time

import pytest

from hybrid import Hybrid, load
from hybrid.errors import InputError
from hybrid.session.followup import by_rule, checked, depends, turns
from hybrid.types import Turn
from tests.session.doubles import Model, asking


@pytest.fixture(scope="module")
def hybrid(tmp_path_factory):
    with Hybrid(load(overrides={"index": {"dir": str(tmp_path_factory.mktemp("index"))}}, environ={})) as opened:
        yield opened


def said(*questions: str) -> tuple[Turn, ...]:
    return tuple(
        turn for text in questions for turn in (Turn(role="user", text=text), Turn(role="assistant", text="It is so."))
    )


@pytest.mark.parametrize(
    ("before", "question", "standing"),
    [
        (
            "What was the wage cost in May?",
            "And the general and other cost?",
            "What was the general and other cost in May?",
        ),
        # a date, or its year, takes the place of a date
        (
            "How much cash was there as of March 31, 2024?",
            "And as of December 31, 2023?",
            "How much cash was there as of December 31, 2023?",
        ),
        (
            "How much cash was there as of March 31, 2024?",
            "What about 2023?",
            "How much cash was there as of March 31, 2023?",
        ),
        # one thing can be meant
        ("When does the lease end?", "And when does it begin?", "When does the lease begin?"),
        ("When does the lease end?", "Can it be renewed?", "Can the lease be renewed?"),
        ("When is the rent due?", "Where is it paid?", "Where is the rent paid?"),
        ("Does it have a non-compete clause?", "How long does it last?", "How long does the non-compete clause last?"),
        ("Is there a bonus?", "Who gets it?", "Who gets the bonus?"),
        ("What is the term of the NDA?", "Does it survive notice?", "Does the term of the NDA survive notice?"),
        ("What does total() do?", "Where is it called?", "Where is total() called?"),
        ("How many warrants are outstanding?", "When do they expire?", "When do the warrants expire?"),
        ("What are the main risks?", "Summarize them in one line.", "Summarize the main risks in one line."),
        ("What did the auditors say?", "Did they qualify their opinion?", "Did the auditors qualify their opinion?"),
        ("What does the SLA say about uptime?", "What are its penalties?", "What are the SLA's penalties?"),
        ("What was the net income?", "Why did it fall?", "Why did the net income fall?"),
        # something takes the place of the one thing of its kind
        ("What is the monthly rent?", "And the deposit?", "What is the deposit?"),
        ("What is the monthly rent?", "What about the deposit?", "What is the deposit?"),
        ("When does the lease end?", "or the sublease?", "When does the sublease end?"),
        ("What happens if the tenant defaults?", "And the landlord?", "What happens if the landlord defaults?"),
        ("Who is the CEO?", "And the CFO?", "Who is the CFO?"),
        ("What is the term of the NDA?", "And the MSA?", "What is the term of the MSA?"),
        ("What does section 4.2 say on notice?", "And section 4.3?", "What does section 4.3 say on notice?"),
        ("Who may end it under Section 8(a)?", "And under Section 8(b)?", "Who may end it under Section 8(b)?"),
        ("What are the rights of the buyer?", "And those of the seller?", "What are the rights of the seller?"),
        ("What law governs it for Acme Corp?", "What about Globex?", "What law governs it for Globex?"),
        ("What does load_config() return?", "And parse_config()?", "What does parse_config() return?"),
        ("What changed in v2.1?", "And in v2.2?", "What changed in v2.2?"),
        ("What was the revenue in 2022?", "And in 2023?", "What was the revenue in 2023?"),
        (
            "What was the revenue in the first quarter of 2022?",
            "And in 2023?",
            "What was the revenue in the first quarter of 2023?",
        ),
        ("What is the price of wheat flour?", "And rye flour?", "What is the price of rye flour?"),
        ("What was the revenue in 2022?", "2023?", "What was the revenue in 2023?"),
        ("What was the revenue in Q1?", "And Q2?", "What was the revenue in Q2?"),
        ("What was Apple's revenue in 2022?", "And Microsoft?", "What was Microsoft's revenue in 2022?"),
    ],
)
def test_one_reading_is_put_in(before: str, question: str, standing: str) -> None:
    assert depends(question, said(before))
    assert by_rule(question, said(before)) == standing


@pytest.mark.parametrize(
    ("before", "question"),
    [
        ("How much notice must the tenant give?", "Why?"),
        ("By how much did the rent rise in the first quarter?", "Why did it?"),
        ("How much notice must the tenant give?", "Quote it."),
        ("How much notice must the tenant give?", "Are you sure?"),
        ("How much notice must the tenant give?", "Where does it say that?"),
        ("How much notice must the tenant give?", "Give me the exact wording."),
        ("How much notice must the tenant give?", "Can you explain that in simpler terms?"),
        ("Is there a limitation of liability?", "Are there exceptions to this?"),
        ("Does the contract contain a non-compete clause?", "Is that enforceable in California?"),
        ("Who are the parties to the agreement?", "Which of them may terminate it?"),
        ("What is the notice period?", "Does the landlord have to give it in writing?"),
        ("Who is the CEO of Genprex?", "When was he appointed?"),
        ("What is the term of the lease?", "And the rent?"),
        ("What is the exercise price of the warrants?", "When were they issued?"),
        ("How does the cache evict entries?", "What is its default size?"),
        ("Where is the retry logic in client.py?", "What does it catch?"),
        ("Is there a method that closes the connection?", "What does that method do?"),
        ("Which functions call open_store?", "Which of those are async?"),
        ("How do I configure logging?", "And on Windows?"),
        ("Is the Store class thread-safe?", "Why not?"),
        ("Does the annual report mention AI?", "Does it mention China?"),
        ("What did Smith v Jones decide?", "Was it overturned?"),
        ("What are the main risks?", "Which is the largest?"),
        ("What are the main risks?", "Tell me more about the second one."),
        ("What was the revenue in 2022?", "How does that compare to 2021?"),
        ("Explain the difference between rag and long.", "When is the former better?"),
        ("Welche Kaution gilt?", "Und die Miete?"),
        ("押金是多少？", "那租金呢？"),
    ],
)
def test_where_several_could_be_meant_the_question_before_follows_in_brackets(before: str, question: str) -> None:
    assert depends(question, said(before))
    assert by_rule(question, said(before)) == f"{question} ({before})"


@pytest.mark.parametrize(
    "question",
    [
        "When does the sublease end?",
        "What is Reqorsa?",
        "Who is Ada?",
        "What are the rights of the tenant and his guests?",
        "Who is the counterparty and what is its address?",
        "Does the supplier tell the customer before it delivers?",
        "Is there a limitation of liability in this agreement?",
        "Which duties does this agreement impose on the recipient?",
        "What did the one-time charge amount to?",
        "Is it allowed to sublet?",
        "Is it the case that the options expire in 2027?",
        "Was ist der Preis der Wohnung?",
        "Thanks!",
        "ok great",
        "租期什么时候结束，谁来支付费用？",
        "And what does the landlord repair " + "and what does it cost " * 30,
    ],
)
def test_what_stands_alone_stays_as_it_is(question: str) -> None:
    assert by_rule(question, said("What is the warrant's exercise price?")) == question


def test_a_question_without_one_before_it_stays_as_it_is() -> None:
    for history in ((), (Turn(role="assistant", text="How can I help?"),), (Turn(role="user", text=" "),)):
        assert not depends("And when does it begin?", history)
        assert by_rule("And when does it begin?", history) == "And when does it begin?"


def test_a_conversation_is_followed_from_question_to_question() -> None:
    questions = ["What was the revenue in 2022?", "And in 2023?", "And the net income?", "Thanks!", "Why did it fall?"]
    assert by_rule(questions[2], said(*questions[:2])) == "What was the net income in 2023?"
    assert by_rule(questions[4], said(*questions[:4])) == "Why did the net income fall?"
    unclear = said("Who is the CEO of Genprex?", "When was he appointed?")
    assert by_rule("Why?", unclear) == "Why? (When was he appointed? Who is the CEO of Genprex?)"


@pytest.mark.parametrize(
    "text", ["and " + "?" * 20_000, "What is " + "a_" * 10_000, "the " * 5000, "it " * 6000, "A" * 20_000, "(" * 20_000]
)
def test_a_hostile_text_takes_no_time_and_little_of_it_is_carried_on(text: str) -> None:
    begun = time.perf_counter()
    for question, history in ((text, said("What is it?")), ("And the deposit?", said(text))):
        depends(question, history)
        found = by_rule(question, history)
        assert len(found) <= max(len(question), 900)
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    ("reply", "taken"),
    [
        ("When does the lease of 4.3 begin?", True),
        ('"When does the lease of 4.3 begin?"', True),
        ("Standalone question: When does the lease of 4.3 begin?", True),
        ("<think>The user\nmeans 4.3.</think>\n\nWhen does the lease of 4.3 begin?", True),
        ("When does the lease begin?", False),  # a number was lost
        ("The lease of 4.3 begins on 1 March 2024.", False),  # an answer
        ("Sure! Here it is:\nWhen does the lease of 4.3 begin?", False),
        ("", False),
        ("When does the lease of 4.3 " + "really " * 60 + "begin?", False),
    ],
)
def test_a_models_rewriting_is_taken_where_it_is_a_question_with_the_same_numbers(reply: str, taken: bool) -> None:
    history = said("What does section 4.2 say?")
    expected = "When does the lease of 4.3 begin?" if taken else "What does section 4.3 say?"
    assert checked(reply, "And section 4.3?", history) == expected


def test_an_order_may_become_an_order_but_no_refusal() -> None:
    history = said("What are the main risks?")
    assert checked("List the main risks again.", "List them again.", history) == "List the main risks again."
    assert checked("I cannot list them.", "List them again.", history) == "List the main risks again."


def test_turns_come_from_messages_and_only_those_of_the_two_who_speak() -> None:
    parts = [{"type": "text", "text": "When does"}, {"type": "image_url"}, {"type": "text", "text": "it end?"}]
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "content": "found"},
        {"role": "assistant", "text": "In 2027."},
        Turn(role="user", text="Why?"),
    ]
    assert [(turn.role, turn.text) for turn in turns(messages)] == [
        ("user", "When does\nit end?"),
        ("assistant", "In 2027."),
        ("user", "Why?"),
    ]


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        ("When?", "A history is a list"),
        ({"role": "user", "content": "When?"}, "A history is a list"),
        (None, "A history is a list"),
        (["When?"], "A str is no turn"),
        ([{"role": "user"}], "is no turn of a conversation"),
        ([{"role": "narrator", "content": "x" * 10_000}], "is no turn of a conversation"),
        ([{"content": "When?"}], "is no turn of a conversation"),
        ([{"role": "user", "content": 7}], "is no turn of a conversation"),
    ],
)
def test_a_history_of_another_shape_gets_one_short_sentence(history, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as told:
        turns(history)
    assert len(str(told.value)) < 300
    assert "\n" not in str(told.value)


def test_an_answer_says_how_its_question_was_understood(hybrid, tmp_path) -> None:
    (tmp_path / "lease.md").write_text("# Lease\n\nThe lease begins on 1 March 2024. It ends on 28 February 2027.\n")
    history = [{"role": "user", "content": "When does the lease end?"}]
    answer = hybrid.answer("And when does it begin?", tmp_path, history=history)
    assert (answer.question, answer.standalone) == ("And when does it begin?", "When does the lease begin?")
    assert "1 March 2024" in answer.text
    assert hybrid.answer("When does the lease begin?", tmp_path, history=history).standalone is None


def test_a_model_rewrites_and_its_call_is_counted(hybrid, tmp_path) -> None:
    (tmp_path / "lease.md").write_text("# Lease\n\nThe lease begins on 1 March 2024. It ends on 28 February 2027.\n")
    model = Model("When does the lease begin?", "On 1 March 2024 [1].")
    history = [Turn(role="user", text="When does the lease end?"), Turn(role="assistant", text="In 2027.")]
    answer = asking(hybrid, model).answer("And when does it begin?", tmp_path, history=history)
    assert answer.standalone == "When does the lease begin?"
    assert answer.usage.calls == len(model.prompts) == 2
    alone = Model("On 1 March 2024 [1].")
    answer = asking(hybrid, alone).answer("When does the lease in the town begin?", tmp_path, history=history)
    assert (answer.standalone, answer.usage.calls) == (None, 1)
