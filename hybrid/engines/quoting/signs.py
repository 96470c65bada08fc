"""Signs: what tells by the form of the best sentence of a short document that it is not about what is asked."""

from __future__ import annotations

import numpy as np

from hybrid.engines.quoting.question import Floats, Question, is_general
from hybrid.engines.quoting.scan import Scan
from hybrid.engines.quoting.tables import has_no_column, is_empty
from hybrid.engines.quoting.weights import FEATURES, OVERALL
from hybrid.text.english import asked_of, done_in, tells_time, undone_by, verbs_of
from hybrid.text.sentences import is_row
from hybrid.text.words import stem

Known = dict[str, float]

LITTLE = 0.35  # share of the question's words
SURE = 0.65  # cosine from which a sentence is of the matter, in whatever words


def signs_of(scan: Scan, row: int, features: Floats, overall: Floats) -> list[str]:
    """The signs of one sentence, by their names in SIGNS. All but the first three are of English questions only, whose
    forms are known; "timeless" is of questions about code too.

    * elsewhere: the most telling word of the question stands nowhere, and much of the rest does not either;
    * uncounted: things are to be counted and it has no number of them;
    * empty: the cell of a table that is asked is empty;
    * timeless, unitless: it has no time, or no number of that unit, where one is asked;
    * unsaid: the attribute that is asked stands nowhere;
    * other_column: it is the row of a table that has no number of that unit;
    * undone: it tells what was done and not by whom;
    * only_named: whether something is so is asked of a thing, and it only names the thing;
    * of_another: it has little of the question, and what is asked about stands in other sentences;
    * in_code: it is code, which says little in words.

    Args:
        features: of the sentence.
        overall: with it as the best one.
    """
    question, text = scan.question, scan.text(row)
    known = dict(zip((*FEATURES, *OVERALL), (*features, *overall), strict=True))
    number, when = question.kind == "number", question.kind == "when"
    row_of_table = is_row(text, 0, len(text)) and not question.of_code
    found = {
        "elsewhere": _is_elsewhere(question, known),
        "uncounted": question.how_many and not question.of_code and known["number"] <= 0.4 and known["keyed"] < 0.5,
        "in_code": question.of_code,
        "empty": row_of_table and is_empty(question, range(len(question.terms)), text),
        "timeless": (question.language == "en" or question.of_code)
        and when
        and not known["when"]
        and not tells_time(text),
    }
    if question.in_plain_english:
        lacking = {question.terms[term] for term in scan.lacking}
        unlike = known["cosine"] < SURE
        few = known["number"] <= (0.3 if question.unit else 0.0)
        found |= {
            "unitless": number and few and known["keyed"] < 0.5,
            "unsaid": unlike and not lacking.isdisjoint(_told(question)),
            "other_column": row_of_table and number and known["number"] < 1 and has_no_column(question, text),
            "undone": question.kind == "who" and undone_by(text, question.terms),
            "only_named": bool(question.yes_or_no and lacking and _only_names(scan, row))
            and (bool(question.names) or unlike),
            "of_another": _stands_elsewhere(scan, row, known),
        }
    return [sign for sign, holds in found.items() if holds]


def _is_elsewhere(question: Question, known: Known) -> bool:
    """Whether the most telling word of the question stands nowhere, much of the rest does not either, and the best
    sentence is not clearly of the matter; of a question without a kind only where it asks yes or no, or about code."""
    if known["rarest"] >= 0.5:
        return False
    if question.kind is None:
        return (question.of_code or question.yes_or_no) and known["missing"] >= (0.55 if question.of_code else 0.5)
    much = 0.4 if question.language == "en" else 0.6  # which words are rare is known of English
    return known["missing"] >= much and known["cosine"] < SURE


def _told(question: Question) -> set[str]:
    """Stems of the attribute that is asked, and of what was done where it is asked when."""
    words = (asked_of(question.text), done_in(question.text) if question.kind == "when" else "")
    return {term for term in map(stem, words) if not is_general(term)}


def _only_names(scan: Scan, row: int) -> bool:
    """Whether a sentence has no word of the question but the name of the thing."""
    own = [term for term in scan.question.unnamed if len(scan.question.terms[term]) > 2]
    return not scan.hits[row][own].any()


def _stands_elsewhere(scan: Scan, row: int, known: Known) -> bool:
    """Whether the best sentence has little of what is asked about, and others that are not right before it have it.

    "What did the shed cost?" is not answered by the fee, where another sentence is about the shed.
    """
    question = scan.question
    if question.kind is None or known["pronoun"] or known["keyed"] >= 0.5:
        return False
    verbs = {stem(verb) for verb in verbs_of(question.text)}
    things = np.array([term not in verbs or not known["covered"] for term in question.terms], bool)
    has = scan.own(row) > 0
    little = known["covered"] + known["covered_title"] < LITTLE
    if not little and (things & has).any():
        return False
    others = np.ones(len(scan), bool)
    others[row] = False
    if row and scan.piece[row - 1] == scan.piece[row]:  # it may go on with what was said right before
        others[row - 1] = False
        has |= scan.hits[row - 1] > 0
    return bool((scan.hits[others][:, things & ~has] > 0).any())
