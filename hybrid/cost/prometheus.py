"""The counters of a vLLM server between two moments: tokens, and seconds by phase.

    before = Counters.read(url, "llama")
    ...
    counted = Counters.read(url, "llama") - before

The server counts the requests of every client, each when it has ended. Only calibration and evaluation need it.
"""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from urllib.parse import urlsplit

from hybrid.settings.address import credentials, shown

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|Inf|NaN)"
_SAMPLE = re.compile(
    rf'([a-zA-Z_:][\w:]*)(?:\{{((?:[^"}}]|"(?:[^"\\]|\\.)*")*)\}})?[ \t]+({_NUMBER})(?:[ \t]+-?\d+)?', re.ASCII
)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPE, _PLAIN = re.compile(r'\\([\\"n])'), {"\\": "\\", '"': '"', "n": "\n"}
_STARTED = "vllm:prompt_tokens_created"  # seconds since 1970; a restart changes it


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of the requests that ended."""

    seconds: float  # of all of them together
    requests: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What a server did between two readings.

    A figure that the server does not count is None. If the readings cannot be compared all are, and `why` says why.
    """

    prompt_tokens: int | None = None  # cached tokens included
    cached_tokens: int | None = None
    generated_tokens: int | None = None
    preemptions: int | None = None  # requests that were put back and computed again
    queue: Phase | None = None  # until scheduled
    prefill: Phase | None = None  # from there to the first token
    decode: Phase | None = None  # from there to the last token
    first_token: Phase | None = None  # from arrival to the first token
    why: str = ""


@dataclass(frozen=True, slots=True)
class Counters:
    """A server's counters at one moment, of one model, summed over its engines. Nothing here raises."""

    model: str = ""
    values: Mapping[str, float] = field(default_factory=dict)  # by the series' name
    why: str = ""  # why there are none
    capacity: int | None = None  # tokens that the caches of its engines hold in memory; None if it does not tell

    @property
    def started(self) -> str:
        """When the server was started, in seconds since 1970; empty if it does not tell."""
        told = self.values.get(_STARTED)
        return "" if told is None else f"{told:.3f}"

    @classmethod
    def read(cls, url: str, model: str | None = None, timeout: float = 5.0) -> Counters:
        """The counters now, from `/metrics` beside the base URL `/v1`.

        Args:
            model: its name on the server; None: the only one there.
            timeout: seconds without a sign of life.
        """
        base = url.strip().rstrip("/").removesuffix("/chat/completions")
        address = re.sub(r"/v\d+$", "", shown(base)) + "/metrics"
        try:
            asked = urllib.request.Request(address, headers=dict(credentials(base)))
            with _opener(address).open(asked, timeout=timeout) as reply:
                text = reply.read().decode()
        except (OSError, HTTPException, ValueError) as error:
            return cls(why=f"{address} cannot be read ({getattr(error, 'reason', error)})")
        found = cls.parse(text, model)
        return found if found.why else replace(found, capacity=_capacity(text))

    @classmethod
    def parse(cls, text: str, model: str | None = None) -> Counters:
        """The counters in what `/metrics` answered."""
        try:
            told = [sample for sample in samples(text) if sample[0].startswith("vllm:") and "model_name" in sample[1]]
        except ValueError as error:
            return cls(why=str(error))
        models = sorted({labels["model_name"] for _, labels, _ in told})
        if model not in models and (model is not None or len(models) != 1):
            wanted = "several models" if model is None and models else f"no counters of {model or 'a model'}"
            return cls(why=f"the server has {wanted}; it serves: {', '.join(models) or 'nothing that vLLM counts'}")
        model = models[0] if model is None else model
        values: dict[str, float] = {}
        for name, labels, value in told:
            if labels["model_name"] == model:
                values[name] = values.get(name, 0.0) + value
        return cls(model, values)

    def __sub__(self, earlier: Counters) -> Counted:
        """What the server did since `earlier`."""
        if self.why or earlier.why:
            return Counted(why=self.why or earlier.why)
        if self.model != earlier.model:
            return Counted(why=f"one reading is of {earlier.model}, the other of {self.model}")
        if self.values.get(_STARTED) != earlier.values.get(_STARTED):
            return Counted(why="the server was restarted between the readings")
        lost: list[str] = []

        def grown(name: str) -> float | None:
            now, then = self.values.get(f"vllm:{name}"), earlier.values.get(f"vllm:{name}")
            if now is None or then is None:
                return None
            lost.extend([name] if now < then else [])
            return now - then

        def count(name: str) -> int | None:
            by = grown(f"{name}_total")
            return None if by is None else round(by)

        def phase(name: str) -> Phase | None:
            seconds, requests = grown(f"{name}_sum"), grown(f"{name}_count")
            return None if seconds is None or requests is None else Phase(seconds, round(requests))

        counted = Counted(
            prompt_tokens=count("prompt_tokens"),
            cached_tokens=count("prompt_tokens_cached"),
            generated_tokens=count("generation_tokens"),
            preemptions=count("num_preemptions"),
            queue=phase("request_queue_time_seconds"),
            prefill=phase("request_prefill_time_seconds"),
            decode=phase("request_decode_time_seconds"),
            first_token=phase("time_to_first_token_seconds"),
        )
        return Counted(why=f"vllm:{lost[0]} went backwards, as after a restart") if lost else counted


def _opener(address: str) -> urllib.request.OpenerDirector:
    """An opener that uses the environment's proxy for other machines only."""
    local = urlsplit(address).hostname in ("localhost", "127.0.0.1", "::1")
    return urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if local else []))


def _capacity(text: str) -> int | None:
    """Tokens of the blocks that the engines say they have."""
    told = 0
    for name, labels, _ in samples(text):
        if name == "vllm:cache_config_info":
            sizes = [labels.get(key, "") for key in ("num_gpu_blocks", "block_size")]
            told += int(sizes[0]) * int(sizes[1]) if all(size.isdigit() for size in sizes) else 0
    return told or None


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Name, labels and value of every sample in Prometheus' text format.

    Raises:
        ValueError: it is another format.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _SAMPLE.fullmatch(line.strip())
        if found is None:
            raise ValueError(f"what was read is not Prometheus' text format (line {number})")
        labels = {name: _ESCAPE.sub(lambda m: _PLAIN[m[1]], told) for name, told in _LABEL.findall(found[2] or "")}
        yield found[1], labels, float(found[3])
