"""The caches of several servers: each document is read where affinity sends it, and each server has its own room."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hybrid import Hybrid, load
from hybrid.chat.prompts import Prompt
from hybrid.cli.main import cli, guarded
from hybrid.engines.affinity import prefix_key, ranked
from hybrid.session.ahead import readings
from hybrid.session.caches import Cache, Caches
from hybrid.types import Piece
from tests.engines.double import CHAT, Double, doubles, send

NAMES = [f"{place}.txt" for place in ("lima", "oslo", "rome", "cairo", "delhi", "tokyo", "paris", "quito", "seoul")]


def metrics(started: float, blocks: int) -> Any:
    labels = 'model_name="tiny"'
    text = f'vllm:cache_config_info{{{labels},block_size="16",num_gpu_blocks="{blocks}"}} 1.0\n'
    return send(200, f"{text}vllm:prompt_tokens_created{{{labels}}} {started}\n", "text/plain")


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Double]]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with doubles(2) as servers:
        for number, server in enumerate(servers):
            server.on("/metrics", metrics(1000.5 + number, 100 * (1 + number)))
        yield servers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_text(f"{tmp_path} {name}: " + "rent is due monthly and so on " * 60)
    (tmp_path / "hybrid.toml").write_text('[cost]\ngpu = "h200"\nshape = "qwen3-8b"\n')
    return tmp_path


def warm(folder: Path, urls: list[str], capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, Any, str]:
    named = [word for url in urls for word in ("--url", f"{url}/v1")]
    files = [str(folder / name) for name in NAMES]
    code = guarded(cli, ["warm", *files, "--config", str(folder / "hybrid.toml"), "-q", *named, *more])
    out, err = capsys.readouterr()
    return code, json.loads(out) if "--json" in more else None, err


def home(folder: Path, urls: list[str], name: str) -> str:
    text = (folder / name).read_text()
    order = ranked(prefix_key(Prompt("", (Piece(name, text, 0),))), [f"{url}/v1" for url in urls])
    return urls[order[0]]


def read_by(server: Double) -> set[str]:
    return {name for name in NAMES for body in server.bodies(CHAT) if f"{name}: rent" in str(body)}


def test_each_document_is_read_by_the_server_it_stays_with(
    two: list[Double], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    urls = [server.url for server in two]
    code, told, _ = warm(folder, urls, capsys, "--json", "--dry-run", "--questions", "1000")
    assert (code, told["capacity"]) == (0, 300 * 16)
    assert told["servers"] == {f"{urls[0]}/v1": 1600, f"{urls[1]}/v1": 3200}
    for one in told["documents"]:
        assert one["server"] == f"{home(folder, urls, one['documents'][0])}/v1"
    for address, room in told["servers"].items():  # no server gets more than its own cache holds
        assert 0 < sum(one["tokens"] for one in told["documents"] if one["chosen"] and one["server"] == address) <= room
    all_ = [word for name in NAMES for word in ("-d", name)]
    code, told, _ = warm(folder, urls, capsys, "--json", "--yes", *all_)
    assert (code, len(told["read"])) == (0, len(NAMES))
    for server in two:
        assert read_by(server) == {name for name in NAMES if home(folder, urls, name) == server.url}
        assert read_by(server)


def test_a_server_that_starts_anew_has_lost_its_own_documents_only(
    two: list[Double], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    urls = [server.url for server in two]
    all_ = [word for name in NAMES for word in ("-d", name)]
    assert warm(folder, urls, capsys, "--json", "--yes", *all_)[0] == 0
    two[1].on("/metrics", metrics(2000.5, 200))
    settings = load(folder / "hybrid.toml", {"engine": {"urls": tuple(f"{url}/v1" for url in urls)}})
    with Hybrid(settings) as hybrid:
        store = hybrid.open([str(folder / name) for name in NAMES])
        known = {one.documents[0]: one.known for one in readings(hybrid, store, NAMES)}
        assert known == {name: home(folder, urls, name) == urls[0] for name in NAMES}
        for name in NAMES:  # what later questions expect
            told = hybrid.decide("When is rent due?", store, documents=[name], route="long")
            cached = {one.rung: one.cached_tokens for one in told.predictions}["documents"]
            assert (cached > 0) == known[name]


def test_a_server_that_is_down_is_told_and_its_documents_are_read_by_the_other(
    two: list[Double], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with doubles(1) as (gone,):
        urls = [two[0].url, gone.url]
    assert any(home(folder, urls, name) == urls[1] for name in NAMES)
    all_ = [word for name in NAMES for word in ("-d", name)]
    code, _, err = warm(folder, urls, capsys, "--yes", *all_)
    assert code == 0
    assert f"No server answers at {urls[1]}" in err
    assert "the other 1 of engine.urls are used" in " ".join(err.split())
    assert read_by(two[0]) == set(NAMES)


def test_behind_a_router_all_caches_count_and_one_that_starts_anew_may_have_lost_any(
    two: list[Double], folder: Path
) -> None:
    with doubles(1) as (router,):
        router.on("/list_workers", send(200, {"urls": [server.url for server in two]}))
        settings = load(folder / "hybrid.toml", {"engine": {"url": f"{router.url}/v1"}})
        with Hybrid(settings) as hybrid:
            before = Caches.read(hybrid.long_engine, settings)
            assert before.servers == {f"{router.url}/v1": Cache("1000.500 1001.500", 4800)}
            two[1].on("/metrics", metrics(2000.5, 200))
            assert Caches.read(hybrid.long_engine, settings).runs.isdisjoint(before.runs)
            two[1].on("/metrics", send(404, "none"))
            assert Caches.read(hybrid.long_engine, settings).servers == {f"{router.url}/v1": Cache("", 1600)}
