"""The kind of answer a question wants, by its words: readable rules, and no model.

Adaptive-RAG (Jeong et al. 2024, arXiv 2403.14403) asks a small language model how hard a question is, and
RAGRouter-Bench (arXiv 2602.00296) shows that a linear model over words does nearly as well. The rules, in kinds.toml,
go by the words that such models rest on. They know English only; a question in another language is a `lookup`, which
is what most questions are.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

from hybrid.files import carried, joined

Kind = Literal["lookup", "comparison", "aggregation", "summary", "reasoning", "structure"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# The first that matches decides: a comparison of two sections is a comparison.
_RULES: dict[Kind, re.Pattern[str]] = {
    name: re.compile(joined(pattern), re.IGNORECASE) for name, pattern in carried(__name__).items()
}


def kind(question: str) -> Kind:
    """The kind of a question: that of the first rule that matches, else `lookup`."""
    return next((name for name, pattern in _RULES.items() if pattern.search(question)), "lookup")
