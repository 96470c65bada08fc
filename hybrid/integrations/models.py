"""Our engines and embedder as an LLM and an embedding of LlamaIndex."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse, LLMMetadata, MessageRole
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.custom import CustomLLM

from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Completion, Engine, OnText
from hybrid.engines.make import make_engine
from hybrid.index.embedding import Embedder
from hybrid.session.stream import as_it_comes
from hybrid.settings import EngineSettings
from hybrid.types import Piece

_ASKED = re.compile(r"^[ \t]*(?:Query|Question):[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said(Prompt):
    """Messages that LlamaIndex has composed, sent as they are.

    An engine that only quotes reads `pieces`, which hold the text of all messages, and `question`, which is the last
    line that begins with "Query:" or "Question:" as in LlamaIndex's own prompts.
    """

    excerpts: ClassVar[bool] = True  # LlamaIndex puts together what it retrieved

    said: tuple[tuple[str, str], ...] = ()  # role, content

    @classmethod
    def of(cls, messages: Sequence[tuple[str, str]]) -> Said:
        """The prompt of these messages."""
        text = "\n\n".join(content for _, content in messages)
        asked = list(_ASKED.finditer(text))
        question = asked[-1].group(1).strip() if asked else messages[-1][1].strip() if messages else ""
        context = text[: asked[-1].start()] if asked else text
        return cls(question, (Piece("prompt", context, 0),), said=tuple(messages))

    def messages(self) -> list[dict[str, str]]:
        """The messages as they were given."""
        return [{"role": role, "content": content} for role, content in self.said]


class HybridLLM(CustomLLM):
    """One of our engines as an LLM: a server, vLLM in this process, or the engine that quotes.

    Responses tell their usage in `additional_kwargs`: prompt_tokens, completion_tokens and total_tokens, where
    LlamaIndex's token counter looks for them, and the rest as `usage`.

    Args:
        engine: an engine, or the settings of one.
        max_tokens: room kept for the answer; a call can give another number.
    """

    max_tokens: int = 512
    _engine: Engine = PrivateAttr()

    def __init__(self, engine: Engine | EngineSettings, max_tokens: int = 512, **kwargs: Any) -> None:
        super().__init__(max_tokens=max_tokens, **kwargs)
        self._engine = make_engine(engine, Embedder())

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex serialises it."""
        return "HybridLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """Window and name, as the engine tells them."""
        engine = self._engine
        return LLMMetadata(
            context_window=engine.window, num_output=self.max_tokens, is_chat_model=True, model_name=engine.name
        )

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Complete a text, sent as the user's message. Raises WindowError or EngineError."""
        completion = self._ask(Said.of([("user", prompt)]), None, kwargs)
        return CompletionResponse(text=completion.text, additional_kwargs=_spent(completion))

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> Generator[CompletionResponse, None, None]:
        """Complete a text piece by piece; the last response tells the usage."""
        for text, delta, told in self._stream(Said.of([("user", prompt)]), kwargs):
            yield CompletionResponse(text=text, delta=delta, additional_kwargs=told)

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Reply to messages. Raises WindowError or EngineError."""
        completion = self._ask(_said(messages), None, kwargs)
        return ChatResponse(message=_reply(completion.text), additional_kwargs=_spent(completion))

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Generator[ChatResponse, None, None]:
        """Reply to messages piece by piece; the last response tells the usage."""
        for text, delta, told in self._stream(_said(messages), kwargs):
            yield ChatResponse(message=_reply(text), delta=delta, additional_kwargs=told)

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """`complete` without blocking the event loop."""
        return await asyncio.to_thread(self.complete, prompt, formatted, **kwargs)

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """`chat` without blocking the event loop."""
        return await asyncio.to_thread(self.chat, messages, **kwargs)

    def _ask(self, prompt: Said, on_text: OnText | None, options: dict[str, Any]) -> Completion:
        return self._engine.ask(prompt, max_tokens=options.get("max_tokens", self.max_tokens), on_text=on_text)

    def _stream(self, prompt: Said, options: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """The text until now, the new piece, and at the end the usage."""
        text = ""
        for item in as_it_comes(lambda on_text: self._ask(prompt, on_text, options)):
            if isinstance(item, Completion):
                yield item.text, item.text[len(text) :] if item.text.startswith(text) else "", _spent(item)
            else:
                text += item
                yield text, item, {}


class HybridEmbedding(BaseEmbedding):
    """Our embedder as an embedding of LlamaIndex; the packaged model needs no download.

    Args:
        embedder: None: the packaged model.
    """

    _embedder: Embedder = PrivateAttr()

    def __init__(self, embedder: Embedder | None = None, **kwargs: Any) -> None:
        embedder = embedder or Embedder()
        super().__init__(**{"model_name": embedder.name, "embed_batch_size": 256, **kwargs})
        self._embedder = embedder

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex serialises it."""
        return "HybridEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return [float(number) for number in self._embedder.encode_query([query])[0]]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        found: list[list[float]] = self._embedder.encode_documents(texts).tolist()
        return found

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)


def _said(messages: Sequence[ChatMessage]) -> Said:
    return Said.of([(message.role.value, message.content or "") for message in messages])


def _reply(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.ASSISTANT, content=text)


def _spent(completion: Completion) -> dict[str, Any]:
    usage = completion.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.prompt_tokens + usage.output_tokens,
        "usage": usage.model_dump(),
        "truncated": completion.truncated,
    }
