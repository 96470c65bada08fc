"""The GPUs or CPU cores that each server runs on, and whether they hold it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from hybrid.errors import InputError
from hybrid.model.config import Model
from hybrid.model.quantization import size_of
from hybrid.serving.memory import UTILIZATION, WORKSPACE, Split, fit, refusal
from hybrid.serving.served import Served, given, kept_bits
from hybrid.serving.vllm import BIND

SHARE = 0.9  # of a GPU's memory, for all servers on it together


def gpus() -> dict[str, float]:
    """The usable GPUs, as CUDA_VISIBLE_DEVICES names them, with their memory in GiB (0: unknown)."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    memory: dict[str, float] = {}
    listed: list[str] = []
    if shutil.which("nvidia-smi") is not None:
        query = ["nvidia-smi", "--query-gpu=index,uuid,memory.total", "--format=csv,noheader,nounits"]
        with suppress(OSError, ValueError, subprocess.SubprocessError):
            told = subprocess.run(query, capture_output=True, text=True, timeout=30)
            for line in told.stdout.splitlines():
                index, uuid, size = (part.strip() for part in line.split(","))
                listed.append(index)
                memory[index] = memory[uuid] = float(size) / 1024 if size.replace(".", "").isdigit() else 0.0
    if visible is not None:
        listed = [part.strip() for part in visible.split(",") if part.strip() not in ("", "-1")]
    return {name: memory.get(name, 0.0) for name in listed}


def cores() -> list[int]:
    """The CPUs to share among servers, one of each core; none if the user bound them, or the system cannot."""
    if os.environ.get(BIND) or not hasattr(os, "sched_getaffinity"):
        return []
    found: dict[str, int] = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        same = str(cpu)
        with suppress(OSError):
            same = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text("ascii").strip()
        found.setdefault(same, cpu)
    return list(found.values())


def place(servers: Sequence[Served], devices: Sequence[str], cpus: Sequence[int] = ()) -> tuple[list[Served], str]:
    """The servers on GPUs of their own if there are enough, else sharing memory; and a note that says which.

    By itself every server takes the first GPUs, and nearly all of their memory. CPU builds get `cpus`, each its own: by
    themselves they take the same ones, and the second server waits for the first, whose threads spin on for a second
    after each request.
    """
    placed = list(servers)
    if len(placed) > 1 and len(cpus) >= len(placed) and all(s.gpus == 1 for s in placed):
        each = len(cpus) // len(placed)
        for i, s in enumerate(placed):
            placed[i] = replace(s, cores=",".join(map(str, cpus[i * each : (i + 1) * each])))
        return placed, "each server has CPU cores of its own: " + " and ".join(s.cores for s in placed)
    if len(placed) > len(cpus) > 0 and all(s.gpus == 1 for s in placed):  # all threads of each on one core, in turn
        placed = [replace(s, cores=str(cpus[i % len(cpus)])) for i, s in enumerate(placed)]
        return placed, f"{len(placed)} servers share {len(cpus)} CPU cores, one for each"
    if len(placed) < 2 or not devices or any("ray" in s.extra for s in placed):  # Ray places by itself
        return placed, ""
    if sum(s.gpus for s in placed) <= len(devices):
        at = 0
        for i, s in enumerate(placed):
            placed[i] = replace(s, devices=",".join(devices[at : at + s.gpus]))
            at += s.gpus
        return placed, "each server has GPUs of its own: " + " and ".join(s.devices for s in placed)
    if any(given(s, "--gpu-memory-utilization") is not None for s in placed):
        return placed, ""
    each_has = f"{SHARE / len(placed):.3g}"
    shared = [replace(s, extra=(*s.extra, "--gpu-memory-utilization", each_has)) for s in placed]
    which = ", ".join(devices)
    return shared, f"the servers share the memory of GPU {which}: --gpu-memory-utilization {each_has} each"


def check_memory(served: Served, model: Model, devices: Mapping[str, float]) -> None:
    """Raise InputError if the GPUs cannot hold the weights and one request, before minutes of loading.

    vLLM itself judges the cases that are unknown here: other machines, weights kept elsewhere or in fewer bits.
    """
    own = served.devices.split(",") if served.devices else list(devices)
    elsewhere = ("--distributed-executor-backend", "--nnodes", "--data-parallel-size-local", "--cpu-offload-gb")
    if not own or any(given(served, flag) is not None for flag in (*elsewhere, "--quantization")):
        return
    if served.gpus > len(own):
        raise InputError(
            f"The {served.title} wants {served.gpus} GPUs and {len(own)} may be used: lower --tensor-parallel, "
            "--pipeline-parallel or --data-parallel, or pass on how vLLM reaches other machines."
        )
    memory = min(devices.get(name, 0.0) for name in own)
    found = fit(
        "",
        memory,
        model,
        served.window,
        Split(served.tensor_parallel, served.pipeline_parallel, served.data_parallel),
        weight_bytes=size_of(model),
        bits=kept_bits(served),
        utilization=float(given(served, "--gpu-memory-utilization") or UTILIZATION),
    )
    if memory and found.missing > WORKSPACE:  # by less it may fit: the workspace is a guess
        raise InputError(refusal(found, served.window))
