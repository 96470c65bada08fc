"""The window of a server, and how tokens are counted there."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from hybrid.errors import EngineError, SettingsError, WindowError
from tests.engines.double import CHAT, LONG, PROMPT, TOKENIZE, Double, count_words, failure, fault, piece, send, stream


def test_the_smaller_window_holds(double: Double) -> None:
    assert double.engine().window == 2048
    assert double.engine(window=1000).window == 1000
    engine = double.engine(window=4000)
    assert engine.window == 2048
    assert "engine.window is 4000" in engine.notes[0]


def test_llama_cpp_tells_its_window_and_counts_tokens(double: Double) -> None:
    def words(handler: BaseHTTPRequestHandler, body: Any) -> None:
        tokens = body.get("content", "").split() + ["bos"] * body.get("add_special", True)
        send(200, {"tokens": [1 for _ in tokens]})(handler, body)

    double.on("/v1/models", send(200, {"data": [{"id": "q.gguf", "meta": {"n_ctx_train": 99}}]}))
    double.on("/props", send(200, {"default_generation_settings": {"n_ctx": 512}}))
    double.on(TOKENIZE, words)
    double.on("/apply-template", send(200, {"prompt": "a rendered prompt"}))
    engine = double.engine()
    assert engine.window == 512
    assert engine.counts_exactly
    assert engine.count(["one two", "three"]) == [2, 1]
    assert engine.measure(PROMPT) == 4


def test_llama_cpp_python_is_asked_one_at_a_time_and_its_tokens_are_counted(double: Double) -> None:
    under_way, most = [0], [0]

    def words(handler: BaseHTTPRequestHandler, body: Any) -> None:
        send(200, {"tokens": [1 for _ in ("bos", *body["input"].split())]})(handler, body)

    def alone(handler: BaseHTTPRequestHandler, body: Any) -> None:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        time.sleep(0.02)
        under_way[0] -= 1  # before the last byte: the next request may come before this thread goes on
        stream(piece("Two years.", "stop"))(handler, body)

    double.on("/v1/models", send(200, {"data": [{"id": "q.gguf"}]}))
    double.on(TOKENIZE, fault(404, "Not Found"))
    double.on("/extras/tokenize", words)
    double.on(CHAT, alone)
    engine = double.engine(window=512)
    assert engine.counts_exactly
    assert engine.count(["one two", "three", ""]) == [2, 1, 0]
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: engine.ask(PROMPT, max_tokens=64), range(8)))
    assert {reply.text for reply in replies} == {"Two years."}
    assert most == [1]


def test_a_server_that_does_not_tell_its_window_needs_the_setting(double: Double) -> None:
    double.on("/v1/models", send(200, {"data": [{"id": "tiny"}]}))
    with pytest.raises(SettingsError, match=r"does not tell its window; set engine\.window"):
        _ = double.engine().window
    assert double.engine(window=8192).window == 8192


def test_a_prompt_that_does_not_fit_is_not_sent(double: Double) -> None:
    engine = double.engine(window=1024)
    tokens = engine.measure(LONG)
    message = failure(engine, LONG, WindowError)
    assert f"{tokens} tokens and 64 for the answer do not fit the window of 1024 tokens" in message
    assert double.bodies(CHAT) == []
    with pytest.raises(WindowError, match="2040 for the answer"):
        double.engine().ask(PROMPT, max_tokens=2040)


def test_a_text_is_counted_once(double: Double) -> None:
    engine = double.engine()
    texts = [f"text number {n}" for n in range(20)]
    assert engine.count([*texts, *texts, "", "\ud800 lone"]) == [3] * 40 + [0, 2]
    before = len(double.bodies(TOKENIZE))
    assert engine.count(texts) == [3] * 20
    assert engine.measure(LONG) == engine.measure(LONG)
    assert len(double.bodies(TOKENIZE)) == before + 1
    assert all(body["add_special_tokens"] is False for body in double.bodies(TOKENIZE) if "prompt" in body)


def test_without_a_tokenizer_endpoint_counts_are_estimates(double: Double) -> None:
    double.on(TOKENIZE, fault(404, "Not Found"))
    engine = double.engine()
    assert engine.count(["abc", "abcd", ""]) == [1, 2, 0]
    assert not engine.counts_exactly
    assert "estimates" in engine.notes[0]
    assert engine.measure(LONG) > 1500
    assert "of about " in failure(engine, LONG, WindowError)


def test_a_busy_server_is_not_taken_for_one_without_a_tokenizer(double: Double) -> None:
    double.on(TOKENIZE, fault(503, "Loading model"), count_words)
    engine = double.engine()
    with pytest.raises(EngineError, match="Loading model"):
        engine.count(["abc"])
    assert engine.count(["one two"]) == [2]


def test_a_server_without_usage_is_counted_afterwards(double: Double) -> None:
    double.on(CHAT, stream(piece("Two years.", "stop")))
    engine = double.engine()
    usage = engine.ask(PROMPT, max_tokens=64).usage
    assert (usage.prompt_tokens, usage.output_tokens) == (engine.measure(PROMPT), 2)
    assert "reports no usage" in engine.notes[0]
