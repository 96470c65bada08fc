"""The engine for OpenAI-compatible servers, against a real HTTP server that fails on demand."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import ABSTAIN
from hybrid.engines.server import Server
from hybrid.errors import EngineError, SettingsError, WindowError
from hybrid.settings import EngineSettings
from hybrid.types import Piece

Answer = Callable[[BaseHTTPRequestHandler, Any], None]
MODELS = {"data": [{"id": "tiny", "max_model_len": 2048}]}
USAGE = {"prompt_tokens": 40, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 32}}
PROMPT = Prompt("How long?", (Piece("a.txt", "It runs for two years.", 0),))
LONG = Prompt("How long?", (Piece("a.txt", "word " * 1500, 0),))
CHAT, TOKENIZE = "/v1/chat/completions", "/tokenize"


def send(status: int, data: object, kind: str = "application/json", **headers: str) -> Answer:
    """An answer with `data` as its whole body, as JSON unless it is text."""

    def answer(handler: BaseHTTPRequestHandler, _: Any) -> None:
        body = data.encode() if isinstance(data, str) else json.dumps(data).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def stream(*events: object, cut: bool = False) -> Answer:
    """An answer in server-sent events; with `cut`, the connection ends before the stream does."""

    def answer(handler: BaseHTTPRequestHandler, _: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for event in (*events, *(() if cut else ("[DONE]",))):
            data = f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode()
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if not cut:
            handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = True

    return answer


def piece(text: str | None, finish: str | None = None, **delta: Any) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": text, **delta}, "finish_reason": finish}]}


def fault(status: int, message: str, **more: object) -> Answer:
    return send(status, {"error": {"message": message, "type": "x", "code": None, **more}}, retry_after_ms="10")


def count_words(handler: BaseHTTPRequestHandler, body: Any) -> None:
    """vLLM's tokenizer endpoint: one token for each word, five for the chat template."""
    text = body["prompt"] if "prompt" in body else " ".join(m["content"] for m in body["messages"])
    tokens = len(text.split()) + 5 * ("messages" in body)
    send(200, {"count": tokens, "max_model_len": 2048, "tokens": [1] * tokens})(handler, body)


USAGE_CHUNK = {"choices": [], "usage": USAGE}
FINE = stream(piece(""), piece("Two "), piece("years.", "stop"), USAGE_CHUNK)


class Double(ThreadingHTTPServer):
    """A server whose answers a test chooses: by path, one after the other, the last one again and again."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Answer]] = {"/v1/models": [send(200, MODELS)], TOKENIZE: [count_words]}
        self.seen: list[tuple[str, Any]] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def on(self, path: str, *answers: Answer) -> None:
        self.answers[path] = list(answers)

    def bodies(self, path: str) -> list[Any]:
        return [body for seen, body in self.seen if seen == path]

    def engine(self, **settings: Any) -> Server:
        return Server(EngineSettings(**{"kind": "server", "url": self.url, "retries": 0, **settings}))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that give up are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Double

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        with self.server.lock:
            self.server.seen.append((self.path, body))
            answers = self.server.answers.get(self.path) or [fault(404, "Not Found")]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        answer(self, body)

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Double() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def failure(engine: Server, prompt: Prompt = PROMPT, kind: type[Exception] = EngineError) -> str:
    """What the user reads when `ask` fails: one sentence, and no other exception shown with it."""
    with pytest.raises(kind) as caught:
        engine.ask(prompt, max_tokens=64)
    assert caught.value.__cause__ is None or caught.value.__suppress_context__
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


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


# The window.


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


def test_a_server_that_does_not_tell_its_window_needs_the_setting(double: Double) -> None:
    double.on("/v1/models", send(200, {"data": [{"id": "tiny"}]}))
    with pytest.raises(SettingsError, match=r"does not tell its window; set engine\.window"):
        _ = double.engine().window
    assert double.engine(window=8192).window == 8192


def test_without_a_list_of_models_the_settings_are_enough(double: Double) -> None:
    double.on("/v1/models", fault(404, "Not Found"))
    double.on(CHAT, FINE)
    assert double.engine(model="m", window=2048).ask(PROMPT, max_tokens=64).text == "Two years."


def test_a_prompt_that_does_not_fit_is_not_sent(double: Double) -> None:
    engine = double.engine(window=1024)
    tokens = engine.measure(LONG)
    message = failure(engine, LONG, WindowError)
    assert f"{tokens} tokens and 64 for the answer do not fit the window of 1024 tokens" in message
    assert double.bodies(CHAT) == []
    with pytest.raises(WindowError, match="2040 for the answer"):
        double.engine().ask(PROMPT, max_tokens=2040)


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


# Counting.


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


# Faults.


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
