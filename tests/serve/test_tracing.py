"""Spans of answers."""

from __future__ import annotations

import pytest

from hybrid.session.hybrid import Hybrid
from hybrid.settings import load
from tests.serve.conftest import LEASE

sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="spans need hybrid-context[otel]")


def test_a_question_is_a_span_with_its_stages_in_order_under_the_callers_trace() -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from hybrid.serve.tracing import HEADERS, Tracing

    kept = InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    with Hybrid(load(environ={})) as hybrid:
        answer = hybrid.answer("When does the lease end?", {"lease.md": LEASE})
    trace = "0af7651916cd43dd8448eb211c80319c"
    HEADERS.set({"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    Tracing(provider).answered("lease", answer, sum(answer.timings.values()))
    spans = {span.name.split()[0]: span for span in kept.get_finished_spans()}
    assert {"question", "retrieval", "decide", "chat"} <= set(spans)
    assert all(format(span.context.trace_id, "032x") == trace for span in spans.values())
    assert all(spans[name].parent.span_id == spans["question"].context.span_id for name in ("retrieval", "chat"))
    assert spans["retrieval"].end_time <= spans["decide"].start_time <= spans["chat"].start_time
    assert spans["chat"].attributes["gen_ai.usage.cache_read.input_tokens"] == 0
    assert spans["chat"].attributes["gen_ai.usage.input_tokens"] > 0
