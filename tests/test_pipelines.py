"""The example pipelines, on a real filing and a real package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hybrid.cli.main import guarded
from hybrid.settings import Settings
from pipelines import code, legal

FILING = Path(__file__).parent.parent / "examples" / "filing" / "genprex-10-q-2024-q1.txt"


def test_code_answers_about_an_installed_package(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert guarded(code.main, ["filelock", "What does Timeout mean?", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found[0]["decision"]["rung"] == "sections"
    assert found[0]["usage"]["prompt_tokens"] > 0
    assert all(c["path"].endswith(".py") for c in found[0]["citations"])


def test_code_leaves_tests_out_unless_asked():
    assert "tests/" in code.settings(Settings()).corpus.exclude
    assert code.settings(Settings(), with_tests=True).corpus.exclude == ()
    assert code.settings(Settings()).retrieval.k == 12


def test_code_takes_a_path_as_it_is(tmp_path):
    assert code.source(str(tmp_path)) == tmp_path
    assert code.source("no_such_package_at_all") == Path("no_such_package_at_all")


def test_legal_asks_each_document_on_its_own(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text(
        "1. Term\n\nThis agreement ends on 31 May 2030.\n\n2. Law\n\nFrench law governs."
    )
    (tmp_path / "in" / "b.txt").write_text(
        "1. Term\n\nThis agreement ends on 30 June 2031.\n\n2. Law\n\nDutch law governs."
    )
    assert guarded(legal.main, ["in", "On what date does this agreement end?", "--json"]) == 0
    found = {row["document"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(found) == {"a.txt", "b.txt"}
    assert "2030" in found["a.txt"]["text"]
    assert "2031" in found["b.txt"]["text"]
    assert {c["document"] for c in found["b.txt"]["citations"]} == {"b.txt"}


@pytest.mark.parametrize("pipeline", [code.main, legal.main])
def test_a_wrong_path_is_a_sentence(pipeline, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert guarded(pipeline, ["no/such/folder", "q?"]) == 2
    assert "no file or folder" in capsys.readouterr().err
