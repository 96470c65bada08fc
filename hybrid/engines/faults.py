"""Everything that goes wrong with an OpenAI-compatible server, each in one sentence with its remedy."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid.engines.base import Engine
from hybrid.errors import EngineError, WindowError
from hybrid.settings import EngineSettings

if TYPE_CHECKING:
    from openai import APIError

_TOO_LONG = re.compile(
    r"maximum context length|maximum model length|max_model_len|exceeds? the (?:available |model's )?context"
    r"|exceed_context_size|context_length_exceeded|input length.{0,40}exceeds",
    re.IGNORECASE,
)


class Lost(EngineError):
    """The server cannot be reached, is too busy, fails, breaks off or sends garbage: another one might answer."""


class Overrun(Lost):
    """The server is there and refuses, because it has too much to do."""


class Dropped(Lost):
    """The connection ended in the middle of an answer."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Makes the errors of one server."""

    where: str  # its address, without a password
    settings: EngineSettings
    has_key: bool

    def failure(self, error: APIError, retries: int | None = None) -> EngineError:
        """The error for what the SDK raised after `retries`, by default those of the settings."""
        import openai

        tried = (self.settings.retries if retries is None else retries) + 1
        if isinstance(error, openai.APIConnectionError):
            return self._unreachable(error, tried)
        words, status = _words(error), getattr(error, "status_code", None)
        if _TOO_LONG.search(f"{error.code} {error.type} {words}"):
            return WindowError(
                f"{self.where} finds the prompt too long: {words}; read less or lower engine.max_tokens."
            )
        if status in (401, 403):
            unset = "" if self.has_key else ", which is not set"
            return EngineError(
                f"{self.where} refuses the key ({status}: {words}); put a valid one into the environment variable "
                f"{self.settings.api_key_env}{unset}."
            )
        if status == 404:
            return EngineError(f"{self.where} is not an OpenAI-compatible server (404: {words}); check engine.url.")
        if status == 429 or error.type == "rate_limit_error":  # in a stream the status is gone by then
            return Overrun(f"{self.where} is still busy after {tried} tries ({words}); lower engine.concurrency.")
        if isinstance(status, int) and status >= 500:
            return Lost(f"{self.where} failed {tried} times ({status}: {words}); see the server's log.")
        code = f"{status}: " if status else ""
        return EngineError(f"{self.where} did not complete the request ({code}{words}); see the server's log.")

    def no_model(self, model: str, names: Sequence[str]) -> EngineError:
        """The server has other models than this one."""
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        return EngineError(
            f"{self.where} has no model {model!r}; set engine.model to one it has: {', '.join(names[:10])}{more}."
        )

    def silent(self, characters: int) -> EngineError:
        """The server sends nothing any more in the middle of a stream."""
        return Lost(
            f"{self.where} fell silent for {self.settings.timeout:g} s after {characters} characters; raise "
            "engine.timeout or see the server's log."
        )

    def dropped(self, characters: int) -> Dropped:
        """The stream ended before the answer did."""
        return Dropped(f"The stream from {self.where} broke after {characters} characters; see the server's log.")

    def garbage(self, what: str) -> EngineError:
        """The server answers something else than such a server does."""
        return Lost(f"{self.where} sent {what}, so it is no OpenAI-compatible server; check engine.url.")

    def _unreachable(self, error: APIError, tried: int) -> EngineError:
        cause = error.__cause__
        kind, reason = type(cause).__name__, _clean(str(cause or "")) or "no reason given"
        if kind in ("ConnectError", "ConnectTimeout", "UnsupportedProtocol"):
            return Lost(f"No server answers at {self.where} ({reason}); start it or set engine.url.")
        if "Timeout" in type(error).__name__:
            return Lost(
                f"{self.where} did not answer within {self.settings.timeout:g} s, {tried} times; raise "
                "engine.timeout or lower engine.concurrency."
            )
        return Lost(
            f"{self.where} closed the connection without an answer, {tried} times ({reason}); see the server's log."
        )


def too_long(engine: Engine, tokens: int, max_tokens: int) -> WindowError:
    """The error for a prompt that does not fit an engine's window together with its answer."""
    about = "" if engine.counts_exactly else "about "
    return WindowError(
        f"The prompt of {about}{tokens} tokens and {max_tokens} for the answer do not fit the window of "
        f"{engine.window} tokens of {engine.name}; read less or serve the model with a longer window."
    )


def nothing_said(name: str, finish: str | None = None, *, thought: bool = False) -> EngineError:
    """The error for a reply without a word of an answer, which says nothing about the documents.

    Args:
        name: of the engine.
        finish: why it stopped, in its server's word.
        thought: whether it wrote thoughts.
    """
    told = f" (finish_reason {finish})" if finish else ""
    if finish == "content_filter":
        return EngineError(
            f"{name} was stopped by a content filter{told}: ask in other words, or take a model without that filter."
        )
    if finish in ("tool_calls", "function_call"):
        return EngineError(
            f"{name} replied with a call of a tool instead of an answer{told}: serve it without tools, as without "
            "--enable-auto-tool-choice, or take another model."
        )
    return EngineError(
        f"{name} replied with nothing{' but thoughts' if thought else ''}{told}: see whether it is a chat model with a "
        "chat template, and raise engine.max_tokens or turn thinking off if it thinks first."
    )


def is_html(data: object) -> bool:
    """Whether a server answered with a web page."""
    return isinstance(data, str) and data.lstrip().startswith("<")


def transport_errors() -> tuple[type[Exception], ...]:
    """The exceptions of a connection that ends in mid-stream; older SDKs let those of their HTTP library through."""
    import openai

    libraries = (sys.modules.get(name) for name in ("httpx", "httpx2"))
    return (openai.APIConnectionError, *(library.RequestError for library in libraries if library is not None))


def _words(error: APIError) -> str:
    """The server's own words."""
    body = error.body
    if isinstance(body, Mapping):
        body = body.get("message") or body.get("detail") or dict(body)
    return "an HTML page" if is_html(body) else _clean(str(body or error.message))


def _clean(text: str) -> str:
    flat = " ".join(text.split()).rstrip(".")
    return flat if len(flat) <= 300 else f"{flat[:300]}…"
