"""The layers of a model and what they keep of a request: keys and values by token, by window, or a state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hybrid.errors import SettingsError
from hybrid.model.config import DEPTH, HEADS, WIDTH, Config, known_size, language, needed_size

Kind = Literal["full", "sliding", "chunked", "state"]
_STATE_MODELS = ("mamba", "mamba2", "falcon_mamba", "rwkv", "rwkv5", "rwkv6", "rwkv7", "xlstm")


@dataclass(frozen=True, slots=True)
class Layers:
    """Equal layers of a model, and what each keeps of a request."""

    kind: Kind
    count: int
    numbers: int  # kept by one layer: keys and values of a token, or the state of a request
    reach: int | None = None  # tokens kept at most
    shared: bool = False  # one latent for all heads (MLA), which tensor parallelism cannot split

    def kept(self, tokens: int) -> int:
        """Numbers kept for a request of `tokens`, in all of these layers."""
        if self.kind == "state":
            return self.count * self.numbers
        return self.count * self.numbers * (tokens if self.reach is None else min(tokens, self.reach))


def layers(config: Config) -> list[Layers]:
    """The layers of a model, equal ones together.

    Raises:
        SettingsError: the configuration lacks a field that decides it.
    """
    _, text = language(config)
    total = needed_size(text, *DEPTH)
    if is_state_space(config):
        return [Layers("state", total, _state(text))]
    head = head_size(config)
    latent = known_size(text, "kv_lora_rank")
    per_token = latent + known_size(text, "qk_rope_head_dim") if latent else 2 * kv_heads(config) * head
    window = sliding_window(config)
    chunk = text.get("attention_chunk_size")
    found: list[Layers] = []
    for kind, count in sorted(Counter(_kinds(text, total, window, chunk)).items()):
        if kind == "state":
            found.append(Layers("state", count, _state(text)))
        elif kind == "full":
            found.append(Layers("full", count, per_token, None, bool(latent)))
        else:
            found.append(Layers(kind, count, per_token, int((window if kind == "sliding" else chunk) or 0)))
    return found


def is_state_space(config: Config) -> bool:
    """Whether the model has no attention at all."""
    return str(language(config)[1].get("model_type", "")) in _STATE_MODELS


def head_size(config: Config) -> int:
    """Width of one attention head."""
    _, text = language(config)
    if told := known_size(text, "head_dim"):
        return told
    width = needed_size(text, *WIDTH)
    return width // needed_size(text, *HEADS)


def kv_heads(config: Config) -> int:
    """Key-value heads of a layer; tensor parallelism splits at most these."""
    _, text = language(config)
    heads = needed_size(text, *HEADS)
    inner = text.get("attn_config")
    own = known_size(inner, "kv_n_heads") if isinstance(inner, Mapping) else 0
    return own or known_size(text, "num_key_value_heads", "num_kv_heads") or (1 if text.get("multi_query") else heads)


def depth(config: Config) -> int:
    """How many layers a model has."""
    return needed_size(language(config)[1], *DEPTH)


def query_heads(config: Config) -> int:
    """Attention heads of a layer."""
    _, text = language(config)
    return known_size(text, *HEADS) or kv_heads(config)


def sliding_window(config: Config) -> int | None:
    """Tokens that a sliding layer looks back, None if no layer slides."""
    _, text = language(config)
    window = text.get("sliding_window") if text.get("use_sliding_window", True) else None
    return int(window) if isinstance(window, int | float) and window else None


def _kinds(text: Config, total: int, window: Any, chunk: Any) -> list[Kind]:
    names: dict[str, Kind] = {
        "full_attention": "full",
        "attention": "full",
        "sliding_attention": "sliding",
        "chunked_attention": "chunked",
        "linear_attention": "state",
        "mamba": "state",
        "mamba2": "state",
        "recurrent": "state",
    }
    listed = text.get("layer_types") or text.get("layers_block_type")
    if isinstance(listed, list | tuple):
        unknown = sorted({str(name) for name in listed} - set(names))
        if unknown:
            raise SettingsError(
                f"The cache of layers of the kind {', '.join(unknown)} is not known; known: {', '.join(names)}."
            )
        return ["full" if names[n] == "sliding" and not window else names[n] for n in listed]
    if text.get("attn_layer_period"):  # Jamba
        period, offset = int(text["attn_layer_period"]), int(text.get("attn_layer_offset", 0))
        return ["full" if i % period == offset else "state" for i in range(total)]
    if text.get("full_attention_interval"):  # Qwen3-Next
        every = int(text["full_attention_interval"])
        return ["full" if (i + 1) % every == 0 else "state" for i in range(total)]
    if chunk:  # iRoPE: layers without positions see everything, the others one chunk
        every = int(text.get("no_rope_layer_interval") or 4)
        sees_all = text.get("no_rope_layers")
        if isinstance(sees_all, list) and len(sees_all) == total:  # 0 marks a layer without rope
            return ["chunked" if has_rope else "full" for has_rope in sees_all]
        return ["full" if (i + 1) % every == 0 else "chunked" for i in range(total)]
    if window:
        pattern = text.get("sliding_window_pattern") or text.get("_sliding_window_pattern")
        pattern = pattern or {"gemma2": 2, "gpt_oss": 2, "gemma3_text": 6, "cohere2": 4}.get(
            str(text.get("model_type"))
        )
        if pattern:
            return ["full" if (i + 1) % int(pattern) == 0 else "sliding" for i in range(total)]
        first = int(text.get("max_window_layers") or 0)  # Qwen2: the first layers see everything
        return ["full" if i < first else "sliding" for i in range(total)]
    return ["full"] * total


def _state(text: Config) -> int:
    """Numbers one recurrent layer keeps of a request: state and convolution."""
    if "linear_num_value_heads" in text:  # gated delta rule
        heads, width = int(text["linear_num_value_heads"]), int(text.get("linear_value_head_dim", 128))
        keys = int(text.get("linear_key_head_dim", 128))
        taps = int(text.get("linear_conv_kernel_dim", 4)) - 1
        mixed = 2 * int(text.get("linear_num_key_heads", heads)) * keys + heads * width
        return heads * keys * width + taps * mixed
    hidden = needed_size(text, "hidden_size", "d_model")
    inner = int(text.get("intermediate_size_mamba") or text.get("mamba_expand", text.get("expand", 2)) * hidden)
    state = int(text.get("mamba_d_state") or text.get("state_size") or text.get("ssm_state_size") or 16)
    taps = int(text.get("mamba_d_conv") or text.get("conv_kernel") or 4)
    return inner * (state + taps)
