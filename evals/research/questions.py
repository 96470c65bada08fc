"""The Natural Questions that the weights are fitted on, in the situations that an engine meets.

The data are the lost-in-the-middle questions with their gold passages and answer-free distractors. Questions are split
in two halves by the title of their article, distractors come from the same half, so the halves share no question,
passage or article.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from hybrid.evals.metrics.words import normalise

from hybrid.files import read_lines
from hybrid.index.embedding import Embedder, Progress, Vectors
from hybrid.text.sentences import sentences
from hybrid.text.words import MONTHS, STOP, stems
from hybrid.types import Piece

LONG = 150  # passages in a long text, about 90 000 characters
WORDS_KEPT = 0.5  # of the sentence, in a made question
COMMON = 5  # sentences that have to have a stem for its count to be kept


@dataclass(frozen=True)
class Question:
    """A question of the set with the passages of its situations."""

    text: str
    answers: tuple[str, ...]
    gold: tuple[str, str]  # title, text
    distractors: tuple[tuple[str, str], ...]
    half: int


def load(folder: Path) -> list[Question]:
    """The questions, without those that also occur in leval/natural_question."""
    rows = {row["line"]: row for row in read_lines(folder / "litm/nq_open_oracle.dev.jsonl.gz")}
    ranked = {row["line"]: row["distractors"] for row in read_lines(folder / "litm/nq_open_distractors.dev.jsonl.gz")}
    reported = {
        normalise(q) for row in read_lines(folder / "leval/natural_question.dev.jsonl.gz") for q in row["instructions"]
    }
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


def holds(text: str, answers: Sequence[str]) -> bool:
    """Whether `text` contains one of the answers as whole words, both normalised."""
    padded = f" {normalise(text)} "
    return any(f" {gold} " in padded for gold in map(normalise, answers) if gold)


_SPAN = re.compile(
    rf"(?P<when>\b(?:(?i:{MONTHS}) )?(?:\d{{1,2}},? )?(?:1\d|20)\d\d\b)|(?P<number>\b\d[\d,.]*\b)"
    r"|(?<=[a-z,] )(?P<name>[A-Z][\w'\u2019-]+(?: (?:of (?:the )?)?[A-Z][\w'\u2019-]+)*)"
)


def made(question: Question) -> Question | None:
    """A question phrased after one sentence of the gold passage, None where no sentence lends itself to it."""
    random, text = np.random.default_rng(crc32(question.text.encode())), question.gold[1]
    spans = [(a, b) for a, b in sentences(text) if len(text[a:b].split()) >= 8]
    found = [(a, b, match) for a, b in spans for match in _SPAN.finditer(text, a, b)]
    if len(sentences(text)) < 2 or not found:
        return None
    start, end, answer = found[random.integers(len(found))]
    before = text[start : answer.start()]
    asked = {"when": "when", "number": "how many"}.get(
        answer.lastgroup or "", "who" if " " in answer.group() else "what"
    )
    if asked in ("who", "what") and re.search(r"\b(?:in|at|near|from|to) (?:the )?$", before):
        asked = "where"
    words = re.findall(r"\w+", f"{before} {text[answer.end() : end]}")
    kept = [word for word in words if word.lower() in STOP or random.random() < WORDS_KEPT]
    golds = (answer.group(),)
    others = tuple(d for d in question.distractors if not holds(" ".join(d), golds))
    if sum(word.lower() not in STOP for word in kept) < 2:
        return None
    return Question(f"{asked} {' '.join(kept)}?", golds, question.gold, others, question.half)


def without_answer(text: str, answers: Sequence[str]) -> str:
    """`text` without the sentences that hold an answer."""
    return " ".join(text[a:b] for a, b in sentences(text) if not holds(text[a:b], answers))


def pieces(question: Question, situation: str, pool: Sequence[tuple[str, str]]) -> list[Piece]:
    """The pieces to read in a situation; the question's checksum places the gold passage."""
    seed, gold = crc32(question.text.encode()), question.gold
    if situation.endswith("removed"):
        gold = (gold[0], without_answer(gold[1], question.answers))
    long = situation.startswith("long")
    chosen = list(question.distractors[: LONG if long else 4 + seed % 6])
    if long:
        rest = [p for p in _from(pool, seed) if not holds(" ".join(p), question.answers)]
        chosen = [p for p in dict.fromkeys((*chosen, *rest)) if p[0] != gold[0]][:LONG]
    if situation not in ("distractors", "long_without"):
        chosen.insert(seed // 7 % (len(chosen) + 1), gold)
    if long:
        return [Piece("document", "\n\n".join(f"{title}\n\n{text}" for title, text in chosen), 0)]
    if situation == "bare":
        return [Piece("document", text, 0) for _, text in chosen]
    if seed // 11 % 2:
        return [Piece("document", text, 0, heading=title) for title, text in chosen if text]
    return [Piece(title, text, 0) for title, text in chosen if text]


def _from(pool: Sequence[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    start = seed % len(pool)
    return [*pool[start:], *pool[:start]][: 2 * LONG]


def count_words(questions: Sequence[Question]) -> tuple[int, dict[str, float]]:
    """Sentences of all gold passages, and how many of them have each common stem."""
    counts: Counter[str] = Counter()
    spans = [(text, span) for text in dict.fromkeys(q.gold[1] for q in questions) for span in sentences(text)]
    for text, (start, end) in spans:
        counts.update(set(stems(text[start:end])))
    return len(spans), {word: float(count) for word, count in sorted(counts.items()) if count >= COMMON}


class Remembering(Embedder):
    """Embeds every text once: the same questions and sentences stand in many cases. Kept in half precision."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[tuple[str, str], Vectors] = {}

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """As the parent's."""
        return self._once("question", texts, super().encode_query)

    def encode_documents(
        self, texts: Sequence[str], progress: Progress | None = None, *, part: bool = False
    ) -> Vectors:
        """As the parent's."""
        return self._once("document", texts, super().encode_documents)

    def _once(self, kind: str, texts: Sequence[str], encode: Callable[[list[str]], Vectors]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if (kind, text) not in self._known]
        for text, vector in zip(new, encode(new), strict=True):
            self._known[kind, text] = vector.astype(np.float16)
        return np.array([self._known[kind, text] for text in texts], np.float32).reshape(len(texts), self.dimension)
