"""The tokenizer of a server: exact counts where it has an endpoint for that, estimates where it has none."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Literal

from hybrid.chat.prompts import sendable
from hybrid.engines.remembered import Remembered
from hybrid.engines.wire import Wire

COUNTS_KEPT = 100_000  # token counts remembered
PER_MESSAGE = 16  # tokens a chat template adds to a message, where only an estimate is possible


class Tokenizer:
    """Counts tokens as a server does; it counts each distinct text once. Many threads may use one instance.

    Args:
        wire: to the server.
        model: tells the model's name on the server when it is first needed.
        concurrency: texts that may be counted at once.
        note: is told what the user should know.
    """

    def __init__(self, wire: Wire, model: Callable[[], str], concurrency: int, note: Callable[[str], None]) -> None:
        self._wire, self._model, self._concurrency, self._note = wire, model, concurrency, note
        self._counts = Remembered(self._counted, COUNTS_KEPT)
        self._measures = Remembered(lambda prompts: map(self._measured, map(json.loads, prompts)), COUNTS_KEPT)

    @cached_property
    def kind(self) -> Literal["vllm", "llama.cpp", "llama-cpp-python", "none"]:
        """Whose endpoint the server has."""
        probe = {"model": self._model(), "prompt": "probe", "add_special_tokens": False}
        if isinstance(self._wire.probe("/tokenize", probe).get("count"), int):
            return "vllm"
        if self._wire.probe("/tokenize", {"content": "probe", "add_special": False}).get("tokens"):
            return "llama.cpp"
        if self._extra("probe"):
            return "llama-cpp-python"
        self._note(f"{self._wire.host} has no tokenizer endpoint: token counts are estimates")
        return "none"

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, no special tokens added."""
        return self._counts(texts)

    def measure(self, messages: list[dict[str, str]]) -> int:
        """Tokens of a whole prompt, chat template included."""
        return self._measures([json.dumps(messages)])[0]

    def tokens(self, text: str, special: bool = False) -> int:
        """Tokens of one text, not remembered; with `special`, of a whole prompt as the template rendered it."""
        text = sendable(text)
        if not text or self.kind == "none":
            return -(-len(text.encode()) // 3)
        path, body = "/tokenize", dict[str, object](content=text, add_special=special)
        if self.kind == "vllm":
            body = {"model": self._model(), "prompt": text, "add_special_tokens": special}
        elif self.kind == "llama-cpp-python":
            path, body = "/extras/tokenize", {"model": self._model(), "input": text}
        told = self._wire.call(path, body, beside=True)
        tokens = told.get("tokens") if isinstance(told, Mapping) else None
        if not isinstance(tokens, list):
            raise self._wire.faults.garbage("no tokens from its tokenizer")
        return len(tokens) - (self._begins if self.kind == "llama-cpp-python" else 0)

    @cached_property
    def _begins(self) -> int:
        """Tokens that llama-cpp-python puts before every text: one where the model has a token for that."""
        return len(self._extra(""))

    def _extra(self, text: str) -> Sequence[object]:
        return self._wire.probe("/extras/tokenize", {"model": self._model(), "input": text}).get("tokens") or ()

    def _measured(self, messages: list[dict[str, str]]) -> int:
        if self.kind == "vllm":
            told = self._wire.probe("/tokenize", {"model": self._model(), "messages": messages}).get("count")
            if isinstance(told, int):
                return told
        if self.kind == "llama.cpp":
            rendered = self._wire.probe("/apply-template", {"messages": messages}).get("prompt")
            if isinstance(rendered, str):
                return self.tokens(rendered, special=True)
        return sum(self.count([message["content"] for message in messages])) + PER_MESSAGE * len(messages)

    def _counted(self, texts: list[str]) -> list[int]:
        if len(texts) < 2 or self.kind == "none":
            return [self.tokens(text) for text in texts]
        with ThreadPoolExecutor(min(self._concurrency, len(texts), 8)) as pool:
            return list(pool.map(self.tokens, texts))
