"""The energy that this machine's NVIDIA GPUs have taken, from their own counters."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any


class Energy:
    """The energy counters of some GPUs of this machine, read through NVML (package nvidia-ml-py, extra `energy`).

    They count the GPU boards alone, in millijoules since the driver was loaded, and move every 20 to 100 ms: sums over
    seconds are exact, the figure of a single short call is coarse. Nothing here raises: a counter that cannot be read
    gives None, and `why` says why the latest reading failed.

    Args:
        indices: of the GPUs, in NVML's order, which is that of the bus; None takes those in CUDA_VISIBLE_DEVICES, and
            all if it is not set.
    """

    def __init__(self, indices: Sequence[int] | None = None) -> None:
        self.why = ""
        self._gpus: list[Any] = []
        self._last: list[int] = []  # millijoules by GPU
        try:
            import pynvml
        except ImportError:
            self.why = "the package nvidia-ml-py is not installed"
            return
        self._nvml: Any = pynvml
        try:
            pynvml.nvmlInit()
            self._choose(indices)
        except pynvml.NVMLError as error:  # no driver, or a library without it
            self.why = f"NVML cannot be used: {error}"
        self.joules()  # a GPU without a counter shows now

    @classmethod
    def find(cls, indices: Sequence[int] | None = None) -> Energy | None:
        """The counters, or None if they cannot be read; `Energy(indices).why` says why."""
        found = cls(indices)
        return None if found.why else found

    def joules(self) -> float | None:
        """The energy of the GPUs together since some moment: only differences mean something.

        None if a counter cannot be read, and once after one went backwards, as after a restart of the driver.
        """
        if not self._gpus:
            return None
        try:
            told = [int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(gpu)) for gpu in self._gpus]
        except self._nvml.NVMLError as error:
            self.why = f"a GPU does not tell its energy: {error}"
            return None
        last, self._last = self._last, told
        if any(now < before for now, before in zip(told, last, strict=False)):
            self.why = "an energy counter went backwards, as when the driver is restarted"
            return None
        self.why = ""
        return sum(told) / 1000

    def _choose(self, indices: Sequence[int] | None) -> None:
        """Choose the GPUs; none if a counter would count for more than its GPU."""
        nvml = self._nvml
        found = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
        listed = os.environ.get("CUDA_VISIBLE_DEVICES")
        if indices is not None:
            chosen = [found[i] for i in indices if 0 <= i < len(found)]
            if len(chosen) != len(indices):
                self.why = f"there are {len(found)} GPUs, and not all of {list(indices)} is among them"
                return
        elif listed is None:
            chosen = found
        else:
            chosen = self._visible(found, [name.strip() for name in listed.split(",")])
        if any(map(self._is_split, chosen)) or (indices is None and "MIG-" in (listed or "")):
            self.why = "the GPU is split into MIG instances, and its counter counts for all of them"
        elif not chosen:
            self.why = "no GPU is visible"
        else:
            self._gpus = chosen

    def _visible(self, found: list[Any], names: list[str]) -> list[Any]:
        """The GPUs of a list of indices and identifiers, which may be cut short; the first unknown name ends it."""
        chosen = []
        told = [self._nvml.nvmlDeviceGetUUID(gpu) for gpu in found]
        identifiers = [one.decode() if isinstance(one, bytes) else one for one in told]  # older packages return bytes
        for name in names:
            same = [i for i, known in enumerate(identifiers) if name.startswith("GPU-") and known.startswith(name)]
            place = int(name) if name.isdecimal() else same[0] if len(same) == 1 else len(found)
            if place >= len(found):
                break
            chosen.append(found[place])
        return chosen

    def _is_split(self, gpu: Any) -> bool:
        try:
            return bool(self._nvml.nvmlDeviceGetMigMode(gpu)[0])
        except self._nvml.NVMLError:  # a GPU that cannot be split
            return False
