"""A reading: the sentences that were read closely, in order, how likely they answer, and which of them are quoted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Quote
from hybrid.engines.quoting.question import Floats, Rows
from hybrid.engines.quoting.scan import Scan
from hybrid.engines.quoting.weights import Weights
from hybrid.text.amendments import AMENDING, CHANGING
from hybrid.text.blocks import as_shown, headline, joined


@dataclass(frozen=True, slots=True)
class Ranked:
    """Sentences, best first."""

    rows: Rows  # of the scan
    features: Floats  # (rows, FEATURES)
    scores: Floats  # by the ordering model
    named: Floats  # share of the question's words in the name of a block of source code

    def by(self, order: Rows) -> Ranked:
        """The same in another order."""
        return Ranked(self.rows[order], self.features[order], self.scores[order], self.named[order])

    def with_first(self, at: int) -> Ranked:
        """The same with the one at that place first."""
        return self.by(np.array([at, *(i for i in range(len(self.rows)) if i != at)]))

    def by_logits(self, logits: Floats) -> Ranked:
        """The same with the first ones in the order of their logits; their scores lie as far apart as these."""
        near = np.argsort(-logits, kind="stable")
        found = self.by(np.concatenate([near, np.arange(len(near), len(self.rows))]))
        first = self.scores.max() + np.minimum(logits[near] - logits[near[0]], 0.0)
        scores = np.concatenate([first, np.minimum(self.scores[len(near) :], first[-1])])
        return replace(found, scores=scores)


@dataclass(frozen=True, slots=True)
class Reading:
    """What an engine found in the pieces of a prompt."""

    scan: Scan
    ranked: Ranked
    overall: Floats  # OVERALL
    near: Floats  # (few, FEATURES and OVERALL): of a short document, each of its first sentences as if it were the best
    chance: float  # that the pieces answer the question

    def spans(self) -> list[tuple[int, int, int]]:
        """Piece, start and end of each sentence, best first."""
        scan, rows = self.scan, self.ranked.rows
        return [(int(scan.piece[row]), int(scan.start[row]), int(scan.end[row])) for row in rows]


def with_amendment(scan: Scan, ranked: Ranked) -> Ranked:
    """What an amendment at the end of a document changes goes before what it changes: the best of its sentences that
    tell a change and have the words that the best one has."""
    if not len(ranked.rows):
        return ranked
    best = ranked.rows[0]
    had, headings = scan.hits[best] > 0, (match.start() for match in AMENDING.finditer(scan.source(best).text))
    begins = next((start for start in headings if start > scan.end[best]), None)
    for at, row in enumerate(ranked.rows if begins is not None else ()):
        changes = scan.piece[row] == scan.piece[best] and scan.start[row] >= begins
        if changes and CHANGING.search(scan.text(row)) and (scan.hits[row][had] > 0).all():
            found = ranked.with_first(at)
            found.scores[0] = found.scores[1] + 0.5
            return found
    return ranked


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
