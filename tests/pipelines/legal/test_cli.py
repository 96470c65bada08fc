"""The commands for legal files."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from hybrid.cli.main import cli, guarded
from tests.pipelines.legal.agreements import CORPUS


@pytest.fixture
def agreements(folder: Path) -> Path:
    for name, text in CORPUS.items():
        (folder / "in" / name).write_text(text)
    return folder


class TestCommand:
    def test_ask_goes_on_beside_what_cannot_be_read(self, agreements: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (agreements / "in" / "broken.docx").write_bytes(b"PK rubbish")
        assert guarded(cli, ["legal", "ask", "in", "On what date does the lease end?", "--json"]) == 0
        out = capsys.readouterr()
        found = {row["document"]: row for row in json.loads(out.out)}
        assert set(found) == {"lease.txt", "supply.txt"}
        assert "2027" in found["lease.txt"]["text"]
        assert out.err == "Not read: broken.docx: broken DOCX: not a Word file\n"

    def test_clauses_and_compare(self, agreements: Path, capsys: pytest.CaptureFixture[str]) -> None:
        arguments = ["legal", "clauses", "in", "--only", "Governing Law", "--format", "csv", "-o", "out.csv"]
        assert guarded(cli, arguments) == 0
        assert "Wrote 2 agreements, 1 questions each" in capsys.readouterr().err
        rows = list(csv.DictReader(io.StringIO((agreements / "out.csv").read_text())))
        assert {row["document"]: row["clause"] for row in rows} == {
            "lease.txt": "6 Governing Law",
            "supply.txt": "Article II LAW > 2.1 Governing Law",
        }
        assert guarded(cli, ["legal", "compare", "in/lease.txt", "in/supply.txt", "--clause", "governing law"]) == 0
        shown = capsys.readouterr().out
        assert "Massachusetts" in shown
        assert "Germany" in shown

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["ask", "no/such/folder", "q?"], "no file or folder"),
            (["ask", "in"], "Give a question"),
            (["clauses", "in", "--only", "Weather"], "There is no question 'Weather'"),
            (["clauses", "in", "-o", "gone/out.csv"], "there is no folder gone"),
            (["compare", "in", "--clause", " "], "Name the clause to compare"),
        ],
    )
    def test_mistakes_are_sentences(
        self, agreements: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
    ) -> None:
        assert guarded(cli, ["legal", *arguments]) == 2
        assert said in capsys.readouterr().err
