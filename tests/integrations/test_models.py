"""Ours in LlamaIndex: LLM and embedding."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.query_engine import RetrieverQueryEngine

from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Completion
from hybrid.errors import WindowError
from hybrid.integrations.llama_index import (
    HybridEmbedding,
    HybridLLM,
    HybridRetriever,
    Said,
)
from hybrid.settings import EngineSettings
from hybrid.types import Usage
from tests.integrations.leases import LEASES, QUESTION
from tests.integrations.nodes import heard
from tests.session.doubles import ByWords


class Echo(ByWords):
    """An engine that streams back what it was sent, two words at a time."""

    name, window, concurrency, on_gpu = "echo", 50, 1, False

    def ask(self, prompt, *, max_tokens, on_text=None):
        tokens = self.measure(prompt)
        if tokens + max_tokens > self.window:
            raise WindowError(f"{tokens} tokens are too many.")
        text = " | ".join(f"{m['role']}: {m['content']}" for m in prompt.messages())
        for at in range(0, len(text) if on_text else 0, 5):
            on_text(text[at : at + 5])
        return Completion(text, Usage(calls=1, prompt_tokens=tokens, output_tokens=len(text.split())))


MESSAGES = [ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content="Hello there")]


def test_an_llm_sends_messages_as_they_are_and_tells_what_was_spent():
    llm = HybridLLM(Echo(), max_tokens=16)
    assert llm.metadata.context_window == 50
    assert llm.metadata.model_name == "echo"
    assert llm.complete("Hello").text == "user: Hello"
    with heard() as events:
        reply = llm.chat(MESSAGES)
    assert reply.message.content == "system: Be brief. | user: Hello there"
    assert reply.additional_kwargs["prompt_tokens"] == 4
    assert reply.additional_kwargs["total_tokens"] == 4 + reply.additional_kwargs["completion_tokens"]
    assert reply.additional_kwargs["usage"]["calls"] == 1
    assert events == ["LLMChatStartEvent", "LLMChatEndEvent"]


def test_an_llm_streams():
    with heard() as events:
        replies = list(HybridLLM(Echo(), max_tokens=16).stream_chat(MESSAGES))
    assert "".join(reply.delta for reply in replies) == replies[-1].message.content
    assert replies[-1].message.content == "system: Be brief. | user: Hello there"
    assert replies[-1].additional_kwargs["usage"]["prompt_tokens"] == 4
    assert events[0] == "LLMChatStartEvent"
    assert events[-1] == "LLMChatEndEvent"
    assert "".join(reply.delta for reply in HybridLLM(Echo(), max_tokens=16).stream_complete("x y")) == "user: x y"


def test_an_llm_is_asked_asynchronously():
    llm = HybridLLM(Echo(), max_tokens=16)

    async def ask():
        streamed = [reply.delta async for reply in await llm.astream_chat(MESSAGES)]
        return (await llm.achat(MESSAGES)).message.content, (await llm.acomplete("Hi")).text, "".join(streamed)

    with heard() as events:
        chatted, completed, streamed = asyncio.run(ask())
    assert chatted == streamed == "system: Be brief. | user: Hello there"
    assert completed == "user: Hi"
    assert events.count("LLMCompletionStartEvent") == 1


def test_an_llm_keeps_its_window_and_heeds_max_tokens():
    llm = HybridLLM(Echo(), max_tokens=49)
    with pytest.raises(WindowError, match="are too many"):
        llm.chat(MESSAGES)
    with pytest.raises(WindowError, match="are too many"):
        list(llm.stream_chat(MESSAGES))
    assert llm.chat(MESSAGES, max_tokens=8).message.content


def test_the_engine_that_quotes_answers_their_prompts(small):
    engine = RetrieverQueryEngine.from_args(HybridRetriever(small, LEASES), llm=HybridLLM(small.engine))
    assert "31 August 2031" in str(engine.query(QUESTION))


def test_what_they_retrieved_is_not_taken_for_a_whole_document(small):
    said = Said.of([("user", f"Context information is below.\n{LEASES}\nQuery: {QUESTION}\nAnswer: ")])
    assert not small.engine._scan(said).sole
    assert small.engine._scan(Prompt(QUESTION, said.pieces)).sole


def test_settings_make_an_llm():
    assert HybridLLM(EngineSettings(window=4_000)).metadata.context_window == 4_000


def test_a_prompt_without_a_marked_question_is_the_question():
    said = Said.of([("user", "Where is it?")])
    assert said.question == "Where is it?"
    assert Said.of([("user", "It is in Lima.\nQuery: Where?\nAnswer: ")]).question == "Where?"


def test_our_embedder_is_an_embedding_of_theirs(embedder):
    embedding = HybridEmbedding(embedder)
    vectors = embedding.get_text_embedding_batch(list(LEASES.values()))
    assert vectors == pytest.approx(embedder.encode_documents(list(LEASES.values())), abs=1e-5)
    assert embedding.get_query_embedding("Where?") == pytest.approx(embedder.encode_query(["Where?"])[0], abs=1e-5)
    assert asyncio.run(embedding.aget_query_embedding("Where?")) == pytest.approx(
        embedding.get_query_embedding("Where?"), abs=1e-5
    )
    assert embedding.get_text_embedding("Where?") == pytest.approx(embedder.encode_documents(["Where?"])[0], abs=1e-5)
