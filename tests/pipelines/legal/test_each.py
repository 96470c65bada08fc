"""Counting and comparing over contracts without a model."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hybrid.pipelines.legal.asked import plan

from hybrid import Hybrid, load
from hybrid.errors import InputError

CONTRACTS = {
    "hill.txt": """OFFICE LEASE

This Lease is made on 14 February 2022 between Hill Estates Limited (the "Landlord") and Tarn Limited (the "Tenant").

1. Term. The Landlord lets the Premises to the Tenant from 1 March 2022 until 28 February 2027.

2. Rent. The Tenant shall pay rent of £48,000 a year by equal quarterly payments.

3. Break. The Tenant may terminate this Lease at any time without cause on six months' written notice.

4. Law. This Lease is governed by the law of England and Wales.
""",
    "dale.txt": """OFFICE LEASE

This Lease is made on 1 June 2021 between Dale Estates Limited (the "Landlord") and Moss Limited (the "Tenant").

1. Term. The Landlord lets the Premises to the Tenant from 1 July 2021 until 30 June 2024.

2. Rent. The Tenant shall pay rent of £1,000 a month.

3. Liability. The total liability of the Landlord shall not exceed the rent of one year.

4. Law. This Lease is governed by the law of England and Wales.
""",
    "supply.txt": """SUPPLY AGREEMENT

This Supply Agreement is dated March 3, 2020 and is between Cinder Inc. ("Supplier") and Wharf B.V. ("Buyer").

1. Term. This Agreement begins on March 3, 2020 and continues for two years from that date.

2. Termination. Either party may terminate this Agreement for convenience on thirty (30) days' written notice.

3. Control. Buyer may terminate this Agreement if control of Supplier changes through a merger or a sale of stock.

4. Law. This Agreement shall be governed by the laws of the State of Ohio.
""",
}


@pytest.fixture(scope="module")
def opened(embedder):
    hybrid = Hybrid(load(overrides={"embedder": {"precision": "float32"}}, environ={}))
    hybrid.embedder._models.update(embedder._models)
    return hybrid, hybrid.open(CONTRACTS)


@pytest.mark.parametrize(
    ("question", "taken", "text"),
    [
        (
            "How many contracts terminate on change of control, and which?",
            ["supply.txt"],
            "1 of 3 documents: supply.txt [1]",
        ),
        ("Which contracts have a cap on liability?", ["dale.txt"], "1 of 3 documents: dale.txt [1]"),
        ("total rent over all leases", ["dale.txt", "hill.txt"], "Total rent: 60,000 GBP/year over 2 documents"),
        ("which supplier has the longest notice period", ["hill.txt"], "six months"),
        ("Which contracts are governed by the laws of Ohio?", ["supply.txt"], "1 of 3 documents"),
        ("Which contract ends last?", ["hill.txt"], "Latest expiration date: hill.txt, 28 February 2027"),
        ("How many leases were signed in 2021?", ["dale.txt"], "1 of 3 documents: dale.txt"),
        ("Which contracts expire before 2023?", ["supply.txt"], "1 of 3 documents: supply.txt"),
        ("Which contracts have no cap on liability?", ["hill.txt", "supply.txt"], "2 of 3 documents"),
        (
            "List all contracts by governing law",
            [*sorted(CONTRACTS)],
            "by governing law: England and Wales: 2",
        ),
        ("Tabulate the expiration date of each contract", [*sorted(CONTRACTS)], "hill.txt (28 February 2027"),
        (
            "How many contracts give a rent?",
            ["dale.txt", "hill.txt"],
            "2 of 3 documents: dale.txt (£1,000 a month [1])",
        ),
        ("Which contracts give no rent?", ["supply.txt"], "1 of 3 documents: supply.txt"),
        ("What is the total number of contracts with a cap on liability?", ["dale.txt"], "1 of 3 documents: dale.txt"),
        ("Which leases were signed since 2021?", ["dale.txt", "hill.txt"], "2 of 3 documents"),
        (
            "What is the total rent of all contracts by governing law?",
            [*sorted(CONTRACTS)],
            "England and Wales: 2, rent 60,000 GBP/year (dale.txt",
        ),
    ],
)
def test_the_default_engine_counts_and_compares(opened, question, taken, text):
    hybrid, store = opened
    found = hybrid.answer(question, store)
    assert found.decision.rung == "each", found.reason
    assert found.table is not None
    assert list(found.table.taken) == taken
    assert text in found.text
    for row in found.table.rows:
        for cell in row.cells:
            if cell.citation is not None:
                assert CONTRACTS[row.document][cell.citation.start : cell.citation.end] == cell.citation.quote
            else:
                assert cell.value is None
    assert found.cost.dollars == 0


@pytest.mark.parametrize(
    "question",
    [
        "How many contracts are governed by the law of a state of the USA?",
        "How many contracts mention giraffes?",
        "Which contracts were negotiated by Ann?",
        "How many contracts have a cap on liability of the guarantor's cousin?",
        "Which contract has the longest cap on liability?",
        "How many people signed?",
        "How many parties signed the agreement?",
        "How many days' notice must be given to end the contract?",
        "How many contracts have a cap on liability or a warranty?",
        "How many contracts have a notice period?",
        "Which contracts have a notice period of less than 30 days?",
        "List the contracts by notice period",
        "How many contracts have the longest warranty?",
        "How many contracts have at least one warranty?",
        "What is the total of the dates of all contracts?",
    ],
)
def test_what_the_rules_do_not_understand_takes_the_ordinary_way(opened, question):
    hybrid, store = opened
    assert plan(question) is None or question.startswith("Which contract has the longest cap")
    found = hybrid.answer(question, store)
    if plan(question) is None:
        assert found.table is None
        assert found.decision.rung != "each"
        with pytest.raises(InputError, match="There is no table for this question"):
            hybrid.answer(question, store, rung="each")


def test_no_question_of_known_words_breaks_the_rules():
    """Whatever is asked in these words is planned or left."""
    names = ["notice period", "cap on liability", "governing law", "rent", "expiration date", "warranty", "signed"]
    asked = [
        "How many contracts have {0}?", "Which contracts have no {0}?", "Which lease has the longest {0}?",
        "total {0} of all contracts by {1}", "List all contracts by {0}", "Which contracts have {0} and {1}",
        "Which contracts have {0} of less than 30 days by {1}", "Tabulate {0} and {1} of each contract",
        "Which suppliers have the earliest {0} per {1}", "Which contracts have {0} over $5,000 and {1}",
        "How many leases {0} in 2021 by {1}", "Which contracts have {0} Ohio and {1} since 2020",
    ]  # fmt: skip
    plans = [plan(text.format(one, other)) for text in asked for one in names for other in names]
    assert sum(found is not None for found in plans) > len(plans) / 4


def test_documents_that_are_no_contracts_are_not_counted_so(opened, embedder):
    hybrid, _ = opened
    texts = {
        f"{i}.txt": f"Chapter {i}. The agreement was signed in 1990 by the king, who then slept." for i in range(3)
    }
    found = hybrid.answer("How many agreements were signed in 1990?", texts)
    assert found.table is None


def test_a_table_on_the_command_line(folder, capsys):
    from hybrid.cli.main import cli, guarded

    for name, text in CONTRACTS.items():
        (folder / "in" / name).write_text(text, "utf-8")
    question = "Which contract has the longest notice period?"
    assert guarded(cli, ["ask", question, "in", "--table", "out.csv", "-q", "--index", "index"]) == 0
    out, err = capsys.readouterr()
    assert "Wrote 3 rows to out.csv." in err
    assert "six months" in out
    rows = {row["document"]: row for row in csv.DictReader(io.StringIO((folder / "out.csv").read_text("utf-8")))}
    assert rows["hill.txt"]["notice_to_end_without_cause"] == "182.625"
    assert rows["hill.txt"]["notice_to_end_without_cause place"].endswith("hill.txt:9")
    assert rows["dale.txt"]["notice_to_end_without_cause"] == ""
    assert guarded(cli, ["ask", question, "in", "--table", "out.json", "-q", "--index", "index", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert json.loads((folder / "out.json").read_text())["taken"] == answer["table"]["taken"] == ["hill.txt"]
    assert any("3 were asked before" in note for note in answer["notes"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["How many giraffes?", "in", "--table", "t.csv"], "There is no table for this question"),
        (["How many contracts?", "in", "--table", "t.csv", "--route", "rag"], "--table has no effect with --route"),
        (["How many contracts?", "in", "--table", "t.xlsx"], "Tables are written as CSV, or as JSON"),
        (["How many contracts?", "in", "--table", "nowhere/t.csv"], "there is no folder nowhere"),
        (["in", "--questions", "q.txt", "--table", "t.csv"], "--table has no effect with --questions"),
    ],
)
def test_a_table_that_cannot_be_made_is_a_sentence(folder, capsys, arguments, said):
    from hybrid.cli.main import cli, guarded

    (folder / "in" / "a.txt").write_text(CONTRACTS["hill.txt"], "utf-8")
    (folder / "in" / "b.txt").write_text(CONTRACTS["dale.txt"], "utf-8")
    (folder / "q.txt").write_text("How many contracts?\n")
    assert guarded(cli, ["ask", *arguments, "-q", "--index", "index"]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
    assert not (folder / "t.csv").exists()
