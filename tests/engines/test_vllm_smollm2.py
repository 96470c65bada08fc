"""A small real model on real vLLM servers: its tokenizer and chat template, citations, and a window four times as long.

Form, not accuracy: the model has 135 million parameters, see tests/smollm2.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from hybrid import Hybrid, load
from hybrid.chat.prompts import Prompt
from hybrid.engines.local.engine import LocalEngine
from hybrid.engines.server import Server
from hybrid.errors import WindowError
from hybrid.index.embedding import Embedder
from hybrid.model.extension import extend
from hybrid.serving.served import Served
from hybrid.serving.servers import Servers
from hybrid.serving.vllm import Vllm
from hybrid.settings import EngineSettings
from hybrid.types import Piece
from tests import smollm2
from tests.conftest import free_port
from tests.engines.local.test_real import SHORT, YEAR, haystack
from tests.vllm_server import ENVIRONMENT

pytestmark = pytest.mark.server
LONG = 4 * smollm2.WINDOW
FLAGS = ("--dtype", "float32", "--enforce-eager", "--max-num-seqs", "2")
LEASE = (SHORT / "lease.md").read_text("utf-8")


@pytest.fixture(scope="module")
def here() -> LocalEngine:
    """The same weights in this process."""
    return LocalEngine(EngineSettings(kind="local", model=str(smollm2.folder()), device="cpu"))


@pytest.fixture(scope="module")
def urls(vllm: Vllm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A native and an extended server of the model."""
    folder = smollm2.folder()
    plan = extend(json.loads((folder / "config.json").read_text("utf-8")), LONG)
    native = Served(str(folder), "smollm2", smollm2.WINDOW, port=free_port(), extra=FLAGS)
    extended = Served(str(folder), "smollm2", plan.window, plan.overrides, port=free_port(), extra=FLAGS)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "VLLM_CPU_KVCACHE_SPACE": "2"}.items():
            patch.setenv(name, value)
        logs = tmp_path_factory.mktemp("logs")
        with Servers([native, extended], vllm, logs, timeout=600, probe=False) as servers:
            servers.start()
            yield native.url, extended.url


def server(url: str) -> Server:
    return Server(EngineSettings(kind="server", url=url, timeout=600, retries=1))


def test_tokens_and_answers_are_those_of_the_engine_in_process(urls: tuple[str, str], here: LocalEngine) -> None:
    engine = server(urls[0])
    assert engine.window == here.window == smollm2.WINDOW
    texts = ["", LEASE, "schöne Grüße, 東京 🙂", "It was built in 1932 for 12,500.75 dollars."]
    assert engine.count(texts) == here.count(texts)
    asked = Prompt("When does the lease end?", (Piece("lease.md", LEASE, 0),))
    assert engine.measure(asked) == here.measure(asked)
    assert engine.ask(asked, max_tokens=16).text == here.ask(asked, max_tokens=16).text


def test_an_answer_is_cited(urls: tuple[str, str], embedder: Embedder) -> None:
    overrides = {"engine": {"kind": "server", "url": urls[0], "max_tokens": 24}, "long_engine": {"url": urls[1]}}
    with Hybrid(load(overrides=overrides, environ={})) as hybrid:
        hybrid.embedder = embedder
        for route in ("rag", "long"):
            answer = hybrid.answer("When does the lease end?", {"lease.md": LEASE}, route=route)
            assert "28 February 2027" in answer.text
            assert "28 February 2027" in answer.citations[0].quote
            assert not answer.abstained


def test_an_abstention_is_one(urls: tuple[str, str]) -> None:
    asked = Prompt("Reply with exactly: NOT IN THE DOCUMENTS", ())
    assert server(urls[0]).ask(asked, max_tokens=12).abstained


def test_a_fact_is_found_beyond_the_native_window(urls: tuple[str, str], here: LocalEngine) -> None:
    native, extended = map(server, urls)
    asked = Prompt(YEAR, (Piece("docs", haystack(here, 8600), 0),))
    with pytest.raises(WindowError):
        native.ask(asked, max_tokens=20)
    assert extended.window == LONG
    first = extended.ask(asked, max_tokens=20)
    assert "1932" in first.text
    second = extended.ask(Prompt("Who saw the cart?", asked.pieces), max_tokens=20)
    assert second.usage.cached_tokens > 0.9 * second.usage.prompt_tokens
    stretched = LocalEngine(EngineSettings(kind="local", model=here.model, device="cpu", window=LONG))
    assert stretched.ask(asked, max_tokens=20).text == first.text
