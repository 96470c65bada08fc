"""The GPUs' energy counters and everything that can be wrong with them; NVML is a double."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from hybrid import Hybrid, Settings, load
from hybrid.cost.energy import Energy
from hybrid.engines.server import Server
from hybrid.settings import EngineSettings


class Nvml(ModuleType):
    """A double of pynvml: GPUs by number, each with millijoules that a test sets."""

    class NVMLError(Exception):
        pass

    def __init__(self, *millijoules: int) -> None:
        super().__init__("pynvml")
        self.millijoules: list[Any] = list(millijoules)
        self.split: set[int] = set()
        self.broken = ""
        self.bytes = False

    def nvmlInit(self) -> None:
        if self.broken:
            raise self.NVMLError(self.broken)

    def nvmlDeviceGetCount(self) -> int:
        return len(self.millijoules)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetUUID(self, gpu: int) -> str | bytes:
        name = f"GPU-{gpu}{gpu}ab-0000"
        return name.encode() if self.bytes else name

    def nvmlDeviceGetMigMode(self, gpu: int) -> list[int]:
        if gpu == 0 and not self.split:
            raise self.NVMLError("Not Supported")
        return [int(gpu in self.split), 0]

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: int) -> int:
        told = self.millijoules[gpu]
        if told is None:
            raise self.NVMLError("Not Supported")
        return int(told)


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Nvml:
    """Three GPUs."""
    double = Nvml(1_000, 20_000, 300_000)
    monkeypatch.setitem(sys.modules, "pynvml", double)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return double


def test_the_counters_of_all_gpus_are_added(nvml: Nvml) -> None:
    energy = Energy.find()
    assert energy is not None
    assert energy.joules() == 321.0
    nvml.millijoules[1] += 500
    assert energy.joules() == 321.5
    assert energy.why == ""


@pytest.mark.parametrize(
    ("visible", "joules"),
    [
        ("1", 20.0),
        ("2, 0", 301.0),
        ("0,7,1", 1.0),  # CUDA stops at the first that is not there
        ("GPU-22ab-0000", 300.0),
        ("GPU-1", 20.0),
        ("GPU-9,0", None),
        ("", None),
        ("-1", None),
    ],
)
def test_only_visible_gpus_count(
    nvml: Nvml, monkeypatch: pytest.MonkeyPatch, visible: str, joules: float | None
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    for as_bytes in (False, True):
        nvml.bytes = as_bytes
        energy = Energy()
        assert energy.joules() == joules
        assert energy.why == ("" if joules is not None else "no GPU is visible")
    assert Energy([1, 0]).joules() == 21.0


def test_numbers_that_are_not_there(nvml: Nvml) -> None:
    assert Energy.find([0, 5]) is None
    assert Energy([0, 5]).why == "there are 3 GPUs, and not all of [0, 5] is among them"


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert Energy.find() is None
    assert Energy().why == "the package nvidia-ml-py is not installed"
    assert Energy().joules() is None


def test_without_a_driver(nvml: Nvml) -> None:
    nvml.broken = "Driver Not Loaded"
    assert Energy.find() is None
    assert Energy().why == "NVML cannot be used: Driver Not Loaded"


def test_a_gpu_without_a_counter(nvml: Nvml) -> None:
    nvml.millijoules[1] = None
    assert Energy.find() is None
    assert Energy().why == "a GPU does not tell its energy: Not Supported"
    assert Energy.find([0]) is not None


def test_a_gpu_in_parts(nvml: Nvml, monkeypatch: pytest.MonkeyPatch) -> None:
    nvml.split = {2}
    assert Energy.find() is None
    assert "MIG" in Energy().why
    assert Energy.find([0, 1]) is not None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-1234")
    assert "MIG" in Energy().why


def test_a_counter_that_begins_anew_is_unknown_once(nvml: Nvml) -> None:
    energy = Energy.find()
    assert energy is not None
    nvml.millijoules[0] = 10
    assert energy.joules() is None
    assert "went backwards" in energy.why
    nvml.millijoules[0] = 510
    assert energy.joules() == 320.51
    nvml.millijoules[2] = None  # fallen off the bus
    assert energy.joules() is None
    nvml.millijoules[2] = 300_000
    assert energy.joules() == 320.51
    assert energy.why == ""


def settings(**cost: object) -> Settings:
    return load(overrides={"engine": {"kind": "server", "url": "http://127.0.0.1:9"}, "cost": cost}, environ={})


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:8000/v1", True),
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000/v1", True),
        ("http://10.0.0.7:8000/v1", False),
        ("https://localhost.example.com/v1", False),
    ],
)
def test_only_a_server_on_this_machine_is_measured(url: str, local: bool) -> None:
    assert Server(EngineSettings(kind="server", url=url)).local is local


def test_the_settings_turn_it_on_and_off(nvml: Nvml) -> None:
    assert Hybrid(settings()).calls.power is not None
    assert Hybrid(settings(energy=False)).calls.power is None
    given = Hybrid(settings(energy=True, idle_watts=70))
    assert given.calls.power is not None
    assert (given.calls.power.idle_watts, given.calls.unmeasured) == (70, "")
    nvml.broken = "Driver Not Loaded"
    assert Hybrid(settings()).calls.unmeasured == ""
    asked = Hybrid(settings(energy=True))
    assert asked.calls.power is None
    assert asked.calls.unmeasured == "Energy is not measured: NVML cannot be used: Driver Not Loaded."
