"""The GPUs that are carried with the project: their peaks, and what an hour costs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TypeVar

from hybrid.errors import SettingsError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU's peaks."""

    tflops: float  # dense bfloat16
    bandwidth: float  # GB/s
    memory: float  # GiB
    watts: float
    dollars_per_hour: float
    source: str


@lru_cache
def gpus() -> dict[str, Gpu]:
    """The carried GPUs by name."""
    text = files("hybrid.cost").joinpath("gpus.toml").read_text("utf-8")
    return {name: Gpu(**row) for name, row in tomllib.loads(text).items()}


def gpu_named(name: str) -> Gpu:
    """A carried GPU.

    Raises:
        SettingsError: there is none of that name.
    """
    return named(gpus(), name.lower(), "gpu")


def named(known: Mapping[str, T], name: str, setting: str) -> T:
    if name not in known:
        raise SettingsError(f"The setting {setting!r} names {name!r}, which is not known; known: {', '.join(known)}.")
    return known[name]
