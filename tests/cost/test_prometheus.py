"""vLLM's own counters, read from what a real server of version 0.32 answered, and from answers that are none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hybrid.cost.prometheus import Counted, Counters, Phase, samples

DUMP = (Path(__file__).parent / "vllm_metrics.txt").read_text("utf-8")  # of its buckets, those of one histogram
MODEL = '{engine="0",model_name="tiny-chat"}'


def changed(**by: float) -> str:
    """The dump with some of its counters raised."""
    lines = []
    for line in DUMP.splitlines():
        name, _, value = line.rpartition(" ")
        step = by.get(name.removeprefix("vllm:").removesuffix(MODEL)) if name.endswith(MODEL) else None
        lines.append(line if step is None else f"{name} {float(value) + step}")
    return "\n".join(lines)


def test_what_was_counted_between_two_readings() -> None:
    later = changed(
        prompt_tokens_total=100,
        prompt_tokens_cached_total=64,
        generation_tokens_total=7,
        num_preemptions_total=1,
        request_prefill_time_seconds_sum=0.5,
        request_prefill_time_seconds_count=2,
        request_queue_time_seconds_sum=0.25,
        request_queue_time_seconds_count=2,
    )
    counted = Counters.parse(later, "tiny-chat") - Counters.parse(DUMP, "tiny-chat")
    assert (counted.prompt_tokens, counted.cached_tokens, counted.generated_tokens) == (100, 64, 7)
    assert (counted.preemptions, counted.why) == (1, "")
    assert counted.prefill is not None
    assert counted.prefill.seconds == pytest.approx(0.5)
    assert counted.prefill.requests == 2
    assert counted.queue is not None
    assert counted.queue.seconds == pytest.approx(0.25)
    assert (counted.decode, counted.first_token) == (Phase(0.0, 0), Phase(0.0, 0))


def test_engines_are_added_and_other_models_are_not() -> None:
    more = "\n".join(line.replace('engine="0"', 'engine="1"') for line in DUMP.splitlines() if not line.startswith("#"))
    other = more.replace("tiny-chat", "other")
    both, one = Counters.parse(f"{DUMP}{more}\n{other}", "tiny-chat"), Counters.parse(DUMP)
    assert (one.model, one.why) == ("tiny-chat", "")
    assert both.values["vllm:prompt_tokens_total"] == 2 * one.values["vllm:prompt_tokens_total"] > 0
    assert Counters.parse(f"{DUMP}{other}").why == "the server has several models; it serves: other, tiny-chat"
    assert Counters.parse(DUMP, "llama").why == "the server has no counters of llama; it serves: tiny-chat"
    lost = Counters.parse(DUMP, "llama") - one
    assert lost == Counted(why="the server has no counters of llama; it serves: tiny-chat")
    assert "the other of" in (Counters.parse(other) - one).why


def test_a_restart_is_noticed() -> None:
    before, after = Counters.parse(changed(generation_tokens_total=5)), Counters.parse(DUMP)
    assert after - before == Counted(why="vllm:generation_tokens_total went backwards, as after a restart")
    anew = Counters.parse(changed(prompt_tokens_created=60.0, prompt_tokens_total=1000))
    assert anew - after == Counted(why="the server was restarted between the readings")


def test_a_series_that_an_older_server_lacks_is_unknown() -> None:
    lines = [line for line in DUMP.splitlines() if "prompt_tokens_cached" not in line]
    older = Counters.parse("\n".join(lines))
    counted = older - older
    assert (counted.cached_tokens, counted.prompt_tokens, counted.why) == (None, 0, "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("up 1", ("up", {}, 1.0)),
        ('a:b_total{x="1"} 2.5e+03 1700000000000', ("a:b_total", {"x": "1"}, 2500.0)),
        (r'a{x="a \"b\" }, \\n\n",y="ü",} +Inf', ("a", {"x": 'a "b" }, \\n\n', "y": "ü"}, float("inf"))),
        ("a{} -1", ("a", {}, -1.0)),
    ],
)
def test_samples(line: str, expected: Any) -> None:
    assert list(samples(f"# HELP a b\n# TYPE a counter\n\n{line}\n")) == [expected]


@pytest.mark.parametrize("text", ["<html>", "{}", "a", "a b", 'a{x="1} 1', "a 1.2.3", "a 1 2 3", "1a 1"])
def test_another_format_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"not Prometheus' text format \(line 1\)"):
        list(samples(text))
    assert "not Prometheus" in Counters.parse(text).why


class Handler(BaseHTTPRequestHandler):
    """Answers /metrics with the dump."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/metrics" else 404)
        self.end_headers()
        self.wfile.write(DUMP.encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_they_are_read_beside_the_base_url(url: str) -> None:
    for base in (url, f"{url}/v1", f"{url}/v1/"):
        assert Counters.read(base).model == "tiny-chat"
    wrong = Counters.read(f"{url}/api")
    assert "/api/metrics cannot be read (Not Found)" in wrong.why


def test_nobody_at_the_address_is_a_reason() -> None:
    assert "http://127.0.0.1:9/metrics cannot be read" in Counters.read("http://127.0.0.1:9/v1").why
    assert "cannot be read" in Counters.read("nonsense").why
    assert (Counters.read("nonsense") - Counters.parse(DUMP)).prompt_tokens is None
