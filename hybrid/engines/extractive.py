"""The engine that needs no model: it answers with verbatim sentences, and says so when nothing supports an answer.

Every sentence of the pieces is scanned for the question's words; the best by words, and those the retriever found, are
embedded; a linear model orders them and a second one says how likely the question is answered at all. The weights in
`extractive.json` are fitted by `evals/fit_extractive.py`, which also states how good they are.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.embedding import Embedder, Vectors
from hybrid.engines.base import Completion, OnText, Quote
from hybrid.errors import WindowError
from hybrid.prompts import Prompt
from hybrid.sentences import sentences
from hybrid.settings import EngineSettings
from hybrid.types import Usage

SILENT = "The documents do not say."
WINDOW = 1_000_000  # tokens, where the settings name none: nothing but time limits it
EMBEDDED = 64  # sentences that are embedded for one question
KEPT = 64  # texts whose sentences and token counts are remembered

Floats = NDArray[np.float64]

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")
_STOP = frozenset(
    "a an the of in on at to by for from with without and or but is are was were be been being am do does did done has "
    "have had having it its this that these those there as if so than then who whom whose which what when where why "
    "how many much i you he she we they his her their our your my me him them us will would can could shall should may "
    "might must not no into onto about s t d ll re ve also any some such please tell name".split()
)
_MONTH = r"january|february|march|april|may|june|july|august|september|october|november|december"
_NUMBERS = (
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|thirty|forty|fifty|sixty|"
    r"seventy|eighty|ninety|hundred|thousand|million|billion|half|third|quarter|once|twice)\b"
)
# What is asked for, by the question's wording, and what its answer looks like; the first that matches holds.
KINDS: dict[str, tuple[re.Pattern[str], re.Pattern[str]]] = {
    "when": (
        re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b", re.I),
        re.compile(rf"\b(?:1\d|20)\d\d\b|\b(?:{_MONTH})\b|\b\d+(?:st|nd|rd|th)\b|\bcentur(?:y|ies)\b|\d\d?:\d\d", re.I),
    ),
    "number": (
        re.compile(
            r"\bhow (?:many|much|long|far|old|tall|often|big|large|high|deep|fast|few)\b|"
            r"\b(?:percentage|number|amount|population|size|price|cost|age|rate|total)\b",
            re.I,
        ),
        re.compile(_NUMBERS, re.I),
    ),
    "why": (
        re.compile(r"\bwhy\b|\b(?:reason|cause|purpose)\b", re.I),
        re.compile(r"\b(?:because|due to|so that|in order to|as a result|since|therefore|caus\w+|reason|result\w*)\b", re.I),
    ),
    "where": (
        re.compile(r"\bwhere\b|\b(?:what|which) (?:city|country|state|place|town|county|continent|location|area)\b", re.I),
        re.compile(r"\b(?:[Ii]n|[Aa]t|[Nn]ear|[Ff]rom|[Tt]o|[Oo]f|[Oo]n|across|along|between|outside) (?:the )?[A-Z]"),
    ),
    "who": (
        re.compile(r"\bwho(?:m|se)?\b|\b(?:what|which) (?:person|man|woman|king|queen|president|actor|actress|singer)\b", re.I),
        re.compile(r"\b[A-Z][\w.'\u2019-]+(?: (?:[a-z]{1,3} )?[A-Z][\w.'\u2019-]+)+"),
    ),
}
FEATURES = (
    "cosine", "cosine_near", "covered", "covered_near", "covered_title", "rarest", "pairs", "length", "fresh",
    "question", "bm25", *KINDS,
)  # fmt: skip


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """A word without its English endings; the same for words that differ only there. Lower case."""
    word = word.lower()
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]
    for ending in ("ing", "ed", "ly"):
        if len(word) >= len(ending) + 3 and word.endswith(ending) and not word.endswith("eed"):
            word = word.removesuffix(ending)
            if word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    word = word[:-1] if len(word) > 3 and word.endswith("e") else word
    return word[:-1] + "i" if len(word) > 2 and word.endswith("y") else word


def stems(text: str) -> list[str]:
    """The stems of all words of `text`, in order, stop words included."""
    return [stem(word) for word in _WORD.findall(text)]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: its content words and the kind of answer it wants."""

    text: str
    terms: tuple[str, ...]  # distinct stems, in order
    kind: str | None

    @classmethod
    def of(cls, text: str) -> Question:
        words = _WORD.findall(text)
        content = [stem(w) for w in words if w.lower() not in _STOP] or [stem(w) for w in words]
        kind = next((name for name, (asked, _) in KINDS.items() if asked.search(text)), None)
        return cls(text, tuple(dict.fromkeys(content)), kind)

    def finder(self) -> re.Pattern[str] | None:
        """Finds words that may have one of the stems."""
        heads = sorted({t[:-1] if t[-1] in "iy" and len(t) > 2 else t for t in self.terms})
        return re.compile(r"(?<![^\W_])(?:" + "|".join(map(re.escape, heads)) + r")[^\W_]*", re.I) if heads else None


@dataclass(frozen=True, slots=True)
class Scan:
    """Every sentence of the pieces and which of the question's words it has."""

    piece: NDArray[np.intp]  # index of its piece
    start: NDArray[np.intp]  # characters in the piece's text
    end: NDArray[np.intp]
    hits: Floats  # (sentences, terms): 1 where the term occurs
    near: Floats  # the same for the sentence and the two on either side
    title: Floats  # the same for the piece's document name and heading


@dataclass(frozen=True, slots=True)
class Reading:
    """The sentences that were read closely, best first."""

    scan: Scan
    chosen: NDArray[np.intp]  # rows of the scan
    features: Floats  # (chosen, FEATURES)
    scores: Floats  # by the ordering model
    chance: float  # that the best of them answers

    def spans(self) -> list[tuple[int, int, int]]:
        """Piece, start and end of each chosen sentence."""
        rows = (self.scan.piece[self.chosen], self.scan.start[self.chosen], self.scan.end[self.chosen])
        return [(int(p), int(a), int(b)) for p, a, b in zip(*rows, strict=True)]


@dataclass(frozen=True)
class Weights:
    """The fitted models."""

    order: dict[str, float]
    answered: dict[str, float]
    bias: float
    threshold: float  # chance below which the engine abstains
    collect: float  # chance below which a sentence is not collected
    second: float  # a further sentence is quoted if its score is at most this much below the best
    sentences: float  # the sentences the word counts come from
    words: dict[str, float] = field(repr=False)  # sentences, of those, that have the stem

    @classmethod
    def load(cls) -> Weights:
        stored: dict[str, Any] = json.loads((files("hybrid.engines") / "extractive.json").read_text("utf-8"))
        stored.pop("card")
        return cls(**stored)


class Extractive:
    """Answers with verbatim sentences of the pieces it is given, or abstains.

    Args:
        embedder: compares sentences with the question and counts tokens.
        settings: only `window` is used; None reads up to `WINDOW` tokens.
    """

    concurrency = 1
    counts_exactly = True

    def __init__(self, embedder: Embedder, settings: EngineSettings | None = None) -> None:
        self.embedder = embedder
        self.name = f"extractive ({embedder.name})"
        self.window = (settings and settings.window) or WINDOW
        self.weights = Weights.load()
        self._spans: dict[tuple[int, int], NDArray[np.intp]] = {}
        self._counts: dict[tuple[int, int], int] = {}

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text in the embedder's tokenizer."""
        return self.embedder.count(texts)

    def measure(self, prompt: Prompt) -> int:
        """Tokens of everything in the prompt; counts of long texts are remembered."""
        keys = {(hash(text), len(text)): text for text in _texts(prompt)}
        unknown = [key for key in keys if key not in self._counts]
        for key, tokens in zip(unknown, self.count([keys[key] for key in unknown]), strict=True):
            _remember(self._counts, key, tokens)
        return sum(self._counts[(hash(text), len(text))] for text in _texts(prompt))

    def ask(self, prompt: Prompt, *, max_tokens: int, on_text: OnText | None = None) -> Completion:
        """Quote what answers the question; see `hybrid.engines.base.Engine.ask`.

        Raises:
            WindowError: the prompt and `max_tokens` do not fit the window.
        """
        began = time.perf_counter()
        self._check(prompt, max_tokens)
        reading = self.read(prompt)
        quotes = self._quotes(prompt, reading)
        text = _text(prompt, quotes) if quotes else SILENT
        output = self.count([text])[0]
        if on_text is not None:
            on_text(text)
        usage = Usage(
            calls=1,
            prompt_tokens=self.measure(prompt),
            output_tokens=output,
            seconds=time.perf_counter() - began,
        )
        return Completion(text, usage, abstained=not quotes, quotes=quotes)

    def _check(self, prompt: Prompt, max_tokens: int) -> None:
        if sum(map(len, _texts(prompt))) + max_tokens <= self.window:
            return  # a token has at least one character
        tokens = self.measure(prompt)
        if tokens + max_tokens > self.window:
            raise WindowError(
                f"The prompt has {tokens} tokens and {max_tokens} are kept for the answer, but {self.name} reads at most "
                f"{self.window}. Give it less text or set a larger engine.window."
            )

    def read(self, prompt: Prompt) -> Reading:
        """Scan everything, read the most promising sentences closely and put them in order."""
        question = Question.of(prompt.question)
        scan = self._scan(prompt, question)
        worth = self._worth(question, scan)
        chosen = self._choose(prompt, scan, worth)
        features = self._features(prompt, question, scan, worth, chosen)
        scores = features @ np.array([self.weights.order[name] for name in FEATURES])
        best = np.argsort(-scores, kind="stable")
        chance = self._chance(features[best], scores[best], len(scan.piece))
        return Reading(scan, chosen[best], features[best], scores[best], chance)

    def _scan(self, prompt: Prompt, question: Question) -> Scan:
        finder, place = question.finder(), {t: i for i, t in enumerate(question.terms)}
        owners, spans, hits, titles = [], [], [], []
        for number, piece in enumerate(prompt.pieces):
            own = self._sentences(piece.text)
            found = np.zeros((len(own), len(place)))
            if finder is not None and len(own):
                seen = [(m.start(), place.get(stem(m.group()), -1)) for m in finder.finditer(piece.text)]
                at = np.array([pair for pair in seen if pair[1] >= 0], dtype=np.intp).reshape(-1, 2)
                row = np.searchsorted(own[:, 0], at[:, 0], side="right") - 1
                found[row[row >= 0], at[row >= 0, 1]] = 1
            title = set(stems(f"{piece.document} {piece.heading}"))
            owners.append(np.full(len(own), number))
            spans.append(own)
            hits.append(found)
            titles.append(np.tile([float(t in title) for t in place], (len(own), 1)))
        if not owners:
            empty = np.zeros(0, np.intp)
            return Scan(empty, empty, empty, *(np.zeros((0, len(place))) for _ in range(3)))
        piece_of, span, hit = np.concatenate(owners), np.concatenate(spans), np.concatenate(hits)
        near = _spread(hit, piece_of, 2)
        title_hits = np.concatenate([t.reshape(-1, len(place)) for t in titles])
        return Scan(piece_of, span[:, 0], span[:, 1], hit, near, title_hits)

    def _sentences(self, text: str) -> NDArray[np.intp]:
        key = (hash(text), len(text))
        if key not in self._spans:
            spans = [(a, b) for a, b in sentences(text) if _WORD.search(text, a, b)]
            _remember(self._spans, key, np.array(spans, dtype=np.intp).reshape(-1, 2))
        return self._spans[key]

    def _worth(self, question: Question, scan: Scan) -> Floats:
        """How telling each term is, 0 to 1: rare in general and in these pieces."""
        known = np.array([self.weights.words.get(t, 0.0) for t in question.terms])
        total = self.weights.sentences + len(scan.piece) + 1.0
        worth: Floats = np.log(total / (known + scan.hits.sum(0) + 1.0)) / np.log(total)
        return np.maximum(worth, 0.02)

    def _choose(self, prompt: Prompt, scan: Scan, worth: Floats) -> NDArray[np.intp]:
        """The sentences to embed: all of a few, otherwise the best by their words."""
        if len(scan.piece) <= EMBEDDED:
            return np.arange(len(scan.piece))
        score = scan.hits @ worth + 0.4 * (np.maximum(scan.near, scan.title) @ worth)
        score /= worth.sum()
        return np.sort(np.argsort(-score, kind="stable")[:EMBEDDED])

    def _features(
        self, prompt: Prompt, question: Question, scan: Scan, worth: Floats, chosen: NDArray[np.intp]
    ) -> Floats:
        """One row per chosen sentence, one column per name in FEATURES."""
        texts = [prompt.pieces[scan.piece[i]].text[scan.start[i] : scan.end[i]] for i in chosen]
        vectors, asked = self._vectors(question.text, texts)
        cosine = vectors @ asked
        total = max(float(worth.sum()), 1e-9)
        hits, near, title = scan.hits[chosen], scan.near[chosen], scan.title[chosen]
        around = np.maximum(near, title)
        columns = {
            "cosine": cosine,
            "cosine_near": _near_cosine(vectors, asked, scan.piece[chosen], chosen),
            "covered": hits @ worth / total,
            "covered_near": around @ worth / total,
            "covered_title": title @ worth / total,
            "rarest": around[:, int(np.argmax(worth))] if len(worth) else np.zeros(len(chosen)),
            "length": np.log([1 + len(text) for text in texts]),
            "question": np.array([float(text.rstrip("\"')\u201d").endswith("?")) for text in texts]),
            **_reading(question, texts),
            **{name: np.zeros(len(chosen)) for name in KINDS},
        }
        lexical = hits @ worth / (1 + 0.004 * (scan.end - scan.start)[chosen])
        columns["bm25"] = lexical / max(float(lexical.max(initial=0)), 1e-9)
        if question.kind is not None:
            columns[question.kind] = np.array([_fits(question, text) for text in texts])
        return np.column_stack([columns[name] for name in FEATURES]).reshape(len(chosen), len(FEATURES))

    def _vectors(self, question: str, texts: list[str]) -> tuple[Vectors, Vectors]:
        asked = self.embedder.encode_query([question])[0]
        return self.embedder.encode_documents(texts), asked

    def _chance(self, features: Floats, scores: Floats, read: int) -> float:
        """The chance that the best sentence answers the question."""
        if not len(scores):
            return 0.0
        given = dict(zip(FEATURES, features[0], strict=True))
        weights = self.weights.answered
        known = {**given, "score": float(scores[0]), "read": float(np.log(1 + read))}
        return float(1 / (1 + np.exp(-self.weights.bias - sum(weights[k] * known[k] for k in weights))))

    def _quotes(self, prompt: Prompt, reading: Reading) -> tuple[Quote, ...]:
        collect = prompt.task == "collect"
        if reading.chance < (self.weights.collect if collect else self.weights.threshold):
            return ()
        most, below = (6, 2 * self.weights.second) if collect else (2, self.weights.second)
        quotes: list[Quote] = []
        seen: set[str] = set()
        for row, score in zip(reading.chosen, reading.scores, strict=True):
            if len(quotes) == most or reading.scores[0] - score > below:
                break
            piece, start, end = (int(a[row]) for a in (reading.scan.piece, reading.scan.start, reading.scan.end))
            text = " ".join(prompt.pieces[piece].text[start:end].split())
            if text not in seen:
                seen.add(text)
                quotes.append(Quote(piece, start, end, reading.chance * float(np.exp(score - reading.scores[0]))))
        return tuple(quotes)


def _texts(prompt: Prompt) -> list[str]:
    """Everything that is read."""
    pieces = [text for p in prompt.pieces for text in (p.document, p.heading, p.text)]
    return [prompt.question, *pieces, *(p.text for p in prompt.evidence)]


def _text(prompt: Prompt, quotes: tuple[Quote, ...]) -> str:
    """The quotations as an answer: with the number of their piece, or one per line if they were collected."""
    flat = [" ".join(prompt.pieces[q.piece].text[q.start : q.end].split()) for q in quotes]
    if prompt.task == "collect":
        return "\n".join(flat)
    return " ".join(f"{text} [{q.piece + 1}]" for text, q in zip(flat, quotes, strict=True))


def _remember(memory: dict[tuple[int, int], Any], key: tuple[int, int], value: Any) -> None:
    if len(memory) >= KEPT:
        memory.pop(next(iter(memory)))
    memory[key] = value


def _spread(hits: Floats, piece: NDArray[np.intp], reach: int) -> Floats:
    """`hits` of each sentence or of one at most `reach` away in the same piece."""
    near = hits.copy()
    for step in range(1, reach + 1):
        same = (piece[step:] == piece[:-step])[:, None]
        near[step:] = np.maximum(near[step:], hits[:-step] * same)
        near[:-step] = np.maximum(near[:-step], hits[step:] * same)
    return near


def _near_cosine(vectors: Vectors, asked: Vectors, piece: NDArray[np.intp], row: NDArray[np.intp]) -> Floats:
    """Cosine of the question with the sentence and its embedded neighbours, taken together."""
    total = vectors.copy()
    if len(row) > 1:
        together = ((np.diff(row) == 1) & (np.diff(piece) == 0))[:, None] * 0.5
        total[1:] += vectors[:-1] * together
        total[:-1] += vectors[1:] * together
    norm = np.maximum(np.linalg.norm(total, axis=1), 1e-9)
    return np.asarray(total @ asked / norm, dtype=np.float64)


def _reading(question: Question, texts: list[str]) -> dict[str, Floats]:
    """What needs the words of each sentence: pairs of the question's words kept together, and words that are new."""
    wanted = set(zip(question.terms, question.terms[1:], strict=False))
    pairs, fresh = [], []
    for text in texts:
        words = [stem(w) for w in _WORD.findall(text) if w.lower() not in _STOP]
        pairs.append(len(wanted & set(zip(words, words[1:], strict=False))) / max(len(wanted), 1))
        fresh.append(np.log1p(len(set(words) - set(question.terms))))
    return {"pairs": np.array(pairs, dtype=np.float64), "fresh": np.array(fresh, dtype=np.float64)}


def _fits(question: Question, text: str) -> float:
    """1 where a sentence has something of the kind asked for that the question itself does not have."""
    if question.kind is None:
        return 0.0
    asked = question.text.lower()
    return float(any(m.group().lower() not in asked for m in KINDS[question.kind][1].finditer(text)))
