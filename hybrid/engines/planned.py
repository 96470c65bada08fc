"""A model that nobody serves yet: only what a decision needs to know of it."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Completion, OnText
from hybrid.errors import EngineError, InputError
from hybrid.index.embedding import Embedder
from hybrid.model.config import window_of
from hybrid.model.read import read_model


class Planned:
    """An engine that can be decided for and not asked: `hybrid route --model NAME`.

    Args:
        model: a folder, a carried name or a hub name; its configuration tells the window.
        embedder: counts tokens instead of the model's own tokenizer.

    Raises:
        InputError: there is no such model, or its configuration tells no window.
    """

    on_gpu = True
    counts_exactly = False
    concurrency = 1

    def __init__(self, model: str, embedder: Embedder) -> None:
        window = window_of(read_model(model).config)
        if window is None:
            raise InputError(f"The configuration of {model} tells no window: name another model.")
        self.name, self.window, self._embedder = model, window, embedder

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text in the embedder's tokenizer."""
        return self._embedder.count(texts)

    def measure(self, prompt: Prompt) -> int:
        """Tokens of the prompt's messages, without the chat template."""
        return sum(self.count([message["content"] for message in prompt.messages()]))

    def ask(self, prompt: Prompt, *, max_tokens: int, on_text: OnText | None = None) -> Completion:
        """Fail: nothing is served.

        Raises:
            EngineError: always.
        """
        raise EngineError(
            f"{self.name} is only planned for: serve it with `hybrid up {self.name}`, and name its --url."
        )
