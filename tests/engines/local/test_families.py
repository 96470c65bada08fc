"""The engine in this process with models of several families: each writes what Transformers' `generate` writes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from hybrid.chat.prompts import Prompt
from hybrid.engines.local.engine import LocalEngine
from hybrid.errors import EngineError, InputError
from hybrid.settings import EngineSettings
from hybrid.types import Piece
from tests.engines.local.conftest import by_transformers

SIZES = {
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 1024,
}
TEXT = " ".join(f"Room {n} is {'empty' if n % 3 else 'full'}." for n in range(60))


def folder_of(kind: str, given: dict[str, Any], tiny: Path, place: Path) -> Path:
    """A model of a family with random weights, and the tokenizer of the tiny model."""
    import torch
    import transformers

    torch.manual_seed(0)
    vocabulary = len(transformers.AutoTokenizer.from_pretrained(tiny))
    config = transformers.AutoConfig.for_model(
        kind, **{**SIZES, **given}, vocab_size=vocabulary, bos_token_id=None, eos_token_id=2, pad_token_id=0
    )
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    for weights in model.parameters():
        weights.data *= 6 if weights.dim() > 1 else 1
    model.save_pretrained(place)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny / name, place / name)
    return place


@pytest.mark.parametrize(
    ("kind", "given", "keeps"),
    [
        ("llama", {}, True),
        ("mistral", {"sliding_window": 32}, True),
        ("qwen3", {}, True),
        ("gemma3_text", {"sliding_window": 32, "layer_types": ["sliding_attention", "full_attention"]}, True),
        ("gpt2", {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 1024}, True),
        ("phi3", {"sliding_window": None}, True),
        ("mamba", {}, False),
        ("lfm2", {"layer_types": ["conv", "full_attention"]}, False),
    ],
)
def test_a_family(kind: str, given: dict[str, Any], keeps: bool, tiny: Path, tmp_path: Path) -> None:
    folder = folder_of(kind, given, tiny, tmp_path)
    window = 1024 if kind == "mamba" else None
    engine = LocalEngine(EngineSettings(kind="local", model=str(folder), device="cpu", window=window))
    for number, question in enumerate(("Which room is empty?", "Which one is full?")):
        asked = Prompt(question, (Piece("rooms", TEXT, 0),))
        try:
            found = engine.ask(asked, max_tokens=12)
        except EngineError:  # random weights may write nothing but blanks
            assert not by_transformers(engine, asked, 12).strip()
            continue
        assert found.text == by_transformers(engine, asked, 12)
        assert (found.usage.cached_tokens > 100) is (keeps and number > 0)
    assert engine.window == 1024


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("mistral", {"sliding_window": 32}),
        ("qwen3", {}),
        ("gemma3_text", {"sliding_window": 32, "layer_types": ["sliding_attention", "full_attention"]}),
    ],
)
def test_a_family_with_a_longer_window(kind: str, given: dict[str, Any], tiny: Path, tmp_path: Path) -> None:
    folder = folder_of(kind, given, tiny, tmp_path)
    native, extended = (
        LocalEngine(EngineSettings(kind="local", model=str(folder), device="cpu", window=window))
        for window in (None, 4096)
    )
    short, long = (Prompt("Which room is empty?", (Piece("rooms", TEXT * times, 0),)) for times in (1, 3))
    assert native.measure(short) < 1000 < extended.measure(long) < 4000
    try:
        assert extended.ask(short, max_tokens=8).text == native.ask(short, max_tokens=8).text
        first, second = (extended.ask(long, max_tokens=8) for _ in range(2))
    except EngineError as error:
        if "replied with nothing" not in str(error):
            raise
        pytest.skip("these random weights write nothing but blanks")
    assert first.text == second.text
    assert second.usage.cached_tokens == second.usage.prompt_tokens - 1


def test_learned_positions_are_not_extended(tiny: Path, tmp_path: Path) -> None:
    folder = folder_of("gpt2", {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 512}, tiny, tmp_path)
    with pytest.raises(InputError, match="its positions are learned one by one"):
        _ = LocalEngine(EngineSettings(kind="local", model=str(folder), window=2048)).window
