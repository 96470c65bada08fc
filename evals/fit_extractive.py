"""Fits the extractive engine's weights: `python -m evals.fit_extractive --data DIR [--out FILE]`.

The data are the lost-in-the-middle questions (Natural Questions) with their gold passages and answer-free distractors;
a sentence is right if it contains a normalised answer as whole words. Questions are split in two halves by the title of
their article, distractors come from the same half, so the halves share no question, passage or article. Every figure
and threshold is cross-fitted: measured on one half with weights from the other. The weights written are fitted on both.

Six situations per question: 5 to 10 passages with the gold one among them, distractors only, the gold passage without
its answering sentences among distractors; and, for every third question, one text of up to 150 passages with the gold
one, without it, and with it but without its answering sentences.
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
from hybrid.engines.extractive import FEATURES, OVERALL, Extractive, Reading, Weights, overall_of, stems
from hybrid.prompts import Prompt
from hybrid.sentences import sentences
from hybrid.types import Piece

Floats = NDArray[np.float64]
LONG = 150  # passages in a long text, about 90 000 characters
ANSWERABLE = {
    "passages": True,
    "distractors": False,
    "removed": False,
    "long": True,
    "long_without": False,
    "long_removed": False,
}
DATE = "2026-11-22"
REFUSED = 0.06  # share of answerable questions that may be refused, in the worse of passages and long texts
COMMON = 5  # sentences that have to have a stem for its count to be kept


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
    kindless: bool
    features: Floats  # one row per sentence read closely
    right: NDArray[np.bool_]
    size: NDArray[np.intp]  # words of each sentence
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
    seed, gold = crc32(question.text.encode()), question.gold
    if situation.endswith("removed"):
        gold = (gold[0], without_answer(gold[1], question.answers))
    count = LONG if situation.startswith("long") else 4 + seed % 6
    chosen = list(question.distractors[:count])
    if situation.startswith("long"):
        chosen = [p for p in _from(pool, seed) if not holds(" ".join(p), question.answers) and p[0] != gold[0]][:count]
    if situation not in ("distractors", "long_without"):
        chosen.insert(seed // 7 % (len(chosen) + 1), gold)
    if situation.startswith("long"):
        return [Piece("document", "\n\n".join(f"{title}\n\n{text}" for title, text in chosen), 0)]
    return [Piece(title, text, 0) for title, text in chosen if text]


def _from(pool: Sequence[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    start = seed % len(pool)
    return [*pool[start:], *pool[:start]][: 2 * LONG]


def cases(engine: Extractive, questions: Sequence[Question]) -> list[Case]:
    """Every question in every situation, read by the engine."""
    pools = [list(dict.fromkeys(q.gold for q in questions if q.half == half)) for half in (0, 1)]
    return [
        _case(engine, number, question, situation, pools[question.half])
        for number, question in enumerate(questions)
        for situation in ANSWERABLE
        if number % 3 == 0 or not situation.startswith("long")
    ]


def _case(
    engine: Extractive, number: int, question: Question, situation: str, pool: Sequence[tuple[str, str]]
) -> Case:
    prompt = Prompt(question.text, tuple(pieces(question, situation, pool)))
    reading = engine.read(prompt)
    texts = [prompt.pieces[p].text[a:b] for p, a, b in reading.spans()]
    right = np.array([ANSWERABLE[situation] and holds(text, question.answers) for text in texts], dtype=bool)
    size = np.array([len(text.split()) for text in texts])
    kindless = bool(reading.overall[OVERALL.index("kindless")])
    return Case(number, question.half, situation, kindless, reading.features, right, size, len(reading.scan.piece))


def fit_order(found: Sequence[Case], ridge: float = 1e-3) -> Floats:
    """Weights that give the right sentences of a question the largest share of a softmax over all of its sentences."""
    given = [case for case in found if case.right.any()]
    longest = max(len(case.right) for case in given)
    rows = np.zeros((len(given), longest, len(FEATURES)))
    every, right = np.full((2, len(given), longest), -1e9)
    for i, case in enumerate(given):
        rows[i, : len(case.right)], every[i, : len(case.right)] = case.features, 0
        right[i, : len(case.right)][case.right] = 0
    scale = rows[every == 0].std(0) + 1e-9
    rows /= scale

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = rows @ weights
        (total, share), (hit, hit_share) = _softmax(scores + every), _softmax(scores + right)
        slope = np.einsum("ij,ijk->k", share - hit_share, rows) / len(rows)
        return float((total - hit).mean() + ridge * weights @ weights), slope + 2 * ridge * weights

    found_weights: Floats = minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B").x / scale
    return found_weights


def _softmax(scores: Floats) -> tuple[Floats, Floats]:
    top = scores.max(1, keepdims=True)
    raised = np.exp(scores - top)
    return top[:, 0] + np.log(raised.sum(1)), raised / raised.sum(1, keepdims=True)


def top(case: Case, order: Floats) -> Floats:
    """The features the second model sees: those of the best sentence, and OVERALL."""
    scores = case.features @ order
    best = np.argsort(-scores, kind="stable")
    return np.concatenate([case.features[best[0]], overall_of(case.features[best], scores[best], case.kindless, case.read)])


def fit_answered(rows: Floats, labels: NDArray[np.bool_], share: Floats, ridge: float = 1e-3) -> tuple[Floats, float]:
    """A logistic model of whether the question is answered; `share` weighs the cases. Weights and bias."""
    mean, scale = rows.mean(0), rows.std(0) + 1e-9
    shaped, sign = (rows - mean) / scale, np.where(labels, 1.0, -1.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = sign * (shaped @ weights[:-1] + weights[-1])
        pull = -sign * share / (1 + np.exp(np.clip(margin, -50, 50)))
        slope = np.append(pull @ shaped + 2 * ridge * weights[:-1], pull.sum())
        return float(share @ np.logaddexp(0, -margin) + ridge * weights[:-1] @ weights[:-1]), slope

    weights: Floats = minimize(loss, np.zeros(rows.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return weights[:-1] / scale, float(weights[-1] - (weights[:-1] / scale) @ mean)
