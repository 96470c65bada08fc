"""The GPUs that are carried with the project: their peaks, and what an hour costs."""

from __future__ import annotations

import re
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
from hybrid.registry import hint
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
    tflops_8: float | None = None  # dense fp8; None: it has no fp8
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
    """The GPUs of this machine in the driver's words, such as "2 NVIDIA L4"; empty if there is none."""
    if shutil.which("nvidia-smi") is None:
        return ""
    with suppress(OSError, subprocess.SubprocessError):
        told = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, timeout=30
        )
        names = [line.strip() for line in told.stdout.splitlines() if told.returncode == 0 and line.strip()]
        return f"{len(names)} {names[0]}" if len(names) > 1 else "".join(names)
    return ""


_ABOUT = re.compile(r"nvidia|amd|geforce|instinct|tesla|radeon|gpus?|tensor|core|sxm\d?|oam|hbm\d?e?|graphics|card")
_GIGABYTES = re.compile(r"(\d+)gi?b")


def named_like(words: str, known: Iterable[str]) -> str:
    """The name in the table of GPUs that a driver or a user means by some words; else those words.

    Whole words count, and the words beside the name have to be true of that GPU: another word, such as "laptop", or
    another amount of memory makes it another card.
    """
    table: Mapping[str, Gpu] = known if isinstance(known, Mapping) else {name: gpus()[name] for name in known}
    parts = re.findall(r"[a-z0-9]+", words.lower().replace(".", "point"))
    if len(parts) > 1 and parts[0].isdigit() and not any(_spelt(name).startswith(parts[0]) for name in table):
        parts = parts[1:]  # how many there are
    for name in sorted(table, key=len, reverse=True):
        for start in range(len(parts)):
            for end in range(start + 1, len(parts) + 1):
                beside = parts[:start] + parts[end:]
                if "".join(parts[start:end]) == _spelt(name) and all(_is_true(table[name], word) for word in beside):
                    return name
    return words


def _spelt(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_true(gpu: Gpu, word: str) -> bool:
    """Whether a word beside a GPU's name agrees with the table."""
    memory = _GIGABYTES.fullmatch(word)
    if memory is not None:
        return abs(int(memory[1]) - gpu.memory) <= 0.05 * gpu.memory
    if word == "pcie":
        return gpu.link <= gpu.host  # else the table means the card with the faster link
    return _ABOUT.fullmatch(word) is not None


def unknown_gpu(said: str, known: Iterable[str]) -> str:
    """The message about a GPU that is in no table, with the nearest or the known names."""
    return f"There is no GPU {said!r}; {hint(_hyphenated(said), known)}"


def _hyphenated(said: str) -> str:
    return "-".join(said.lower().split())


def named(known: Mapping[str, T], name: str, setting: str) -> T:
    """The thing of that name. Raises SettingsError with the known names if there is none."""
    if name not in known:
        raise SettingsError(f"The setting {setting!r} names {name!r}, which is not known; known: {', '.join(known)}.")
    return known[name]


def with_known_gpu(settings: CostSettings) -> CostSettings:
    """The settings with `gpu` as the table of GPUs spells it.

    Raises:
        SettingsError: it is in no table.
    """
    if settings.gpu is None or settings.gpu.lower() == "cpu":
        return settings
    known = known_gpus(settings)
    name = named_like(settings.gpu, known)
    if name not in known:
        raise SettingsError(
            f"The setting 'cost.gpu' names {settings.gpu!r}, which is neither known nor a table of cost.hardware; "
            f"{hint(_hyphenated(settings.gpu), [*known, 'cpu'])}"
        )
    return settings if name == settings.gpu else settings.model_copy(update={"gpu": name})
