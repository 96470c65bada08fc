"""Samples that are made to a length: how one would be at a size, and the largest size that a length holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random

from hybrid.evals.sample import Count, Sample, Value
from hybrid.evals.tasks.haystack import largest

from hybrid.errors import InputError


@dataclass(frozen=True, slots=True)
class Draft:
    """How a sample would be at one size."""

    prompt: str
    prefix: str
    question: str
    documents: dict[str, str]
    golds: tuple[str, ...]
    ranges: tuple[tuple[str, int, int], ...] = ()
    group: str = ""
    about: dict[str, Value] = field(default_factory=dict)


Make = Callable[[Random, int], Draft]  # the draw of one sample, and the size of its haystack


def drawn(
    name: str, makes: Iterable[tuple[int, Make]], count: Count, seed: int, length: int, budget: int, reserve: int = 0
) -> Iterator[Sample]:
    """A sample of each way to make one, as large as the length holds. `about` has length, tokens, depth and depths.

    Args:
        name: of the task.
        makes: for each sample, the least size of its haystack and how to make it at any size.
        count: the model's tokenizer.
        length: tokens of prompt and reply together, never exceeded.
        budget: tokens of a reply.
        reserve: tokens that a chat template or an arm's own layout adds to the prompt.

    Raises:
        InputError: the shortest sample is longer than the length.
    """
    room = length - budget - reserve
    size = None
    for number, (least, make) in enumerate(makes):
        key = f"{name}|{length}|{seed}|{number}"
        if size is None:
            size = largest(partial(_tokens, count, make, key), room, least)
        own = max(size or least, least)
        draft = make(Random(key), own)
        while (needed := count([draft.prompt + draft.prefix])[0]) > room:
            if own == least:
                raise InputError(
                    f"{name} cannot be made in {length} tokens: its shortest sample takes "
                    f"{needed + budget + reserve} with the reply. Ask for a greater length."
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


def _tokens(count: Count, make: Make, key: str, size: int) -> int:
    draft = make(Random(key), size)
    return count([draft.prompt + draft.prefix])[0]


def _depths(draft: Draft) -> dict[str, Value]:
    texts = draft.documents
    if len(texts) != 1 or not draft.ranges:
        return {}
    size = max(1, len(next(iter(texts.values()))))
    shares = [round(start / max(1, size - (end - start)), 3) for _, start, end in draft.ranges]
    return {"depth": shares[0], "depths": " ".join(map(str, shares))}
