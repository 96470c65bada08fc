"""A small real model on real vLLM servers: its tokenizer and chat template, citations, and a window four times as long.

Form, not accuracy: the model has 135 million parameters, see tests/smollm2.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hybrid import Hybrid, load
from hybrid.chat.prompts import Prompt
from hybrid.each.plan import Plan
from hybrid.each.schema import in_words, json_schema, reply_model
from hybrid.engines.local.engine import LocalEngine
from hybrid.engines.server import Server
from hybrid.index.embedding import Embedder
from hybrid.model.extension import extend
from hybrid.serving.served import Served
from hybrid.serving.servers import Servers
from hybrid.serving.vllm import Vllm
from hybrid.settings import EngineSettings
from hybrid.types import Column, Piece
from tests import smollm2
from tests.conftest import free_port
from tests.engines.local.test_real import SHORT, YEAR, haystack
from tests.vllm_server import ENVIRONMENT

pytestmark = pytest.mark.server
LONG = 4 * smollm2.WINDOW
FLAGS = ("--enforce-eager", "--max-num-seqs", "2")
LEASE = (SHORT / "lease.md").read_text("utf-8")


@pytest.fixture(scope="module")
def here() -> LocalEngine:
    """The same weights in this process."""
    return LocalEngine(EngineSettings(kind="local", model=str(smollm2.folder()), device="cpu"))


@pytest.fixture(scope="class")
def native(vllm: Vllm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the model's own window."""
    with served(vllm, tmp_path_factory.mktemp("logs"), smollm2.WINDOW, "float32") as engine:
        yield engine


@pytest.fixture(scope="class")
def extended(vllm: Vllm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with four times the window."""
    with served(vllm, tmp_path_factory.mktemp("logs"), LONG, "bfloat16") as engine:
        yield engine


@contextmanager
def served(vllm: Vllm, logs: Path, window: int, dtype: str) -> Iterator[Server]:
    """The model behind a vLLM server; one at a time, as each takes 3 GB."""
    folder = smollm2.folder()
    plan = extend(json.loads((folder / "config.json").read_text("utf-8")), window)
    one = Served(
        str(folder), "smollm2", plan.window, plan.overrides, port=free_port(), extra=("--dtype", dtype, *FLAGS)
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with Servers([one], vllm, logs, timeout=900, probe=False) as servers:
            servers.start()
            yield Server(EngineSettings(kind="server", url=one.url, timeout=900, retries=1))


class TestNative:
    """With the window that the model was trained for."""

    def test_tokens_and_answers_are_those_of_the_engine_in_process(self, native: Server, here: LocalEngine) -> None:
        assert native.window == here.window == smollm2.WINDOW
        texts = ["", LEASE, "schöne Grüße, 東京 🙂", "It was built in 1932 for 12,500.75 dollars."]
        assert native.count(texts) == here.count(texts)
        asked = Prompt("When does the lease end?", (Piece("lease.md", LEASE, 0),))
        assert native.measure(asked) == here.measure(asked)
        assert native.ask(asked, max_tokens=16).text == here.ask(asked, max_tokens=16).text

    def test_an_answer_is_cited(self, native: Server, embedder: Embedder) -> None:
        with Hybrid(load(environ={}), engine=native) as hybrid:
            hybrid.embedder = embedder
            for route in ("rag", "long"):
                answer = hybrid.answer("When does the lease end?", {"lease.md": LEASE}, route=route)
                assert "28 February 2027" in answer.text
                assert "28 February 2027" in answer.citations[0].quote
                assert not answer.abstained

    def test_an_abstention_is_one(self, native: Server) -> None:
        asked = Prompt("Write NOT IN THE DOCUMENTS and nothing else.", ())
        assert native.ask(asked, max_tokens=12).abstained

    def test_a_reply_is_held_to_its_form(self, native: Server) -> None:
        """Which the model alone does not keep to; what it says is checked against the text all the same."""
        columns = [Column(name="rent", kind="amount"), Column(name="copy", kind="yesno")]
        fields = reply_model(columns)
        for model in (fields, Plan):
            asked = Prompt(in_words(columns), (Piece("lease.md", LEASE, 0),), task="fields", form=json_schema(model))
            completion = native.ask(asked, max_tokens=600)
            assert completion.truncated or json.loads(completion.text).keys() == json_schema(model)["properties"].keys()
        assert not native._unsupported


class TestExtended:
    """With four times that window, by our plan."""

    def test_a_prompt_beyond_the_native_window_is_read(self, extended: Server) -> None:
        assert extended.window == LONG
        asked = Prompt(YEAR, (Piece("prose", haystack(extended, 8300), 0),))
        assert smollm2.WINDOW < extended.measure(asked) < 9000
        first = extended.ask(asked, max_tokens=8)
        second = extended.ask(Prompt("Who saw the cart?", asked.pieces), max_tokens=8)
        assert first.text.strip()
        assert second.usage.cached_tokens > 0.9 * second.usage.prompt_tokens
        print(f"\n{first.text!r}, then {second.text!r}")
