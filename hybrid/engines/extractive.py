"""The engine that needs no model: it answers with verbatim sentences, and says so when nothing supports an answer.

Every sentence of the pieces is scanned for the question's words; the best by words, and those the retriever found, are
embedded; a linear model orders them and a second one says how likely the question is answered at all. The weights in
`extractive.json` are fitted by `evals/research/fit_extractive.py`; its card says on what, and how good they are.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Completion, OnText, Quote
from hybrid.engines.cross_encoder import CrossEncoder
from hybrid.engines.question import Question, is_general, is_vague
from hybrid.errors import WindowError
from hybrid.index.embedding import Embedder, Kind, Vectors
from hybrid.settings import EngineSettings
from hybrid.text.amendments import AMENDING, CHANGING
from hybrid.text.asking import (
    KINDS,
    ONLY_ASKING,
    asked_of,
    column_of,
    contrasts,
    done_in,
    names_nobody,
    names_none,
    tells_time,
    undone_by,
    verbs_of,
    without_parties,
)
from hybrid.text.blocks import as_shown, blocks, headline, joined, source_language, spelled, spelled_at
from hybrid.text.rows import (
    Cells,
    cells_of,
    extreme_in,
    extreme_rows,
    in_words,
    is_short_for_more,
    rows_in_words,
    says_no,
)
from hybrid.text.sentences import CELLS, is_row, sentences
from hybrid.text.words import STOP, WORD, fold, stem, stems
from hybrid.types import Piece, Usage

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

SILENT = "The documents do not say."
WINDOW = 1_000_000  # tokens, where the settings name none: nothing but time limits it
EMBEDDED = 64  # sentences that are embedded for one question
AROUND = 10  # sentences on either side that count as the same piece, where the piece is longer
COLLECTED = 6  # sentences at most that are collected from one part of a longer text
SHORT = 150  # sentences at most of a short document
UNLIKELY = 0.15  # chance at most where the best sentence is of another matter
LITTLE = 0.35  # share of the question's words
CHOSEN = 0.5  # chance at least of a row that has the most of what is asked, or alone does not say no
SURE = 0.65  # cosine from which a sentence is of the matter, in whatever words
VAGUELY = 0.3  # of what a word counts that says little of the thing
LEAD = 5.0  # of a score before others, at most
NEAR = 4  # sentences of a short document that are compared closely
HEADED = 1.0  # what the name of a definition counts where it has all words of the question
GAP = 40  # characters between its passages that are none of any
TITLE = 120  # characters at most of a first line that is a title
KEPT = 32  # texts whose sentences and token counts are remembered
VECTORS = 8192  # sentences whose vectors are remembered: questions on one document embed most of them once

# Where cosines tell little, the share of the question's words stands for them: cosine = a + b * share.
_BY_WORDS = {"cosine": "covered", "cosine_near": "covered_near", "cosine_piece": "covered_piece"}
_WEAK = (0.05, 0.6)
_MATCHED = (0.63, 0.2, 0.53, 0.2)  # in other languages, by the share of its words: as the weights before were
_CROSSED = (
    -12.0,
    17.0,
)  # what a cross-encoder that is not there, or does not know the language, would say by `matched`
_SAID = (0.5, 0.3)  # what a word of the question that is there, or a related one, counts at least

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

# "Weight: 5.2 kg", "MAX_ATTEMPTS = 5": one line that gives what is named before the sign its value.
_KEY = re.compile(r"\W{0,4}([^\W\d][^:\uff1a=|\n]{0,60}?)[*_`\"']{0,3}\s*(?:[:\uff1a]|(?<!=)=(?!=))[*_`\"']{0,3}\s*\S")
_WHICH_HAS = re.compile(r"\W*(?:which|who|what|whose)\b", re.IGNORECASE)
_CONSTANT = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b")
_GIVEN = re.compile(r"(?:[a-z]+\s+)*([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b[^=]*=")
_NUMBERED = re.compile(r"(?:\d+|[A-Z]|[ivx]+)[.)]\s*(?:[^\W\d_]+[ -]?){1,3}\.?")  # "4. Deposit." begins a clause
_PRONOUN = re.compile(r"(?:it|he|she|they|this|these|his|her|its|their)\b", re.IGNORECASE)
# Of a sentence: cosine with the question, under its heading, with its neighbours, and the best in its piece; the share
# of the question's words, weighed by rarity, in it, around it, in its piece and in its title; whether the rarest is
# around; pairs of words kept together; its length; how many words are new; whether it is a question, a fragment or
# begins with a pronoun; and, for each kind of question, whether it has what is asked for.
FEATURES = (
    "cosine", "cosine_near", "cosine_piece", "covered", "covered_near", "covered_piece", "covered_title", "rarest",
    "pairs", "length", "characters", "fresh", "question", "fragment", "pronoun", "named", "keyed", *KINDS,
)  # fmt: skip
# Of all that was read, beside the features of the best sentence; "missing" is the share of the question's words,
# weighed by rarity, that stand nowhere. "matched" is how near the question's words have one that means the same in the
# best sentence, in the mean and of the two that are worst off: by the vectors of tokens, as ColBERT compares texts
# (Khattab and Zaharia, arXiv 2004.12832), beside what stands before it and alone. "crossed" is what a model says that
# reads question and sentence at once (`hybrid.engines.cross_encoder`), "by_name" how much of the question is in a
# definition's name. All these are told of a short document only, whose best sentences are compared by them, as the
# SIGNS that a sentence is none about what is asked: see `_signs`.
SIGNS = (
    "elsewhere", "uncounted", "empty", "timeless", "unitless", "unsaid", "other_column", "undone",
    "only_named", "of_another", "in_code",
)  # fmt: skip
OVERALL = (
    "score", "lead", "cosine_best", "covered_best", "kindless", "read", "missing", "matched", "matched_least",
    "matched_alone", "crossed", "by_name", *SIGNS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scan:
    """Every sentence of the pieces and which of the question's terms are where."""

    piece: Rows  # index of its piece
    start: Rows  # characters in the piece's text
    end: Rows
    above: Rows  # row of the heading it stands under, -1 if the text has none
    hits: Floats  # (sentences, terms): 1 where the sentence has the term
    near: Floats  # the same for it and the two sentences on either side
    whole: Floats  # the same for its piece, title included; of a long piece the ten sentences on either side
    title: Floats  # the same for its heading and its document's name


@dataclass(frozen=True, slots=True)
class Reading:
    """The sentences that were read closely, best first."""

    question: Question  # with its misspelt words mended
    scan: Scan
    rows: Rows  # of the scan
    features: Floats  # (rows, FEATURES)
    scores: Floats  # by the ordering model
    overall: Floats  # OVERALL
    near: Floats  # (NEAR at most, FEATURES and OVERALL): of a short document, each of its best sentences as the best
    sole: bool  # the pieces are the whole of one short document
    chance: float  # that the pieces answer the question

    def spans(self) -> list[tuple[int, int, int]]:
        """Piece, start and end of each sentence."""
        columns = (self.scan.piece[self.rows], self.scan.start[self.rows], self.scan.end[self.rows])
        return [(int(p), int(a), int(b)) for p, a, b in zip(*columns, strict=True)]


@dataclass(frozen=True)
class Weights:
    """The fitted models."""

    order: dict[str, float]
    answered: dict[str, float]  # names of FEATURES and OVERALL
    bias: float
    short: dict[str, float]  # the same two where all of a short document was read
    short_bias: float
    threshold: float  # chance below which the engine abstains
    collect: float  # chance below which nothing is collected
    second: float  # a second sentence is quoted if its score is at most this much below the best
    sentences: float  # the number of sentences that the counts of words come from
    words: dict[str, float] = field(repr=False)  # stem -> how many of those sentences have it

    def of_short(self) -> Floats:
        """What each of FEATURES and OVERALL counts in a short document."""
        return np.array([self.short.get(name, 0.0) for name in (*FEATURES, *OVERALL)])

    @classmethod
    def load(cls) -> Weights:
        """The weights that are packaged."""
        stored: dict[str, Any] = json.loads((files("hybrid.engines") / "extractive.json").read_text("utf-8"))
        return cls(**{key: value for key, value in stored.items() if key != "card"})


class Extractive:
    """Answers with verbatim sentences of the pieces it is given, or abstains.

    Args:
        embedder: compares sentences with the question and counts tokens.
        settings: only `window` is used; None reads up to `WINDOW` tokens.
        weights: None takes the packaged ones.
    """

    on_gpu = False
    quotes = True

    def __init__(
        self, embedder: Embedder, settings: EngineSettings | None = None, weights: Weights | None = None
    ) -> None:
        self.embedder = embedder
        self.name = f"extractive ({embedder.name})"
        self.window = (settings and settings.window) or WINDOW
        self.concurrency = 1
        self.counts_exactly = True
        self.weights = weights or Weights.load()
        self._spans: dict[tuple[str, str | None], Rows] = {}
        self._counts: dict[str, int] = {}
        self._vectors: dict[str, Vectors] = {}
        self._token_vectors: dict[tuple[str, Kind], tuple[Vectors, Rows] | None] = {}

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text in the embedder's tokenizer."""
        return self.embedder.count(texts)

    def measure(self, prompt: Prompt) -> int:
        """Tokens of everything in the prompt; the counts of the latest texts are remembered."""
        texts = _texts(prompt)
        known = dict(self._counts)
        new = [text for text in dict.fromkeys(texts) if text not in known]
        blocks = [_blocks(text) for text in new]
        tokens = iter(self.count([block for parts in blocks for block in parts]))
        for text, parts in zip(new, blocks, strict=True):
            known[text] = sum(next(tokens) for _ in parts)
        total = sum(known[text] for text in texts)
        self._counts = dict(list(known.items())[-4 * KEPT :])
        return total

    def ask(self, prompt: Prompt, *, max_tokens: int, on_text: OnText | None = None) -> Completion:
        """Quote what answers the question; see `hybrid.engines.base.Engine.ask`.

        Raises:
            WindowError: the prompt and `max_tokens` do not fit the window.
        """
        began, cpu = time.perf_counter(), time.process_time()  # of the process: the embedder has threads of its own
        self._check(prompt, max_tokens)
        quotes = self._quotes(prompt, self.read(prompt))
        text = _text(prompt, quotes) if quotes else SILENT
        while len(quotes) > 1 and self.count([text])[0] > max_tokens:
            quotes = quotes[:-1]
            text = _text(prompt, quotes)
        if on_text is not None:
            on_text(text)
        tokens, output = self.measure(prompt), self.count([text])[0]
        usage = Usage(
            calls=1,
            prompt_tokens=tokens,
            output_tokens=output,
            seconds=time.perf_counter() - began,
            cpu_seconds=time.process_time() - cpu,
        )
        return Completion(text, usage, abstained=not quotes, quotes=quotes)

    def _check(self, prompt: Prompt, max_tokens: int) -> None:
        if sum(map(len, _texts(prompt))) + max_tokens <= self.window:
            return  # a token has at least one character
        tokens = self.measure(prompt)
        if tokens + max_tokens > self.window:
            raise WindowError(
                f"The prompt has {tokens} tokens and {max_tokens} are kept for the answer, but {self.name} reads at "
                f"most {self.window}. Give it less text or set a larger engine.window."
            )

    def read(self, prompt: Prompt) -> Reading:
        """Scan everything, read the most promising sentences closely and put them in order."""
        of_code = bool(prompt.pieces) and all(source_language(piece.document) for piece in prompt.pieces)
        question = Question.of(prompt.question, of_code=of_code)
        scan = self._scan(prompt, question)
        missing = _lacking(scan)
        mended = question.mended(missing, [piece.text for piece in prompt.pieces], self.weights.words)
        if mended is not question:
            question, scan = mended, self._scan(prompt, mended)
            missing = _lacking(scan)
        lightened = question.lightened(missing)
        if lightened is not question:
            question, scan = lightened, self._scan(prompt, lightened)
        sole = is_sole(prompt.pieces, len(scan.piece))
        bare = without_parties(question.text, [piece.text for piece in prompt.pieces])
        if sole and bare != question.text:
            question = Question.of(bare, of_code=of_code)
            scan = self._scan(prompt, question)
        worth = self._worth(question, scan, sole)
        rows = _promising(prompt, scan, worth)
        if question.codes:
            rows = rows[[not question.of_another(_titled(prompt, scan, row)) for row in rows]]
        if question.language == "en" and not question.of_code:
            rows = rows[[_is_of_what_is_asked(question, _titled(prompt, scan, row)) for row in rows]]
        rows = rows[_may_answer(prompt, question, scan)[rows]]
        chosen = np.zeros(0, np.intp)
        if sole and question.language == "en" and not question.of_code:
            may, chosen = _of_rows(prompt, question, scan)
            rows = rows[may[rows]]
        if sole and not question.of_code:
            said = [not _NUMBERED.fullmatch(_sentence(prompt, scan, int(row))) for row in rows]
            rows = rows[said] if any(said) else rows
        features = self._features(prompt, question, scan, worth, rows)
        headed, found = _headed(prompt, question, scan, worth, rows), rows
        scores = features @ np.array([self.weights.order[name] for name in FEATURES]) + HEADED * headed
        best = np.argsort(-scores, kind="stable")
        headed, unseen = headed[best], _missing(scan, worth)
        rows, features, scores = _amended(prompt, scan, rows[best], features[best], scores[best])
        amended = len(rows) > 0 and rows[0] != found[best[0]]
        overall = overall_of(features, scores, question.kind is None, len(scan.piece), unseen)
        near, chance = np.zeros((0, len(FEATURES) + len(OVERALL))), self._chance(features, overall, headed)
        if len(rows) and sole:
            with self._threads.limit(limits=1, user_api="blas"):  # the texts are short: threads would only wait
                most = 1 if amended else NEAR
                near = self._near(prompt, question, scan, unseen, rows, features, scores, headed, most)
            logits = near @ self.weights.of_short() + self.weights.short_bias
            order = np.concatenate([np.argsort(-logits, kind="stable"), np.arange(len(near), len(rows))])
            scores = _moved(scores, logits[order[: len(near)]])
            rows, features, overall = rows[order], features[order], near[order[0], len(FEATURES) :]
            chance = _logistic(float(logits.max()))
            asked = _asks_for_key(question.text, _sentence(prompt, scan, int(rows[0])))
            if asked or (rows[0] in chosen and unseen <= LITTLE):
                chance = max(chance, CHOSEN)
        if len(rows) and _is_of_another_matter(prompt, question, scan, int(rows[0]), features[0]):
            chance = min(chance, UNLIKELY)
        return Reading(question, scan, rows, features, scores, overall, near, sole, chance)

    def _scan(self, prompt: Prompt, question: Question) -> Scan:
        pieces, terms = prompt.pieces, len(question.terms)
        spans = [self._sentences(piece) for piece in pieces]
        owner = np.repeat(np.arange(len(pieces)), [len(own) for own in spans])
        span = np.concatenate([np.zeros((0, 3), np.intp), *spans])
        first = np.cumsum([0, *(len(own) for own in spans)])[owner] if len(owner) else owner
        above = np.where(span[:, 2] >= 0, span[:, 2] + first, -1)
        found = (_hits(question, piece, own[:, 0]) for piece, own in zip(pieces, spans, strict=True))
        hits = np.concatenate([np.zeros((0, terms)), *found])
        one = np.zeros(1, np.intp)
        titles = [question.hits(f"{piece.document} {piece.heading}", one) for piece in pieces]
        named = np.concatenate([np.zeros((0, terms)), *titles])
        for piece, own in zip(pieces, spans, strict=True):
            if piece.start == 0 and len(own) and _is_title(piece.text, *own[0, :2]):
                opening = question.hits(piece.text[: own[0, 1]], own[:1, 0])
                same = [other.document == piece.document for other in pieces]
                named[same] = np.maximum(named[same], opening)
        title = np.maximum(named[owner], hits[above] * (above >= 0)[:, None]) if len(owner) else hits
        near = _spread(hits, owner, 2)
        return Scan(
            owner, span[:, 0], span[:, 1], above, hits, near, np.maximum(_spread(near, owner, AROUND - 2), title), title
        )

    def _sentences(self, piece: Piece) -> Rows:
        """Start, end and the row of what it stands under, for each sentence or block of source code that has words."""
        language = source_language(piece.document)
        key = (piece.text, language)
        spans = self._spans.get(key)  # by one look: another thread may replace what is remembered
        if spans is None:
            rows = _sentence_rows(piece.text) if language is None else _block_rows(piece.text, language)
            spans = np.array(rows, dtype=np.intp).reshape(-1, 3)
            self._spans = dict([*list(self._spans.items())[1 - KEPT :], (key, spans)])
        return spans

    def _embedded(self, texts: Sequence[str]) -> Floats:
        """A unit vector for each text; those of the latest are remembered."""
        known = self._vectors  # by one look: another thread may replace what is remembered
        new = [text for text in dict.fromkeys(texts) if text not in known]  # overlapping pieces repeat sentences
        vectors = map(np.copy, self.embedder.encode_documents(new))  # a view would keep all of them alive
        known = {**known, **dict(zip(new, vectors, strict=True))}
        found: Floats = np.array([known[text] for text in texts], dtype=np.float64)
        self._vectors = dict(list(known.items())[-VECTORS:])
        return found.reshape(-1, self.embedder.dimension)

    def _worth(self, question: Question, scan: Scan, sole: bool) -> Floats:
        """How telling each term is, 0 to 1: rare in general and in these pieces.

        What a whole short document is about tells little of which of its sentences is meant.
        """
        known = np.array([self.weights.words.get(term, 0.0) for term in question.terms])
        total = self.weights.sentences + len(scan.piece) + 1.0
        worth: Floats = np.maximum(np.log(total / (known + scan.hits.sum(0) + 1.0)) / np.log(total), 0.02)
        if question.language == "en":
            worth[[is_vague(term) for term in question.terms]] *= VAGUELY
        if sole:
            often = np.log((len(scan.piece) + 2) / (scan.hits.sum(0) + 1)) / np.log(len(scan.piece) + 2)
            worth *= 0.4 + 0.6 * np.maximum(often, 0.0)
        return worth

    def _features(self, prompt: Prompt, question: Question, scan: Scan, worth: Floats, rows: Rows) -> Floats:
        """One row per sentence, one column per name in FEATURES."""
        texts = [_sentence(prompt, scan, row) for row in rows]
        asked = self.embedder.encode_query([question.text])[0].astype(np.float64)
        titled = [_titled(prompt, scan, row) for row in rows]
        vectors = self._embedded(titled)
        share = worth / max(float(worth.sum()), 1e-9)
        around = np.maximum(scan.near[rows], scan.title[rows])
        cosine = vectors @ asked
        columns = {
            "cosine": cosine,
            "cosine_near": _with_neighbours(vectors, scan.piece[rows], rows) @ asked,
            "cosine_piece": _best_around(cosine, scan.piece[rows], rows),
            "covered": scan.hits[rows] @ share,
            "covered_near": around @ share,
            "covered_piece": scan.whole[rows] @ share,
            "covered_title": scan.title[rows] @ share,
            "rarest": around[:, int(np.argmax(worth))] if len(worth) else np.zeros(len(rows)),
            **_wording(question, texts),
            "named": _named(question, around),
            "keyed": np.array([_keyed(question, _line(prompt, scan, row)) for row in rows]),
            **{kind: np.zeros(len(rows)) for kind in KINDS},
        }
        if question.weak:
            for name, known in _BY_WORDS.items():
                columns[name] = _WEAK[0] + _WEAK[1] * columns[known]
        if question.kind is not None:
            columns[question.kind] = np.array([question.fits(text) for text in texts])
        return np.column_stack([columns[name] for name in FEATURES]).reshape(len(rows), len(FEATURES))

    def _near(
        self,
        prompt: Prompt,
        question: Question,
        scan: Scan,
        unseen: float,
        rows: Rows,
        features: Floats,
        scores: Floats,
        headed: Floats,
        most: int,
    ) -> Floats:
        """FEATURES and OVERALL of each of the first sentences as if it were the best."""
        found = []
        matched = [self.matched(prompt, question, scan, int(row)) for row in rows[:most]]
        crossed = self._crossed(prompt, question, scan, rows[:most], matched)
        for i in range(len(matched)):
            order = np.array([i, *(j for j in range(len(rows)) if j != i)])
            own = (*matched[i], crossed[i], headed[i])
            seen = features[order], scores[order]
            overall = overall_of(*seen, question.kind is None, len(scan.piece), unseen, own)
            signs = _signs(prompt, question, scan, rows[order], features[order], overall)
            overall[-len(SIGNS) :] = [sign in signs for sign in SIGNS]
            found.append(np.concatenate([features[i], overall]))
        return np.array(found)

    def _crossed(
        self, prompt: Prompt, question: Question, scan: Scan, rows: Rows, matched: Sequence[tuple[float, ...]]
    ) -> list[float]:
        """What the cross-encoder says of each sentence; of what is not all in English what `matched` says."""
        english = question.language == "en" and not question.is_translated
        encoder = self._cross_encoder if english else None
        if encoder is None:
            return [_CROSSED[0] + _CROSSED[1] * mean for mean, *_ in matched]
        texts = [_completed(prompt, question, scan, int(row)) for row in rows]
        return [float(logit) for logit in encoder(question.text, texts)]

    @cached_property
    def _threads(self) -> ThreadpoolController:
        from threadpoolctl import ThreadpoolController

        return ThreadpoolController()

    @cached_property
    def _cross_encoder(self) -> CrossEncoder | None:
        return CrossEncoder.packaged()

    def matched(self, prompt: Prompt, question: Question, scan: Scan, row: int) -> tuple[float, float, float]:
        """How near the words of the question have one of like meaning in a sentence, its heading or the sentence
        before: the cosines of their tokens' vectors, in the mean and of the two lowest; and of the two lowest without
        the sentence before."""
        follows = row > 0 and scan.piece[row - 1] == scan.piece[row]
        said = np.maximum(np.maximum(scan.hits[row], scan.title[row]), scan.hits[row - 1] if follows else 0.0)
        asked = self._tokens(question.text, "query") if question.language == "en" else None
        before = _sentence(prompt, scan, row - 1) if follows else ""
        beside = completing(prompt, question, scan, row)
        after = _sentence(prompt, scan, row + 1) if beside == row + 1 else ""
        said = np.maximum(said, scan.hits[row + 1]) if after else said
        read = asked and self._tokens(f"{before} {_titled(prompt, scan, row)} {after}".strip(), "document")
        alone = asked and self._tokens(_completed(prompt, question, scan, row), "document")
        if not asked or not read or not alone or not len(asked[0]) or not len(read[0]) or not len(alone[0]):
            told = float(np.maximum(scan.near[row], scan.title[row]).mean()) if question.terms else 0.0
            least = _MATCHED[2] + _MATCHED[3] * told
            return _MATCHED[0] + _MATCHED[1] * told, least, least
        lowest = sorted(_by_term(question, asked, read[0], said).values())
        own = np.maximum(scan.hits[row], scan.title[row])
        own = np.maximum(own, scan.hits[beside]) if beside >= 0 else own
        lowest_alone = sorted(_by_term(question, asked, alone[0], own).values())
        return float(np.mean(lowest)), float(np.mean(lowest[:2])), float(np.mean(lowest_alone[:2]))

    def _tokens(self, text: str, kind: Kind) -> tuple[Vectors, Rows] | None:
        """Vectors and characters of a text's tokens; those of the latest are remembered."""
        known = self._token_vectors  # by one look: another thread may replace what is remembered
        if (text, kind) not in known:
            known = {**known, (text, kind): self.embedder.encode_tokens(text, kind)}
            self._token_vectors = dict(list(known.items())[-KEPT:])
        return known[text, kind]

    def _chance(self, features: Floats, overall: Floats, headed: Floats) -> float:
        """That the best sentence answers, by the weights of all that is not one short document."""
        if not len(features):
            return 0.0
        known = dict(zip((*FEATURES, *OVERALL), (*features[0], *overall), strict=True))
        told = sum(weight * known[name] for name, weight in self.weights.answered.items())
        return _logistic(self.weights.bias + HEADED * float(headed[0]) + told)

    def _quotes(self, prompt: Prompt, reading: Reading) -> tuple[Quote, ...]:
        collect = prompt.task == "collect"
        if reading.chance < (self.weights.collect if collect else self.weights.threshold) or not len(reading.rows):
            return ()
        most, below = (COLLECTED, 2 * self.weights.second) if collect else (2, self.weights.second)
        quotes: dict[str, Quote] = {}
        for row, (piece, start, end), score in zip(reading.rows, reading.spans(), reading.scores, strict=True):
            behind = float(reading.scores[0] - score)
            if len(quotes) == most or behind > below:
                break
            if is_row(prompt.pieces[piece].text, start, end) and _has_less(reading, row):
                continue  # another row of the table: what is asked stands in a better one
            text = as_shown(prompt.pieces[piece].document, prompt.pieces[piece].text[start:end])
            quotes.setdefault(text, Quote(piece, start, end, reading.chance * float(np.exp(-behind))))
        beside = completing(prompt, reading.question, reading.scan, int(reading.rows[0]))
        if len(quotes) == 1 and not collect and beside >= 0:
            scan = reading.scan
            span = (int(scan.piece[beside]), int(scan.start[beside]), int(scan.end[beside]))
            quotes.setdefault(prompt.pieces[span[0]].text[span[1] : span[2]], Quote(*span, reading.chance))
        constant = _constant(prompt, reading) if reading.question.of_code and len(quotes) == 1 and not collect else -1
        if constant >= 0:
            scan = reading.scan
            span = (int(scan.piece[constant]), int(scan.start[constant]), int(scan.end[constant]))
            quotes.setdefault(prompt.pieces[span[0]].text[span[1] : span[2]], Quote(*span, reading.chance))
        return tuple(quotes.values())


def _constant(prompt: Prompt, reading: Reading) -> int:
    """Where the constant is given its value that the best block of source code names, if a number is asked for: of
    several the one whose name has most of the question; -1 without."""
    if reading.question.kind != "number":
        return -1
    scan, best = reading.scan, int(reading.rows[0])
    piece = prompt.pieces[scan.piece[best]]
    named = set(_CONSTANT.findall(piece.text[scan.start[best] : scan.end[best]]))
    hits: dict[int, float] = {}
    for row in np.flatnonzero(scan.piece == scan.piece[best]) if named else ():
        given = _GIVEN.match(headline(piece.text[scan.start[row] : scan.end[row]]))
        if given is not None and given[1] in named and row != best:
            hits[int(row)] = float(scan.hits[row].sum())
    return max(hits, key=lambda row: hits[row], default=-1)


def _logistic(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(logit, -50, 50))))


def _moved(scores: Floats, logits: Floats) -> Floats:
    """Scores of sentences whose first ones were put in the order of logits: these lie as far apart as their logits."""
    first = scores.max() + np.minimum(logits - logits[0], 0.0)
    return np.concatenate([first, np.minimum(scores[len(logits) :], first[-1])])


def _by_term(question: Question, asked: tuple[Vectors, Rows], read: Vectors, said: Floats) -> dict[int, float]:
    """How near each term of the question has a token of like meaning among those read; at least what `said` counts."""
    best = (asked[0] @ read.T).max(1)
    found = dict[int, float]()
    for word in WORD.finditer(question.text):
        term = question.forms.get(stem(fold(word.group())), (-1, 0.0))[0]
        part = best[(asked[1][:, 0] < word.end()) & (asked[1][:, 1] > word.start())]
        if term >= 0 and len(part) and word.group().lower() not in ONLY_ASKING:
            known = _SAID[0] + _SAID[1] * float(said[term]) if said[term] else 0.0
            found[term] = max(found.get(term, 0.0), float(part.mean()), known)
    return found or {-1: float(best.mean())}


def completing(prompt: Prompt, question: Question, scan: Scan, row: int) -> int:
    """The sentence right after or before one that has all words of the question which that one lacks; -1 without."""
    lacks = (scan.hits.max(0) > 0) & (scan.hits[row] == 0)
    lacks &= ~np.array([is_general(term) for term in question.terms], bool)
    piece = prompt.pieces[scan.piece[row]]
    if not lacks.any() or is_row(piece.text, scan.start[row], scan.end[row]) or source_language(piece.document):
        return -1
    for other in (row + 1, row - 1):
        if not 0 <= other < len(scan.piece) or scan.piece[other] != scan.piece[row]:
            continue
        first, last = sorted((row, other))
        together = not re.search(r"\n\s*\n", piece.text[scan.end[first] : scan.start[last]])
        if together and (scan.hits[other][lacks] > 0).all():
            return other
    return -1


def _completed(prompt: Prompt, question: Question, scan: Scan, row: int) -> str:
    """A sentence under its heading, with the one beside it that has what it lacks of the question."""
    beside = completing(prompt, question, scan, row)
    texts = [_titled(prompt, scan, row)] if beside < 0 else [_sentence(prompt, scan, beside)]
    if beside >= 0:
        texts.insert(0 if row < beside else 1, _titled(prompt, scan, row))
    return " ".join(texts)


def _sentence_rows(text: str) -> list[tuple[int, int, int]]:
    rows: list[tuple[int, int, int]] = []
    above = -1
    for start, end in sentences(text):
        if WORD.search(text, start, end):
            rows.append((start, end, above))
            above = len(rows) - 1 if _is_heading(text, start, end) else above
    return rows


def _block_rows(text: str, language: str) -> list[tuple[int, int, int]]:
    rows: list[tuple[int, int, int]] = []
    row_of = {-1: -1}
    for number, block in enumerate(blocks(text, language)):
        row_of[number] = row_of[block.above]
        if WORD.search(text, block.start, block.end):
            row_of[number] = len(rows)
            rows.append((block.start, block.end, row_of[block.above]))
    return rows


def _signs(
    prompt: Prompt, question: Question, scan: Scan, rows: Rows, features: Floats, overall: Floats
) -> frozenset[str]:
    """The SIGNS that the best sentence of a whole short document is none about what is asked, by its form.

    Of English questions, whose forms are known, but for the first three:

    * elsewhere: the most telling word of the question stands nowhere, and much of the rest does not either;
    * uncounted: things are to be counted and it has no number of them;
    * empty: the cell of a table that is asked is empty;
    * timeless, unitless: it has no time, or no number of that unit, where one is asked;
    * unsaid: the attribute that is asked stands nowhere;
    * other_column: it is the row of a table that has no number of that unit;
    * undone: it tells what was done and not by whom;
    * only_named: whether something is so is asked of a thing, and it only names the thing;
    * of_another: it has little of the question, and what is asked about stands in other sentences;
    * in_code: it is code, which says little in words.
    """
    text = _sentence(prompt, scan, int(rows[0]))
    best = dict(zip((*FEATURES, *OVERALL), (*features[0], *overall), strict=True))
    english = question.language == "en" and not question.of_code
    row_of_table = is_row(text, 0, len(text)) and not question.of_code
    unlike = best["cosine"] < SURE
    missing = np.maximum(scan.hits, scan.title).max(0, initial=0.0) == 0
    unsaid = [term for at, term in enumerate(question.terms) if missing[at]]
    told = {stem(word) for word in (asked_of(question.text), done_in(question.text) if question.kind == "when" else "")}
    verbs = {stem(verb) for verb in verbs_of(question.text)}
    own = [term not in question.names and len(question.terms[term]) > 2 for term in range(len(question.terms))]
    in_english = {
        "unitless": question.kind == "number"
        and best["number"] <= (0.3 if question.unit else 0.0)
        and best["keyed"] < 0.5,
        "unsaid": unlike and bool({term for term in told if not is_general(term)} & set(unsaid)),
        "other_column": row_of_table
        and question.kind == "number"
        and best["number"] < 1
        and _has_no_column(question, text),
        "undone": question.kind == "who" and undone_by(text, question.terms),
        "only_named": question.yes_or_no
        and bool(unsaid)
        and not scan.hits[rows[0]][own].any()
        and (bool(question.names) or unlike),
        "of_another": _stands_elsewhere(question, scan, int(rows[0]), best, verbs),
    }
    found = {
        "elsewhere": _is_elsewhere(question, best),
        "uncounted": question.how_many and not question.of_code and best["number"] <= 0.4 and best["keyed"] < 0.5,
        "in_code": question.of_code,
        "empty": row_of_table and _is_empty(question, range(len(question.terms)), text),
        "timeless": (english or question.of_code)
        and question.kind == "when"
        and not best["when"]
        and not tells_time(text),
        **(in_english if english else {}),
    }
    return frozenset(sign for sign, holds in found.items() if holds)


def _is_elsewhere(question: Question, known: dict[str, float]) -> bool:
    """Whether the most telling word of the question stands nowhere, much of the rest does not either, and the best
    sentence is not clearly of the matter; of a question without a kind only where it asks yes or no, or about code."""
    if known["rarest"] >= 0.5:
        return False
    if question.kind is None:
        return (question.of_code or question.yes_or_no) and known["missing"] >= (0.55 if question.of_code else 0.5)
    much = 0.4 if question.language == "en" else 0.6  # which words are rare is known of English
    return known["missing"] >= much and known["cosine"] < SURE


def _amended(prompt: Prompt, scan: Scan, rows: Rows, features: Floats, scores: Floats) -> tuple[Rows, Floats, Floats]:
    """Rows with their features and scores, best first, so that what an amendment at the end of a document changes goes
    before what it changes: the best of its sentences that tell a change and have the words that the best one has."""
    if not len(rows):
        return rows, features, scores
    piece = prompt.pieces[scan.piece[rows[0]]]
    heading = next((m for m in AMENDING.finditer(piece.text) if m.start() > scan.end[rows[0]]), None)
    if heading is None:
        return rows, features, scores
    had = scan.hits[rows[0]] > 0
    for at, row in enumerate(rows):
        changes = scan.piece[row] == scan.piece[rows[0]] and scan.start[row] >= heading.start()
        if changes and CHANGING.search(_sentence(prompt, scan, int(row))) and (scan.hits[row][had] > 0).all():
            order = np.array([at, *(i for i in range(len(rows)) if i != at)])
            scores = scores[order]
            scores[0] = scores[1] + 0.5
            return rows[order], features[order], scores
    return rows, features, scores


def _is_of_what_is_asked(question: Question, text: str) -> bool:
    """Whether a sentence is not of the opposite of what an English question asks, and has a name where one is asked."""
    if question.kind == "who" and names_nobody(text, question.terms):
        return False
    opposite = not question.yes_or_no and contrasts(question.text, text)
    return not opposite and not names_none(question.text, text, question.terms)


def _has_no_column(question: Question, row: str) -> bool:
    """Whether no number of a row stands in a column of the unit that is asked, or of a word of the question."""
    columns, begin = column_of(fold(question.text)), np.zeros(1, np.intp)
    own = [term for term in range(len(question.terms)) if term not in question.names]
    cells = [cell.partition(":") for cell in row.split(CELLS.strip())]
    return columns is not None and not any(
        not sign
        or (value.strip()[:1].isdigit() and (columns.search(fold(name)) or question.hits(name, begin)[0, own].any()))
        for name, sign, value in cells
    )


def _stands_elsewhere(question: Question, scan: Scan, row: int, best: dict[str, float], verbs: set[str]) -> bool:
    """Whether the best sentence has little of what is asked about, and others that are not right before it have it.

    "What did the shed cost?" is not answered by the fee, where another sentence is about the shed.
    """
    if question.kind is None or best["pronoun"] or best["keyed"] >= 0.5:
        return False
    things = np.array([term not in verbs or not best["covered"] for term in question.terms], bool)
    has = np.maximum(scan.hits[row], scan.title[row]) > 0
    little = best["covered"] + best["covered_title"] < LITTLE
    if not little and (things & has).any():
        return False
    others = np.ones(len(scan.piece), bool)
    others[row] = False
    if row and scan.piece[row - 1] == scan.piece[row]:  # it may go on with what was said right before
        others[row - 1] = False
        has |= scan.hits[row - 1] > 0
    return bool((scan.hits[others][:, things & ~has] > 0).any())


def _may_answer(prompt: Prompt, question: Question, scan: Scan) -> NDArray[np.bool_]:
    """Which sentences may answer at all: of a table that has rows of what the question names, only those, and of those
    only the ones that have a cell of what is asked where other rows have one."""
    may = np.ones(len(scan.piece), bool)
    if not question.names or not any(CELLS in piece.text for piece in prompt.pieces):
        return may
    are_rows = _are_rows(prompt, scan)
    has = scan.hits > 0
    names = [name for name in sorted(question.names) if has[are_rows, name].any()]
    full = are_rows & has[:, names].all(1) if names else np.zeros(len(may), bool)
    if not full.any():
        return may
    if question.kind != "who":  # whom another row is about may stand in this one too
        begin, firsts = np.zeros(1, np.intp), np.zeros(len(may), bool)
        for row in np.flatnonzero(full):
            first = _sentence(prompt, scan, int(row)).split(CELLS.strip())[0]
            firsts[row] = (question.hits(first, begin)[0, names] > 0).all()
        full = firsts if firsts.any() else full
    others = [term for term in range(has.shape[1]) if term not in question.names]
    asked = [term for term in others if 2 * has[are_rows, term].sum() >= are_rows.sum()]  # of a column, not of a cell
    given: NDArray[np.bool_] = np.array(has[:, asked].any(1) if asked else may)
    for row in np.flatnonzero(full):
        text = _sentence(prompt, scan, int(row))
        given[row] |= ": " not in text  # its cells have no names, so what they are is not known
        full[row] = not _is_empty(question, asked, text)
    may[are_rows] = (full & given)[are_rows]
    return may


def _of_rows(prompt: Prompt, question: Question, scan: Scan) -> tuple[NDArray[np.bool_], Rows]:
    """Which sentences may answer, of a short document with a table, and which rows are chosen: where the row with the
    most of something is asked for, only that, which is then noted to have the words that ask for it; and none that says
    no where it is asked which one has something."""
    may, chosen = np.ones(len(scan.piece), bool), np.zeros(0, np.intp)
    at = np.flatnonzero(_are_rows(prompt, scan))
    rows, begin = [cells_of(_sentence(prompt, scan, int(row))) for row in at], np.zeros(1, np.intp)
    if len(rows) < 2 or question.yes_or_no:
        return may, chosen
    extreme = extreme_in(question.text)
    words = {stem(word) for word in extreme[0]} if extreme else set()
    asks = [term for term in range(len(question.terms)) if question.terms[term] not in words]
    values = np.array([question.hits(" ".join(row.values()), begin)[0] > 0 for row in rows])
    telling = [term for term in asks if 0 < values[:, term].sum() < len(rows)]
    of_all = values[:, telling].sum(1)
    meant = np.flatnonzero(of_all == of_all.max())
    if extreme is not None:
        named = partial(_named_by, question, [term for term in asks if term not in telling])
        found = extreme_rows([rows[i] for i in meant], *extreme[1:], named)
        if found is not None:
            may[at], chosen = False, at[meant[found]]
            may[chosen] = True
            asking = [term for term in range(len(question.terms)) if question.terms[term] in words]
            for hits in (scan.hits, scan.near, scan.whole):
                hits[chosen[:, None], asking] = 1.0
    elif _WHICH_HAS.match(question.text):
        denied = np.array([_says_no(question, asks, row) for row in rows])
        if denied.any() and not denied.all():
            may[at[denied]], chosen = False, at[~denied]
    return may, chosen


def _named_by(question: Question, terms: Sequence[int], name: str) -> float:
    """How many terms of the question the name of a column has."""
    return float(question.hits(name, np.zeros(1, np.intp))[0, terms].sum())


def _says_no(question: Question, terms: Sequence[int], row: Cells) -> bool:
    """Whether a cell of a row that is asked about says that it has none."""
    return any(says_no(value) for name, value in row.items() if _named_by(question, terms, name) > 0)


def _is_empty(question: Question, asked: Sequence[int], row: str) -> bool:
    """Whether a term of the question names cells of a row that are all empty."""
    begin, cells = np.zeros(1, np.intp), [cell.partition(":") for cell in row.split(CELLS.strip())]
    names = np.array([question.hits(name, begin)[0, asked] > 0 for name, _, _ in cells])
    filled = np.array([bool(value.strip()) or not sign for _, sign, value in cells])  # one without a name is a value
    values = np.array([question.hits(value, begin)[0, asked] > 0 for _, _, value in cells])
    return bool((names.any(0) & ~names[filled].any(0) & ~values.any(0)).any())


def _is_of_another_matter(prompt: Prompt, question: Question, scan: Scan, row: int, features: Floats) -> bool:
    """Whether the best sentence is a row of what the question names that has nothing of what is asked of it."""
    asked = [term for term in range(scan.hits.shape[1]) if term not in question.names]
    if not question.names or not asked or question.kind != "number":
        return False
    piece: Piece = prompt.pieces[scan.piece[row]]
    if not is_row(piece.text, int(scan.start[row]), int(scan.end[row])) or (scan.hits[row, asked] > 0).any():
        return False
    return bool(features[FEATURES.index("number")] < 1)


def _are_rows(prompt: Prompt, scan: Scan) -> NDArray[np.bool_]:
    return np.array(
        [
            is_row(prompt.pieces[piece].text, int(start), int(end))
            for piece, start, end in zip(scan.piece, scan.start, scan.end, strict=True)
        ],
        dtype=bool,
    )


def _has_less(reading: Reading, row: int) -> bool:
    """Whether a sentence lacks a word of the question that the best one has."""
    hits = reading.scan.hits
    return bool((hits[reading.rows[0]] > hits[row]).any())


def is_sole(pieces: Sequence[Piece], read: int) -> bool:
    """Whether pieces are the whole of one short document, in which what is not found is not there.

    Args:
        read: sentences of the pieces.
    """
    if not pieces or read > SHORT or any(piece.document != pieces[0].document for piece in pieces):
        return False
    end = 0
    for piece in sorted(pieces, key=lambda piece: piece.start):
        if piece.start > end + GAP:
            return False
        end = max(end, piece.end)
    return True


def _texts(prompt: Prompt) -> list[str]:
    """Everything that is read."""
    pieces = [text for piece in prompt.pieces for text in (piece.document, piece.heading, piece.text)]
    return [prompt.question, *pieces, *(piece.text for piece in prompt.evidence)]


def _blocks(text: str) -> list[str]:
    """A long text in parts cut at white space, so that the tokenizer works on them at the same time."""
    return [m.group() for m in re.finditer(r"(?s).{1,20000}\S{0,200}", text)]


def _text(prompt: Prompt, quotes: tuple[Quote, ...]) -> str:
    """The quotations as an answer, each with the number of its piece; collected ones are bare, one per line."""
    pieces = [prompt.pieces[quote.piece] for quote in quotes]
    flat = [
        as_shown(piece.document, piece.text[quote.start : quote.end])
        for piece, quote in zip(pieces, quotes, strict=True)
    ]
    if prompt.task == "collect":
        return "\n".join(flat)
    return joined([f"{text} [{quote.piece + 1}]" for text, quote in zip(flat, quotes, strict=True)])


def _hits(question: Question, piece: Piece, starts: Rows) -> Floats:
    """Which sentences have which terms; names of source code count as one word and as several."""
    found = question.hits(piece.text, starts)
    if source_language(piece.document) is None:
        at = piece.text.find(CELLS) if question.language == "en" else -1
        row = piece.text[piece.text.rfind("\n", 0, at) + 1 : at + 500].partition("\n")[0] if at >= 0 else ""
        return np.maximum(found, question.hits(*rows_in_words(piece.text, starts))) if is_short_for_more(row) else found
    return np.maximum(found, question.hits(*spelled_at(piece.text, starts)))


def _headed(prompt: Prompt, question: Question, scan: Scan, worth: Floats, rows: Rows) -> Floats:
    """The share of the question's words that the name of each block of source code has; 0 of sentences."""
    found = np.zeros(len(rows))
    share, begin = worth / max(float(worth.sum()), 1e-9), np.zeros(1, np.intp)
    for i, row in enumerate(rows):
        piece = prompt.pieces[scan.piece[row]]
        if source_language(piece.document) is not None and len(worth):
            line = headline(piece.text[scan.start[row] : scan.end[row]])
            found[i] = float((np.maximum(*(question.hits(text, begin) for text in (line, spelled(line)))) @ share)[0])
    return found


def _sentence(prompt: Prompt, scan: Scan, row: int) -> str:
    piece: Piece = prompt.pieces[scan.piece[row]]
    text = piece.text[scan.start[row] : scan.end[row]]
    if source_language(piece.document) is not None:
        return spelled(text).strip()
    return in_words(text) if is_row(text, 0, len(text)) else text


def _line(prompt: Prompt, scan: Scan, row: int) -> str:
    """A sentence, or the line that a block of source code is named by."""
    text = _sentence(prompt, scan, row)
    return text if source_language(prompt.pieces[scan.piece[row]].document) is None else headline(text)


def _titled(prompt: Prompt, scan: Scan, row: int) -> str:
    """A sentence under what it stands under: a heading in the text, that of the piece, or one document of several."""
    text, above, piece = _sentence(prompt, scan, row), int(scan.above[row]), prompt.pieces[scan.piece[row]]
    heading = _sentence(prompt, scan, above) if above >= 0 else piece.heading.rsplit(" > ", 1)[-1]
    if above >= 0 and source_language(piece.document) is not None:
        heading = headline(heading)
    if not heading and any(other.document != piece.document for other in prompt.pieces):
        heading = re.sub(r"\.\w{1,5}$|[_/\\-]+", " ", piece.document).strip()
    return f"{heading}. {text}" if heading else text


def _is_title(text: str, start: int, end: int) -> bool:
    """Whether a document's first sentence says what it is about: a short one that is no row and no statement."""
    return end - start <= TITLE and not is_row(text, start, end) and text[end - 1] not in ".!?\u3002"


def _is_heading(text: str, start: int, end: int) -> bool:
    """Whether a sentence is a short line of its own that does not end like one."""
    if (
        end - start > 80
        or not (text[end - 1].isalnum() or text[end - 1] in ":)")
        or text[start] in "-*|\u2022"
        or is_row(text, start, end)
    ):
        return False
    before = text[max(0, start - 100) : start]
    _, line_break, indent = before.rpartition("\n")
    return text[end : end + 1] in ("\n", "\r") and bool(line_break or len(before) == start) and not indent.strip()


def _promising(prompt: Prompt, scan: Scan, worth: Floats) -> Rows:
    """The sentences to embed: all if they are few, otherwise those of the evidence and the best by their words."""
    if len(scan.piece) <= EMBEDDED:
        return np.arange(len(scan.piece))
    score = scan.hits @ worth + 0.4 * (np.maximum(scan.near, scan.title) @ worth)
    for shown in prompt.evidence:
        for number, piece in enumerate(prompt.pieces):
            if piece.document == shown.document:
                start, end = scan.start + piece.start, scan.end + piece.start
                score += 0.5 * worth.sum() * ((scan.piece == number) & (start < shown.end) & (end > shown.start))
    return np.sort(np.argsort(-score, kind="stable")[:EMBEDDED])


def _spread(hits: Floats, piece: Rows, reach: int) -> Floats:
    """`hits` of each sentence or of one at most `reach` away in the same piece."""
    spread = hits.copy()
    for step in range(1, min(reach, len(piece) - 1) + 1):
        same = (piece[step:] == piece[:-step])[:, None]
        np.maximum(spread[step:], hits[:-step] * same, out=spread[step:])
        np.maximum(spread[:-step], hits[step:] * same, out=spread[:-step])
    return spread


def _with_neighbours(vectors: Floats, piece: Rows, rows: Rows) -> Floats:
    """Unit vectors of sentences and half of each neighbour that was embedded too."""
    total = vectors.copy()
    together = ((np.diff(rows) == 1) & (np.diff(piece) == 0))[:, None] * 0.5
    total[1:] += vectors[:-1] * together
    total[:-1] += vectors[1:] * together
    unit: Floats = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)
    return unit


def _best_around(cosine: Floats, piece: Rows, rows: Rows) -> Floats:
    """The best cosine in the same piece, at most `AROUND` sentences away."""
    if not len(rows):
        return cosine
    together = (np.abs(rows[:, None] - rows) <= AROUND) & (piece[:, None] == piece)
    best: Floats = np.where(together, cosine, -1.0).max(1)
    return best


def _wording(question: Question, texts: list[str]) -> dict[str, Floats]:
    """The features that come from a sentence's own words."""
    wanted = set(pairwise(question.terms))
    rows = []
    for text in texts:
        words, shape = stems(text, STOP), text.rstrip("\"')\u201d")
        rows.append(
            (
                len(wanted & set(pairwise(words))) / max(len(wanted), 1),
                np.log1p(len(text)),
                min(len(text), 600) / 100,
                np.log1p(len(set(words) - set(question.terms))),
                shape.endswith("?"),
                len(text.split()) < 5 and not _KEY.match(text) and shape[-1:] not in (".", "!", "\u3002"),
                _PRONOUN.match(text) is not None,
            )
        )
    names = ("pairs", "length", "characters", "fresh", "question", "fragment", "pronoun")
    return dict(zip(names, np.array(rows, dtype=np.float64).reshape(-1, len(names)).T, strict=True))


def _named(question: Question, around: Floats) -> Floats:
    """Whether each sentence, or what stands around it, has all of the question's names; 1 where it has none."""
    if not question.names:
        return np.ones(len(around))
    least: Floats = around[:, sorted(question.names)].min(1)
    return least


def _keyed(question: Question, text: str) -> float:
    """The share of the words before the colon of a line with a value that the question has; 0 of any other sentence."""
    found = _KEY.match(text)
    if found is None or is_row(text, 0, len(text)):
        return 0.0
    words = [m for m in WORD.finditer(found[1]) if m.group().lower() not in STOP]
    starts = np.array([m.start() for m in words], np.intp)
    hits = question.hits(found[1], starts)
    return float(hits.max(1, initial=0.0).mean()) if hits.size else 0.0


def _lacking(scan: Scan) -> list[int]:
    """The terms of the question that nothing that was read has."""
    return np.flatnonzero(~np.maximum(scan.hits, scan.title).any(0)).tolist() if len(scan.piece) else []


def _asks_for_key(question: str, text: str) -> bool:
    """Whether an English question asks for just what a line gives a value: "What is the insurance policy number?" of
    "policy: KV-883120"."""
    found = _KEY.match(text)
    key = fold(found[1]).lower().strip() if found is not None and not is_row(text, 0, len(text)) else ""
    asked = (
        rf"\W*(?:what|who)\s+(?:is|was|are|were)\s+the\s+(?:[\w-]+\s+)?{re.escape(key)}(?:\s+(?:number|name|code))?\W*"
    )
    return bool(key) and re.fullmatch(asked, fold(question).lower()) is not None


def _missing(scan: Scan, worth: Floats) -> float:
    """The share of the question's words, weighed, that nothing that was read has."""
    if not len(worth):
        return 0.0
    seen = np.maximum(scan.hits, scan.title).max(0, initial=0.0)
    return float(1 - seen @ worth / worth.sum())


def overall_of(
    features: Floats,
    scores: Floats,
    kindless: bool,
    read: int,
    missing: float,
    near: Sequence[float] = (0.0,) * 5,
) -> Floats:
    """One number per name in OVERALL but SIGNS, of the first of some sentences.

    Args:
        near: what is told of a short document only.
    """
    if not len(scores):
        return np.zeros(len(OVERALL))
    lead = float(np.clip(scores[0] - scores[1:].max(), -LEAD, LEAD)) if len(scores) > 1 else 0.0
    best = features.max(0)[[FEATURES.index("cosine"), FEATURES.index("covered_near")]]
    known = [scores[0], lead, *best, kindless, np.log1p(read), missing, *near]
    return np.array([*known, *(0.0,) * len(SIGNS)], dtype=np.float64)
