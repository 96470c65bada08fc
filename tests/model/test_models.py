"""What a configuration says about layers and their cache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hybrid.cost.shape import shape_of
from hybrid.errors import InputError, SettingsError
from hybrid.model.carried import carried, carried_like, hub_name
from hybrid.model.config import Model, window_of
from hybrid.model.extension import extend
from hybrid.model.layers import kv_heads, layers
from hybrid.model.parameters import count_parameters, embeddings
from hybrid.model.quantization import bits_of, size_of
from hybrid.model.read import read_model
from hybrid.serving.memory import cache
from hybrid.serving.plan import plan

PLAIN: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 256,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 12,
    "max_position_embeddings": 4096,
}


def kinds(**changes: Any) -> dict[str, tuple[int, int | None]]:
    return {part.kind: (part.count, part.reach) for part in layers({**PLAIN, **changes})}


def test_kinds_of_layers() -> None:
    assert kinds() == {"full": (12, None)}
    assert kinds(sliding_window=512) == {"sliding": (12, 512)}
    assert kinds(sliding_window=512, use_sliding_window=False) == {"full": (12, None)}
    assert kinds(sliding_window=512, model_type="qwen2", max_window_layers=8) == {
        "full": (8, None),
        "sliding": (4, 512),
    }
    assert kinds(sliding_window=512, model_type="gemma3_text") == {"full": (2, None), "sliding": (10, 512)}
    listed = ["sliding_attention", "full_attention"] * 6
    assert kinds(sliding_window=512, layer_types=listed) == {"full": (6, None), "sliding": (6, 512)}
    assert kinds(attention_chunk_size=1024) == {"full": (3, None), "chunked": (9, 1024)}
    assert kinds(attention_chunk_size=1024, no_rope_layers=[1, 0] * 6) == {"full": (6, None), "chunked": (6, 1024)}
    assert kinds(attn_layer_period=4, attn_layer_offset=2) == {"full": (3, None), "state": (9, None)}
    assert kinds(full_attention_interval=4, linear_num_value_heads=8) == {"full": (3, None), "state": (9, None)}
    assert kinds(model_type="mamba") == {"state": (12, None)}


def test_what_layers_keep() -> None:
    (full,) = layers(PLAIN)
    assert full.kept(1000) == 12 * 2 * 2 * 64 * 1000
    (one,) = layers({**PLAIN, "num_key_value_heads": None, "multi_query": True})
    assert one.kept(1) == 12 * 2 * 64
    (latent,) = layers({**PLAIN, "kv_lora_rank": 512, "qk_rope_head_dim": 64})
    assert (latent.kept(1), latent.shared) == (12 * 576, True)
    (sliding,) = layers({**PLAIN, "sliding_window": 512})
    assert sliding.kept(100_000) == sliding.kept(512)
    (state,) = layers({"model_type": "mamba", "num_hidden_layers": 2, "hidden_size": 8, "state_size": 16, "expand": 2})
    assert state.kept(1) == state.kept(10**6) == 2 * 16 * (16 + 4)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(SettingsError, match="lacks 'num_hidden_layers'"):
        layers({"model_type": "llama"})
    with pytest.raises(SettingsError, match="kind spiral is not known"):
        layers({**PLAIN, "layer_types": ["spiral"] * 12})


def test_windows_and_heads() -> None:
    assert window_of({**PLAIN, "max_seq_len": 2048}) == 2048
    assert window_of({"text_config": PLAIN}) == 4096
    assert window_of({"model_type": "mamba"}) is None
    assert kv_heads({**PLAIN, "attn_config": {"kv_n_heads": 1}}) == 1


def test_carried_models_are_complete() -> None:
    for name, model in carried().items():
        assert model.parameters, name
        assert sum(part.count for part in layers(model.config)) == model.config["num_hidden_layers"], name
        assert "/" in hub_name(name)
    assert hub_name("./folder") == "./folder"


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(PLAIN), encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"0" * 1000)
    model = read_model(str(tmp_path))
    assert (model.config["hidden_size"], model.weight_bytes, model.parameters) == (256, 1000.0, None)


SMALL = {**PLAIN, "intermediate_size": 1024, "vocab_size": 1000, "tie_word_embeddings": True}
COUNTED = 12 * (256 * 64 * 12 + 3 * 256 * 1024) + 256_000  # numbers, of 2 bytes each


@pytest.mark.parametrize(
    ("files", "counts"),
    [
        ({"model.safetensors": 2, "pytorch_model.bin": 2}, 2),
        ({"pytorch_model-00001-of-00002.bin": 1, "pytorch_model-00002-of-00002.bin": 1}, 2),
        (
            {
                "model-00001-of-00002.safetensors": 1,
                "model-00002-of-00002.safetensors": 1,
                "consolidated.safetensors": 2,
            },
            2,
        ),
        ({"consolidated.00.safetensors": 1, "consolidated.01.safetensors": 1}, 2),
        ({"model.safetensors": 2, "adapter_model.safetensors": 1, "optimizer.bin": 4, "training_args.bin": 1}, 2),
        ({"pytorch_model.bin": 2, "scheduler.bin": 1, "random_states_0.bin": 1}, 2),
        ({"model.safetensors": 2, "tokenizer.json": 1, "model.onnx": 2}, 2),
        ({"model.safetensors": 1}, 1),  # of 8 bits
    ],
)
def test_weights_are_those_that_are_loaded(tmp_path: Path, files: dict[str, int], counts: int) -> None:
    (tmp_path / "config.json").write_text(json.dumps(SMALL), encoding="utf-8")
    for name, times in files.items():
        with (tmp_path / name).open("wb") as file:
            file.truncate(times * COUNTED)  # bytes, none of which is written
    model = read_model(str(tmp_path))
    assert model.weight_bytes == size_of(model) == counts * COUNTED


def test_of_sharded_weights_those_that_the_index_lists(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(PLAIN), encoding="utf-8")
    index = {"weight_map": {"a": "part-1.safetensors", "b": "part-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    for name in ("part-1", "part-2", "whole"):
        (tmp_path / f"{name}.safetensors").write_bytes(b"0" * 500)
    assert read_model(str(tmp_path)).weight_bytes == 1000


@pytest.mark.parametrize("size", [134, COUNTED // 3, 10 * COUNTED])
def test_files_that_cannot_be_the_weights_are_not_taken_for_them(tmp_path: Path, size: int) -> None:
    (tmp_path / "config.json").write_text(json.dumps(SMALL), encoding="utf-8")
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(size)
    assert size_of(read_model(str(tmp_path))) == 2 * COUNTED
    assert "far from 0.01 billion parameters" in " ".join(plan(str(tmp_path), 4096).warnings)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "adapter_model.safetensors").write_bytes(b"0" * 500)
    assert size_of(read_model(str(tmp_path))) == 2 * COUNTED


def test_sizes_that_are_told_by_layer() -> None:
    widths = [512] * 6 + [1536] * 6
    assert count_parameters({**SMALL, "intermediate_size": widths}) * 1e9 == pytest.approx(COUNTED)
    heads = {"num_attention_heads": [4] * 12, "num_key_value_heads": [2] * 12}
    assert count_parameters({**SMALL, **heads}) * 1e9 == pytest.approx(COUNTED)
    assert shape_of(Model("m", {**SMALL, **heads})).attention[0].heads == 4
    old = {"n_embd": 256, "n_layer": 12, "n_head": 4, "num_key_value_heads": 2, "n_inner": 1024}
    assert count_parameters({**old, "vocab_size": 1000, "model_type": "gpt2"}) * 1e9 == pytest.approx(COUNTED)


@pytest.mark.parametrize(
    "changes",
    [
        {"intermediate_size": None},
        {"intermediate_size": [1024, None]},
        {"intermediate_size": []},
        {"vocab_size": None},
        {"hidden_size": None},
        {"hidden_size": "wide"},
        {"num_hidden_layers": None},
        {"num_attention_heads": 0},
    ],
)
def test_a_size_that_is_not_told_is_named(tmp_path: Path, changes: dict[str, Any]) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**SMALL, **changes}), encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"config\.json lacks '{next(iter(changes))}', .*: complete it"):
        plan(str(tmp_path), 4096, gpus=["h100"])
    (tmp_path / "config.json").write_text(json.dumps({k: v for k, v in SMALL.items() if k != "hidden_size"}))
    with pytest.raises(SettingsError, match="lacks 'hidden_size'"):
        plan(str(tmp_path), 4096, gpus=["h100"])


@pytest.mark.parametrize(
    ("config", "tied"),
    [
        ({"model_type": "gemma"}, True),
        ({"model_type": "cohere2"}, True),
        ({"model_type": "cohere2", "tie_word_embeddings": False}, False),
        ({"model_type": "starcoder2", "tie_word_embeddings": None}, True),
        ({"model_type": "qwen3"}, False),
        ({"model_type": "gpt_neox"}, False),
        ({"model_type": "llava", "tie_word_embeddings": True, "text_config": {"model_type": "llama"}}, True),
        ({"model_type": "llava", "tie_word_embeddings": False, "text_config": {"model_type": "gemma2"}}, False),
        ({"model_type": "paligemma", "text_config": {"model_type": "gemma2"}}, True),
    ],
)
def test_tables_are_tied_as_told_or_as_the_family_is(config: dict[str, Any], tied: bool) -> None:
    sizes = {key: SMALL[key] for key in SMALL if key not in ("model_type", "tie_word_embeddings")}
    whole = {**config, **({"text_config": {**sizes, **config["text_config"]}} if "text_config" in config else sizes)}
    tables = 256_000 * (1 if tied else 2)
    assert embeddings(whole) == tables
    assert count_parameters(whole) * 1e9 == pytest.approx(COUNTED - 256_000 + tables)


@pytest.mark.parametrize(
    ("content", "words"), [(None, r"has no config\.json"), ("{", "Cannot read"), ("[]", "no JSON object")]
)
def test_folders_that_are_no_models(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_model(str(tmp_path))


def test_names_that_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"no model 'nothing'.*llama-3\.1-8b"):
        read_model("nothing")
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(InputError, match="Cannot fetch the configuration of 'nobody/nothing'"):
        read_model("nobody/nothing")


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "GatedRepo", "is gated: accept its terms"),
        (404, "RepoNotFound", "has no model"),
        (500, "", "Cannot fetch"),
    ],
)
def test_what_the_hub_refuses(monkeypatch: pytest.MonkeyPatch, status: int, code: str, words: str) -> None:
    hub = pytest.importorskip("huggingface_hub")
    client = hub.utils.get_session()
    library = __import__(type(client).__module__.split(".")[0])

    def get(url: str, **_: Any) -> Any:
        request = library.Request("GET", url)
        return library.Response(status, request=request, headers={"X-Error-Code": code} if code else {})

    monkeypatch.setattr(client, "get", get)
    with pytest.raises(InputError, match=words):
        read_model("somebody/something")


@pytest.mark.parametrize(
    ("hub", "name", "bits"),
    [
        ("Qwen/Qwen3-8B", "qwen3-8b", 16),
        ("qwen/qwen3-8b", "qwen3-8b", 16),
        ("Qwen/Qwen3-8B-Base", "qwen3-8b", 16),
        ("Qwen/Qwen3-8B-AWQ", "qwen3-8b", 4),
        ("Qwen/Qwen3-8B-FP8", "qwen3-8b", 8),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "llama-3.1-8b", 16),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama-3.1-70b", 16),
        ("google/gemma-3-4b-it", "gemma-3-4b", 16),
        ("somebody/Qwen2.5-72B-Instruct-GPTQ", "qwen2.5-72b", 4),
    ],
)
def test_hub_names_of_carried_shapes_need_no_network(
    hub: str, name: str, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hybrid.model.read._fetched", lambda *_: pytest.fail("the hub was asked"))
    found = read_model(hub)
    assert found.name == name
    assert bits_of(found.config) == bits


def test_a_longer_variant_is_another_model() -> None:
    assert carried_like("Qwen/Qwen3-30B-A3B-Instruct-2507") is None  # its window is another one


def test_a_hub_name_that_cannot_be_fetched_gets_carried_ones_that_are_near(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("hybrid.model.read._fetched", offline)
    with pytest.raises(InputError, match=r"Carried, so that no network is needed: .*Qwen/Qwen3-8B"):
        read_model("Qwen/Qwen3-8")
    with pytest.raises(InputError, match="google/gemma-2-9b-it"):
        read_model("google/gema-2-9b-it")
    with pytest.raises(InputError, match=r"try again with a network\.$"):
        read_model("nobody/xyzzy")


@pytest.mark.parametrize(
    ("hub", "name", "kib"),
    [  # KiB of keys and values in 16 bits for one more token: of a prompt longer than all layers look back
        ("openai/gpt-oss-120b", "gpt-oss-120b", 36),  # 18 of 36 layers x 2 x 8 x 64
        ("google/gemma-2-9b", "gemma-2-9b", 168),  # 21 of 42 layers x 2 x 8 x 256
        ("google/gemma-2-27b-it", "gemma-2-27b", 184),  # 23 of 46 x 2 x 16 x 128
        ("deepseek-ai/DeepSeek-R1", "deepseek-v3", 68.625),  # 61 x (512 + 64)
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "deepseek-r1-distill-qwen-7b", 56),  # 28 x 2 x 4 x 128
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "llama-3.1-70b", 320),  # 80 x 2 x 8 x 128
        ("mistralai/Mistral-Small-24B-Instruct-2501", "mistral-small-24b", 160),  # 40 x 2 x 8 x 128
        ("mistralai/Mistral-7B-v0.3", "mistral-7b", 128),  # 32 x 2 x 8 x 128
        ("mistralai/Mistral-7B-v0.1", "mistral-7b-v0.1", 0),  # every layer looks 4 096 back
    ],
)
def test_published_shapes_keep_what_their_layers_say(hub: str, name: str, kib: float) -> None:
    found = read_model(hub)
    assert found.name == name
    assert cache(found.config, 2**40, 16).per_token == kib * 1024  # longer than any layer looks back


def test_an_unknown_name_gets_suggestions() -> None:
    with pytest.raises(InputError, match=r"Did you mean qwen3-8b"):
        read_model("qwen3-8bb")


def test_a_vision_models_flat_configuration_is_nested_where_it_is_served() -> None:
    flat = {**SMALL, "model_type": "qwen2_5_vl", "max_position_embeddings": 32_768, "rope_theta": 1e6}
    flat["rope_scaling"] = {"type": "mrope", "mrope_section": [16, 24, 24]}
    found = extend(flat, 131_072)
    assert list(found.overrides) == ["text_config"]
    assert found.overrides["text_config"]["rope_parameters"]["rope_type"] == "yarn"
    assert found.overrides["text_config"]["rope_parameters"]["mrope_section"] == [16, 24, 24]
    nested = {"model_type": "qwen2_5_vl", "text_config": {k: v for k, v in flat.items() if k != "model_type"}}
    assert extend(nested, 131_072).overrides == found.overrides


def test_gemma_3_has_its_window_scaled_already() -> None:
    published = {"model_type": "gemma3", "text_config": {"rope_scaling": {"rope_type": "linear", "factor": 8.0}}}
    published["text_config"] |= {"hidden_size": 2560, "num_hidden_layers": 34, "sliding_window": 1024}
    found = extend(published, 65_536)
    assert (found.native, found.overrides) == (131_072, {})
    more = extend(published, 262_144)
    ropes = more.overrides["text_config"]["rope_parameters"]
    assert ropes["full_attention"]["factor"] == 16.0
    assert ropes["sliding_attention"]["rope_type"] == "default"
    assert sorted((part.kind, part.count) for part in layers(published)) == [("full", 5), ("sliding", 29)]
