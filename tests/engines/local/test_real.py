"""The engine in this process with real weights: tokens, citations, a GGUF file, a second question on a long document.

The model is of 135 million parameters: what is asked here it can answer, and it proves nothing about accuracy.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from hybrid import Hybrid, load
from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Engine
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


def haystack(engine: Engine, tokens: int) -> str:
    """Prose of about so many tokens, with a fact at a third of it."""
    draw = Random(0)
    people, things = ("A farmer", "The miller", "Her brother", "An old guest"), ("door", "window", "cart", "garden")
    told = ("left the {} open and went home", "spoke of the {} for an hour", "saw the {} and said nothing")

    def sentence() -> str:
        return f"{draw.choice(people)} {draw.choice(told).format(draw.choice(things))}."

    prose = [sentence() for _ in range(tokens)]
    each = engine.count([" ".join(prose)])[0] / len(prose)
    prose = prose[: round(tokens / each)]
    return " ".join([*prose[: len(prose) // 3], FACT, *prose[len(prose) // 3 :]])


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
        real.ask(Prompt(question, (Piece("docs", text, 0),)), max_tokens=18) for question in (YEAR, "Who saw the cart?")
    )
    assert first.usage.cached_tokens == 0
    assert "1932" in first.text
    assert second.usage.cached_tokens > 0.95 * second.usage.prompt_tokens
    assert first.usage.cpu_seconds is not None
    assert second.usage.cpu_seconds is not None
    assert second.usage.cpu_seconds < first.usage.cpu_seconds / 3
