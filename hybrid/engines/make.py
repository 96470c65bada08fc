"""Which engine stands behind a setting."""

from __future__ import annotations

from typing import Any

from hybrid.engines.base import Engine
from hybrid.errors import SettingsError
from hybrid.index.embedding import Embedder
from hybrid.settings import EngineSettings
from hybrid.settings.names import ENGINES


def extractive(settings: EngineSettings, embedder: Embedder) -> Engine:
    """Answers with verbatim quotations."""
    from hybrid.engines.extractive import Extractive

    return Extractive(embedder, settings)


def server(settings: EngineSettings, embedder: Embedder) -> Engine:
    """Any OpenAI-compatible server."""
    from hybrid.engines.replicas import Replicas
    from hybrid.engines.server import Server

    if len(settings.urls) > 1:
        return Replicas(settings)
    return Server(settings.model_copy(update={"url": settings.urls[0], "urls": ()}) if settings.urls else settings)


def local(settings: EngineSettings, embedder: Embedder) -> Engine:
    """A model in this process, by Transformers."""
    from hybrid.engines.local.engine import LocalEngine

    return LocalEngine(settings)


def vllm(settings: EngineSettings, embedder: Embedder) -> Engine:
    """vLLM in this process."""
    from hybrid.engines.vllm import VllmEngine

    return VllmEngine(settings)


def make_engine(what: Any, embedder: Embedder) -> Engine:
    """The engine of settings. An engine stays as it is; a LlamaIndex LLM is wrapped.

    Raises:
        SettingsError: `what` is none of these, or its settings do not fit together.
    """
    if isinstance(what, EngineSettings):
        engine: Engine = ENGINES[what.kind](what, embedder)
        return engine
    if hasattr(what, "ask") and hasattr(what, "window"):
        return what  # type: ignore[no-any-return]
    if hasattr(what, "metadata") and hasattr(what, "chat"):
        from hybrid.engines.llama_index import LlamaIndexEngine

        return LlamaIndexEngine(what)
    raise SettingsError(f"A {type(what).__name__} is no engine: give settings, an Engine or a LlamaIndex LLM.")
