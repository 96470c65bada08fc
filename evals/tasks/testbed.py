"""The questions of `hybrid.evals.testbed` as tasks: facts in held-out prose, for the small carried model or any other.

They are laid out by `hybrid.chat.prompts`, so they have documents and a question, and no prompt of their own. A share
of them asks for what no document says; the right reply to those is to abstain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count as count_up
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any, cast

from hybrid.evals import testbed
from hybrid.evals.sample import Count, Sample
from hybrid.evals.tasks.haystack import prose as read_prose
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from hybrid.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
_SLACK = 16  # tokens by which the questions on a text differ, and names are longer in another tokenizer
_LEAST = 128  # tokens of a prompt that holds the layout and one fact
_WORDS = testbed.RECORDS + 8  # for the longest list of records, and some that no record is about


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Testbed:
    """Samples of one kind.

    Args:
        kind: as in `hybrid.evals.testbed.samples`: single, keys, values, records or variables.
        depths: shares of the text before the fact asked for, 0 to 1, gone through in turn.
        unanswerable: share of the samples that no document answers.
        questions: on each text, different ones, next to each other; of one fact there are only few. With several, the
            facts stand anywhere, whatever the depths.
        haystack: a long text; None for the carried one.
    """

    kind: testbed.Kind
    depths: tuple[Annotated[float, Field(ge=0, le=1)], ...] = DEPTHS
    unanswerable: Annotated[float, Field(ge=0, le=1)] = 0.2
    questions: Annotated[int, Field(ge=1)] = 1
    haystack: Path | None = None

    metric = "values"

    @property
    def name(self) -> str:
        return f"testbed/{self.kind}"

    @property
    def source(self) -> str:
        return f"evals/testbed.py; prose: {self.haystack.name if self.haystack else testbed.HELD_OUT}"

    def samples(self, count: Count, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        """`n` samples; see `hybrid.evals.sample.Task`. Without a length they fill the small model's native window.

        `about` has length, tokens, depth (None without a fact) and answerable.
        """
        length = testbed.WINDOW if length is None else length
        if length < _LEAST + testbed.REPLY:
            raise InputError(
                f"{self.name} cannot be made in {length} tokens; ask for at least {_LEAST + testbed.REPLY}."
            )
        prose = testbed.Prose.of([read_prose(self.haystack)], testbed.words())
        named = len(prose.keys or prose.words)
        if named < _WORDS:
            raise InputError(
                f"{self.name} cannot be made from this haystack: it has {named} common words for facts to be about, "
                f"and {_WORDS} are needed. Give a longer text."
            )
        counting = cast("Tokenizer", _Counting(count))
        if self.questions > 1:
            yield from islice(self._shared(counting, prose, seed, length), n)
            return
        streams: dict[tuple[float | None, int], Iterator[testbed.Sample]] = {}
        without = set(Random(f"{self.name}|{length}|{seed}").sample(range(n), round(self.unanswerable * n)))
        room = length - testbed.REPLY
        for number in range(n):
            depth = None if number in without else self.depths[number % len(self.depths)]
            while True:
                if (depth, room) not in streams:
                    streams[depth, room] = testbed.samples(
                        self.kind, room, depth, seed, counting, prose, answerable=depth is not None
                    )
                found = next(streams[depth, room])
                if found.tokens + testbed.REPLY <= length:
                    break
                # the testbed reckons with its own tokenizer, in which the layout takes few tokens
                room -= found.tokens + testbed.REPLY - length
                if room < _LEAST:
                    raise InputError(
                        f"{self.name} cannot be made in {length} tokens: a sample takes "
                        f"{found.tokens + testbed.REPLY}. Ask for a greater length."
                    )
            yield _sample(found, _documents(found), length, f"{self.kind}-{length}-{seed}-{number}", depth)

    def _shared(self, counting: Tokenizer, prose: testbed.Prose, seed: int, length: int) -> Iterator[Sample]:
        """Endless samples; `questions` of them share a text, or fewer where it has no more."""
        tries = 4 * self.questions  # the testbed draws questions with replacement
        answerable = 1.0 - self.unanswerable
        room = length - testbed.REPLY - _SLACK
        drawn = testbed.samples(self.kind, room, None, seed, counting, prose, answerable=answerable, questions=tries)
        for text in count_up():
            found = {one.prompt.question: one for one in islice(drawn, tries)}
            several = list(found.values())[: self.questions]
            if several[0].tokens > room:
                raise InputError(
                    f"{self.name} cannot be made in {length} tokens: a text takes {several[0].tokens + testbed.REPLY}. "
                    "Ask for a greater length."
                )
            documents = _documents(several[0])
            group = f"{self.kind}-{length}-{seed}-{text}"  # texts of two kinds are two documents
            for number, one in enumerate(several):
                yield _sample(one, documents, length, group, one.depth, f"-{number}")


def _documents(found: testbed.Sample) -> dict[str, str]:
    return {piece.document: piece.text for piece in found.prompt.pieces if piece.text.strip()}


def _sample(
    found: testbed.Sample, documents: dict[str, str], length: int, group: str, depth: float | None, which: str = ""
) -> Sample:
    return Sample(
        id=group + which,
        question=found.prompt.question,
        documents=documents,
        golds=found.gold,
        group=group,
        max_tokens=testbed.REPLY,
        about={
            "length": length,
            "tokens": found.tokens + testbed.REPLY,
            "depth": depth,
            "answerable": bool(found.gold),
        },
    )


class _Counting:
    """The part of a tokenizer that `hybrid.evals.testbed.samples` needs, from a function that counts."""

    def __init__(self, count: Count) -> None:
        self._count = count

    def encode(self, text: str, **options: Any) -> range:
        return range(self._count([text])[0])

    def encode_batch(self, texts: Sequence[str], **options: Any) -> list[range]:
        return [range(size) for size in self._count(texts)]
