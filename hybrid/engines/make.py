"""Which engine stands behind a setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hybrid.engines.base import Engine
from hybrid.errors import SettingsError
from hybrid.index.embedding import Embedder
from hybrid.settings import EngineSettings


def _extractive(settings: EngineSettings, embedder: Embedder) -> Engine:
    from hybrid.engines.extractive import Extractive

    return Extractive(embedder, settings)


def _server(settings: EngineSettings, embedder: Embedder) -> Engine:
    from hybrid.engines.server import Server

    return Server(settings)


def _vllm(settings: EngineSettings, embedder: Embedder) -> Engine:
    from hybrid.engines.vllm import VllmEngine

    return VllmEngine(settings)


ENGINES: dict[str, Callable[[EngineSettings, Embedder], Engine]] = {
    "extractive": _extractive,
    "server": _server,
    "vllm": _vllm,
}


def make_engine(what: Any, embedder: Embedder) -> Engine:
    """The engine of some settings; an engine as it is; a LlamaIndex LLM wrapped.

    Raises:
        SettingsError: it is none of these, or its settings do not fit together.
    """
    if isinstance(what, EngineSettings):
        return ENGINES[what.kind](what, embedder)
    if hasattr(what, "ask") and hasattr(what, "window"):
        return what  # type: ignore[no-any-return]
    if hasattr(what, "metadata") and hasattr(what, "chat"):
        from hybrid.engines.llama_index import LlamaIndexEngine

        return LlamaIndexEngine(what)
    raise SettingsError(f"A {type(what).__name__} is no engine: give settings, an Engine or a LlamaIndex LLM.")
