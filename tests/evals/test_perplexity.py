"""Perplexity by place in the window."""

import json
import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hybrid.evals.tasks.perplexity import perplexity

from hybrid.errors import EngineError, InputError


class Handler(BaseHTTPRequestHandler):
    """As much of vLLM as perplexity asks: words are tokens, 1 begins a prompt, and place p costs p / 10 nats."""

    gives = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/tokenize":
            ids = [1] * body["add_special_tokens"] + [int(word) for word in body["prompt"].split()]
            reply: dict[str, Any] = {"count": len(ids), "tokens": ids, "max_model_len": 99}
        else:
            assert self.path == "/v1/completions"
            assert (body["max_tokens"], body["prompt_logprobs"], body["temperature"]) == (1, 0, 0)
            entries = [{str(token): {"logprob": -place / 10, "rank": 1}} for place, token in enumerate(body["prompt"])]
            choice = {"index": 0, "text": "x", "prompt_logprobs": [None, *entries[1:]] if self.gives else None}
            reply = {"choices": [choice]}
        data = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/v1"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_perplexity_by_place_in_the_window(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(str(number) for number in range(100, 130))  # 30 tokens, windows of 10 of them begin at 0, 5 .. 20
    found = perplexity(server, "m", text, 12, 5, buckets=4)
    assert [(bucket.start, bucket.end, bucket.n) for bucket in found] == [
        (0, 3, 10),
        (3, 6, 15),
        (6, 9, 15),
        (9, 12, 10),
    ]
    assert [bucket.nll for bucket in found] == pytest.approx([0.15, 0.4, 0.7, 0.95])
    assert found[0].perplexity == pytest.approx(math.exp(0.15))
    with pytest.raises(InputError, match="The text has 30 tokens and a window takes 38"):
        perplexity(server, "m", text, 40, 5)
    monkeypatch.setattr(Handler, "gives", False)
    with pytest.raises(EngineError, match="does not give prompt_logprobs"):
        perplexity(server, "m", text, 12, 5, buckets=4)
