"""Features and signs: what the fitted models are told of each sentence, and of all that was read.

Signs tell by the form of the best sentence of a short document that it is not about what is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from hybrid.engines.quoting.candidates import has_no_column, is_empty
from hybrid.engines.quoting.question import Floats, Question, Rows, is_general
from hybrid.engines.quoting.scan import AROUND, Scan
from hybrid.engines.quoting.weights import FEATURES, OVERALL, SIGNS
from hybrid.text.asking import KINDS, asked_of, done_in, tells_time, undone_by, verbs_of
from hybrid.text.blocks import headline, spelled
from hybrid.text.sentences import is_row
from hybrid.text.words import STOP, WORD, fold, stem, stems

LEAD = 5.0  # of a score before others, at most

# Where cosines tell little, the share of the question's words stands for them: cosine = a + b * share.
_BY_WORDS = {"cosine": "covered", "cosine_near": "covered_near", "cosine_piece": "covered_piece"}
_WEAK = (0.05, 0.6)

# "Weight: 5.2 kg", "MAX_ATTEMPTS = 5": one line that gives what is named before the sign its value.
_KEY = re.compile(r"\W{0,4}([^\W\d][^:\uff1a=|\n]{0,60}?)[*_`\"']{0,3}\s*(?:[:\uff1a]|(?<!=)=(?!=))[*_`\"']{0,3}\s*\S")
_PRONOUN = re.compile(r"(?:it|he|she|they|this|these|his|her|its|their)\b", re.IGNORECASE)


def features_of(scan: Scan, worth: Floats, rows: Rows, vectors: Floats, asked: Floats) -> Floats:
    """(rows, FEATURES): what the ordering model is told of each sentence.

    Args:
        worth: (terms,), how telling each is.
        rows: the sentences, in the order of the text.
        vectors: (rows, dimension), unit vectors of the sentences under their headings.
        asked: (dimension,), that of the question.
    """
    question, share = scan.question, worth / max(float(worth.sum()), 1e-9)
    texts = [scan.text(row) for row in rows]
    around = np.maximum(scan.near[rows], scan.title[rows])
    cosine = vectors @ asked
    columns = {
        "cosine": cosine,
        "cosine_near": _with_neighbours(vectors, scan.piece[rows], rows) @ asked,
        "cosine_piece": _best_around(cosine, scan.piece[rows], rows),
        "covered": scan.hits[rows] @ share,
        "covered_near": around @ share,
        "covered_piece": scan.whole[rows] @ share,
        "covered_title": scan.title[rows] @ share,
        "rarest": around[:, int(np.argmax(worth))] if len(worth) else np.zeros(len(rows)),
        **_wording(question, texts),
        "named": around[:, sorted(question.names)].min(1) if question.names else np.ones(len(rows)),
        "keyed": np.array([_keyed(question, scan.line(row)) for row in rows]),
        **{kind: np.zeros(len(rows)) for kind in KINDS},
    }
    if question.weak:
        for name, known in _BY_WORDS.items():
            columns[name] = _WEAK[0] + _WEAK[1] * columns[known]
    if question.kind is not None:
        columns[question.kind] = np.array([question.fits(text) for text in texts])
    return np.column_stack([columns[name] for name in FEATURES]).reshape(len(rows), len(FEATURES))


def _with_neighbours(vectors: Floats, piece: Rows, rows: Rows) -> Floats:
    """Unit vectors of sentences and half of each neighbour that was embedded too."""
    total = vectors.copy()
    together = ((np.diff(rows) == 1) & (np.diff(piece) == 0))[:, None] * 0.5
    total[1:] += vectors[:-1] * together
    total[:-1] += vectors[1:] * together
    unit: Floats = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)
    return unit


def _best_around(cosine: Floats, piece: Rows, rows: Rows) -> Floats:
    """The best cosine in the same piece, at most `AROUND` sentences away."""
    if not len(rows):
        return cosine
    together = (np.abs(rows[:, None] - rows) <= AROUND) & (piece[:, None] == piece)
    best: Floats = np.where(together, cosine, -1.0).max(1)
    return best


def _wording(question: Question, texts: list[str]) -> dict[str, Floats]:
    wanted = set(pairwise(question.terms))
    rows = []
    for text in texts:
        words, shape = stems(text, STOP), text.rstrip("\"')\u201d")
        rows.append(
            (
                len(wanted & set(pairwise(words))) / max(len(wanted), 1),
                np.log1p(len(text)),
                min(len(text), 600) / 100,
                np.log1p(len(set(words) - set(question.terms))),
                shape.endswith("?"),
                len(text.split()) < 5 and not _KEY.match(text) and shape[-1:] not in (".", "!", "\u3002"),
                _PRONOUN.match(text) is not None,
            )
        )
    names = ("pairs", "length", "characters", "fresh", "question", "fragment", "pronoun")
    return dict(zip(names, np.array(rows, dtype=np.float64).reshape(-1, len(names)).T, strict=True))


def _key(text: str) -> str:
    """What a line names before its value; empty of any other sentence."""
    found = _KEY.match(text)
    return "" if found is None or is_row(text, 0, len(text)) else found[1]


def _keyed(question: Question, text: str) -> float:
    """The share of the words before the colon of a line with a value that the question has; 0 of any other sentence."""
    key = _key(text)
    starts = [m.start() for m in WORD.finditer(key) if m.group().lower() not in STOP]
    hits = question.hits(key, np.array(starts, np.intp))
    return float(hits.max(1, initial=0.0).mean()) if hits.size else 0.0


def asks_for_key(question: str, text: str) -> bool:
    """Whether an English question asks for just what a line gives a value: "What is the insurance policy number?" of
    "policy: KV-883120"."""
    key = fold(_key(text)).lower().strip()
    asked = (
        rf"\W*(?:what|who)\s+(?:is|was|are|were)\s+the\s+(?:[\w-]+\s+)?{re.escape(key)}(?:\s+(?:number|name|code))?\W*"
    )
    return bool(key) and re.fullmatch(asked, fold(question).lower()) is not None


def by_name(scan: Scan, worth: Floats, rows: Rows) -> Floats:
    """(rows,): the share of the question's words that the name of each block of source code has; 0 of sentences."""
    found = np.zeros(len(rows))
    share = worth / max(float(worth.sum()), 1e-9)
    for i, row in enumerate(rows):
        if scan.is_code(row) and len(worth):
            line = headline(scan.verbatim(row))
            found[i] = np.maximum(*map(scan.question.hits_in, (line, spelled(line)))) @ share
    return found


def missing(scan: Scan, worth: Floats) -> float:
    """The share of the question's words, weighed, that nothing that was read has."""
    return float(1 - scan.seen @ worth / worth.sum()) if len(worth) else 0.0


def overall_of(
    features: Floats,
    scores: Floats,
    kindless: bool,
    read: int,
    missing: float,
    near: Sequence[float] = (0.0,) * 5,
) -> Floats:
    """One number per name in OVERALL but SIGNS, which are 0, of the first of some sentences.

    Args:
        features: (sentences, FEATURES), the best first.
        scores: theirs.
        kindless: whether the question asks for none of KINDS.
        read: all sentences that were read.
        missing: as `missing` tells it.
        near: "matched" and what follows it, which is told of a short document only.
    """
    if not len(scores):
        return np.zeros(len(OVERALL))
    lead = float(np.clip(scores[0] - scores[1:].max(), -LEAD, LEAD)) if len(scores) > 1 else 0.0
    best = features.max(0)[[FEATURES.index("cosine"), FEATURES.index("covered_near")]]
    known = [scores[0], lead, *best, kindless, np.log1p(read), missing, *near]
    return np.array([*known, *(0.0,) * len(SIGNS)], dtype=np.float64)


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
