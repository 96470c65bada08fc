"""Which GPUs and CPU cores the servers get."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from hybrid.cli.main import cli, guarded
from hybrid.serving.placement import cores, gpus, place
from hybrid.serving.served import Served
from hybrid.serving.vllm import environment
from tests.serving.conftest import LONG, NATIVE, NEW
from tests.vllm_server import YARN


def test_gpus_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 5")
    assert list(gpus()) == ["2", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not gpus()


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two GPUs, as nvidia-smi lists them."""
    program = tmp_path / "cards" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho '0, GPU-a, 24576'\necho '1, GPU-b, 81920'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("cards")
def test_gpus_with_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpus() == {"0": 24.0, "1": 80.0}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-b")
    assert gpus() == {"GPU-b": 80.0}


@pytest.mark.usefixtures("cards")
@pytest.mark.parametrize(
    ("arguments", "visible", "sentence"),
    [
        (["llama-3.1-8b", "--context", "128k"], "0", "lacks 11.4 GiB on each of 1 GPUs of 24 GiB: the weights take 15"),
        (["llama-3.1-8b", "--context", "128k"], "0", "take 2 of these GPUs (--tensor-parallel) or --context 37888."),
        (["llama-3.1-8b", "-c", "128k", "-tp", "4"], "0,1", "wants 4 GPUs and 2 may be used"),
        (["llama-3.1-70b", "-c", "8k", "-tp", "2"], "0,1", "take 8 of these GPUs (--tensor-parallel)."),
    ],
)
def test_gpus_that_are_too_small(
    fake: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    visible: str,
    sentence: str,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    whole = ["up", *arguments, "--vllm", str(fake), "--write", str(tmp_path / "hybrid.toml")]
    assert guarded(cli, whole) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") <= 2
    assert not (tmp_path / "hybrid.toml").exists()


def test_two_servers_share_one_gpu() -> None:
    placed, note = place([NATIVE, LONG], ["0"])
    assert [s.extra for s in placed] == [("--gpu-memory-utilization", "0.45")] * 2
    assert note == "the servers share the memory of GPU 0: --gpu-memory-utilization 0.45 each"


@pytest.mark.parametrize(("cpus", "bound"), [([0, 1], ["0", "1"]), ([0, 2, 4, 6, 8], ["0,2", "4,6"])])
def test_two_servers_on_a_cpu_have_cores_of_their_own(cpus: list[int], bound: list[str]) -> None:
    placed, note = place([NATIVE, LONG], [], cpus)
    assert [environment(s, NEW)["VLLM_CPU_OMP_THREADS_BIND"] for s in placed] == bound
    assert note == f"each server has CPU cores of its own: {bound[0]} and {bound[1]}"


@pytest.mark.parametrize("servers", [[NATIVE], [NATIVE, replace(LONG, tensor_parallel=2)]])
def test_a_single_server_and_one_of_several_workers_take_the_cores_that_vllm_chooses(servers: list[Served]) -> None:
    assert place(servers, [], [0, 1, 2, 3]) == (servers, "")


def test_cores_are_those_that_may_be_used_and_that_the_user_did_not_bind(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(os, "sched_getaffinity"):
        assert cores() == []
        return
    assert set(cores()) <= os.sched_getaffinity(0)
    assert cores()
    monkeypatch.setenv("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    assert cores() == []


def test_two_servers_have_gpus_of_their_own() -> None:
    placed, _ = place([NATIVE, LONG], ["1", "4", "5"])
    assert [environment(s, NEW)["CUDA_VISIBLE_DEVICES"] for s in placed] == ["1", "4"]


@pytest.mark.parametrize(
    ("extra", "devices"),
    [(("--gpu-memory-utilization=0.3",), ["0"]), (("--distributed-executor-backend", "ray"), ["0", "1"]), ((), [])],
)
def test_servers_that_are_left_as_they_are(extra: tuple[str, ...], devices: list[str]) -> None:
    servers = [Served("m", "n", 1, extra=extra), Served("m", "n", 1, YARN, extra=extra)]
    assert place(servers, devices) == (servers, "")
    assert place([NATIVE], ["0"]) == ([NATIVE], "")
