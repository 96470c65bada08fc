"""Model servers that listen on this machine: their programs, their models, and how much those read.

Nothing else is contacted: no proxy is used and no redirect followed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from hybrid.settings.address import credentials, shown

# Where they listen unless told otherwise
PORTS = {11434: "Ollama", 8000: "vLLM", 8080: "llama.cpp", 1234: "LM Studio", 30000: "SGLang"}
_OWNERS = {
    "library": "Ollama",
    "vllm": "vLLM",
    "sglang": "SGLang",
    "llamacpp": "llama.cpp",
    "organization_owner": "LM Studio",
}
_NO_ANSWERS = re.compile(r"embed|rerank|bge-|minilm|whisper|tts", re.IGNORECASE)  # models that answer no questions
_SECONDS = 2.0  # for one look
_LARGEST = 4_000_000  # bytes of a reply


@dataclass(frozen=True, slots=True)
class Offered:
    """A model that a server lists.

    Args:
        window: tokens; None where the server does not tell.
    """

    name: str
    window: int | None = None


@dataclass(frozen=True, slots=True)
class Listening:
    """A server.

    Args:
        kind: its program, by what it tells or by its port.
        models: first those that can answer.
        locked: it asks for a key before it lists anything.
        fault: why it lists nothing although it is there; else empty.
    """

    kind: str
    url: str
    models: tuple[Offered, ...] = ()
    locked: bool = False
    fault: str = ""


def listening(ports: Iterable[int] = tuple(PORTS)) -> list[Listening]:
    """The servers that answer `/v1/models` on some ports of this machine, in the order of the ports."""
    wanted = list(dict.fromkeys(ports))
    with ThreadPoolExecutor(max(1, len(wanted))) as pool:
        return [found for found in pool.map(_look, wanted) if found is not None]


def answers(model: str) -> bool:
    """Whether a model may answer questions, by its name; an embedder does not."""
    return _NO_ANSWERS.search(model) is None


def told_window(url: str, model: str) -> int | None:
    """Tokens that a server reads with a model, as its program tells beside OpenAI's protocol; None if it does not.

    Args:
        url: with its `/v1`.
    """
    root = re.sub(r"/v\d+/?$", "", url.rstrip("/"))
    for row in _rows(_get(f"{root}/api/ps"), "models"):  # Ollama: what is loaded, as it is loaded
        if model in (row.get("name"), row.get("model")) and _whole(row.get("context_length")):
            return int(row["context_length"])
    for row in _rows(_get(f"{root}/api/v0/models"), "data"):  # LM Studio
        if row.get("id") == model and _whole(row.get("loaded_context_length")):
            return int(row["loaded_context_length"])
    generation = _get(f"{root}/props").get("default_generation_settings")  # llama.cpp
    if isinstance(generation, Mapping) and _whole(generation.get("n_ctx")):
        return int(generation["n_ctx"])
    parameters = _get(f"{root}/api/show", {"model": model}).get("parameters")  # Ollama: what its Modelfile sets
    found = re.search(r"^num_ctx\s+(\d+)", parameters, re.MULTILINE) if isinstance(parameters, str) else None
    return int(found[1]) if found else None


def _look(port: int) -> Listening | None:
    url, kind = f"http://127.0.0.1:{port}/v1", PORTS.get(port, "a server")
    try:
        told = _get(f"{url}/models", strict=True)
    except HTTPError as error:
        if error.code in (401, 403):
            return Listening(kind, url, locked=True)
        fails = error.code == 429 or error.code >= 500  # one that replies 404, 302 or the like is no model server
        return Listening(kind, url, fault=f"replies {error.code}") if fails else None
    except (OSError, ValueError) as error:
        late = isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError)
        return Listening(kind, url, fault=f"does not reply within {_SECONDS:g} s") if late else None
    rows = [row for row in _rows(told, "data") if isinstance(row.get("id"), str) and row["id"]]
    if not rows:
        return None
    kind = next((_OWNERS[o] for row in rows if (o := str(row.get("owned_by"))) in _OWNERS), kind)
    rows.sort(key=lambda row: not answers(row["id"]))
    models = [Offered(row["id"], _window(url, row)) for row in rows[:20]]
    return Listening(kind, url, tuple(models))


def _window(url: str, row: Mapping[str, Any]) -> int | None:
    told = row.get("max_model_len")  # vLLM
    return told if _whole(told) else told_window(url, str(row["id"]))


def _rows(told: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    listed = told.get(key)
    return [row for row in listed if isinstance(row, Mapping)] if isinstance(listed, list) else []


def _whole(told: object) -> bool:
    return isinstance(told, int) and not isinstance(told, bool) and told > 0


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **options: Any) -> None:
        return None


def _get(url: str, body: object = None, *, strict: bool = False) -> Mapping[str, Any]:
    """The JSON object at an address, empty where there is none.

    Raises:
        OSError: nobody answers; only with `strict`, as the next.
        ValueError: it is no JSON.
    """
    data = None if body is None else json.dumps(body).encode()
    try:
        headers = {**credentials(url), **({"Content-Type": "application/json"} if data else {})}
        request = Request(shown(url), data, headers)
        with build_opener(ProxyHandler({}), _Stay()).open(request, timeout=_SECONDS) as reply:
            told = json.loads(reply.read(_LARGEST))
    except Exception as error:  # http.client has errors of its own for what is no HTTP
        if not strict:
            return {}
        if isinstance(error, OSError | ValueError):
            raise
        raise ValueError(str(error)) from None
    return told if isinstance(told, Mapping) else {}
