"""NoLiMa's form: a needle that shares no word with the question, so that only what is known of the world finds it.

Source: arXiv 2502.05167 and adobe-research/NoLiMa (research licence). The idea, placements, scoring, base score and
effective length are theirs; the needles (`needles.toml`), instructions and haystack are our own, and haystacks are
sentences of one book in their order, not snippets of several. So scores are of this form, not NoLiMa's.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Literal

from hybrid.evals.sample import Count, Sample, Tokens
from hybrid.evals.tasks.draft import Draft, Make, drawn
from hybrid.evals.tasks.files import content
from hybrid.evals.tasks.haystack import SOURCE, cycled, hide, prose, unbroken
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from hybrid.errors import InputError
from hybrid.files import read_toml
from hybrid.text.languages import root
from hybrid.text.words import STOP, WORD, fold, stem

CARRIED = Path(__file__).with_name("needles.toml")
PLACEMENTS = 26  # depths, evenly spaced
_HAYSTACKS = 5  # places at which the haystack begins
_REPLY = 32
_ASKS = "Answer with the name alone."
_RULE = "The text below mentions several people by name. Answer the question on one of them from what the text says."


class Asked(BaseModel):
    """A question on a needle, and a distractor for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str = Field(min_length=1)
    near: str = Field(pattern=r"\{other\}", description="has words of the question, and makes it true of nobody")


class Pair(BaseModel):
    """A needle with its two questions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    needle: str = Field(pattern=r"\{name\}")
    one: Asked
    two: Asked


class Needles(BaseModel):
    """A file of needles."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: str = Field(min_length=1, description="of people, with blanks between")
    needles: tuple[Pair, ...] = Field(min_length=1)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class NoLiMa:
    """Questions one or two steps away from their needle.

    Args:
        hops: one or two steps.
        needles: a TOML file in the form of the carried one, `evals/tasks/nolima/needles.toml`; None for that.
        distractors: whether a sentence with the question's words, true of nobody, is hidden too.
        haystack: a long text; None for the carried one. Its sentences with a name of the needles' people are left out.
        reserve: tokens that a chat template or an arm's own layout adds to the prompt; lengths count them in.
    """

    hops: Literal["one", "two"]
    needles: Path | None = None
    distractors: bool = True
    haystack: Path | None = None
    reserve: Tokens = 0

    metric = "contains"

    @property
    def name(self) -> str:
        return f"nolima/{self.hops}"

    @property
    def source(self) -> str:
        file = "made here" if self.needles is None else f"of {self.needles.name}"
        return f"NoLiMa's form, arXiv 2502.05167; needles {file}; haystack: {SOURCE}"

    def samples(self, count: Count, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        """`n` samples, needle by needle in a drawn order; see `hybrid.evals.sample.Task`.

        Samples of one needle share their group, whatever the length, which the base score needs. `about` has length,
        tokens, depth (asked for), hops and needle (its place in the file, from 1).

        Raises:
            InputError: the file of needles is wrong, or a needle shares a word with one of its questions.
        """
        if length is None:
            raise InputError(f"{self.name} makes samples of a given length; name lengths, such as 1024 and 8192.")
        known = read(self.needles or CARRIED)
        names = known.names.split()
        hay = _hay(self.haystack, tuple(names))
        order = Random(f"{self.name}|{seed}").sample(range(len(known.needles)), len(known.needles))
        depths = Random(f"{self.name}|{seed}|depths").sample(range(PLACEMENTS), PLACEMENTS)

        def makes() -> Iterator[tuple[int, Make]]:
            for number in range(n):
                place = order[number % len(order)]
                depth = depths[number % PLACEMENTS] / (PLACEMENTS - 1)
                start = len(hay) * (number % _HAYSTACKS) // _HAYSTACKS
                drawn_names = Random(f"{self.name}|{seed}|{number}").sample(names, 2)
                yield 1, self._make(hay[start:] + hay[:start], known.needles[place], place + 1, depth, drawn_names)

        yield from drawn(self.name, makes(), count, seed, length, _REPLY, self.reserve)

    def _make(self, hay: tuple[str, ...], pair: Pair, number: int, depth: float, names: list[str]) -> Make:
        asked = pair.one if self.hops == "one" else pair.two
        needle, near = pair.needle.format(name=names[0]), asked.near.format(other=names[1])
        question = f"{asked.question} {_ASKS}"

        def make(rng: Random, size: int) -> Draft:
            kept = cycled(hay, size)
            ends = list(accumulate(len(sentence) + 1 for sentence in kept))
            place = bisect_right(ends, depth * ends[-1])
            said = [(place, needle)]
            if self.distractors:
                said.append((rng.choice([other for other in range(size + 1) if other != place]), near))
            said.sort()
            text, spans = hide(kept, [at for at, _ in said], [line for _, line in said], " ")
            start, end = spans[[line for _, line in said].index(needle)]
            return Draft(
                prompt=f"{_RULE}\n\n{text}\n\n{_RULE}\nQuestion: {question}\n",
                prefix="Answer:",
                question=question,
                documents={"book": text},
                golds=(names[0],),
                ranges=(("book", start, end),),
                group=f"needle {number}",
                about={"depth": round(depth, 3), "hops": self.hops, "needle": number},
            )

        return make


@cache
def read(path: Path) -> Needles:
    """The needles of a file, checked: no needle has a word of its questions.

    Raises:
        InputError: the file is not in this form, or some needle shares a word with a question.
    """
    try:
        found = Needles.model_validate(read_toml(path, str(path), text=content(path)))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{path}: {'.'.join(map(str, first['loc']))!r} is wrong: {first['msg']}.") from None
    if len(found.names.split()) < 2:
        raise InputError(f"{path} has {len(found.names.split())} names, and 2 are needed: one is a distractor's.")
    for number, pair in enumerate(found.needles, 1):
        for asked in (pair.one, pair.two):
            if both := shared(pair.needle, f"{asked.question} {_ASKS}"):
                raise InputError(
                    f"{path}: needle {number} shares {', '.join(sorted(both))} with its question {asked.question!r}; "
                    "word one of them in another way."
                )
    return found


def shared(needle: str, question: str) -> set[str]:
    """Stems of the words that both have, stop words and the places for names left out.

    Words count as the same by any of three stemmers: search's own, the roots of the engine that quotes, and Porter's
    second one (snowballstemmer).
    """
    import snowballstemmer

    porter = snowballstemmer.stemmer("english")
    one, other = (
        [word for word in WORD.findall(fold(re.sub(r"\{\w+\}", " ", text)).lower()) if word not in STOP]
        for text in (needle, question)
    )
    return {found for by in (stem, root, porter.stemWord) for found in set(map(by, one)) & set(map(by, other))}


@cache
def _hay(path: Path | None, names: tuple[str, ...]) -> tuple[str, ...]:
    """The sentences of the book that name nobody of the needles' people."""
    named = re.compile("|".join(map(re.escape, names)))  # in a word too, since the metric searches characters
    found = tuple(sentence for sentence in unbroken(prose(path)) if not named.search(sentence))
    if not found:
        raise InputError(f"{path} has no sentence without the names of the needles; give another haystack.")
    return found


BASE = 1024  # tokens; lengths up to this one give the base score
KEPT = 0.85  # of the base score


def base_score(scores: Mapping[int, Mapping[str, float]]) -> float | None:
    """The score at short lengths: of each needle the best of its mean scores up to 1 024 tokens, and the mean of these.

    The paper takes 250, 500 and 1 000 tokens of haystack; here lengths count prompt and reply.

    Args:
        scores: tokens to the mean score of each needle, 0 to 1.

    Returns:
        None where no length up to 1 024 was tested.
    """
    best: dict[str, float] = {}
    for length, means in scores.items():
        if length <= BASE:
            for needle, score in means.items():
                best[needle] = max(score, best.get(needle, 0.0))
    return sum(best.values()) / len(best) if best else None


def effective_length(scores: Mapping[int, Mapping[str, float]]) -> int | None:
    """The longest tested length with a mean of at least 85 % of the base score; None without a base, or if none has.

    A base score of 0 holds nowhere.
    """
    base = base_score(scores)
    if not base:
        return None
    means = {length: sum(own.values()) / len(own) for length, own in scores.items() if own}
    return max((length for length, mean in means.items() if mean >= KEPT * base), default=None)
