"""Likeness: how near the best sentences of a short document are to the question, by two models that read closely."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np

from hybrid.engines.cross_encoder import CrossEncoder
from hybrid.engines.quoting.question import Floats, Question, Rows
from hybrid.engines.quoting.scan import Scan
from hybrid.index.embedding import Embedder, Kind, Vectors
from hybrid.text.asking import ONLY_ASKING
from hybrid.text.words import WORD, fold, stem

Tokens = tuple[Vectors, Rows]

KEPT = 32  # texts whose tokens' vectors are remembered

# Where cosines tell little, the share of the question's words stands for them: a + b * share.
_MATCHED = (0.63, 0.2, 0.53, 0.2)  # in the mean, and of the two lowest
_CROSSED = (-12.0, 17.0)  # what a cross-encoder would say by "matched" that is not there, or does not know the language
_SAID = (0.5, 0.3)  # what a word of the question that is there, or a related one, counts at least


class Likeness:
    """Compares sentences with the question by their tokens and by a cross-encoder.

    Args:
        embedder: makes the vectors of tokens.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._tokens = lru_cache(maxsize=KEPT)(self._encoded)

    def _encoded(self, text: str, kind: Kind) -> Tokens | None:
        found = self._embedder.encode_tokens(text, kind)
        return found if found is not None and len(found[0]) else None

    @cached_property
    def _cross_encoder(self) -> CrossEncoder | None:
        return CrossEncoder.packaged()

    def matched(self, scan: Scan, row: int) -> tuple[float, float, float]:
        """How near the words of the question have one of like meaning in a sentence, its heading or the sentence
        before: the cosines of their tokens' vectors, in the mean and of the two lowest; and of the two lowest without
        the sentence before."""
        question, beside = scan.question, scan.completing(row)
        follows = row > 0 and scan.piece[row - 1] == scan.piece[row]
        before = scan.text(row - 1) if follows else ""
        after = scan.text(row + 1) if beside == row + 1 else ""
        asked = self._tokens(question.text, "query") if question.language == "en" else None
        read = asked and self._tokens(f"{before} {scan.titled(row)} {after}".strip(), "document")
        alone = asked and self._tokens(scan.completed(row), "document")
        if not asked or not read or not alone:
            told = float(np.maximum(scan.near[row], scan.title[row]).mean()) if question.terms else 0.0
            least = _MATCHED[2] + _MATCHED[3] * told
            return _MATCHED[0] + _MATCHED[1] * told, least, least
        own = np.maximum(scan.own(row), scan.hits[beside]) if beside >= 0 else scan.own(row)
        said = np.maximum(scan.own(row), scan.hits[row - 1]) if follows else scan.own(row)
        said = np.maximum(said, scan.hits[row + 1]) if after else said
        lowest = sorted(_by_term(question, asked, read[0], said).values())
        lowest_alone = sorted(_by_term(question, asked, alone[0], own).values())
        return float(np.mean(lowest)), float(np.mean(lowest[:2])), float(np.mean(lowest_alone[:2]))

    def crossed(self, scan: Scan, rows: Rows, matched: Sequence[tuple[float, ...]]) -> list[float]:
        """What the cross-encoder says of each sentence; unless all is in English what `matched` says."""
        english = scan.question.language == "en" and not scan.question.is_translated
        encoder = self._cross_encoder if english else None
        if encoder is None:
            return [_CROSSED[0] + _CROSSED[1] * mean for mean, *_ in matched]
        return list(encoder(scan.question.text, [scan.completed(int(row)) for row in rows]))


def _by_term(question: Question, asked: Tokens, read: Vectors, said: Floats) -> dict[int, float]:
    """How near each term of the question has a token of like meaning among those read; at least what `said` counts."""
    best = (asked[0] @ read.T).max(1)
    found = dict[int, float]()
    for word in WORD.finditer(question.text):
        term = question.forms.get(stem(fold(word.group())), (-1, 0.0))[0]
        part = best[(asked[1][:, 0] < word.end()) & (asked[1][:, 1] > word.start())]
        if term >= 0 and len(part) and word.group().lower() not in ONLY_ASKING:
            known = _SAID[0] + _SAID[1] * float(said[term]) if said[term] else 0.0
            found[term] = max(found.get(term, 0.0), float(part.mean()), known)
    return found or {-1: float(best.mean())}
