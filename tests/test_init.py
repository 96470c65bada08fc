"""The first settings, and whether the engine really answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hybrid.cli import init as module
from hybrid.cli.main import cli
from hybrid.settings import load
from tests.test_server import CHAT, Double, fault, piece, send, stream

THIRD = stream(piece("On the third floor [1].", "stop"))
UNTOLD = {"data": [{"id": "small"}, {"id": "large"}]}  # as Ollama: no window


@pytest.fixture
def server() -> Iterator[Double]:
    double = Double()
    double.on(CHAT, THIRD)
    threading.Thread(target=double.serve_forever, args=(0.01,), daemon=True).start()
    yield double
    double.shutdown()
    double.server_close()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "PORTS", {})  # no other server of this machine
    return tmp_path


def call(*arguments: str, said: str = "") -> Result:
    return CliRunner().invoke(cli, arguments, input=said)


def test_without_a_model(here: Path) -> None:
    found = call("init", "--yes")
    assert found.exit_code == 0
    assert "it replied 'The meeting room is on the third floor. [1]'" in found.output
    assert load(here / "hybrid.toml", environ={}).routing.prefer == "balance"


def test_a_server_that_listens_is_offered(here: Path, server: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PORTS", {server.server_port: "vLLM", 9: "nobody"})
    found = call("init", said="1\nh100\n3\n")
    assert found.exit_code == 0, found.output
    assert f"vLLM at {server.url}/v1: tiny" in found.output
    assert "it replied 'On the third floor [1].'" in found.output
    settings = load(here / "hybrid.toml", environ={})
    assert (settings.engine.kind, settings.engine.url, settings.engine.model) == ("server", f"{server.url}/v1", "tiny")
    assert (settings.cost.gpu, settings.routing.prefer) == ("h100", "cost")


def test_a_window_that_nobody_tells_is_asked_for(here: Path, server: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PORTS", {server.server_port: "Ollama"})
    server.on("/v1/models", send(200, UNTOLD))
    found = call("init", said="2\nno such\n\n2\n8192\n")
    assert found.exit_code == 0, found.output
    assert "There is no GPU 'no such'" in found.output
    settings = load(here / "hybrid.toml", environ={})
    assert (settings.engine.model, settings.engine.window, settings.cost.gpu) == ("large", 8192, None)


def test_nothing_is_asked_of_a_program(here: Path, server: Double) -> None:
    found = call("init", "--json", "--url", f"{server.url}/v1", "--gpu", "H200", "--prefer", "accuracy")
    assert found.exit_code == 0
    told = json.loads(found.output)
    assert told["settings"]["engine"] == {"url": f"{server.url}/v1"}
    assert told["settings"]["cost"] == {"gpu": "h200"}
    assert load(here / "hybrid.toml", environ={}).routing.prefer == "accuracy"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (fault(500, "out of memory"), "out of memory"),
        (fault(404, "The model `tiny` does not exist."), "does not exist"),
        (stream(piece("", "stop")), "answers with an empty text"),
        (send(200, "<html>hello</html>", "text/html"), "no chat completion"),
    ],
)
def test_an_engine_that_does_not_answer_is_told(here: Path, server: Double, answer: object, says: str) -> None:
    server.on(CHAT, answer)  # type: ignore[arg-type]
    found = CliRunner().invoke(cli, ["init", "--yes", "--url", f"{server.url}/v1"])
    assert found.exit_code != 0
    assert says in str(found.exception) + found.output
    assert not (here / "hybrid.toml").exists()
    found = call("doctor", "--url", f"{server.url}/v1")
    assert found.exit_code == 2
    assert says in found.output.replace("\n", " ")
    assert "Not ready" in found.output


def test_the_long_engine_is_asked_too(here: Path, server: Double) -> None:
    (here / "hybrid.toml").write_text(f'[long_engine]\nurl = "{server.url}/v1"\n')
    assert call("doctor").exit_code == 0
    server.on(CHAT, fault(500, "out of memory"))
    found = call("doctor", "--json")
    assert found.exit_code == 2
    problems = {line["what"]: line["problem"] for line in json.loads(found.output)["used"]}
    assert problems["engine"] is None
    assert "out of memory" in problems["long engine"]


def test_a_wrong_reply_is_shown(server: Double) -> None:
    server.on(CHAT, stream(piece("I like turtles.", "stop")))
    found = call("doctor", "--url", f"{server.url}/v1")
    assert found.exit_code == 0
    assert "is not what the text says" in found.output


def test_a_file_is_not_replaced_unasked(here: Path) -> None:
    (here / "hybrid.toml").write_text("[routing]\nprefer = 'cost'\n")
    assert "--force" in str(call("init", "--yes").exception)
    assert load(here / "hybrid.toml", environ={}).routing.prefer == "cost"
    assert call("init", "--yes", "--force").exit_code == 0
    assert load(here / "hybrid.toml", environ={}).routing.prefer == "balance"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--model", "x"), "name it with --url"),
        (("--gpu", "h1000", "--url", "http://127.0.0.1:9/v1"), "did you mean h100?"),
        (("-o", "no/such/folder/x.toml"), "Cannot write"),
    ],
)
def test_mistakes_are_sentences(arguments: tuple[str, ...], says: str) -> None:
    found = call("init", "--yes", *arguments)
    assert found.exit_code != 0
    assert says in str(found.exception)
