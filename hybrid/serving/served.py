"""A model to serve, and the flags that tell vLLM how."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hybrid.errors import SettingsError

PER_REQUEST = (0, 32)  # the first vLLM that reports the timings of every request
_OURS = {  # flags that `command` writes itself -> what to do instead
    "--model": "name the model itself",
    "--served-model-name": "leave it out",
    "--host": "use --host before the --",
    "--port": "use --port before the --",
    "--max-model-len": "use --context",
    "--hf-overrides": "use --context: your override would replace that of the window",
    "--tensor-parallel-size": "use --tensor-parallel",
    "--pipeline-parallel-size": "use --pipeline-parallel",
    "--data-parallel-size": "use --data-parallel",
    "--api-key": "put the key into the environment variable VLLM_API_KEY, which no list of processes shows",
}


@dataclass(frozen=True, slots=True)
class Served:
    """A model to serve, and how.

    Raises:
        SettingsError: the window is longer than the override has positions for, or an extra flag is one of ours.
    """

    model: str  # a folder or a hub name
    name: str  # to serve it under
    window: int  # tokens: --max-model-len
    overrides: Mapping[str, Any] = field(default_factory=dict)  # --hf-overrides
    host: str = "127.0.0.1"
    port: int = 8000
    extra: tuple[str, ...] = ()  # passed on to vLLM unchanged
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    data_parallel: int = 1
    devices: str = ""  # CUDA_VISIBLE_DEVICES; empty: as it is
    label: str = ""  # what sets it apart from others of its kind
    cores: str = ""  # that a CPU build binds its threads to; empty: vLLM chooses

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
    def title(self) -> str:
        """What it is called where something is told of it."""
        return f"{self.kind} server {self.label}".rstrip()

    @property
    def tag(self) -> str:
        """The same, short."""
        return f"{self.kind} {self.label}".rstrip()

    @property
    def reach(self) -> str:
        """The host under which this machine reaches the server."""
        return address(self.host, self.port)[0]

    @property
    def url(self) -> str:
        """The base URL for clients on this machine."""
        return address(self.host, self.port)[1]

    @property
    def gpus(self) -> int:
        """How many GPUs it takes."""
        return self.tensor_parallel * self.pipeline_parallel * self.data_parallel


def address(host: str, port: int) -> tuple[str, str]:
    """The host under which this machine reaches what listens at an address, and its base URL for clients here."""
    reach = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host
    return reach, f"http://{f'[{reach}]' if ':' in reach else reach}:{port}/v1"


def flags(served: Served, version: tuple[int, ...] = PER_REQUEST) -> list[str]:
    """The flags for the model's window, the GPUs and the server's reports; none for its address."""
    line = ["--max-model-len", str(served.window)]
    if served.overrides:
        line += ["--hf-overrides", json.dumps(served.overrides)]
    for size, flag in (
        (served.tensor_parallel, "--tensor-parallel-size"),
        (served.pipeline_parallel, "--pipeline-parallel-size"),
        (served.data_parallel, "--data-parallel-size"),
    ):
        line += [flag, str(size)] if size > 1 else []
    line += ["--enable-prefix-caching", "--enable-prompt-tokens-details"]  # without them nothing is cached, or reported
    if version >= PER_REQUEST:
        line += ["--enable-per-request-metrics"]
    return [*line, *served.extra]


def given(served: Served, flag: str) -> str | None:
    """The value of a flag that is passed on to vLLM: empty if it has none, None if the flag is not given."""
    for i, word in enumerate(served.extra):
        name, equals, value = word.partition("=")
        if name.replace("_", "-") == flag:
            following = served.extra[i + 1] if i + 1 < len(served.extra) else "--"
            return value if equals else "" if following.startswith("--") else following
    return None


def kept_bits(served: Served) -> int:
    """Bits of a cached key or value, by the flags that are passed on."""
    kept = given(served, "--kv-cache-dtype") or ""
    return 8 if kept.startswith("fp8") else 4 if "4" in kept else 16


def _positions(overrides: Mapping[str, Any]) -> int | None:
    """The positions that a YaRN override computes; None if it says nothing about them."""
    rope = overrides.get("rope_parameters")
    if not isinstance(rope, Mapping):
        inner = [_positions(value) for value in overrides.values() if isinstance(value, Mapping)]
        return next((rows for rows in inner if rows is not None), None)
    if rope.get("rope_type") != "yarn" or "original_max_position_embeddings" not in rope:
        return None
    return math.ceil(float(rope["original_max_position_embeddings"]) * float(rope.get("factor", 1.0)))
