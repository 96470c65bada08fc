"""FinanceBench's form: questions with the page of their evidence, which counts from 0 and is not the printed number."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.metrics.retrieval import judge, touched
from hybrid.evals.suite import SUITES, placed
from hybrid.evals.tasks.financebench import pages_of

from hybrid.errors import InputError
from tests.corpus.pdfs import make_pdf
from tests.evals.samples import characters, draw, write

COVER = "The Example Company\nAnnual report"
FLOW = "Statement of cash flows in millions\nPurchases of property 1,577\nDividends paid 3,193\n60"
SHEET = "Balance sheet in millions\nProperty net 8,738\nTotal assets 36,500\n61"


def row(page: int, text: str = "Purchases of property 1,577", **changes: Any) -> dict[str, Any]:
    return {
        "financebench_id": f"financebench_id_{page}",
        "company": "Example",
        "doc_name": "EXAMPLE_2018_10K",
        "question_type": "metrics-generated",
        "question_reasoning": "Information extraction",
        "domain_question_num": None,
        "question": "How much property was purchased, in millions?",
        "answer": "$1577.00",
        "justification": "Read off the statement.",
        "dataset_subset_label": "OPEN_SOURCE",
        "evidence": [{"evidence_text": text, "doc_name": "EXAMPLE_2018_10K", "evidence_page_num": page}],
        **changes,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As in the published repository: data/ with the questions, pdfs/ beside it."""
    (tmp_path / "pdfs").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "pdfs" / "EXAMPLE_2018_10K.pdf").write_bytes(make_pdf(COVER, FLOW, SHEET))
    return tmp_path


def test_pages_count_from_0_in_the_file_and_are_not_the_printed_ones(folder: Path) -> None:
    file = write(folder / "data" / "questions.jsonl", [row(1)])
    (sample,) = draw("financebench", path=file)
    ((name, start, end),) = sample.ranges
    page = sample.documents[name][start:end]
    assert "Purchases of property" in page
    assert "Balance sheet" not in page
    assert "Annual report" not in page
    assert sample.about["pages"] == "2"  # as citations tell it; 60 is printed on the page
    assert (sample.id, sample.group, sample.golds) == ("financebench_id_1", "EXAMPLE_2018_10K", ("$1577.00",))
    assert page in sample.prompt  # the paper's oracle
    assert "Balance sheet" not in sample.prompt


def test_page_numbers_that_count_from_1_are_noticed_and_can_be_said(folder: Path) -> None:
    file = write(folder / "data" / "ones.jsonl", [row(2), row(3, "Total assets 36,500")])
    with pytest.raises(InputError, match=r"names page 3 of EXAMPLE_2018_10K, which has the pages 0 to 2"):
        draw("financebench", path=file)
    file = write(folder / "data" / "one.jsonl", [row(2)])
    with pytest.raises(
        InputError, match=r"as counted from 1, not from 0 \(1\.0 to 0\.\d pieces of evidence\); set first"
    ):
        draw("financebench", path=file)
    (sample,) = draw("financebench", path=file, first_page=1)
    assert "Purchases of property" in sample.documents["EXAMPLE_2018_10K"][slice(*sample.ranges[0][1:])]
    assert sample.about["pages"] == "2"
    zeros = write(folder / "data" / "zeros.jsonl", [row(1)])
    with pytest.raises(InputError, match="as counted from 0, not from 1"):
        draw("financebench", path=zeros, first_page=1)


def test_evidence_may_be_on_several_pages_and_documents_alone_or_together(folder: Path) -> None:
    (folder / "pdfs" / "OTHER_2018_10K.pdf").write_bytes(make_pdf(COVER, "Purchases of other property 12\n2"))
    both = [
        {"evidence_text": "Purchases of property 1,577", "doc_name": "EXAMPLE_2018_10K", "evidence_page_num": 1},
        {"evidence_text": "Dividends paid 3,193", "evidence_page_num": 1},
        {"evidence_text": "Total assets 36,500", "evidence_page_num": 2},
    ]
    other = [{"evidence_text": "Purchases of other property 12", "evidence_page_num": 1}]
    rows = [row(1, evidence=both), row(9, doc_name="OTHER_2018_10K", evidence=other)]
    file = write(folder / "data" / "questions.jsonl", rows)
    first, second = draw("financebench", path=file)
    assert first.about["pages"] == "2 3"
    assert len(first.ranges) == 2
    assert list(first.documents) == ["EXAMPLE_2018_10K"]
    assert list(second.documents) == ["OTHER_2018_10K"]
    assert list(draw("financebench", path=file, together=True)[0].documents) == ["EXAMPLE_2018_10K", "OTHER_2018_10K"]
    (alone,) = draw("financebench", path=file, only=["OTHER_2018_10K"])
    assert alone.id == second.id
    (folder / "pdfs" / "OTHER_2018_10K.pdf").unlink()
    with pytest.raises(InputError, match=r"'doc_name' is 'OTHER_2018_10K', and .*pdfs has no OTHER_2018_10K\.pdf or"):
        draw("financebench", path=file)
    (left,) = draw("financebench", path=file, missing=True)
    assert left.id == first.id


def test_what_is_wrong_is_named(folder: Path) -> None:
    def said(*rows: dict[str, Any]) -> str:
        with pytest.raises(InputError) as caught:
            draw("financebench", path=write(folder / "data" / "wrong.jsonl", rows))
        return str(caught.value)

    assert "line 1: the field 'answer' is empty" in said(row(1, answer=" "))
    assert "line 1, evidence 1: the field 'evidence_page_num' is missing" in said(row(1, evidence=[{}]))
    assert "two questions have the id" in said(row(1), row(1))
    (folder / "pdfs" / "EXAMPLE_2018_10K.pdf").write_bytes(b"no PDF")
    assert "EXAMPLE_2018_10K.pdf cannot be read: " in said(row(1))


def test_pages_of_a_text_end_at_form_feeds_or_at_numbers_that_follow_each_other() -> None:
    text = "Cover\fOne\n1\fTwo\n2\n"
    assert [text[start:][:3] for start in pages_of(text)] == ["Cov", "One", "Two"]
    text = "Cover\n \n7\nThe year\n 2024\nwas good\n8 \nA table\n12\nmore\n9\n"
    assert [text[start:].split()[0] for start in pages_of(text)] == ["Cover", "The", "A"]
    assert pages_of("No pages at all") == (0,)


def test_the_carried_questions_have_their_evidence_on_their_pages() -> None:
    path = Path(placed("{suites}/filing_pages.jsonl"))
    samples = draw("financebench", 99, path=path, documents=Path(placed("{project}/examples/filing")))
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(samples) == len(rows) >= 24
    assert len({id(sample.documents) for sample in samples}) == 1
    for sample, data in zip(samples, rows, strict=True):
        text = sample.documents["genprex-10-q-2024-q1"]
        pages = {str(sample.about["pages"]): text[start:end] for _, start, end in sample.ranges}
        for piece in data["evidence"]:
            flat = [" ".join(page.split()) for page in pages.values()]
            assert any(piece["evidence_text"] in page for page in flat)
        for page in pages.values():  # printed numbers run 2 ahead of places that count from 0: the cover has none
            printed = re.findall(r"^\s*(\d+)\s*$", page, re.MULTILINE)[-1]
            assert int(printed) == data["evidence"][0]["evidence_page_num"] + 2
        stated = data["question_type"] == "stated"
        assert (
            METRICS["figures"](" ".join(piece["evidence_text"] for piece in data["evidence"]), sample.golds) >= stated
        )
    assert SUITES in str(path)
    assert characters([sample.prompt for sample in samples])[0] < 4000


def test_page_recall_is_the_share_of_evidence_pages_that_passages_touch() -> None:
    pages = [("filing", 1000, 2000), ("filing", 5000, 6000)]
    found = [("filing", 900, 1000), ("filing", 1990, 2400), ("other", 5000, 6000), ("filing", 5999, 6100)]
    assert [touched(found[:k], pages) for k in range(5)] == [0, 0, 0.5, 0.5, 1]
    scores = judge(found, pages)
    assert (scores["touched@1"], scores["touched@5"], scores["touched"]) == (0, 1, 1)
    with pytest.raises(ValueError, match="Without golds"):
        touched(found, [])


@pytest.mark.parametrize(
    ("reply", "gold", "score"),
    [
        ("Capital expenditure was $1,577 million.", "$1577.00", 1),
        ("Purchases of property, plant and equipment (PP&E)  (1,577)  (1,373)", "$1577.00", 1),
        ("It was $1,578 million.", "$1577.00", 0),
        ("8.738 billion dollars", "$8.70", 1),  # 8.738 is 8.7 with one decimal
        ("8,738 million dollars", "$8.70", 0),  # another unit is not seen
        ("24.3%", "24.26%", 0),
        ("24.261%", "24.26%", 1),
        ("In 2021.", "2022", 0),
        ("0.02", "-0.02", 1),  # signs do not count
        ("The documents do not say.", "$1577.00", 0),
        ("three to five years", "three to five years", 1),
        ("No, it manages its fixed assets well.", "No, the company manages its assets efficiently", 0.5),
    ],
)
def test_figures_are_compared_as_precisely_as_the_gold_gives_them(reply: str, gold: str, score: float) -> None:
    assert METRICS["figures"](reply, (gold,)) == pytest.approx(score, abs=0.26 if score == 0.5 else 0)


def test_figures_without_an_answer_are_right_if_the_reply_abstains() -> None:
    assert METRICS["figures"]("The documents do not say.", ()) == 1
    assert METRICS["figures"]("$5", ()) == 0
