"""RULER's eight needle tasks: values of keys, hidden in noise, in essays or among other needles."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple

from hybrid.evals.tasks.haystack import cycled, hide, prose, sentences
from hybrid.evals.tasks.ruler.draft import NOISE, Draft, Make
from hybrid.evals.tasks.ruler.words import ADJECTIVES, NOUNS

Kind = Literal["words", "numbers", "uuids"]

Hay = Literal["noise", "essay", "needle"]

DEPTHS = [round(100 * step / 39) for step in range(40)]  # percent


class Needles(NamedTuple):
    """Parameters of a needle task."""

    hay: Hay
    key: Kind
    value: Kind
    keys: int
    values: int  # of each key
    queries: int  # keys asked for


NEEDLES: Mapping[str, Needles] = {
    "niah_single_1": Needles("noise", "words", "numbers", 1, 1, 1),
    "niah_single_2": Needles("essay", "words", "numbers", 1, 1, 1),
    "niah_single_3": Needles("essay", "words", "uuids", 1, 1, 1),
    "niah_multikey_1": Needles("essay", "words", "numbers", 4, 1, 1),
    "niah_multikey_2": Needles("needle", "words", "numbers", 1, 1, 1),
    "niah_multikey_3": Needles("needle", "uuids", "uuids", 1, 1, 1),
    "niah_multivalue": Needles("essay", "words", "numbers", 1, 4, 1),
    "niah_multiquery": Needles("essay", "words", "numbers", 4, 1, 4),
}


def hidden(needles: Needles, haystack: Path | None) -> tuple[int, Make]:
    """The least size of the haystack, and how a sample is made at any size."""
    many = needles.keys * needles.values
    words = prose(haystack).split(" ") if needles.hay == "essay" else []

    def make(rng: Random, size: int) -> Draft:
        keys = _different(rng, needles.key, needles.keys)
        values = [_different(rng, needles.value, needles.values) for _ in keys]
        said = [_needle(needles.value, k, v) for k, own in zip(keys, values, strict=True) for v in own]
        rng.shuffle(said)
        if needles.hay == "essay":
            hay = sentences(" ".join(cycled(words, size)))
            places = sorted(int(len(hay) * depth / 100) for depth in rng.sample(DEPTHS, many))
            text, spans = hide(hay, places, said, " ")
        else:
            hay = [NOISE] * size
            if needles.hay == "needle":
                hay = [_needle(needles.value, _other(rng, needles.key, keys), _one(rng, needles.value)) for _ in hay]
            text, spans = hide(hay, sorted(rng.sample(range(size), many)), said, "\n")
        asked = rng.sample(range(len(keys)), needles.queries)
        golds = tuple(value for place in asked for value in values[place])
        found = [span for span, line in zip(spans, said, strict=True) if any(f": {g}." in line for g in golds)]
        return _needle_draft(needles, [keys[place] for place in asked], text, golds, found)

    return (1 if needles.hay == "essay" else many), make


def _needle_draft(
    needles: Needles, asked: list[str], text: str, golds: tuple[str, ...], spans: list[tuple[int, int]]
) -> Draft:
    keys = asked[0] if len(asked) == 1 else f"{', '.join(asked[:-1])}, and {asked[-1]}"
    if len(golds) == 1:
        kind = needles.value[:-1]
        begin = (
            f"The text below hides a special magic {kind}. Remember it: you will be asked for the {kind} afterwards."
        )
        question, prefix = f"What is the special magic {kind} for {keys}", f"The special magic {kind} for {keys} is"
    else:
        kind = needles.value
        begin = f"The text below hides some special magic {kind}. Remember them: you will be asked for them afterwards."
        question = f"What are all the special magic {kind} for {keys}"
        prefix = f"The special magic {kind} for {keys} are"
    return Draft(
        prompt=f"{begin}\n{text}\n{question} in the text above?\n",
        prefix=prefix,
        question=f"{question}?",
        documents={"text": text},
        golds=golds,
        ranges=tuple(("text", start, end) for start, end in spans),
    )


def _one(rng: Random, kind: Kind) -> str:
    if kind == "words":
        return f"{rng.choice(ADJECTIVES)}-{rng.choice(NOUNS)}"
    if kind == "numbers":
        return str(rng.randint(10**6, 10**7 - 1))
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _different(rng: Random, kind: Kind, n: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < n:
        found[_one(rng, kind)] = None
    return list(found)


def _other(rng: Random, kind: Kind, taken: list[str]) -> str:
    while (found := _one(rng, kind)) in taken:
        pass
    return found


def _needle(kind: Kind, key: str, value: str) -> str:
    return f"One of the special magic {kind} for {key} is: {value}."
