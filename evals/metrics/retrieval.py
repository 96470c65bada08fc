"""Metrics of what was retrieved, pure: ranked names against gold names, ranges of characters against gold ranges.

Character metrics are those of brandonstarxel/chunking_evaluation (commit d451fc4). Scores are 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

H = TypeVar("H", bound=Hashable)
Range = tuple[str, int, int]  # document, start and end in characters


class Overlap(NamedTuple):
    """How well retrieved ranges cover the gold ones, in characters."""

    recall: float  # gold characters that were retrieved, of all gold
    precision: float  # the same, of all retrieved
    iou: float  # the same, of retrieved and missed together


def recall_at(found: Sequence[Hashable], golds: Collection[Hashable], k: int) -> float:
    """The share of golds among the first `k` found; what is found twice takes two places and counts once.

    Raises:
        ValueError: no golds.
    """
    return len(set(found[:k]) & _some(golds)) / len(set(golds))


def ndcg_at(found: Sequence[Hashable], golds: Collection[Hashable], k: int) -> float:
    """Discounted gain of the golds among the first `k`, of the best possible; a gold found again gains nothing.

    Gains are 0 or 1, place i (from 1) is discounted by log2(i + 1), and the best has min(k, golds) golds in front.

    Raises:
        ValueError: no golds.
    """
    left, gain = _some(golds), 0.0
    best = sum(1 / math.log2(place + 2) for place in range(min(k, len(left))))
    for place, name in enumerate(found[:k]):
        if name in left:
            left.remove(name)
            gain += 1 / math.log2(place + 2)
    return gain / best


def overlap(found: Sequence[Range], golds: Sequence[Range]) -> Overlap:
    """Recall, precision and IoU of characters.

    Trap: what is retrieved twice counts twice in "retrieved" and once in "covered", so overlapping passages cost
    precision and IoU. Overlapping golds count once. Nothing retrieved is 0 throughout.

    Raises:
        ValueError: no golds, or all of them empty.
    """
    gold, read = _characters(golds), _characters(found)
    wanted = sum(end - start for ranges in gold.values() for start, end in ranges)
    if not wanted:
        raise ValueError("Without gold ranges there is nothing to retrieve: give at least one that is not empty.")
    covered = sum(
        max(0, min(end, last) - max(start, first))
        for document, ranges in gold.items()
        for start, end in ranges
        for first, last in read.get(document, [])
    )
    retrieved = sum(max(0, end - start) for _, start, end in found)
    return Overlap(covered / wanted, covered / max(1, retrieved), covered / (retrieved + wanted - covered))


def places(found: Sequence[Range], golds: Sequence[Range]) -> list[int]:
    """For each range found the gold it touches, by number; a gold that was not found before goes first, -1 is none."""
    seen: list[int] = []
    for document, start, end in found:
        touched = [
            i for i, (where, first, last) in enumerate(golds) if where == document and first < end and start < last
        ]
        seen.append(next((i for i in touched if i not in seen), touched[0] if touched else -1))
    return seen


def touched(found: Sequence[Range], golds: Sequence[Range]) -> float:
    """The share of golds that some range found touches. Where golds are pages it is FinanceBench's page recall.

    Trap: a passage over the end of a page is on both pages.

    Raises:
        ValueError: no golds.
    """
    seen = [
        any(document == where and first < end and start < last for document, first, last in found)
        for where, start, end in _some(golds)
    ]
    return sum(seen) / len(seen)


def judge(found: Sequence[Range], golds: Sequence[Range]) -> dict[str, float]:
    """Scores of a retrieval by character and by rank: recall, precision, iou, ndcg, and golds touched at 1, 5 and all.

    A passage counts as one gold for nDCG, also where it touches two.

    Raises:
        ValueError: no golds, or all of them empty.
    """
    return {
        **overlap(found, golds)._asdict(),
        "ndcg": ndcg_at(places(found, golds), range(len(golds)), len(found)),
        **{f"touched@{k}": touched(found[:k], golds) for k in (1, 5)},
        "touched": touched(found, golds),
    }


def hit(
    found: Sequence[Range], documents: Mapping[str, str], golds: Sequence[str], ranges: Sequence[Range] = ()
) -> float:
    """1 where one of the passages found has the answer: it touches a gold range, or holds a gold's very words.

    Args:
        documents: the texts, by name.
        golds: looked for where there are no ranges; white space and case do not matter.
    """
    if ranges:
        return float(any(place >= 0 for place in places(found, ranges)))
    texts = [_flat(documents[document][start:end]) for document, start, end in found]
    return float(any(_flat(gold) in text for gold in golds for text in texts))


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())


def _some(golds: Collection[H]) -> set[H]:
    if not golds:
        raise ValueError("Without golds there is nothing to retrieve: give at least one.")
    return set(golds)


def _characters(ranges: Sequence[Range]) -> dict[str, list[tuple[int, int]]]:
    """Ranges by document, joined where they overlap."""
    joined: dict[str, list[tuple[int, int]]] = {}
    for document, start, end in sorted(r for r in ranges if r[1] < r[2]):
        own = joined.setdefault(document, [])
        if own and start <= own[-1][1]:
            own[-1] = (own[-1][0], max(own[-1][1], end))
        else:
            own.append((start, end))
    return joined
