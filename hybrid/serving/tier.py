"""A folder on disk that keeps a server's keys and values beyond its memory and its life (vLLM's file-system tier).

vLLM copies what it computes to the host's memory and from there into files, one for each stretch of tokens, named by
the hash of all tokens up to its end; a server that finds them loads them instead of computing. What vLLM leaves open is
done here: a bound (`hybrid.serving.janitor`), and a folder for each model as it is served, because vLLM tells models
apart by their name alone: it would load what the same model computed with other positions, or before its weights were
replaced, and answer from it without a word.

Read in vLLM 0.26 to 0.33. It needs CUDA, ROCm or XPU; the CPU build refuses it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from hybrid.cost.gpus import gpu_here
from hybrid.errors import InputError
from hybrid.files import write
from hybrid.model.config import Config, Model
from hybrid.model.layers import layers
from hybrid.model.read import weight_files
from hybrid.serving.janitor import start, sweep, tidy
from hybrid.serving.memory import GIB, kv_bytes
from hybrid.serving.plan import Plan
from hybrid.serving.served import Served, given, kept_bits
from hybrid.serving.vllm import SEED, Vllm

SINCE = (0, 28)  # before, a file deleted between being found and being read made its request run for ever (#49176)
GB = 1_000_000_000
MARK = ".hybrid-cache"  # the file by which a folder is known as a cache
CHUNK = 256  # tokens of a file: files of some MB, so that a look at the folder is quick
WINDOWS = 2  # full windows that pass through the host's memory at once
SHARED = Path("/dev/shm")  # where vLLM keeps that memory
UNTRIED = "the cache on disk was planned from vLLM's source and never run on a GPU here: try it before you rely on it"
_MARKED = "A cache of vLLM's keys and values, made and bounded by `hybrid up`. Safe to delete.\n"
_HARMLESS = frozenset(  # flags that change no byte of a key or value
    "--gpu-memory-utilization --max-num-seqs --max-num-batched-tokens --enforce-eager --kv-offloading-size".split()
)


@dataclass(frozen=True, slots=True)
class Tier:
    """A cache on disk.

    Args:
        folder: with the caches of all models; the bound is on all of them together.
        limit: bytes.
        margin: bytes of the disk that stay free.
        inside: the folder of this model as it is served, in `folder`.
        host: bytes of the host's memory that vLLM copies through, on each copy of the model.
    """

    folder: Path
    limit: int
    margin: int
    inside: Path
    host: int

    def janitor(self, served: Served, pid: int) -> subprocess.Popen[bytes] | None:
        """A process that holds the bound beside a server of that process; None for one that does not write here."""
        told = given(served, "--kv-transfer-config") or ""
        return start(self.folder, self.limit, self.margin, pid) if json.dumps(str(self.inside)) in told else None


def tiered(
    servers: Sequence[Served], model: Model, vllm: Vllm, folder: str | Path, gigabytes: float
) -> tuple[list[Served], Tier]:
    """The servers, of which the one that reads whole documents keeps its cache on disk, and that cache.

    The server that reads passages does not: a set of passages seldom comes twice.

    Raises:
        InputError: this vLLM cannot, or the folder, its disk or the host's memory does not do.
    """
    served = servers[-1]
    if given(served, "--kv-transfer-config") is not None:
        raise InputError("--cache-dir has no effect beside --kv-transfer-config, which says the same: leave one out.")
    _check_version(vllm)
    limit, place = round(gigabytes * GB), Path(folder).expanduser().absolute()
    window = kv_bytes(model.config, served.window, kept_bits(served))
    if limit < window:
        raise InputError(
            f"A cache of {gigabytes:g} GB does not hold one prompt of {served.window:,} tokens, which takes "
            f"{window / GB:.1f} GB: give --cache-gb {-int(-window // GB)} or more."
        )
    margin = _checked(place, limit, gigabytes)
    name = re.sub(r"[^\w.-]+", "_", served.name)
    inside = place / f"{name}-{fingerprint(served, model, vllm)}"
    tier = Tier(place, limit, margin, inside, _host(served, window))
    extra = (*served.extra, *flags(model.config, inside, tier.host))
    return [*servers[:-1], replace(served, extra=extra)], tier


@dataclass(frozen=True, slots=True)
class Kept:
    """What a cache on disk holds of a plan's documents, and how fast its disk has to be.

    Args:
        tokens: of documents; 0 for a model that keeps a state and no tokens.
        documents: that fill the window.
        host: bytes of the host's memory that they pass through.
        even: for each GPU the GB a second that loading such a document has to reach to be quicker than computing it.
    """

    tokens: int
    documents: int
    host: int
    even: tuple[tuple[str, float], ...]


def kept(plan: Plan, limit: int, bits: int) -> Kept:
    """What `limit` bytes hold of the documents of a plan, with keys and values of as many bits."""
    cache = next(cache for cache in plan.caches if cache.bits == bits)
    saved = [(q.label, q.cold.prefill - q.warm.prefill) for q in plan.questions]
    return Kept(
        tokens=int(limit * plan.context / cache.per_request) if cache.per_token else 0,
        documents=int(limit / cache.per_request),
        host=round(WINDOWS * cache.per_request),
        even=tuple((label, cache.per_request / GB / seconds) for label, seconds in saved if seconds > 0),
    )


def prepare(tier: Tier, about: str) -> None:
    """Make the folders, and hold the bound, before a server writes.

    Args:
        about: the command that serves, kept in the folder for people.

    Raises:
        InputError: they cannot be made, or what is too much cannot be deleted.
    """
    try:
        tier.inside.mkdir(parents=True, exist_ok=True)
        for file, text in ((tier.folder / MARK, _MARKED), (tier.inside / "served.txt", about + "\n")):
            write(file, text)
        tidy(tier.folder)
        failed = sweep(tier.folder, tier.limit, tier.margin).failed
    except OSError as error:
        raise InputError(f"Cannot make the cache in {tier.folder}: {error.strerror}.") from None
    if failed:
        raise InputError(f"The cache in {tier.folder} is over its bound and cannot be cut: {failed}.")


def flags(config: Config, folder: str | Path, host: int) -> tuple[str, str]:
    """vLLM's flag for a cache in `folder`, of which `host` bytes are in memory at once."""
    extra: dict[str, Any] = {
        "spec_name": "TieringOffloadingSpec",
        "cpu_bytes_to_use": host,
        "secondary_tiers": [{"type": "fs", "root_dir": str(folder)}],
    }
    if all(part.kind != "state" for part in layers(config)):  # with states vLLM's own blocks have odd sizes
        extra["block_size"] = CHUNK
    told = {
        "kv_connector": "OffloadingConnector",
        "kv_role": "kv_both",
        "kv_load_failure_policy": "recompute",  # else a block that is gone fails its request
        "kv_connector_extra_config": extra,
    }
    return "--kv-transfer-config", json.dumps(told)


def fingerprint(served: Served, model: Model, vllm: Vllm) -> str:
    """Twelve digits that differ where keys and values may: by weights, positions, precision, layout or their names.

    A model of the hub is known by its revision where its files are here; otherwise by its name.
    """
    kept = []
    for flag, value in _pairs(served.extra):
        kept += [] if flag in _HARMLESS else [[flag, value]]
    told = {
        "model": served.model,
        "config": model.config,
        "weights": _weights(served),
        "overrides": served.overrides,
        "flags": sorted(kept),
        "vllm": vllm.numbers,
        "gpu": re.sub(r"^\d+ ", "", gpu_here()),  # the layout of a block follows the GPU's kernels
        "seed": os.environ.get("PYTHONHASHSEED", SEED),
    }
    return sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _check_version(vllm: Vllm) -> None:
    if vllm.cpu:
        raise InputError("A cache on disk needs a GPU: vLLM's CPU build refuses it. Leave out --cache-dir.")
    if vllm.numbers < SINCE:
        raise InputError(
            f"A cache on disk needs vLLM {SINCE[0]}.{SINCE[1]} or later, and this is {vllm.version}: before, a file "
            "that was deleted to hold the bound made its request run for ever. Upgrade vLLM, or leave out --cache-dir."
        )


def _checked(folder: Path, limit: int, gigabytes: float) -> int:
    """The margin of a folder's disk, once the folder and the disk are found to do."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"The cache cannot be in {folder}, which is a file: name a folder with --cache-dir.")
    if folder.is_dir() and not (folder / MARK).exists() and any(folder.iterdir()):
        raise InputError(f"The folder {folder} holds other files: name an empty or a new one with --cache-dir.")
    above = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        raise InputError(
            f"The cache cannot be in {folder} ({error.strerror}): name another with --cache-dir."
        ) from None
    disk = shutil.disk_usage(above)
    margin = min(max(GB, disk.total // 50), 20 * GB)
    held = (
        sum(file.stat().st_blocks * 512 for file in folder.rglob("*.bin") if file.is_file()) if folder.is_dir() else 0
    )
    if limit > (room := disk.free + held - margin):
        raise InputError(
            f"A cache of {gigabytes:g} GB does not fit the disk of {folder}: {max(0, room) / GB:.1f} GB may be used "
            f"({disk.free / GB:.1f} free, {held / GB:.1f} held by the cache, {margin / GB:.1f} kept free). Give a "
            "lower --cache-gb, or another --cache-dir."
        )
    return margin


def _host(served: Served, window: float) -> int:
    """Bytes of the host's memory for a server's copies, as the user says or for two full windows."""
    said = given(served, "--kv-offloading-size")
    wanted = round(float(said) * GIB) if said else round(WINDOWS * window)
    free = shutil.disk_usage(SHARED).free // served.data_parallel if SHARED.is_dir() else wanted
    if free < window:
        raise InputError(
            f"The cache passes through {SHARED}, where {free / GB:.1f} GB are free for each copy of the model, and one "
            f"prompt of {served.window:,} tokens takes {window / GB:.1f} GB: make it larger (docker run --shm-size), "
            "or give a lower --context."
        )
    return wanted if said else min(wanted, max(round(window), free // 2))


def _weights(served: Served) -> object:
    """Names, sizes and times of a folder's weights, or the revision of the hub's that is here."""
    folder = Path(served.model)
    if folder.is_dir():
        return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in weight_files(folder)]
    with suppress(ImportError, OSError):
        from huggingface_hub.constants import HF_HUB_CACHE

        name = f"models--{served.model.replace('/', '--')}"
        ref = Path(HF_HUB_CACHE) / name / "refs" / (given(served, "--revision") or "main")
        return ref.read_text("ascii").strip()
    return ""


def _pairs(extra: Sequence[str]) -> list[tuple[str, str]]:
    """The flags that are passed on, each with the words up to the next."""
    found: list[tuple[str, str]] = []
    for word in extra:
        if word.startswith("--"):
            name, _, value = word.partition("=")
            found.append((name.replace("_", "-"), value))
        elif found:
            name, value = found[-1]
            found[-1] = (name, f"{value} {word}".strip())
    return found
