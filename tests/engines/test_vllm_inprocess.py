"""The engine on vLLM's Python API: batching with a double, everything else with the real one, where it can be imported.

The real one needs vLLM and this package's light dependencies in one environment: `make test-vllm` makes that.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from hybrid.chat.prompts import Prompt
from hybrid.engines.make import make_engine
from hybrid.engines.vllm import VllmEngine
from hybrid.errors import EngineError, MissingDependency, SettingsError, WindowError
from hybrid.settings import EngineSettings
from hybrid.types import Piece, Sampling
from tests.vllm_server import ENVIRONMENT, YARN

TEXT = (Path(__file__).parents[2] / "hybrid" / "types.py").read_text("utf-8")


def prompt(question: str, text: str = TEXT[:2000]) -> Prompt:
    return Prompt(question, (Piece("types.py", text, 0),))


class Words:
    """A tokenizer whose tokens are words."""

    def encode(self, text: str, add_special_tokens: bool) -> list[str]:
        return text.split()

    def apply_chat_template(self, messages: list[dict[str, str]], **_: Any) -> list[str]:
        return [word for message in messages for word in message["content"].split()]


class Slow:
    """A double of `vllm.LLM` that takes a moment for a batch and remembers the sizes of the batches."""

    def __init__(self, **given: Any) -> None:
        self.given = given
        self.model_config = SimpleNamespace(max_model_len=4096)
        self.batches: list[int] = []
        self.parameters: list[Any] = []  # how each answer is generated
        self.inside = threading.Lock()
        self.fault: BaseException | None = None

    def get_tokenizer(self) -> Any:
        return Words()

    def chat(self, conversations: list[Any], parameters: list[Any], use_tqdm: bool) -> list[Any]:
        assert self.inside.acquire(blocking=False), "two threads are inside vLLM at once"
        try:
            time.sleep(0.2)
            self.batches.append(len(conversations))
            self.parameters += parameters
            if self.fault is not None:
                raise self.fault
            return [self.output(one[-1]["content"]) for one in conversations]
        finally:
            self.inside.release()

    def output(self, text: str) -> Any:
        answer = SimpleNamespace(text=text.rpartition("Question: ")[2], token_ids=[1, 2], finish_reason="stop")
        moments = {"queued_ts": 4.0, "scheduled_ts": 5.0, "first_token_ts": 5.25, "last_token_ts": 5.5}
        times = SimpleNamespace(**moments, first_token_latency=1.5)
        return SimpleNamespace(outputs=[answer], metrics=times, prompt_token_ids=[1] * 9, num_cached_tokens=4)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> VllmEngine:
    """An engine on the double."""
    module = ModuleType("vllm")
    module.LLM = Slow  # type: ignore[attr-defined]
    module.SamplingParams = SimpleNamespace  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vllm", module)
    settings = EngineSettings(kind="vllm", model="org/tiny", window=2048, overrides=YARN, vllm_args={"seed": 3})
    engine = make_engine(settings, None)  # type: ignore[arg-type]
    assert isinstance(engine, VllmEngine)
    return engine


def test_settings_become_arguments(slow: VllmEngine) -> None:
    assert slow.llm.given == {
        "model": "org/tiny",
        "max_model_len": 2048,
        "hf_overrides": YARN,
        "disable_log_stats": False,
        "seed": 3,
    }
    assert (slow.name, slow.window, slow.concurrency) == ("tiny in process", 2048, 64)
    assert VllmEngine(EngineSettings(kind="vllm", model="m", concurrency=2)).concurrency == 2


def test_threads_that_ask_at_once_are_batched(slow: VllmEngine) -> None:
    questions = [f"Number {n}?" for n in range(24)]
    with ThreadPoolExecutor(24) as pool:
        completions = list(pool.map(lambda question: slow.ask(prompt(question), max_tokens=8), questions))
    assert [completion.text for completion in completions] == questions
    assert sum(slow.llm.batches) == 24
    assert len(slow.llm.batches) <= 4
    usage = completions[0].usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.output_tokens, usage.seconds) == (9, 4, 2, 0.5)
    assert (usage.queue_seconds, usage.prefill_seconds, usage.decode_seconds) == (1.0, 0.25, 0.25)
    assert usage.first_token_seconds == 1.5


def test_one_batch_in_order(slow: VllmEngine) -> None:
    completions = slow.ask_many([prompt(f"Number {n}?") for n in range(5)], max_tokens=8)
    assert [completion.text for completion in completions] == [f"Number {n}?" for n in range(5)]
    assert slow.llm.batches == [5]
    heard: list[str] = []
    slow.ask(prompt("Who?"), max_tokens=8, on_text=heard.append)
    assert heard == ["Who?"]


def test_what_a_caller_sets_holds_for_that_prompt_of_a_batch_alone(slow: VllmEngine) -> None:
    own = replace(prompt("own"), sampling=Sampling(temperature=0.7, max_tokens=9, stop=("\n\n",)))
    slow.ask_many([prompt("plain"), own], max_tokens=20)
    plain, other = slow.llm.parameters
    assert vars(plain) == {"max_tokens": 20, "temperature": 0.0}
    assert vars(other) == {"max_tokens": 20, "temperature": 0.7, "stop": ["\n\n"]}


def test_a_form_holds_for_its_prompt_and_is_left_where_it_cannot_be_held(
    slow: VllmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("vllm.sampling_params")
    module.StructuredOutputsParams = SimpleNamespace  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vllm.sampling_params", module)
    formed = replace(prompt("formed"), form={"type": "object"})
    slow.ask_many([prompt("plain"), formed], max_tokens=20)
    plain, other = slow.llm.parameters
    assert not hasattr(plain, "structured_outputs")
    assert other.structured_outputs.json == {"type": "object"}

    def refuses(conversations: list[Any], parameters: list[Any], use_tqdm: bool) -> list[Any]:
        if any(hasattr(one, "structured_outputs") for one in parameters):
            raise ValueError("the grammar is not supported")
        return [slow.llm.output(one[-1]["content"]) for one in conversations]

    monkeypatch.setattr(slow.llm, "chat", refuses)
    assert slow.ask_many([formed], max_tokens=20)[0].text == "formed"


def test_a_failed_batch_fails_every_thread_and_not_the_next(slow: VllmEngine) -> None:
    slow.llm.fault = ValueError("out of memory.\nmore")
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(slow.ask, prompt("Who?"), max_tokens=8) for _ in range(4)]
        for future in futures:
            with pytest.raises(EngineError, match=r"^tiny in process failed: out of memory\.$"):
                future.result(timeout=30)
    slow.llm.fault = None
    assert slow.ask(prompt("Who?"), max_tokens=8).text == "Who?"


def test_ctrl_c_in_a_batch_is_not_swallowed(slow: VllmEngine) -> None:
    slow.llm.fault = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        slow.ask(prompt("Who?"), max_tokens=8)
    slow.llm.fault = None
    assert slow.ask(prompt("Who?"), max_tokens=8).text == "Who?"


def test_too_long_is_said_before_anything_is_read(slow: VllmEngine) -> None:
    with pytest.raises(
        WindowError, match=r"The prompt of \d+ tokens and 8 for the answer do not fit the window of 2048"
    ):
        slow.ask_many([prompt("Who?"), prompt("Who?", "word " * 2048)], max_tokens=8)
    assert slow.llm.batches == []


def test_without_a_model() -> None:
    with pytest.raises(SettingsError, match=r"needs a model; set engine\.model"):
        VllmEngine(EngineSettings(kind="vllm"))


def test_without_vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(MissingDependency, match="The engine 'vllm' needs the package 'vllm', which is not installed"):
        VllmEngine(EngineSettings(kind="vllm", model="m")).ask(prompt("Who?"), max_tokens=8)


# With the real vLLM.

real = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed beside this package")


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Iterator[VllmEngine]:
    """The tiny model in this process, its window extended."""
    arguments = {"load_format": "dummy", "dtype": "bfloat16", "enforce_eager": True, "max_num_seqs": 8}
    settings = EngineSettings(kind="vllm", model=str(tiny_model), window=16384, overrides=YARN, vllm_args=arguments)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        engine = VllmEngine(settings)
        yield engine
        engine.close()


@real
@pytest.mark.server
@pytest.mark.filterwarnings("default")
class TestReal:
    """All against one loaded model."""

    def test_the_measure_is_what_is_read(self, engine: VllmEngine) -> None:
        for text in ("Short.", TEXT, "schöne Grüße, 東京 🙂 \ud800", ""):
            asked = prompt("What is a passage?", text)
            usage = engine.ask(asked, max_tokens=4).usage
            assert usage.prompt_tokens == engine.measure(asked)
            assert 0 < usage.output_tokens <= 4
            assert 0 < usage.seconds < 120
            assert None not in (usage.queue_seconds, usage.prefill_seconds, usage.decode_seconds)
            assert usage.prefill_seconds + usage.decode_seconds == pytest.approx(usage.seconds)
            assert usage.prefill_seconds <= usage.first_token_seconds + 0.01
        assert engine.count(["", "one", TEXT])[0] == 0

    def test_a_prompt_beyond_the_native_window_is_read(self, engine: VllmEngine) -> None:
        asked = prompt("What is a passage?", f"{TEXT * 4} end")
        assert 4096 < engine.measure(asked) < 16000
        first, second = (engine.ask(asked, max_tokens=4).usage for _ in range(2))
        assert first.prompt_tokens > 4096
        assert first.cached_tokens < second.cached_tokens
        assert second.cached_tokens > 0.9 * second.prompt_tokens
        print(f"\ncold {first.seconds:.3f} s, then {second.seconds:.3f} s")

    def test_beyond_the_extended_window(self, engine: VllmEngine) -> None:
        with pytest.raises(WindowError, match="do not fit the window of 16384 tokens of tiny-chat in process"):
            engine.ask(prompt("Who?", TEXT * 12), max_tokens=4)

    def test_many_at_once_are_answered_as_a_batch_is(self, engine: VllmEngine) -> None:
        asked = [prompt(f"Question {n}?", TEXT[n * 50 : n * 50 + 600]) for n in range(16)]
        many = engine.ask_many(asked, max_tokens=16)
        with ThreadPoolExecutor(16) as pool:
            threads = list(pool.map(lambda one: engine.ask(one, max_tokens=16), asked))
        assert [one.text for one in many] == [one.text for one in threads]
        assert [one.usage.prompt_tokens for one in threads] == [engine.measure(one) for one in asked]


@real
@pytest.mark.server
def test_a_model_that_is_not_there() -> None:
    with pytest.raises(EngineError, match=r"^vLLM cannot load /no/such: .*\.$"):
        VllmEngine(EngineSettings(kind="vllm", model="/no/such")).ask(prompt("Who?"), max_tokens=4)
