"""Rotary position embeddings (RoPE, Su et al., arXiv 2104.09864): a model's parameters and their frequencies.

Positions beyond the trained ones are mapped into what the model knows: by stretching all of them (`linear`, Chen et
al., arXiv 2306.15595), by raising the base (`dynamic` NTK), by stretching only the slow frequencies (`yarn`, Peng et
al., arXiv 2309.00071; `llama3`), or by factors found for each frequency in training (`longrope`, Ding et al., arXiv
2402.13753). These are pure functions of a configuration, without torch; tests hold `frequencies` against transformers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import SettingsError
from hybrid.model.config import Config

Parameters = dict[str, Any]


def rope_parameters(text: Config) -> Parameters:
    """The rotary parameters in the form of transformers 5; by kind of layer if the model has several.

    Raises:
        SettingsError: there are none, and the family has no known default.
    """
    new, old = text.get("rope_parameters"), text.get("rope_scaling")
    found: Parameters = dict(new or old or {})
    if found and all(isinstance(value, Mapping) for value in found.values()):
        return {kind: _standard(dict(value), text) for kind, value in found.items()}
    if text.get("rope_local_base_freq"):  # Gemma 3 as published: the scaling is of layers that see everything
        sliding = {"rope_type": "default", "rope_theta": float(text["rope_local_base_freq"])}
        return {"full_attention": _standard(found, text), "sliding_attention": sliding}
    return _standard(found, text)


def _standard(rope: Parameters, text: Config) -> Parameters:
    """One kind of layer's parameters under the new names, with the base and the share of the head that is rotated."""
    kind = rope.pop("type", None)
    rope.setdefault("rope_type", kind or "default")
    if rope["rope_type"] == "su":  # Phi-3's first name for it
        rope["rope_type"] = "longrope"
    rope.setdefault("rope_theta", text.get("rope_theta") or text.get("rotary_emb_base") or 10_000.0)
    share = text.get("partial_rotary_factor") or text.get("rotary_pct")
    if share and share != 1.0:
        rope.setdefault("partial_rotary_factor", share)
    if rope["rope_type"] in ("longrope", "llama3") and "original_max_position_embeddings" not in rope:
        known = text.get("original_max_position_embeddings")
        if known is not None:
            rope["original_max_position_embeddings"] = known
    return rope


def frequencies(
    parameters: Parameters, head: int, tokens: int | None = None, trained: int | None = None
) -> tuple[NDArray[np.float64], float]:
    """Inverse frequencies of the rotated pairs, shape (head * partial / 2,), and the factor on queries times keys.

    Args:
        parameters: of one kind of layer, as `rope_parameters` gives them.
        head: width of a head.
        tokens: length for which the frequencies of `dynamic` and `longrope` are chosen.
        trained: max_position_embeddings, which `dynamic` and `longrope` compare with.

    Raises:
        SettingsError: a parameter is missing or the type is not known.
    """
    kind = parameters["rope_type"]
    width = int(head * parameters.get("partial_rotary_factor", 1.0))
    base = float(parameters["rope_theta"])
    steps = np.arange(0, width, 2, dtype=np.float64) / width
    plain = base**-steps
    if kind == "default":
        return plain, 1.0
    if kind == "linear":
        return plain / needed(parameters, "factor"), 1.0
    if kind == "dynamic":
        factor = needed(parameters, "factor")
        start = int(parameters.get("max_trained_positions") or trained or needed(parameters, "trained"))
        ratio = max(tokens or start, start) / start
        return (base * (factor * ratio - (factor - 1)) ** (width / (width - 2))) ** -steps, 1.0
    if kind == "llama3":
        return _llama3(parameters, plain), 1.0
    if kind == "longrope":
        return _longrope(parameters, plain, tokens, trained)
    if kind == "yarn":
        return _yarn(parameters, plain, base, width)
    raise SettingsError(
        f"The rotary type {kind!r} is not known; known: default, linear, dynamic, yarn, llama3, longrope."
    )


def _yarn(rope: Parameters, plain: NDArray[np.float64], base: float, width: int) -> tuple[NDArray[np.float64], float]:
    """Keep fast pairs, divide slow ones by the factor, with a ramp between; sharpen attention (YaRN, 3.2-3.4)."""
    factor, trained = needed(rope, "factor"), needed(rope, "original_max_position_embeddings")

    def pair(turns: float) -> float:
        """The pair that turns so often over the trained window."""
        return width * math.log(trained / (turns * 2 * math.pi)) / (2 * math.log(base))

    low, high = pair(float(rope.get("beta_fast") or 32)), pair(float(rope.get("beta_slow") or 1))
    if rope.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, width - 1)
    high += 0.001 if low == high else 0.0
    kept = 1 - np.clip((np.arange(width // 2) - low) / (high - low), 0, 1)
    return plain / factor * (1 - kept) + plain * kept, attention_factor(rope)


def attention_factor(rope: Parameters) -> float:
    """YaRN's factor on rotated queries and keys: 0.1 ln(factor) + 1 unless the model says otherwise."""
    if rope.get("attention_factor") is not None:
        return float(rope["attention_factor"])

    def scale(weight: float) -> float:
        return 1.0 if rope["factor"] <= 1 else 0.1 * weight * math.log(rope["factor"]) + 1

    if rope.get("mscale") and rope.get("mscale_all_dim"):
        return scale(float(rope["mscale"])) / scale(float(rope["mscale_all_dim"]))
    return scale(1.0)


def _llama3(rope: Parameters, plain: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide waves longer than the trained window by the factor and keep short ones, with a ramp between."""
    factor, trained = needed(rope, "factor"), needed(rope, "original_max_position_embeddings")
    low, high = needed(rope, "low_freq_factor"), needed(rope, "high_freq_factor")
    turns = trained * plain / (2 * math.pi)
    kept = np.clip((turns - low) / (high - low), 0, 1) if high > low else (turns > low).astype(float)
    return plain / factor * (1 - kept) + plain * kept


def _longrope(
    rope: Parameters, plain: NDArray[np.float64], tokens: int | None, window: int | None
) -> tuple[NDArray[np.float64], float]:
    """A factor for each pair, one set for prompts within the trained window and one for longer ones."""
    trained = needed(rope, "original_max_position_embeddings")
    long = tokens is not None and tokens > trained
    name = "long_factor" if long else "short_factor"
    if not rope.get(name):
        raise SettingsError(
            f"The rotary parameters lack {name!r}, one number for each frequency, which only the model's own "
            "config.json has: name its folder."
        )
    divisors = np.array(rope[name], np.float64)
    stretch = float(rope.get("factor") or (window or trained) / trained)
    scale = rope.get("attention_factor")
    if scale is None:
        scale = 1.0 if stretch <= 1 else math.sqrt(1 + math.log(stretch) / math.log(trained))
    return plain / divisors, float(scale)


def needed(rope: Parameters, key: str) -> float:
    if not isinstance(rope.get(key), int | float):
        raise SettingsError(
            f"The rotary parameters of the type {rope['rope_type']!r} lack {key!r}: see the model's card."
        )
    return float(rope[key])
