"""`hybrid calibrate cost`: what cannot be measured is one sentence; a real server is measured, fitted and used."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hybrid.cli.calibrate_cost import _hardware, _model_of
from hybrid.cli.main import cli, guarded
from hybrid.cost.estimate import of_settings
from hybrid.cost.fit import load
from hybrid.cost.prometheus import Counted
from hybrid.cost.sweep import BATCH, MARGIN, REPLY, doubts, loads
from hybrid.errors import InputError
from hybrid.settings import CostSettings
from tests.conftest import free_port


def test_the_loads_cover_what_is_fitted() -> None:
    found = loads(32_768)
    assert len(found) == len(set(found))
    assert {load.output for load in found} == {1, REPLY}
    assert {load.batch for load in found} == {1, BATCH}
    assert {load.cached for load in found} == {0.0, 0.5, 0.95}
    assert max(load.length for load in found) == 32_768 - MARGIN
    assert all(load.length * load.batch <= 2 * 32_768 for load in found)


def test_what_a_server_runs_on() -> None:
    known = ["h100", "h200", "l4", "l40s", "rtx-4090"]
    here = "http://localhost:8000/v1"
    assert _hardware(here, "2 NVIDIA H100 80GB HBM3", known)[1] == "h100"
    assert _hardware(here, "NVIDIA L40S", known)[1] == "l40s"
    assert _hardware(here, "NVIDIA GeForce RTX 4090", known)[1] == "rtx-4090"
    assert _hardware(here, "an abacus", known) == ("an abacus", "")
    with pytest.raises(InputError, match="on another machine: name what it runs on with --hardware"):
        _hardware("http://gpu.example:8000/v1", None, known)


def test_the_model_behind_a_server(tmp_path: Path) -> None:
    assert _model_of(str(tmp_path)) == str(tmp_path)
    assert _model_of("qwen/qwen3-8B") == "qwen3-8b"
    with pytest.raises(InputError, match="whose configuration is not at hand"):
        _model_of("nobody/knows")


@pytest.fixture
def other_server() -> Iterator[str]:
    """A server that lists a model as OpenAI does, and nothing more."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"object": "list", "data": [{"id": "m", "object": "model"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_a_server_that_is_not_vllm(other_server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(cli, ["calibrate", "cost", "--url", other_server]) == 2
    assert "does not tell its window as vLLM does: give --window" in capsys.readouterr().err
    assert guarded(cli, ["calibrate", "cost", "--url", other_server, "--window", "4096"]) == 2
    assert "whose configuration is not at hand" in capsys.readouterr().err  # the window is no longer what is lacking


def test_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert guarded(cli, ["calibrate", "cost"]) == 2
    assert "No server is named" in capsys.readouterr().err
    assert guarded(cli, ["calibrate", "cost", "--url", f"http://127.0.0.1:{free_port()}/v1"]) == 2
    assert "No vLLM server answers" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.server
def test_a_real_server_is_measured_and_its_rates_are_used(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert guarded(cli, ["calibrate", "cost", "--url", url, "--minutes", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    fitted = load(tmp_path / "hybrid-rates.json")
    assert told["held_out"]["points"] == fitted.held_out.points > 5
    assert any(point.cached > 0.7 * (point.new + point.cached) for point in fitted.points)
    assert fitted.held_out.median < 0.5  # of one minute on a machine that does other things
    setup = of_settings(CostSettings())
    assert setup.rates == fitted.rates
    assert setup.rates.spread is not None


def test_the_servers_counters_tell_what_spoils_a_sweep() -> None:
    assert doubts(Counted(prompt_tokens=10_050, preemptions=0), 10_000) == []
    assert doubts(Counted(prompt_tokens=9_000), 10_000) == []  # the last ones are counted later
    (others,) = doubts(Counted(prompt_tokens=15_000), 10_000)
    assert "others sent 5,000 tokens to the server meanwhile, beside 10,000" in others
    (room,) = doubts(Counted(prompt_tokens=10_000, preemptions=3), 10_000)
    assert "3 requests were put back for want of room" in room
    (unknown,) = doubts(Counted(why="the server was restarted between the readings"), 10_000)
    assert (
        unknown
        == "whether others used the server meanwhile is not known: the server was restarted between the readings"
    )
