"""What is expected in a prefix cache."""

from __future__ import annotations

from typing import Any

from hybrid import Hybrid, Settings
from hybrid.engines.base import Completion
from hybrid.prompts import Prompt
from hybrid.types import Usage
from hybrid.warm import Warm

READ = [("a", 1000), ("b", 2000)]


def test_the_common_beginning_is_expected() -> None:
    warm = Warm()
    assert warm.expected("x", ["a"]) == 0
    warm.note("x", READ, 0)
    assert warm.expected("x", ["a", "b"]) == 3000
    assert warm.expected("x", ["a", "c"]) == 1000
    assert warm.expected("x", ["a", "b", "c"]) == 3000
    assert warm.expected("x", ["b", "a"]) == 0
    assert warm.expected("y", ["a", "b"]) == 0


def test_reports_correct_it() -> None:
    warm = Warm()
    warm.note("x", READ, 0)
    warm.note("x", READ, 2900)
    assert warm.expected("x", ["a", "b"]) == 3000
    warm.note("x", [("c", 500)], 0)
    warm.note("x", READ, 700)  # most of it was evicted: what else is remembered may be gone as well
    assert warm.expected("x", ["c"]) == 0
    assert warm.expected("x", ["a", "b"]) == 3000
    warm.note("x", READ, 0)  # it does not cache, or does not say so
    assert warm.expected("x", ["a", "b"]) == 0
    warm.note("x", READ, 2900)
    assert warm.expected("x", ["a", "b"]) == 3000


def test_only_so_much_is_remembered() -> None:
    warm = Warm()
    for i in range(100):
        warm.note("x", [(str(i), 10)], 0)
    assert warm.expected("x", ["0"]) == 0
    assert warm.expected("x", ["99"]) == 10


class Caching:
    """An engine that caches whole prompts' beginnings, as far as this test needs."""

    name, window, concurrency, counts_exactly, on_gpu = "caching", 20_000, 1, True, True

    def __init__(self) -> None:
        self.seen: list[str] = []

    def count(self, texts: Any) -> list[int]:
        return [len(text.split()) for text in texts]

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


def test_the_second_question_on_a_document_is_predicted_cheaper() -> None:
    texts = {"one": "Rent is due monthly. " * 400, "two": "The cat sleeps. " * 400}
    with Hybrid(Settings(), engine=Caching()) as hybrid:
        store = hybrid.open(texts)
        cold = hybrid.decide("When is rent due?", store, route="long")
        first = hybrid.answer("When is rent due?", store, route="long")
        warm = hybrid.decide("Who pays the rent?", store, route="long")
        second = hybrid.answer("Who pays the rent?", store, route="long")
    before = {p.rung: p for p in cold.predictions}[first.decision.rung]
    after = {p.rung: p for p in warm.predictions}[first.decision.rung]
    assert (before.cached_tokens, first.usage.cached_tokens) == (0, 0)
    assert after.cached_tokens > 0.9 * first.usage.prompt_tokens - 100
    assert second.usage.cached_tokens > 0.9 * second.usage.prompt_tokens - 100
    assert (after.cost.gpu_seconds or 1) < (before.cost.gpu_seconds or 0)
