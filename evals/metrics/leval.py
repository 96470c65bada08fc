"""The metrics of OpenLMLab/LEval (commit cd34b05)."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid.evals.metrics.words import normalise_case


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
