"""A language model as judge, through any engine that generates, and how far it agrees with people.

A judge is only worth as much as its agreement with a sample that people labelled: report `agreement` beside every
score it gives. LaRA (arXiv 2502.09977) judges in the same two ways: against an answer, and, where none exists, by
whether the reply says so. The wording here is our own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from hybrid.engines.base import Engine
from hybrid.errors import InputError
from hybrid.prompts import Prompt
from hybrid.types import Piece, Usage

_MAX_TOKENS = 64
_ANSWERED = (
    "Somebody was asked: {question}\nThe text named 'reply' is what was said, 'right answers' lists what is accepted, "
    "one per line. Does the reply, taken as a whole, give one of the right answers? Other words for it are "
    "fine, and so is more detail that does not contradict it; a different fact, a hedge between several, or no answer "
    "is not. Begin with one word: YES or NO."
)
_UNANSWERABLE = (
    "Somebody was asked: {question}\nNothing they could read answers this. The text named 'reply' is what was said. "
    "Does the reply say that the answer is not given there, without offering one all the same? Begin with one word: "
    "YES or NO."
)


class Verdict(NamedTuple):
    """What a judge made of one prediction."""

    score: float  # 1 right, 0 wrong
    readable: bool  # False: the judge said neither yes nor no, and the score is 0
    usage: Usage  # what judging took, to be reported beside the score


class Agreement(NamedTuple):
    """A judge against labels of people."""

    n: int
    accuracy: float  # share of equal verdicts
    kappa: float | None  # Cohen's: agreement beyond chance, 1 at most; None where either side says only one thing


def judge(engine: Engine, question: str, golds: Sequence[str], prediction: str) -> Verdict:
    """Whether a prediction says what a gold says, or, without golds, that there is no answer.

    Args:
        engine: a model that generates; a stronger one than the model under test, and not the same one.

    Raises:
        InputError: the engine quotes instead of generating.
        EngineError: the engine failed; WindowError, the reply is longer than it can read.
    """
    pieces = [Piece("reply", prediction.strip() or "(empty)", 0)]
    if golds:
        pieces.insert(0, Piece("right answers", "\n".join(golds), 0))
    wording = _ANSWERED if golds else _UNANSWERABLE
    prompt = Prompt(wording.format(question=question.strip()), tuple(pieces))
    completion = engine.ask(prompt, max_tokens=_MAX_TOKENS)
    if completion.quotes:
        raise InputError(f"{engine.name} answers by quoting and cannot judge; name an engine with a language model.")
    said = re.search(r"\b(yes|no)\b", completion.text, re.IGNORECASE)
    return Verdict(float(said is not None and said[1].lower() == "yes"), said is not None, completion.usage)


def agreement(verdicts: Sequence[float], labels: Sequence[float]) -> Agreement:
    """How often a judge and people say the same, and how much of that is more than chance (Cohen 1960).

    Args:
        verdicts: scores of the judge; from 0.5 on they count as right.
        labels: the same of people, in the same order.

    Raises:
        InputError: none, or not as many of one as of the other.
    """
    if not verdicts or len(verdicts) != len(labels):
        raise InputError(
            f"Agreement needs one label for each verdict and at least one; there are {len(verdicts)} verdicts and "
            f"{len(labels)} labels."
        )
    n = len(verdicts)
    ours, theirs = [v >= 0.5 for v in verdicts], [v >= 0.5 for v in labels]
    same = sum(a == b for a, b in zip(ours, theirs, strict=True)) / n
    p, q = sum(ours) / n, sum(theirs) / n
    chance = p * q + (1 - p) * (1 - q)
    return Agreement(n, same, None if p in (0, 1) or q in (0, 1) else (same - chance) / (1 - chance))
