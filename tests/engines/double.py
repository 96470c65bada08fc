"""A real HTTP server in place of a model server, whose answers a test chooses."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hybrid.chat.prompts import Prompt
from hybrid.engines.server import Server
from hybrid.errors import EngineError
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


@contextmanager
def doubles(count: int) -> Iterator[list[Double]]:
    """Some that run, are well and answer."""
    with ExitStack() as held:
        servers = [held.enter_context(Double()) for _ in range(count)]
        for server in servers:
            server.on(CHAT, FINE)
            server.on("/health", send(200, {}))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            held.callback(thread.join)
            held.callback(server.shutdown)
        yield servers


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


def failure(engine: Server, prompt: Prompt = PROMPT, kind: type[Exception] = EngineError) -> str:
    """What the user reads when `ask` fails: one sentence, and no other exception shown with it."""
    with pytest.raises(kind) as caught:
        engine.ask(prompt, max_tokens=64)
    assert caught.value.__cause__ is None or caught.value.__suppress_context__
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message
