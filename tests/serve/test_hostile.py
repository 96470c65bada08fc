"""What a hostile or unlucky client sends: each gets a sentence, and the service stays as it was."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.serve.conftest import LEASE, Running, running
from tests.serve.test_guard import ASK, KEY

NAMES = [
    *("a#b.md", "what?.md", "50% off.md", "with space.md", "quote\"s'.md", "emoji\N{GRINNING FACE}.md", "new\nline.md"),
    *("ü.md", "a&b=c.md", "x#1-2.md", "<b>.md", "back\\slash.md", "[1].md"),
]
ASKED = {"model": "contracts", "messages": [{"role": "user", "content": "When does the lease end?"}]}


def raw(service: Running, data: bytes, wait: float = 5.0) -> bytes:
    """What the service sends back on a connection of its own, until it closes or `wait` is over."""
    address, found = httpx.URL(service.url), b""
    with socket.create_connection((address.host, address.port or 80)) as connection:
        connection.settimeout(wait)
        try:
            connection.sendall(data)
            while piece := connection.recv(65536):
                found += piece
        except OSError:
            pass
    return found


def tool(service: Running, name: str, headers: dict[str, str] | None = None, **arguments: Any) -> dict[str, Any]:
    """The result of a tool, without a client's SDK."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    accepted = {"accept": "application/json, text/event-stream", **(headers or {})}
    reply = service.post("/mcp/", json=call, headers=accepted).text
    data = next((line[6:] for line in reply.splitlines() if line.startswith("data: {")), reply)
    result: dict[str, Any] = json.loads(data)["result"]
    return result


def test_an_error_has_safe_headers_and_leaves_the_connection_open(service: Running) -> None:
    with httpx.Client(base_url=service.url) as client:
        for model in ("nothing", "contracts:rag:long", "\x00", "x" * 100_000):
            reply = client.post("/v1/chat/completions", json={**ASKED, "model": model})
            assert reply.status_code == 400
            assert "script-src 'self'" in reply.headers["content-security-policy"]
            assert len(reply.json()["error"]["message"]) < 1100
    assert "Traceback" not in (service.home / "log").read_text()


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "FOO"])
def test_other_methods_are_told_so(service: Running, method: str) -> None:
    for path in ("/", "/v1/models", "/v1/chat/completions", "/v1/corpora/contracts/documents", "/openapi.json"):
        reply = httpx.request(method, f"{service.url}{path}")
        assert reply.status_code == 405
        assert reply.json()["error"]["code"] == "method_not_allowed"
    assert httpx.head(f"{service.url}/v1/models").status_code == 200


@pytest.mark.parametrize(
    "more",
    [
        '"temperature":NaN',
        '"temperature":1e400',
        '"max_tokens":-5',
        '"max_tokens":' + "9" * 4000,
        '"max_tokens":' + "9" * 5000,
        '"documents":' + "[" * 900 + "]" * 900,
        '"documents":[' + ",".join(['"x"'] * 50_000) + "]",
        '"documents":["\\ud800"]',
        '"messages":[{"role":"user","content":"\\ud800 when?"}]',
        '"messages":[{"role":"user","content":[{"type":"text","text":5}]}]',
        '"tools":' + '{"x":' * 100_000 + "1" + "}" * 100_000,
    ],
)
def test_numbers_and_texts_that_are_none_are_refused(service: Running, more: str) -> None:
    for stream in ("true", "false"):
        body = f'{json.dumps(ASKED)[:-1]},{more},"stream":{stream}}}'
        reply = service.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
        told = reply.text if reply.status_code == 200 else reply.json()["error"]["message"]
        assert reply.status_code == 400 or (stream == "true" and '"error"' in told)
        assert len(told) < 2500


def test_attributes_without_an_end_are_refused_and_lists_stay_readable(service: Running) -> None:
    file = service.post("/v1/files", files={"file": ("a.txt", b"The rent is 5 pounds.")}).json()["id"]
    store = service.post("/v1/vector_stores", json={"file_ids": [file]}).json()["id"]
    path = f"/v1/vector_stores/{store}/files/{file}"
    for value in ("1e400", "NaN", "null", "[]", '"\\ud800"'):
        body = f'{{"attributes":{{"x":{value}}}}}'
        assert service.post(path, content=body, headers={"content-type": "application/json"}).status_code == 400
    assert service.get(path).json()["attributes"] == {}
    assert httpx.delete(f"{service.url}/v1/vector_stores/{store}").status_code == 200


@pytest.mark.parametrize(
    "host",
    ["localhost:abc", "127.0.0.1:99999999", "127.0.0.1:80@evil.example", "127.0.0.1/x", "[::1", "localhost:a b", ""],
)
def test_a_header_that_is_no_host_is_refused_as_links_are_made_of_it(service: Running, host: str) -> None:
    body = json.dumps(ASKED).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    )
    assert b" 421 " in raw(service, head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize(
    "header",
    [
        b"Origin: http://[",
        b"Origin: \xff",
        b"Host: 127.0.0.1",
        b"Content-Length: \xb2",
        b"Content-Length: 99999999999999999999999",
        b"Content-Length: 1\r\nContent-Length: 2",
        b"Transfer-Encoding: gzip",
    ],
)
def test_odd_headers_are_refused(service: Running, header: bytes) -> None:
    head = b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    assert raw(service, head + header + b"\r\n\r\n").split(b"\r\n")[0].split()[1] in (b"400", b"403")


@pytest.mark.parametrize(
    "path",
    [
        "/page/" + "a" * 300 + ".js",
        "/page/%00.js",
        "/v1/models/%ED%A0%80",
        "/v1/corpora/contracts/documents/%00",
        "/v1/corpora/contracts/documents/" + "b" * 9000,
        "/v1/corpora/contracts/documents/lease.md?start=-1",
        "/v1/corpora/contracts/documents/lease.md?start=99999999999999999999",
        "/v1/corpora/contracts/documents/lease.md?start=%C2%B2",
        "/v1/corpora/contracts/documents/lease.md?page=0",
        "/v1/corpora/contracts/documents/lease.md?end=nan",
        "/v1/corpora/contracts/documents/lease.md?as=" + "x" * 5000,
        "/v1/vector_stores/vs_000000000000000000000000/files/%00",
    ],
)
def test_odd_addresses_get_a_sentence(service: Running, path: str) -> None:
    reply = service.get(path)
    assert reply.status_code in (400, 404)
    assert reply.json()["error"]["message"]


FORM = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\nhello\r\n'


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"--x--",
        b"garbage" * 100,
        b"--x\r\nfoo\r\n\r\nbar\r\n--x--\r\n",
        FORM % (b"file", b"a.txt"),  # cut off
        FORM % (b"other", b"a.txt") + b"--x--\r\n",
        b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nv\r\n' % i for i in range(5000)) + b"--x--",
        b"".join(FORM % (b"file", b"%d.txt" % i) for i in range(50)) + b"--x--\r\n",
        FORM % (b"file", b"n" * 10_000) + b"--x--\r\n",
        b"--x\r\n" + b"A: b\r\n" * 20_000 + b"\r\nhello\r\n--x--\r\n",
    ],
)
def test_odd_forms_are_refused_and_nothing_is_kept(service: Running, form: bytes) -> None:
    before = {path.name for path in (service.home / "uploads" / "files").iterdir()}
    reply = service.post("/v1/files", content=form, headers={"content-type": "multipart/form-data; boundary=x"})
    assert reply.status_code == 400
    assert "nothing at this address" not in reply.json()["error"]["message"]
    assert {path.name for path in (service.home / "uploads" / "files").iterdir()} == before


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with documents of odd names, in a corpus of an odd name, that takes little."""
    home = tmp_path_factory.mktemp("odd")
    (home / "weird").mkdir()
    for name in NAMES:
        (home / "weird" / name).write_text(
            f"The lease of {len(name)} houses ends in the year 2027 for sure.\n", "utf-8"
        )
    with running(home, "wörd=weird", HYBRID_SERVE_UPLOAD_MB="1", HYBRID_SERVE_BODY_MB="0.5") as found:
        yield found


@pytest.mark.parametrize("name", NAMES)
def test_documents_of_any_name_are_asked_opened_and_fetched(odd: Running, name: str) -> None:
    body = {"model": "wörd:rag", "documents": [name], "messages": [{"role": "user", "content": "When does it end?"}]}
    reply = odd.post("/v1/chat/completions", json={**body, "messages": ASKED["messages"]})
    assert reply.status_code == 200, reply.text
    cited = reply.json()["hybrid"]["citations"][0]
    assert cited["document"] == name
    assert odd.get(cited["url"].removeprefix(odd.url)).status_code == 200
    place = cited["url"].replace("/open/", "/v1/corpora/", 1).replace(quote("wörd"), f"{quote('wörd')}/documents", 1)
    assert httpx.get(f"{place}&around=0&as=text").text == cited["quote"]
    whole = tool(odd, "fetch", id=f"wörd/{name}")["structuredContent"]
    assert whole["text"].startswith("The lease of")
    end = len(whole["text"])
    part = tool(odd, "fetch", id=f"wörd/{name}#4-9")["structuredContent"]
    assert (part["text"], part["title"]) == ("lease", name)
    assert tool(odd, "fetch", id=f"wörd/{name}#4-²")["isError"]
    assert tool(odd, "fetch", id=f"wörd/{name}#4-{'9' * 5000}")["isError"]
    assert tool(odd, "fetch", id=f"wörd/{name}#99999-{end}")["structuredContent"]["text"] == ""


def test_an_upload_over_the_limit_leaves_nothing(odd: Running) -> None:
    files = odd.home / "uploads" / "files"
    for size in (1_100_000, 3_000_000):
        reply = odd.post("/v1/files", files={"file": ("a.txt", b"x" * size)})
        assert reply.status_code == 413
        assert "1 MiB" in reply.json()["error"]["message"]
    assert list(files.iterdir()) == []
    assert odd.post("/v1/files", files={"file": ("a.txt", b"x" * 1_000_000)}).status_code == 200


def test_a_service_without_corpora_and_uploads_says_what_to_do(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        assert service.get("/v1/models").json()["data"] == []
        reply = service.post("/v1/chat/completions", json=ASKED)
        assert reply.status_code == 400
        assert "upload documents first" in reply.json()["error"]["message"]
        assert tool(service, "ask", question="Who?")["isError"]


def test_uploads_questions_and_deletions_at_once_never_break(service: Running) -> None:
    ended = time.monotonic() + 6
    statuses: list[tuple[str, int, str]] = []
    store = service.post("/v1/vector_stores", json={"name": "busy"}).json()["id"]

    def work(seed: int) -> None:
        chance = random.Random(seed)
        with httpx.Client(base_url=service.url, timeout=60) as http:
            while time.monotonic() < ended:
                file = http.post("/v1/files", files={"file": (f"{seed}.txt", b"The lease ends in 2027.")}).json()["id"]
                replies = [
                    http.post(f"/v1/vector_stores/{store}/files", json={"file_id": file}),
                    http.post("/v1/chat/completions", json={**ASKED, "model": store}),
                    http.get("/v1/vector_stores"),
                    http.get("/v1/files"),
                    http.get(f"/v1/corpora/{store}/documents"),
                    http.delete(f"/v1/files/{file}"),
                ]
                if chance.random() < 0.2:
                    replies.append(http.delete(f"/v1/vector_stores/{store}/files/{file}"))
                if chance.random() < 0.1:
                    replies.append(http.delete(f"/v1/vector_stores/{store}"))
                statuses.extend((reply.request.url.path, reply.status_code, reply.text[:200]) for reply in replies)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one for one in statuses if one[1] >= 500] == []
    assert {status for _, status, _ in statuses} <= {200, 400, 404, 409}
    listed = {file["id"] for file in service.get("/v1/files").json()["data"]}
    assert listed == {path.name for path in (service.home / "uploads" / "files").iterdir()}
    httpx.delete(f"{service.url}/v1/vector_stores/{store}")
    assert store not in service.get("/v1/models").text


def test_a_corpus_whose_folder_goes_is_told_and_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "note.md").write_text("The gate code is 1111.", "utf-8")
    ask = {"model": "papers", "messages": [{"role": "user", "content": "What is the gate code?"}]}
    with running(tmp_path, "papers") as service:

        def until(status: int, words: str) -> None:
            for _ in range(100):
                reply = service.post("/v1/chat/completions", json=ask)
                if reply.status_code == status and words in reply.text:
                    return
                time.sleep(0.1)
            pytest.fail(f"{reply.status_code} {reply.text}")

        until(200, "1111")
        time.sleep(0.5)
        shutil.rmtree(folder)
        until(400, "There is no file or folder")
        folder.mkdir()
        (folder / "note.md").write_text("The gate code is 2222.", "utf-8")
        until(200, "2222")
        time.sleep(2.5)
        (folder / "note.md").write_text("The gate code is 3333.", "utf-8")
        until(200, "3333")


def test_slow_clients_are_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "lease.md").write_text(LEASE, "utf-8")
    hasty = "from hybrid.serve import guard, start; start._HEAD_SECONDS = guard._BODY_SECONDS = 0.6"
    good = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    post = (
        b"POST /v1/route HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    with running(tmp_path, "lease=lease.md", first=hasty) as service:
        for start in (b"GET / HT", good + b"GET / HT"):  # also after a good request
            begun = time.monotonic()
            raw(service, start, wait=6)
            assert time.monotonic() - begun < 4, start
        assert b" 408 " in raw(service, post, wait=6)
        address = httpx.URL(service.url)
        with socket.create_connection((address.host, address.port or 80)) as drip:  # a byte now and then
            drip.settimeout(6)
            drip.sendall(post)
            with contextlib.suppress(OSError):  # it has hung up
                for _ in range(8):
                    time.sleep(0.25)
                    drip.sendall(b" ")
                pytest.fail("a byte now and then was waited for")
        time.sleep(1)
        assert service.get("/healthz").status_code == 200


def test_what_mcp_clients_ask_is_paid_from_the_keys_budget(tmp_path: Path) -> None:
    from tests.model_server import model_server

    (tmp_path / "lease.md").write_text(LEASE, "utf-8")
    (tmp_path / "hybrid.toml").write_text(
        f'[serve.keys.ada]\nkey = "{KEY}"\ndollars_per_day = 0.00001\n'
        "[cost]\ndollars_per_million_prompt = 1.0\ndollars_per_million_output = 1.0\n"
    )
    bearer = {"authorization": f"Bearer {KEY}"}
    with (
        model_server({"id": "m", "object": "model", "max_model_len": 8000}, reply="In 2027 [1].") as model,
        running(tmp_path, "lease=lease.md", "--url", model.url) as service,
    ):
        assert not tool(service, "ask", bearer, question="When does the lease end?").get("isError")
        for name, words in (("ask", "question"), ("search", "query"), ("route", "question")):
            refused = tool(service, name, bearer, **{words: "When does the lease end?"})
            assert "has spent" in refused["content"][0]["text"]
        assert service.post("/v1/chat/completions", json=ASK, headers=bearer).status_code == 429
        long = tool(service, "search", bearer, query="x" * 30_000)
        assert "20,000 are read at most" in long["content"][0]["text"]
