"""The engine in this process with real weights: citations, a second question on a long document, a longer window.

The model is of 135 million parameters: what is asked here it can answer, and it proves nothing about accuracy.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid import Hybrid, load
from hybrid.chat.prompts import Prompt
from hybrid.engines.local.engine import LocalEngine
from hybrid.index.embedding import Embedder
from hybrid.settings import EngineSettings
from hybrid.types import Piece
from tests import smollm2
from tests.engines.local.conftest import by_transformers

pytestmark = pytest.mark.slow
SHORT = Path(__file__).parents[3] / "evals" / "bench" / "short" / "dev"
FACT = "The old bridge over the Maronne was built in 1932."
YEAR = "In which year was the old bridge over the Maronne built?"


def haystack(engine: LocalEngine, tokens: int) -> str:
    """The repository's own documents, about so many tokens, with a fact at a third of them."""
    root = Path(__file__).parents[3]
    text = "\n\n".join(file.read_text("utf-8") for file in sorted((root / "docs").glob("*.md"))) * 3
    text = text[: round(tokens * len(text[:20_000]) / engine.count([text[:20_000]])[0])]
    place = text.index(".\n", len(text) // 3) + 2
    return f"{text[:place]}{FACT}\n{text[place:]}"


def test_a_question_is_answered_and_cited(real: LocalEngine, embedder: Embedder) -> None:
    overrides = {"engine": {"kind": "local", "model": str(smollm2.folder()), "device": "cpu", "max_tokens": 24}}
    with Hybrid(load(overrides=overrides, environ={})) as hybrid:
        hybrid.embedder = embedder
        first = hybrid.answer("When does the lease end?", SHORT / "lease.md", route="long")
        second = hybrid.answer("How high is the monthly rent?", SHORT / "lease.md", route="long")
    assert "28 February 2027" in first.text
    assert "1,240" in second.text
    assert [answer.citations[0].document for answer in (first, second)] == ["lease.md", "lease.md"]
    assert "28 February 2027" in first.citations[0].quote
    assert second.usage.cached_tokens > 0.9 * second.usage.prompt_tokens
    assert first.cost.cpu_seconds is not None
    assert first.cost.gpu_seconds == 0


def test_it_writes_what_transformers_writes(real: LocalEngine) -> None:
    text = (SHORT / "minutes.txt").read_text("utf-8")
    for question in ("Who wrote the minutes?", "What was decided?"):
        asked = Prompt(question, (Piece("minutes.txt", text, 0),))
        assert real.ask(asked, max_tokens=16).text == by_transformers(real, asked, 16)


def test_a_gguf_file_is_the_same_model(real: LocalEngine) -> None:
    file = LocalEngine(EngineSettings(kind="local", model=str(smollm2.gguf()), device="cpu"))
    text = (SHORT / "lease.md").read_text("utf-8")
    asked = Prompt("When does the lease end?", (Piece("lease.md", text, 0),))
    assert file.window == real.window == smollm2.WINDOW
    assert file._tokens(asked) == real._tokens(asked)
    assert file.ask(asked, max_tokens=16).text == real.ask(asked, max_tokens=16).text


def test_a_second_question_on_a_long_document_costs_little(real: LocalEngine) -> None:
    text = haystack(real, 3000)
    first, second = (
        real.ask(Prompt(question, (Piece("docs", text, 0),)), max_tokens=4) for question in (YEAR, "What is a route?")
    )
    assert first.usage.cached_tokens == 0
    assert second.usage.cached_tokens > 0.95 * second.usage.prompt_tokens
    assert first.usage.cpu_seconds is not None
    assert second.usage.cpu_seconds is not None
    assert second.usage.cpu_seconds < first.usage.cpu_seconds / 5


def test_a_fact_is_found_beyond_the_native_window(real: LocalEngine) -> None:
    extended = LocalEngine(EngineSettings(kind="local", model=real.model, device="cpu", window=4 * smollm2.WINDOW))
    asked = Prompt(YEAR, (Piece("docs", haystack(extended, 8600), 0),))
    assert smollm2.WINDOW < extended.measure(asked) < 10_000
    found = extended.ask(asked, max_tokens=20)
    assert "1932" in found.text
    assert extended._computing.weights is real._computing.weights
