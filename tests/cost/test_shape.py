"""Counts of pairs, bytes and operations, against masks drawn out and figures that are published."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hybrid.cost.estimate import shape_named
from hybrid.cost.shape import GIB, Attention, Shape, dilated, local_and_global, shape_of
from hybrid.errors import SettingsError
from hybrid.model.carried import carried
from hybrid.model.config import Model
from hybrid.settings import CostSettings

FULL = Attention(4, 8, 128, 256)


def mask(part: Attention, tokens: int) -> np.ndarray:
    """Who sees whom in one head, drawn out."""
    query, key = np.indices((tokens, tokens))
    causal = key <= query
    if part.pattern == "full":
        return causal
    if part.pattern == "chunked":
        return causal & (query // part.reach == key // part.reach)
    if part.pattern == "sliding":
        window = causal & (query - key < part.reach)
        # the common tokens stand for any that are seen besides: here those just before the window
        return window | (causal & (query - key < part.reach + part.common))
    seen = np.zeros((tokens, tokens))
    for length, rate in part.segments:
        same = causal & (query // length == key // length)
        seen += same & ((query % length) % rate == 0) & ((key % length) % rate == 0)
    return seen


PATTERNS = [
    FULL,
    Attention(1, 1, 2, 2, "sliding", 7),
    Attention(1, 1, 2, 2, "chunked", 8),
    local_and_global(1, 1, 1, 5, 3),
    dilated(1, 1, 1, [(4, 1), (16, 2), (32, 4)]),
]


@pytest.mark.parametrize("part", PATTERNS, ids=lambda part: f"{part.pattern} {part.common}")
@pytest.mark.parametrize("tokens", [1, 4, 7, 8, 9, 31, 40, 64])
def test_pairs_are_those_of_the_mask(part: Attention, tokens: int) -> None:
    drawn = mask(part, tokens)
    assert part.pairs(tokens) == drawn.sum()
    for cached in range(0, tokens, 5):
        assert part.pairs(tokens - cached, cached) == drawn[cached:].sum()
    assert part.attended(tokens - 1) == drawn[-1].sum()


def test_a_state_is_as_large_whatever_was_read() -> None:
    state = Attention(24, 0, 0, 1000, "state")
    assert (state.pairs(5000), state.attended(5000)) == (0, 0)
    assert state.numbers(10) == state.numbers(10**6) == 24_000
    shape = Shape(1.0, 1.0, 64, (state,))
    assert shape.overtakes() is None
    assert shape.linear_flops(10) == 10 * (2e9 + 6 * 24_000)
    assert shape.read_bytes(10**6) == 48_000


@pytest.mark.parametrize(
    ("name", "kv_heads", "gib"),
    [("llama-3.1-70b", 64, 320.0), ("llama-3.1-70b", 8, 40.0), ("deepseek-v2", None, 8.4)],
)
def test_keys_and_values_of_128k(name: str, kv_heads: int | None, gib: float) -> None:
    config = dict(carried()[name].config)
    if kv_heads is not None:
        config["num_key_value_heads"] = kv_heads
    shape = shape_of(Model(name, config, None, 70.0))
    assert shape.kv_bytes(131_072) / GIB == pytest.approx(gib, abs=0.05)


@pytest.mark.parametrize(("name", "tokens"), [("llama-3.1-8b", 61_264), ("llama-3.1-70b", 107_727)])
def test_where_attention_overtakes_the_rest(name: str, tokens: int) -> None:
    shape = shape_of(carried()[name])
    # 2 N T = 2 L H 2d T^2 / 2, so T = N / (L H d), where the model has no other layers
    config = carried()[name].config
    width = config["num_hidden_layers"] * config["num_attention_heads"] * 128
    assert shape.overtakes() == pytest.approx(shape.active * 1e9 / width, abs=2) == pytest.approx(tokens, abs=2)


def test_128k_against_4k_is_32_times_only_without_attention() -> None:
    shape = shape_of(carried()["llama-3.1-8b"])
    long, short = 131_072, 4_096
    assert shape.linear_flops(long) / shape.linear_flops(short) == 32
    assert shape.attention_flops(long) / shape.attention_flops(short) == pytest.approx(1024, rel=0.001)
    whole = [shape.linear_flops(n) + shape.attention_flops(n) for n in (long, short)]
    assert whole[0] / whole[1] == pytest.approx(94.2, abs=0.1)


def test_cached_tokens_are_looked_at() -> None:
    shape = shape_of(carried()["qwen3-8b"])
    assert shape.attention_flops(8_000, 2_000) == pytest.approx(
        shape.attention_flops(10_000) - shape.attention_flops(2_000)
    )


def test_experts_are_read_as_far_as_they_are_chosen() -> None:
    shape = shape_of(carried()["deepseek-v2"])
    assert shape.weight_bytes(1) == pytest.approx(21e9 * 2)
    read = [shape.weight_bytes(n) for n in (1, 4, 64, 4096)]
    assert read == sorted(read)
    assert read[-1] == pytest.approx(236e9 * 2)
    dense = shape_of(carried()["qwen3-8b"], weight_bits=8)
    assert dense.weight_bytes(1) == dense.weight_bytes(1000) == pytest.approx(8.19e9)


def test_every_carried_model_has_a_shape() -> None:
    for name, model in carried().items():
        shape = shape_of(model)
        assert 0 < shape.active <= shape.total, name
        for few, many in itertools.pairwise((1, 100, 10_000, 1_000_000)):
            assert shape.kv_bytes(few) <= shape.kv_bytes(many), name
            assert shape.attention_flops(few) < shape.attention_flops(many), name


@pytest.mark.parametrize(
    ("keys", "pairs"),
    [
        ({"segment_length": "[2048, 8192]", "dilated_ratio": [1, 4]}, 4 * 2048 * 2049 / 2 + 2048 * 2049 / 2),
        ({"attention_type": "block_sparse", "block_size": 64}, 512 * 513 / 2 + (8192 - 512) * 512),
        ({"attention_window": [256, 512], "global_tokens": 8}, 520 * 521 / 2 + (8192 - 520) * 520),
    ],
)
def test_sparse_patterns_are_read_from_a_configuration(keys: dict[str, object], pairs: float) -> None:
    """LongNet's, BigBird's and Longformer's own words for them, as in a table [cost.models.NAME]."""
    table = {"hidden_size": 1024, "num_attention_heads": 16, "num_hidden_layers": 24, "vocab_size": 100, **keys}
    (part,) = shape_named(CostSettings(shape="mine", models={"mine": table})).attention
    assert (part.layers, part.heads, part.width) == (24, 16, 128)
    assert part.pairs(8192) == pytest.approx(pairs)


def test_a_pattern_that_cannot_be_read_is_named() -> None:
    table = {"hidden_size": 64, "num_attention_heads": 1, "num_hidden_layers": 1, "dilated_ratio": [1, 2]}
    with pytest.raises(SettingsError, match=r"segment_length None and dilated_ratio .* lists of as many numbers"):
        shape_named(CostSettings(shape="mine", models={"mine": {**table, "vocab_size": 9}}))
