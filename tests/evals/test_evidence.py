"""The tasks on evidence, run from the command to the report: by the engine that quotes, and by a model on real vLLM."""

from __future__ import annotations

from pathlib import Path

import pytest
from hybrid.evals.record import Record, records
from hybrid.evals.report.make import make
from hybrid.evals.selection import possible
from hybrid.evals.suite import read

from hybrid.cli.main import cli, guarded
from tests.corpus.pdfs import make_pdf
from tests.evals.samples import write

SUITE = """
n = 1
lengths = [700]

[settings.embedder]
precision = "float32"

[[tasks]]
name = "financebench"
lengths = []
options = { path = "{folder}/questions.jsonl" }

[[tasks]]
name = "babilong/qa1"

[[tasks]]
name = "nolima/one"
lengths = [500, 800]

[[tasks]]
name = "oolong/counting"
lengths = [1000]

[[arms]]
name = "raw"
kind = "raw"

[[arms]]
name = "rag"
settings.routing.route = "rag"

[[arms]]
name = "long"
settings.routing.route = "long"
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "pdfs").mkdir()
    pages = ["Annual report of the Example Company", "Purchases of property were 1,577 million dollars.\n60"]
    (tmp_path / "pdfs" / "EXAMPLE_2018_10K.pdf").write_bytes(make_pdf(*pages))
    evidence = [{"evidence_text": pages[1], "doc_name": "EXAMPLE_2018_10K", "evidence_page_num": 1}]
    question = {"financebench_id": "1", "company": "Example", "doc_name": "EXAMPLE_2018_10K", "evidence": evidence}
    question |= {"question": "How much were the purchases of property?", "answer": "$1577.00"}
    write(tmp_path / "questions.jsonl", [question])
    file = tmp_path / "small.toml"
    file.write_text(SUITE.replace("{folder}", str(tmp_path)))
    return file


def asked(found: list[Record]) -> set[tuple[str, str]]:
    return {(record.task, record.arm) for record in found if record.status == "answered"}


TASKS = ("financebench", "babilong/qa1", "nolima/one", "oolong/counting")


def test_the_engine_that_quotes_answers_all_of_them_and_the_report_tells_pages_and_base_scores(
    suite: Path, tmp_path: Path
) -> None:
    assert guarded(cli, ["eval", "run", str(suite), "-o", str(tmp_path / "run"), "--quiet", "--no-report"]) == 0
    found = list(records(tmp_path / "run"))
    assert asked(found) == {(task, arm) for task in TASKS for arm in ("rag", "long")}
    for paged in (record for record in found if record.task == "financebench"):
        assert paged.score == 1
        assert paged.retrieved["touched@1"] == paged.retrieved["touched"] == paged.retrieved["cited"] == 1
    report = make(tmp_path / "run")
    rows = {(row.task, row.arm): row for row in report.data.retrieval}
    page = rows["financebench", "rag"].touched_1
    assert page is not None
    assert page.mean == 1
    assert {row.base for row in report.data.lengths if row.family == "nolima"} <= {0.0, 1.0}
    section = next(section for section in report.sections if section.title == "Scores by length")
    assert any("85% of the base score, as NoLiMa has it" in text for text in section.text)


@pytest.mark.server
def test_a_model_on_real_vllm_is_asked_all_of_them_in_all_three_ways(suite: Path, tmp_path: Path, url: str) -> None:
    line = ["eval", "run", str(suite), "-o", str(tmp_path / "run"), "--url", url, "--quiet", "--no-report"]
    assert guarded(cli, line) == 0
    found = list(records(tmp_path / "run"))
    assert {record.status for record in found} == {"answered"}
    assert asked(found) == {(task, arm) for task in TASKS for arm in ("raw", "rag", "long")}
    assert all(record.usage.prompt_tokens > 0 for record in found)
    for record in found:
        if record.arm == "raw" and record.length:  # as many tokens as the task counted, and a chat template
            assert 0 < record.usage.prompt_tokens - int(str(record.about["tokens"])) + 64 <= 64


def test_data_sets_that_a_folder_lacks_are_left_out_where_they_are_optional(tmp_path: Path) -> None:
    standard = read("standard")
    kept, notes = possible(standard, "extractive", tmp_path)
    assert "financebench" not in {task.title for task in kept.tasks}
    assert f"Left out, because {tmp_path} does not have their files: financebench." in notes
    assert {task.title for task in kept.tasks} >= {"filing, by page", "squad, all articles"}
    file = tmp_path / "financebench" / "data" / "financebench_open_source.jsonl"
    file.parent.mkdir(parents=True)
    file.touch()
    kept, notes = possible(standard, "extractive", tmp_path)
    assert "financebench" in {task.title for task in kept.tasks}


@pytest.mark.parametrize("name", ["standard", "full", "evidence"])
def test_the_suites_have_them(name: str) -> None:
    titles = {task.title for task in read(name).tasks}
    assert titles >= {"filing, by page", "nolima/one", "nolima/two", "oolong/counting", "oolong/users"}
    assert {f"babilong/qa{number}" for number in range(1, 6)} <= titles
