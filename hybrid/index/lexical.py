"""BM25 over passages (bm25s), with words that suit prose and source code alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.index.fusion import Ids, Ranking
from hybrid.index.libraries import bm25
from hybrid.text.languages import STOP_WORDS, language_of, without_asking
from hybrid.text.words import RUN, UNSPACED, fold, grams, specials

Scores = NDArray[np.float32]
WordIds = NDArray[np.int32]

# Words of letters, numbers, or runs of scripts written without blanks; identifiers are split where the case changes
# (HTTPServer -> HTTP Server, getName -> get Name).
_UPPER = r"A-Z\u00c0-\u00d6\u00d8-\u00de"
_LOWER = rf"[^\W\d_{_UPPER}{UNSPACED}]"  # and the capitals of other scripts, whose identifiers are not split
_WORD = re.compile(
    rf"{RUN.pattern}"
    r"|\d+"
    rf"|[{_UPPER}]{{2,}}(?=[{_UPPER}]{_LOWER})"
    rf"|[{_UPPER}]?{_LOWER}+(?:'(?!s\b){_LOWER}+)?"
    rf"|[{_UPPER}]+"
)
_JOINED = re.compile(
    r"(?<![A-Za-z0-9_])(?=[A-Za-z0-9_]*?(?:[a-z][A-Z]|[A-Z]{2}[a-z]|[A-Za-z0-9]_[A-Za-z0-9]))[A-Za-z0-9_]+"
)
# Only questions lose these: their posting lists are the longest and they say the least.
_STOP = frozenset(
    "a an and are as at be been but by did do does for from had has have how i if in into is it its me of on or our "
    "s should so some such than that the their them then there these they this those to was we were what when where "
    "which who whom whose why will with would you your t can could about".split()
)
_NONE: frozenset[str] = frozenset()
_ARRAYS = ("data", "indices", "indptr")


def words(text: str) -> list[str]:
    """The words of a passage, folded, in order, inflection cut off; Chinese and the like in overlapping parts."""
    return [_stem(word) for found in _WORD.findall(fold(text)) for word in _parts(found, single=True)]


def identifiers(text: str) -> list[str]:
    """Names and figures that are one word in every spelling: `WideLife`, `wide_life`; AX-4418-B; 5 March 2024.

    They are looked up beside their parts. A name in one case, as `widelife.h`, has no parts; and a whole name tells one
    definition, part number or sum from others that share its parts.
    """
    text = fold(text)
    names = [_stem(name.replace("_", "").lower()) for name in _JOINED.findall(text)]
    return names + [word for *_, word in specials(text)]


def query_words(question: str) -> list[str]:
    """The words of a question that are worth looking up; all of them where none is left."""
    asked = fold(question)
    stop = _STOP | STOP_WORDS.get(language, _NONE) if (language := language_of(asked)) != "en" else _STOP
    content = [word for part in _WORD.findall(without_asking(asked)) for word in _parts(part) if word not in stop]
    return [_stem(word) for word in content] or words(question)


def _parts(word: str, *, single: bool = False) -> list[str]:
    return grams(word, single=single) if RUN.fullmatch(word) else [word.lower()]


def _stem(word: str) -> str:
    """Plural and a few verb endings removed (after Harman's S-stemmer, 1991): cheap, and it rarely merges wrongly."""
    if len(word) < 4 or not word.isascii():
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss", "is")):
        return word[:-1]
    return word


class Lexical:
    """A BM25 index: row i holds the scores of the passage `ids[i]`.

    Args:
        ids: passage ids, ascending.
        arrays: the sparse score matrix as `data`, `indices`, `indptr`; may be memory-mapped.
    """

    def __init__(self, ids: Ids, arrays: dict[str, Any]) -> None:
        self.ids = ids
        self._engine = bm25()(backend="numpy")
        self._engine.scores = {**arrays, "num_docs": len(ids)}
        self._engine.nonoccurrence_array = None  # the variant of BM25 in use has none
        self._words = len(arrays["indptr"]) - 1

    @property
    def occurring(self) -> list[int]:
        """The ids of the words that occur in some passage."""
        found: list[int] = np.flatnonzero(np.diff(self._engine.scores["indptr"])).tolist()
        return found

    @classmethod
    def build(cls, ids: Ids, word_ids: Sequence[WordIds], vocabulary: int) -> Lexical:
        """Index passages given as word ids, each below `vocabulary`."""
        if not any(len(row) for row in word_ids):
            empty = {
                "data": np.zeros(0, np.float32),
                "indices": np.zeros(0, np.int32),
                "indptr": np.zeros(vocabulary + 1, np.int64),
            }
            return cls(ids, empty)
        engine = bm25()(backend="numpy")
        scores = engine.build_index_from_ids(
            unique_token_ids=list(range(vocabulary)),
            corpus_token_ids=[row.tolist() for row in word_ids],
            show_progress=False,
        )
        return cls(ids, {name: scores[name] for name in _ARRAYS})

    def save(self, folder: Path) -> None:
        """Write the arrays into `folder`, which must exist."""
        np.save(folder / "ids.npy", self.ids)
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", self._engine.scores[name])

    @classmethod
    def open(cls, folder: Path) -> Lexical:
        """Map the arrays of `folder` into memory without reading them."""
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
        return cls(np.load(folder / "ids.npy", mmap_mode="r"), arrays)

    def search(self, word_ids: Sequence[int], k: int, among: Ids | None = None) -> tuple[Ids, Scores]:
        """The `k` best passages and their scores, best first, ties by id; passages with no word in common are left out.

        Args:
            word_ids: the question's words; ids this index has never seen are ignored.
            among: passage ids to choose from; None means all.
        """
        known = [i for i in word_ids if i < self._words]
        if not known or not len(self.ids):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        scores: Scores = self._engine.get_scores_from_ids(known)
        rows = np.arange(len(self.ids)) if among is None else np.flatnonzero(np.isin(self.ids, among))
        scores = scores if among is None else scores[rows]
        if len(rows) > k:
            # everything that reaches the k-th score, so that ties are cut by id and not by chance
            kth = np.partition(scores, len(scores) - k)[len(scores) - k]
            keep = np.flatnonzero(scores >= max(kth, np.finfo(np.float32).tiny))
        else:
            keep = np.flatnonzero(scores > 0)
        order = keep[np.lexsort((rows[keep], -scores[keep]))][:k]
        return np.asarray(self.ids[rows[order]]), scores[order]


class WordIndex:
    """BM25 over a few texts in memory.

    Args:
        texts: with their ids, ascending.
    """

    def __init__(self, texts: Sequence[tuple[int, str]]) -> None:
        self._vocabulary: dict[str, int] = {}
        number = self._vocabulary.setdefault
        rows = [np.array([number(w, len(self._vocabulary)) for w in words(text)], np.int32) for _, text in texts]
        ids = np.array([number for number, _ in texts], np.int64)
        self._lexical = Lexical.build(ids, rows, len(self._vocabulary) + 1)

    def search(self, question: str, k: int, among: Ids | None = None) -> Ranking:
        """The `k` texts that share the question's words, best first; see `Lexical.search`."""
        asked = [self._vocabulary[w] for w in dict.fromkeys(query_words(question)) if w in self._vocabulary]
        ids, scores = self._lexical.search(asked, k, among)
        return list(zip(ids.tolist(), scores.tolist(), strict=True))
