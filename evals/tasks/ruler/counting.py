"""RULER's two tasks of counting: the most common words of a list, and the most frequent coded words."""

from __future__ import annotations

import math
import string
from random import Random

from hybrid.evals.tasks.ruler.draft import Draft, Make
from hybrid.evals.tasks.ruler.words import vocabulary

from hybrid.errors import InputError

SHORT = 4096  # tokens under which the words to count are repeated less often
COMMON = 10  # words asked for
RANKS = 3  # coded words asked for, after the most frequent, which is a mark to be ignored


def common(short: bool) -> Make:
    """Ten words more common than the others; the worked example is a smaller list."""

    def listed(rng: Random, size: int, often: int, seldom: int) -> tuple[str, list[str]]:
        if size > len(vocabulary(size)):
            raise InputError(f"ruler/cwe has {len(vocabulary(size))} words and needs {size}; ask for a smaller length.")
        chosen = rng.sample(vocabulary(size), size)
        words = chosen[:COMMON] * often + chosen[COMMON:] * seldom
        rng.shuffle(words)
        return " ".join(f"{number}. {word}" for number, word in enumerate(words, 1)), chosen[:COMMON]

    question = f"What are the {COMMON} most common words in the list?"
    prefix = f"The {COMMON} words that occur most often in the list are:"

    def asked(text: str) -> str:
        return f"Below is a numbered list of words; some of them occur more often than the rest.\n{text}\n{question}\n"

    def make(rng: Random, size: int) -> Draft:
        shown, names = listed(rng, *((20, 3, 1) if short else (40, 10, 3)))
        answer = " ".join(f"{number}. {word}" for number, word in enumerate(names, 1))
        text, golds = listed(rng, size, *((6, 1) if short else (30, 3)))
        example = f"{asked(shown)}{prefix} {answer}\n\n"
        return Draft(example + asked(text), prefix, question, {"list": text}, tuple(golds), about={"words": size})

    return make


def coded(many: int) -> Make:
    """Coded words whose counts fall with the square of their rank (zeta, alpha 2); the first is a mark to ignore."""

    def make(rng: Random, size: int) -> Draft:
        found: dict[str, None] = {"...": None}
        while len(found) < many:
            found["".join(rng.choices(string.ascii_lowercase, k=6))] = None
        names = list(found)
        words = [
            name for rank, name in enumerate(names, 1) for _ in range(int(size / rank**2 / (math.pi**2 / 6)))
        ]  # zeta(2) = pi^2 / 6
        rng.shuffle(words)
        text = " ".join(words)
        question = f"Which {RANKS} coded words occur most often? The dots '...' do not count."
        prompt = f"Below is a text in code. Keep track of how often each coded word occurs.\n{text}\n{question}\n"
        prefix = f"The {RANKS} most frequent coded words are:"
        return Draft(prompt, prefix, question, {"text": text}, tuple(names[1 : RANKS + 1]))

    return make
