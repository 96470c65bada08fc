"""Candidates: the sentences that are read closely, out of all that were scanned."""

from __future__ import annotations

import re

import numpy as np

from hybrid.engines.quoting.question import Floats, Question, Rows, is_vague
from hybrid.engines.quoting.scan import Scan
from hybrid.engines.quoting.tables import of_most, of_named
from hybrid.engines.quoting.weights import Weights
from hybrid.text.asking import contrasts, names_nobody, names_none

EMBEDDED = 64  # sentences that are embedded for one question
VAGUELY = 0.3  # of what a word counts that says little of the thing
_NUMBERED = re.compile(r"(?:\d+|[A-Z]|[ivx]+)[.)]\s*(?:[^\W\d_]+[ -]?){1,3}\.?")  # "4. Deposit." begins a clause


def worth_of(scan: Scan, weights: Weights) -> Floats:
    """(terms,): how telling each term of the question is, 0 to 1: rare in general and in these pieces.

    A word that a whole short document is about tells little of which of its sentences is meant.
    """
    question, counts = scan.question, scan.hits.sum(0)
    known = np.array([weights.words.get(term, 0.0) for term in question.terms])
    total = weights.sentences + len(scan) + 1.0
    worth: Floats = np.maximum(np.log(total / (known + counts + 1.0)) / np.log(total), 0.02)
    if question.language == "en":
        worth[[is_vague(term) for term in question.terms]] *= VAGUELY
    if scan.sole:
        often = np.log((len(scan) + 2) / (counts + 1)) / np.log(len(scan) + 2)
        worth *= 0.4 + 0.6 * np.maximum(often, 0.0)
    return worth


def candidates(scan: Scan, worth: Floats) -> tuple[Rows, Rows]:
    """The sentences to read closely, and the rows among them that have the most of something, where that is asked.

    `scan` then says of these rows that they have the words that ask for it.
    """
    question, rows = scan.question, _promising(scan, worth)
    chosen = np.zeros(0, np.intp)
    if question.codes:
        rows = rows[[not question.of_another(scan.titled(row)) for row in rows]]
    if question.in_plain_english:
        rows = rows[[_is_of_what_is_asked(question, scan.titled(row)) for row in rows]]
    rows = rows[of_named(scan)[rows]]
    if scan.sole and question.in_plain_english:
        may, chosen = of_most(scan)
        rows = rows[may[rows]]
    if scan.sole and not question.of_code:
        said = [not _NUMBERED.fullmatch(scan.text(row)) for row in rows]
        rows = rows[said] if any(said) else rows
    return rows, chosen


def _promising(scan: Scan, worth: Floats) -> Rows:
    """The sentences to embed: all if they are few, otherwise those of the evidence and the best by their words."""
    if len(scan) <= EMBEDDED:
        return np.arange(len(scan))
    score = scan.hits @ worth + 0.4 * (np.maximum(scan.near, scan.title) @ worth)
    for shown in scan.prompt.evidence:
        for number, piece in enumerate(scan.prompt.pieces):
            if piece.document == shown.document:
                start, end = scan.start + piece.start, scan.end + piece.start
                score += 0.5 * worth.sum() * ((scan.piece == number) & (start < shown.end) & (end > shown.start))
    return np.sort(np.argsort(-score, kind="stable")[:EMBEDDED])


def _is_of_what_is_asked(question: Question, text: str) -> bool:
    """Whether a sentence is not of the opposite of what an English question asks, and has a name where one is asked."""
    if question.kind == "who" and names_nobody(text, question.terms):
        return False
    opposite = not question.yes_or_no and contrasts(question.text, text)
    return not opposite and not names_none(question.text, text, question.terms)
