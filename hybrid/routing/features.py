"""The features a decision is based on: named numbers of the question, the documents, and the passages found for it.

Pure, and cheap beside the search before it: no model is asked. The names, their order and their meaning make up a
version; weights that were fitted on other features are refused rather than misread.

Retrieval scores show whether the passages will do: how good the best ones are, how fast the scores fall (arXiv
2506.08479), whether meaning and words agree, and how much of the question the passages contain (arXiv 2411.06037 asks
a language model for the last).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import log1p, log2

from hybrid.routing.kinds import KINDS, kind
from hybrid.text.words import STOP, stem
from hybrid.types import Candidate

VERSION = 1
_NAME = re.compile(r"(?<!^)(?<![.?!:] )\b[A-Z][\w&'’-]*")
_NUMBER = re.compile(r"\d[\d,.]*")
_WORD = re.compile(r"[^\W_]+")
_ASKS = re.compile(r"\b(?:what|which|who|whom|whose|when|where|why|how)\b", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“”]")
_BEST = 5  # passages of each search to compare
_CLOSE = 0.8  # of the best fused score: passages above it are about as good

QUESTION = (*(f"kind_{name}" for name in KINDS[1:]), "words", "asks", "names", "numbers")
DOCUMENTS = ("documents", "tokens", "digits", "quotations", "headings")
RETRIEVAL = (
    "dense_best",
    "dense_mean",
    "dense_gap",
    "lexical_best",
    "lexical_mean",
    "lexical_gap",
    "agreement",
    "close",
    "spread",
    "covered_best",
    "covered",
    "names_covered",
)
FEATURES: tuple[str, ...] = (*QUESTION, *DOCUMENTS, *RETRIEVAL)
MEANS: Mapping[str, str] = {  # a feature in the words of a reason
    **{f"kind_{name}": f"whether it asks for {name}" for name in KINDS},
    "words": "how long the question is",
    "asks": "how many things it asks",
    "names": "the names in the question",
    "numbers": "the numbers in the question",
    "documents": "how many documents there are",
    "tokens": "how long the documents are",
    "digits": "how many figures the passages have",
    "quotations": "how many quotations the passages have",
    "headings": "how many passages stand under headings",
    "dense_best": "how near in meaning the best passage is",
    "dense_mean": "how near in meaning the passages are",
    "dense_gap": "how fast nearness falls",
    "lexical_best": "how many words the best passage shares",
    "lexical_mean": "how many words the passages share",
    "lexical_gap": "how fast shared words fall",
    "agreement": "whether meaning and words agree",
    "close": "how many passages are about as good",
    "spread": "how far apart the passages stand",
    "covered_best": "how much of the question the best passage covers",
    "covered": "how much of the question the passages cover",
    "names_covered": "whether its names and numbers were found",
}


def features(
    question: str, candidates: Sequence[Candidate], passages: Mapping[str, int], tokens: int, k: int = 8
) -> dict[str, float]:
    """The features of a question in their order.

    Args:
        candidates: the passages found, best first; none gives zeros.
        passages: how many each document has, by its name.
        tokens: of all documents that may be read.
        k: passages that the rag route reads.

    Returns:
        kind_*: 1 for the question's kind, all 0 for a lookup. words, asks, names, numbers: of the question,
        logarithmic. documents, tokens: logarithms of how many there are. digits, quotations: per character of the
        passages. headings: share of the passages that stand under one. dense_*: cosines, of the best, the mean of the
        first k, and how far the k-th is below the best. lexical_*: the same of BM25, for each word of the question.
        agreement: share of the best five by meaning that are among the best five by words. close: share of all
        candidates nearly as good as the best. spread: how far apart the first k stand in their document, 0 to 1.
        covered_best, covered: share of the question's words that the best passage, and the first k, have.
        names_covered: the same of its names and numbers, 1 if it has none.
    """
    first = candidates[:k]
    words = [word for word in _WORD.findall(question) if word.lower() not in STOP]
    stems = list(dict.fromkeys(_root(word) for word in words if len(word) > 2))
    names = [*_NAME.findall(question), *_NUMBER.findall(question)]
    texts = [candidate.passage.text for candidate in first]
    lower = [text.lower() for text in texts]
    together = "\n".join([*lower, *(candidate.passage.heading.lower() for candidate in first)])
    length = max(1, sum(map(len, texts)))
    found = kind(question)
    by_meaning = sorted(((c.dense, c.passage.id) for c in candidates if c.dense is not None), reverse=True)[:k]
    by_words = sorted(((c.lexical, c.passage.id) for c in candidates if c.lexical is not None), reverse=True)[:k]
    dense, lexical = [score for score, _ in by_meaning] or [0.0], [score for score, _ in by_words] or [0.0]
    shared = {number for _, number in by_meaning[:_BEST]} & {number for _, number in by_words[:_BEST]}
    each = max(1, len(stems))
    best = first[0].score if first else 0.0
    values = {
        **{f"kind_{name}": float(found == name) for name in KINDS[1:]},
        "words": log1p(len(question.split())),
        "asks": log1p(len(_ASKS.findall(question))),
        "names": log1p(len(_NAME.findall(question))),
        "numbers": log1p(len(_NUMBER.findall(question))),
        "documents": log2(max(1, len(passages))),
        "tokens": log2(max(1000, tokens) / 1000),
        "digits": sum(len(number) for text in texts for number in _NUMBER.findall(text)) / length,
        "quotations": 100 * sum(len(_QUOTED.findall(text)) for text in texts) / length,
        "headings": sum(bool(c.passage.heading) for c in first) / max(1, len(first)),
        "dense_best": dense[0],
        "dense_mean": sum(dense) / len(dense),
        "dense_gap": dense[0] - dense[-1],
        "lexical_best": lexical[0] / each,
        "lexical_mean": sum(lexical) / len(lexical) / each,
        "lexical_gap": (lexical[0] - lexical[-1]) / each,
        "agreement": len(shared) / _BEST,
        "close": sum(c.score >= _CLOSE * best for c in candidates) / max(1, len(candidates)),
        "spread": _spread(first, passages),
        "covered_best": sum(word in lower[0] for word in stems) / each if lower else 0.0,
        "covered": sum(word in together for word in stems) / each,
        "names_covered": sum(name.lower() in together for name in names) / len(names) if names else 1.0,
    }
    return {name: round(values[name], 6) for name in FEATURES}


def _root(word: str) -> str:
    """The beginning that the forms of a word share: "compan" for company and companies; short words unchanged."""
    found = stem(word)
    return found.removesuffix("i") if len(found) > 3 else word.lower()


def _spread(first: Sequence[Candidate], passages: Mapping[str, int]) -> float:
    """Mean distance of the best document's passages from their middle, as a share of the largest possible."""
    if not first:
        return 0.0
    document = first[0].passage.document
    places = [
        c.passage.ordinal / max(1, passages.get(document, 1) - 1) for c in first if c.passage.document == document
    ]
    middle = sum(places) / len(places)
    return min(1.0, 2 * sum(abs(place - middle) for place in places) / len(places))
