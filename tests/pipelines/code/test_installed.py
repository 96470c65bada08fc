"""The pipeline for codebases on an installed package, as people run it first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hybrid.pipelines.code.cli import code
from hybrid.pipelines.code.pipeline import settings

from hybrid.cli.commands import commands
from hybrid.cli.main import cli, guarded
from hybrid.settings import Settings
from tests.installed import install


def test_a_question_about_an_installed_package(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(tmp_path, monkeypatch)
    monkeypatch.setenv("HYBRID_EMBEDDER_PRECISION", "float32")  # the int8 form would be made anew in each test's cache
    questions = ("What does Timeout mean?", "Where is BaseLock.acquire defined?")
    assert guarded(code, ["ask", "turnstile", *questions, "--read", "definitions", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    read, looked_up = told["answers"]
    assert told["version"]
    assert read["decision"]["rung"] == "sections"
    assert read["usage"]["prompt_tokens"] > 0
    assert all(citation["path"].endswith(".py") for citation in read["citations"])
    (place,) = looked_up["citations"]
    assert place["document"] == "_api.py"
    assert "def acquire(" in place["quote"]


def test_more_passages_in_the_order_of_the_files() -> None:
    assert settings(Settings()).retrieval.k == 12
    assert settings(Settings()).routing.ordering == "document"


def test_a_wrong_path_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(cli, ["code", "ask", "no/such/folder", "q?"]) == 2
    assert "no file or folder" in capsys.readouterr().err


def test_the_command_is_listed() -> None:
    assert commands()["code"][:2] == ("hybrid.pipelines.code.cli", "code")
