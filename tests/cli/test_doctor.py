"""`hybrid doctor` says "Ready" only of an engine that answered a question."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from hybrid.cli.main import cli, guarded
from tests.model_server import model_server

VLLM = {"id": "qwen", "max_model_len": 8192}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return tmp_path


def test_an_engine_is_asked_a_question(capsys: pytest.CaptureFixture[str]) -> None:
    with model_server(VLLM) as server:
        code = guarded(cli, ["doctor", "--url", server.url])
        assert len(server.asked) == 1
    told = capsys.readouterr().out
    assert code == 0
    assert "Ready" in told
    assert "1932. [1]" in told


@pytest.mark.parametrize(
    ("behaviour", "more", "says"),
    [
        ({"status": 500}, (), "500: out of memory"),
        ({"status": 404}, (), "404"),
        ({"status": 401}, (), "OPENAI_API_KEY"),
        ({"reply": ""}, (), "replied with nothing"),
        ({"reply": "<think>So"}, (), "nothing but thoughts"),
        ({}, ("--model", "qwem"), "has no model 'qwem'; set engine.model to one it has: qwen"),
        ({"wait": 5.0}, ("--timeout", "1"), "within 1 s"),
    ],
)
def test_one_that_does_not_answer_is_not_ready(
    capsys: pytest.CaptureFixture[str], behaviour: dict[str, object], more: tuple[str, ...], says: str
) -> None:
    begun = time.monotonic()
    with model_server(VLLM, **behaviour) as server:
        code = guarded(cli, ["doctor", "--json", "--url", server.url, *more])
    told = json.loads(capsys.readouterr().out)
    (engine,) = [line for line in told["used"] if line["what"] == "engine"]
    assert (code, told["ready"]) == (2, False)
    assert says in engine["problem"]
    assert time.monotonic() - begun < 30


def test_the_engine_for_long_documents_is_asked_too(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with model_server(VLLM) as good, model_server(VLLM, status=500) as bad:
        (here / "hybrid.toml").write_text(f'[engine]\nurl = "{good.url}"\n[long_engine]\nurl = "{bad.url}"\n')
        code = guarded(cli, ["doctor", "--json"])
    lines = {line["what"]: line["problem"] for line in json.loads(capsys.readouterr().out)["used"]}
    assert code == 2
    assert lines["engine"] is None
    assert "500" in str(lines["long engine"])


@pytest.mark.parametrize(
    ("text", "what", "says"),
    [
        ('[routing]\nweights = "absent.json"', "policy", "absent.json"),
        ('[routing]\nprofile = "no-profile.json"', "profile", "Cannot read the profile no-profile.json"),
        ('[corpus]\npaths = ["missing/"]', "corpus", "missing/"),
        ('[cost]\nrates = "lost.json"', "costs", "Cannot read the rates in lost.json"),
        ('[cost]\nshape = "qwem3-8b"', "costs", "qwem3-8b"),
    ],
)
def test_what_the_settings_name_is_opened(
    here: Path, capsys: pytest.CaptureFixture[str], text: str, what: str, says: str
) -> None:
    (here / "hybrid.toml").write_text(text)
    assert guarded(cli, ["doctor", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    problems = {line["what"]: line["problem"] for line in told["used"] if line["problem"]}
    assert list(problems) == [what]
    assert says in problems[what]


def test_a_gpu_that_is_not_known_is_not_ready(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "hybrid.toml").write_text('[cost]\ngpu = "l400"')
    assert guarded(cli, ["doctor"]) == 2
    assert "'cost.gpu' names 'l400'" in capsys.readouterr().err


def test_an_engine_of_the_command_line_is_told_to_stand_for_both(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "hybrid.toml").write_text('[long_engine]\nurl = "http://127.0.0.1:9/v1"\n')
    with model_server(VLLM) as server:
        code = guarded(cli, ["doctor", "--url", server.url])
    told = " ".join(capsys.readouterr().out.split())
    assert code == 0, told
    assert "long engine: the engine, which is named for both later than the long engine of the settings file" in told
