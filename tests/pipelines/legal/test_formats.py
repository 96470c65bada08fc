"""Tables of findings as CSV, Markdown, HTML and JSON."""

from __future__ import annotations

import csv
import io
import json

from hybrid.pipelines.legal.answer import Finding, Statement, Table
from hybrid.pipelines.legal.formats import FORMATS, rendered
from hybrid.pipelines.legal.question import Question


def table(text: str = "=2+5 is <b>due</b> | now") -> Table:
    statement = Statement(
        text=text, quote=text, document="a.txt", clause="1 Term", page=2, line=3, end_line=3, start=5, end=9,
        where="a.txt:3 (page 2)",
    )  # fmt: skip
    question = Question(ask="What is due?", name="Due")
    findings = (
        Finding(document="a.txt", question=question.ask, status="addressed", statements=(statement,)),
        Finding(document="b.txt", question=question.ask, status="not addressed", statements=()),
    )
    return Table((question,), findings)


class TestTables:
    def test_csv_has_a_row_for_each_statement_and_runs_nothing(self) -> None:
        rows = list(csv.DictReader(io.StringIO(rendered(table(), "csv"))))
        assert [row["status"] for row in rows] == ["addressed", "not addressed"]
        assert rows[0]["text"] == "'=2+5 is <b>due</b> | now"
        assert (rows[0]["clause"], rows[0]["page"], rows[0]["start"]) == ("1 Term", "2", "5")

    def test_html_and_markdown_escape(self) -> None:
        assert "&lt;b&gt;due" in rendered(table(), "html")
        assert "<b>due" not in rendered(table(), "html")
        assert r"\<b\>due\</b\> \| now" in rendered(table(), "markdown")
        assert "1 Term, page 2" in rendered(table(), "markdown")

    def test_json_has_everything(self) -> None:
        rows = json.loads(rendered(table(), "json"))
        assert rows[0]["name"] == "Due"
        assert rows[0]["statements"][0]["quote"].startswith("=2+5")
        assert set(FORMATS) == {"csv", "markdown", "html", "json"}
