"""What the service refuses: other hosts and sites, missing keys, spent budgets, bodies and paths that go too far."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import httpx
import pytest

from tests.serve.conftest import LEASE, Running, running

KEY = "a key of some length"
ASK = {"model": "lease", "messages": [{"role": "user", "content": "When does the lease end?"}]}


def test_another_host_or_site_is_refused(service: Running) -> None:
    assert service.get("/v1/models", headers={"host": "evil.example"}).status_code == 421
    assert service.get("/", headers={"host": "evil.example:80"}).status_code == 421
    for origin in ("http://evil.example", "null", "http://localhost.evil.example"):
        reply = service.post("/v1/route", headers={"origin": origin}, json={"model": "code", "question": "Who?"})
        assert reply.status_code == 403, origin
    own = service.post("/v1/route", headers={"origin": service.url}, json={"model": "code", "question": "Who sums?"})
    assert own.status_code == 200


def test_a_form_that_another_page_sends_unasked_is_no_request(service: Running) -> None:
    body = json.dumps({"model": "code", "question": "Who sums?"})
    assert service.post("/v1/route", content=body, headers={"content-type": "text/plain"}).status_code == 415


@pytest.mark.parametrize(
    "path", ["/", "/page/page.js", "/v1/models", "/v1/corpora/contracts/documents/lease.md", "/nothing"]
)
def test_every_reply_says_how_it_may_be_used(service: Running, path: str) -> None:
    headers = service.get(path).headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/corpora/contracts/documents/../../../../etc/passwd",
        "/v1/corpora/contracts/documents/..%2f..%2f..%2fetc%2fpasswd",
        "/v1/corpora/contracts/documents//etc/passwd",
        "/v1/corpora/..%2f/documents/lease.md",
        "/v1/files/..%2f..%2fabout.json",
        "/v1/files/file-000000000000000000000000/content",
        "/v1/vector_stores/..%2f..",
        "/page/..%2fguard.py",
        "/page/%2e%2e%2fguard.py",
        "/page/nothing.js",
    ],
)
def test_no_path_leads_out(service: Running, path: str) -> None:
    with httpx.Client() as client:
        reply = client.send(client.build_request("GET", httpx.URL(service.url).copy_with(raw_path=path.encode())))
    assert reply.status_code in (400, 404)
    assert "root:" not in reply.text
    assert reply.json()["error"]["message"]


def test_a_body_that_is_too_large_is_refused_before_it_is_read(service: Running) -> None:
    address = httpx.URL(service.url)
    with socket.create_connection((address.host, address.port or 80)) as raw:
        raw.sendall(
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {1 << 30}\r\n\r\n".encode()
        )
        assert b"413" in raw.recv(200)
    with socket.create_connection((address.host, address.port or 80)) as raw:  # without telling its length
        raw.sendall(
            b"POST /v1/route HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        reply = b""
        try:
            for _ in range(64):
                raw.sendall(b"20000\r\n" + b"x" * 0x20000 + b"\r\n")
            reply = raw.recv(200)
        except OSError:  # it has hung up already
            reply = reply or b"413"
        assert b"413" in reply


@pytest.mark.parametrize("body", [b"", b"{", b"nul", b"[" * 100_000, b"\xff\xfe", b'{"model": 1}', b'"text"'])
def test_a_body_that_is_no_request_gets_a_sentence(service: Running, body: bytes) -> None:
    for path in ("/v1/chat/completions", "/v1/responses", "/v1/route", "/v1/vector_stores", "/v1/files"):
        reply = service.post(path, content=body, headers={"content-type": "application/json"})
        least = 200 if path == "/v1/vector_stores" else 400  # which needs no key of its body
        assert least <= reply.status_code < 500, (path, reply.text)
        assert "Traceback" not in reply.text


def test_a_service_with_keys_answers_only_those_who_have_one(tmp_path: Path) -> None:
    (tmp_path / "lease.md").write_text(LEASE, "utf-8")
    with running(tmp_path, "lease=lease.md", HYBRID_SERVE_KEY=KEY) as service:
        for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": KEY}):
            reply = service.post("/v1/chat/completions", json=ASK, headers=header)
            assert reply.status_code == 401
            assert "needs a key" in reply.json()["error"]["message"]
        for path in ("/v1/models", "/v1/corpora/lease/documents/lease.md", "/metrics", "/mcp/", "/v1/files"):
            assert service.get(path).status_code == 401, path
        assert service.get("/").status_code == 200  # the page asks for the key itself
        good = service.post("/v1/chat/completions", json=ASK, headers={"authorization": f"Bearer {KEY}"})
        assert good.status_code == 200


def test_a_spent_budget_answers_with_429_until_midnight_and_after_a_restart(tmp_path: Path) -> None:
    from tests.model_server import model_server

    (tmp_path / "lease.md").write_text(LEASE, "utf-8")
    (tmp_path / "hybrid.toml").write_text(
        f'[serve.keys.ada]\nkey = "{KEY}"\ndollars_per_day = 0.00001\n'
        "[cost]\ndollars_per_million_prompt = 1.0\ndollars_per_million_output = 1.0\n"
    )
    bearer = {"authorization": f"Bearer {KEY}"}
    with model_server({"id": "m", "object": "model", "max_model_len": 8000}, reply="In 2027 [1].") as model:
        with running(tmp_path, "lease=lease.md", "--url", model.url) as service:
            assert service.post("/v1/chat/completions", json=ASK, headers=bearer).status_code == 200
            for stream in (False, True):
                refused = service.post("/v1/chat/completions", json={**ASK, "stream": stream}, headers=bearer)
                assert refused.status_code == 429
                assert 0 < int(refused.headers["retry-after"]) <= 86_401
        with running(tmp_path, "lease=lease.md", "--url", model.url) as service:
            assert service.post("/v1/chat/completions", json=ASK, headers=bearer).status_code == 429


def test_other_machines_may_ask_only_with_a_key(tmp_path: Path) -> None:
    (tmp_path / "lease.md").write_text(LEASE, "utf-8")
    with (
        pytest.raises(AssertionError, match="set a key of at least 16 characters"),
        running(tmp_path, "lease.md", "--host", "0.0.0.0"),
    ):
        pass


def test_text_of_documents_is_never_a_page(service: Running) -> None:
    evil = b"<html><script>alert(1)</script>The rent of the flat is 5 soles.</html>"
    file = service.client.files.create(file=("<svg onload=x>.html", evil), purpose="assistants")
    store = service.client.vector_stores.create(name="evil", file_ids=[file.id])
    name = service.get(f"/v1/corpora/{store.id}/documents").json()["data"][0]["name"]
    for path in (f"/v1/corpora/{store.id}/documents/{name}?as=text", f"/v1/files/{file.id}/content"):
        assert service.get(path).headers["content-type"].split(";")[0] in ("text/plain", "application/octet-stream")
