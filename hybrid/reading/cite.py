"""Where an answer comes from: verbatim quotations with their place in the original, on both routes.

An engine that quotes tells the places itself. A statement in a model's own words cites those of the sentences read that
cover most of its words, where rare words and numbers count most.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import log

from hybrid.chat.marks import MARK, marked
from hybrid.engines.base import Completion
from hybrid.index.lexical import query_words, words
from hybrid.index.protocol import Store
from hybrid.text.blocks import around, as_shown, blocks, joined, source_language
from hybrid.text.sentences import sentences
from hybrid.types import Citation, Passage, Piece

_MARKED_STOP = re.compile(rf"([.!?\u3002\uff01\uff1f])((?:{MARK.pattern})+)")
_ENOUGH = 0.5  # share of a statement's words, weighted, that a quotation has to cover
_ENOUGH_MARKED = 0.25  # of a statement for which the model itself named the text
_PASSAGES = 6  # compared with each statement
_MOST = 8  # citations of one answer


def cite(completion: Completion, pieces: Sequence[Piece], store: Store) -> tuple[str, tuple[Citation, ...]]:
    """The answer's text with the numbers of its citations, and the citations.

    Args:
        pieces: the pieces that the engine read, in the order of the prompt.
    """
    if completion.abstained:
        return completion.text, ()
    if completion.quotes:
        return _quoted(completion, pieces, store)
    citations: list[Citation] = []
    # a mark behind the full stop would begin the next sentence
    reply = _MARKED_STOP.sub(r"\2\1", marked(completion.text, len(pieces), [piece.text for piece in pieces]))
    text, at = "", 0
    for start, end in sentences(reply):
        statement = reply[start:end]
        numbers = {int(n) for group in MARK.findall(statement) for n in group.split(",")}
        named = [pieces[n - 1] for n in sorted(numbers) if 0 < n <= len(pieces)]
        found = _align(MARK.sub("", statement), named or pieces, store, _ENOUGH_MARKED if named else _ENOUGH)
        text += MARK.sub("", reply[at:start]) + MARK.sub("", statement)
        at = end
        if found is not None:
            if found not in citations and len(citations) < _MOST:
                citations.append(found)
            if found in citations:
                text += f" [{citations.index(found) + 1}]"
    return text + MARK.sub("", reply[at:]), tuple(citations)


def _quoted(completion: Completion, pieces: Sequence[Piece], store: Store) -> tuple[str, tuple[Citation, ...]]:
    citations: list[Citation] = []
    for quote in completion.quotes:
        piece = pieces[quote.piece]
        start, end = _whole(store, piece, piece.start + quote.start, piece.start + quote.end)
        found = _citation(store, piece.document, start, end, quote.score)
        if not any(other.document == found.document and other.start == found.start for other in citations):
            citations.append(found)
    numbered = [f"{as_shown(c.document, c.quote)} [{i}]" for i, c in enumerate(citations, 1)]
    return joined(numbered), tuple(citations)


def _whole(store: Store, piece: Piece, start: int, end: int) -> tuple[int, int]:
    """The whole definition of source code where the piece held a part of it; the range itself in other texts."""
    language = source_language(piece.document)
    if language is None:
        return start, end
    return around(store.document(piece.document).text, language, start, end)


def _align(statement: str, read: Sequence[Piece], store: Store, enough: float) -> Citation | None:
    """The quotation that supports a statement best; None where none supports it enough."""
    wanted = Counter(query_words(statement))
    if not wanted:
        return None
    documents = sorted({piece.document for piece in read})
    among = store.ids_of(documents)
    ids = [number for number, _ in store.matching(statement, _PASSAGES * 4, among)]
    hits = store.passages(ids)
    ranked = [hits[number] for number in ids if number in hits]
    near = [
        p
        for p in ranked
        if any(piece.document == p.document and piece.start < p.end and p.start < piece.end for piece in read)
    ][:_PASSAGES]
    weights = _weights(wanted, [p.text for p in near])
    best: tuple[float, int, str, int, int] | None = None
    for passage in near:
        ranges = _ranges(passage)
        for i, (start, _) in enumerate(ranges):
            for further, (_, end) in enumerate(ranges[i : i + 2]):  # one sentence, or two that belong together
                have = _words_of(passage.text[start:end])
                covered = sum(weight for word, weight in weights.items() if word in have)
                score, at = round(covered - 0.05 * further, 6), passage.start
                key = (score, -passage.id, passage.document, at + start, at + end)
                best = key if best is None else max(best, key)
    if best is None or best[0] < enough:
        return None
    return _citation(store, best[2], best[3], best[4], min(1.0, best[0]))


def _ranges(passage: Passage) -> list[tuple[int, int]]:
    """The ranges of a passage that can be cited: sentences, or the definitions and statements of source code."""
    language = source_language(passage.document)
    if language is None:
        return sentences(passage.text)
    return [(block.start, block.end) for block in blocks(passage.text, language)]


def _weights(wanted: Counter[str], texts: Sequence[str]) -> dict[str, float]:
    """The weight of each word of a statement, with the sum 1: rare words count more, numbers twice."""
    having = [_words_of(text) for text in texts]
    weights = {}
    for word in wanted:
        spread = sum(word in have for have in having)
        weights[word] = log(1 + (len(texts) + 1) / (spread + 0.5)) * (2.0 if word.isdigit() else 1.0)
    total = sum(weights.values())
    return {word: weight / total for word, weight in weights.items()}


@lru_cache(maxsize=4096)  # the same passages are read for many questions
def _words_of(text: str) -> frozenset[str]:
    return frozenset(words(text))


def _citation(store: Store, name: str, start: int, end: int, score: float) -> Citation:
    document = store.document(name)
    return Citation(
        document=name,
        path=document.path,
        **document.locate(start, end)._asdict(),
        heading=next((h.title for h in reversed(document.headings) if h.start <= start), ""),
        quote=document.text[start:end],
        score=round(max(0.0, min(1.0, score)), 4),
    )
