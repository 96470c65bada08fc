"""RULER's variable tracking: a chain of assignments among noise."""

from __future__ import annotations

import string
from itertools import pairwise
from random import Random

from hybrid.evals.sample import Count
from hybrid.evals.tasks.haystack import hide, largest
from hybrid.evals.tasks.ruler.draft import NOISE, Draft, Make

HOPS = 4
EXAMPLE = 500  # tokens of the worked example of variable tracking


def variables(count: Count, room: int) -> Make:
    """The chain among noise, with a worked example of about 500 tokens in front, or half the room if that is less."""
    least = HOPS + 1

    def tokens(lines: int) -> int:
        prompt, prefix, names, *_ = _chain(Random("example"), lines, 3)
        return count([f"{prompt}{prefix} {' '.join(names)}\n\n"])[0]

    shown = largest(tokens, min(EXAMPLE, room // 2), least) or least

    def make(rng: Random, size: int) -> Draft:
        prompt, prefix, names, *_ = _chain(rng, shown, 3)
        example = f"{prompt}{prefix} {' '.join(names)}\n\n"
        prompt, prefix, names, question, text, spans = _chain(rng, size, 5)
        ranges = tuple(("text", start, end) for start, end in spans)
        return Draft(example + prompt, prefix, question, {"text": text}, tuple(names), ranges, about={"hops": HOPS})

    return make


def _chain(rng: Random, lines: int, letters: int) -> tuple[str, str, list[str], str, str, list[tuple[int, int]]]:
    """Prompt, prefix, names, question, text and where the statements stand in it; statements keep their order."""
    found: dict[str, None] = {}
    while len(found) <= HOPS:
        found["".join(rng.choices(string.ascii_uppercase, k=letters))] = None
    names, value = list(found), rng.randint(10000, 99998)
    said = [f"VAR {names[0]} = {value}"]
    said += [f"VAR {name} = VAR {before}" for before, name in pairwise(names)]
    text, spans = hide([NOISE] * lines, sorted(rng.sample(range(lines), len(said))), said, "\n")
    question = f"Which variables hold the value {value}, given directly or through other variables? Name all of them."
    prompt = f"Follow the assignments of variables that are scattered in the text below.\n\n{text}\n\n{question}\n"
    prefix = f"Going by the assignments in the text, {len(names)} variables hold the value {value}:"
    return prompt, prefix, names, question, text, spans
