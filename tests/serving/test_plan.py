"""Plans against sizes that are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hybrid.cli.main import cli, guarded
from hybrid.cli.plan import tokens
from hybrid.errors import InputError, SettingsError
from hybrid.model.carried import carried
from hybrid.model.parameters import count_parameters
from hybrid.serving.memory import GIB, kv_bytes, kv_per_gpu, tensor_sizes
from hybrid.serving.plan import plan

LARGE: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 8192,
    "num_attention_heads": 64,
    "num_hidden_layers": 80,
    "max_position_embeddings": 4096,
    "rope_theta": 1e4,
}


def test_the_known_sizes_at_128k() -> None:
    context = 131_072
    assert kv_bytes(LARGE, context) == 320 * GIB  # 80 layers with 64 heads of 128, 16 bit
    assert kv_bytes({**LARGE, "num_key_value_heads": 8}, context) == 40 * GIB
    assert kv_bytes({**LARGE, "num_key_value_heads": 8}, context, 4) == 10 * GIB
    assert kv_bytes(carried()["deepseek-v2"].config, context) / GIB == pytest.approx(8.4, abs=0.05)


def test_windows_and_states_stop_growing() -> None:
    gemma = carried()["gemma-3-27b"].config
    more = kv_bytes(gemma, 100_001) - kv_bytes(gemma, 100_000)
    assert more == 10 * 2 * 16 * 128 * 2  # 10 of 62 layers see everything
    scout = carried()["llama-4-scout"].config
    assert kv_bytes(scout, 2_000_000) - kv_bytes(scout, 1_000_000) == 1_000_000 * 12 * 2 * 8 * 128 * 2


def test_tensor_parallelism_splits_heads_and_not_latents() -> None:
    grouped = {**LARGE, "num_key_value_heads": 8}
    assert kv_per_gpu(grouped, 1000, 16, 8, 1) == kv_bytes(grouped, 1000) / 8
    assert kv_per_gpu(grouped, 1000, 16, 16, 1) == kv_bytes(grouped, 1000) / 8
    assert kv_per_gpu(grouped, 1000, 16, 2, 4) == kv_bytes(grouped, 1000) / 8
    latent = carried()["deepseek-v2"].config
    assert kv_per_gpu(latent, 1000, 16, 8, 1) == kv_bytes(latent, 1000)


def test_counted_parameters_are_near() -> None:
    for name, vocabulary in (("llama-3.1-8b", 128_256), ("qwen3-8b", 151_936)):
        model = carried()[name]
        inner = {"llama-3.1-8b": 14_336, "qwen3-8b": 12_288}[name]
        counted = count_parameters({**model.config, "vocab_size": vocabulary, "intermediate_size": inner})
        assert counted == pytest.approx(model.parameters, rel=0.02)


def test_what_fits() -> None:
    found = plan("llama-3.1-70b", 131_072, gpus=["h100", "h200"], tensor_parallel=4)
    one, other = found.fits
    assert one.gpus == 4
    assert one.requests == int(one.free / 10)  # 40 GiB over four
    assert other.requests > one.requests
    assert plan("llama-3.1-70b", 131_072, gpus=["h200"], tensor_parallel=4, kv_bits=8).fits[0].requests in (
        2 * other.requests,
        2 * other.requests + 1,
    )
    twice = plan("llama-3.1-70b", 131_072, gpus=["h200"], tensor_parallel=4, data_parallel=2).fits[0]
    assert (twice.gpus, twice.requests) == (8, 2 * other.requests)


def test_gpus_that_are_too_small_say_by_how_much() -> None:
    (fit,) = plan("llama-3.1-70b", 131_072, gpus=["l4"]).fits
    assert fit.requests == 0
    assert fit.missing > 100
    assert fit.needed is not None
    enough = plan("llama-3.1-70b", 131_072, gpus=["l4"], tensor_parallel=fit.needed).fits[0]
    assert (enough.requests > 0, enough.missing) == (True, 0)
    fewer = plan("llama-3.1-70b", 131_072, gpus=["l4"], tensor_parallel=fit.needed // 2).fits[0]
    assert fewer.requests == 0
    (never,) = plan("deepseek-v2", 131_072, gpus=["rtx-4090"], kv_bits=16).fits
    assert never.needed is None or never.needed > 16


def test_plain_warnings(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**LARGE, "num_key_value_heads": 8}), encoding="utf-8")
    found = plan(str(tmp_path), 32_768, tensor_parallel=64)
    text = " ".join(found.warnings)
    for words in ("factor of 8 is above 4", "short prompts", "counted from the shape", "8 key-value heads on 64 GPUs"):
        assert words in text, words
    assert any("RULER holds to 32,768" in w for w in plan("qwen3-8b", 131_072).warnings)
    assert plan("qwen3-8b", 32_768).warnings == ()


@pytest.mark.parametrize(
    ("model", "gpus", "words"),
    [
        ("qwen3-14b", 3, "the 40 attention heads of qwen3-14b, with 8 .* over 3 GPUs: .* 1, 2, 4, 8 or 40."),
        ("qwen2.5-7b", 14, "the 28 attention heads .* over 14 GPUs: take --tensor-parallel 1, 2, 4 or 28."),
        ("llama-3.1-8b", 64, "the 32 attention heads .* 1, 2, 4, 8, 16 or 32."),
        ("gemma-3-27b", 6, "the 32 attention heads .* 1, 2, 4, 8, 16 or 32."),
    ],
)
def test_heads_that_cannot_be_split_are_refused_with_what_can(model: str, gpus: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        plan(model, 8192, tensor_parallel=gpus)


def test_more_groups_than_layers_are_refused() -> None:
    with pytest.raises(InputError, match="The 36 layers of qwen3-8b cannot be split into 37 groups: take --pipeline"):
        plan("qwen3-8b", 8192, pipeline_parallel=37)
    assert plan("qwen3-8b", 8192, gpus=["h100"], pipeline_parallel=36).fits[0].gpus == 36


def test_sizes_that_vllm_takes() -> None:
    assert plan("qwen2.5-7b", 8192, gpus=["h100"], tensor_parallel=28).fits[0].gpus == 28
    assert tensor_sizes(carried()["deepseek-v3"].config) == [1, 2, 4, 8, 16, 32, 64, 128]
    assert tensor_sizes({"model_type": "mamba", "num_hidden_layers": 2, "hidden_size": 8}) is None
    (fit,) = plan("qwen2.5-7b", 1_000_000, gpus=["rtx-4090"], method="yarn", kv_bits=16).fits
    assert fit.needed in (2, 4, 28)


def test_a_window_that_reaches_over_the_whole_prompt_slides_not() -> None:
    caches = {
        name: plan(name, 8192, gpus=["h100"]).caches[0] for name in ("phi-3.5-mini", "ministral-8b", "gemma-2-9b")
    }
    assert caches["phi-3.5-mini"].per_token == 384 * 1024  # 32 layers x 2 x 32 x 96 in 16 bits
    assert caches["ministral-8b"].per_token == 144 * 1024
    half = caches["gemma-2-9b"]
    assert (half.per_token, half.first, half.until) == (168 * 1024, 336 * 1024, 4096)


def test_frequencies_that_are_not_carried_are_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(cli, ["plan", "phi-3.5-mini", "-c", "8k", "--frequencies"]) == 2
    assert "only the model's own config.json has" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["qwen3-8b", "-c", "1M"], ["mistral-7b-v0.1", "-c", "32k", "-tp", "2"], ["deepseek-v3", "-c", "128k"]]
)
def test_all_but_the_command_fits_80_columns(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert guarded(cli, ["plan", *arguments]) == 0
    *lines, command = capsys.readouterr().out.rstrip().splitlines()
    assert command.startswith("vllm serve ")
    assert max(map(len, lines)) <= 80
    assert {"passages", "weights", "requests"} & set(" ".join(lines).split())


def test_what_cannot_be_planned() -> None:
    with pytest.raises(SettingsError, match="'h999', which is not known"):
        plan("qwen3-8b", 1000, gpus=["h999"])
    with pytest.raises(InputError, match="3 bits"):
        plan("qwen3-8b", 1000, kv_bits=3)
    with pytest.raises(InputError, match="1 or more"):
        plan("qwen3-8b", 1000, tensor_parallel=0)


@pytest.mark.parametrize(
    ("text", "number"),
    [("131072", 131_072), ("131,072", 131_072), ("128k", 131_072), ("1M", 1_048_576), ("0.5m", 524_288)],
)
def test_numbers_as_people_write_them(text: str, number: int) -> None:
    assert tokens(text) == number


@pytest.mark.parametrize("text", ["", "many", "-5", "1e6", "128kb"])
def test_numbers_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="not a number of tokens"):
        tokens(text)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(cli, ["plan", "qwen3-8b", "-c", "128k", "--gpu", "h100", "--frequencies", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["extension"]["factor"] == 4
    command = data["command"]
    assert command[:3] == ["vllm", "serve", "Qwen/Qwen3-8B"]
    assert json.loads(command[command.index("--hf-overrides") + 1])["max_position_embeddings"] == 131_072
    turns = data["tokens_per_turn"]
    assert len(turns["native"]) == len(turns["served"]) == 64
    assert turns["served"][-1] == pytest.approx(4 * turns["native"][-1])
    assert guarded(cli, ["plan", "qwen3-8b", "-c", "128k", "--frequencies"]) == 0
    shown = capsys.readouterr().out
    assert "yarn by 4" in shown
    assert "vllm serve Qwen/Qwen3-8B --max-model-len 131072" in shown
    assert guarded(cli, ["plan", "llama-2-7b", "-c", "1M"]) == 2
    assert "256 times the 4,096" in capsys.readouterr().err


def test_what_a_question_takes_is_part_of_the_plan() -> None:
    found = plan("qwen3-8b", 131_072, gpus=["h100", "l4"])
    assert [q.label for q in found.questions] == ["h100"]  # the l4 does not hold it
    assert found.overtakes == pytest.approx(8.19e9 / (36 * 32 * 128), abs=2)
    (h100,) = found.questions
    assert h100.passages.seconds < h100.warm.seconds < h100.cold.seconds
    assert h100.offloaded is not None
    assert h100.warm.seconds < h100.offloaded.seconds < h100.cold.seconds
    assert h100.questions is not None
    assert plan("qwen3-8b", 131_072, gpus=["h100"], times=1.5).questions[0].questions is None


def test_gpus_of_ones_own_are_planned_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hybrid.toml").write_text("[cost.hardware.Mine]\ntflops = 100\nbandwidth = 1000\nmemory = 96\n")
    assert guarded(cli, ["plan", "qwen3-8b", "-c", "64k", "--gpu", "mine", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["fits"][0]["requests"] > 0
    assert told["questions"][0]["label"] == "mine"
    assert guarded(cli, ["plan", "qwen3-8b", "-c", "64k", "--gpu", "theirs"]) == 2
    assert "There is no GPU 'theirs'; known: h200" in capsys.readouterr().err
