"""The extension of a model's window: the smallest change of its rotary positions, as overrides for vLLM.

Tests hold that `extend` agrees with vLLM 0.30 and later. It was written after reading vLLM 0.32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from hybrid.errors import InputError, SettingsError
from hybrid.model.config import WINDOW_KEYS, Config, language, window_of
from hybrid.model.layers import is_state_space, layers, sliding_window
from hybrid.model.rope import Parameters, needed, rope_parameters

Method = Literal["yarn", "linear", "dynamic"]
LARGEST = 32.0  # times the trained window: the most in the YaRN paper, with training
TRUSTED = 4.0  # the most that model makers recommend without training
# Trained windows that are smaller than max_position_embeddings, which leaves room for the answer.
_TRAINED = {("qwen3", 40_960): 32_768, ("qwen3_moe", 40_960): 32_768}
# Families with rotary positions of base 10 000 from before configurations said so.
_ROTARY = ("llama", "mistral", "mixtral", "qwen2", "qwen3", "phi3", "gemma", "gemma2", "starcoder2", "gpt_neox", "phi")
_LEARNED = ("gpt2", "gpt_bigcode", "gpt_neo", "opt", "bert", "whisper")


@dataclass(frozen=True, slots=True)
class Extension:
    """The changes that serve a number of tokens."""

    native: int  # tokens that need no change
    window: int  # tokens to serve: --max-model-len
    rope_type: str  # of the served model; "none" without rotary positions
    factor: float  # of the served window over the trained one; 1: unchanged
    overrides: dict[str, Any]  # --hf-overrides; empty if none is needed
    warnings: tuple[str, ...]
    parameters: Parameters | None = None  # rotary parameters as served, for `frequencies`

    @property
    def extended(self) -> bool:
        """Whether the model's own positions are changed."""
        return bool(self.overrides)


def extend(config: Config, tokens: int, method: Method = "yarn") -> Extension:
    """The smallest change that lets a model read `tokens`.

    Args:
        config: the model's config.json.
        tokens: of the longest prompt together with its answer.
        method: how positions are extended, if the model has no way of its own.

    Raises:
        InputError: this model cannot read that many tokens, with the reason.
        SettingsError: the configuration lacks a field that is needed.
    """
    if tokens < 1:
        raise InputError(f"A window of {tokens:,} tokens cannot be planned: give a positive number.")
    path, text = language(config)
    native = window_of(text)
    if is_state_space(config):
        note = "a state-space model has no positions and no window: how far it was trained is all that limits it"
        return Extension(native or tokens, tokens, "none", 1.0, {}, (note,))
    if native is None:
        raise SettingsError("The model's config.json lacks 'max_position_embeddings': its window is not known.")
    reason = _without_rope(text)
    if reason is not None:
        if tokens > native:
            raise InputError(f"{_beyond(tokens, native)}: {reason}.")
        return Extension(native, tokens, "none", 1.0, {}, ())
    rope = rope_parameters(text)
    if "rope_type" not in rope:
        extension = _by_layer(rope, tokens, native)
    elif (family := _family(rope)) == "default":
        extension = _default(text, rope, tokens, native, method)
    else:
        extension = _EXTENDED[family](rope, tokens, native)
    return _finished(extension, text, path)


def _default(text: Config, rope: Parameters, tokens: int, native: int, method: Method) -> Extension:
    if tokens <= native:
        return _unchanged(rope, tokens, native)
    trained = _TRAINED.get((str(text.get("model_type")), native), native)
    factor = _factor(tokens, trained)
    if method == "linear":  # vLLM multiplies max_position_embeddings by the factor itself
        served = {**rope, "rope_type": "linear", "factor": factor}
        return _changed(served, tokens, native, factor, {"max_position_embeddings": trained})
    if method == "dynamic":  # vLLM's table has max_position_embeddings rows, for one length: the longest
        served = {**rope, "rope_type": "dynamic", "factor": factor, "max_trained_positions": trained}
        return _changed(served, tokens, native, factor, {"max_position_embeddings": tokens})
    served = {**rope, "rope_type": "yarn", "factor": factor, "original_max_position_embeddings": trained}
    return _changed(served, tokens, native, factor, {"max_position_embeddings": tokens})


def _linear(rope: Parameters, tokens: int, native: int) -> Extension:
    already = float(needed(rope, "factor"))
    window = int(native * already)  # as vLLM counts; the trained window comes before the factor
    if tokens <= window:
        return _unchanged(rope, tokens, window, already)
    factor = _factor(tokens, native)
    return _changed({**rope, "factor": factor}, tokens, window, factor, {"max_position_embeddings": native})


def _dynamic(rope: Parameters, tokens: int, native: int) -> Extension:
    trained = int(rope.get("max_trained_positions") or native)
    if tokens <= native:
        return _unchanged(rope, tokens, native)
    factor = max(float(rope.get("factor") or 1.0), _factor(tokens, trained))
    served = {**rope, "factor": factor, "max_trained_positions": trained}
    return _changed(served, tokens, native, _factor(tokens, trained), {"max_position_embeddings": tokens})


def _extended_by_yarn(rope: Parameters, tokens: int, native: int) -> Extension:
    trained = int(rope.get("original_max_position_embeddings") or native)
    already = float(rope.get("factor") or native / trained)
    window = max(native, int(trained * already))
    rope = {**rope, "factor": already, "original_max_position_embeddings": trained}
    if tokens <= native:
        return _unchanged(rope, tokens, native, already)
    if tokens <= window:  # the factor suffices, but vLLM 0.30 and later allow only max_position_embeddings
        return _changed(rope, tokens, native, already, {"max_position_embeddings": window})
    factor = _factor(tokens, trained)
    return _changed({**rope, "factor": factor}, tokens, native, factor, {"max_position_embeddings": tokens})


def _extended_by_llama3(rope: Parameters, tokens: int, native: int) -> Extension:
    if tokens <= native:
        return _unchanged(rope, tokens, native, float(needed(rope, "factor")))
    more = _factor(tokens, native)
    served = {**rope, "factor": rope["factor"] * more}
    extension = _changed(served, tokens, native, more, {"max_position_embeddings": tokens})
    raised = f"the model's own llama3 factor is raised from {rope['factor']:g} to {served['factor']:g}"
    note = f"{raised}: nobody published how well that reads"
    return _warned(extension, note)


def _extended_by_longrope(rope: Parameters, tokens: int, native: int) -> Extension:
    trained = int(needed(rope, "original_max_position_embeddings"))
    if tokens > native:
        reason = "its longrope factors were found in training for each frequency and cannot be stretched further"
        raise InputError(f"{_beyond(tokens, native)}: {reason}.")
    extension = _unchanged(rope, tokens, native, max(1.0, native / trained))
    if tokens <= trained:
        return extension
    note = (
        f"vLLM chooses the long factors for every prompt of a server whose window is above {trained:,} tokens: "
        "serve short prompts by a second one"
    )
    return _warned(extension, note)


_EXTENDED = {  # models that come with an extension of their own
    "linear": _linear,
    "dynamic": _dynamic,
    "yarn": _extended_by_yarn,
    "llama3": _extended_by_llama3,
    "longrope": _extended_by_longrope,
}


def _by_layer(ropes: Parameters, tokens: int, native: int) -> Extension:
    """Stretch only the layers that see everything, in models whose sliding layers have other positions (Gemma 3)."""
    full = ropes.get("full_attention") or next(iter(ropes.values()))
    already = float(full.get("factor") or 1.0)
    if tokens <= native:
        return _unchanged(full, tokens, native, already)
    more = _factor(tokens, native)
    if full["rope_type"] not in ("default", "linear"):
        raise InputError(
            f"{_beyond(tokens, native)}: stretching {full['rope_type']!r} in one kind of layers is not known to work."
        )
    served = {**full, "rope_type": "linear", "factor": already * more}
    nested = {kind: served if rope is full else rope for kind, rope in ropes.items()}
    changed = {"max_position_embeddings": tokens, "rope_parameters": nested}
    extension = Extension(native, tokens, "linear", more, changed, (), served)
    note = "the layers that see everything are stretched linearly: nobody published how well that reads"
    return _warned(extension, note)


def _unchanged(rope: Parameters, tokens: int, native: int, factor: float = 1.0) -> Extension:
    return Extension(native, tokens, str(rope["rope_type"]), factor, {}, (), rope)


def _changed(rope: Parameters, tokens: int, native: int, factor: float, limit: dict[str, Any]) -> Extension:
    return Extension(native, tokens, str(rope["rope_type"]), factor, {**limit, "rope_parameters": rope}, (), rope)


def _warned(extension: Extension, note: str) -> Extension:
    return replace(extension, warnings=(*extension.warnings, note))


def _finished(extension: Extension, text: Config, path: tuple[str, ...]) -> Extension:
    """The extension with the warnings for all types, and its overrides under the keys of the language model."""
    overrides = dict(extension.overrides)
    if overrides and extension.factor > TRUSTED:
        note = f"a factor of {extension.factor:g} is above {TRUSTED:g}: expect to need training for it"
        extension = _warned(extension, note)
    if overrides and extension.rope_type in ("yarn", "linear", "dynamic", "llama3"):
        extension = _warned(
            extension, "vLLM stretches the positions of short prompts too: serve those by the native engine"
        )
    window = sliding_window(text)
    if window and extension.window > window and {part.kind for part in layers(text)} == {"sliding"}:
        extension = _warned(extension, f"every layer looks {window:,} tokens back: farther text arrives second-hand")
    limit = overrides.get("max_position_embeddings")
    if limit is not None:  # vLLM takes the smallest of the keys it knows
        overrides |= {key: limit for key in WINDOW_KEYS if isinstance(text.get(key), int) and text[key] < limit}
    for key in reversed(path):
        overrides = {key: overrides} if overrides else {}
    return replace(extension, overrides=overrides)


def _factor(tokens: int, trained: int) -> float:
    factor = tokens / trained
    if factor > LARGEST:
        raise InputError(
            f"{tokens:,} tokens are {factor:.0f} times the {trained:,} this model was trained on; nothing is known to "
            f"work beyond {LARGEST:g} times: plan for {int(trained * LARGEST):,} tokens at most, or take another model."
        )
    return factor


def _beyond(tokens: int, native: int) -> str:
    return f"This model reads {native:,} tokens and cannot be extended to {tokens:,}"


def _without_rope(text: Config) -> str | None:
    """Why there is nothing to stretch, None for models with rotary positions."""
    kind = str(text.get("model_type", ""))
    attention = text.get("attn_config")
    if text.get("alibi") or kind == "bloom" or (isinstance(attention, Mapping) and attention.get("alibi")):
        return "its positions are ALiBi's, linear in the distance, which have no rotary frequencies to stretch"
    if text.get("position_embedding_type") == "nope" or kind == "jamba":
        return "its attention has no positions at all, so there are none to stretch, and it was trained no further"
    if kind in _LEARNED or text.get("position_embedding_type") == "absolute":
        return "its positions are learned one by one, and there are no more of them"
    if text.get("attention_chunk_size"):
        return None if _has_rope(text) else "its positions are not rotary"
    if not _has_rope(text):
        raise SettingsError(
            f"The config.json of this {kind or 'unnamed'} model has neither 'rope_parameters' nor 'rope_theta': "
            "add them as its model card says, or leave its window as it is."
        )
    return None


def _has_rope(text: Config) -> bool:
    keys = ("rope_parameters", "rope_scaling", "rope_theta", "rotary_emb_base", "rotary_pct", "rotary_dim")
    return any(text.get(key) is not None for key in keys) or text.get("model_type") in _ROTARY


def _family(rope: Parameters) -> str:
    kind = {"deepseek_yarn": "yarn", "mrope": "default"}.get(rope["rope_type"], rope["rope_type"])
    known = ("default", *_EXTENDED)
    if kind not in known:
        raise InputError(f"Rotary positions of the type {kind!r} cannot be planned; known: {', '.join(known)}.")
    return str(kind)
