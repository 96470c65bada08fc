"""The pieces that are read: the candidates that were found, widened to the rung that was decided, as far as they fit a
window. Room for the answer is kept, and pieces that are left out are named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from hybrid.chat.prompts import Prompt, block
from hybrid.engines.base import Engine
from hybrid.errors import WindowError
from hybrid.index.protocol import Store
from hybrid.text.blocks import source_language
from hybrid.types import Candidate, Passage, Piece, Rung

SECTION = 4  # a section is at most this many passages on each side of the one that was found
EVIDENCE = 3  # best passages repeated after a long document
EVIDENCE_FROM = 4_000  # tokens of the prompt from which repeating them is worth it
_ESTIMATE_SHARE = 0.9  # share of the window that is filled where tokens can only be estimated


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


@dataclass(frozen=True, slots=True)
class Fit:
    """The pieces that fit, in the order given, and those that do not."""

    kept: tuple[Piece, ...]
    left_out: tuple[Piece, ...]
    tokens: int  # of the whole prompt as it will be sent


def room(engine: Engine, question: str, max_tokens: int) -> int:
    """Tokens left for pieces in a prompt with this question.

    Raises:
        WindowError: the question and the room for the answer already fill the window.
    """
    frame = engine.measure(Prompt(question, ()))
    left = _limit(engine, max_tokens) - frame
    if left <= 0:
        raise WindowError(
            f"The question takes {frame} tokens and {max_tokens} are kept for the answer, but {engine.name} reads only "
            f"{engine.window}. Shorten the question, lower engine.max_tokens, or use an engine with a larger window."
        )
    return left


def sizes(engine: Engine, pieces: Sequence[Piece]) -> list[int]:
    """Tokens of each piece inside a prompt, with its tags and the tokens that joining can add."""
    return [count + 2 for count in engine.count([block(piece, 10) for piece in pieces])]


def fit(engine: Engine, question: str, ranked: Sequence[Piece], max_tokens: int) -> Fit:
    """As many pieces as fit, best first; a piece that is too long for the rest is skipped, and later ones are tried.

    Args:
        ranked: pieces, the most relevant first.
        max_tokens: room kept for the answer.
    """
    left = room(engine, question, max_tokens)
    kept: list[Piece] = []
    out: list[Piece] = []
    for piece, size in zip(ranked, sizes(engine, ranked), strict=True):
        if size <= left:
            kept.append(piece)
            left -= size
        else:
            out.append(piece)
    # a sum of parts can differ from the whole by a few tokens: the engine's count of the prompt decides
    while (tokens := engine.measure(Prompt(question, tuple(kept)))) > _limit(engine, max_tokens) and kept:
        out.insert(0, kept.pop())
    return Fit(tuple(kept), tuple(out), tokens)


def evidence(engine: Engine, candidates: Sequence[Candidate], fitted: Fit, max_tokens: int) -> tuple[Piece, ...]:
    """The best passages, to be repeated next to the question where the documents are long and room is left."""
    if fitted.tokens < EVIDENCE_FROM:
        return ()
    read = {piece.document for piece in fitted.kept}
    best = [passage_piece(c.passage, c.score) for c in candidates if c.passage.document in read][:EVIDENCE]
    free = engine.window - max_tokens - fitted.tokens
    chosen: list[Piece] = []
    for piece, size in zip(best, sizes(engine, best), strict=True):
        if size + 16 <= free:
            chosen.append(piece)
            free -= size
    return tuple(chosen)


def parts(engine: Engine, question: str, piece: Piece, max_tokens: int) -> list[Piece]:
    """A piece cut into consecutive parts that each fit a prompt with this question; together they are the piece.

    The cuts are at blank lines, else at line ends, sentences' ends, blanks, or anywhere.

    Raises:
        WindowError: there is no room for even one character under the piece's title.
    """
    budget = room(engine, question, max_tokens)
    head = sizes(engine, [_sub(piece, 0, 0)])[0]
    (total,) = sizes(engine, [piece])
    if total <= budget:
        return [piece]
    per_token = len(piece.text) / max(1, total - head)
    found: list[Piece] = []
    at = 0
    while at < len(piece.text):
        length = max(1, int((budget - head) * per_token * 0.95))
        while True:
            end = _cut(piece.text, at, at + length)
            part = _sub(piece, at, end)
            if sizes(engine, [part])[0] <= budget:
                break
            if length == 1:
                raise WindowError(
                    f"Beside the question and the {max_tokens} tokens kept for the answer {engine.name} has room for "
                    f"{budget} tokens, too few for any part of {piece.document!r}, whose title alone takes {head}. "
                    "Shorten the question, lower engine.max_tokens, or use an engine with a larger window."
                )
            length = max(1, length * 4 // 5)  # this part has more tokens than the average: a table, another script
        found.append(part)
        at = end
    return found


def _limit(engine: Engine, max_tokens: int) -> int:
    """Tokens of the longest prompt that leaves room for the answer."""
    return int(engine.window * (1.0 if engine.counts_exactly else _ESTIMATE_SHARE)) - max_tokens


def _sub(piece: Piece, start: int, end: int) -> Piece:
    return Piece(piece.document, piece.text[start:end], piece.start + start, piece.heading, None, None, piece.score)


def _cut(text: str, start: int, end: int) -> int:
    if end >= len(text):
        return len(text)
    for mark in ("\n\n", "\n", ". ", " "):
        at = text.rfind(mark, start + (end - start) // 2, end)
        if at > start:
            return at + len(mark)
    return end
