"""Candidates: the sentences that are read closely, out of all that were scanned, and the rows of tables among them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hybrid.engines.quoting.question import Floats, Question, Rows, is_vague
from hybrid.engines.quoting.scan import Scan
from hybrid.engines.quoting.weights import Weights
from hybrid.text.asking import column_of, contrasts, names_nobody, names_none
from hybrid.text.rows import Cells, cells_of, extreme_in, extreme_rows, says_no
from hybrid.text.sentences import CELLS
from hybrid.text.words import fold, stem

Which = NDArray[np.bool_]

_WHICH_HAS = re.compile(r"\W*(?:which|who|what|whose)\b", re.IGNORECASE)


def of_named(scan: Scan) -> Which:
    """(sentences,): which may answer. Where a table has rows of what the question names, only those, and of those only
    the ones that have a cell of what is asked where other rows have one."""
    question, may = scan.question, np.ones(len(scan), bool)
    if not question.names or not any(CELLS in piece.text for piece in scan.prompt.pieces):
        return may
    are_rows, has = scan.are_rows(), scan.hits > 0
    names = [name for name in sorted(question.names) if has[are_rows, name].any()]
    full = are_rows & has[:, names].all(1) if names else np.zeros(len(may), bool)
    if not full.any():
        return may
    if question.kind != "who":  # the row of somebody else may tell whom this one is about
        firsts = np.zeros(len(may), bool)
        for row in np.flatnonzero(full).tolist():
            first = scan.text(row).split(CELLS.strip())[0]
            firsts[row] = (question.hits_in(first)[names] > 0).all()
        full = firsts if firsts.any() else full
    of_a_column = [term for term in question.unnamed if 2 * has[are_rows, term].sum() >= are_rows.sum()]
    given: Which = np.array(has[:, of_a_column].any(1) if of_a_column else may)
    for row in np.flatnonzero(full).tolist():
        text = scan.text(row)
        given[row] |= ": " not in text  # its cells have no names, so what they are is not known
        full[row] = not is_empty(question, of_a_column, text)
    may[are_rows] = (full & given)[are_rows]
    return may


def of_most(scan: Scan) -> tuple[Which, Rows]:
    """Which sentences of a short document may answer, and which rows of its table are chosen.

    Where the question asks for the row with the most of something, that alone may, and `scan` then says of it that it
    has the words that ask for it. Where it asks which one has something, no row may that says no.
    """
    question, may, chosen = scan.question, np.ones(len(scan), bool), np.zeros(0, np.intp)
    at = np.flatnonzero(scan.are_rows())
    rows = [cells_of(scan.text(row)) for row in at.tolist()]
    if len(rows) < 2 or question.yes_or_no:
        return may, chosen
    extreme = extreme_in(question.text)
    words = {stem(word) for word in extreme[0]} if extreme else set()
    asking = [term for term, name in enumerate(question.terms) if name in words]
    asked = [term for term in range(len(question.terms)) if term not in asking]
    values = np.array([question.hits_in(" ".join(row.values())) > 0 for row in rows])
    telling = [term for term in asked if 0 < values[:, term].sum() < len(rows)]
    of_all = values[:, telling].sum(1)
    meant = np.flatnonzero(of_all == of_all.max())
    if extreme is not None:
        named = partial(_named_by, question, [term for term in asked if term not in telling])
        found = extreme_rows([rows[i] for i in meant], *extreme[1:], named)
        if found is not None:
            may[at], chosen = False, at[meant[found]]
            may[chosen] = True
            for hits in (scan.hits, scan.near, scan.whole):
                hits[chosen[:, None], asking] = 1.0
    elif _WHICH_HAS.match(question.text):
        denied = np.array([_says_no(question, asked, row) for row in rows])
        if denied.any() and not denied.all():
            may[at[denied]], chosen = False, at[~denied]
    return may, chosen


def _named_by(question: Question, terms: Sequence[int], name: str) -> float:
    return float(question.hits_in(name)[terms].sum())


def _says_no(question: Question, terms: Sequence[int], row: Cells) -> bool:
    """Whether a cell of a row that is asked about says that it has none."""
    return any(says_no(value) for name, value in row.items() if _named_by(question, terms, name) > 0)


def is_empty(question: Question, asked: Sequence[int], row: str) -> bool:
    """Whether a term of the question names cells of a row that are all empty.

    Args:
        asked: the terms that may.
    """
    cells = [cell.partition(":") for cell in row.split(CELLS.strip())]
    names = np.array([question.hits_in(name)[asked] > 0 for name, _, _ in cells])
    filled = np.array([bool(value.strip()) or not sign for _, sign, value in cells])  # one without a name is a value
    values = np.array([question.hits_in(value)[asked] > 0 for _, _, value in cells])
    return bool((names.any(0) & ~names[filled].any(0) & ~values.any(0)).any())


def has_no_column(question: Question, row: str) -> bool:
    """Whether no number of a row stands in a column of the unit that is asked, or of a word of the question."""
    columns = column_of(fold(question.text))
    cells = [cell.partition(":") for cell in row.split(CELLS.strip())]
    return columns is not None and not any(
        not sign
        or (
            value.strip()[:1].isdigit()
            and (columns.search(fold(name)) or question.hits_in(name)[question.unnamed].any())
        )
        for name, sign, value in cells
    )


def is_of_another_matter(scan: Scan, row: int, number: float) -> bool:
    """Whether a sentence is a row of what the question names that has nothing of the number that is asked of it.

    Args:
        number: of its features.
    """
    question = scan.question
    if not question.names or not question.unnamed or question.kind != "number" or not scan.is_row(row):
        return False
    return number < 1 and not (scan.hits[row, question.unnamed] > 0).any()


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
