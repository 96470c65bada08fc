"""How RULER's samples are made at any size: needles, variables, words to count, and questions among paragraphs."""

from __future__ import annotations

import math
import string
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple

from hybrid.evals.sample import Count, Value
from hybrid.evals.tasks.draft import Draft, Make
from hybrid.evals.tasks.files import lines, whole
from hybrid.evals.tasks.haystack import cycled, hide, largest, prose, sentences

from hybrid.errors import InputError

NOISE = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."


# a paragraph of adjectives, and one of nouns
ADJECTIVES, NOUNS = (
    part.split() for part in (files("hybrid.evals.tasks.ruler") / "words.txt").read_text("utf-8").split("\n\n")
)


def different(draw: Callable[[], str], n: int) -> list[str]:
    """`n` different draws."""
    found: dict[str, None] = {}
    while len(found) < n:
        found[draw()] = None
    return list(found)


@cache
def _compounds() -> tuple[str, ...]:
    """Pairs of our nouns written as one word, in a fixed mixed order."""
    pairs = sorted({a + b for a in NOUNS for b in NOUNS if a != b} - {*ADJECTIVES, *NOUNS})
    return tuple(Random(0).sample(pairs, len(pairs)))


def vocabulary(n: int) -> list[str]:
    """`n` different words, or all: our list, and what it lacks as compounds of its nouns."""
    words = sorted({*ADJECTIVES, *NOUNS})
    return [*words, *_compounds()[: max(0, n - len(words))]]


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
        keys = different(lambda: _one(rng, needles.key), needles.keys)
        values = [different(lambda: _one(rng, needles.value), needles.values) for _ in keys]
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


def _other(rng: Random, kind: Kind, taken: list[str]) -> str:
    while (found := _one(rng, kind)) in taken:
        pass
    return found


def _needle(kind: Kind, key: str, value: str) -> str:
    return f"One of the special magic {kind} for {key} is: {value}."


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
    names = different(lambda: "".join(rng.choices(string.ascii_uppercase, k=letters)), HOPS + 1)
    value = rng.randint(10000, 99998)
    said = [f"VAR {names[0]} = {value}"]
    said += [f"VAR {name} = VAR {before}" for before, name in pairwise(names)]
    text, spans = hide([NOISE] * lines, sorted(rng.sample(range(lines), len(said))), said, "\n")
    question = f"Which variables hold the value {value}, given directly or through other variables? Name all of them."
    prompt = f"Follow the assignments of variables that are scattered in the text below.\n\n{text}\n\n{question}\n"
    prefix = f"Going by the assignments in the text, {len(names)} variables hold the value {value}:"
    return prompt, prefix, names, question, text, spans


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
        names = ["...", *different(lambda: "".join(rng.choices(string.ascii_lowercase, k=6)), many - 1)]
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


@dataclass(frozen=True, slots=True)
class Asked:
    question: str
    golds: tuple[str, ...]
    own: tuple[str, ...]  # paragraphs that come with the question
    near: tuple[str, ...]  # the other paragraphs of the same article
    group: str
    certain: bool  # whether every one of its own paragraphs holds the answer


def read_questions(path: Path) -> tuple[list[Asked], list[str]]:
    """The answerable questions of a file, and all its paragraphs."""
    asked: list[Asked] = []
    if ".jsonl" in path.suffixes:
        for row in lines(path):
            own = tuple(f"{p.text('title')}\n{p.text('text')}" for p in row.objects("paragraphs"))
            asked.append(Asked(row.text("question"), (row.text("answer"),), own, (), row.where, False))
    elif "data" in (data := whole(path)).data:
        for number, article in enumerate(data.objects("data")):
            texts = [paragraph.text("context") for paragraph in article.objects("paragraphs")]
            for paragraph, text in zip(article.objects("paragraphs"), texts, strict=True):
                near = tuple(other for other in texts if other != text)
                for q in paragraph.objects("qas"):
                    golds = tuple(dict.fromkeys(answer.text("text") for answer in q.objects("answers")))
                    if golds and not q.data.get("is_impossible"):
                        asked.append(Asked(q.text("question"), golds, (text,), near, str(number), True))
    else:
        for row in data.objects("items"):
            own = tuple(f"{title}\n{''.join(said)}" for title, said in row.items("context"))
            asked.append(Asked(row.text("question"), (row.text("answer"),), own, (), row.where, False))
    if not asked:
        raise InputError(f"{path} holds no answerable question.")
    return asked, list(dict.fromkeys(text for question in asked for text in (*question.own, *question.near)))


def answering(asked: Asked, pool: list[str]) -> Make:
    first = [*asked.own, *asked.near]
    others = [text for text in pool if text not in set(first)]
    rule = "Answer the question from the documents. Reply with the answer alone and nothing around it."

    def make(rng: Random, size: int) -> Draft:
        texts = [*asked.own, *rng.sample(asked.near, len(asked.near)), *rng.sample(others, len(others))]
        texts = cycled(texts, size)
        rng.shuffle(texts)
        documents = {f"Document {number}": text for number, text in enumerate(texts, 1)}
        context = "\n\n".join(f"{name}:\n{text}" for name, text in documents.items())
        prompt = f"{rule}\n\nThese are the documents.\n\n{context}\n\n{rule}\n\nQuestion: {asked.question}\n"
        own = set(asked.own) if asked.certain else set()
        ranges = tuple((name, 0, len(text)) for name, text in documents.items() if text in own)
        about: dict[str, Value] = {"documents": size}
        return Draft(prompt, "Answer:", asked.question, documents, asked.golds, ranges, asked.group, about)

    return make
