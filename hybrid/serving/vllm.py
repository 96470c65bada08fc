"""An installed vLLM: where it is, and the command and the environment of a server's process."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hybrid.errors import InputError, MissingDependency
from hybrid.serving.served import Served, flags, given

OLDEST = (0, 26)  # the oldest tried; before 0.30 vLLM reads YaRN's window from other keys, which we send too
SEED = "0"  # of the names of cached blocks: a random one, as before 0.29, would hide them from the next server
BIND = "VLLM_CPU_OMP_THREADS_BIND"  # the cores that a CPU build binds its threads to
_INSTALLED = """
import importlib.metadata as metadata, json
names = ["vllm"]
try:
    metadata.version("vllm")
except metadata.PackageNotFoundError:
    names = metadata.packages_distributions().get("vllm", [])
print(json.dumps([[name, metadata.version(name)] for name in names]))
"""


@dataclass(frozen=True, slots=True)
class Vllm:
    """An installed vLLM."""

    start: tuple[str, ...]  # the command that serves, before the model
    version: str
    cpu: bool  # built for the CPU

    @property
    def numbers(self) -> tuple[int, ...]:
        """The version's first two numbers."""
        return _numbers(self.version)


def find(path: str | Path | None = None) -> Vllm:
    """The vLLM at `path` (its executable or its environment's python), on PATH, or beside the running Python.

    Raises:
        MissingDependency: there is none.
        InputError: the named program is not vLLM, or is too old.
    """
    executable = _executable(path)
    python = executable if _is_python(executable) else _python_of(executable)
    name, version = _installed(python, executable)
    if _numbers(version) < OLDEST:
        raise InputError(
            f"The vLLM at {executable} is version {version}; only {OLDEST[0]}.{OLDEST[1]} and later are known to read "
            f"a model's extended window as planned: upgrade it with {python} -m pip install --upgrade {name}"
        )
    start: tuple[str, ...] = (str(executable), "serve")
    if name != "vllm":  # their `vllm serve` looks for a package named vllm, and stops
        start = (str(python), "-m", "vllm.entrypoints.openai.api_server", "--model")
    elif executable == python:
        start = (str(python), "-m", "vllm.entrypoints.cli.main", "serve")
    return Vllm(start, version, cpu="cpu" in name or "+cpu" in version)


def command(served: Served, vllm: Vllm) -> list[str]:
    """The command line that serves a model."""
    line = [*vllm.start, served.model, "--served-model-name", served.name]
    return [*line, "--host", served.host, "--port", str(served.port), *flags(served, vllm.numbers)]


def environment(served: Served, vllm: Vllm, servers: int = 1) -> dict[str, str]:
    """The variables that a server's process gets on top of those here; the user's own stay."""
    found = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "PYTHONSAFEPATH": "1"}  # no imports from the folder here
    if vllm.cpu and not os.environ.get("VLLM_CPU_KVCACHE_SPACE"):
        found["VLLM_CPU_KVCACHE_SPACE"] = str(_cache_space(servers))
    if served.devices:
        found["CUDA_VISIBLE_DEVICES"] = served.devices
    if served.cores:
        found[BIND] = served.cores
    if given(served, "--kv-transfer-config") is not None and "PYTHONHASHSEED" not in os.environ:
        found["PYTHONHASHSEED"] = SEED
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _executable(path: str | Path | None) -> Path:
    if path is None:
        beside = Path(sys.executable).with_name("vllm")
        found = shutil.which("vllm") or (str(beside) if beside.is_file() else None)
        if found is None:
            raise MissingDependency("vllm", "vllm", "Without --vllm PATH, serving a model")
        return Path(found).absolute()
    named = Path(path).expanduser().absolute()
    if not (named.is_file() and os.access(named, os.X_OK)):
        raise InputError(f"There is no program {named}: name vLLM's, such as env/bin/vllm, with --vllm.")
    return named


def _is_python(path: Path) -> bool:
    return re.fullmatch(r"python[\d.]*", path.name) is not None


def _python_of(executable: Path) -> Path:
    """The Python that runs a console script: named in its first line, otherwise beside it."""
    with executable.open("rb") as file:
        first = file.readline(4096).decode("utf-8", "replace").strip()
    words = first.removeprefix("#!").split()
    if first.startswith("#!") and words and _is_python(Path(words[-1])):
        return Path(shutil.which(words[-1]) or words[-1])
    return executable.resolve().with_name("python")


def _installed(python: Path, executable: Path) -> tuple[str, str]:
    """Name and version of the package that brings vLLM into the environment of `python`."""
    try:
        asked = [str(python), "-c", _INSTALLED]
        told = subprocess.run(
            asked, capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONSAFEPATH": "1"}
        )
        packages = json.loads(told.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        packages = []
    if not packages:
        raise InputError(
            f"The program {executable} is not vLLM's: its Python, {python}, has no package vllm. Name vLLM's own "
            "program with --vllm."
        )
    name, version = packages[0]
    return str(name), str(version)


def _cache_space(servers: int) -> int:
    """GiB for a server's cache on a CPU: a quarter of the memory, shared by the servers, 16 at most."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(16, memory // 4 // 2**30 // servers))
