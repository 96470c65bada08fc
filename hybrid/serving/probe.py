"""A trial over HTTP whether a server reads its whole window.

Versions of vLLM read YaRN overrides in different ways, and none complains: a window that was not really extended
answers with noise.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any, Protocol

from hybrid.errors import EngineError
from hybrid.serving.served import Served

TIMEOUT = 1800.0  # seconds to load a model; large ones take many minutes
FILLER = "The quick brown fox jumps over the lazy dog, and nobody in the yard minds. "


class Reached(Protocol):
    """What listens at an address and serves a model: a server, or a router in front of some."""

    @property
    def name(self) -> str:
        """The model's name there."""

    @property
    def window(self) -> int:
        """Tokens that it should read."""

    @property
    def title(self) -> str:
        """What it is called where something is told of it."""

    @property
    def tag(self) -> str:
        """The same, short."""

    @property
    def url(self) -> str:
        """The base URL for clients on this machine."""

    @property
    def reach(self) -> str:
        """The host under which this machine reaches it."""

    @property
    def port(self) -> int:
        """Its port."""


def verify(served: Reached) -> None:
    """Raise EngineError unless the server's window is the planned one."""
    status, told = _http(served, "POST", "/tokenize", {"model": served.name, "prompt": "a"})
    window = told.get("max_model_len") if status == 200 else None
    if window is None:
        raise EngineError(f"The {served.title} does not tell its window ({status}: {_words(told)}).")
    if window != served.window:
        raise EngineError(
            f"The {served.title} reads {window} tokens where {served.window} were planned: this vLLM understood "
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
    where = f"The {served.title}"
    status, reply = _complete(served, tokens[:-1], timeout)
    nothing = EngineError(
        f"{where} computes nothing at the end of its window of {served.window} tokens (a log-probability that is not a "
        "number): the override gives fewer positions than that."
    )
    if status != 200 and "not JSON compliant" in _words(reply):  # vLLM 0.32 says this of NaN, which JSON has not
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


def chat(served: Reached, question: str, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Status and reply of a question that is answered with one token."""
    body = {"model": served.name, "messages": [{"role": "user", "content": question}], "max_tokens": 1}
    return _http(served, "POST", "/v1/chat/completions", body, headers=headers)


def healthy(served: Reached, timeout: float = 30.0) -> bool:
    try:
        return _http(served, "GET", "/health", timeout=timeout)[0] == 200
    except (OSError, HTTPException):
        return False


def _complete(served: Served, tokens: list[int], timeout: float) -> tuple[int, Any]:
    body = {"model": served.name, "prompt": tokens, "max_tokens": 1, "logprobs": 1, "temperature": 0}
    return _http(served, "POST", "/v1/completions", body, timeout)


def _http(
    served: Reached,
    method: str,
    path: str,
    body: Any = None,
    timeout: float = 60.0,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    """Status and JSON of one request, past any proxy."""
    connection = HTTPConnection(served.reach, served.port, timeout=timeout)
    key = os.environ.get("VLLM_API_KEY")
    own = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), {**own, **(headers or {})})
        reply = connection.getresponse()
        data = reply.read()
    finally:
        connection.close()
    try:
        return reply.status, json.loads(data) if data else {}
    except ValueError:
        return reply.status, {"message": data.decode("utf-8", "replace")}


def _words(reply: Any) -> str:
    """The message of a server's error."""
    error = reply.get("error", reply) if isinstance(reply, Mapping) else reply
    words = error.get("message", error) if isinstance(error, Mapping) else error
    return " ".join(str(words).split())[:300].rstrip(".")
