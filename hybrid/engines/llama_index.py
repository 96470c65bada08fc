"""Any LlamaIndex LLM as an engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import abstains
from hybrid.engines.base import Completion, OnText
from hybrid.engines.faults import nothing_said
from hybrid.errors import EngineError, HybridError, MissingDependency, WindowError
from hybrid.types import Usage


class LlamaIndexEngine:
    """Wraps an LLM of LlamaIndex; its window is `llm.metadata.context_window`.

    Args:
        llm: a `llama_index.core.llms.LLM`.
        tokenizer: text to tokens; LlamaIndex's global tokenizer by default, which may not be the model's own, so
            counts are taken as estimates.
    """

    concurrency = 4
    on_gpu = True

    def __init__(self, llm: Any, tokenizer: Callable[[str], Sequence[Any]] | None = None) -> None:
        self.llm = llm
        self._exact = tokenizer is not None
        self._tokenizer = tokenizer or _global_tokenizer()

    @property
    def name(self) -> str:
        """The LLM's class and model."""
        return f"{self.llm.metadata.model_name or 'model'} ({type(self.llm).__name__})"

    @property
    def window(self) -> int:
        """Tokens of prompt and answer together, as the LLM states them."""
        return int(self.llm.metadata.context_window)

    @property
    def counts_exactly(self) -> bool:
        """Whether the model's own tokenizer was given."""
        return self._exact

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""
        return [len(self._tokenizer(text)) for text in texts]

    def measure(self, prompt: Prompt) -> int:
        """Tokens of the whole prompt, with 8 for each message's frame."""
        return sum(self.count([message["content"] for message in prompt.messages()])) + 16

    def ask(self, prompt: Prompt, *, max_tokens: int, on_text: OnText | None = None) -> Completion:
        """Complete the prompt. Raises WindowError or EngineError.

        What the caller sets of temperature, tokens and stops is given to the LLM by those names; most take them.
        """
        from llama_index.core.llms import ChatMessage

        tokens = self.measure(prompt)
        if tokens + max_tokens > self.window:
            raise WindowError(
                f"The prompt takes {tokens} tokens and {max_tokens} are kept for the answer, but {self.name} reads "
                f"only {self.window}. If the model reads more, set the LLM's context_window."
            )
        messages = [ChatMessage(role=m["role"], content=m["content"]) for m in prompt.messages()]
        options = _options(prompt)
        # CPU time is the whole process's, as a model that runs in it computes in threads of its own
        begun, cpu, first = time.perf_counter(), time.process_time(), None
        text, raw = "", None
        try:
            if on_text is None:
                reply = self.llm.chat(messages, **options)
                text, raw = str(reply.message.content or ""), reply.raw
            else:
                for reply in self.llm.stream_chat(messages, **options):
                    first = first or time.perf_counter() - begun
                    on_text(reply.delta or "")
                    text, raw = str(reply.message.content or ""), reply.raw
        except HybridError:  # of whoever takes the text, such as that nobody waits for it any more
            raise
        except Exception as error:
            raise EngineError(f"{self.name} failed: {type(error).__name__}: {error}".split("\n")[0]) from error
        seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu
        times = {"seconds": seconds, "first_token_seconds": first, "cpu_seconds": cpu_seconds}
        usage = _usage(raw, tokens, lambda: self.count([text])[0]).model_copy(update=times)
        if not text.strip():
            silent = nothing_said(self.name)
            silent.usage = usage
            raise silent
        return Completion(text, usage, abstained=abstains(text))


def _options(prompt: Prompt) -> dict[str, Any]:
    """What the caller of this one question sets, as LLMs of LlamaIndex take it."""
    own = prompt.sampling
    if own is None:
        return {}
    told = {"temperature": own.temperature, "max_tokens": own.max_tokens, "stop": list(own.stop) or None}
    return {name: value for name, value in told.items() if value is not None}


def _usage(raw: Any, prompt: int, output: Callable[[], int]) -> Usage:
    """What the model's server told, counted by us where it did not."""
    told = raw.get("usage") if isinstance(raw, dict) else getattr(raw, "usage", None)

    def field(name: str) -> int | None:
        value = told.get(name) if isinstance(told, dict) else getattr(told, name, None)
        return int(value) if isinstance(value, int) else None

    told_output = field("completion_tokens")
    return Usage(
        calls=1,
        prompt_tokens=field("prompt_tokens") or prompt,
        output_tokens=output() if told_output is None else told_output,
    )


def _global_tokenizer() -> Callable[[str], Sequence[Any]]:
    try:
        from llama_index.core.utils import get_tokenizer
    except ImportError:
        raise MissingDependency("llama-index-core", "llama-index", "A LlamaIndex LLM") from None
    tokenizer: Callable[[str], Sequence[Any]] = get_tokenizer()
    return tokenizer
