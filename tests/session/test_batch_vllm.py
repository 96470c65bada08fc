"""Batches against real vLLM servers: fifty questions at once, a killed server, two engines behind one answer."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from hybrid import Hybrid, Settings
from hybrid.chat.prompts import Prompt
from hybrid.errors import WindowError
from hybrid.model.extension import extend
from hybrid.serving.served import Served
from hybrid.serving.servers import Servers
from hybrid.serving.vllm import Vllm
from hybrid.settings import EngineSettings, RoutingSettings
from hybrid.types import Piece
from tests.conftest import free_port
from tests.vllm_server import ENVIRONMENT, MODEL, WINDOW, configuration, served

pytestmark = pytest.mark.server
ROOM = 64
LONG = 4 * WINDOW
TEXTS = {f"contract {i}": f"Contract {i} is governed by the law of county {i}. " * 40 for i in range(10)}


def settings(url: str, **engine: object) -> Settings:
    engine = {"kind": "server", "url": url, "max_tokens": ROOM, **engine}
    return Settings(engine=EngineSettings.model_validate(engine), routing=RoutingSettings(policy="long"))


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_a_batch_survives_a_killed_server(vllm: Vllm, tiny_model: Path, tmp_path: Path) -> None:
    server = served(tiny_model, free_port())
    questions = [f"Which law governs contract {i % 10}, asked for the {i}th time?" for i in range(50)]
    restarted = threading.Event()
    first = Servers([server], vllm, tmp_path / "first", timeout=300, probe=False)
    second = Servers([server], vllm, tmp_path / "second", timeout=300, probe=False)

    def again() -> None:
        os.killpg(first._running[0].process.pid, signal.SIGKILL)
        first._running[0].process.wait()
        second.start()
        restarted.set()

    killer = threading.Thread(target=again)

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "answering" and done == 10:
            killer.start()

    with first, second:
        first.start()
        with Hybrid(settings(server.url, retries=40, concurrency=4)) as hybrid:
            answers = hybrid.answer_many(questions, TEXTS, route="long", rung="documents", progress=progress)
        killer.join(timeout=300)
    assert restarted.is_set()
    assert [answer.question for answer in answers] == questions
    assert all(len(answer.attempts) == 1 for answer in answers)
    assert all(answer.usage.prompt_tokens > 0 for answer in answers)


def test_fifty_questions_at_once_share_prefixes(url: str) -> None:
    questions = [f"What is said in contract {i % 10} about matter {i}?" for i in range(50)]
    with Hybrid(settings(url, concurrency=50)) as hybrid:
        answers = hybrid.answer_many(questions, TEXTS, route="long", rung="documents")
    assert [answer.question for answer in answers] == questions
    read = sum(answer.usage.prompt_tokens for answer in answers)
    cached = sum(answer.usage.cached_tokens for answer in answers)
    assert cached > read / 3


def test_the_extended_engine_reads_what_the_native_one_refuses(vllm: Vllm, tiny_model: Path, tmp_path: Path) -> None:
    plan = extend(configuration(2048), LONG)
    native = served(tiny_model, free_port())
    extended = Served(str(tiny_model), MODEL, plan.window, plan.overrides, port=free_port(), extra=native.extra)
    text = TEXTS["contract 3"] * 20
    question = "Which law governs contract 3?"
    prompt = Prompt(question, (Piece("contract 3", text, 0),))
    with Servers([native, extended], vllm, tmp_path, timeout=300) as servers:  # each window is probed
        servers.start()
        long_engine = EngineSettings(kind="server", url=extended.url, max_tokens=ROOM)
        with Hybrid(settings(native.url).model_copy(update={"long_engine": long_engine})) as hybrid:
            assert (hybrid.engine.window, hybrid.long_engine.window) == (WINDOW, LONG)
            with pytest.raises(WindowError, match=f"{WINDOW:,}|{WINDOW}") as refused:
                hybrid.engine.ask(prompt, max_tokens=ROOM)
            assert "\n" not in str(refused.value)
            store = hybrid.open({"contract 3": text})
            short = hybrid.answer(question, store, route="rag")
            whole = hybrid.answer(question, store, route="long")
            again = hybrid.answer("And which county?", store, route="long")
    assert short.attempts[0].engine != whole.attempts[0].engine
    assert whole.usage.prompt_tokens > WINDOW
    assert whole.usage.calls == 1
    assert again.usage.cached_tokens > 0.9 * whole.usage.prompt_tokens - 500
    assert again.usage.seconds < whole.usage.seconds
