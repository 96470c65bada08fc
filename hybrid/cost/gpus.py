"""The GPUs that are carried with the project: their peaks, and what an hour costs."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TypeVar

from hybrid.errors import SettingsError
from hybrid.settings import CostSettings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU's peaks."""

    tflops: float  # dense bfloat16
    bandwidth: float  # GB/s
    memory: float  # GiB
    watts: float | None = None  # board power
    link: float = 32.0  # GB/s in one direction to another GPU
    host: float = 32.0  # GB/s in one direction to the host's memory
    tflops_8: float | None = None  # dense fp8, None where there is none
    dollars_per_hour: float | None = None  # None: not known
    source: str = "your own"


@lru_cache
def gpus() -> dict[str, Gpu]:
    """The carried GPUs by name."""
    text = files("hybrid.cost").joinpath("gpus.toml").read_text("utf-8")
    return {name: Gpu(**row) for name, row in tomllib.loads(text).items()}


def known_gpus(settings: CostSettings) -> dict[str, Gpu]:
    """The carried GPUs and the user's own by name."""
    return {**gpus(), **{name.lower(): Gpu(**own.model_dump()) for name, own in settings.hardware.items()}}


@lru_cache
def gpu_here() -> str:
    """The GPUs of this machine in the driver's words, such as "2 NVIDIA L4"; empty where there is none."""
    if shutil.which("nvidia-smi") is None:
        return ""
    with suppress(OSError, subprocess.SubprocessError):
        told = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, timeout=30
        )
        names = [line.strip() for line in told.stdout.splitlines() if told.returncode == 0 and line.strip()]
        return f"{len(names)} {names[0]}" if len(names) > 1 else "".join(names)
    return ""


def named_like(words: str, known: Iterable[str]) -> str:
    """The name in the table of GPUs that is in some words of a driver or a user; else those words."""
    flat = words.lower().replace(" ", "-")
    return next((name for name in sorted(known, key=len, reverse=True) if name in flat), words)


def named(known: Mapping[str, T], name: str, setting: str) -> T:
    """What has a name, or a sentence with the names that are known (SettingsError)."""
    if name not in known:
        raise SettingsError(f"The setting {setting!r} names {name!r}, which is not known; known: {', '.join(known)}.")
    return known[name]
