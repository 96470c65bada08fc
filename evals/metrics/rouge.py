"""ROUGE-L as THUDM/LongBench takes it (commit 2e00731)."""

from __future__ import annotations

from collections.abc import Sequence


def rouge_l(prediction: str, golds: Sequence[str]) -> float:
    """LongBench's ROUGE-L F, as the package `rouge` 1.0.1 gives it, written here since that package is not needed else.

    Traps: sentences end at every full stop, so "3.5" is two; words are sets, repeated ones count once; case counts; a
    blank after the last full stop is a sentence of one empty word; an empty side is 0. The package fails on sentences
    of about a thousand words, which LongBench counts as 0; here they are scored.
    """
    return max((_rouge_l(_stops(prediction), _stops(gold)) for gold in golds), default=0.0)


def _stops(text: str) -> list[list[str]]:
    return [" ".join(part.split()).split(" ") for part in text.split(".") if part]


def _rouge_l(said: list[list[str]], gold: list[list[str]]) -> float:
    if not said or not gold:
        return 0.0
    union = {word for right in gold for sentence in said for word in _common_subsequence(right, sentence)}
    precision = len(union) / len({word for sentence in said for word in sentence})
    recall = len(union) / len({word for sentence in gold for word in sentence})
    return 2 * precision * recall / (precision + recall + 1e-8)


def _common_subsequence(gold: list[str], said: list[str]) -> list[str]:
    """One of the longest; which of several decides the union, so ties go back through `said` as in the reference."""
    table = [[0] * (len(said) + 1)]
    for word in gold:
        row, above = [0], table[-1]
        for j, other in enumerate(said):
            row.append(above[j] + 1 if word == other else max(above[j + 1], row[j]))
        table.append(row)
    found, i, j = [], len(gold), len(said)
    while i and j:
        if gold[i - 1] == said[j - 1]:
            i, j = i - 1, j - 1
            found.append(gold[i])
        elif table[i - 1][j] > table[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return found
