"""Text in which something is hidden, and how much of it fits; and the task that hides a sentence at given depths.

Needle in a haystack as in gkamradt/LLMTest_NeedleInAHaystack, commit 7b90d28 (MIT). The default needle and its question
are that repository's; instructions are our own. There a model judges replies from 1 to 10; here `keywords` counts the
words that matter, which is another measure with another name.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Annotated, Literal

from hybrid.evals.sample import Count, Sample, Tokens
from hybrid.evals.tasks.files import content, lines
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from hybrid.errors import InputError

CARRIED = Path(__file__).resolve().parents[2] / "examples" / "testbed" / "prose.txt"
SOURCE = "A Christmas Carol by Charles Dickens (public domain), or the text that is given"
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[.!?][”’\"'])\s+")

_TITLE = re.compile(r"\b(?:Mr|Mrs|Messrs|Ms|Dr|St)\.$")


@lru_cache(maxsize=4)
def prose(path: Path | None) -> str:
    """A long text with single blanks: of a text file, or the `text` fields of a JSON Lines file sorted by `name`.

    Args:
        path: None for the carried text.

    Raises:
        InputError: the file cannot be read, or is empty.
    """
    file = path or CARRIED
    if ".jsonl" in file.suffixes:
        # sorted, since the order of a folder's files differs between machines
        texts = sorted((row.text("name", ""), row.text("text")) for row in lines(file))
        text = " ".join(text for _, text in texts)
    else:
        text = content(file)
    text = re.sub(r"\s+", " ", text).strip()
    if not text:
        raise InputError(f"{file} is empty; a haystack needs text.")
    return text


def sentences(text: str) -> list[str]:
    """The sentences of a text, without the blanks between them."""
    return [sentence for sentence in _SENTENCE.split(text) if sentence]


def unbroken(text: str) -> list[str]:
    """The sentences of a text, none of which ends with a title such as "Mrs."; what is hidden stands between them."""
    found: list[str] = []
    for sentence in sentences(text):
        if found and _TITLE.search(found[-1]):
            found[-1] += f" {sentence}"
        else:
            found.append(sentence)
    return found


def cycled(items: Sequence[str], n: int, start: int = 0) -> list[str]:
    """`n` items from `start` on, from the first again after the last."""
    repeats = -(-(start + n) // len(items))
    return (list(items) * repeats)[start : start + n]


def joined(parts: Sequence[str], glue: str) -> tuple[str, list[int]]:
    """Parts joined, and where each begins."""
    starts, at = [], 0
    for part in parts:
        starts.append(at)
        at += len(part) + len(glue)
    return glue.join(parts), starts


def hide(hay: list[str], places: list[int], said: list[str], glue: str) -> tuple[str, list[tuple[int, int]]]:
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


def largest(tokens: Callable[[int], int], room: int, least: int) -> int | None:
    """The largest size, to within 0.2 %, whose tokens fit the room; None if not even the least does.

    By doubling and then binary search, so nothing longer than about twice the room is ever counted.
    """
    if tokens(least) > room:
        return None
    low, high = least, 2 * least
    while tokens(high) <= room:
        low, high = high, 2 * high
    while high - low > max(1, low // 500):
        middle = (low + high) // 2
        if tokens(middle) <= room:
            low = middle
        else:
            high = middle
    return low


Texts = Annotated[tuple[str, ...], Field(min_length=1)]

STEPS = 35  # depths of the published grid
_KEPT = 200  # tokens kept free, as published
_REPLY = 128


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Needle:
    """One sentence, or several, in a haystack.

    Args:
        haystack: a long text; None for the carried one.
        depths: shares of the haystack before the (first) needle, 0 to 1; None for `n` evenly spaced ones, at most 35.
        spacing: of depths that are not given; `sigmoid` puts more of them near both ends.
        needles: the hidden sentences; several stand evenly from the depth to the end.
        question: about them.
        keywords: that a right reply has to name.
        reserve: tokens that a chat template or an arm's own layout adds to the prompt; lengths count them in.
    """

    haystack: Path | None = None
    depths: tuple[Annotated[float, Field(ge=0, le=1)], ...] | None = None
    spacing: Literal["linear", "sigmoid"] = "linear"
    needles: Texts = (
        "The best thing to do in San Francisco is eat a sandwich and sit in Dolores Park on a sunny day.",
    )
    question: str = "What is the best thing to do in San Francisco?"
    keywords: Texts = ("sandwich", "Dolores Park", "sunny day")
    reserve: Tokens = 0

    name = "needle"
    source = f"LLMTest_NeedleInAHaystack (MIT); haystack: {SOURCE}"
    metric = "keywords"

    def samples(self, count: Count, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        """`n` samples that go through the depths; see `hybrid.evals.sample.Task`.

        The first round of depths reads the haystack from its beginning, as published; later rounds begin elsewhere.
        `about` has length, tokens, depth (asked for) and reached (where the sentence end nearest before it is).
        """
        if length is None:
            raise InputError("needle makes samples of a given length; name lengths, such as 1000 and 16000.")
        hay = sentences(prose(self.haystack))
        sizes = [size + 1 for size in count(hay)]  # the blank after a sentence may take a token
        needed = sum(count(list(self.needles))) + count([self._prompt("") + "Answer:"])[0]
        free = length - needed - _REPLY - _KEPT - self.reserve
        if free < max(sizes[:2]):
            raise InputError(
                f"needle cannot be made in {length} tokens: needle, question, reply and the {_KEPT} tokens kept free "
                f"take {length - free}. Ask for a greater length."
            )
        depths = self.depths or tuple(_spaced(min(n, STEPS), self.spacing))
        for number in range(n):
            turn, depth = number // len(depths), depths[number % len(depths)]
            start = Random(f"needle|{seed}|{turn}").randrange(len(hay)) if turn else 0
            while True:
                kept = self._kept(hay, sizes, start, free)
                text, spans = _insert(kept, _cycled_sizes(sizes, start, len(kept)), list(self.needles), depth)
                prompt = self._prompt(text)
                tokens = count([prompt + "Answer:"])[0] + _REPLY
                if tokens + self.reserve <= length:
                    break
                free -= max(1, tokens + self.reserve - length)
            yield Sample(
                id=f"{length}-{seed}-{number}",
                question=self.question,
                documents={"text": text},
                golds=self.keywords,
                group=f"{length}-{seed}-{number}",
                prompt=prompt,
                prefix="Answer:",
                max_tokens=_REPLY,
                ranges=tuple(("text", start, end) for start, end in spans),
                about={
                    "length": length,
                    "tokens": tokens,
                    "depth": round(depth, 4),
                    "reached": round(spans[0][0] / max(1, len(text) - (spans[0][1] - spans[0][0])), 4),
                },
            )

    def _prompt(self, text: str) -> str:
        rule = "Answer the question from the text below, briefly and from nothing else."
        return f"{rule}\n\n{text}\n\n{rule}\nQuestion: {self.question}\n"

    def _kept(self, hay: list[str], sizes: list[int], start: int, room: int) -> list[str]:
        """Whole sentences from `start` on that take no more than the room."""
        total = sum(sizes)
        many = len(hay) * (room // total + 1)
        totals = list(accumulate(_cycled_sizes(sizes, start, many)))
        return cycled(hay, bisect_right(totals, room), start)


def _cycled_sizes(sizes: list[int], start: int, n: int) -> list[int]:
    return [sizes[(start + i) % len(sizes)] for i in range(n)]


def _spaced(n: int, spacing: str) -> list[float]:
    even = [step / (n - 1) for step in range(n)] if n > 1 else [0.5]
    if spacing == "linear":
        return even
    low, high = 1 / (1 + math.exp(5)), 1 / (1 + math.exp(-5))
    return [(1 / (1 + math.exp(-10 * (depth - 0.5))) - low) / (high - low) for depth in even]


def _insert(hay: list[str], sizes: list[int], needles: list[str], depth: float) -> tuple[str, list[tuple[int, int]]]:
    """Each needle after the last sentence that ends by its depth in tokens; at depth 1 it is the very end."""
    totals = list(accumulate(sizes))  # none where the first sentence alone is too long
    step = (1 - depth) / len(needles)
    shares = [depth + number * step for number in range(len(needles))]
    return hide(hay, [bisect_right(totals, share * sum(sizes) + 1e-6) for share in shares], needles, " ")
