"""What a configuration says about layers and their cache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hybrid.errors import InputError, SettingsError
from hybrid.models import carried, hub_name, kv_heads, layers, read_model, window_of

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
