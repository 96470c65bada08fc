"""Several servers as one engine: affinity, health, fail-over, and what is charged to whom."""

from __future__ import annotations

import os
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from hybrid.chat.prompts import Prompt
from hybrid.cost.meter import Meter
from hybrid.cost.prometheus import Counters
from hybrid.engines import replicas
from hybrid.engines.affinity import prefix_key, ranked
from hybrid.engines.make import make_engine
from hybrid.engines.replicas import Replicas
from hybrid.engines.server import Server
from hybrid.errors import EngineError, SettingsError, WindowError
from hybrid.session.caches import Caches
from hybrid.session.calls import Calls
from hybrid.settings import CostSettings, EngineSettings, Settings
from hybrid.settings.loading import load
from hybrid.types import Piece
from tests.conftest import free_port
from tests.engines.double import CHAT, FINE, MODELS, PROMPT, USAGE_CHUNK, Double, doubles, fault, piece, send, stream


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(replicas, "FIRST_WAIT", 0.01)


@pytest.fixture
def three() -> Iterator[list[Double]]:
    with doubles(3) as servers:
        yield servers


def engine(servers: list[Double], **settings: Any) -> Replicas:
    urls = tuple(server.url for server in servers)
    return Replicas(EngineSettings(**{"kind": "server", "urls": urls, "retries": 2, **settings}))


def about(name: str) -> Prompt:
    return Prompt("How long?", (Piece(f"{name}.txt", f"The lease {name} runs for two years.", 0),))


def home(servers: list[Double], prompt: Prompt) -> Double:
    """The server that a prompt's document stays with."""
    return servers[ranked(prefix_key(prompt), [f"{server.url}/v1" for server in servers])[0]]


def asked(servers: list[Double]) -> list[int]:
    return [len(server.bodies(CHAT)) for server in servers]


def test_a_document_stays_with_one_server_and_documents_are_spread(three: list[Double]) -> None:
    made = engine(three)
    for name in map(str, range(40)):  # few would leave a server without any, now and then
        for _ in range(3):
            assert made.ask(about(name), max_tokens=64).text == "Two years."
    assert sum(asked(three)) == 120
    assert all(count and count % 3 == 0 for count in asked(three))
    assert list(made.calls.values()) == asked(three)
    hosts = ", ".join(server.url.removeprefix("http://") for server in three)
    assert (made.name, made.window, made.concurrency, made.counts_exactly) == (f"tiny at {hosts}", 2048, 24, True)
    assert made.notes == ()


def test_a_hot_document_spills_to_the_next_server(three: list[Double]) -> None:
    busy = threading.Semaphore(0)

    def slow(handler: BaseHTTPRequestHandler, body: Any) -> None:
        busy.acquire()
        FINE(handler, body)

    for server in three:
        server.on(CHAT, slow)
    made = engine(three, concurrency=2)
    threads = [threading.Thread(target=made.ask, args=(PROMPT,), kwargs={"max_tokens": 64}) for _ in range(6)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 10
    while sum(asked(three)) < 6 and time.monotonic() < until:
        time.sleep(0.01)
    counts = asked(three)
    for _ in threads:
        busy.release()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 3, 3]  # a quarter more than the mean
    assert counts[three.index(home(three, PROMPT))] == 3


def test_one_that_dies_in_the_middle_of_an_answer_is_left_alone_and_comes_back(
    three: list[Double], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, first = engine(three), home(three, PROMPT)
    assert made.ask(PROMPT, max_tokens=64).text == "Two years."
    first.on(CHAT, stream(piece("Two "), cut=True))
    first.on("/health", fault(503, "the engine is dead"))
    before = asked(three)[three.index(first)]
    assert made.ask(PROMPT, max_tokens=64).text == "Two years."
    assert made.ask(PROMPT, max_tokens=64).text == "Two years."
    assert asked(three)[three.index(first)] == before + 1  # the second call did not try it again
    (note,) = made.notes
    assert note.startswith(f"The stream from {first.url}/v1 broke after 4 characters")
    assert note.endswith("the other 2 of engine.urls are used.")
    first.on(CHAT, FINE)
    first.on("/health", send(200, {}))
    monkeypatch.setattr(replicas.time, "monotonic", lambda: time.perf_counter() + 1e6)
    assert made.ask(PROMPT, max_tokens=64).text == "Two years."
    assert asked(three)[three.index(first)] == before + 2
    assert made.notes == ()


def test_one_that_is_well_gets_a_broken_call_twice(three: list[Double]) -> None:
    made, first = engine(three), home(three, PROMPT)
    first.on(CHAT, stream(piece("Two "), cut=True), FINE)
    assert made.ask(PROMPT, max_tokens=64).text == "Two years."
    assert sum(asked(three)) == asked(three)[three.index(first)] == 2


def test_an_answer_of_which_a_part_was_shown_is_not_begun_anew(three: list[Double]) -> None:
    home(three, PROMPT).on(CHAT, stream(piece("Two "), cut=True))
    shown: list[str] = []
    with pytest.raises(EngineError, match="broke after 4 characters"):
        engine(three).ask(PROMPT, max_tokens=64, on_text=shown.append)
    assert shown == ["Two "]
    assert sum(asked(three)) == 1


def test_an_address_at_which_nobody_listens_is_told_and_the_others_are_used(three: list[Double]) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    urls = (nobody, *(server.url for server in three[:2]))
    made = Replicas(EngineSettings(kind="server", urls=urls, retries=1))
    assert [made.ask(about(name), max_tokens=64).text for name in "abcdefgh"] == ["Two years."] * 8
    (note,) = made.notes
    assert note.startswith(f"No server answers at {nobody}/v1 (")
    assert note.endswith("Until it is back, the other 2 of engine.urls are used.")
    assert made.count(["one two"]) == [2]
    assert made.measure(PROMPT) > 5


def test_where_nobody_answers_one_sentence_says_so() -> None:
    urls = tuple(f"http://127.0.0.1:{free_port()}" for _ in range(2))
    for _ in range(2):
        with pytest.raises(EngineError) as caught:
            Replicas(EngineSettings(kind="server", urls=urls)).ask(PROMPT, max_tokens=64)
    assert str(caught.value).startswith("None of the 2 servers of engine.urls answers; one of them: No server answers")


def test_all_may_be_away_for_a_moment(three: list[Double]) -> None:
    made = engine(three[:2])
    assert made.window == 2048
    for server in three[:2]:
        server.on(CHAT, fault(500, "starting"), fault(500, "starting"), FINE)
        server.on("/health", fault(503, "starting"), send(200, {}))
    assert made.ask(PROMPT, max_tokens=64).text == "Two years."


def test_servers_of_different_models_are_refused(three: list[Double]) -> None:
    three[1].on("/v1/models", send(200, {"data": [{"id": "other", "max_model_len": 2048}]}))
    with pytest.raises(SettingsError) as caught:
        engine(three).ask(PROMPT, max_tokens=64)
    assert str(caught.value) == (
        f"The servers of engine.urls serve different models: {three[0].url}/v1 has tiny, {three[1].url}/v1 has other; "
        "name servers of one model, or set engine.model to one that all have."
    )
    with pytest.raises(SettingsError, match=r"has no model 'tiny': every server of engine\.urls has to have it"):
        engine(three, model="tiny").ask(PROMPT, max_tokens=64)
    both = {"data": [*MODELS["data"], {"id": "other", "max_model_len": 4096}]}
    three[1].on("/v1/models", send(200, {"data": both["data"][::-1]}))
    made = engine([three[0], three[1]], model="tiny")
    assert made.ask(PROMPT, max_tokens=64).text == "Two years."
    assert {body["model"] for server in three for body in server.bodies(CHAT)} == {"tiny"}


def test_the_smallest_window_counts(three: list[Double]) -> None:
    three[2].on("/v1/models", send(200, {"data": [{"id": "tiny", "max_model_len": 1024}]}))
    made = engine(three)
    assert made.window == 1024
    assert made.notes == ("the servers of engine.urls read 1,024, 2,048 tokens: the smallest window is used",)
    with pytest.raises(WindowError):
        made.ask(Prompt("?", (Piece("a.txt", "word " * 5_000, 0),)), max_tokens=64)


def test_one_that_sends_garbage_is_passed_over(three: list[Double]) -> None:
    made, first = engine(three), home(three, PROMPT)
    assert made.window == 2048
    first.on(CHAT, send(200, "<html>Welcome</html>", "text/html"))
    assert made.ask(PROMPT, max_tokens=64).text == "Two years."
    others = [count for count, server in zip(asked(three), three, strict=True) if server is not first]
    assert sum(others) == 1


def test_one_that_hangs_at_first_does_not_hold_up_the_others(
    three: list[Double], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "MEETING", 0.3)
    over = threading.Event()
    three[0].on("/v1/models", lambda handler, body: over.wait(20) and None)
    begun = time.monotonic()
    made = engine(three)
    assert made.ask(PROMPT, max_tokens=64).text == "Two years."
    assert time.monotonic() - begun < 10
    over.set()
    assert any(note.startswith(f"{three[0].url}/v1 did not answer within 0.3 s") for note in made.notes)


def test_one_that_lists_models_and_then_fails_is_left_alone(three: list[Double]) -> None:
    three[0].on("/v1/models", send(200, {"data": [{"id": "tiny"}]}))
    three[0].on("/props", fault(503, "loading"))
    made = engine(three)
    assert made.window == 2048
    assert any("loading" in note for note in made.notes)


def test_a_password_is_sent_and_never_shown(three: list[Double], tmp_path: Any) -> None:
    seen: list[tuple[str, str | None]] = []

    def guarded(answer: Any) -> Any:
        def check(handler: BaseHTTPRequestHandler, body: Any) -> None:
            seen.append((handler.path, handler.headers.get("Authorization")))
            answer(handler, body)

        return check

    labels = 'model_name="tiny"'
    for server in three[:2]:
        server.on("/v1/models", guarded(send(200, MODELS)))
        server.on(CHAT, guarded(FINE))
        server.on("/metrics", guarded(send(200, f"vllm:prompt_tokens_created{{{labels}}} 1000.5\n", "text/plain")))
    urls = tuple(server.url.replace("//", "//me:s%40cret@") for server in three[:2])
    settings = EngineSettings(kind="server", urls=urls)
    made = Replicas(settings)
    made.ask(PROMPT, max_tokens=64)
    caches = Caches.read(made, Settings(engine=settings))
    assert caches.runs == {"1000.500"}
    assert {path for path, _ in seen} == {"/v1/models", CHAT, "/metrics"}
    assert {told for _, told in seen} == {"Basic " + b64encode(b"me:s@cret").decode()}
    assert made.home(PROMPT) in caches.servers
    shown = f"{made.name} {made.notes} {made.calls} {caches.servers} {made.home(PROMPT)} {Counters.read('http://me:secret@127.0.0.1:1').why}"
    assert "cret" not in shown


def test_each_server_is_charged_for_its_own_time(three: list[Double]) -> None:
    """Two servers that work at once are two engines' seconds, which one clock would count once."""

    def slow(handler: BaseHTTPRequestHandler, body: Any) -> None:
        time.sleep(0.4)
        FINE(handler, body)

    for server in three:
        server.on(CHAT, slow)
    made = engine(three)
    prompts = {id(home(three, about(name))): about(name) for name in "abcdefgh"}
    calls, usages = Calls(CostSettings(), [made]), []
    made.window  # noqa: B018  (asks the servers for their models)
    threads = [threading.Thread(target=calls.ask, args=(made, p, 64, usages)) for p in prompts.values()]
    assert len(threads) > 1
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    charged = sum(usage.shared_seconds for usage in usages)
    assert charged == pytest.approx(0.4 * len(threads), abs=0.15)
    (spent,) = calls.spent().values()
    assert spent.busy_seconds == pytest.approx(charged, abs=0.05)


def test_a_call_that_moves_on_is_charged_at_both_servers() -> None:
    meter = Meter()
    with meter.call(says_when=True) as call:
        from hybrid.cost.sent import sent

        sent("one")
        time.sleep(0.05)
        sent("two")
        time.sleep(0.05)
    assert call.shared_seconds == pytest.approx(0.1, abs=0.03)
    assert meter.spent().busy_seconds == pytest.approx(call.shared_seconds)


class Counting:
    """A vLLM that answers three others all the time, as its counters tell."""

    def __init__(self, server: Double) -> None:
        self.calls = 0
        timings = {"queue_time_ms": 90.0, "time_to_first_token_ms": 600.0, "generation_time_ms": 400.0}
        self._reply = stream(piece("Two years.", "stop"), {**USAGE_CHUNK, "metrics": timings})
        server.on(CHAT, self.chat)
        server.on("/metrics", self.metrics)

    def chat(self, handler: BaseHTTPRequestHandler, body: Any) -> None:
        self.calls += 1
        time.sleep(0.1)
        self._reply(handler, body)

    def metrics(self, handler: BaseHTTPRequestHandler, body: Any) -> None:
        told = {
            "inter_token_latency_seconds_sum": 3 * time.perf_counter() + 0.4 * self.calls,
            "request_prefill_time_seconds_sum": 7 + 0.6 * self.calls,
            "request_prefill_time_seconds_count": 9 + self.calls,
            "num_requests_running": 3,
            "num_requests_waiting": 0,
        }
        text = "".join(f'vllm:{name}{{model_name="tiny"}} {value}\n' for name, value in told.items())
        send(200, text, "text/plain")(handler, body)


def test_a_shared_server_charges_the_part_that_is_ours(three: list[Double]) -> None:
    Counting(three[0])
    assert three[0].engine().ask(PROMPT, max_tokens=64).part == 1.0
    made = three[0].engine(shared=True)
    for _ in range(3):
        assert made.ask(PROMPT, max_tokens=64).part == pytest.approx(1 / 4, rel=0.2)
    assert made.notes == ()
    three[0].on("/metrics", fault(404, "none"))
    made = three[0].engine(shared=True)
    assert {made.ask(PROMPT, max_tokens=64).part for _ in range(5)} == {1.0}
    assert any("what its calls cost is an upper bound" in note for note in made.notes)


def test_the_router_is_told_what_belongs_together(three: list[Double]) -> None:
    seen: list[str | None] = []

    def note(handler: BaseHTTPRequestHandler, body: Any) -> None:
        seen.append(handler.headers.get("X-Session-ID"))
        FINE(handler, body)

    three[0].on(CHAT, note)
    made = three[0].engine()
    for question in ("How long?", "Since when?"):
        made.ask(Prompt(question, PROMPT.pieces), max_tokens=64)
    assert seen == [prefix_key(PROMPT)] * 2


def test_urls_come_from_any_layer_and_replace_each_other(tmp_path: Any) -> None:
    file = tmp_path / "hybrid.toml"
    file.write_text('[engine]\nurls = ["http://a/v1", "http://b/v1"]\nmodel = "m"\n')
    found = load(file).engine
    assert (found.kind, found.urls, found.model) == ("server", ("http://a/v1", "http://b/v1"), "m")
    found = load(file, {"engine": {"url": "http://c/v1"}}).engine
    assert (found.url, found.urls, found.model) == ("http://c/v1", (), None)
    found = load(file, environ={"HYBRID_ENGINE_URLS": "http://c/v1, http://d/v1"}).engine
    assert (found.url, found.urls, found.model) == (None, ("http://c/v1", "http://d/v1"), None)
    assert load(file, {"engine": {"kind": "extractive"}}).engine.urls == ()
    for given, why in (
        ({"url": "http://a", "urls": ["http://b"]}, "both name servers"),
        ({"urls": ["http://a", "http://a"]}, "names http://a twice"),
        ({"urls": ["http://A:80/v1/", "http://b", "http://a"]}, "names http://A:80/v1/ twice"),
        ({"urls": ["http://[::1]:8000", "http://[::1]:8000/v1/chat/completions"]}, r"names http://\[::1\]:8000 twice"),
        ({"kind": "vllm", "model": "m", "urls": ["http://a"]}, "has no effect"),
    ):
        with pytest.raises(SettingsError, match=why):
            load(None, {"engine": given}, {})


def test_one_url_in_the_list_is_one_server() -> None:
    made = make_engine(EngineSettings(urls=("http://127.0.0.1:9/v1",), kind="server"), None)
    assert isinstance(made, Server)
    assert os.environ.get("OPENAI_API_KEY") is None


def test_a_router_is_told_of_and_its_counters_are_not_read(three: list[Double]) -> None:
    three[0].on("/list_workers", send(200, {"urls": ["http://a", "http://b"]}))
    Counting(three[0])
    made = three[0].engine(shared=True)
    assert made.ask(PROMPT, max_tokens=64).part == 1.0
    routed, unknown = made.notes
    assert routed.startswith(f"{made.host} is a router with 2 servers: seconds are those in which any of them worked")
    assert unknown.startswith(
        f"{made.host} does not tell how long it works for others (a router stands before its servers)"
    )
    assert three[0].bodies("/metrics") == []
