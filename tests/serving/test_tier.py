"""A cache on disk: vLLM's flag, the folder of a model as it is served, and what is checked before a server starts."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from hybrid.errors import InputError
from hybrid.model.read import read_model
from hybrid.serving import tier as module
from hybrid.serving.plan import plan
from hybrid.serving.served import Served, given
from hybrid.serving.tier import CHUNK, GB, MARK, fingerprint, flags, kept, prepare, tiered
from hybrid.serving.vllm import Vllm, environment
from tests.conftest import free_port
from tests.serving.conftest import NEW, left, until, up
from tests.vllm_server import YARN

QWEN = read_model("qwen3-8b")
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def served(model: Path) -> list[Served]:
    """A native and an extended server of a small model."""
    return [Served(str(model), "tiny", 4096), Served(str(model), "tiny", 16384, YARN, port=8001)]


def test_vllms_flag(tmp_path: Path) -> None:
    flag, value = flags(QWEN.config, tmp_path, 5 * GB)
    told = json.loads(value)
    assert flag == "--kv-transfer-config"
    assert told["kv_connector"] == "OffloadingConnector"
    assert (told["kv_role"], told["kv_load_failure_policy"]) == ("kv_both", "recompute")
    assert told["kv_connector_extra_config"] == {
        "spec_name": "TieringOffloadingSpec",
        "cpu_bytes_to_use": 5 * GB,
        "block_size": CHUNK,
        "secondary_tiers": [{"type": "fs", "root_dir": str(tmp_path)}],
    }
    states = read_model("jamba-1.5-mini").config  # its blocks have sizes of vLLM's own
    assert "block_size" not in json.loads(flags(states, tmp_path, GB)[1])["kv_connector_extra_config"]


def test_only_the_server_of_whole_documents_writes(served: list[Served], model: Path, tmp_path: Path) -> None:
    (native, extended), tier = tiered(served, read_model(str(model)), NEW, tmp_path / "cache", 0.5)
    assert given(native, "--kv-transfer-config") is None
    assert str(tier.inside) in (given(extended, "--kv-transfer-config") or "")
    assert tier.janitor(native, 1) is None
    assert (tier.limit, tier.folder) == (GB // 2, tmp_path / "cache")


def test_names_of_blocks_are_the_same_after_a_restart(served: list[Served], model: Path, tmp_path: Path) -> None:
    (native, extended), _ = tiered(served, read_model(str(model)), NEW, tmp_path / "cache", 0.5)
    assert environment(extended, NEW)["PYTHONHASHSEED"] == "0"
    assert "PYTHONHASHSEED" not in environment(native, NEW)


def test_the_fingerprint_tells_apart_what_must_not_be_mixed(
    served: list[Served], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    native, extended = served
    (model / "model.safetensors").write_bytes(b"1" * 100)
    known = read_model(str(model))
    first = fingerprint(native, known, NEW)
    same = [
        replace(native, port=9, window=2048, name="other"),
        replace(native, extra=("--max-num-seqs", "8")),
        replace(native, extra=("--gpu-memory-utilization=0.5",)),
    ]
    assert {fingerprint(one, known, NEW) for one in same} == {first}
    others = [
        fingerprint(extended, known, NEW),  # the same weights with other positions: vLLM itself would mix these
        fingerprint(replace(native, extra=("--kv-cache-dtype", "fp8")), known, NEW),
        fingerprint(replace(native, extra=("--dtype=half",)), known, NEW),
        fingerprint(native, known, Vllm(("vllm",), "0.33.0", cpu=False)),
    ]
    (model / "model.safetensors").write_bytes(b"2" * 101)
    others.append(fingerprint(native, read_model(str(model)), NEW))
    monkeypatch.setattr(module, "gpu_here", lambda: "NVIDIA L4")
    others.append(fingerprint(native, read_model(str(model)), NEW))
    assert len({first, *others}) == 7


def test_what_does_not_do_is_one_sentence(served: list[Served], model: Path, tmp_path: Path) -> None:
    known = read_model(str(model))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("x")
    free = shutil.disk_usage(tmp_path).free / GB
    for vllm, folder, gigabytes, sentence in (
        (NEW, "cache", 0.001, "A cache of 0.001 GB does not hold one prompt of 16,384 tokens, which takes 0.0 GB"),
        (NEW, "cache", free * 2, "does not fit the disk of"),
        (NEW, "own", 0.5, "holds other files: name an empty or a new one"),
        (NEW, "own/thesis.txt", 0.5, "which is a file: name a folder"),
        (Vllm(("vllm",), "0.27.1", cpu=False), "cache", 0.5, "needs vLLM 0.28 or later, and this is 0.27.1"),
        (Vllm(("vllm",), "0.32.0", cpu=True), "cache", 0.5, "needs a GPU: vLLM's CPU build refuses it"),
    ):
        with pytest.raises(InputError, match=sentence):
            tiered(served, known, vllm, tmp_path / folder, gigabytes)
    assert not (tmp_path / "cache").exists()
    doubled = [replace(served[0], extra=("--kv-transfer-config", "{}"))]
    with pytest.raises(InputError, match="has no effect beside --kv-transfer-config"):
        tiered(doubled, known, NEW, tmp_path / "cache", 0.5)


def test_the_hosts_memory_has_to_hold_a_prompt(
    served: list[Served], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.disk_usage
    small = Usage(64 * 2**20, 0, 4 * 2**20)  # docker's default
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: small if path == module.SHARED else real(path))
    with pytest.raises(InputError, match=r"make it larger \(docker run --shm-size\)"):
        tiered(served, read_model(str(model)), NEW, tmp_path / "cache", 0.5)


def test_a_folder_is_made_and_known_again(served: list[Served], model: Path, tmp_path: Path) -> None:
    for _ in range(2):
        _, tier = tiered(served, read_model(str(model)), NEW, tmp_path / "cache", 0.5)
        prepare(tier, "vllm serve tiny")
        (tier.folder / "another model").mkdir(exist_ok=True)
    assert (tier.folder / MARK).is_file()
    assert (tier.inside / "served.txt").read_text() == "vllm serve tiny\n"


def test_what_a_plan_keeps() -> None:
    found = kept(plan(QWEN, 131072, gpus=["h200"]), 2000 * GB, 16)
    assert found.documents == 103  # of 18 GiB each
    assert found.tokens == 2000 * GB // (144 * 1024)
    assert found.host == 2 * 18 * 2**30
    ((gpu, speed),) = found.even
    assert gpu == "h200"
    assert 1.5 < speed < 2.5  # 19.3 GB in the 10 s that reading 129 000 tokens takes


def test_up_with_a_cache(fake: Path, tmp_path: Path, model: Path) -> None:
    pids, cache = fake.parent / "pids", tmp_path / "kv"
    asked = ("--context", "16384", "--port", str(free_port()), "--cache-dir", str(cache), "--cache-gb", "0.5", "--json")
    process = up(fake, tmp_path, model, *asked, "--", "--pids", str(pids))
    until((tmp_path / "hybrid.toml").exists)
    janitors = _janitors(cache)
    assert len(janitors) == 1
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"the extended server keeps its cache in {cache}/tiny-" in err
    assert "never run on a GPU" in err
    assert "--kv-transfer-config" in err
    assert left(fake) == []
    until(lambda: not _janitors(cache), 10)


def test_the_janitor_outlives_a_killed_up_and_comes_back(fake: Path, tmp_path: Path, model: Path) -> None:
    pids, cache = fake.parent / "pids", tmp_path / "kv"
    asked = ("--port", str(free_port()), "--cache-dir", str(cache), "--cache-gb", "0.5")
    process = up(fake, tmp_path, model, *asked, "--", "--pids", str(pids))
    try:
        until((tmp_path / "hybrid.toml").exists)
        (first,) = _janitors(cache)
        os.kill(first, signal.SIGKILL)
        until(lambda: [pid for pid in _janitors(cache) if pid != first], 20)
        process.kill()
        process.communicate()
        assert left(fake)
        assert _janitors(cache)
    finally:
        process.kill()
        for pid in left(fake):
            os.kill(pid, signal.SIGKILL)
    until(lambda: not _janitors(cache), 20)


def _janitors(folder: Path) -> list[int]:
    """Janitors of a folder that run."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"hybrid.serving.janitor" in words and str(folder).encode() in words:
            found.append(int(file.parent.name))
    return found
