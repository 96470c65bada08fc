"""Chat completions, with OpenAI's own client."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.model_server import model_server
from tests.serve.conftest import LEASE, Running, running

ASKED = {"messages": [{"role": "user", "content": "When does the lease end?"}]}
END = "It ends on 28 February 2027"


def ask(service: Running, question: str, model: str = "contracts", **more: Any) -> Any:
    return service.client.chat.completions.create(model=model, messages=[{"role": "user", "content": question}], **more)


def test_every_corpus_is_a_model_with_a_variant_for_each_route(service: Running) -> None:
    names = [model.id for model in service.client.models.list()]
    assert {"contracts", "contracts:rag", "contracts:long", "code"} <= set(names)
    assert service.client.models.retrieve("code:rag").id == "code:rag"


def test_an_answer_carries_citations_in_both_shapes_and_the_way_it_took(service: Running) -> None:
    raw = service.client.chat.completions.with_raw_response.create(
        model="contracts", messages=[{"role": "user", "content": "When does the lease end?"}]
    )
    reply = raw.parse()
    message = reply.choices[0].message
    assert END in (message.content or "")
    kinds = [annotation.type for annotation in message.annotations or []]
    assert {"file_citation", "url_citation"} == set(kinds)
    url = next(a.url_citation for a in message.annotations or [] if a.type == "url_citation")
    assert (message.content or "")[url.start_index : url.end_index] == "[1]"
    assert url.title.startswith("lease.md, line ")
    told = reply.model_extra["hybrid"]
    assert raw.headers["x-hybrid-route"] == told["route"]
    assert told["reason"]
    assert {p["rung"] for p in told["predictions"]} == {"passages", "sections", "documents", "corpus"}
    assert reply.usage.prompt_tokens > 0
    assert reply.usage.prompt_tokens_details.cached_tokens == 0
    first = told["citations"][0]
    assert LEASE[first["text_start"] : first["text_end"]] == first["quote"]
    assert first["url"] == url.url
    assert httpx.get(url.url).status_code == 200


@pytest.mark.parametrize("route", ["rag", "long"])
def test_a_models_variant_forces_the_route(service: Running, route: str) -> None:
    reply = ask(service, "When does the lease end?", f"contracts:{route}")
    assert reply.model_extra["hybrid"]["route"] == route


def test_a_stream_has_the_same_text_and_ends_with_the_way_and_the_usage(service: Running) -> None:
    whole = ask(service, "When does the lease end?").choices[0].message.content
    chunks = list(ask(service, "When does the lease end?", stream=True, stream_options={"include_usage": True}))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text.replace(" ", "") == whole.replace(" ", "")
    assert chunks[-1].usage.prompt_tokens > 0
    assert not chunks[-1].choices
    last = chunks[-2]
    assert last.choices[0].finish_reason == "stop"
    assert last.model_extra["hybrid"]["text"] == whole


def test_an_answer_from_a_table_carries_the_table_without_paths(service: Running) -> None:
    question = "What is the total rent over all leases?"
    reply = ask(service, question, extra_body={"rung": "each"})
    told = reply.model_extra["hybrid"]
    assert "14,880 GBP/year over 1 document:" in reply.choices[0].message.content
    assert (told["rung"], told["table"]["figures"]) == ("each", {"GBP/year": 14_880.0})
    cell = told["table"]["rows"][0]["cells"][0]
    assert cell["citation"]["quote"] == told["citations"][0]["quote"]
    assert "path" not in cell["citation"]
    assert cell["citation"] == told["citations"][0]  # with its place in the text, and the address that opens it
    assert LEASE[cell["citation"]["text_start"] : cell["citation"]["text_end"]] == cell["citation"]["quote"]
    assert httpx.get(cell["citation"]["url"]).status_code == 200
    chunks = list(ask(service, question, stream=True, extra_body={"rung": "each"}))
    assert chunks[-1].model_extra["hybrid"]["table"] == told["table"]
    with pytest.raises(openai.BadRequestError, match="There is no table for this question"):
        ask(service, "Who is the tenant?", extra_body={"rung": "each"})


def test_a_question_that_follows_is_understood_from_those_before(service: Running) -> None:
    reply = service.client.chat.completions.create(
        model="contracts",
        messages=[
            {"role": "user", "content": "When does the lease end?"},
            {"role": "assistant", "content": "On 28 February 2027."},
            {"role": "user", "content": "And when does it begin?"},
        ],
    )
    assert reply.model_extra["hybrid"]["standalone"] == "When does the lease begin?"
    assert "1 March 2024" in reply.choices[0].message.content


def test_parts_of_a_message_are_read_as_its_text(service: Running) -> None:
    content = [{"type": "text", "text": "When does the lease end?"}]
    reply = service.client.chat.completions.create(model="contracts", messages=[{"role": "user", "content": content}])
    assert END in reply.choices[0].message.content


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"model": "nothing", "messages": [{"role": "user", "content": "Who?"}]}, 400, "There is no corpus 'nothing'"),
        ({"model": "code:fast", "messages": [{"role": "user", "content": "Who?"}]}, 400, "comes :rag or :long"),
        ({"model": "code", "messages": []}, 400, "'messages' does not fit"),
        ({"model": "code", "messages": [{"role": "system", "content": "x"}]}, 400, "There is no question"),
        ({"model": "code", "messages": [{"role": "user", "content": "x" * 30_000}]}, 400, "20,000 are read at most"),
        ({"model": "code", "messages": [{"role": "user", "content": "x"}], "n": 2}, 400, "one answer at a time"),
        ({"model": "code", "messages": [{"role": "user", "content": "x"}], "temperature": 9}, 400, "'temperature'"),
        ([], 400, "'the body' does not fit"),
    ],
)
def test_what_cannot_be_answered_gets_one_sentence(service: Running, body: Any, status: int, sentence: str) -> None:
    for stream in (False, True):
        given = {**body, "stream": stream} if isinstance(body, dict) else body
        reply = service.post("/v1/chat/completions", json=given)
        assert reply.status_code == status
        assert sentence in reply.json()["error"]["message"]


def test_a_document_that_is_not_there_is_named(service: Running) -> None:
    with pytest.raises(openai.BadRequestError, match="None of the documents"):
        ask(service, "When?", extra_body={"documents": ["other.md"]})


def test_a_model_gets_what_the_client_set_and_the_conversation_after_the_document(tmp_path: Path) -> None:
    (tmp_path / "lease.md").write_text(LEASE, "utf-8")
    with (
        model_server({"id": "m", "object": "model", "max_model_len": 8000}, reply="On 28 February 2027 [1].") as model,
        running(tmp_path, "lease=lease.md", "--url", model.url) as service,
    ):
        question = {"role": "user", "content": "When does it end?"}
        turns = [
            {"role": "user", "content": "Who is the tenant of the lease?"},
            {"role": "assistant", "content": "Maren"},
        ]
        reply = service.client.chat.completions.create(
            model="lease", messages=[*turns, question], temperature=0.7, max_tokens=77, stop=["\n\n"]
        )
        asked = model.asked[-1]
    assert (asked["temperature"], asked["max_tokens"], asked["stop"]) == (0.7, 77, ["\n\n"])
    body = asked["messages"][-1]["content"]
    assert body.index("<text ") < body.index("<conversation>") < body.index("Question:")
    assert reply.choices[0].message.content == "On 28 February 2027. [1]"
    assert reply.model_extra["hybrid"]["calls"] == 2  # one put the question so that it stands alone


class Endless(BaseHTTPRequestHandler):
    """A model that goes on until its client leaves."""

    begun, left = threading.Event(), threading.Event()
    prefill = 0.0  # seconds before its first word
    head_first = True  # whether a reply's head comes before them
    words = 0  # that it sent

    def do_GET(self) -> None:
        self._say({"object": "list", "data": [{"id": "m", "object": "model", "max_model_len": 8000}]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if not self.path.endswith("/chat/completions"):
            self.send_error(404)
            return
        self.begun.set()
        if not self.head_first and self._gone():
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        if self.head_first and self._gone():
            return
        try:
            for _ in range(3000):
                chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
                chunk["choices"] = [
                    {"index": 0, "delta": {"content": "The lease ends in 2027. "}, "finish_reason": None}
                ]  # type: ignore[assignment]
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.flush()
                Endless.words += 1
                time.sleep(0.02)
        except OSError:
            self.left.set()

    def _gone(self) -> bool:
        """Whether the client leaves while the prompt is read."""
        readable, _, _ = select.select([self.connection], [], [], self.prefill)
        if readable:  # it has nothing more to say, so it has hung up
            self.left.set()
        return bool(readable)

    def _say(self, data: Any) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(data).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize(("prefill", "head_first"), [(0.0, True), (8.0, True), (8.0, False)])
@pytest.mark.parametrize("stream", [True, False])
def test_the_engine_is_called_off_when_the_client_leaves(
    tmp_path: Path, stream: bool, prefill: float, head_first: bool
) -> None:
    (tmp_path / "lease.md").write_text(LEASE, "utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    Endless.begun.clear()
    Endless.left.clear()
    Endless.prefill, Endless.head_first, Endless.words = prefill, head_first, 0
    try:
        with running(tmp_path, "lease=lease.md", "--url", address) as service:
            body = json.dumps({**ASKED, "model": "lease", "stream": stream}).encode()
            head = "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            client = socket.create_connection(("127.0.0.1", int(service.url.rpartition(":")[2])))
            client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert Endless.begun.wait(60)
            if stream and not prefill:
                while b"2027" not in client.recv(65536):
                    pass
            client.close()
            assert Endless.left.wait(10 if not prefill else 3)  # at once, and not at its first word
            assert Endless.words == 0 or not prefill
            assert service.get("/healthz").json()["status"] == "ok"
    finally:
        server.shutdown()
        server.server_close()


def test_what_a_user_can_mend_is_not_logged_as_a_fault_of_the_service(service: Running) -> None:
    for model in ("nothing", "code:fast"):
        service.post("/v1/route", json={"model": model, "question": "Who?"})
        service.post("/v1/chat/completions", json={"model": model, "messages": [{"role": "user", "content": "Who?"}]})
    assert "Traceback" not in (service.home / "log").read_text()
