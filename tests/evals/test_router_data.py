"""The router's training table and report, on LaRA where it is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hybrid.evals.replay import DOCUMENTS
from hybrid.evals.research.router_data import SIZES, groups, halves

from hybrid.files import read_lines

DATA = Path(__file__).parents[3] / "shared" / "data" / "lara"


def test_documents_that_share_text_are_one_group():
    lines = ["x" * 60 + str(i) for i in range(20)]
    found = groups({("a", "1"): "\n".join(lines), ("a", "2"): "\n".join(lines[:10]), ("a", "3"): "y" * 70})
    assert found["a", "1"] == found["a", "2"] != found["a", "3"]


def test_halves_are_even_within_a_stratum_and_do_not_depend_on_order():
    strata = {f"d{i}": "32k book" if i % 2 else "128k book" for i in range(20)}
    found = halves(strata)
    assert sum(found.values()) == 10
    assert found == halves(dict(reversed(strata.items())))


@pytest.mark.skipif(not DATA.is_dir(), reason="LaRA is not beside the project")
def test_laras_papers_that_share_text_stay_together():
    documents = {(s, d["file"]): d["text"] for s in SIZES for d in read_lines(DATA / DOCUMENTS.format(s))}
    found = groups(documents)
    assert len(documents) == 62
    assert len(set(found.values())) == 56
    assert found["32k", "32k_paper_13.md"] == found["128k", "128k_paper_0.md"]
