"""Engines that reply as a test tells them, and how a `Hybrid` asks them."""

from __future__ import annotations

from typing import Any

from hybrid import Hybrid, Settings, load
from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import abstains
from hybrid.engines.base import Completion
from hybrid.types import Usage

PRICED = Settings.model_validate(
    {"cost": {"dollars_per_million_prompt": 1.0, "dollars_per_million_cached": 0.01, "dollars_per_million_output": 0}}
)


class ByLetters:
    """What an engine tells of itself; four letters are a token."""

    window, concurrency, counts_exactly, on_gpu = 100_000, 2, True, True

    def count(self, texts):
        return [len(text) // 4 + 1 for text in texts]

    def measure(self, prompt):
        return sum(self.count([message["content"] for message in prompt.messages()]))


class ByWords(ByLetters):
    """The same; a word is a token."""

    def count(self, texts):
        return [len(text.split()) for text in texts]


class Model(ByLetters):
    """An engine that replies as it is told: for replies that a real model would not give on demand."""

    name = "told"

    def __init__(self, *replies: str, window: int = 200_000, truncated: bool = False) -> None:
        self.replies, self.window, self.truncated, self.prompts = list(replies), window, truncated, []

    def ask(self, prompt, *, max_tokens, on_text=None):
        self.prompts.append(prompt)
        text = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        for letter in text if on_text else ():
            on_text(letter)
        usage = Usage(calls=1, prompt_tokens=self.measure(prompt), output_tokens=len(text) // 4, seconds=0.5)
        return Completion(text, usage, abstained=abstains(text), truncated=self.truncated)


def asking(hybrid: Hybrid, engine: Any, settings: Settings | None = None, **options: Any) -> Hybrid:
    """Another instance with an engine of its own, sharing the loaded embedder."""
    other = Hybrid(settings or hybrid.settings, engine=engine, **options)
    other.embedder._models.update(hybrid.embedder._models)
    return other


def changed(hybrid: Hybrid, **sections: dict[str, object]) -> Hybrid:
    """Another instance with other settings and texts in memory, sharing the loaded embedder."""
    return asking(hybrid, None, load(overrides=sections, environ={}))


class Caching(ByWords):
    """An engine that caches whole prompts' beginnings, as far as this test needs."""

    name, window, concurrency = "caching", 20_000, 1

    def __init__(self) -> None:
        self.seen: list[str] = []

    def measure(self, prompt: Prompt) -> int:
        return len(prompt.body().split())

    def ask(self, prompt: Prompt, *, max_tokens: int, on_text: Any = None) -> Completion:
        body = prompt.body()
        cached = max((len(_shared(body, other).split()) for other in self.seen), default=0)
        self.seen.append(body)
        return Completion("It is so [1].", Usage(calls=1, prompt_tokens=self.measure(prompt), cached_tokens=cached))


def _shared(a: str, b: str) -> str:
    end = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return a[:end]
