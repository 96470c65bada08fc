"""Signals that a router might go by beside its features, for the questions of the first half of LaRA's documents.

Run `python -m hybrid.evals.research.router_signals --data DIR --out FILE [--index DIR]`.

One line is one question: what `hybrid.evals.research.router_data` writes, and `signals`, named after their group: `a_`
whether the passages suffice, `b_` whether two readings of other passages agree, `c_` how much of the question the
passages and the document have, `d_` where the passages stand, `q_` how the question is worded; and `g_`, which no
router can know, how much of the right answer the passages have. The second half is not even searched. What the signals
add: `hybrid.evals.research.router_trials`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

import click
import numpy as np
from hybrid.evals.metrics.words import content_words
from hybrid.evals.research.router_data import searched, written

from hybrid.chat.prompts import Prompt
from hybrid.engines.cross_encoder import CrossEncoder
from hybrid.engines.extractive import Extractive
from hybrid.index.embedding import Embedder
from hybrid.text.words import STOP, stem
from hybrid.types import Candidate, Piece

FIRST = 8  # passages that the rag route reads
_WINDOW = 1_000  # characters of a document in which a word counts once
_WORD = re.compile(r"[^\W_]+")
_NAME = re.compile(r"(?<!^)(?<![.?!:] )\b[A-Z][\w&'’-]*")
_NUMBER = re.compile(r"\d[\d,.]*")
_SENTENCE = re.compile(r"(?<=[.?!])\s+|\n+")
_FORMS = {  # of a question, beside the kinds that the features know
    "wh": re.compile(r"^(?:what|which|who|when|where)\b", re.IGNORECASE),
    "how": re.compile(r"^how\b", re.IGNORECASE),
    "why": re.compile(r"^why\b", re.IGNORECASE),
    "yes_no": re.compile(r"^(?:does|did|is|are|do|can)\b", re.IGNORECASE),
    "count": re.compile(r"\bhow (?:many|much|long|often)\b", re.IGNORECASE),
    "ahead": re.compile(
        r"\b(?:plans?|projected|forecast|expected|future|strategy|potential|impact|propose[sd]?|anticipat\w+|"
        r"intend\w*)\b",
        re.IGNORECASE,
    ),
    "exact": re.compile(r"\b(?:specific|exact|name|age|date|year|color|number|percentage)\b", re.IGNORECASE),
}


@dataclass(frozen=True)
class Words:
    """How many stretches of a document have each word."""

    windows: Mapping[str, int]
    total: int
    text: str  # in small letters

    @classmethod
    def of(cls, text: str) -> Words:
        found: Counter[str] = Counter()
        starts = range(0, len(text), _WINDOW)
        for start in starts:
            found.update({_root(word) for word in _WORD.findall(text[start : start + _WINDOW]) if len(word) > 2})
        return cls(found, len(starts), text.lower())

    def rarity(self, word: str) -> float:
        """The logarithm of one over the share of stretches that have a word."""
        return log((self.total + 1) / (self.windows.get(word, 0) + 0.5))


def coverage(question: str, candidates: Sequence[Candidate], document: Words) -> dict[str, float]:
    """How much of the question, weighed by rarity in the document, passages, a sentence and the document have."""
    stems = [_root(word) for word in _WORD.findall(question) if word.lower() not in STOP and len(word) > 2]
    rare = {word: document.rarity(word) for word in stems}
    total = sum(rare.values()) or 1.0
    texts = [candidate.passage.text.lower() for candidate in candidates]
    sentences = [s for text in texts[:FIRST] for s in _SENTENCE.split(text) if len(s) > 20]
    entities = [*_NAME.findall(question), *_NUMBER.findall(question)]

    def share(text: str) -> float:
        return sum(weight for word, weight in rare.items() if word in text) / total

    def named(text: str) -> float:
        return sum(entity.lower() in text for entity in entities) / len(entities) if entities else 1.0

    together = "\n".join(texts[:FIRST])
    return {
        "c_absent": sum(word not in document.windows for word in rare) / max(1, len(rare)),
        "c_rarest": max(rare.values(), default=0.0) / log(document.total + 1),
        "c_rarity": total / max(1, len(rare)) / log(document.total + 1),
        "c_passages": share(together),
        "c_passage": max(map(share, texts[:FIRST]), default=0.0),
        "c_sentence": max(map(share, sentences), default=0.0),
        "c_more": share("\n".join(texts)) - share(together),
        "c_names_document": named(document.text),
        "c_names_passage": max(map(named, texts[:FIRST]), default=0.0),
    }


def positions(candidates: Sequence[Candidate], passages: int) -> dict[str, float]:
    """Where the passages stand in their document, 0 to 1, and how close together."""
    places = np.array([c.passage.ordinal / max(1, passages - 1) for c in candidates])
    first = places[:FIRST]
    weight = np.array([max(1e-3, c.score) for c in candidates[:FIRST]])
    weight /= weight.sum()
    middle = float(weight @ first)
    tenths = np.bincount(np.minimum(9, (10 * places).astype(int)), minlength=10) / len(places)
    ordinals = [c.passage.ordinal for c in candidates[:FIRST]]
    return {
        "d_middle": middle,
        "d_deviation": float(np.sqrt(weight @ (first - middle) ** 2)),
        "d_best": float(first[0]),
        "d_edge": float(min(first[0], 1 - first[0])),
        "d_together": max(float(weight[np.abs(first - place) <= 0.05].sum()) for place in first),
        "d_entropy": float(-(tenths[tenths > 0] * np.log(tenths[tenths > 0])).sum()),
        "d_tenth": float(tenths.max()),
        "d_adjacent": sum(b - a == 1 for a, b in zip(sorted(ordinals), sorted(ordinals)[1:], strict=False)) / FIRST,
    }


def wording(question: str) -> dict[str, float]:
    """How the question is put: style, which says nothing of what the document has."""
    words = question.split()
    return {
        **{f"q_{name}": float(form.search(question) is not None) for name, form in _FORMS.items()},
        "q_commas": float(question.count(",")),
        "q_and": float(len(re.findall(r"\band\b", question))),
        "q_letters": sum(map(len, words)) / max(1, len(words)),
    }


def contained(answer: str, candidates: Sequence[Candidate]) -> dict[str, float]:
    """How much of the right answer the passages have: a bound for all that guesses it."""
    texts = [candidate.passage.text for candidate in candidates]
    return {f"g_{k}": content_words(" ".join(texts[:k]), [answer]) for k in (5, FIRST)}


class Readings:
    """The quoting engine and the packaged cross-encoder, asked whether passages answer."""

    def __init__(self, embedder: Embedder) -> None:
        encoder = CrossEncoder.packaged()
        if encoder is None:
            raise click.UsageError("The packaged embedder is not installed, which the cross-encoder is made of.")
        self._embedder, self._engine, self._encoder = embedder, Extractive(embedder), encoder

    def __call__(self, question: str, candidates: Sequence[Candidate]) -> dict[str, float]:
        """`a_`: of the first eight passages; `b_`: of the odd against the even ones of them."""
        chance, lead, best = self._read(question, candidates[:FIRST])
        odd, _, of_odd = self._read(question, candidates[:FIRST:2])
        even, _, of_even = self._read(question, candidates[1:FIRST:2])
        sentences = self._crossed(question, best[:3])
        passages = self._crossed(question, [c.passage.text for c in candidates[:4]])
        apart = [self._crossed(question, found[:1])[0] for found in (of_odd, of_even)]
        return {
            "a_chance": chance,
            "a_lead": lead,
            "a_sentence": sentences[0],
            "a_passage": passages[0],
            "a_passages": float(np.mean(passages)),
            "b_chance": abs(odd - even),
            "b_least": min(odd, even),
            "b_sentence": abs(apart[0] - apart[1]),
            "b_least_sentence": min(apart),
            "b_alike": self._alike(of_odd[:1], of_even[:1]),
        }

    def _read(self, question: str, candidates: Sequence[Candidate]) -> tuple[float, float, list[str]]:
        """The chance that passages answer, the best sentence's lead, and the best sentences."""
        pieces = [
            Piece(c.passage.document, c.passage.text, c.passage.start, c.passage.heading, score=c.score)
            for c in candidates
        ]
        reading = self._engine.read(Prompt(question, tuple(pieces)))
        scores = reading.ranked.scores
        lead = float(scores[0] - scores[1]) if len(scores) > 1 else 0.0
        return reading.chance, lead, [reading.scan.text(int(row)) for row in reading.ranked.rows[:4]]

    def _crossed(self, question: str, texts: Sequence[str]) -> list[float]:
        """The logits of the cross-encoder, the highest first."""
        return sorted(map(float, self._encoder(question, texts)), reverse=True) if texts else [-12.0]

    def _alike(self, one: list[str], other: list[str]) -> float:
        """The cosine of two sentences."""
        if not one or not other:
            return 0.0
        vectors = self._embedder.encode_documents([*one, *other])
        return float(vectors[0] @ vectors[1])


def _root(word: str) -> str:
    """As in `hybrid.routing.features`: the beginning that the forms of a word share."""
    root = stem(word)
    return root.removesuffix("i") if len(root) > 3 else word.lower()


def make(data: Path, index: Path) -> Iterator[dict[str, Any]]:
    """One line for each question on the first half's documents."""
    readings: Readings | None = None
    known: tuple[str, Words] = ("", Words.of(""))
    for line, candidates, text, passages, answer, embedder in searched(data, index, half=0):
        readings = readings or Readings(embedder)
        if known[0] != text:
            known = text, Words.of(text)
        question = line["question"]
        signals = {
            **readings(question, candidates),
            **coverage(question, candidates, known[1]),
            **positions(candidates, passages),
            **wording(question),
            **(contained(answer, candidates) if line["task"] != "hallu" else {"g_5": 0.0, f"g_{FIRST}": 0.0}),
        }
        yield {**line, "signals": {name: round(value, 6) for name, value in signals.items()}}


if __name__ == "__main__":
    written(make, "Write the signals.")()
