"""A small model server for tests: lists models, says its window as one of the usual programs does, and answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Behaviour:
    """What the server does.

    Args:
        models: rows of /v1/models.
        more: what further paths answer with.
        status: of every question.
        reply: to every question.
        wait: seconds before it.
        listed: the status of /v1/models.
    """

    models: list[dict[str, Any]]
    more: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    reply: str = "1932. [1]"
    wait: float = 0.0
    listed: int = 200
    seen: list[tuple[str, Any]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def asked(self) -> list[Any]:
        return [body for path, body in self.seen if path == "/v1/chat/completions"]


@contextmanager
def model_server(*models: str | dict[str, Any], **behaviour: Any) -> Iterator[Behaviour]:
    """A running server."""
    rows = [{"id": model, "object": "model"} if isinstance(model, str) else model for model in models]
    does = Behaviour(rows, **behaviour)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            does.seen.append((self.path, body))
            if self.path == "/v1/models":
                self.say(does.listed, {"object": "list", "data": does.models})
            elif self.path == "/v1/chat/completions":
                time.sleep(does.wait)
                names = [row["id"] for row in does.models]
                if does.status != 200:
                    self.say(does.status, {"error": {"message": "out of memory"}})
                elif body["model"] not in names:
                    self.say(404, {"error": {"message": f"The model {body['model']} does not exist."}})
                else:
                    self.stream(does.reply)
            elif self.path in does.more:
                self.say(200, does.more[self.path])
            else:
                self.say(404, {"error": {"message": "Not Found"}})

        do_POST = do_GET

        def say(self, status: int, data: Any) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(data).encode())

        def stream(self, text: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 40, "completion_tokens": 3, "total_tokens": 43}
            for event in ({"choices": [choice]}, {"choices": [], "usage": usage}):
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Clients that give up are part of the tests."""

    with Quiet(("127.0.0.1", 0), Handler) as server:
        does.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield does
        finally:
            server.shutdown()
            thread.join()
