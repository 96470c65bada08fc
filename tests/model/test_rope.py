"""Rotary plans, against transformers' own frequencies; tests/model/test_rope_vllm.py holds them against vLLM."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.errors import InputError, SettingsError
from hybrid.model.carried import carried
from hybrid.model.extension import LARGEST, extend
from hybrid.model.rope import frequencies, rope_parameters

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 256,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 2,
    "max_position_embeddings": 4096,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500_000.0},
}
YARN = {"rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0, "original_max_position_embeddings": 1024}
FACTORS = [1 + i / 50 for i in range(32)]
LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 1e4,
    "original_max_position_embeddings": 1024,
    "short_factor": FACTORS,
    "long_factor": [10 * f for f in FACTORS],
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 5e5,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 1024,
}


@pytest.mark.parametrize(
    ("rope", "tokens"),
    [
        ({"rope_type": "default", "rope_theta": 1e4}, None),
        (YARN, None),
        ({**YARN, "factor": 40.0, "mscale": 0.707, "mscale_all_dim": 0.9, "beta_fast": 16, "beta_slow": 2}, None),
        ({**YARN, "truncate": False, "attention_factor": 1.1, "partial_rotary_factor": 0.5}, None),
        ({**YARN, "original_max_position_embeddings": 4_194_304}, None),
        ({"rope_type": "linear", "rope_theta": 1e4, "factor": 3.0}, None),
        ({"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}, 16_000),
        ({"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}, 100),
        (LLAMA3, None),
        ({**LLAMA3, "low_freq_factor": 1.0, "high_freq_factor": 8.0}, None),
        (LONGROPE, 4000),
        (LONGROPE, 1000),
        ({**LONGROPE, "attention_factor": 1.19}, 4000),
    ],
)
def test_frequencies_are_those_of_transformers(rope: dict[str, Any], tokens: int | None) -> None:
    transformers = pytest.importorskip("transformers")
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    config = transformers.LlamaConfig(**{**LLAMA, "head_dim": 64, "rope_parameters": dict(rope)})
    if rope["rope_type"] == "default":
        theirs, scale = LlamaRotaryEmbedding.compute_default_rope_parameters(config)
    else:
        theirs, scale = ROPE_INIT_FUNCTIONS[rope["rope_type"]](config, "cpu", seq_len=tokens)
    ours, factor = frequencies(rope, 64, tokens, 4096)
    assert ours.shape == theirs.shape
    assert np.abs(ours / theirs.numpy() - 1).max() < 1e-6
    assert factor == pytest.approx(scale)


def test_what_fits_is_left_alone() -> None:
    for tokens in (1, 4095, 4096):
        plan = extend(LLAMA, tokens)
        assert (plan.native, plan.window, plan.factor, plan.overrides, plan.warnings) == (4096, tokens, 1.0, {}, ())
        assert not plan.extended


def test_the_override_that_works_on_both_sides_of_vllm_0_30() -> None:
    plan = extend(LLAMA, 16_384)
    assert plan.overrides == {
        "max_position_embeddings": 16_384,
        "rope_parameters": {
            "rope_type": "yarn",
            "factor": 4.0,
            "original_max_position_embeddings": 4096,
            "rope_theta": 500_000.0,
        },
    }
    assert plan.extended
    assert any("short prompts" in warning for warning in plan.warnings)


@given(st.integers(4097, 4096 * 32))
def test_the_smallest_factor_that_suffices(tokens: int) -> None:
    plan = extend(LLAMA, tokens)
    rope = plan.overrides["rope_parameters"]
    rows = math.ceil(rope["factor"] * rope["original_max_position_embeddings"])
    assert tokens <= rows <= tokens + 1
    assert any("above 4" in warning for warning in plan.warnings) == (tokens > 4 * 4096)


def test_qwen3_was_trained_on_less_than_its_configuration_says() -> None:
    plan = extend(carried()["qwen3-8b"].config, 131_072)
    assert plan.native == 40_960
    assert plan.overrides["rope_parameters"] == {
        "rope_type": "yarn",
        "rope_theta": 1e6,
        "factor": 4.0,
        "original_max_position_embeddings": 32_768,
    }


def test_linear_and_dynamic_as_vllm_counts_them() -> None:
    linear = extend(LLAMA, 8192, "linear").overrides
    assert linear["max_position_embeddings"] == 4096  # vLLM multiplies
    assert linear["rope_parameters"] == {"rope_type": "linear", "rope_theta": 5e5, "factor": 2.0}
    dynamic = extend(LLAMA, 8192, "dynamic").overrides
    assert dynamic["max_position_embeddings"] == 8192
    assert dynamic["rope_parameters"]["max_trained_positions"] == 4096


def test_old_names_are_understood() -> None:
    old = {k: v for k, v in LLAMA.items() if k != "rope_parameters"}
    old |= {
        "rope_theta": 1e6,
        "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096},
    }
    assert rope_parameters(old) == {**YARN, "original_max_position_embeddings": 4096}
    plan = extend(old, 16_384)  # the widely copied form: vLLM 0.30 would serve 4 096 of it
    assert plan.native == 4096
    assert plan.overrides["max_position_embeddings"] == 16_384
    assert plan.overrides["rope_parameters"]["rope_theta"] == 1e6
    bare = {k: v for k, v in old.items() if not k.startswith("rope")}
    assert rope_parameters(bare)["rope_theta"] == 10_000.0
    partial = {**bare, "rotary_emb_base": 5e4, "rotary_pct": 0.25}
    assert rope_parameters(partial) == {"rope_type": "default", "rope_theta": 5e4, "partial_rotary_factor": 0.25}
    su = {**bare, "rope_scaling": {"type": "su", **{k: LONGROPE[k] for k in ("short_factor", "long_factor")}}}
    assert rope_parameters({**su, "original_max_position_embeddings": 1024})["rope_type"] == "longrope"


def test_models_that_are_extended_already() -> None:
    deepseek = carried()["deepseek-v2"].config
    assert extend(deepseek, 163_840).overrides == {}
    with pytest.raises(InputError, match=r"200,000 tokens are 49 times the 4,096"):
        extend(deepseek, 200_000)
    yarned = {**LLAMA, "rope_parameters": {**YARN, "original_max_position_embeddings": 1024}}
    assert extend(yarned, 8192).overrides["rope_parameters"]["factor"] == 8.0
    llama3 = carried()["llama-3.1-8b"].config
    assert extend(llama3, 131_072).overrides == {}
    more = extend(llama3, 262_144)
    assert more.overrides["rope_parameters"]["factor"] == 16.0
    assert any("nobody published" in warning for warning in more.warnings)
    phi = {**LLAMA, "max_position_embeddings": 32_768, "rope_parameters": LONGROPE}
    assert any("above 1,024" in warning for warning in extend(phi, 32_768).warnings)
    assert extend(phi, 1000).warnings == ()
    with pytest.raises(InputError, match="cannot be stretched"):
        extend(phi, 40_000)
    stretched = {**LLAMA, "rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}}
    assert extend(stretched, 16_384).overrides == {}
    assert extend(stretched, 20_480).overrides["rope_parameters"]["factor"] == 5.0
    dynamic = {**LLAMA, "rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}}
    assert extend(dynamic, 8192).overrides["max_position_embeddings"] == 8192


def test_layers_with_positions_of_their_own() -> None:
    gemma = carried()["gemma-3-27b"].config
    assert extend(gemma, 131_072).overrides == {}
    ropes = extend(gemma, 262_144).overrides["rope_parameters"]
    assert ropes["full_attention"] == {"rope_type": "linear", "rope_theta": 1e6, "factor": 16.0}
    assert ropes["sliding_attention"] == {"rope_type": "default", "rope_theta": 1e4}


def test_the_language_model_inside_another() -> None:
    nested = {"model_type": "llava", "vision_config": {"hidden_size": 8}, "text_config": LLAMA}
    plan = extend(nested, 8192)
    assert plan.overrides == {"text_config": extend(LLAMA, 8192).overrides}
    deeper = {"model_type": "omni", "thinker_config": {"text_config": LLAMA}}
    assert extend(deeper, 8192).overrides == {"thinker_config": {"text_config": extend(LLAMA, 8192).overrides}}


def test_every_key_that_limits_the_window_is_overruled() -> None:
    limits = {"max_seq_len": 4096, "model_max_length": 4096, "seq_length": 1_000_000}
    overrides = extend({**LLAMA, **limits}, 16_384).overrides
    assert {key: overrides.get(key) for key in limits} == {"max_seq_len": 16_384, "model_max_length": 16_384} | {
        "seq_length": None
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_type": "bloom", "rope_parameters": None}, "ALiBi"),
        ({"model_type": "falcon", "alibi": True}, "ALiBi"),
        ({"model_type": "mpt", "attn_config": {"alibi": True}, "rope_parameters": None}, "ALiBi"),
        ({"model_type": "jamba", "rope_parameters": None}, "no positions at all"),
        ({"model_type": "gpt2", "rope_parameters": None}, "learned"),
    ],
)
def test_models_without_rotary_positions(changes: dict[str, Any], reason: str) -> None:
    config = {**LLAMA, **changes}
    assert extend(config, 4000).overrides == {}
    with pytest.raises(InputError, match=rf"reads 4,096 tokens and cannot be extended to 5,000: .*{reason}"):
        extend(config, 5000)


def test_state_space_models_have_no_window() -> None:
    plan = extend({"model_type": "mamba", "num_hidden_layers": 2, "hidden_size": 8}, 1_000_000)
    assert (plan.window, plan.overrides) == (1_000_000, {})
    assert "no window" in plan.warnings[0]


def test_irope_has_room_already() -> None:
    scout = carried()["llama-4-scout"].config
    assert extend(scout, 1_000_000).overrides == {}


def test_windows_that_slide() -> None:
    sliding = {**LLAMA, "model_type": "mistral", "sliding_window": 1024}
    assert any("1,024 tokens back" in warning for warning in extend(sliding, 4096).warnings)
    assert extend({**sliding, "sliding_window": None}, 4096).warnings == ()
    assert extend({**sliding, "model_type": "qwen2", "use_sliding_window": False}, 4096).warnings == ()


@pytest.mark.parametrize(
    ("changes", "tokens", "words"),
    [
        ({}, 4096 * 32 + 1, "nothing is known to work beyond 32 times"),
        ({}, 0, "positive"),
        ({"max_position_embeddings": None}, 8192, "lacks 'max_position_embeddings'"),
        ({"model_type": "new", "rope_parameters": None}, 8192, "neither 'rope_parameters' nor 'rope_theta'"),
        ({"rope_parameters": {"rope_type": "spiral", "rope_theta": 1.0}}, 8192, "'spiral' cannot be planned"),
        ({"rope_parameters": {"rope_type": "linear", "rope_theta": 1.0}}, 8192, "lack 'factor'"),
    ],
)
def test_what_cannot_work(changes: dict[str, Any], tokens: int, words: str) -> None:
    with pytest.raises((InputError, SettingsError), match=words):
        extend({**LLAMA, **changes}, tokens)
    assert LARGEST == 32
