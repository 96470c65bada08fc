"""The engine that needs no model: it answers with verbatim sentences, and says so when nothing supports an answer.

It scans every sentence of the pieces for the question's words and embeds the best by words and those the retriever
found. A linear model orders them, and a second one says how likely the question is answered at all.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Completion, OnText
from hybrid.engines.quoting.candidates import candidates, is_of_another_matter, worth_of
from hybrid.engines.quoting.features import LITTLE, asks_for_key, by_name, features_of, missing, overall_of, signs_of
from hybrid.engines.quoting.likeness import Likeness
from hybrid.engines.quoting.question import Floats, Question
from hybrid.engines.quoting.reading import Ranked, Reading, quotes_of, text_of, with_amendment
from hybrid.engines.quoting.scan import Scan, scanned, spans
from hybrid.engines.quoting.weights import FEATURES, OVERALL, SIGNS, Weights
from hybrid.engines.remembered import Remembered
from hybrid.errors import WindowError
from hybrid.index.embedding import Embedder
from hybrid.settings import EngineSettings
from hybrid.text.asking import without_form, without_parties
from hybrid.text.blocks import source_language
from hybrid.types import Usage

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

SILENT = "The documents do not say."
WINDOW = 1_000_000  # tokens, where the settings name none: nothing but time limits it
UNLIKELY = 0.15  # chance at most where the best sentence is of another matter
CHOSEN = 0.5  # chance at least of a row that has the most of what is asked, or alone does not say no
NEAR = 4  # sentences of a short document that are compared closely
HEADED = 1.0  # what the name of a definition counts where it has all words of the question
KEPT = 32  # texts whose sentences and token counts are remembered
VECTORS = 8192  # sentences whose vectors are remembered: questions on one document embed most of them once


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
        self._likeness = Likeness(embedder)
        self._spans = lru_cache(maxsize=KEPT)(spans)
        self._counts = Remembered(self._counted, 4 * KEPT)
        self._vectors = Remembered(self._embedded, VECTORS)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text in the embedder's tokenizer."""
        return self.embedder.count(texts)

    def measure(self, prompt: Prompt) -> int:
        """Tokens of everything in the prompt; the counts of the latest texts are remembered."""
        return sum(self._counts(_texts(prompt)))

    def ask(self, prompt: Prompt, *, max_tokens: int, on_text: OnText | None = None) -> Completion:
        """Quote what answers the question; see `hybrid.engines.base.Engine.ask`.

        Raises:
            WindowError: the prompt and `max_tokens` do not fit the window.
        """
        began, cpu = time.perf_counter(), time.process_time()  # of the process: the embedder has threads of its own
        self._check(prompt, max_tokens)
        quotes = quotes_of(self.read(prompt), self.weights)
        text = text_of(prompt, quotes) if quotes else SILENT
        while len(quotes) > 1 and self.count([text])[0] > max_tokens:
            quotes = quotes[:-1]
            text = text_of(prompt, quotes)
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
        scan = self._scan(prompt)
        worth = worth_of(scan, self.weights)
        rows, chosen = candidates(scan, worth)
        asked = self.embedder.encode_query([scan.question.text])[0].astype(np.float64)
        vectors = np.array(self._vectors([scan.titled(row) for row in rows]), dtype=np.float64)
        features = features_of(scan, worth, rows, vectors.reshape(-1, self.embedder.dimension), asked)
        named = by_name(scan, worth, rows)
        scores = features @ self.weights.of_order() + HEADED * named
        found = Ranked(rows, features, scores, named).by(np.argsort(-scores, kind="stable"))
        ranked, unseen = with_amendment(scan, found), missing(scan, worth)
        overall = overall_of(ranked.features, ranked.scores, scan.question.kind is None, len(scan), unseen)
        near = np.zeros((0, len(FEATURES) + len(OVERALL)))
        if not len(rows):
            return Reading(scan, ranked, overall, near, 0.0)
        if scan.sole:
            near = self._compared(scan, ranked, unseen, 1 if ranked is not found else NEAR)
            logits = near @ self.weights.of_short() + self.weights.short_bias
            ranked, overall = ranked.by_logits(logits), near[np.argmax(logits), len(FEATURES) :]
            chance = _logistic(float(logits.max()))
            best = ranked.rows[0]
            if asks_for_key(scan.question.text, scan.text(best)) or (best in chosen and unseen <= LITTLE):
                chance = max(chance, CHOSEN)
        else:
            chance = self._chance(ranked, overall)
        if is_of_another_matter(scan, ranked.rows[0], ranked.features[0, FEATURES.index("number")]):
            chance = min(chance, UNLIKELY)
        return Reading(scan, ranked, overall, near, chance)

    def _scan(self, prompt: Prompt) -> Scan:
        """Every sentence, for the question with its misspelt words mended and without those that say nothing here."""
        of_code = bool(prompt.pieces) and all(source_language(piece.document) for piece in prompt.pieces)
        texts = [piece.text for piece in prompt.pieces]
        question = Question.of(without_form(prompt.question), of_code=of_code)
        scan = scanned(prompt, question, self._spans)
        mended = question.mended(scan.lacking, texts, self.weights.words)
        if mended is not question:
            question, scan = mended, scanned(prompt, mended, self._spans)
        lightened = question.lightened(scan.lacking)
        if lightened is not question:
            question, scan = lightened, scanned(prompt, lightened, self._spans)
        bare = without_parties(question.text, texts)
        if scan.sole and bare != question.text:
            scan = scanned(prompt, Question.of(bare, of_code=of_code), self._spans)
        return scan

    def _compared(self, scan: Scan, ranked: Ranked, unseen: float, most: int) -> Floats:
        """(most, FEATURES and OVERALL): each of the first sentences of a short document as if it were the best."""
        rows, found = ranked.rows[:most], []
        with self._threads.limit(limits=1, user_api="blas"):  # the texts are short: threads would only wait
            matched = [self._likeness.matched(scan, int(row)) for row in rows]
            crossed = self._likeness.crossed(scan, rows, matched)
        for i, row in enumerate(rows):
            first, own = ranked.with_first(i), (*matched[i], crossed[i], ranked.named[i])
            overall = overall_of(first.features, first.scores, scan.question.kind is None, len(scan), unseen, own)
            signs = signs_of(scan, int(row), ranked.features[i], overall)
            overall[-len(SIGNS) :] = [sign in signs for sign in SIGNS]
            found.append(np.concatenate([ranked.features[i], overall]))
        return np.array(found)

    @cached_property
    def _threads(self) -> ThreadpoolController:
        from threadpoolctl import ThreadpoolController

        return ThreadpoolController()

    def _chance(self, ranked: Ranked, overall: Floats) -> float:
        known = dict(zip((*FEATURES, *OVERALL), (*ranked.features[0], *overall), strict=True))
        told = sum(weight * known[name] for name, weight in self.weights.answered.items())
        return _logistic(self.weights.bias + HEADED * float(ranked.named[0]) + told)

    def _embedded(self, texts: list[str]) -> Iterable[NDArray[np.float32]]:
        return map(np.copy, self.embedder.encode_documents(texts))  # a view would keep all of them alive

    def _counted(self, texts: list[str]) -> list[int]:
        """Tokens of each text; a long one is cut at white space, so that the tokenizer works on its parts at once."""
        parts = [re.findall(r"(?s).{1,20000}\S{0,200}", text) for text in texts]
        tokens = iter(self.count([part for own in parts for part in own]))
        return [sum(next(tokens) for _ in own) for own in parts]


def _texts(prompt: Prompt) -> list[str]:
    pieces = [text for piece in prompt.pieces for text in (piece.document, piece.heading, piece.text)]
    return [prompt.question, *pieces, *(piece.text for piece in prompt.evidence)]


def _logistic(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(logit, -50, 50))))
