"""The words of an answer, and metrics of whether a reply holds what a right one holds.

Source: princeton-nlp/HELMET (commit 4526dfb) for the one named after it; the others are our own.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from hybrid.chat.refusals import abstains

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


def helmet_substring_em(prediction: str, golds: Sequence[str]) -> float:
    """HELMET: 1 if a normalised gold is in the normalised reply, or in what follows "Answer:" on its line.

    Traps: characters, not words; unlike `best_subspan_em` every line is searched; an empty gold is in everything.
    """
    after = re.search(r"answer:(.*)", prediction, re.IGNORECASE)
    texts = [normalise(prediction), normalise(after[1]) if after else ""]
    return float(any(normalise(gold) in text for gold in golds for text in texts))


def keywords(prediction: str, golds: Sequence[str]) -> float:
    """Ours, in place of a judge: the share of golds found as whole words, both sides normalised; 0 without golds.

    It sees neither denials nor paraphrases, and a reply that repeats the whole text earns everything.
    """
    text = f" {normalise(prediction)} "
    return sum(f" {normalise(gold)} " in text for gold in golds) / max(1, len(golds))


def values(prediction: str, golds: Sequence[str]) -> float:
    """Ours, for the testbed: 1 if every gold number stands in the reply, not inside a longer one.

    Without golds, 1 if the reply abstains.
    """
    if not golds:
        return abstained_right(prediction, golds)
    return float(all(re.search(rf"(?<!\d){re.escape(gold)}(?!\d)", prediction) for gold in golds))


_FUNCTION_WORDS = frozenset(
    "all also and any are as at be been but by can could did do does for from had has have he her his how if in into "
    "is it its may more most no not of on or our she should so some such than that their them then there these they "
    "this to was were what when which who will with would you".split()
)


def content_words(prediction: str, golds: Sequence[str]) -> float:
    """Ours, in place of a judge: the share of a gold's different words, function words left out, that the reply has.

    0 for a reply that abstains; without golds, 1 if it abstains. On LaRA's published replies the means of this measure
    follow the published judge with r = .89 on location, .94 hallucination, .81 comparison and .72 reasoning.
    """
    if not golds:
        return abstained_right(prediction, golds)
    if abstains(prediction):
        return 0.0
    said = set(normalise(prediction).split())
    return max(len(words & said) / max(1, len(words)) for words in map(_content, golds))


def _content(gold: str) -> set[str]:
    words = set(normalise(gold).split())
    return words - _FUNCTION_WORDS or words


def abstained_right(prediction: str, golds: Sequence[str]) -> float:
    """Ours: 1 if the reply abstains where there are no golds, or answers, rightly or not, where there are some."""
    return float(abstains(prediction) == (not golds))


_FIGURE = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")


def figures(prediction: str, golds: Sequence[str]) -> float:
    """Ours, for FinanceBench, whose paper had people judge: 1 if the reply has the gold number; else `content_words`.

    A gold with one number and at most two other words, such as "$1577.00" or "$8.7 billion", is a number. The reply has
    it if one of its own is the same once rounded to the gold's decimals, zeros at their end not counted: 8.738 is 8.70.

    Traps: signs do not count, since a filing writes (1,577) for minus 1,577; units do not either, so 8,738 million is
    not 8.7 billion, and 5.1 is 5.1%; a reply that quotes a whole table has any number in it. 0 for a reply that
    abstains.
    """
    if not golds:
        return abstained_right(prediction, golds)
    if abstains(prediction):
        return 0.0
    return max(_figure(prediction, gold) for gold in golds)


def _figure(prediction: str, gold: str) -> float:
    wanted = _FIGURE.findall(gold)
    if len(wanted) != 1 or len(_FIGURE.sub("", gold).split()) > 3:
        return content_words(prediction, [gold])
    number = wanted[0].replace(",", "")
    decimals = len(number.partition(".")[2].rstrip("0"))
    said = [float(found.replace(",", "")) for found in _FIGURE.findall(prediction)]
    return float(any(round(value, decimals) == round(float(number), decimals) for value in said))
