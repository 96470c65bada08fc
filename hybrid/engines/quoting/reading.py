"""A reading: the sentences that were read closely, in order, and how likely they answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hybrid.engines.quoting.question import Floats, Rows
from hybrid.engines.quoting.scan import Scan
from hybrid.text.amendments import AMENDING, CHANGING


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
