"""How many bits the weights of quantized checkpoints take."""

from __future__ import annotations

from typing import Any

import pytest

from hybrid.errors import InputError
from hybrid.model.carried import carried_like
from hybrid.model.config import Model
from hybrid.model.quantization import quantization, size_of
from hybrid.model.read import read_model
from hybrid.serving.plan import plan

LARGE = {
    "model_type": "qwen2",
    "hidden_size": 8192,
    "intermediate_size": 29_568,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "vocab_size": 152_064,
}


def test_floats_of_4_bits_take_what_their_groups_share() -> None:
    def told(group: int, kind: str) -> dict[str, Any]:
        weights = {"num_bits": 4, "type": kind, "strategy": "group", "group_size": group}
        return {
            "quantization_config": {"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": weights}}}
        }

    bits = [quantization(told(group, kind)) for group, kind in ((16, "float"), (32, "float"), (64, "int"))]
    assert [found.bits for found in bits if found is not None] == [4.5, 4.25, 4 + 20 / 64]


@pytest.mark.parametrize(
    ("hub", "method", "bits"),
    [
        ("Qwen/Qwen3-14B-GPTQ-Int8", "gptq", 8),
        ("somebody/Qwen3-8B-gptq-4bit-g32", "gptq", 4.625),
        ("Qwen/Qwen2.5-72B-Instruct-GPTQ-Int4", "gptq", 4.15625),
        ("somebody/Meta-Llama-3.1-8B-Instruct-AWQ-INT4", "awq", 4.15625),
        ("nvidia/Llama-3.1-8B-Instruct-NVFP4", "modelopt", 4.5),
        ("somebody/Qwen3-8B-MXFP4", "compressed-tensors", 4.25),
        ("unsloth/Qwen2.5-7B-Instruct-bnb-4bit", "bitsandbytes", 4.127),
        ("somebody/Qwen3-8B-bnb-8bit", "bitsandbytes", 8),
        ("somebody/Meta-Llama-3.1-8B-Instruct-quantized.w8a8", "compressed-tensors", 8),
        ("somebody/Meta-Llama-3.1-8B-Instruct-quantized.w4a16", "compressed-tensors", 4.15625),
        ("somebody/gemma-3-4b-it-FP8-dynamic", "fp8", 8),
        ("somebody/Qwen3-8B-Q6_K-GGUF", "gguf", 6.5),
    ],
)
def test_hub_names_tell_the_method_and_its_bits(hub: str, method: str, bits: float) -> None:
    found = carried_like(hub)
    assert found is not None
    told = quantization(found.config)
    assert told is not None
    assert (told.method, told.bits) == (method, bits)


@pytest.mark.parametrize(
    ("told", "low", "high"),
    [
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, 40, 42),
        ({"quant_method": "gptq", "bits": 4, "group_size": 32}, 44, 46),
        ({"quant_method": "gptq", "bits": 8, "group_size": 128}, 74, 76),
        ({"quant_method": "fp8"}, 74, 76),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_use_double_quant": True}, 40, 42),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, 74, 76),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 4, "strategy": "group", "group_size": 128}}},
            },
            40,
            42,
        ),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, 44, 46),
        ({"quant_method": "something new"}, 145, 146),
    ],
)
def test_quantized_checkpoints(told: dict[str, object], low: float, high: float) -> None:
    model = Model("m", {**LARGE, "quantization_config": told})
    assert low < size_of(model) / 1e9 < high
    assert 145 < size_of(model, 16) / 1e9 < 146  # what was named by hand wins


def test_experts_alone_are_quantized() -> None:
    gpt_oss = {
        "hidden_size": 2880,
        "intermediate_size": 2880,
        "num_hidden_layers": 24,
        "num_local_experts": 32,
        "vocab_size": 201_088,
        "quantization_config": {"quant_method": "mxfp4"},
    }
    assert 12 < size_of(Model("m", gpt_oss, parameters=20.9)) / 1e9 < 14.5


@pytest.mark.parametrize(
    ("hub", "model", "bits"),
    [
        ("unsloth/Qwen3-14B-GGUF", "Qwen/Qwen3-14B", 4),
        ("somebody/Meta-Llama-3.1-8B-Instruct-Q8_0-GGUF", "meta-llama/Llama-3.1-8B", 8),
    ],
)
def test_gguf_files_are_not_planned_for(hub: str, model: str, bits: int) -> None:
    with pytest.raises(InputError, match=f"GGUF files are for llama.cpp.* {model}.* with --weight-bits {bits}"):
        plan(hub, 8192)


@pytest.mark.parametrize(("name", "gib"), [("gpt-oss-20b", 12.8), ("gpt-oss-120b", 60.8)])
def test_gpt_oss_is_planned_as_it_is_published(name: str, gib: float) -> None:
    """The sizes of the checkpoints in OpenAI's model card (arXiv 2508.10925, table 1)."""
    assert size_of(read_model(name)) / 2**30 == pytest.approx(gib, rel=0.01)
