"""Goodput: arrivals that wait for nobody, waits that count from the arrival, and servers that go away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hybrid.evals.arms.service import ServiceArm
from hybrid.evals.cli.evaluate import evaluate
from hybrid.evals.folder import RunFailed
from hybrid.evals.load import ROW, Asked, Limit, arrivals, load, measured, stream
from hybrid.evals.sample import Sample
from hybrid.evals.statistics import wilson

from hybrid.cli.main import guarded
from hybrid.engines.abort import over
from hybrid.engines.faults import Overrun
from hybrid.errors import CalledOff, EngineError, InputError
from hybrid.types import Turn
from tests.model_server import model_server

SAMPLES = [Sample(str(i), f"What is {i}?", {}, (), group="") for i in range(3)]


class Desk:
    """Answers one question at a time, each in some seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.asked = seconds, 0
        self._lock = threading.Lock()

    def __call__(self, sample: Sample, on_text: Any) -> str:
        with self._lock:
            if over():
                raise CalledOff("too late")
            self.asked += 1
            on_text("It is ")
            time.sleep(self.seconds)
            return "It is so."


def test_arrivals_are_poisson_by_seed_and_rates_share_their_gaps() -> None:
    one = arrivals(2.0, 4000, seed=1)
    gaps = np.diff([0.0, *one])
    assert gaps.mean() == pytest.approx(0.5, rel=0.05)
    assert gaps.std() == pytest.approx(0.5, rel=0.1)  # of an exponential: its mean
    assert arrivals(4.0, 4000, seed=1) == pytest.approx([at / 2 for at in one])
    assert arrivals(2.0, 10, seed=2) != one[:10]


def test_slow_answers_do_not_slow_arrivals_and_waits_count_from_the_arrival() -> None:
    """The first answer stalls: a sender that waited for it would ask the rest afterwards, and see no wait."""
    stalled = threading.Event()

    def ask(sample: Sample, on_text: Any) -> None:
        first = not stalled.is_set()
        stalled.set()
        if first:
            time.sleep(0.5)

    dues = [0.02 * i for i in range(1, 11)]
    found, most = stream(ask, SAMPLES, dues, Limit(whole=2.0))
    assert [one.due for one in found] == dues
    assert all(one.sent is not None and one.sent - one.due < 0.2 for one in found)
    assert most >= 2
    desk = Desk(0.05)  # one at a time: the n-th waits for all before it
    found, _ = stream(desk, SAMPLES, [0.001 * i for i in range(1, 9)], Limit(whole=2.0))
    waits = sorted(one.done - one.due for one in found if one.done is not None)
    assert waits[-1] > 0.35


def test_the_share_falls_where_the_desk_cannot_keep_up() -> None:
    found = load([("desk", Desk(0.02), SAMPLES)], [400.0, 20.0], Limit(whole=0.2), n=40, share=0.9, seed=0)
    (arm,) = found.arms
    calm, busy = arm.rates
    assert (calm.rate, busy.rate) == (20.0, 400.0)
    assert calm.share > 0.9
    assert busy.share < 0.5
    assert (calm.low, calm.high) == wilson(calm.good, 40)
    assert arm.goodput == 20.0
    assert found.different == 3
    assert busy.whole95 is None  # over the limit


def test_in_time_is_what_the_limits_say() -> None:
    asked = Asked(due=1.0, sent=1.0, first=1.5, done=3.0)
    assert asked.in_time(Limit(first=0.5))
    assert not asked.in_time(Limit(first=0.4))
    assert asked.in_time(Limit(first=0.5, whole=2.0))
    assert not asked.in_time(Limit(first=0.5, whole=1.9))
    assert not Asked(1.0, 1.0, 1.5, None).in_time(Limit(whole=9.0))
    assert not Asked(1.0, 1.0, 1.5, 3.0, failed="it broke").in_time(Limit(first=9.0))


def test_refusals_and_failures_are_counted_and_are_not_in_time() -> None:
    found = [Asked(0.1 * i, 0.1 * i, 0.1 * i, 0.1 * i) for i in range(1, 11)]
    found[0].failed, found[0].refused = "busy", True
    found[1].failed = "it broke"
    told = measured(10.0, found, 1, Limit(whole=1.0))
    assert (told.good, told.refused, told.failed, told.reason) == (8, 1, 1, "it broke")
    assert told.whole50 == 0.0


def test_a_desk_that_breaks_ends_the_measuring_with_a_sentence() -> None:
    desk = Desk(0.0)

    def breaks(sample: Sample, on_text: Any) -> str:
        if desk.asked >= 30:
            raise EngineError("No server answers.")
        return desk(sample, on_text)

    found = load([("desk", breaks, SAMPLES)], [500.0, 1000.0, 2000.0], Limit(whole=1.0), n=25)
    assert [one.rate for one in found.arms[0].rates] == [500.0]
    assert found.arms[0].goodput == 500.0
    assert f"at 1000 questions a second {ROW} in a row failed" in found.stopped
    assert "No server answers." in found.stopped

    found = load([("one", Desk(0.0), SAMPLES), ("two", breaks, SAMPLES)], [500.0], Limit(whole=1.0), n=5)
    assert [arm.goodput for arm in found.arms] == [500.0]  # what was measured is not lost with the second arm
    assert found.stopped.startswith("The arm 'two' answers nothing: No server answers.")

    begun = iter([True])  # the first question, which does not count

    def refuses(sample: Sample, on_text: Any) -> str:
        if not next(begun, False):
            raise Overrun("busy")
        return ""

    found = load([("desk", refuses, SAMPLES)], [500.0], Limit(whole=1.0), n=25)  # it is there: that is a finding
    assert (found.arms[0].rates[0].refused, found.stopped) == (25, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rate", "0", "--within", "5"], "At a rate of 0 questions a second none ever arrives"),
        (["--rate", "1", "--within", "0"], "--within is 0 s, which is no limit for an answer: give a number above 0"),
        (["--rate", "1", "--first", "-1"], "--first is -1 s"),
        (["--rate", "1"], "Nothing says when an answer is in time: give --within, --first or both"),
        (["--within", "5"], "No rate is given: name one or more with --rate"),
        (["--rate", "1", "--within", "5", "--service", "http://127.0.0.1:9/v1", "--arm", "rag"], "--arm has no effect"),
        (["--rate", "1", "--within", "5", "--service", "http://127.0.0.1:9/v1"], "No server answers at"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(arguments: list[str], said: str, capsys: Any) -> None:
    assert guarded(evaluate, ["load", "smoke", "--quiet", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Error: ")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("option", ["--rate", "--within", "--first", "--share"])
@pytest.mark.parametrize("value", ["inf", "nan", "-inf"])
def test_what_is_no_finite_number_is_refused(option: str, value: str, capsys: Any) -> None:
    given = {"--rate": "1", "--within": "5", "--share": "0.9", option: value}
    assert guarded(evaluate, ["load", "smoke", *(part for pair in given.items() for part in pair)]) == 2
    assert option in capsys.readouterr().err
    with pytest.raises(InputError, match="all arrive at once"):
        arrivals(float("inf"), 3, 0)
    with pytest.raises(InputError, match="which is no limit"):
        Limit(whole=float(value))


@pytest.mark.parametrize(("option", "value"), [("--seed", "-1"), ("-n", "0"), ("-n", "1000000000"), ("--share", "0")])
def test_what_is_out_of_range_is_refused(option: str, value: str, capsys: Any) -> None:
    assert guarded(evaluate, ["load", "smoke", "--rate", "1", "--within", "5", option, value]) == 2
    assert "is not in the range" in capsys.readouterr().err


def test_more_at_once_than_there_are_threads_is_one_sentence(monkeypatch: Any) -> None:
    begun = []

    def start(thread: threading.Thread) -> None:
        if len(begun) == 2:
            raise RuntimeError("can't start new thread")
        begun.append(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RunFailed, match="2 questions are under way at once, and this machine starts no more threads"):
        stream(Desk(0.0), SAMPLES, [0.0] * 5, Limit(whole=1.0))


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.jsonl"
    rows = [{"question": "When does it end?", "history": ["Which lease is it?"]}, {"question": "Who signs?"}]
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


def test_a_service_is_asked_as_its_clients_would(questions: Path, tmp_path: Path, capsys: Any) -> None:
    with model_server("notes", "notes:rag", wait=0.01) as server:
        options = ["--service", server.url, "--model", "notes", "--model", "notes:rag", "--rate", "50", "--within", "5"]
        out = tmp_path / "out"
        code = guarded(evaluate, ["load", str(questions), *options, "-n", "12", "-o", str(out), "--json", "--quiet"])
        told = json.loads(capsys.readouterr().out)
        assert code == 0
        assert [arm["arm"] for arm in told["arms"]] == ["notes", "notes:rag"]
        assert [arm["rates"][0]["good"] for arm in told["arms"]] == [12, 12]
        assert {body["model"] for body in server.asked} == {"notes", "notes:rag"}
        assert all(body["stream"] for body in server.asked)
        said = {tuple(message["content"] for message in body["messages"]) for body in server.asked}
    assert said == {("Which lease is it?", "When does it end?"), ("Who signs?",)}
    assert json.loads((out / "load.json").read_text()) == told
    assert "share in time" in (out / "load.svg").read_text()


@pytest.mark.parametrize(
    ("row", "said"),
    [({"question": " "}, "'question' is empty"), ({"question": "Why?", "histry": []}, "did you mean 'history'")],
)
def test_a_question_for_a_service_is_looked_at_too(tmp_path: Path, row: object, said: str, capsys: Any) -> None:
    (tmp_path / "own.jsonl").write_text(json.dumps(row))
    options = ["--service", "http://127.0.0.1:9/v1", "--rate", "1", "--within", "1"]
    assert guarded(evaluate, ["load", str(tmp_path / "own.jsonl"), *options]) == 2
    assert said in capsys.readouterr().err


def test_a_service_that_refuses_all_is_one_sentence(questions: Path, capsys: Any) -> None:
    with model_server("notes", status=429) as server:
        options = ["--service", server.url, "--rate", "50", "--within", "5", "--quiet"]
        assert guarded(evaluate, ["load", str(questions), *options]) == 2
    err = capsys.readouterr().err
    assert "is still busy after 1 tries" in err
    assert err.count("\n") == 1


@pytest.fixture
def fading() -> Iterator[str]:
    """A service that is gone after some questions, and drops what is under way."""
    left = [30]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.say({"object": "list", "data": [{"id": "notes", "object": "model"}]})

        def do_POST(self) -> None:
            left[0] -= 1
            if left[0] < 0:
                self.connection.close()
                return
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            frame = {"choices": [{"index": 0, "delta": {"content": "Yes."}, "finish_reason": "stop"}]}
            self.wfile.write(f"data: {json.dumps(frame)}\n\ndata: [DONE]\n\n".encode())

        def say(self, data: object) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(data).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Connections that are closed under way are the test."""

    with Quiet(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_a_service_that_goes_away_leaves_what_was_measured(questions: Path, fading: str, capsys: Any) -> None:
    options = ["--service", fading, "--rate", "50", "--rate", "100", "--within", "5", "-n", "25", "--quiet"]
    assert guarded(evaluate, ["load", str(questions), *options]) == 2
    out, err = capsys.readouterr()
    assert "goodput 50 questions a second" in out
    assert err.startswith("Error: The arm 'notes' answers no more: at 100 questions a second 10 in a row failed")
    assert err.count("\n") == 1


def test_a_picture_is_named_only_where_there_is_one(questions: Path, fading: str, tmp_path: Path, capsys: Any) -> None:
    options = ["--service", fading, "--rate", "50", "--within", "5", "-n", "60", "--quiet", "-o", str(tmp_path / "out")]
    assert guarded(evaluate, ["load", str(questions), *options]) == 2
    out = capsys.readouterr().out.replace("\n", "")
    assert "not measured" in out
    assert out.endswith("load.json")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["load.json"]


def test_arms_of_a_file_are_asked_in_process(tmp_path: Path, capsys: Any) -> None:
    row = {"question": "When does the lease end?", "answers": ["2031"], "documents": {"a": "The lease ends in 2031."}}
    file = tmp_path / "own.jsonl"
    file.write_text(json.dumps(row))
    options = ["--rate", "20", "--within", "10", "--first", "10", "-n", "4", "--quiet"]
    assert guarded(evaluate, ["load", str(file), *options]) == 0
    out = capsys.readouterr().out
    for arm in ("rag", "long", "calibrated"):
        assert f"{arm}: goodput 20 questions a second" in out


def test_a_service_needs_no_window() -> None:
    with model_server("notes") as server:
        arm = ServiceArm(server.url)
        heard: list[str] = []
        sample = Sample("1", "And the rent?", {}, (), group="", history=(Turn(role="user", text="The term?"),))
        assert arm.ask(sample, heard.append).text == "1932. [1]"
        assert (arm.name, heard) == ("notes", ["1932. [1]"])
        arm.close()


def test_a_limit_that_nobody_gave_is_refused() -> None:
    with pytest.raises(InputError, match="Nothing says when"):
        Limit()
    with pytest.raises(InputError, match="There is no question for the arm 'desk'"):
        load([("desk", Desk(0.0), [])], [1.0], Limit(whole=1.0))
