"""LlamaIndex at the edges: its documents as a corpus, its LLMs as engines."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest

from hybrid import Hybrid, Settings
from hybrid.chat.prompts import Prompt
from hybrid.engines.llama_index import LlamaIndexEngine
from hybrid.engines.make import make_engine
from hybrid.errors import CalledOff, EngineError, SettingsError, WindowError
from hybrid.types import Piece, Sampling

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    core = pytest.importorskip("llama_index.core", reason="llama-index-core is not installed")
    from llama_index.core.bridge.pydantic import Field
    from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata


class Parrot(CustomLLM):
    """A LlamaIndex LLM that says what it is told, in two pieces when streamed."""

    reply: str = "The office is in Lima [1]."
    window: int = 4_000
    fail: bool = False
    given: list = Field([])  # what each call was given besides its prompt

    @property
    def metadata(self):
        return LLMMetadata(context_window=self.window, model_name="parrot")

    def complete(self, prompt, formatted=False, **kwargs):
        self.given.append(kwargs)
        if self.fail:
            raise RuntimeError("the parrot is dead\nvery")
        return CompletionResponse(text=self.reply, raw={"usage": {"prompt_tokens": 77, "completion_tokens": 7}})

    def stream_complete(self, prompt, formatted=False, **kwargs):
        self.given.append(kwargs)
        half = len(self.reply) // 2
        yield CompletionResponse(text=self.reply[:half], delta=self.reply[:half])
        yield CompletionResponse(text=self.reply, delta=self.reply[half:])


PROMPT = Prompt("Where is the office?", (Piece("a", "The office is in Lima.", 0),))


def test_an_llm_answers_with_its_own_usage(embedder):
    with Hybrid(Settings(), engine=Parrot()) as hybrid:
        hybrid.embedder = embedder
        found = hybrid.answer("Where is the office?", {"a": "The office is in Lima."}, route="rag")
    assert found.text == "The office is in Lima. [1]"
    assert (found.usage.prompt_tokens, found.usage.output_tokens) == (77, 7)
    assert found.attempts[0].engine == "parrot (Parrot)"
    assert found.cost.basis == "measured"
    assert found.cost.engine_seconds == found.usage.shared_seconds
    assert found.usage.cpu_seconds is not None


def test_what_a_caller_sets_reaches_the_llm_and_nothing_else_does():
    parrot = Parrot(given=[])
    engine = LlamaIndexEngine(parrot)
    sampling = Sampling(temperature=0.0, max_tokens=9, stop=("\n",))
    for on_text in (None, print):
        engine.ask(PROMPT, max_tokens=100, on_text=on_text)
        engine.ask(replace(PROMPT, sampling=sampling), max_tokens=9, on_text=on_text)
    own = [{k: v for k, v in given.items() if k in ("temperature", "max_tokens", "stop")} for given in parrot.given]
    assert own == [{}, {"temperature": 0.0, "max_tokens": 9, "stop": ["\n"]}] * 2


def test_a_caller_that_leaves_is_no_failure_of_the_llm():
    def gone(_):
        raise CalledOff("The caller has gone.")

    with pytest.raises(CalledOff):
        LlamaIndexEngine(Parrot()).ask(PROMPT, max_tokens=100, on_text=gone)


def test_streaming_passes_every_piece_on():
    pieces: list[str] = []
    completion = LlamaIndexEngine(Parrot()).ask(PROMPT, max_tokens=64, on_text=pieces.append)
    assert len(pieces) == 2
    assert "".join(pieces) == completion.text == Parrot().reply
    assert completion.usage.first_token_seconds <= completion.usage.seconds


def test_a_window_is_kept():
    with pytest.raises(WindowError, match="reads only 100"):
        LlamaIndexEngine(Parrot(window=100)).ask(PROMPT, max_tokens=64)


def test_a_failure_is_one_sentence():
    with pytest.raises(EngineError, match=r"^parrot \(Parrot\) failed: RuntimeError: the parrot is dead$"):
        LlamaIndexEngine(Parrot(fail=True)).ask(PROMPT, max_tokens=64)


def test_counts_are_estimates_unless_the_tokenizer_is_given():
    assert not LlamaIndexEngine(Parrot()).counts_exactly
    exact = LlamaIndexEngine(Parrot(), tokenizer=str.split)
    assert exact.counts_exactly
    assert exact.count(["one two three"]) == [3]


def test_what_is_no_engine_is_refused(embedder):
    with pytest.raises(SettingsError, match="A int is no engine"):
        make_engine(7, embedder)


def test_documents_are_a_corpus(embedder):
    documents = [
        core.Document(text="The office is in Lima.", metadata={"file_name": "office.txt"}),
        core.Document(text="The warehouse is in Cairo.", metadata={"file_name": "warehouse.txt"}),
    ]
    with Hybrid(Settings()) as hybrid:
        hybrid.embedder = embedder
        found = hybrid.answer("Where is the warehouse?", documents)
    assert "Cairo" in found.text
    assert found.citations[0].document == "warehouse.txt"
