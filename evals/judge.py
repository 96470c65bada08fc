"""A language model as judge, through any engine that generates, and how far it agrees with people.

A judge is only worth as much as its agreement with a sample that people labelled: report `agreement` beside every
score it gives. LaRA (arXiv 2502.09977) judges in the same two ways: against an answer, and, where none exists, by
whether the reply says so. The wording here is our own.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
from hybrid.evals.statistics import ENOUGH

from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Engine
from hybrid.errors import InputError
from hybrid.types import Piece, Usage

Array = np.ndarray[Any, np.dtype[np.float64]]
DRAWS = 2000
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
    """A judge's verdict on one prediction."""

    score: float  # 1 right, 0 wrong
    readable: bool  # False: the judge said neither yes nor no, and the score is 0
    usage: Usage  # of judging, reported beside the score


class Agreement(NamedTuple):
    """A judge against labels of people, or against another score."""

    n: int
    accuracy: float  # share of equal verdicts
    kappa: float | None  # Cohen's: agreement beyond chance, 1 at most; None where either side says only one thing
    low: float | None  # 95 % interval of kappa, whole documents drawn
    high: float | None

    @property
    def established(self) -> bool:
        """Whether they agree more than chance would have it: the interval of kappa lies above 0."""
        return self.n >= ENOUGH and self.low is not None and self.low > 0

    @property
    def words(self) -> str:
        """Kappa with its interval."""
        if self.kappa is None or self.low is None or self.high is None:
            return "is not defined, as one side says only one thing"
        return f"{self.kappa:.2f} [{self.low:.2f}, {self.high:.2f}]"


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


def agreement(
    verdicts: Sequence[float], labels: Sequence[float], groups: Sequence[Hashable] | None = None
) -> Agreement:
    """How often a judge and people agree, and by how much more than chance (Cohen 1960).

    Args:
        verdicts: scores of the judge; from 0.5 on they count as right.
        labels: the same of people, in the same order.
        groups: the document of each; the interval draws whole documents. None, or one document: single samples.

    Raises:
        InputError: none, or not as many of one as of the other.
    """
    if not verdicts or len(verdicts) != len(labels):
        raise InputError(
            f"Agreement needs one label for each verdict and at least one; there are {len(verdicts)} verdicts and "
            f"{len(labels)} labels."
        )
    ours, theirs = np.asarray(verdicts) >= 0.5, np.asarray(labels) >= 0.5
    kinds = np.stack([ours & theirs, ours & ~theirs, ~ours & theirs, ~ours & ~theirs], axis=1).astype(float)
    names = groups if groups is not None and len(set(groups)) > 1 else range(len(verdicts))
    places = {name: i for i, name in enumerate(dict.fromkeys(names))}
    tables = np.zeros((len(places), 4))
    np.add.at(tables, [places[name] for name in names], kinds)
    (kappa,) = _kappas(tables.sum(0, keepdims=True))
    drawn = np.random.default_rng(0).multinomial(len(places), [1 / len(places)] * len(places), DRAWS)
    same = float(np.mean(ours == theirs))
    if np.isnan(kappa):
        return Agreement(len(verdicts), same, None, None, None)
    again = np.nan_to_num(_kappas(drawn @ tables))  # a draw with one kind of verdict shows no agreement beyond chance
    low, high = np.percentile(again, [2.5, 97.5]).tolist()
    return Agreement(len(verdicts), same, float(kappa), low, high)


def _kappas(tables: Array) -> Array:
    """Cohen's kappa of tables of both right, only the one, only the other, both wrong; NaN where it is not defined."""
    n = tables.sum(1)
    p, q = (tables[:, 0] + tables[:, 1]) / n, (tables[:, 0] + tables[:, 2]) / n
    chance = p * q + (1 - p) * (1 - q)
    fixed = (p * (1 - p) == 0) | (q * (1 - q) == 0)
    kappa: Array = np.divide(
        (tables[:, 0] + tables[:, 3]) / n - chance, 1 - chance, out=np.full(len(tables), np.nan), where=~fixed
    )
    return kappa
