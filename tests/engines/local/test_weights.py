"""Loading a model: where it may be, what is shared, and a sentence for everything that cannot be loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hybrid.engines.local import weights
from hybrid.engines.local.engine import LocalEngine
from hybrid.engines.local.faults import unreadable
from hybrid.engines.local.weights import Place, device_of, place_of
from hybrid.errors import EngineError, HybridError, InputError, MissingDependency, SettingsError
from hybrid.settings import EngineSettings
from tests.engines.local.conftest import Make


def test_places(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.gguf").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "config.json").touch()
    assert place_of(str(tmp_path / "one")) == Place(str(tmp_path / "one"), "a.gguf")
    assert place_of(str(tmp_path / "one" / "a.gguf")) == Place(str(tmp_path / "one"), "a.gguf")
    assert place_of(str(tmp_path / "folder")) == Place(str(tmp_path / "folder"))
    assert place_of("Owner/Name") == Place("Owner/Name")
    assert place_of("Owner/Name").on_hub
    assert place_of("qwen3-8b").folder == "Qwen/Qwen3-8B"  # as `hybrid plan` names it


@pytest.mark.parametrize(
    ("made", "named", "says"),
    [
        ((), "none", "There is no folder or file"),
        ((), "none.gguf", "There is no folder or file"),
        (("a.txt",), "a.txt", "is no GGUF file: set engine.model to the folder"),
        (("a.txt",), "", "has neither a config.json nor a GGUF file"),
        (("a.gguf", "b.gguf"), "", "has several GGUF files: name one of a.gguf, b.gguf"),
    ],
)
def test_what_is_no_model_is_told(tmp_path: Path, made: tuple[str, ...], named: str, says: str) -> None:
    for name in made:
        (tmp_path / name).touch()
    with pytest.raises(SettingsError, match=says):
        place_of(str(tmp_path / named))


@pytest.mark.parametrize("device", ["cuda:99", "tpu", "cuda:x", "gpu"])
def test_a_device_that_is_not_there_is_told(device: str) -> None:
    pytest.importorskip("torch")
    with pytest.raises(SettingsError, match=r"engine\.device"):
        device_of(EngineSettings(kind="local", model="m", device=device))


def refused(folder: Path, **given: object) -> HybridError:
    with pytest.raises(HybridError) as caught:
        _ = LocalEngine(EngineSettings(kind="local", model=str(folder), **given)).window  # type: ignore[arg-type]
    assert caught.value.exit_code == 2
    return caught.value


def test_a_model_that_cannot_be_loaded_is_a_sentence(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))

    def told(**changes: object) -> str:
        (folder / "config.json").write_text(json.dumps({**config, **changes}), "utf-8")
        return str(refused(folder))

    assert "is a BertModel, which does not write text: name a chat model" in told(architectures=["BertModel"])
    assert f"cannot load the model {folder}: " in told(model_type="nonsense")
    assert "trust" not in told(auto_map={"AutoConfig": "code.Own"}, model_type="own")
    (folder / "config.json").write_text("{", "utf-8")
    assert f"cannot load the model {folder}: " in str(refused(folder))
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "model.safetensors").write_bytes(b"broken")
    assert f"cannot load the model {folder}: " in str(refused(folder))
    (folder / "model.safetensors").unlink()
    assert f"cannot load the model {folder}: " in str(refused(folder))


def test_weights_without_room_are_not_loaded(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "free_memory", lambda _: 1000)
    with pytest.raises(
        EngineError, match=r"take about 0\.0 GiB in float32, and 0\.0 GiB are free on cpu: take a small"
    ):
        _ = make(overrides={"pretraining_tp": 9}).window


def test_a_window_that_cannot_be_is_told(make: Make) -> None:
    with pytest.raises(InputError, match="nothing is known to work beyond 32 times"):
        _ = make(window=4096 * 64).window


def test_packages_that_a_gguf_file_needs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.gguf").touch()
    monkeypatch.setattr(weights, "find_spec", lambda _: None)
    with pytest.raises(
        MissingDependency, match=r"Reading a GGUF file needs the package 'gguf'.*hybrid-context\[local\]"
    ):
        _ = LocalEngine(EngineSettings(kind="local", model=str(tmp_path / "a.gguf"))).window


def test_a_broken_gguf_file_is_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("gguf", reason="reading a GGUF file needs the package gguf")
    pytest.importorskip("accelerate", reason="reading a GGUF file needs the package accelerate")
    (tmp_path / "a.gguf").write_bytes(b"GGUF" + bytes(64))
    assert "cannot load the model" in str(refused(tmp_path / "a.gguf"))
    (tmp_path / "a.gguf").write_bytes(b"no such thing")
    assert "cannot load the model" in str(refused(tmp_path / "a.gguf"))


def test_a_hub_that_cannot_be_reached_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")

    def unreachable(name: str) -> None:
        raise InputError(f"Cannot fetch the configuration of {name!r}: no network.")

    monkeypatch.setattr(weights, "read_model", unreachable)
    with pytest.raises(InputError, match="Cannot fetch the configuration of 'nobody/nothing': no network"):
        _ = LocalEngine(EngineSettings(kind="local", model="nobody/nothing")).window


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError("We couldn't connect to 'https://hub' to load the files"), "the hub cannot be reached"),
        (ValueError("set the option `trust_remote_code=True`"), "needs code of its own, which is not run here"),
        (MemoryError(), "not enough memory to load"),
        (type("GatedRepoError", (OSError,), {})("401"), "is gated: accept its terms"),
        (type("RepositoryNotFoundError", (OSError,), {})("404"), "The hub has no model 'a/b'"),
        (ValueError("odd"), "Transformers cannot load the model a/b: odd."),
    ],
)
def test_what_the_hub_answers(error: Exception, says: str) -> None:
    assert says in str(unreadable("a/b", error, on_hub=True))
