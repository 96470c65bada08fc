"""A table by a real small model: what it replies badly is not read and counts nowhere. It tells nothing of accuracy."""

from __future__ import annotations

import pytest

from hybrid.each.by_model import Model, NotRead
from hybrid.each.units import Unit
from hybrid.engines.local.engine import LocalEngine
from hybrid.settings import EngineSettings
from hybrid.types import Column
from tests import smollm2
from tests.each.conftest import LEASES

COLUMNS = [Column(name="rent", kind="amount", description="the rent")]
ASKED = ("ash.txt", "cedar.txt")


@pytest.mark.slow
def test_what_a_small_model_says_counts_only_where_the_text_has_it() -> None:
    engine = LocalEngine(EngineSettings(kind="local", model=str(smollm2.folder()), device="cpu"))
    model = Model(engine, 96, lambda prompt, most: engine.ask(prompt, max_tokens=most))
    read = 0
    for name in ASKED:
        text = LEASES[name]
        try:
            cells = model.extract(Unit((name,), (text,)), COLUMNS)
        except NotRead:
            continue
        read += 1
        for cell in cells:
            if cell.value is not None and cell.counts:
                assert cell.shown in " ".join(text[cell.start : cell.end].split())
            else:
                assert cell.value is None or cell.doubt
    print(f"\n{read} of {len(ASKED)} documents were read")
