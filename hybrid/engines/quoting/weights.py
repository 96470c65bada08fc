"""The fitted models of the quoting engine, and the names of what they are told.

`extractive.json` carries the weights; `evals/research/fit_extractive.py` fits them. Its card says on what, and how good
they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import numpy as np

from hybrid.engines.quoting.question import Floats
from hybrid.text.asking import KINDS

# Of a sentence: cosine with the question, under its heading, with its neighbours, and the best in its piece; the share
# of the question's words, weighed by rarity, in it, around it, in its piece and in its title; whether the rarest is
# around; pairs of words kept together; its length; how many words are new; whether it is a question, a fragment or
# begins with a pronoun; and, for each kind of question, whether it has what is asked for.
FEATURES = (
    "cosine", "cosine_near", "cosine_piece", "covered", "covered_near", "covered_piece", "covered_title", "rarest",
    "pairs", "length", "characters", "fresh", "question", "fragment", "pronoun", "named", "keyed", *KINDS,
)  # fmt: skip
# Signs that a sentence is not about what is asked: see `hybrid.engines.quoting.features`.
SIGNS = (
    "elsewhere", "uncounted", "empty", "timeless", "unitless", "unsaid", "other_column", "undone",
    "only_named", "of_another", "in_code",
)  # fmt: skip
# Of all that was read, beside the features of the best sentence. "missing" is the share of the question's words,
# weighed by rarity, that stand nowhere. The rest is told of a short document only, whose best sentences are compared:
# "matched" is how near the question's words have one of like meaning in the best sentence, in the mean and of the two
# that are worst off, beside what stands before it and alone, by the vectors of tokens, as ColBERT compares texts
# (Khattab and Zaharia, arXiv 2004.12832); "crossed" is what a model says that reads question and sentence at once
# (`hybrid.engines.cross_encoder`); "by_name" is how much of the question is in a definition's name.
OVERALL = (
    "score", "lead", "cosine_best", "covered_best", "kindless", "read", "missing", "matched", "matched_least",
    "matched_alone", "crossed", "by_name", *SIGNS,
)  # fmt: skip


@dataclass(frozen=True)
class Weights:
    """The fitted models: one orders sentences, two say how likely the question is answered."""

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

    def of_order(self) -> Floats:
        """What each of FEATURES counts in the order of sentences."""
        return np.array([self.order[name] for name in FEATURES])

    def of_short(self) -> Floats:
        """What each of FEATURES and OVERALL counts in a short document."""
        return np.array([self.short.get(name, 0.0) for name in (*FEATURES, *OVERALL)])

    @classmethod
    def load(cls) -> Weights:
        """The weights that are packaged."""
        stored: dict[str, Any] = json.loads((files("hybrid.engines") / "extractive.json").read_text("utf-8"))
        return cls(**{key: value for key, value in stored.items() if key != "card"})
