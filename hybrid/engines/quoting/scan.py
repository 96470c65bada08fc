"""Every sentence of what is read, and which words of the question it has."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Quote
from hybrid.engines.quoting.question import Floats, Question, Rows, is_general
from hybrid.text.blocks import as_shown, blocks, headline, source_language, spelled, spelled_at
from hybrid.text.rows import in_words, is_short_for_more, rows_in_words
from hybrid.text.sentences import CELLS, is_row, sentences
from hybrid.text.words import WORD
from hybrid.types import Piece

Spans = list[tuple[int, int, int]]

AROUND = 10  # sentences on either side that count as the same piece, where the piece is longer
SHORT = 150  # sentences at most of a short document
GAP = 40  # characters between its passages that belong to none
TITLE = 120  # characters at most of a first line that is a title


@dataclass(frozen=True, slots=True)
class Scan:
    """Every sentence of a prompt's pieces, or block of source code, and which of the question's terms are where.

    `hits`, `near`, `whole` and `title` have the shape (sentences, terms): 1 where the term is, less where a word
    related to it is. A row is the number of a sentence.
    """

    prompt: Prompt
    question: Question
    piece: Rows  # index of its piece
    start: Rows  # characters in the piece's text
    end: Rows
    above: Rows  # row of the heading it stands under, -1 if the text has none
    hits: Floats  # of the sentence
    near: Floats  # of it and the two sentences on either side
    whole: Floats  # of its piece, title included; of a long piece the ten sentences on either side
    title: Floats  # of its heading and its document's name

    def __len__(self) -> int:
        return len(self.piece)

    @property
    def sole(self) -> bool:
        """Whether the pieces are the whole of one short document, in which nothing is that was not found."""
        pieces = sorted(self.prompt.pieces, key=lambda piece: piece.start)
        if self.prompt.excerpts or not pieces or len(self) > SHORT:
            return False
        if any(piece.document != pieces[0].document for piece in pieces):
            return False
        end = 0
        for piece in pieces:
            if piece.start > end + GAP:
                return False
            end = max(end, piece.end)
        return True

    @property
    def seen(self) -> Floats:
        """(terms,): how well the best sentence or title has each term."""
        found: Floats = np.maximum(self.hits, self.title).max(0, initial=0.0)
        return found

    @property
    def lacking(self) -> list[int]:
        """The terms of the question that nothing that was read has."""
        return np.flatnonzero(self.seen == 0).tolist() if len(self) else []

    def source(self, row: int) -> Piece:
        """The piece that a sentence stands in."""
        piece: Piece = self.prompt.pieces[self.piece[row]]
        return piece

    def is_code(self, row: int) -> bool:
        """Whether a row is a block of source code."""
        return source_language(self.source(row).document) is not None

    def is_row(self, row: int) -> bool:
        """Whether a sentence is the row of a table."""
        return is_row(self.source(row).text, int(self.start[row]), int(self.end[row]))

    def are_rows(self) -> NDArray[np.bool_]:
        """(sentences,): which are rows of a table."""
        return np.array([self.is_row(row) for row in range(len(self))], dtype=bool)

    def own(self, row: int) -> Floats:
        """(terms,): those of a sentence with its title."""
        found: Floats = np.maximum(self.hits[row], self.title[row])
        return found

    def verbatim(self, row: int) -> str:
        """A sentence as it stands in its piece."""
        return self.source(row).text[self.start[row] : self.end[row]]

    def shown(self, row: int) -> str:
        """A sentence as people read it."""
        return as_shown(self.source(row).document, self.verbatim(row))

    def text(self, row: int) -> str:
        """A sentence with the names of source code and of columns in whole words."""
        text = self.verbatim(row)
        if self.is_code(row):
            return spelled(text).strip()
        return in_words(text) if is_row(text, 0, len(text)) else text

    def line(self, row: int) -> str:
        """A sentence, or the line that names a block of source code."""
        return headline(self.text(row)) if self.is_code(row) else self.text(row)

    def titled(self, row: int) -> str:
        """A sentence under its heading: one in the text, that of the piece, or the name of one document of several."""
        above, piece = int(self.above[row]), self.source(row)
        heading = self.line(above) if above >= 0 else piece.heading.rsplit(" > ", 1)[-1]
        if not heading and any(other.document != piece.document for other in self.prompt.pieces):
            heading = re.sub(r"\.\w{1,5}$|[_/\\-]+", " ", piece.document).strip()
        return f"{heading}. {self.text(row)}" if heading else self.text(row)

    def completing(self, row: int) -> int:
        """The sentence right after or before one that has all words of the question that it lacks; -1 without."""
        lacks = (self.hits.max(0) > 0) & (self.hits[row] == 0)
        lacks &= ~np.array([is_general(term) for term in self.question.terms], bool)
        if not lacks.any() or self.is_row(row) or self.is_code(row):
            return -1
        for other in (row + 1, row - 1):
            if not 0 <= other < len(self) or self.piece[other] != self.piece[row]:
                continue
            first, last = sorted((row, other))
            apart = re.search(r"\n\s*\n", self.source(row).text[self.end[first] : self.start[last]])
            if not apart and (self.hits[other][lacks] > 0).all():
                return other
        return -1

    def completed(self, row: int) -> str:
        """A sentence under its heading, with the one beside it that has what it lacks of the question."""
        beside = self.completing(row)
        if beside < 0:
            return self.titled(row)
        texts = [self.titled(row), self.text(beside)]
        return " ".join(texts if row < beside else texts[::-1])

    def quote(self, row: int, score: float) -> Quote:
        """A sentence as an answer."""
        return Quote(int(self.piece[row]), int(self.start[row]), int(self.end[row]), score)


def scanned(prompt: Prompt, question: Question, spans_of: Callable[[str, str | None], Rows]) -> Scan:
    """Look for the question's words in every sentence.

    Args:
        spans_of: `spans`, which may remember texts.
    """
    pieces, none = prompt.pieces, np.zeros((0, len(question.terms)))
    spans = [spans_of(piece.text, source_language(piece.document)) for piece in pieces]
    owner = np.repeat(np.arange(len(pieces)), [len(own) for own in spans])
    span = np.concatenate([np.zeros((0, 3), np.intp), *spans])
    first = np.cumsum([0, *(len(own) for own in spans)])[owner] if len(owner) else owner
    above = np.where(span[:, 2] >= 0, span[:, 2] + first, -1)
    found = (_hits(question, piece, own[:, 0]) for piece, own in zip(pieces, spans, strict=True))
    hits = np.concatenate([none, *found])
    named = np.concatenate([none, *(question.hits_in(f"{piece.document} {piece.heading}")[None] for piece in pieces)])
    for piece, own in zip(pieces, spans, strict=True):
        if piece.start == 0 and len(own) and _is_title(piece.text, *own[0, :2]):
            opening = question.hits(piece.text[: own[0, 1]], own[:1, 0])
            same = [other.document == piece.document for other in pieces]
            named[same] = np.maximum(named[same], opening)
    title = np.maximum(named[owner], hits[above] * (above >= 0)[:, None]) if len(owner) else hits
    near = _spread(hits, owner, 2)
    whole = np.maximum(_spread(near, owner, AROUND - 2), title)
    return Scan(prompt, question, owner, span[:, 0], span[:, 1], above, hits, near, whole, title)


def spans(text: str, language: str | None) -> Rows:
    """Start, end and the row of what it stands under, for each sentence or block of source code that has words.

    Args:
        language: of source code; None: the text is prose or a table.

    Returns:
        (sentences, 3), -1 for the row above where there is none.
    """
    found = _sentence_spans(text) if language is None else _block_spans(text, language)
    return np.array(found, dtype=np.intp).reshape(-1, 3)


def _sentence_spans(text: str) -> Spans:
    rows: Spans = []
    above = -1
    for start, end in sentences(text):
        if WORD.search(text, start, end):
            rows.append((start, end, above))
            above = len(rows) - 1 if _is_heading(text, start, end) else above
    return rows


def _block_spans(text: str, language: str) -> Spans:
    rows: Spans = []
    row_of = {-1: -1}
    for number, block in enumerate(blocks(text, language)):
        row_of[number] = row_of[block.above]
        if WORD.search(text, block.start, block.end):
            row_of[number] = len(rows)
            rows.append((block.start, block.end, row_of[block.above]))
    return rows


def _is_title(text: str, start: int, end: int) -> bool:
    """Whether a document's first sentence says what it is about: a short one that is no row and no statement."""
    return end - start <= TITLE and not is_row(text, start, end) and text[end - 1] not in ".!?\u3002"


def _is_heading(text: str, start: int, end: int) -> bool:
    """Whether a sentence is a short line of its own that does not end like one."""
    if end - start > 80 or text[start] in "-*|\u2022" or is_row(text, start, end):
        return False
    before = text[max(0, start - 100) : start]
    _, line_break, indent = before.rpartition("\n")
    alone = text[end : end + 1] in ("\n", "\r") and bool(line_break or len(before) == start) and not indent.strip()
    return alone and (text[end - 1].isalnum() or text[end - 1] in ":)")


def _hits(question: Question, piece: Piece, starts: Rows) -> Floats:
    """Which sentences have which terms; names of source code and of columns count as they stand and in whole words."""
    found = question.hits(piece.text, starts)
    if source_language(piece.document) is not None:
        return np.maximum(found, question.hits(*spelled_at(piece.text, starts)))
    at = piece.text.find(CELLS) if question.language == "en" else -1
    row = piece.text[piece.text.rfind("\n", 0, at) + 1 : at + 500].partition("\n")[0] if at >= 0 else ""
    return np.maximum(found, question.hits(*rows_in_words(piece.text, starts))) if is_short_for_more(row) else found


def _spread(hits: Floats, piece: Rows, reach: int) -> Floats:
    """`hits` of each sentence or of one at most `reach` away in the same piece."""
    spread = hits.copy()
    for step in range(1, min(reach, len(piece) - 1) + 1):
        same = (piece[step:] == piece[:-step])[:, None]
        np.maximum(spread[step:], hits[:-step] * same, out=spread[step:])
        np.maximum(spread[:-step], hits[step:] * same, out=spread[:-step])
    return spread
