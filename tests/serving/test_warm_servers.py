"""Documents read ahead of time into three real vLLM servers, of which one is killed."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hybrid import Hybrid, Settings
from hybrid.chat.prompts import Prompt
from hybrid.cli.main import cli, guarded
from hybrid.cost.prometheus import Counters
from hybrid.engines.affinity import prefix_key, ranked
from hybrid.serving.servers import Servers
from hybrid.serving.vllm import Vllm
from hybrid.settings import EngineSettings
from hybrid.types import Piece
from tests.conftest import free_port
from tests.serving.conftest import until
from tests.vllm_server import ENVIRONMENT, served

TEXT = (Path(__file__).parents[2] / "hybrid" / "types.py").read_text("utf-8")[:5000]
EACH = 2  # documents of each server
Killable = tuple[list[str], Servers]


@pytest.fixture
def three(
    url: str, vllm: Vllm, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Killable]:
    """The addresses of three servers; the last two may be killed."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    more = [served(tiny_model, free_port()) for _ in range(2)]
    with Servers(more, vllm, tmp_path / "logs", timeout=300, probe=False) as servers:
        servers.start()
        yield [url, *(one.url for one in more)], servers


def corpus(folder: Path, urls: list[str]) -> dict[str, str]:
    """Documents in a folder, as many for each server, with the address of the one that each stays with."""
    folder.mkdir()
    homes: dict[str, str] = {}
    number = 0
    while len(homes) < EACH * len(urls):
        name, number = f"part {number}.txt", number + 1
        text = f"{name} of {folder}\n{TEXT}"
        order = ranked(prefix_key(Prompt("", (Piece(name, text, 0),))), urls)
        if Counter(homes.values())[urls[order[0]]] < EACH:
            homes[name] = urls[order[0]]
            (folder / name).write_text(text, "utf-8")
    return homes


def warm(folder: Path, homes: Mapping[str, str], capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    """What `hybrid warm` says on standard output, and on standard error."""
    named = [word for name in homes for word in ("-d", name)]
    config = str(folder.parent / "hybrid.toml")
    assert guarded(cli, ["warm", str(folder), "--config", config, "--json", "-q", "--yes", *named]) == 0
    out, err = capsys.readouterr()
    return json.loads(out), " ".join(err.split())


def answered(url: str) -> int:
    """Questions that a server has answered."""
    return round(Counters.read(url).values.get("vllm:request_success_total", 0))


@pytest.mark.server
def test_each_server_has_read_what_it_is_asked_later_also_when_one_is_lost(
    three: Killable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    urls, servers = three
    homes, folder = corpus(tmp_path / "parts", urls), tmp_path / "parts"
    (tmp_path / "hybrid.toml").write_text(f"[engine]\nurls = {json.dumps(urls)}\nmax_tokens = 8\n")
    engine = EngineSettings(kind="server", urls=tuple(urls), max_tokens=8)

    def found(question: str) -> set[str]:
        """The documents that a process which asks about each of them finds cached."""
        with Hybrid(Settings(engine=engine)) as hybrid:
            store, cached = hybrid.open(str(folder)), set()
            for name in homes:
                told = hybrid.decide(question, store, documents=[name], route="long")
                usage = hybrid.answer(question, store, documents=[name], route="long").usage
                expected = {one.rung: one.cached_tokens for one in told.predictions}[told.rung]
                assert (expected > 0) == (usage.cached_tokens > usage.prompt_tokens / 2)
                cached |= {name} if expected else set()
        return cached

    before = [answered(one) for one in urls]
    told, _ = warm(folder, homes, capsys)
    assert [one["was"] for one in told["read"]] == ["cold"] * len(homes)
    until(lambda: [answered(one) - was for one, was in zip(urls, before, strict=True)] == [EACH] * len(urls), 5)
    told, _ = warm(folder, homes, capsys)
    assert {one["documents"][0]: one["server"] for one in told["documents"] if one["known"]} == homes
    assert found("What is a passage?") == set(homes)

    lost = servers._running[0]
    os.killpg(lost.process.pid, signal.SIGKILL)  # between reading ahead and a question
    lost.process.wait()
    rest = {name for name, home in homes.items() if home != lost.served.url}
    assert found("What is a citation?") == rest
    told, said = warm(folder, homes, capsys)  # and before reading ahead
    assert f"No server answers at {lost.served.url}" in said
    assert {one["documents"][0]: one["was"] for one in told["read"]} == dict.fromkeys(set(homes) - rest, "warm")
    assert told["disk_tokens_per_second"] is None  # the question before has read them, and no disk
    assert found("What is a document?") == set(homes)
