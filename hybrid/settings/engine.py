"""The settings of an engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from hybrid.settings.address import server_of, shown
from hybrid.settings.names import EngineKind
from hybrid.settings.section import Name, Section

ADDRESSES = ("url", "urls")
_OF_SERVERS = (*ADDRESSES, "cache_salt", "api_key_env", "timeout", "retries", "shared")
_OF_LOCAL = ("adapter", "device", "dtype", "prefix_gb")
_WITHOUT_EFFECT = {  # keys that a kind of engine does not read: they are refused
    "extractive": ("model", "temperature", "overrides", "vllm_args", *_OF_SERVERS, *_OF_LOCAL),
    "server": ("overrides", "vllm_args", *_OF_LOCAL),
    "vllm": (*_OF_SERVERS, *_OF_LOCAL),
    "local": ("vllm_args", "concurrency", *_OF_SERVERS),
}
_REMEDY = {
    "extractive": "leave it out, or name a model with url, or with kind = 'local' and model",
    "server": "leave it out; a server is started with what it needs, see `hybrid up`",
    "vllm": "leave it out, or take the kind 'server' or 'local'",
    "local": "leave it out, or take the kind 'server' or 'vllm'",
}


class EngineSettings(Section):
    """A model that answers."""

    kind: EngineKind = Field(
        "extractive",
        description="extractive: verbatim quotations, no model; server: any OpenAI-compatible server, which a url "
        "implies; local: a model in this process, by Transformers; vllm: the same by vLLM, on a GPU",
    )
    url: Name | None = Field(None, description="base URL of a server, such as http://localhost:8000/v1")
    urls: tuple[Name, ...] = Field(
        (), description="base URLs of several servers of one model, instead of url: a document stays with one of them"
    )
    shared: bool = Field(
        False,
        description="others use the server too: a call is charged by how many of their requests were at work meanwhile",
    )
    model: Name | None = Field(
        None,
        description="the model's name on the server, None: the first it lists; for local a folder, a GGUF file or a "
        "hub name, for vllm a folder or a hub name",
    )
    api_key_env: str = Field("OPENAI_API_KEY", description="environment variable that holds the key, if one is needed")
    window: int | None = Field(
        None, ge=64, description="tokens; None: what the engine tells. local: more than that is extended to by YaRN"
    )
    max_tokens: int = Field(512, ge=1, description="room kept for the answer")
    temperature: float = Field(0.0, ge=0)
    timeout: float = Field(300.0, gt=0, description="seconds without a sign of life")
    retries: int = Field(4, ge=0, description="on 429, 5xx and dropped connections")
    concurrency: int = Field(8, ge=1, description="calls under way at once, at each server")
    cache_salt: str | None = Field(
        None, min_length=1, description="vLLM: prefixes are shared in its cache only by calls with the same salt"
    )
    adapter: Name | None = Field(
        None, description="local: folder of a LoRA adapter as peft saves it, which is added to the model's weights"
    )
    device: str = Field("auto", min_length=1, description="local: auto, cpu, cuda, cuda:1, mps")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="local: of the weights; auto: float32 on a CPU, the model's own half precision on a GPU"
    )
    prefix_gb: float = Field(
        4.0, ge=0, description="local: GiB of keys and values that are kept of the latest prompts; 0: none"
    )
    overrides: dict[str, Any] = Field(
        {}, description="local, vllm: changes to the model's config.json, as --hf-overrides"
    )
    vllm_args: dict[str, Any] = Field({}, description="vllm: further arguments of vllm.LLM")

    @model_validator(mode="before")
    @classmethod
    def _url_implies_a_server(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and (given.get("url") or given.get("urls")) and given.get("kind") is None:
            return {**given, "kind": "server"}
        return given

    @model_validator(mode="after")
    def _servers_are_named_once(self) -> EngineSettings:
        if self.url is not None and self.urls:
            raise ValueError("the keys 'url' and 'urls' both name servers: keep one of them")
        servers = list(map(server_of, self.urls))
        for url, server in zip(self.urls, servers, strict=True):
            if servers.count(server) > 1:
                raise ValueError(f"the key 'urls' names {shown(url)} twice: leave it out once")
        return self

    @model_validator(mode="after")
    def _every_key_has_an_effect(self) -> EngineSettings:
        for key in _WITHOUT_EFFECT.get(self.kind, ()):
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"the key {key!r} has no effect with the kind {self.kind!r}: {_REMEDY[self.kind]}")
        return self


def overrule_engine(known: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Drop the model and window of another server, and the keys of another kind of engine."""
    if any(key in given and given[key] != known.get(key) for key in ADDRESSES):
        if any(key in known for key in ADDRESSES):
            for key in ("model", "window", *ADDRESSES):
                known.pop(key, None)
        if "kind" not in given:  # a url implies its kind, whatever a layer below said without one
            known.pop("kind", None)
    if "kind" in given or any(given.get(key) for key in ADDRESSES):
        kind = given.get("kind") or "server"
        for key in _WITHOUT_EFFECT.get(str(kind), ()):
            if known.get("kind") != kind:
                known.pop(key, None)
