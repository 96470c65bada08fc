"""What a service counts of its questions, in Prometheus's form, and what it has saved against always reading whole."""

from __future__ import annotations

from threading import Lock
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from hybrid.types import Answer, Decision

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class Measured:
    """Counters of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self._questions = Counter(
            "hybrid_questions", "Questions by corpus, route and outcome", ["corpus", "route", "outcome"], registry=own
        )
        self._failures = Counter(
            "hybrid_failures", "Questions without an answer, by the kind of fault", ["fault"], registry=own
        )
        self._decisions = Counter("hybrid_decisions", "Decisions without an answer, by route", ["route"], registry=own)
        self._tokens = Counter(
            "hybrid_tokens", "Tokens by kind: prompt, cached (of them), output", ["kind"], registry=own
        )
        self._calls = Counter("hybrid_engine_calls", "Calls of engines", registry=own)
        self._gpu = Counter("hybrid_gpu_seconds", "GPU-seconds, where they are known", registry=own)
        self._joules = Counter("hybrid_joules", "Energy above idle, where it is measured", registry=own)
        self._dollars = Counter("hybrid_dollars", "Money, where a price is known", registry=own)
        self._seconds = Histogram("hybrid_question_seconds", "From request to answer", buckets=_BUCKETS, registry=own)
        self._stages = Histogram(
            "hybrid_stage_seconds", "By stage of a question's way", ["stage"], buckets=_BUCKETS, registry=own
        )
        self._first = Histogram(
            "hybrid_first_token_seconds", "To an engine's first text", buckets=_BUCKETS, registry=own
        )
        self._lock = Lock()
        self.totals = {
            "questions": 0,
            "gpu_seconds": 0.0,
            "dollars": 0.0,
            "whole_gpu_seconds": 0.0,
            "whole_dollars": 0.0,
        }

    def answered(self, corpus: str, answer: Answer, seconds: float) -> None:
        """Count an answer."""
        outcome = "abstained" if answer.abstained else "answered"
        self._questions.labels(corpus, answer.route, outcome).inc()
        usage, cost = answer.usage, answer.cost
        for kind, tokens in (
            ("prompt", usage.prompt_tokens),
            ("cached", usage.cached_tokens),
            ("output", usage.output_tokens),
        ):
            self._tokens.labels(kind).inc(tokens)
        self._calls.inc(usage.calls)
        for counter, value in (
            (self._gpu, cost.gpu_seconds),
            (self._joules, cost.joules),
            (self._dollars, cost.dollars),
        ):
            if value:
                counter.inc(value)
        self._seconds.observe(seconds)
        for stage, took in answer.timings.items():
            self._stages.labels(stage).observe(took)
        if usage.first_token_seconds is not None:
            self._first.observe(usage.first_token_seconds)
        self._sum(answer)

    def failed(self, error: BaseException) -> None:
        """Count a question without an answer."""
        self._failures.labels(type(error).__name__).inc()

    def decided(self, decision: Decision, seconds: float) -> None:
        """Count a decision that was all that was asked for."""
        self._decisions.labels(decision.route).inc()
        self._stages.labels("route").observe(seconds)

    def exposition(self) -> bytes:
        """All of it as Prometheus reads it."""
        text: bytes = generate_latest(self.registry)
        return text

    def saved(self) -> dict[str, Any]:
        """Running totals: what answers took, and what reading the whole corpus for each was predicted to take."""
        with self._lock:
            return dict(self.totals)

    def _sum(self, answer: Answer) -> None:
        """Add an answer to the totals: predictions with predictions, as what was not done can only be predicted."""
        predicted = {prediction.rung: prediction.cost for prediction in answer.decision.predictions}
        whole = predicted.get("corpus")
        taken = [predicted.get(attempt.decision.rung) for attempt in answer.attempts]
        with self._lock:
            self.totals["questions"] += 1
            if whole is None or any(cost is None for cost in taken):
                return
            for name in ("gpu_seconds", "dollars"):
                self.totals[name] += sum(getattr(cost, name) or 0.0 for cost in taken)
                self.totals[f"whole_{name}"] += getattr(whole, name) or 0.0
