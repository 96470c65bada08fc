"""vLLM's servers: started one after another, verified, watched, and stopped together.

    with Servers([native, extended], find(), Path("logs")) as servers:
        servers.start()  # returns when every server reads its whole window
        servers.wait()   # until one ends, or Ctrl-C

A server is only said to be ready when its window was tried: YaRN overrides that an older or newer vLLM reads in
another way are accepted in silence, and a window that was not really extended answers with noise.
"""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, TextIO

from hybrid.errors import EngineError, InputError, MissingDependency, SettingsError
from hybrid.model.carried import hub_name
from hybrid.model.config import Model
from hybrid.model.extension import extend

OLDEST = (0, 26)  # the oldest vLLM tried; before 0.30 it takes YaRN's longest window from other keys, sent too
PER_REQUEST = (0, 32)  # vLLM since which it tells the timings of every request
TIMEOUT = 1800.0  # seconds to load a model; large ones take many minutes
GRACE = 20.0  # seconds that a server gets to end by itself
LAST_PORT = 65535
SMALLEST = 64  # tokens that a setting takes as a window
SHARE = "0.45"  # of a GPU's memory, for each of two servers on it
FILLER = "The quick brown fox jumps over the lazy dog, and nobody in the yard minds. "

Say = Callable[[str], None]

_BIND = "VLLM_CPU_OMP_THREADS_BIND"  # of CPU builds: the cores that a server's threads are bound to
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_OURS = {  # flags that the command writes itself -> what to do instead
    "--model": "name the model itself",
    "--served-model-name": "leave it out",
    "--host": "use --host before the --",
    "--port": "use --port before the --",
    "--max-model-len": "use --context",
    "--hf-overrides": "use --context: an override of one's own would replace the window's",
    "--tensor-parallel-size": "use --tensor-parallel",
    "--pipeline-parallel-size": "use --pipeline-parallel",
    "--data-parallel-size": "use --data-parallel",
    "--api-key": "put the key into the environment variable VLLM_API_KEY, which no list of processes shows",
}
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
class Served:
    """A model to serve, and how.

    Raises:
        SettingsError: the window is longer than the override has positions for, or an extra flag is one of ours.
    """

    model: str  # a folder or a hub name
    name: str  # under which it is served
    window: int  # tokens: --max-model-len
    overrides: Mapping[str, Any] = field(default_factory=dict)  # --hf-overrides
    host: str = "127.0.0.1"
    port: int = 8000
    extra: tuple[str, ...] = ()  # passed on to vLLM unchanged
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    data_parallel: int = 1
    devices: str = ""  # CUDA_VISIBLE_DEVICES; empty: as it is
    cores: str = ""  # of a CPU build, that its threads are bound to; empty: what vLLM chooses

    def __post_init__(self) -> None:
        for flag in (part.partition("=")[0].replace("_", "-") for part in self.extra if part.startswith("--")):
            if flag in _OURS:
                raise SettingsError(f"The flag {flag} is not passed on to vLLM: {_OURS[flag]}.")
        rows = _positions(self.overrides)
        if rows is not None and self.window > rows:
            raise SettingsError(
                f"A window of {self.window} tokens needs as many positions, but the override computes {rows} of them "
                "(original_max_position_embeddings times factor): raise the factor or lower the window."
            )

    @property
    def kind(self) -> str:
        """Which of two engines this is: extended or native."""
        return "extended" if self.overrides else "native"

    @property
    def reach(self) -> str:
        """The host under which this machine reaches the server."""
        return "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host

    @property
    def url(self) -> str:
        """The base URL for clients on this machine."""
        return f"http://{f'[{self.reach}]' if ':' in self.reach else self.reach}:{self.port}/v1"

    @property
    def gpus(self) -> int:
        """How many GPUs it takes."""
        return self.tensor_parallel * self.pipeline_parallel * self.data_parallel


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
        InputError: what was named is not vLLM, or is too old.
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
    if name != "vllm":  # such builds' `vllm serve` looks for the metadata of a package vllm, and stops
        start = (str(python), "-m", "vllm.entrypoints.openai.api_server", "--model")
    elif executable == python:
        start = (str(python), "-m", "vllm.entrypoints.cli.main", "serve")
    return Vllm(start, version, cpu="cpu" in name or "+cpu" in version)


def command(served: Served, vllm: Vllm) -> list[str]:
    """The command line that serves a model."""
    line = [*vllm.start, served.model, "--served-model-name", served.name]
    return [*line, "--host", served.host, "--port", str(served.port), *flags(served, vllm.numbers)]


def flags(served: Served, version: tuple[int, ...] = PER_REQUEST) -> list[str]:
    """What a server is told about the model's window, the GPUs and what it must report, whatever its address."""
    line = ["--max-model-len", str(served.window)]
    if served.overrides:
        line += ["--hf-overrides", json.dumps(served.overrides)]
    for size, flag in (
        (served.tensor_parallel, "--tensor-parallel-size"),
        (served.pipeline_parallel, "--pipeline-parallel-size"),
        (served.data_parallel, "--data-parallel-size"),
    ):
        line += [flag, str(size)] if size > 1 else []
    line += ["--enable-prefix-caching", "--enable-prompt-tokens-details"]  # or a cached token is neither there nor told
    if version >= PER_REQUEST:
        line += ["--enable-per-request-metrics"]
    return [*line, *served.extra]


def environment(served: Served, vllm: Vllm, servers: int = 1) -> dict[str, str]:
    """What a server's process is given on top of what this one has; what the user set is kept."""
    found = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "PYTHONSAFEPATH": "1"}  # no imports from the folder here
    if vllm.cpu and not os.environ.get("VLLM_CPU_KVCACHE_SPACE"):
        found["VLLM_CPU_KVCACHE_SPACE"] = str(_cache_space(servers))
    if served.devices:
        found["CUDA_VISIBLE_DEVICES"] = served.devices
    if served.cores:
        found[_BIND] = served.cores
    return found


def given(served: Served, flag: str) -> str | None:
    """The value of a flag that is passed on to vLLM, empty where it has none, None where it is not there."""
    for i, word in enumerate(served.extra):
        name, equals, value = word.partition("=")
        if name.replace("_", "-") == flag:
            following = served.extra[i + 1] if i + 1 < len(served.extra) else "--"
            return value if equals else "" if following.startswith("--") else following
    return None


def gpus() -> dict[str, float]:
    """The GPUs that may be used, as CUDA_VISIBLE_DEVICES names them, with their memory in GiB (0 where unknown)."""
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
    """The CPUs to share among servers, one of each physical core; none where nothing can be bound, or the user did."""
    if os.environ.get(_BIND) or not hasattr(os, "sched_getaffinity"):
        return []
    found: dict[str, int] = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        same = str(cpu)
        with suppress(OSError):
            same = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text("ascii").strip()
        found.setdefault(same, cpu)
    return list(found.values())


def place(servers: Sequence[Served], devices: Sequence[str], cpus: Sequence[int] = ()) -> tuple[list[Served], str]:
    """The servers on GPUs of their own where there are enough, otherwise sharing memory; and what was done.

    Left alone, every server would take the first GPUs, and nearly all of their memory. CPU builds are given `cpus`, and
    each its own: they would all take the same ones, where a server asked second waits for the first, whose threads go
    on spinning for a second after each request.
    """
    placed = list(servers)
    if len(placed) > 1 and len(cpus) >= len(placed) and all(s.gpus == 1 for s in placed):
        each = len(cpus) // len(placed)
        for i, s in enumerate(placed):
            placed[i] = replace(s, cores=",".join(map(str, cpus[i * each : (i + 1) * each])))
        return placed, "each server has CPU cores of its own: " + " and ".join(s.cores for s in placed)
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
    shared = [replace(s, extra=(*s.extra, "--gpu-memory-utilization", SHARE)) for s in placed]
    which = ", ".join(devices)
    return shared, f"the servers share the memory of GPU {which}: --gpu-memory-utilization {SHARE} each"


def plan(
    known: Model,
    model: str,
    context: int | None = None,
    *,
    only: str | None = None,
    name: str | None = None,
    port: int = 8000,
    **how: Any,
) -> tuple[list[Served], list[str]]:
    """The servers for a model and a context, the native one first, and what the user should know about them.

    Args:
        model: the folder or hub name that `known` was read from.
        context: tokens to read at once; None for what the model comes with.
        only: `native` or `extended` for one server instead of two.
        name: under which it is served; None for the folder's or the hub's.
        port: of the first; the second takes the next.
        how: further fields of `Served`, the same for both.

    Raises:
        InputError: the context is too small, or has no effect with `only`, or the model cannot be split as `how` says.
    """
    from hybrid.serving.plan import check_split

    check_split(known, how.get("tensor_parallel", 1), how.get("pipeline_parallel", 1))
    native = extend(known.config, 1).native
    context = native if context is None else context
    long = extend(known.config, context)
    folder = Path(model).expanduser()
    served_as = str(folder.resolve()) if folder.is_dir() else hub_name(model)
    if context < SMALLEST:
        raise InputError(f"A window of {context} tokens is too small to serve: give --context, {SMALLEST} or more.")
    if only == "extended" and not long.overrides:
        raise InputError(
            f"{model} reads {native:,} tokens as it is, so a context of {context:,} needs no extended server: ask for "
            "a longer --context or leave out --only extended."
        )
    if only == "native" and context > native:
        raise InputError(
            f"The native server of {model} reads {native:,} tokens, so a context of {context:,} has no effect: leave "
            "out --only native or --context."
        )
    windows: list[tuple[int, Mapping[str, Any]]] = []
    if only != "extended":
        windows.append((native if long.overrides else long.window, {}))
    if only != "native" and long.overrides:
        windows.append((long.window, long.overrides))
    if port + len(windows) - 1 > LAST_PORT:
        raise InputError(f"The second server takes the port after {port}, and there is none: give a lower --port.")
    shown = name or (Path(served_as).name if folder.is_dir() else served_as)
    served = [
        Served(served_as, shown, window, overrides, port=port + i, **how)
        for i, (window, overrides) in enumerate(windows)
    ]
    return served, list(long.warnings) if only != "native" else []


def check_memory(served: Served, model: Model, devices: Mapping[str, float]) -> None:
    """Raise InputError where the GPUs cannot hold the weights and one request, before minutes of loading.

    What the check cannot know (other machines, weights kept elsewhere or in fewer bits) is left to vLLM.
    """
    from hybrid.model.quantization import size_of
    from hybrid.serving.plan import UTILIZATION, WORKSPACE, fit, refusal

    own = served.devices.split(",") if served.devices else list(devices)
    elsewhere = ("--distributed-executor-backend", "--nnodes", "--data-parallel-size-local", "--cpu-offload-gb")
    if not own or any(given(served, flag) is not None for flag in (*elsewhere, "--quantization")):
        return
    if served.gpus > len(own):
        raise InputError(
            f"The {served.kind} server wants {served.gpus} GPUs and {len(own)} may be used: lower --tensor-parallel, "
            "--pipeline-parallel or --data-parallel, or pass on how vLLM reaches other machines."
        )
    memory = min(devices.get(name, 0.0) for name in own)
    kept = given(served, "--kv-cache-dtype") or ""
    found = fit(
        "",
        memory,
        model,
        served.window,
        weight_bytes=size_of(model),
        bits=8 if kept.startswith("fp8") else 4 if "4" in kept else 16,
        tensor=served.tensor_parallel,
        pipeline=served.pipeline_parallel,
        copies=served.data_parallel,
        utilization=float(given(served, "--gpu-memory-utilization") or UTILIZATION),
    )
    if memory and found.missing > WORKSPACE:  # by less it may fit: what the engine needs beside them is a guess
        raise InputError(refusal(found, served.window))


class Servers:
    """Servers that live as long as a `with` block, SIGTERM and SIGHUP included; all of them, or none.

    Args:
        served: what to serve; started in this order, one after another, because two that load at once measure each
            other's memory and starve each other of a CPU.
        vllm: what serves it.
        logs: a folder for one log file each, named after kind and port.
        timeout: seconds for each to become ready.
        follow: where the logs' lines are copied to, each with its server's kind in front.
        say: told what happens.
        show: told several times a second what is going on, for a line that is overwritten.
        probe: whether to try each whole window with a prompt of that length, which takes as long as reading it does.
    """

    def __init__(
        self,
        served: Sequence[Served],
        vllm: Vllm,
        logs: Path,
        *,
        timeout: float = TIMEOUT,
        follow: TextIO | None = None,
        say: Say = lambda text: None,
        show: Say = lambda text: None,
        probe: bool = True,
    ) -> None:
        self.served = tuple(served)
        self._vllm, self._logs, self._timeout = vllm, logs, timeout
        self._follow, self._say, self._show, self._probe = follow, say, show, probe
        self._running: list[_Running] = []
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Servers:
        if threading.current_thread() is threading.main_thread():
            for sign in _SIGNALS[1:]:
                self._handlers[sign] = signal.signal(sign, _interrupt)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.stop()
        finally:
            for sign, handler in self._handlers.items():
                signal.signal(sign, handler)

    def start(self) -> None:
        """Start every server and wait until it has proved its window.

        Raises:
            InputError: a port is taken; nothing was started.
            EngineError: a server ended, did not become ready in time, or does not read what it should.
        """
        for served in self.served:
            check_port(served)
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"Cannot make the folder {self._logs} for logs: {error.strerror}.") from None
        for served in self.served:
            begun = time.monotonic()
            one = self._launch(served)
            self._await(one, begun + self._timeout)
            self._say(f"{served.kind}: loaded after {time.monotonic() - begun:.0f} s; trying its window")
            self._verify(one, begun + self._timeout)
            self._say(f"{served.kind}: ready after {time.monotonic() - begun:.0f} s at {served.url}")

    def wait(self) -> None:
        """Follow the servers until one ends, which is an error."""
        while True:
            for one in self._running:
                one.copy(self._follow)
                if one.process.poll() is not None:
                    raise EngineError(one.ended())
            time.sleep(0.5)

    def check(self) -> None:
        """Raise EngineError if a server has ended or no longer answers; quick where all are well."""
        for one in self._running:
            if _healthy(one.served):
                continue
            with suppress(subprocess.TimeoutExpired):  # its connections are closed before the process ends
                one.process.wait(timeout=GRACE / 4)
            if one.process.poll() is not None:
                raise EngineError(one.ended())
            if not _healthy(one.served):
                raise EngineError(f"The {one.served.kind} server does not answer any more: see its log {one.log}")

    def stop(self) -> None:
        """End all servers and whatever they started: politely, then by force."""
        with _undisturbed():
            running, self._running = self._running, []
            for one in running:
                one.signal(signal.SIGTERM)
            _until(lambda: all(one.process.poll() is not None for one in running), GRACE)
            _until(lambda: not any(one.left() for one in running), GRACE / 10)
            for one in running:
                one.signal(signal.SIGKILL)
                one.process.wait()
                one.copy(self._follow)
            _until(lambda: not any(one.left() for one in running), GRACE / 10)

    def _launch(self, served: Served) -> _Running:
        log = self._logs / f"{served.kind}-{served.port}.log"
        line = command(served, self._vllm)
        self._say(f"{served.kind}: {shlex.join(line)}")
        self._say(f"{served.kind}: its log is {log}")
        extra = environment(served, self._vllm, len(self.served))
        with log.open("wb") as output, _undisturbed() as caught:  # between start and record it would be left running
            try:
                process = subprocess.Popen(
                    line,
                    env={**os.environ, **extra},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # a process group of its own, which is stopped as a whole
                )
            except OSError as error:
                raise EngineError(f"Cannot start {line[0]}: {error.strerror or error}.") from None
            one = _Running(served, process, log)
            self._running.append(one)
        if caught:
            raise KeyboardInterrupt
        return one

    def _await(self, one: _Running, deadline: float) -> None:
        while True:
            self._watch(one)
            if _healthy(one.served, 5.0):
                return
            if time.monotonic() > deadline:
                raise EngineError(
                    f"The {one.served.kind} server was not ready after {self._timeout:g} s: allow more with --timeout, "
                    f"or see its log {one.log}"
                )
            time.sleep(0.3)

    def _watch(self, awaited: _Running) -> None:
        for one in self._running:
            one.copy(self._follow)
            if one.process.poll() is not None:
                raise EngineError(one.ended())
        self._show(f"{awaited.served.kind}: {awaited.last}")

    def _verify(self, one: _Running, deadline: float) -> None:
        try:
            verify(one.served)
            if self._probe:
                probe(one.served, max(deadline - time.monotonic(), 60.0))
        except (OSError, HTTPException) as error:
            with suppress(subprocess.TimeoutExpired):  # a crash closes the connection before the process ends
                one.process.wait(timeout=5)
            if one.process.poll() is not None:
                raise EngineError(one.ended()) from None
            reason = "it took too long" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
            raise EngineError(
                f"The {one.served.kind} server did not answer a prompt as long as its window of {one.served.window} "
                f"tokens ({reason}): allow more time with --timeout, or see its log {one.log}"
            ) from None


def check_port(served: Served) -> None:
    """Raise InputError if the server's port cannot be taken.

    vLLM itself would share a taken port with another vLLM, and requests would reach either.
    """
    family = socket.AF_INET6 if ":" in served.host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that are only fading do not matter
        try:
            trial.bind((served.host, served.port))
        except (OSError, OverflowError) as error:
            reason = str(getattr(error, "strerror", None) or error).rstrip(".")
            raise InputError(
                f"The {served.kind} server cannot have port {served.port} of {served.host} ({reason}): choose another "
                "with --port, or end what uses it."
            ) from None


def verify(served: Served) -> None:
    """Raise EngineError unless the server's window is the planned one."""
    status, told = _http(served, "POST", "/tokenize", {"model": served.name, "prompt": "a"})
    window = told.get("max_model_len") if status == 200 else None
    if window is None:
        raise EngineError(f"The {served.kind} server does not tell its window ({status}: {_words(told)}).")
    if window != served.window:
        raise EngineError(
            f"The {served.kind} server reads {window} tokens where {served.window} were planned: this vLLM understood "
            "the override in another way, or a flag that was passed on changed it."
        )


def probe(served: Served, timeout: float = TIMEOUT) -> None:
    """Read a prompt as long as the window, and one token more, which has to be refused.

    Raises:
        EngineError: the long prompt is not read whole, its positions are not computed, or the longer one is taken.
    """
    told = _http(served, "POST", "/tokenize", {"model": served.name, "prompt": FILLER, "add_special_tokens": False})[1]
    filler = told["tokens"]
    tokens = (filler * (served.window // len(filler) + 1))[: served.window]  # sent as tokens, so the length is exact
    where = f"The {served.kind} server"
    status, reply = _complete(served, tokens[:-1], timeout)
    nothing = EngineError(
        f"{where} computes nothing at the end of its window of {served.window} tokens (a log-probability that is not a "
        "number): the override gives fewer positions than that."
    )
    if status != 200 and "not JSON compliant" in _words(reply):  # so vLLM 0.32 says NaN, which JSON cannot
        raise nothing
    if status != 200:
        raise EngineError(f"{where} does not read {len(tokens) - 1} tokens ({status}: {_words(reply)}).")
    read = (reply.get("usage") or {}).get("prompt_tokens")
    if read != len(tokens) - 1:
        raise EngineError(f"{where} read {read} tokens of a prompt of {len(tokens) - 1}.")
    logprobs = ((reply["choices"][0].get("logprobs") or {}).get("token_logprobs")) or [None]
    if logprobs[0] is None or not math.isfinite(logprobs[0]):
        raise nothing
    status, reply = _complete(served, tokens, timeout)
    if status != 400:
        raise EngineError(f"{where} took a prompt one token longer than its window of {served.window} ({status}).")


def reason(log: str) -> str:
    """Why a server ended, from its log: the first cause among its exceptions, otherwise its last line."""
    lines = [_plain(line) for line in log.splitlines()]
    lines = [line for line in lines if line.strip() and not _NOISE.search(line)]
    causes: list[str] = []
    for i, line in enumerate(lines):
        found = _RAISED.match(line)
        if found is None:
            continue
        message = found[1].strip()
        if "validation error" in message and i + 1 < len(lines):  # pydantic puts the message on the next line
            message = lines[i + 1].strip().removeprefix("Value error, ").partition(" [type=")[0]
        if not _ECHO.match(message) and message not in causes:
            causes.append(message)
    words = causes[-1] if causes else lines[-1].strip() if lines else "its log is empty"
    return re.split(r"(?<=[.!?])\s+(?=[A-Z])", words)[0][:400].rstrip(". ")


@dataclass(slots=True)
class _Running:
    """A server's process and its log."""

    served: Served
    process: subprocess.Popen[bytes]
    log: Path
    copied: int = 0  # bytes of the log
    last: str = "starting"

    def ended(self) -> str:
        """The sentence about a server that ended."""
        code = self.process.returncode
        why = reason(self.log.read_text("utf-8", "replace"))
        if code == -signal.SIGKILL:
            why = f"it was killed, as the system does when memory runs out; its last words: {why}"
        return f"The {self.served.kind} server ended with code {code}: {why}. Its log is {self.log}"

    def copy(self, to: TextIO | None) -> None:
        """Copy the lines that the log has grown by."""
        with self.log.open("rb") as file:
            file.seek(self.copied)
            new, newline, _ = file.read().rpartition(b"\n")
        self.copied += len(new) + len(newline)
        for line in new.decode("utf-8", "replace").splitlines():
            self.last = _plain(line).strip() or self.last
            if to is not None:
                print(f"{self.served.kind} | {line}", file=to, flush=True)

    def left(self) -> bool:
        """Whether anything in its process group runs; what has ended and was not yet collected does not count."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
                if int(group) == self.process.pid and state not in "ZX":
                    return True
        return False

    def signal(self, sign: signal.Signals) -> None:
        """Send a signal to the whole group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, sign)


_RAISED = re.compile(r"(?:[\w.]+\.)?(?:\w*(?:Error|Exception)|[\w. -]+: error): (.+)")
_NOISE = re.compile(r"leaked|nanobind|warnings\.warn")  # printed by every vLLM that ends
_ECHO = re.compile(r"(?:Engine core|WorkerProc) initialization failed")  # what follows from a cause
_LOGGED = re.compile(
    r"(?:\x1b\[[\d;]*m)*(?:\([^()]*pid=\d+\)\s?)?(?:\x1b\[[\d;]*m)*"  # (EngineCore pid=1)
    r"(?:(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d [\d:]+ \[[^\]]*\]\s?)?"  # ERROR 01-31 12:00:00 [core.py:1]
)


def _plain(line: str) -> str:
    return _LOGGED.sub("", line, count=1)


def _positions(overrides: Mapping[str, Any]) -> int | None:
    """Positions that an override by YaRN computes, None where it says nothing about them."""
    rope = overrides.get("rope_parameters")
    if not isinstance(rope, Mapping):
        inner = [_positions(value) for value in overrides.values() if isinstance(value, Mapping)]
        return next((rows for rows in inner if rows is not None), None)
    if rope.get("rope_type") != "yarn" or "original_max_position_embeddings" not in rope:
        return None
    return math.ceil(float(rope["original_max_position_embeddings"]) * float(rope.get("factor", 1.0)))


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


def _complete(served: Served, tokens: list[int], timeout: float) -> tuple[int, Any]:
    body = {"model": served.name, "prompt": tokens, "max_tokens": 1, "logprobs": 1, "temperature": 0}
    return _http(served, "POST", "/v1/completions", body, timeout)


def _healthy(served: Served, timeout: float = 30.0) -> bool:
    try:
        return _http(served, "GET", "/health", timeout=timeout)[0] == 200
    except (OSError, HTTPException):
        return False


def _http(served: Served, method: str, path: str, body: Any = None, timeout: float = 60.0) -> tuple[int, Any]:
    """Status and JSON of one request, past any proxy."""
    connection = HTTPConnection(served.reach, served.port, timeout=timeout)
    key = os.environ.get("VLLM_API_KEY")
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = connection.getresponse()
        data = reply.read()
    finally:
        connection.close()
    try:
        return reply.status, json.loads(data) if data else {}
    except ValueError:
        return reply.status, {"message": data.decode("utf-8", "replace")}


def _words(reply: Any) -> str:
    """What a server said went wrong."""
    error = reply.get("error", reply) if isinstance(reply, Mapping) else reply
    words = error.get("message", error) if isinstance(error, Mapping) else error
    return " ".join(str(words).split())[:300].rstrip(".")


def _until(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)


def _interrupt(sign: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _undisturbed() -> Iterator[list[int]]:
    """Holds back Ctrl-C and its like for the length of a block; the signals that came are in the list."""
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # only there do they raise
        yield caught
        return
    handlers = {sign: signal.signal(sign, lambda sign, frame: caught.append(sign)) for sign in _SIGNALS}
    try:
        yield caught
    finally:
        for sign, handler in handlers.items():
            signal.signal(sign, handler)
