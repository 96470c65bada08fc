"""Quotations: which sentences of a reading are quoted, and the answer that they make."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Quote
from hybrid.engines.quoting.reading import Reading
from hybrid.engines.quoting.weights import Weights
from hybrid.text.blocks import as_shown, headline, joined

COLLECTED = 6  # sentences at most that are collected from one part of a longer text

_CONSTANT = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b")
_GIVEN = re.compile(r"(?:[a-z]+\s+)*([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b[^=]*=")


def quotes_of(reading: Reading, weights: Weights) -> tuple[Quote, ...]:
    """What answers the question, best first; nothing where it is not likely enough that anything does."""
    scan, ranked = reading.scan, reading.ranked
    collect = scan.prompt.task == "collect"
    if reading.chance < (weights.collect if collect else weights.threshold) or not len(ranked.rows):
        return ()
    most, below = (COLLECTED, 2 * weights.second) if collect else (2, weights.second)
    best = int(ranked.rows[0])
    quotes: dict[str, Quote] = {}
    for row, score in zip(ranked.rows, ranked.scores, strict=True):
        behind = float(ranked.scores[0] - score)
        if len(quotes) == most or behind > below:
            break
        if scan.is_row(row) and (scan.hits[best] > scan.hits[row]).any():
            continue  # another row of the table: what is asked stands in a better one
        quotes.setdefault(scan.shown(row), scan.quote(row, reading.chance * float(np.exp(-behind))))
    for beside in () if collect else (scan.completing(best), _constant(reading)):
        if beside >= 0 and len(quotes) == 1:
            quotes.setdefault(scan.verbatim(beside), scan.quote(beside, reading.chance))
    return tuple(quotes.values())


def _constant(reading: Reading) -> int:
    """Where the constant is given its value that the best block of source code names, if a number is asked for: of
    several the one whose name has most of the question; -1 without."""
    scan, best = reading.scan, int(reading.ranked.rows[0])
    if not scan.question.of_code or scan.question.kind != "number":
        return -1
    named = set(_CONSTANT.findall(scan.verbatim(best)))
    hits: dict[int, float] = {}
    for row in np.flatnonzero(scan.piece == scan.piece[best]).tolist() if named else ():
        given = _GIVEN.match(headline(scan.verbatim(row)))
        if given is not None and given[1] in named and row != best:
            hits[row] = float(scan.hits[row].sum())
    return max(hits, key=lambda row: hits[row], default=-1)


def text_of(prompt: Prompt, quotes: Sequence[Quote]) -> str:
    """The quotations as an answer, each with the number of its piece; collected ones are bare, one per line."""
    pieces = [prompt.pieces[quote.piece] for quote in quotes]
    shown = [as_shown(p.document, p.text[quote.start : quote.end]) for p, quote in zip(pieces, quotes, strict=True)]
    if prompt.task == "collect":
        return "\n".join(shown)
    return joined([f"{text} [{quote.piece + 1}]" for text, quote in zip(shown, quotes, strict=True)])
