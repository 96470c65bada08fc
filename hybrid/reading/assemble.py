"""The pieces that are read: the candidates that were found, widened to the rung that was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from hybrid.index.protocol import Store
from hybrid.text.blocks import source_language
from hybrid.types import Candidate, Passage, Piece, Rung

SECTION = 4  # a section is at most this many passages on each side of the one that was found


def pieces(
    store: Store, rung: Rung, candidates: Sequence[Candidate], documents: Sequence[str] | None = None
) -> list[Piece]:
    """The pieces that a rung reads, most relevant first; those of the rung `corpus` in the order of names.

    Args:
        documents: names of the only documents to read; None means all.

    Raises:
        KeyError: a document has just disappeared from the store.
    """
    if rung == "passages":
        return [_from_margin(store, passage_piece(c.passage, c.score)) for c in candidates]
    if rung == "sections":
        return [_from_margin(store, piece) for piece in _sections(store, candidates)]
    if rung == "documents":
        return [_whole(store, name, score) for name, score in ranked_documents(candidates)]
    scores = dict(ranked_documents(candidates))
    return [_whole(store, entry.name, scores.get(entry.name, 0.0)) for entry in store.entries(documents)]


def ranked_documents(candidates: Sequence[Candidate]) -> list[tuple[str, float]]:
    """Documents by their passages, the best of which counts whole, the next 1/2, the next 1/4."""
    scores: dict[str, list[float]] = {}
    for candidate in candidates:
        scores.setdefault(candidate.passage.document, []).append(candidate.score)
    totals = {name: sum(s / 2**i for i, s in enumerate(found)) for name, found in scores.items()}
    return sorted(totals.items(), key=lambda item: (-item[1], item[0]))


def passage_piece(passage: Passage, score: float = 0.0) -> Piece:
    """A passage as a piece of a prompt."""
    return Piece(
        passage.document, passage.text, passage.start, passage.heading, passage.location, passage.id, round(score, 6)
    )


def _from_margin(store: Store, piece: Piece) -> Piece:
    """A piece of source code with the indentation of its first line, which passages leave out and models need."""
    if source_language(piece.document) is None:
        return piece
    text = store.document(piece.document).text
    margin = text[text.rfind("\n", 0, piece.start) + 1 : piece.start]
    return piece if margin.strip() else replace(piece, text=margin + piece.text, start=piece.start - len(margin))


def _sections(store: Store, candidates: Sequence[Candidate]) -> list[Piece]:
    """Each candidate with the passages around it under the same heading; overlapping sections become one."""
    found: list[tuple[str, int, int, float]] = []  # document, first and last ordinal, score
    rows: dict[str, list[Passage]] = {}
    for candidate in candidates:
        passage = candidate.passage
        around = rows.setdefault(passage.document, store.passages_of(passage.document))
        first, last = passage.ordinal, passage.ordinal
        while first > max(0, passage.ordinal - SECTION) and around[first - 1].heading == passage.heading:
            first -= 1
        while last < min(len(around) - 1, passage.ordinal + SECTION) and around[last + 1].heading == passage.heading:
            last += 1
        found.append((passage.document, first, last, candidate.score))
    merged: list[Piece] = []
    for name, group in groupby(sorted(found), key=lambda section: section[0]):
        text, around = store.document(name).text, rows[name]
        runs: list[tuple[int, int, float]] = []
        for _, first, last, score in group:
            if runs and first <= runs[-1][1] and around[first].heading == around[runs[-1][0]].heading:
                begin, end, best = runs.pop()
                runs.append((begin, max(last, end), max(score, best)))
            else:
                begin = max(first, runs[-1][1] + 1) if runs else first
                if begin <= last:
                    runs.append((begin, last, score))
        for first, last, score in runs:
            top, end = around[first], around[last].end
            merged.append(Piece(name, text[top.start : end], top.start, top.heading, top.location, None, score))
    return sorted(merged, key=lambda piece: (-piece.score, piece.document, piece.start))


def _whole(store: Store, name: str, score: float) -> Piece:
    return Piece(name, store.document(name).text, 0, "", None, None, score)
