"""A model's config.json, as transformers and vLLM read it: the part about language, the window, the sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybrid.errors import SettingsError

Config = Mapping[str, Any]
_NESTED = ("text_config", "llm_config", "language_config", "thinker_config")
_INNER = {"gemma3": "gemma3_text", "llava": "llama", "llava_next": "llama"}  # the language model of a family
_FLAT = ("qwen2_vl", "qwen2_5_vl")  # written flat, and nested under text_config by transformers
WIDTH = ("hidden_size", "n_embd", "d_model")
DEPTH = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
HEADS = ("num_attention_heads", "n_head", "n_heads")
WINDOW_KEYS = (
    *("max_position_embeddings", "n_positions", "model_max_length", "seq_len", "seq_length"),
    *("max_seq_len", "max_seq_length", "max_sequence_length"),
)
# Published configurations of these families omit keys that transformers fills in (its own defaults, 5.24).
_FILLED = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")
_DEFAULTS: dict[str, dict[str, Any]] = {
    "gemma3_text": {
        **dict(zip(_FILLED, (2304, 9216, 26, 8, 4), strict=True)),
        **{"head_dim": 256, "vocab_size": 262_208, "max_position_embeddings": 131_072, "sliding_window": 4096},
        **{"rope_theta": 1e6, "rope_local_base_freq": 1e4, "tie_word_embeddings": True},
    },
    "llama": {
        **dict(zip(_FILLED, (4096, 11_008, 32, 32, None), strict=True)),
        **{"vocab_size": 32_000, "max_position_embeddings": 2048, "rope_theta": 1e4},
    },
    "mistral": {
        **dict(zip(_FILLED, (4096, 14_336, 32, 32, 8), strict=True)),
        **{"vocab_size": 32_000, "max_position_embeddings": 131_072, "rope_theta": 1e4, "sliding_window": 4096},
    },
    "qwen2": {
        **dict(zip(_FILLED, (4096, 22_016, 32, 32, 32), strict=True)),
        **{"vocab_size": 151_936, "max_position_embeddings": 32_768, "rope_theta": 1e4},
    },
}


@dataclass(frozen=True, slots=True)
class Model:
    """A model and its configuration."""

    name: str
    config: Config  # config.json, whole
    weight_bytes: float | None = None  # of the weight files; None if they are not here
    parameters: float | None = None  # billions
    active: float | None = None  # billions that one token passes through, in a mixture of experts
    effective: int | None = None  # tokens, published

    @property
    def text(self) -> Config:
        """The language model's part of the configuration."""
        return language(self.config)[1]


def language(config: Config) -> tuple[tuple[str, ...], Config]:
    """The language model's part of a configuration with its defaults, and the keys that lead to it.

    The part comes second. transformers and vLLM look for it under these keys, also where the file is flat.
    """
    path: list[str] = []
    family = str(config.get("model_type", ""))
    while True:
        inner = next((key for key in _NESTED if isinstance(config.get(key), Mapping)), None)
        if inner is None:
            break
        path.append(inner)
        config = config[inner]
    if not path and family in _FLAT:
        path.append("text_config")
    kind = str(config.get("model_type") or _INNER.get(family, ""))
    if path and kind in _DEFAULTS:  # in a nested part only: a whole file that lacks its size is broken
        config = {"model_type": kind, **_DEFAULTS[kind], **config}
    elif kind == "gemma3_text":
        config = {**_DEFAULTS[kind], **config}
    return tuple(path), config


def window_of(config: Config) -> int | None:
    """Tokens that a configuration allows: the smallest of its keys for the window, as in vLLM."""
    _, text = language(config)
    found = [int(text[key]) for key in WINDOW_KEYS if isinstance(text.get(key), int)]
    return min(found) if found else None


def needed_size(text: Config, *names: str) -> int:
    """The size under the first name that has one; SettingsError if none has."""
    found = known_size(text, *names)
    if not found:
        raise SettingsError(f"The model's config.json lacks {names[0]!r}, which decides its size: complete it.")
    return found


def known_size(text: Config, *names: str) -> int:
    """The size under the first name that has one: the mean of a list by layer, 0 if none has."""
    for name in names:
        value = text.get(name)
        sizes = value if isinstance(value, list | tuple) else [value]
        known = [size for size in sizes if isinstance(size, int | float) and not isinstance(size, bool) and size > 0]
        if known and len(known) == len(sizes):
            return round(sum(known) / len(known))
    return 0
