"""Which questions are over many documents, and when the router takes the rung each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hybrid.routing.across import across
from hybrid.routing.policies.calibrated import Calibrated
from hybrid.routing.policies.forced import Forced
from hybrid.types import Cost, Prediction
from tests.routing.situations import AVERAGE, situation

PRICED = Prediction(
    route="long",
    rung="each",
    engine="m",
    prompt_tokens=50_000,
    calls=15,
    fits=True,
    cost=Cost(dollars=0.02, gpu_seconds=20.0, basis="estimated"),
)


@pytest.mark.parametrize(
    "question",
    [
        "How many contracts terminate on change of control, and which?",
        "which supplier has the longest notice period",
        "total rent over all leases",
        "list all contracts by governing law",
        "In how many of these agreements may a party leave?",
        "Which of the documents mention Paris?",
        "Compare the notice periods of all contracts.",
        "What is the average rent in these leases?",
        "How many of the reports were late?",
        "Tabulate the end date for each agreement.",
    ],
)
def test_questions_over_all_documents(question: str) -> None:
    assert across(question, 14)


@pytest.mark.parametrize(
    "question",
    [
        "When does the lease end?",
        "How many people live in Paris?",
        "What is the weighted average exercise price of the warrants?",
        "How do the two leases differ?",
        "Which law governs the agreement?",
        "How many articles of clothing did he buy?",
        "Which company was founded first?",
        "How many reports did he write?",
        "What was the average price in 2023?",
    ],
)
def test_questions_that_are_not(question: str) -> None:
    assert not across(question, 14)


def test_of_one_document_it_is_its_sections() -> None:
    assert across("How many sections mention insurance?", 1)
    assert not across("How many contracts mention insurance?", 1)


def test_it_is_proposed_within_the_budget_and_what_an_answer_is_worth() -> None:
    asked = replace(situation(AVERAGE, documents=14), each=PRICED)
    taken = Calibrated().decide(asked)
    assert (taken.rung, taken.route) == ("each", "long")
    assert "all 14 documents" in taken.reason
    assert "15 readings, 50,000 tokens, an expected $0.02" in taken.reason
    assert PRICED in taken.predictions
    for policy in (Calibrated(budget=0.01), Calibrated(prefer="cost", accuracy_price=0.01)):
        left = policy.decide(asked)
        assert left.rung != "each"
        assert "would take an expected $0.02, more than $0.01" in left.reason
    assert Calibrated(latency=5.0).decide(asked).rung != "each"
    assert Calibrated().decide(situation(AVERAGE, documents=14)).rung != "each"


def test_it_can_be_forced() -> None:
    assert Forced(None, "each").decide(situation(AVERAGE)).rung == "each"
    assert Forced("long", "each").decide(replace(situation(AVERAGE), each=PRICED)).reason.startswith("You asked for")
