"""Spans for OpenTelemetry, where its SDK is installed and `OTEL_EXPORTER_OTLP_ENDPOINT` says where they go.

A question is a span with one for each stage of its way: `retrieval`, `decide`, and `chat` for every call of an engine,
named and described by the conventions for generative models. A caller's own trace goes on in them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextvars import ContextVar
from importlib.util import find_spec
from typing import Any

from hybrid import __version__
from hybrid.types import Answer

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_BEFORE = tuple(
    (stage, "retrieval" if stage == "retrieve" else stage)
    for stage in ("load", "understand", "retrieve", "rerank", "decide")
)

HEADERS: ContextVar[Mapping[str, str] | None] = ContextVar("HEADERS", default=None)  # of the request under way


class Tracing:
    """Makes spans of answers; without the SDK, or without a place for them, it makes none.

    Args:
        provider: of OpenTelemetry; None: one that exports as the environment says.
    """

    def __init__(self, provider: Any = None) -> None:
        self._tracer: Any = None
        if provider is None and any(os.environ.get(name) for name in _ENDPOINTS):
            provider = _exporting()
        if provider is not None:
            self._tracer = provider.get_tracer("hybrid", __version__)

    def answered(self, corpus: str, answer: Answer, seconds: float) -> None:
        """Make the spans of an answer that has just ended.

        Stages follow one another, so their lengths tell their places.
        """
        if self._tracer is None:
            return
        from opentelemetry.trace import set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        end = time.time_ns()
        at = end - _ns(seconds)
        parent = TraceContextTextMapPropagator().extract(dict(HEADERS.get() or {}))
        whole = self._tracer.start_span("question", context=parent, start_time=at)
        whole.set_attributes(
            {
                "hybrid.corpus": corpus,
                "hybrid.route": answer.route,
                "hybrid.rung": answer.decision.rung,
                "hybrid.policy": answer.decision.policy,
                "hybrid.abstained": answer.abstained,
            }
        )
        inside = set_span_in_context(whole)
        for stage, name in _BEFORE:
            if stage in answer.timings:
                span = self._tracer.start_span(name, context=inside, start_time=at)
                at += _ns(answer.timings[stage])
                span.end(at)
        for attempt in answer.attempts:
            span = self._tracer.start_span(f"chat {attempt.engine}", context=inside, start_time=at)
            span.set_attributes(_described(attempt))
            at = min(end, at + _ns(attempt.usage.seconds))
            span.end(at)
        whole.end(end)


def _described(attempt: Any) -> dict[str, Any]:
    """An attempt in the words of the conventions."""
    usage, cost = attempt.usage, attempt.cost
    known = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": attempt.engine,
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "hybrid.rung": attempt.decision.rung,
        "hybrid.calls": usage.calls,
        "hybrid.abstained": attempt.abstained,
        "hybrid.gpu_seconds": cost.gpu_seconds,
        "hybrid.dollars": cost.dollars,
    }
    return {name: value for name, value in known.items() if value is not None}


def _exporting() -> Any:
    if find_spec("opentelemetry.sdk") is None or find_spec("opentelemetry.exporter") is None:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "hybrid")}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
