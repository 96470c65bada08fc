"""A server's answer as it streams in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Reply:
    """What has come in of an answer."""

    pieces: list[str] = field(default_factory=list)
    finish: str | None = None
    usage: object = None
    metrics: object = None  # timings of this request: vLLM's, with --enable-per-request-metrics, or llama.cpp's
    first: float | None = None  # time of the first text, by perf_counter
    heard: bool = False  # whether any chunk was part of a chat completion
    thought: bool = False  # whether a reasoning parser set thoughts apart

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)

    def take(self, chunk: Any) -> str:
        """Take in one chunk; returns its text."""
        self.usage = getattr(chunk, "usage", None) or self.usage
        self.metrics = getattr(chunk, "metrics", None) or getattr(chunk, "timings", None) or self.metrics
        choices = getattr(chunk, "choices", None)
        if not choices:
            return ""
        self.heard = True
        self.finish = choices[0].finish_reason or self.finish
        return self._said(choices[0].delta)

    def take_whole(self, completion: Any) -> str:
        """Take in an answer that comes in one piece; returns its text."""
        self.usage, choice = getattr(completion, "usage", None), completion.choices[0]
        self.finish = choice.finish_reason or "stop"
        return self._said(choice.message)

    def _said(self, part: Any) -> str:
        self.thought = self.thought or any(getattr(part, name, None) for name in ("reasoning_content", "reasoning"))
        text = part.content or ""
        if not isinstance(text, str):
            raise TypeError("the content of a chunk is not text")
        return text

    @property
    def told(self) -> tuple[float, float, float] | None:
        """The seconds that vLLM says it let the request wait, read its prompt and answered; None: it does not say."""
        queue, read, written = (
            self.seconds(None, f"{name}_ms") for name in ("queue_time", "time_to_first_token", "generation_time")
        )
        return None if read is None else (queue or 0.0, read, written or 0.0)

    def seconds(self, counted: float | None, *names: str) -> float | None:
        """The server's timing by the first of the names that its metrics have, else as its counters moved."""
        metrics = self.metrics if isinstance(self.metrics, Mapping) else {}
        told = next((metrics[name] for name in names if name in metrics), None)
        return told / 1000 if isinstance(told, int | float) else counted
