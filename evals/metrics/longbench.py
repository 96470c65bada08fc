"""The metrics of THUDM/LongBench (commit 2e00731)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

from hybrid.evals.metrics.rouge import rouge_l
from hybrid.evals.metrics.words import normalise, overlap
from hybrid.evals.sample import Metric


def qa_f1(prediction: str, golds: Sequence[str]) -> float:
    """LongBench's word F1.

    Trap: no common word is 0 even when prediction and gold are both empty, where `f1` gives 1.
    """
    words = normalise(prediction).split()
    return max((overlap(words, normalise(g).split()) if words else 0.0 for g in golds), default=0.0)


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


def first_line(metric: Callable[[str, Sequence[str]], float]) -> Metric:
    """LongBench's form for few-shot tasks: the reply's leading line breaks go, then all but its first line."""
    return lambda prediction, golds: metric(prediction.lstrip("\n").split("\n")[0], golds)


qa_f1_first_line = first_line(qa_f1)
rouge_l_first_line = first_line(rouge_l)
classification_first_line = first_line(classification)


def _ratio(line: str, gold: str) -> float:
    return 1.0 if line == gold else round(100 * SequenceMatcher(None, line, gold).ratio()) / 100
