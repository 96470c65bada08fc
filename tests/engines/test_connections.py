"""Connections that serve many questions."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hybrid.chat.prompts import Prompt
from hybrid.engines.server import Server
from hybrid.settings import EngineSettings
from hybrid.types import Piece

PROMPT = Prompt("Where is the office?", (Piece("a", "The office is in Lima.", 0),))
TEXT = "In Lima [1]. A log ends with data: [DONE]"


@contextmanager
def server(*, ends: bool = True, in_one: bool = False, leaves: bool = False) -> Iterator[tuple[Server, list[Any]]]:
    """An engine, and the connections that its server has chatted over.

    Args:
        ends: the server ends its HTTP message after `[DONE]`; else it says no more and keeps the connection.
        in_one: the last event and the end of the message come at once.
        leaves: the server closes the connection after that, and does not say so.
    """
    chatted: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if not self.path.endswith("/chat/completions"):
                self.do_GET()
                return
            if self.connection not in chatted:
                chatted.append(self.connection)
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
            for choices in ([{"index": 0, "delta": {"content": TEXT}, "finish_reason": "stop"}], []):
                frame = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": choices}
                self.wfile.write(chunk(f"data: {json.dumps(frame | {'usage': None if choices else usage})}\n\n"))
            end = b"0\r\n\r\n" if ends else b""
            self.wfile.write(chunk("data: [DONE]\n\n") + (end if in_one else b""))
            if end and not in_one:
                time.sleep(0.05)
                self.wfile.write(end)
            self.close_connection = leaves

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.daemon_threads, made.block_on_close = True, False
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        url = f"http://127.0.0.1:{made.server_port}/v1"
        engine = Server(EngineSettings(kind="server", url=url, model="m", window=4000, retries=0))
        yield engine, chatted
        engine.close()
        made.shutdown()


def chunk(text: str) -> bytes:
    """A piece of a message whose length is not told before."""
    return f"{len(text.encode()):x}\r\n{text}\r\n".encode()


@pytest.mark.parametrize("in_one", [True, False])
def test_questions_share_a_connection(in_one: bool) -> None:
    with server(ends=True, in_one=in_one) as (engine, chatted):
        for _ in range(3):
            completion = engine.ask(PROMPT, max_tokens=10)
            assert completion.text == TEXT
            assert completion.usage.output_tokens == 3
        assert len(chatted) == 1


@pytest.mark.parametrize("threads", [1, 8])
def test_a_connection_that_its_server_has_closed_is_replaced(threads: int) -> None:
    with server(in_one=True, leaves=True) as (engine, chatted), ThreadPoolExecutor(threads) as pool:
        for text in pool.map(lambda _: engine.ask(PROMPT, max_tokens=10).text, range(40)):
            assert text == TEXT
        assert len(chatted) == 40


def test_a_server_that_keeps_its_message_open_delays_no_answer_for_long() -> None:
    with server(ends=False, in_one=False) as (engine, _):
        begun = time.monotonic()
        assert engine.ask(PROMPT, max_tokens=10).text == TEXT
        assert time.monotonic() - begun < 5
