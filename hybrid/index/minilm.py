"""The packaged model's forward pass in NumPy: it embeds a few texts in less time than importing PyTorch takes.

A BERT encoder (Devlin et al., arXiv 1810.04805) whose token vectors are averaged, as all-MiniLM-L6-v2 is (Wang et al.,
arXiv 2002.10957), read from its own weights in float32. Vectors agree with those of sentence-transformers to 1e-6.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Weights = dict[str, Floats]


class MiniLM:
    """A BERT encoder with mean pooling. Safe to use from several threads.

    Args:
        folder: with model.safetensors and config.json.
        added: changes that are added to weights, by their names.
    """

    def __init__(self, folder: Path, added: Mapping[str, Floats] | None = None) -> None:
        from safetensors import safe_open

        config = json.loads((folder / "config.json").read_text("utf-8"))
        with safe_open(str(folder / "model.safetensors"), framework="numpy") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary
        for name, change in (added or {}).items():
            weights[name] += change
        epsilon = float(config["layer_norm_eps"])
        kind = weights["embeddings.token_type_embeddings.weight"][0]
        self._words = weights["embeddings.word_embeddings.weight"]
        self._places = weights["embeddings.position_embeddings.weight"] + kind
        self._norm = _Norm(weights, "embeddings.LayerNorm", epsilon)
        self._layers = [
            _Layer(weights, f"encoder.layer.{n}", int(config["num_attention_heads"]), epsilon)
            for n in range(int(config["num_hidden_layers"]))
        ]

    def __call__(self, tokens: Sequence[int]) -> Floats:
        """The vector of one text, of shape (dimension,), not normalised.

        One text at a time needs no padding and fits a core's cache, which on a CPU beats a batch.

        Args:
            tokens: ids, special tokens included, no more than the model has places.
        """
        mean: Floats = self.states(tokens).mean(axis=0)
        return mean

    def states(self, tokens: Sequence[int], marks: Floats | None = None) -> Floats:
        """A vector of each token, of shape (tokens, dimension), not normalised.

        Args:
            marks: vectors that are added to the input of the first layer, of the same shape.
        """
        x = self._norm(self._words[np.asarray(tokens)] + self._places[: len(tokens)])
        if marks is not None:
            x += marks
        for layer in self._layers:
            x = layer(x)
        return x


class _Norm:
    """Layer normalisation."""

    def __init__(self, weights: Weights, name: str, epsilon: float) -> None:
        self._scale, self._shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
        self._epsilon = np.float32(epsilon)

    def __call__(self, x: Floats) -> Floats:
        x = x - x.mean(axis=1, keepdims=True)
        x /= np.sqrt(np.einsum("ld,ld->l", x, x)[:, None] / np.float32(x.shape[1]) + self._epsilon)
        x *= self._scale
        x += self._shift
        return x


class _Linear:
    """One matrix product, or several of the same input joined into one."""

    def __init__(self, weights: Weights, *names: str) -> None:
        self._matrix = np.ascontiguousarray(np.concatenate([weights[f"{name}.weight"] for name in names]).T)
        self._bias = np.concatenate([weights[f"{name}.bias"] for name in names])

    def __call__(self, x: Floats) -> Floats:
        found: Floats = x @ self._matrix
        found += self._bias
        return found


class _Layer:
    """Attention and a feed-forward network, each added to its input and normalised."""

    def __init__(self, weights: Weights, name: str, heads: int, epsilon: float) -> None:
        inner = f"{name}.attention.self"
        self._heads = heads
        self._project = _Linear(weights, f"{inner}.query", f"{inner}.key", f"{inner}.value")
        self._join = _Linear(weights, f"{name}.attention.output.dense")
        self._widen = _Linear(weights, f"{name}.intermediate.dense")
        self._narrow = _Linear(weights, f"{name}.output.dense")
        self._first = _Norm(weights, f"{name}.attention.output.LayerNorm", epsilon)
        self._second = _Norm(weights, f"{name}.output.LayerNorm", epsilon)

    def __call__(self, x: Floats) -> Floats:
        x = self._first(x + self._join(self._attended(x)))
        return self._second(x + self._narrow(_gelu(self._widen(x))))

    def _attended(self, x: Floats) -> Floats:
        length, width = x.shape
        size = width // self._heads
        query, key, value = self._project(x).reshape(length, 3, self._heads, size).transpose(1, 2, 0, 3)
        scores = query @ key.transpose(0, 2, 1)  # (heads, length, length)
        scores *= np.float32(size**-0.5)
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        joined = (scores @ value).transpose(1, 0, 2).reshape(length, width)
        return joined.astype(np.float32, copy=False)


def _gelu(x: Floats) -> Floats:
    """x times the normal distribution function of x, by the erf of Abramowitz and Stegun 7.1.26 (error below 2e-7)."""
    z = np.abs(x)
    z *= np.float32(2**-0.5)
    t = np.float32(0.3275911) * z
    t += 1
    np.reciprocal(t, out=t)
    tail: Floats = np.float32(1.061405429) * t
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail += np.float32(factor)
        tail *= t
    z *= z
    np.negative(z, out=z)
    np.exp(z, out=z)
    tail *= z  # 1 - erf
    half = np.float32(0.5) * x
    np.subtract(1, tail, out=tail)
    tail *= np.abs(half)
    half += tail
    return half
