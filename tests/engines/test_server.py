"""The engine for OpenAI-compatible servers, against a real HTTP server: answers, addresses, usage."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from hybrid.chat.refusals import ABSTAIN
from hybrid.engines.server import Server
from hybrid.errors import SettingsError, WindowError
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


def test_an_answer_streams_with_its_usage(double: Double) -> None:
    double.on(CHAT, FINE)
    engine, heard = double.engine(temperature=0.25), list[str]()
    completion = engine.ask(PROMPT, max_tokens=64, on_text=heard.append)
    assert heard == ["Two ", "years."]
    assert (completion.text, completion.truncated, completion.abstained) == ("Two years.", False, False)
    usage = completion.usage
    assert (usage.calls, usage.prompt_tokens, usage.cached_tokens, usage.output_tokens) == (1, 40, 32, 3)
    assert usage.seconds > 0
    sent = double.bodies(CHAT)[0]
    assert sent["messages"] == PROMPT.messages()
    assert (sent["model"], sent["temperature"], sent["max_tokens"]) == ("tiny", 0.25, 64)
    assert sent["stream_options"] == {"include_usage": True}
    assert engine.name == f"tiny at 127.0.0.1:{double.server_port}"
    assert engine.notes == ()


def test_a_server_on_this_machine_is_not_asked_through_a_proxy(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    double.on(CHAT, FINE)
    assert double.engine().ask(PROMPT, max_tokens=64).text == "Two years."


def test_vllms_timings_of_a_request(double: Double) -> None:
    told = {"time_to_first_token_ms": 80.0, "generation_time_ms": 20, "queue_time_ms": 0.5, "mean_itl_ms": 5.0}
    double.on(CHAT, stream(piece("Two "), piece("years.", "stop"), {**USAGE_CHUNK, "metrics": told}))
    usage = double.engine().ask(PROMPT, max_tokens=64).usage
    assert (usage.queue_seconds, usage.prefill_seconds, usage.decode_seconds) == (0.0005, 0.08, 0.02)
    assert usage.first_token_seconds is not None
    assert 0 < usage.first_token_seconds <= usage.seconds
    told = {"cache_n": 0, "prompt_n": 9, "prompt_ms": 1.5, "predicted_n": 3, "predicted_ms": 2.5}  # llama.cpp's
    double.on(CHAT, stream(piece("Two years.", "stop"), {**USAGE_CHUNK, "timings": told}))
    usage = double.engine().ask(PROMPT, max_tokens=64).usage
    assert (usage.queue_seconds, usage.prefill_seconds, usage.decode_seconds) == (None, 0.0015, 0.0025)
    odd: tuple[object, ...] = ({"queue_time_ms": "soon", "generation_time_ms": None}, [], "fast", None)
    for metrics in odd:
        double.on(CHAT, stream(piece("Two years.", "stop"), {**USAGE_CHUNK, "metrics": metrics}))
        usage = double.engine().ask(PROMPT, max_tokens=64).usage
        assert (usage.queue_seconds, usage.prefill_seconds, usage.decode_seconds) == (None, None, None)


def test_the_first_text_is_waited_for_and_not_the_first_chunk(double: Double) -> None:
    def late(handler: BaseHTTPRequestHandler, body: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        for wait, event in ((0.0, piece("")), (0.2, piece("Two ")), (0.2, piece("years.", "stop"))):
            time.sleep(wait)
            handler.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        handler.close_connection = True

    double.on(CHAT, late)
    usage = double.engine().ask(PROMPT, max_tokens=64).usage
    assert usage.first_token_seconds is not None
    assert 0.2 <= usage.first_token_seconds < usage.seconds - 0.1


def test_truncation_abstention_and_thinking_are_told_apart(double: Double) -> None:
    double.on(CHAT, stream(piece("Two", "length"), USAGE_CHUNK))
    assert double.engine().ask(PROMPT, max_tokens=1).truncated
    double.on(CHAT, stream(piece(None, reasoning_content="Hm, two?"), piece(ABSTAIN, "stop"), USAGE_CHUNK))
    completion = double.engine().ask(PROMPT, max_tokens=64)
    assert completion.abstained
    assert completion.text == ABSTAIN
    double.on(CHAT, stream(piece(None, "length", reasoning_content="Hm"), USAGE_CHUNK))
    assert "used all 64 tokens without writing an answer" in failure(double.engine())


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
def test_the_address_is_taken_with_or_without_its_path(double: Double, suffix: str) -> None:
    double.on(CHAT, FINE)
    assert double.engine(url=double.url + suffix).ask(PROMPT, max_tokens=64).text == "Two years."


@pytest.mark.parametrize(
    "url",
    [None, " ", "localhost:8000", "ftp://x/v1", "http://", "http://a b", "http://h:x", "http://[::1", "http://a..b"],
)
def test_an_unusable_address_is_refused_at_once(url: str | None) -> None:
    with pytest.raises(SettingsError, match=r"http://localhost:8000/v1\.$"):
        Server(EngineSettings(kind="server", url=url))


def test_why_a_stream_is_empty_is_asked_for_without_one(double: Double) -> None:
    def mute(status: int, data: object) -> Answer:
        """As llama-cpp-python does it: an empty stream where an answer in one piece is an error."""
        return lambda handler, body: (stream() if body.get("stream") else send(status, data))(handler, body)

    whole = {"choices": [{"message": {"content": "Two years."}, "finish_reason": "stop"}], "usage": USAGE}
    double.on(CHAT, mute(200, whole))
    heard: list[str] = []
    completion = double.engine().ask(PROMPT, max_tokens=64, on_text=heard.append)
    assert (completion.text, heard, completion.usage.prompt_tokens) == ("Two years.", ["Two years."], 40)
    assert completion.usage.first_token_seconds is None
    double.on(CHAT, mute(400, {"error": {"message": "too long", "code": "context_length_exceeded"}}))
    assert "too long" in failure(double.engine(), kind=WindowError)
    double.on(CHAT, mute(200, {"choices": []}))
    assert "sent no chat completion" in failure(double.engine())


def test_without_a_list_of_models_the_settings_are_enough(double: Double) -> None:
    double.on("/v1/models", fault(404, "Not Found"))
    double.on(CHAT, FINE)
    assert double.engine(model="m", window=2048).ask(PROMPT, max_tokens=64).text == "Two years."


def test_parameters_a_model_does_not_take_are_left_out(double: Double) -> None:
    budget = fault(400, "use max_completion_tokens", code="unsupported_parameter", param="max_tokens")
    warmth = fault(400, "only the default", code="unsupported_value", param="temperature")
    double.on(CHAT, budget, warmth, FINE)
    assert double.engine().ask(PROMPT, max_tokens=64).text == "Two years."
    sent = double.bodies(CHAT)[-1]
    assert sent["max_completion_tokens"] == 64
    assert "max_tokens" not in sent
    assert "temperature" not in sent
    double.on(CHAT, budget)
    assert "use max_completion_tokens" in failure(double.engine())


def test_a_reply_is_held_to_a_schema_where_the_server_can(double: Double) -> None:
    formed = replace(PROMPT, form={"type": "object"})
    budget = fault(400, "use max_completion_tokens", code="unsupported_parameter", param="max_tokens")
    double.on(CHAT, budget, FINE, fault(400, "response_format.type must be text"), FINE)
    engine = double.engine()
    for _ in range(3):
        assert engine.ask(formed, max_tokens=64).text == "Two years."
    sent = [body.get("response_format") for body in double.bodies(CHAT)]
    assert sent[1]["json_schema"]["schema"] == {"type": "object"}
    assert [one is not None for one in sent] == [True, True, True, False, False]
    double.on(CHAT, fault(400, "too long", code="context_length_exceeded"))
    fresh = double.engine()
    with pytest.raises(WindowError):
        fresh.ask(formed, max_tokens=64)
    double.on(CHAT, FINE)
    fresh.ask(formed, max_tokens=64)
    assert "response_format" in double.bodies(CHAT)[-1]  # the prompt was too long, and that says nothing of schemas


def test_the_key_comes_from_the_named_variable(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str | None] = []

    def note(handler: BaseHTTPRequestHandler, body: Any) -> None:
        keys.append(handler.headers["Authorization"])
        FINE(handler, body)

    double.on(CHAT, note)
    double.engine(api_key_env="MY_KEY").ask(PROMPT, max_tokens=64)
    monkeypatch.setenv("MY_KEY", "secret\n")
    double.engine(api_key_env="MY_KEY").ask(PROMPT, max_tokens=64)
    assert keys == ["Bearer none", "Bearer secret"]
    double.on(CHAT, fault(401, "bad key"))
    message = failure(double.engine(api_key_env="MY_KEY"))
    assert "MY_KEY." in message
    assert "secret" not in message
    monkeypatch.setenv("MY_KEY", "schlüssel")
    with pytest.raises(SettingsError, match="MY_KEY"):
        double.engine(api_key_env="MY_KEY")


def test_what_the_listener_raises_passes_through(double: Double) -> None:
    double.on(CHAT, FINE)
    for error in (KeyboardInterrupt, BrokenPipeError, ValueError):

        def listen(text: str, error: type[BaseException] = error) -> None:
            raise error

        with pytest.raises(error):
            double.engine(retries=1).ask(PROMPT, max_tokens=64, on_text=listen)
    assert len(double.bodies(CHAT)) == 3


def test_many_threads_share_one_engine(double: Double) -> None:
    double.on(CHAT, FINE)
    engine = double.engine()
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda _: engine.ask(PROMPT, max_tokens=64).text, range(24)))
    assert texts == ["Two years."] * 24
    assert len(double.bodies(CHAT)) == 24
