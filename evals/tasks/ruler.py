"""RULER's thirteen tasks at any length and for any tokenizer, with the published parameters.

Source: arXiv 2404.06654 and NVIDIA/RULER at commit c3f5e3b (Apache-2.0). Parameters, needle and noise sentences and the
way samples are made are theirs; the instructions around them are worded anew, and words come from a list of our own
instead of the package wonderwords. So scores are close to published ones, not interchangeable with them.
"""

from __future__ import annotations

import math
import string
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass as plain
from dataclasses import field
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple

from hybrid.evals.sample import Count, Sample, Value
from hybrid.evals.tasks.files import lines, whole
from hybrid.evals.tasks.haystack import SOURCE, cycled, joined, largest, prose, sentences
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from hybrid.errors import InputError

Kind = Literal["words", "numbers", "uuids"]
Hay = Literal["noise", "essay", "needle"]

LENGTHS = (4096, 8192, 16384, 32768, 65536, 131072)
THRESHOLD = 0.856  # Llama-2-7B-chat at 4 096 tokens
NOISE = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
SHORT = 4096  # tokens under which the words to count are repeated less often
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
BUDGETS = {**dict.fromkeys(NEEDLES, 128), "vt": 30, "cwe": 120, "fwe": 50, "qa_1": 32, "qa_2": 32}  # tokens of a reply
TASKS = tuple(BUDGETS)

HOPS = 4
EXAMPLE = 500  # tokens of the worked example of variable tracking
COMMON = 10  # words asked for
RANKS = 3  # coded words asked for, after the most frequent, which is a mark to be ignored

_ADJECTIVES = (
    "able amber ancient autumn bitter blue bold brave brief bright broad bronze busy calm careful central civil "
    "clean clever cold common cool coral crimson curious daily damp dark deep distant double dry eager early "
    "eastern easy empty equal even faint fair famous fast final fine firm flat fond foreign free fresh full gentle "
    "giant glad golden grand grateful gray great green happy hasty heavy hidden high hollow honest humble idle "
    "inner jolly keen kind large late lean light little local lonely loud loyal lucky merry mild modern narrow neat "
    "noble northern odd open orange outer pale patient plain polite proud pure purple quick quiet rapid rare ready "
    "rich rough round royal rustic safe sharp shy silent silver simple sleepy slow small smooth soft solid southern "
    "steady still stout strong sudden sunny sweet swift tall tame tender thick tidy tiny upper urban vast violet "
    "warm wary western wild wise wooden young"
).split()
_NOUNS = (
    "acorn anchor apple apron arch arrow attic badge bakery bamboo banjo barn barrel basin basket beacon bell bench "
    "berry bicycle blanket boat bottle bowl branch bread brick bridge broom brush bucket button cabin cactus camel "
    "candle canoe canyon carpet castle cedar cellar chain chair cherry chimney church circle cliff clock cloud coat "
    "coin comet compass copper cottage cradle crane cricket crown curtain daisy dance desert diary door dragon drum "
    "eagle echo elbow engine fabric falcon farm feather fence ferry fiddle field flag flute forest fossil fountain "
    "fox garden gate ghost glacier glove goose grape guitar hammer harbour harp hat hawk hill honey horn horse "
    "island ivory jacket jar jewel kettle key kitchen kite ladder lake lamp lantern leaf lemon letter library lily "
    "lion locket magnet map maple marble market meadow melon mill mirror monkey moon mountain museum napkin needle "
    "nest oak oar ocean olive orchard otter oven owl paddle palace paper parrot path pebble pencil pepper piano "
    "pillow pine planet pocket pond pony poplar portrait potter prairie quilt rabbit raft railway rain raven ribbon "
    "river robin rocket rope saddle sail salmon sandal scarf school shell shepherd ship shovel sketch sleigh snow "
    "spoon spring squirrel stable staircase star station statue stone stove stream summit swan table teapot temple "
    "thistle thread thunder tiger timber tower trail train trumpet tulip tunnel turtle valley velvet village violin "
    "wagon walnut water wave wheel whistle willow window winter wolf wool yard zebra"
).split()


@plain(frozen=True, slots=True)
class _Draft:
    """A sample before its length is known to fit."""

    prompt: str
    prefix: str
    question: str
    documents: dict[str, str]
    golds: tuple[str, ...]
    ranges: tuple[tuple[str, int, int], ...] = ()
    group: str = ""
    about: dict[str, Value] = field(default_factory=dict)


_Make = Callable[[Random, int], _Draft]  # the draw of one sample, and the size of its haystack


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Ruler:
    """One of the thirteen tasks.

    Args:
        task: its published name.
        haystack: a long text for the tasks that the paper fills with essays; None for the carried one.
        path: for `qa_1` and `qa_2`, a file in the form of SQuAD or HotpotQA, or JSON Lines with `question`, `answer`
            and `paragraphs`.
        reserve: tokens that a chat template or an arm's own layout adds to the prompt; lengths count them in.
    """

    task: str
    haystack: Path | None = None
    path: Path | None = None
    reserve: int = 0

    @property
    def name(self) -> str:
        return f"ruler/{self.task}"

    @property
    def source(self) -> str:
        if self.task.startswith("qa"):
            return f"RULER, arXiv 2404.06654 (Apache-2.0); questions of {self.path.name if self.path else 'no file'}"
        essays = self.task in NEEDLES and NEEDLES[self.task].hay == "essay"
        return "RULER, arXiv 2404.06654 (Apache-2.0)" + (f"; haystack: {SOURCE}" if essays else "")

    @property
    def metric(self) -> str:
        return "match_part" if self.task.startswith("qa") else "match_all"

    def samples(self, count: Count, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        """`n` samples, for question answering no more than there are questions; see `hybrid.evals.sample.Task`.

        `about` has length, tokens (of prompt and reply), depth (0 to 1, of the first gold place) and depths (of all).
        Where question answering has too few paragraphs for the length they are repeated, as published.
        """
        if length is None:
            raise InputError(f"{self.name} makes samples of a given length; name lengths, such as 4096 and 8192.")
        budget = BUDGETS[self.task]
        room = length - budget - self.reserve
        size = None
        for number, (least, make) in enumerate(self._makes(count, n, seed, length)):
            key = f"{self.name}|{length}|{seed}|{number}"
            if size is None:
                size = largest(partial(_tokens, count, make, key), room, least)
            own = max(size or least, least)
            draft = make(Random(key), own)
            while (needed := count([draft.prompt + draft.prefix])[0]) > room:
                if own == least:
                    raise InputError(
                        f"{self.name} cannot be made in {length} tokens: its shortest sample takes "
                        f"{needed + budget + self.reserve} with the reply. Ask for a greater length."
                    )
                own = max(least, own - max(1, own // 50))
                draft = make(Random(key), own)
            yield Sample(
                id=f"{length}-{seed}-{number}",
                question=draft.question,
                documents=draft.documents,
                golds=draft.golds,
                group=draft.group or f"{length}-{seed}-{number}",
                prompt=draft.prompt,
                prefix=draft.prefix,
                max_tokens=budget,
                ranges=draft.ranges,
                about={"length": length, "tokens": needed + budget, **_depths(draft), **draft.about},
            )

    def _makes(self, count: Count, n: int, seed: int, length: int) -> Iterator[tuple[int, _Make]]:
        """For each sample, the least size of its haystack and how to make it at any size."""
        if self.task in NEEDLES:
            least, make = self._needles(NEEDLES[self.task])
        elif self.task == "vt":
            least, make = HOPS + 1, _variables(count, length - BUDGETS["vt"] - self.reserve)
        elif self.task == "cwe":
            least, make = COMMON + 1, _common(length < SHORT)
        elif self.task == "fwe":
            least, make = 100, _coded(max(RANKS + 2, length // 50))
        elif self.task in TASKS:
            yield from self._questions(n, seed)
            return
        else:
            raise InputError(f"RULER has no task {self.task!r}; it has {', '.join(TASKS)}.")
        for _ in range(n):
            yield least, make

    def _needles(self, needles: Needles) -> tuple[int, _Make]:
        many = needles.keys * needles.values
        words = prose(self.haystack).split(" ") if needles.hay == "essay" else []

        def make(rng: Random, size: int) -> _Draft:
            keys = _different(rng, needles.key, needles.keys)
            values = [_different(rng, needles.value, needles.values) for _ in keys]
            said = [_needle(needles.value, k, v) for k, own in zip(keys, values, strict=True) for v in own]
            rng.shuffle(said)
            if needles.hay == "essay":
                hay = sentences(" ".join(cycled(words, size)))
                places = sorted(int(len(hay) * depth / 100) for depth in rng.sample(DEPTHS, many))
                text, spans = _hide(hay, places, said, " ")
            else:
                hay = [NOISE] * size
                if needles.hay == "needle":
                    hay = [
                        _needle(needles.value, _other(rng, needles.key, keys), _one(rng, needles.value)) for _ in hay
                    ]
                text, spans = _hide(hay, sorted(rng.sample(range(size), many)), said, "\n")
            asked = rng.sample(range(len(keys)), needles.queries)
            golds = tuple(value for place in asked for value in values[place])
            found = [span for span, line in zip(spans, said, strict=True) if any(f": {g}." in line for g in golds)]
            return _needle_draft(needles, [keys[place] for place in asked], text, golds, found)

        return (1 if needles.hay == "essay" else many), make

    def _questions(self, n: int, seed: int) -> Iterator[tuple[int, _Make]]:
        if self.path is None:
            raise InputError(f"{self.name} needs the option path: a file in the form of SQuAD or HotpotQA.")
        asked, pool = _read_questions(self.path)
        order = Random(f"{self.name}|{seed}").sample(asked, min(n, len(asked)))
        for question in order:
            yield max(1, len(question.own)), _answering(question, pool)


def effective_length(scores: Mapping[int, float], threshold: float = THRESHOLD) -> int | None:
    """The longest tested length whose mean score is at least the threshold; None if there is none.

    Args:
        scores: tokens to the mean over the thirteen tasks, 0 to 1; compared as printed, to a tenth of a percent.

    Raises:
        InputError: a score above 1.
    """
    return max((length for length, score in _checked(scores).items() if round(score, 3) >= threshold), default=None)


def weighted_means(scores: Mapping[int, float]) -> tuple[float, float]:
    """Means of the lengths' scores with weights 1, 2, 3 ... upwards and downwards: RULER's "inc" and "dec".

    Raises:
        InputError: no scores, or one above 1.
    """
    ordered = [score for _, score in sorted(_checked(scores).items())]
    if not ordered:
        raise InputError("A weighted mean needs the score of at least one length.")
    total = len(ordered) * (len(ordered) + 1) / 2
    rising = sum(weight * score for weight, score in enumerate(ordered, 1)) / total
    falling = sum(weight * score for weight, score in enumerate(reversed(ordered), 1)) / total
    return rising, falling


def _tokens(count: Count, make: _Make, key: str, size: int) -> int:
    draft = make(Random(key), size)
    return count([draft.prompt + draft.prefix])[0]


def _checked(scores: Mapping[int, float]) -> Mapping[int, float]:
    for length, score in scores.items():
        if score > 1:
            raise InputError(f"The score at {length} tokens is {score}; scores are 0 to 1, so divide percent by 100.")
    return scores


# --- needles ----------------------------------------------------------------------------------------------------------


def _one(rng: Random, kind: Kind) -> str:
    if kind == "words":
        return f"{rng.choice(_ADJECTIVES)}-{rng.choice(_NOUNS)}"
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


def _hide(hay: list[str], places: list[int], said: list[str], glue: str) -> tuple[str, list[tuple[int, int]]]:
    """`said` in its order put before the `places` of the hay, and the range of each in the text."""
    parts, at, before = list[str](), list[int](), 0
    for place, line in zip(places, said, strict=True):
        parts += hay[before:place]
        at.append(len(parts))
        parts.append(line)
        before = place
    parts += hay[before:]
    text, starts = joined(parts, glue)
    return text, [(starts[i], starts[i] + len(parts[i])) for i in at]


def _needle_draft(
    needles: Needles, asked: list[str], text: str, golds: tuple[str, ...], spans: list[tuple[int, int]]
) -> _Draft:
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
    return _Draft(
        prompt=f"{begin}\n{text}\n{question} in the text above?\n",
        prefix=prefix,
        question=f"{question}?",
        documents={"text": text},
        golds=golds,
        ranges=tuple(("text", start, end) for start, end in spans),
    )


def _depths(draft: _Draft) -> dict[str, Value]:
    texts = draft.documents
    if len(texts) != 1 or not draft.ranges:
        return {}
    size = max(1, len(next(iter(texts.values()))))
    shares = [round(start / max(1, size - (end - start)), 3) for _, start, end in draft.ranges]
    return {"depth": shares[0], "depths": " ".join(map(str, shares))}


# --- variable tracking ------------------------------------------------------------------------------------------------


def _variables(count: Count, room: int) -> _Make:
    """The chain among noise, with a worked example of about 500 tokens in front, or half the room if that is less."""
    least = HOPS + 1

    def tokens(lines: int) -> int:
        prompt, prefix, names, *_ = _chain(Random("example"), lines, 3)
        return count([f"{prompt}{prefix} {' '.join(names)}\n\n"])[0]

    shown = largest(tokens, min(EXAMPLE, room // 2), least) or least

    def make(rng: Random, size: int) -> _Draft:
        prompt, prefix, names, *_ = _chain(rng, shown, 3)
        example = f"{prompt}{prefix} {' '.join(names)}\n\n"
        prompt, prefix, names, question, text, spans = _chain(rng, size, 5)
        ranges = tuple(("text", start, end) for start, end in spans)
        return _Draft(example + prompt, prefix, question, {"text": text}, tuple(names), ranges, about={"hops": HOPS})

    return make


def _chain(rng: Random, lines: int, letters: int) -> tuple[str, str, list[str], str, str, list[tuple[int, int]]]:
    """Prompt, prefix, names, question, text and where the statements stand in it; statements keep their order."""
    found: dict[str, None] = {}
    while len(found) <= HOPS:
        found["".join(rng.choices(string.ascii_uppercase, k=letters))] = None
    names, value = list(found), rng.randint(10000, 99998)
    said = [f"VAR {names[0]} = {value}"]
    said += [f"VAR {name} = VAR {before}" for before, name in pairwise(names)]
    text, spans = _hide([NOISE] * lines, sorted(rng.sample(range(lines), len(said))), said, "\n")
    question = f"Which variables hold the value {value}, given directly or through other variables? Name all of them."
    prompt = f"Follow the assignments of variables that are scattered in the text below.\n\n{text}\n\n{question}\n"
    prefix = f"Going by the assignments in the text, {len(names)} variables hold the value {value}:"
    return prompt, prefix, names, question, text, spans


# --- words to count ---------------------------------------------------------------------------------------------------


@cache
def _compounds() -> tuple[str, ...]:
    """Pairs of our nouns written as one word, in a fixed mixed order."""
    pairs = sorted({a + b for a in _NOUNS for b in _NOUNS if a != b} - {*_ADJECTIVES, *_NOUNS})
    return tuple(Random(0).sample(pairs, len(pairs)))


def _vocabulary(n: int) -> list[str]:
    """`n` different words, or all: our list, and what it lacks as compounds of its nouns."""
    words = sorted({*_ADJECTIVES, *_NOUNS})
    return [*words, *_compounds()[: max(0, n - len(words))]]


def _common(short: bool) -> _Make:
    """Ten words more common than the others; the worked example is a smaller list."""

    def listed(rng: Random, size: int, often: int, seldom: int) -> tuple[str, list[str]]:
        if size > len(_vocabulary(size)):
            raise InputError(
                f"ruler/cwe has {len(_vocabulary(size))} words and needs {size}; ask for a smaller length."
            )
        chosen = rng.sample(_vocabulary(size), size)
        words = chosen[:COMMON] * often + chosen[COMMON:] * seldom
        rng.shuffle(words)
        return " ".join(f"{number}. {word}" for number, word in enumerate(words, 1)), chosen[:COMMON]

    question = f"What are the {COMMON} most common words in the list?"
    prefix = f"The {COMMON} words that occur most often in the list are:"

    def asked(text: str) -> str:
        return f"Below is a numbered list of words; some of them occur more often than the rest.\n{text}\n{question}\n"

    def make(rng: Random, size: int) -> _Draft:
        shown, names = listed(rng, *((20, 3, 1) if short else (40, 10, 3)))
        answer = " ".join(f"{number}. {word}" for number, word in enumerate(names, 1))
        text, golds = listed(rng, size, *((6, 1) if short else (30, 3)))
        example = f"{asked(shown)}{prefix} {answer}\n\n"
        return _Draft(example + asked(text), prefix, question, {"list": text}, tuple(golds), about={"words": size})

    return make


def _coded(vocabulary: int) -> _Make:
    """Coded words whose counts fall with the square of their rank (zeta, alpha 2); the first is a mark to ignore."""

    def make(rng: Random, size: int) -> _Draft:
        found: dict[str, None] = {"...": None}
        while len(found) < vocabulary:
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
        return _Draft(prompt, prefix, question, {"text": text}, tuple(names[1 : RANKS + 1]))

    return make


# --- question answering -----------------------------------------------------------------------------------------------


@plain(frozen=True, slots=True)
class _Asked:
    question: str
    golds: tuple[str, ...]
    own: tuple[str, ...]  # paragraphs that come with the question
    near: tuple[str, ...]  # the other paragraphs of the same article
    group: str
    certain: bool  # whether every one of its own paragraphs holds the answer


def _read_questions(path: Path) -> tuple[list[_Asked], list[str]]:
    """The answerable questions of a file, and all its paragraphs."""
    asked: list[_Asked] = []
    if ".jsonl" in path.suffixes:
        for row in lines(path):
            own = tuple(f"{p.text('title')}\n{p.text('text')}" for p in row.objects("paragraphs"))
            asked.append(_Asked(row.text("question"), (row.text("answer"),), own, (), row.where, False))
    elif "data" in (data := whole(path)).data:
        for number, article in enumerate(data.objects("data")):
            texts = [paragraph.text("context") for paragraph in article.objects("paragraphs")]
            for paragraph, text in zip(article.objects("paragraphs"), texts, strict=True):
                near = tuple(other for other in texts if other != text)
                for q in paragraph.objects("qas"):
                    golds = tuple(dict.fromkeys(answer.text("text") for answer in q.objects("answers")))
                    if golds and not q.data.get("is_impossible"):
                        asked.append(_Asked(q.text("question"), golds, (text,), near, str(number), True))
    else:
        for row in data.objects("items"):
            own = tuple(f"{title}\n{''.join(said)}" for title, said in row.items("context"))
            asked.append(_Asked(row.text("question"), (row.text("answer"),), own, (), row.where, False))
    if not asked:
        raise InputError(f"{path} holds no answerable question.")
    return asked, list(dict.fromkeys(text for question in asked for text in (*question.own, *question.near)))


def _answering(asked: _Asked, pool: list[str]) -> _Make:
    first = [*asked.own, *asked.near]
    others = [text for text in pool if text not in set(first)]
    rule = "Answer the question from the documents. Reply with the answer alone and nothing around it."

    def make(rng: Random, size: int) -> _Draft:
        texts = [*asked.own, *rng.sample(asked.near, len(asked.near)), *rng.sample(others, len(others))]
        texts = cycled(texts, size)
        rng.shuffle(texts)
        documents = {f"Document {number}": text for number, text in enumerate(texts, 1)}
        context = "\n\n".join(f"{name}:\n{text}" for name, text in documents.items())
        prompt = f"{rule}\n\nThese are the documents.\n\n{context}\n\n{rule}\n\nQuestion: {asked.question}\n"
        own = set(asked.own) if asked.certain else set()
        ranges = tuple((name, 0, len(text)) for name, text in documents.items() if text in own)
        about: dict[str, Value] = {"documents": size}
        return _Draft(prompt, "Answer:", asked.question, documents, asked.golds, ranges, asked.group, about)

    return make
