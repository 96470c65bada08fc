"""The kind of answer a question wants, by its words: readable rules, and no model.

Adaptive-RAG (Jeong et al. 2024, arXiv 2403.14403) asks a small language model how hard a question is, and
RAGRouter-Bench (arXiv 2602.00296) shows that a linear model over words does nearly as well. The rules here go by the
words that such models rest on. They know English only; a question in another language is a `lookup`, which is what
most questions are.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

Kind = Literal["lookup", "comparison", "aggregation", "summary", "reasoning", "structure"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# The first that matches decides: a comparison of two sections is a comparison.
_RULES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "comparison",
        re.compile(
            r"\b(?:compar(?:e|es|ed|ing|ison|able|ative)|contrast\w*|differ(?:s|ed|ence|ences|ent|ently)?|versus|vs\.?|"
            r"similar(?:ity|ities|ly)?|both|whereas|change[ds]?\b.{0,80}\b(?:from|between|over)\b.{0,80}\b(?:to|and)|"
            r"(?:more|less|higher|lower|larger|smaller|greater|better|worse|older|earlier|later|first)\b.{0,60}\b(?:than|or))\b",
            re.IGNORECASE,
        ),
    ),
    (
        "summary",
        re.compile(
            r"\b(?:summar\w+|overview|outline the|main (?:points?|ideas?|themes?|topics?|arguments?|plot)|gist|"
            r"in general|"
            r"what (?:is|was) (?:the|this) (?:\w+ ){0,3}about|plot|overall|key (?:takeaways|points|findings))\b",
            re.IGNORECASE,
        ),
    ),
    (
        "structure",
        re.compile(
            r"\b(?:(?:first|last|next|previous|final|opening|closing|\d+(?:st|nd|rd|th)) "
            r"(?:chapter|section|paragraph|page|part|sentence|article|clause|appendix|document|file|slide|table|figure)|"
            r"(?:chapter|section|page|paragraph|appendix|paper|part|article|table|figure) (?:\d+|[ivx]+\b)|"
            r"(?:at the )?(?:beginning|end) of the (?:text|document|book|story|report|paper|file)|"
            r"table of contents|in (?:what|which) (?:order|chapter|section|part))\b",
            re.IGNORECASE,
        ),
    ),
    (
        "aggregation",
        re.compile(
            r"\b(?:how (?:many|often)|number of (?:times|different|distinct)|count\b|list (?:all|every|each|the)|"
            r"(?:all|every|each) (?:of )?the\b|(?:name|enumerate|mention) (?:all|every)|total number|in total|average|"
            r"most (?:often|frequent\w*|common\w*))",
            re.IGNORECASE,
        ),
    ),
    (
        "reasoning",
        re.compile(
            r"^\W*(?:why|explain|how (?:do|does|did|might|could|would|can|has|have|is|are|was|were))\b"
            r"|\b(?:why (?:do|does|did|is|are|was|were)|reasons?|caus(?:e|es|ed)|factors?|contribut\w+|led to|"
            r"leads? to|impl(?:y|ies|ied|ications?)|suggest\w*|infer\w*|reveal\w*|signif(?:y|ies|ied|icance)|"
            r"relat(?:e|es|ed|ionship)|influenc\w+|impact\w*|affect\w*|effects?|role|explain\w*|"
            r"indicat\w+|what does .{0,80} (?:say|tell|mean))\b",
            re.IGNORECASE,
        ),
    ),
)


def kind(question: str) -> Kind:
    """The kind of a question: that of the first rule that matches, else `lookup`."""
    return next((name for name, pattern in _RULES if pattern.search(question)), "lookup")
