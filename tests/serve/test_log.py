"""The log: a line of JSON for every request, and no word of anybody."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

from tests.serve.conftest import LEASE, Running, running
from tests.serve.test_guard import ASK, KEY
from tests.serve.test_hostile import tool


def lines(service: Running, more_than: int = 0) -> list[dict[str, Any]]:
    """The lines of requests, once there are more than some; a line is written after its reply."""
    for _ in range(50):
        found = [json.loads(line) for line in (service.home / "log").read_text().splitlines()]
        requests = [line for line in found if "method" in line]
        if len(requests) > more_than:
            break
        time.sleep(0.1)
    return requests


def test_what_the_server_itself_says_is_json_too(service: Running) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(b"not HTTP\r\n\r\n")
        line.recv(1000)
    said = [json.loads(line) for line in (service.home / "log").read_text().splitlines()]
    assert [line["level"] for line in said if line.get("message") == "Invalid HTTP request received."]


def test_every_request_has_a_line_and_none_has_a_word_or_a_secret(tmp_path: Path) -> None:
    (tmp_path / "Periwinkle.md").write_text(LEASE, "utf-8")
    bearer = {"authorization": f"Bearer {KEY}"}
    with running(tmp_path, "lease=Periwinkle.md", HYBRID_SERVE_KEY=KEY) as service:
        service.get("/v1/models")
        service.get("/v1/corpora/lease/documents/Periwinkle.md?start=3", headers=bearer)
        service.get("/v1/corpora/lease/documents/Periwinkle-secret.md", headers=bearer)
        service.get("/Periwinkle/nowhere", headers=bearer)
        service.post("/v1/chat/completions", json=ASK, headers=bearer)
        service.post("/v1/chat/completions", json={**ASK, "stream": True}, headers=bearer)
        service.post("/v1/chat/completions", json={**ASK, "model": "Periwinkle"}, headers=bearer)
        service.post("/v1/files", files={"file": ("Periwinkle.txt", b"Maren")}, headers=bearer)
        tool(service, "ask", bearer, question="Who is Maren Olsen?")
        found = lines(service, 8)
        told = (tmp_path / "log").read_text()
    assert [(line["status"], line["path"]) for line in found] == [
        (401, None),
        (200, "/v1/corpora/{corpus}/documents/{document:name}"),
        (404, "/v1/corpora/{corpus}/documents/{document:name}"),
        (404, None),
        (200, "/v1/chat/completions"),
        (200, "/v1/chat/completions"),
        (400, "/v1/chat/completions"),
        (200, "/v1/files"),
        (200, "/mcp/"),
    ]
    assert [line["key"] for line in found] == [None, *["key"] * 8]
    assert all(line["seconds"] >= 0 and line["bytes_out"] > 0 for line in found)
    for answered in (found[4], found[5], found[8]):
        assert answered["route"] in ("rag", "long")
        assert answered["corpus"] == "lease"
        assert answered["prompt_tokens"] > 0
        assert answered["dollars"] is not None or answered["gpu_seconds"] is not None
    assert found[7]["bytes_in"] > 100
    for word in ("Periwinkle", "Maren", "lease end", "Landlord", KEY):
        assert word not in told


def test_a_light_request_has_a_line_too(service: Running) -> None:
    before = len(lines(service))
    service.get("/healthz")
    (last,) = lines(service, before)[before:]
    assert (last["method"], last["path"], last["status"]) == ("GET", "/healthz", 200)
