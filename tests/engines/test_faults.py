"""A server that fails: one sentence with its remedy."""

from __future__ import annotations

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from hybrid.engines.server import Server
from hybrid.errors import EngineError, WindowError
from hybrid.settings import EngineSettings
from tests.engines.double import (
    CHAT,
    FINE,
    PROMPT,
    USAGE,
    USAGE_CHUNK,
    Answer,
    Double,
    failure,
    fault,
    piece,
    send,
    stream,
)


@pytest.mark.parametrize(
    ("status", "words", "more"),
    [
        (400, "This model's maximum context length is 2048 tokens. However, your prompt contains 3000", {}),
        (400, "The decoder prompt (length 3000) is longer than the maximum model length of 2048.", {}),
        (400, "Input length (3000) exceeds model's maximum context length (2048).", {}),
        (400, "request (3000 tokens) exceeds the available context size (2048 tokens), try increasing it", {}),
        (400, "too many tokens", {"type": "exceed_context_size_error"}),
        (400, "Your input is too large.", {"code": "context_length_exceeded"}),
    ],
)
def test_the_servers_own_length_errors_are_understood(double: Double, status: int, words: str, more: Any) -> None:
    double.on(CHAT, fault(status, words, **more))
    message = failure(double.engine(), kind=WindowError)
    assert words.rstrip(".") in message
    double.on(CHAT, stream({"error": {"message": words, "type": "x", "code": None, **more}}))
    failure(double.engine(), kind=WindowError)


def test_a_passing_failure_is_tried_again(double: Double) -> None:
    down = send(500, {"error": {"message": "boom"}}, retry_after_ms="10")
    double.on(CHAT, down, down, FINE)
    assert double.engine(retries=2).ask(PROMPT, max_tokens=64).text == "Two years."
    double.on(CHAT, send(429, {"error": {"message": "slow down"}}, retry_after="0.2"), FINE)
    started = time.perf_counter()
    assert double.engine(retries=1).ask(PROMPT, max_tokens=64).text == "Two years."
    assert time.perf_counter() - started >= 0.2


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (fault(500, "boom"), "failed 2 times (500: boom); see the server's log"),
        (fault(429, "slow down"), "still busy after 2 tries (slow down); lower engine.concurrency"),
        (
            fault(401, "bad key"),
            "(401: bad key); put a valid one into the environment variable MY_KEY, which is not set",
        ),
        (fault(403, "no"), "environment variable MY_KEY"),
        (fault(400, "System role not supported"), "did not complete the request (400: System role not supported)"),
        (send(502, "<html>Bad Gateway</html>", "text/html"), "failed 2 times (502: an HTML page)"),
        (send(200, "<!doctype html><p>Hello", "text/html"), "sent no chat completion"),
        (send(200, "{}"), "sent no chat completion"),
        (stream(), "sent no chat completion"),
        (stream("{not json"), "sent chunks that are not chat completions"),
        (stream('"a string"'), "sent no chat completion"),
        (stream({"choices": [{"delta": None}]}), "sent chunks that are not chat completions"),
        (stream({"choices": "none"}), "sent chunks that are not chat completions"),
        (stream({"choices": [{"delta": {"content": 5}, "finish_reason": None}]}), "sent chunks that are not"),
        (stream(piece("Two "), {"error": {"message": "engine died"}}), "did not complete the request (engine died)"),
    ],
)
def test_a_failure_is_one_sentence_with_its_remedy(double: Double, answer: Answer, expected: str) -> None:
    double.on(CHAT, answer)
    engine = double.engine(retries=1, api_key_env="MY_KEY")
    message = failure(engine)
    assert expected in message
    assert double.url in message


def test_a_wrong_address_is_told_by_what_answers_there(double: Double) -> None:
    for answer in (send(200, "<html>", "text/html"), send(200, []), send(200, {"data": []}), send(200, "{no")):
        double.on("/v1/models", answer)
        assert "is no OpenAI-compatible server; check engine.url" in failure(double.engine())
    double.on("/v1/models", fault(404, "Not Found"))
    assert "check engine.url" in failure(double.engine())


def test_an_unknown_model_is_answered_with_the_known_ones(double: Double) -> None:
    double.on(CHAT, fault(404, "The model `big` does not exist."))
    assert "has no model 'big'; set engine.model to one it has: tiny." in failure(double.engine(model="big"))


def test_nobody_at_the_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    message = failure(Server(EngineSettings(kind="server", url=f"http://127.0.0.1:{port}", retries=0)))
    assert f"No server answers at http://127.0.0.1:{port}/v1" in message
    assert "start it or set engine.url" in message


def test_silence_ends_at_the_timeout(double: Double) -> None:
    release = threading.Event()

    def hang(handler: BaseHTTPRequestHandler, _: Any) -> None:
        release.wait(5)
        handler.close_connection = True

    def stall(handler: BaseHTTPRequestHandler, body: Any) -> None:
        stream(piece("Two "), cut=True)(handler, body)
        hang(handler, body)

    double.on(CHAT, hang)
    assert "did not answer within 0.3 s, 1 times; raise engine.timeout" in failure(double.engine(timeout=0.3))
    double.on(CHAT, stall)
    assert "fell silent for 0.3 s after 4 characters" in failure(double.engine(timeout=0.3, retries=3))
    release.set()


def test_a_broken_stream_is_asked_again_only_while_nobody_has_seen_it(
    double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hybrid.engines.server.FIRST_WAIT", 0.01)
    double.on(CHAT, stream(piece("Two "), cut=True), stream(piece("Two ")), FINE)
    assert double.engine(retries=2).ask(PROMPT, max_tokens=64).text == "Two years."
    double.on(CHAT, stream(piece(""), cut=True), FINE)
    heard: list[str] = []
    assert double.engine(retries=1).ask(PROMPT, max_tokens=64, on_text=heard.append).text == "".join(heard)
    double.on(CHAT, stream(piece("Two "), cut=True), FINE)
    with pytest.raises(EngineError, match="broke after 4 characters"):
        double.engine(retries=1).ask(PROMPT, max_tokens=64, on_text=heard.append)
    double.on(CHAT, stream(piece("Two "), cut=True))
    assert "broke after 4 characters" in failure(double.engine())
    double.on(CHAT, stream(piece("Two years.", "stop"), cut=True))
    assert double.engine().ask(PROMPT, max_tokens=64).text == "Two years."


CALL = {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}]}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([piece(""), piece(None, "stop")], r"replied with nothing \(finish_reason stop\): see whether"),
        ([piece(" \n"), piece("", "end_turn")], r"replied with nothing \(finish_reason end_turn\)"),
        (
            [piece(None, reasoning_content="Let me see."), piece("", "stop")],
            r"nothing but thoughts \(finish_reason stop",
        ),
        ([piece(None, reasoning="Let me see."), piece("", "stop")], "nothing but thoughts"),
        ([piece(None, None, **CALL), piece(None, "tool_calls")], r"call of a tool .*\(finish_reason tool_calls\)"),
        ([piece("", "content_filter")], r"by a content filter \(finish_reason content_filter\)"),
        ([piece("Two "), piece("", "content_filter")], "by a content filter"),
    ],
)
def test_a_reply_without_an_answer_is_an_error(double: Double, told: list[Any], words: str) -> None:
    double.on(CHAT, stream(*told, USAGE_CHUNK))
    with pytest.raises(EngineError, match=words) as caught:
        double.engine().ask(PROMPT, max_tokens=64)
    assert caught.value.usage.prompt_tokens == USAGE["prompt_tokens"]
