"""Metrics as the reference implementations compute them; each says whose it is.

rajpurkar/SQuAD-explorer (commit eee5fdb, evaluate-v2.0.py), nelson-liu/lost-in-the-middle (29b8a6d), NVIDIA/RULER
(c3f5e3b), THUDM/LongBench (2e00731), OpenLMLab/LEval (cd34b05), RUCAIBox/BAMBOO (f230f20), booydar/babilong (eeec607),
adobe-research/NoLiMa (45ae701), abertsch72/oolong (arXiv 2511.02817).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

from hybrid.evals.metrics.words import normalise, normalise_case, overlap
from hybrid.evals.sample import Metric

from hybrid.text.words import dates


def exact_match(prediction: str, golds: Sequence[str]) -> float:
    """SQuAD: 1 if the prediction equals a gold answer once both are normalised, else 0.

    As in SQuAD 2.0, golds that normalise to nothing are dropped; with none left the question is unanswerable and only
    an empty prediction is right.
    """
    return float(normalise(prediction) in _golds(golds))


def f1(prediction: str, golds: Sequence[str]) -> float:
    """SQuAD: the best F1 of the prediction's words with those of a gold answer, as multisets.

    As in SQuAD 2.0: if either side has no words, 1 when both are empty, otherwise 0. The best gold for F1 need not be
    the best for `exact_match`.
    """
    words = normalise(prediction).split()
    return max(overlap(words, gold.split()) for gold in _golds(golds))


def _golds(golds: Sequence[str]) -> list[str]:
    return [gold for gold in map(normalise, golds) if gold] or [""]


def best_subspan_em(prediction: str, golds: Sequence[str]) -> float:
    """Lost in the middle: 1 if a normalised gold answer occurs in the first line of the normalised prediction, else 0.

    Traps: the prediction is cut at its first line break before anything is stripped, so a reply that begins with one
    is empty; strip it first if that can happen. The gold is searched as characters, not as words: "art" is in "party".
    A gold that normalises to nothing is in everything. Without golds the score is 0.
    """
    line = normalise(prediction.split("\n", 1)[0].strip())
    return float(any(normalise(gold) in line for gold in golds))


def key_value(prediction: str, golds: Sequence[str]) -> float:
    """Lost in the middle, key-value retrieval: 1 if a gold value occurs anywhere, upper and lower case alike.

    Trap: unlike `best_subspan_em` nothing is normalised and nothing cut at a line break.
    """
    return float(any(gold.lower() in prediction.lower() for gold in golds))


_CONTROL = re.compile(r"[\x00-\x1f]")


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


def _ruler(prediction: str) -> str:
    return _CONTROL.sub("\n", prediction.strip()).strip().lower()


def rouge_l(prediction: str, golds: Sequence[str]) -> float:
    """LongBench's ROUGE-L F, as the package `rouge` 1.0.1 gives it, written here since that package is not needed else.

    Traps: sentences end at every full stop, so "3.5" is two; words are sets, repeated ones count once; case counts; a
    blank after the last full stop is a sentence of one empty word; an empty side is 0. The package fails on sentences
    of about a thousand words, which LongBench counts as 0; here they are scored.
    """
    return max((_rouge_l(_stops(prediction), _stops(gold)) for gold in golds), default=0.0)


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


def _leval(prediction: str, gold: str) -> float:
    letters, own = normalise_case(gold), normalise_case(prediction)
    if set(letters) <= set("ABCD"):
        return 1.0 if own == letters else 0.25 * (set(own) <= set(letters))
    try:
        return float(float(prediction) == float(gold))
    except ValueError:
        line = next((line for line in prediction.split("\n") if len(line) > 1), prediction)
        return float(gold.lower().replace(" ", "") in line.lower().replace(" ", ""))


# A letter that stands alone; an A that begins a phrase ("A man ...") is an article, not an option
_OPTION = r"(?<![\w'’])(?:([B-H])|(A)(?!\s+(?!because\b|since\b|as\b|is\b|or\b|and\b)[a-z]))(?![\w'’])"
_STATED = re.compile(rf"(?i:\banswer)(?:\s+is)?\s*:?\s*[(\[*\s]*{_OPTION}")
_LEADING = re.compile(rf"\W*{_OPTION}")


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


def babilong(prediction: str, golds: Sequence[str]) -> float:
    """BABILong: 1 if the first sentence of the reply names the answer and no other one.

    Args:
        golds: the answer first, of several things their names with commas between; then the words that a right reply
            may not say: the other answers of the task that the question does not name.

    Traps: a sentence ends at the first full stop, also in "3.5"; answers are searched as characters, so "no" is in
    "know", and "yes, as far as I know" is wrong; a reply that weighs two answers before it decides is wrong. Ours:
    where one answer stands in another they are searched as words, since "none" would always say "one" too.
    """
    if not golds:
        return 0.0
    line = prediction.lower().split(".")[0].split("<context>")[0].split("<example>")[0]
    right, wrong = golds[0].lower().split(","), [gold.lower() for gold in golds[1:]]
    labels = [*right, *wrong]
    edge = r"\b" if any(a != b and a in b for a in labels for b in labels) else ""
    said = {label for label in labels if re.search(edge + re.escape(label) + edge, line)}
    return float(said == set(right))


def contains(prediction: str, golds: Sequence[str]) -> float:
    """NoLiMa: 1 if a gold occurs anywhere in the reply.

    Traps: case counts; "Ann" is in "Anna"; a reply that names other people beside the right one is right.
    """
    return float(any(gold in prediction for gold in golds))


_RELATIONS = ("more common", "less common", "same frequency")


def oolong(prediction: str, golds: Sequence[str]) -> float:
    """OOLONG's synthetic half: 1 for the right answer, 0.75 ** |difference| for another number.

    The answer is what follows the reply's last colon, without asterisks and square brackets; without a colon a reply
    under 20 characters itself, and of a longer one its last word. A date is the same in another spelling; a comparison
    has to say "more common", "less common" or "same frequency"; all others have to be equal, case counts.

    Args:
        golds: one; a whole number makes the answer a number, and 2024-03-05 makes it a date.

    Traps: "12." and "12 lines" are no numbers and earn nothing; a time such as 10:30 moves the last colon; a long
    answer is shortened to a comparison that it names, in the order given here. Dates are read by `hybrid.text.words`,
    where the reference asks dateutil, which takes more spellings.
    """
    said = _answered(prediction)
    return max((_oolong(said, gold) for gold in golds), default=0.0)


def _answered(reply: str) -> str:
    if ":" not in reply:
        return reply if len(reply) < 20 else (reply.split() or [""])[-1]
    said = re.sub(r"[*\[\]]", "", reply.rpartition(":")[2].strip())
    return said if len(said) < 20 else next((relation for relation in _RELATIONS if relation in said), said)


def _oolong(said: str, gold: str) -> float:
    if said == gold:
        return 1.0
    if said in _RELATIONS:
        return float(said in gold)
    try:
        number = int(gold)
    except ValueError:
        days = [{value for _, _, value in dates(text)} for text in (said, gold)]
        return float(bool(days[1]) and days[0] == days[1])
    try:
        return float(0.75 ** abs(number - int(said)))
    except (ValueError, OverflowError):
        return 0.0
