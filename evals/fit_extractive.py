"""Fits the extractive engine's weights: `python -m evals.fit_extractive --data DIR [--out FILE]`.

The data are the lost-in-the-middle questions (Natural Questions) with their gold passages and answer-free distractors;
a sentence is right if it contains a normalised answer as whole words. Questions are split in two halves by the title of
their article, distractors come from the same half, so the halves share no question, passage or article. Every figure
and threshold is cross-fitted: measured on one half with weights from the other. The weights written are fitted on both.

Five situations per question: passages with the gold one among them; distractors only; the gold passage without its
answering sentences, among distractors; one long text with the gold passage in it; and the same without it.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from evals.metrics import normalise
from hybrid.embedding import Embedder
from hybrid.engines.extractive import FEATURES, Extractive, stems
from hybrid.prompts import Prompt
from hybrid.sentences import sentences
from hybrid.types import Piece

Floats = NDArray[np.float64]
LONG = 150  # passages in a long text, about 90 000 characters
ANSWERABLE = {"passages": True, "distractors": False, "removed": False, "long": True, "long_without": False}


@dataclass(frozen=True)
class Question:
    """A question of the set with the passages of its situations."""

    text: str
    answers: tuple[str, ...]
    gold: tuple[str, str]  # title, text
    distractors: tuple[tuple[str, str], ...]
    half: int


@dataclass(frozen=True)
class Case:
    """A question in one situation, as the engine sees it."""

    question: int
    half: int
    situation: str
    features: Floats  # one row per sentence read closely
    right: NDArray[np.bool_]
    read: int  # sentences scanned


def load(folder: Path) -> list[Question]:
    """The questions, without those that also occur in leval/natural_question."""
    rows = {row["line"]: row for row in _lines(folder / "litm/nq_open_oracle.dev.jsonl.gz")}
    ranked = {row["line"]: row["distractors"] for row in _lines(folder / "litm/nq_open_distractors.dev.jsonl.gz")}
    reported = {normalise(q) for row in _lines(folder / "leval/natural_question.dev.jsonl.gz") for q in row["instructions"]}
    passages = {line: (row["ctxs"][0]["title"], row["ctxs"][0]["text"]) for line, row in rows.items()}
    half = {line: crc32(title.encode()) & 1 for line, (title, _) in passages.items()}
    return [
        Question(
            row["question"],
            tuple(row["answers"]),
            passages[line],
            tuple(passages[d] for d in ranked[line] if half[d] == half[line]),
            half[line],
        )
        for line, row in rows.items()
        if normalise(row["question"]) not in reported
    ]


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        yield from map(json.loads, stream)


def holds(text: str, answers: Sequence[str]) -> bool:
    """Whether `text` contains one of the answers as whole words, both normalised."""
    padded = f" {normalise(text)} "
    return any(f" {gold} " in padded for gold in map(normalise, answers) if gold)


def without_answer(text: str, answers: Sequence[str]) -> str:
    """`text` without the sentences that hold an answer."""
    return " ".join(text[a:b] for a, b in sentences(text) if not holds(text[a:b], answers))


def pieces(question: Question, situation: str, pool: Sequence[tuple[str, str]]) -> list[Piece]:
    """What is read in a situation; the gold passage stands where the question's checksum says."""
    seed = crc32(question.text.encode())
    if situation.startswith("long"):
        start = seed % len(pool)
        chosen = [p for p in (*pool[start:], *pool[:start])[: 2 * LONG] if not holds(" ".join(p), question.answers)][:LONG]
        chosen = [p for p in chosen if p[0] != question.gold[0]]
        if situation == "long":
            chosen.insert(seed // 7 % len(chosen), question.gold)
        return [Piece("document", "\n\n".join(f"{title}\n\n{text}" for title, text in chosen), 0)]
    count = 4 + seed % 6
    chosen = list(question.distractors[: count + 1])
    gold = question.gold
    if situation == "removed":
        gold = (gold[0], without_answer(gold[1], question.answers))
    if situation != "distractors":
        chosen = chosen[:count]
        chosen.insert(seed // 7 % (count + 1), gold)
    return [Piece(title, text, 0) for title, text in chosen if text]


def cases(engine: Extractive, questions: Sequence[Question]) -> list[Case]:
    """Every question in every situation, read by the engine."""
    found = []
    for half in (0, 1):
        pool = list(dict.fromkeys(q.gold for q in questions if q.half == half))
        for number, question in enumerate(questions):
            if question.half == half:
                found += [_case(engine, number, question, situation, pool) for situation in ANSWERABLE]
    return found


def _case(
    engine: Extractive, number: int, question: Question, situation: str, pool: Sequence[tuple[str, str]]
) -> Case:
    prompt = Prompt(question.text, tuple(pieces(question, situation, pool)))
    reading = engine.read(prompt)
    texts = (prompt.pieces[p].text[a:b] for p, a, b in reading.spans())
    right = np.array([ANSWERABLE[situation] and holds(text, question.answers) for text in texts], dtype=bool)
    return Case(number, question.half, situation, reading.features, right, len(reading.scan.piece))
