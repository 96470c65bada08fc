"""The words of an answer, as metrics compare them."""

from __future__ import annotations

import re
import string
from collections import Counter

_MARKS = re.compile(r" ?\[\d+\]")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def unmarked(reply: str) -> str:
    """A reply without citation marks, on one line."""
    return " ".join(_MARKS.sub("", reply).split())


def normalise(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single blanks.

    Traps: punctuation is deleted, not replaced ("state-of-the-art" is one word, "3.5" is "35"), and before the articles
    go, so the "a" of "a-b" stays; only the 32 ASCII marks go, curly quotes and currency signs stay; accents stay.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def normalise_case(text: str) -> str:
    """The same with its upper and lower case."""
    return " ".join(_ARTICLES.sub(" ", text.translate(_PUNCTUATION)).split())


def overlap(prediction: list[str], gold: list[str]) -> float:
    """F1 of words as multisets; 1 where neither side has any."""
    if not prediction or not gold:
        return float(prediction == gold)
    common = (Counter(prediction) & Counter(gold)).total()
    return 2 * common / (len(prediction) + len(gold))
