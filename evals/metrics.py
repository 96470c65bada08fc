"""Metrics as pure functions of strings, computed as the reference implementations compute them, edge cases included.

Sources: `evaluate-v2.0.py` of rajpurkar/SQuAD-explorer (commit eee5fdb) for normalisation, exact match and F1;
nelson-liu/lost-in-the-middle (29b8a6d), NVIDIA/RULER (c3f5e3b), THUDM/LongBench (2e00731), OpenLMLab/LEval (cd34b05),
princeton-nlp/HELMET (4526dfb) and RUCAIBox/BAMBOO (f230f20) for those named after them. `choice`, `keywords`,
`content_words`, `values` and `abstained_right` are our own. Scores are 0 to 1, not percent; several golds mean the
best of them unless a metric says that all must be named.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np
from hybrid.evals.sample import Metric

from hybrid.chat.refusals import abstains

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CELLS = 4_000_000  # resampled indices held at once
_CONTROL = re.compile(r"[\x00-\x1f]")
# A letter that stands alone; an A that begins a phrase ("A man ...") is an article, not an option
_OPTION = r"(?<![\w'’])(?:([B-H])|(A)(?!\s+(?!because\b|since\b|as\b|is\b|or\b|and\b)[a-z]))(?![\w'’])"
_STATED = re.compile(rf"(?i:\banswer)(?:\s+is)?\s*:?\s*[(\[*\s]*{_OPTION}")
_LEADING = re.compile(rf"\W*{_OPTION}")
_FUNCTION_WORDS = frozenset(
    "all also and any are as at be been but by can could did do does for from had has have he her his how if in into "
    "is it its may more most no not of on or our she should so some such than that their them then there these they "
    "this to was were what when which who will with would you".split()
)


class Interval(NamedTuple):
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


def normalise(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single blanks.

    Traps: punctuation is deleted, not replaced ("state-of-the-art" is one word, "3.5" is "35"), and before the articles
    go, so the "a" of "a-b" stays; only the 32 ASCII marks go, curly quotes and currency signs stay; accents stay.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, golds: Sequence[str]) -> float:
    """1 if the prediction equals a gold answer once both are normalised, else 0.

    As in SQuAD 2.0, golds that normalise to nothing are dropped; with none left the question is unanswerable and only
    an empty prediction is right.
    """
    return max(float(normalise(prediction) == gold) for gold in _golds(golds))


def f1(prediction: str, golds: Sequence[str]) -> float:
    """The best F1 of the prediction's words with those of a gold answer, as multisets.

    As in SQuAD 2.0: if either side has no words, 1 when both are empty, otherwise 0. The best gold for F1 need not be
    the best for `exact_match`.
    """
    return max(_overlap(normalise(prediction).split(), gold.split()) for gold in _golds(golds))


def best_subspan_em(prediction: str, golds: Sequence[str]) -> float:
    """1 if a normalised gold answer occurs in the first line of the normalised prediction, else 0.

    Traps: the prediction is cut at its first line break before anything is stripped, so a reply that begins with one
    is empty; strip it first if that can happen. The gold is searched as characters, not as words: "art" is in "party".
    A gold that normalises to nothing is in everything. Without golds the score is 0.
    """
    line = normalise(prediction.split("\n", 1)[0].strip())
    return float(any(normalise(gold) in line for gold in golds))


def match_all(prediction: str, golds: Sequence[str]) -> float:
    """RULER: the share of golds that occur in the prediction, upper and lower case alike; 0 without golds.

    Traps: control characters become line breaks, so a gold with a tab is never found; golds are searched as characters,
    so "12" is in "123" and "rain" in "train"; nothing but the ends is stripped.
    """
    text = _ruler(prediction)
    return sum(gold.lower() in text for gold in golds) / max(1, len(golds))


def match_part(prediction: str, golds: Sequence[str]) -> float:
    """RULER's question answering: 1 if any gold occurs in the prediction, else 0; the traps of `match_all`."""
    text = _ruler(prediction)
    return float(any(gold.lower() in text for gold in golds))


def key_value(prediction: str, golds: Sequence[str]) -> float:
    """Lost in the middle, key-value retrieval: 1 if a gold value occurs anywhere, upper and lower case alike.

    Trap: unlike `best_subspan_em` nothing is normalised and nothing cut at a line break.
    """
    return float(any(gold.lower() in prediction.lower() for gold in golds))


def qa_f1(prediction: str, golds: Sequence[str]) -> float:
    """LongBench's word F1.

    Trap: no common word is 0 even when prediction and gold are both empty, where `f1` gives 1.
    """
    words = normalise(prediction).split()
    return max((_overlap(words, normalise(g).split()) if words else 0.0 for g in golds), default=0.0)


def rouge_l(prediction: str, golds: Sequence[str]) -> float:
    """LongBench's ROUGE-L F, as the package `rouge` 1.0.1 gives it, written here since that package is not needed else.

    Traps: sentences end at every full stop, so "3.5" is two; words are sets, repeated ones count once; case counts; a
    blank after the last full stop is a sentence of one empty word; an empty side is 0. The package fails on sentences
    of about a thousand words, which LongBench counts as 0; here they are scored.
    """
    return max((_rouge_l(_stops(prediction), _stops(gold)) for gold in golds), default=0.0)


def classification(prediction: str, golds: Sequence[str]) -> float:
    """LongBench: 1 over the number of class names in the prediction if the right one is among them, else 0.

    Args:
        golds: the right class first, then all the classes in the data's order (the right one again among them).

    Traps: names are found as characters and case counts; a name inside the right one is dropped, but the reference
    drops while it goes through the list, so the name after a dropped one is never looked at.
    """
    if not golds:
        return 0.0
    right, classes = golds[0], golds[1:] or golds
    found = [name for name in classes if name in prediction]
    place = 0
    while place < len(found):
        if found[place] != right and found[place] in right:
            del found[place]
        place += 1
    return 1 / len(found) if right in found else 0.0


def number_named(prediction: str, golds: Sequence[str]) -> float:
    """LongBench's passage retrieval and count: the share of all the prediction's integers that equal the gold's first.

    Traps: "Paragraph 3 of 30" is half right; "07" is not "7"; "3.5" holds 3 and 5.
    """
    numbers = re.findall(r"\d+", prediction)
    wanted = [found[0] for gold in golds if (found := re.findall(r"\d+", gold))]
    return max((numbers.count(number) / len(numbers) for number in wanted if numbers), default=0.0)


def code_similarity(prediction: str, golds: Sequence[str]) -> float:
    """LongBench's fuzzy ratio of the first line without a back-tick, "#" or "//", in whole percent, divided by 100.

    Computed with difflib, as fuzzywuzzy does without its optional C library; with that, or with rapidfuzz, the ratio is
    of the longest common subsequence and can be higher. Trap: from 200 characters on difflib ignores frequent ones.
    """
    lines = prediction.lstrip("\n").split("\n")
    line = next((line for line in lines if not any(mark in line for mark in ("`", "#", "//"))), "")
    return max((_ratio(line, gold) for gold in golds), default=0.0)


def longbench2_choice(prediction: str, golds: Sequence[str]) -> float:
    """LongBench v2: 1 if the letter in "The correct answer is (X)", or without brackets, is the gold's.

    Traps: asterisks go first; case counts; the bracketed form wins wherever it stands; no such sentence is wrong.
    """
    text = prediction.replace("*", "")
    found = re.search(r"The correct answer is \(([A-D])\)", text) or re.search(r"The correct answer is ([A-D])", text)
    return float(found is not None and found[1] in golds)


def leval_em(prediction: str, golds: Sequence[str]) -> float:
    """L-Eval's exact match of a reply from which an option has been read already.

    Golds of the letters A to D only: 1 if equal, 0.25 if every predicted letter is among several right ones. Others:
    equal as numbers, or else the gold inside the first line of the reply with more than one character.

    Traps: normalisation without lower case; an empty prediction is a subset of any letters and earns 0.25; blanks are
    removed before the search, and "12" is in "3120".
    """
    return max((_leval(prediction, gold) for gold in golds), default=0.0)


def leval_choice(prediction: str, golds: Sequence[str]) -> float:
    """L-Eval's tasks with one right option: the first of the letters A to D anywhere in the reply, by `leval_em`.

    Traps: "Because" is B and "According" A; a reply without any of them is A, an empty one is wrong.
    """
    reply = prediction.strip()
    letter = next((c for c in reply if c in "ABCD"), "A") if reply else "None"
    return leval_em(prediction if prediction and prediction in "ABCD" else letter, golds)


def choice(prediction: str, golds: Sequence[str]) -> float:
    """Ours, safer than L-Eval's and BAMBOO's reading: 1 if the letter that stands alone is the gold's, else 0.

    Read in this order: the last "answer is X" or "Answer: X"; a letter, A to H, that begins the reply; the only letter
    that stands alone. "Because" and "A man" name none. A reply that names none, or several, is wrong.
    """
    return float(option(prediction) in [gold.strip().upper() for gold in golds])


def option(reply: str) -> str | None:
    """The letter of the option that a reply chooses, as `choice` reads it; None if none or several."""
    stated = ["".join(found) for found in _STATED.findall(reply)]
    if stated:
        return stated[-1]
    if leading := _LEADING.match(reply):
        return leading[1] or leading[2]
    alone = {"".join(found) for found in re.findall(_OPTION, reply)}
    return alone.pop() if len(alone) == 1 else None


def bamboo_choice(prediction: str, golds: Sequence[str]) -> float:
    """BAMBOO: the first line's leading letter, or one after a square bracket, A before B and so on.

    Traps: "Because" is B and "definitely" D; an empty reply, on which the reference stops, is wrong.
    """
    line = prediction.strip().split("\n")[0].strip(" ")
    found = next((c for c in "ABCD" if f"[{c}" in line or line.upper().startswith(c)), None)
    return float(found in golds)


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


def values(prediction: str, golds: Sequence[str]) -> float:
    """Ours, for the testbed: 1 if every gold number stands in the reply, not inside a longer one.

    Without golds, 1 if the reply abstains.
    """
    if not golds:
        return abstained_right(prediction, golds)
    return float(all(re.search(rf"(?<!\d){re.escape(gold)}(?!\d)", prediction) for gold in golds))


def abstained_right(prediction: str, golds: Sequence[str]) -> float:
    """Ours: 1 if the reply abstains where there are no golds, or answers, rightly or not, where there are some."""
    return float(abstains(prediction) == (not golds))


def first_line(metric: Callable[[str, Sequence[str]], float]) -> Metric:
    """LongBench's form for few-shot tasks: the reply's leading line breaks go, then all but its first line."""
    return lambda prediction, golds: metric(prediction.lstrip("\n").split("\n")[0], golds)


METRICS: Mapping[str, Metric] = {
    "exact_match": exact_match,
    "f1": f1,
    "best_subspan_em": best_subspan_em,
    "key_value": key_value,
    "match_all": match_all,
    "match_part": match_part,
    "qa_f1": qa_f1,
    "rouge_l": rouge_l,
    "classification": classification,
    "number_named": number_named,
    "code_similarity": code_similarity,
    "qa_f1_first_line": first_line(qa_f1),
    "rouge_l_first_line": first_line(rouge_l),
    "classification_first_line": first_line(classification),
    "longbench2_choice": longbench2_choice,
    "leval_em": leval_em,
    "leval_choice": leval_choice,
    "bamboo_choice": bamboo_choice,
    "choice": choice,
    "helmet_substring_em": helmet_substring_em,
    "keywords": keywords,
    "content_words": content_words,
    "values": values,
    "abstained_right": abstained_right,
}


def bootstrap(
    values: Sequence[float], groups: Sequence[Hashable] | None = None, seed: int = 0, n: int = 2000
) -> Interval:
    """The mean of `values` and its 95 % interval: percentiles of the means of `n` resamples.

    Args:
        values: one score per sample.
        groups: where samples share a document, one label per sample: whole groups are drawn, since samples of one
            document are not independent and an interval that ignores it is too narrow.
        seed: the same seed gives the same interval.
        n: resamples.

    Raises:
        ValueError: no values, or not as many groups as values.
    """
    scores = np.asarray(values, dtype=np.float64)
    if not len(scores):
        raise ValueError("bootstrap needs at least one value, and got none.")
    if groups is not None and len(groups) != len(scores):
        raise ValueError(f"There are {len(scores)} values but {len(groups)} groups; give one group per value.")
    labels = range(len(scores)) if groups is None else groups
    places = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    member = np.array([places[label] for label in labels])
    sums, sizes = np.bincount(member, scores), np.bincount(member)
    random, step = np.random.default_rng(seed), max(1, _CELLS // len(sums))
    means = []
    for done in range(0, n, step):
        drawn = random.integers(0, len(sums), (min(step, n - done), len(sums)))
        means.append(sums[drawn].sum(1) / sizes[drawn].sum(1))
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return Interval(float(scores.mean()), float(low), float(high))


def _golds(golds: Sequence[str]) -> list[str]:
    return [gold for gold in map(normalise, golds) if gold] or [""]


def _overlap(prediction: list[str], gold: list[str]) -> float:
    if not prediction or not gold:
        return float(prediction == gold)
    common = (Counter(prediction) & Counter(gold)).total()
    return 2 * common / (len(prediction) + len(gold))


def _ruler(prediction: str) -> str:
    return _CONTROL.sub("\n", prediction.strip()).strip().lower()


def _content(gold: str) -> set[str]:
    words = set(normalise(gold).split())
    return words - _FUNCTION_WORDS or words


def _ratio(line: str, gold: str) -> float:
    return 1.0 if line == gold else round(100 * SequenceMatcher(None, line, gold).ratio()) / 100


def _leval(prediction: str, gold: str) -> float:
    letters, own = _normalise_case(gold), _normalise_case(prediction)
    if set(letters) <= set("ABCD"):
        return 1.0 if own == letters else 0.25 * (set(own) <= set(letters))
    try:
        return float(float(prediction) == float(gold))
    except ValueError:
        line = next((line for line in prediction.split("\n") if len(line) > 1), prediction)
        return float(gold.lower().replace(" ", "") in line.lower().replace(" ", ""))


def _normalise_case(text: str) -> str:
    return " ".join(_ARTICLES.sub(" ", text.translate(_PUNCTUATION)).split())


def _stops(text: str) -> list[list[str]]:
    return [" ".join(part.split()).split(" ") for part in text.split(".") if part]


def _rouge_l(said: list[list[str]], gold: list[list[str]]) -> float:
    if not said or not gold:
        return 0.0
    union = {word for right in gold for sentence in said for word in _common_subsequence(right, sentence)}
    precision = len(union) / len({word for sentence in said for word in sentence})
    recall = len(union) / len({word for sentence in gold for word in sentence})
    return 2 * precision * recall / (precision + recall + 1e-8)


def _common_subsequence(gold: list[str], said: list[str]) -> list[str]:
    """One of the longest; which of several decides the union, so ties go back through `said` as in the reference."""
    table = [[0] * (len(said) + 1)]
    for word in gold:
        row, above = [0], table[-1]
        for j, other in enumerate(said):
            row.append(above[j] + 1 if word == other else max(above[j + 1], row[j]))
        table.append(row)
    found, i, j = [], len(gold), len(said)
    while i and j:
        if gold[i - 1] == said[j - 1]:
            i, j = i - 1, j - 1
            found.append(gold[i])
        elif table[i - 1][j] > table[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return found
