"""One line of JSON for every request, without a word of a question, a document or a secret.

An address is told as its template, `/v1/corpora/{corpus}/documents/{document}`, as a name can say much. A question adds
its route, tokens and cost.
"""

from __future__ import annotations

import json
import logging
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hybrid.types import Answer

REQUESTS = logging.getLogger("hybrid.serve.requests")
LINE: ContextVar[dict[str, Any] | None] = ContextVar("LINE", default=None)  # of the request under way
_GONE = 499  # the caller left before anything was sent


class AsJson(logging.Formatter):
    """Everything that the service and its server say is a line of JSON, not only requests."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        if record.name == REQUESTS.name:
            return record.getMessage()
        line = {"at": _now(), "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Logged:
    """ASGI middleware that writes the line once a request has ended; a streamed answer ends with its last piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count what comes and goes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status, taken, given = time.perf_counter(), _GONE, 0, 0
        more: dict[str, Any] = {}
        LINE.set(more)

        async def received() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            return message

        async def sent(message: Message) -> None:
            nonlocal status, given
            if message["type"] == "http.response.start":
                status = message["status"]
            given += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, received, sent)
        finally:
            key = scope.get("state", {}).get("key")
            line = {
                "at": _now(),
                "method": scope["method"] if scope["method"].isalpha() and len(scope["method"]) < 9 else "?",
                "path": _template(scope),
                "status": status,
                "seconds": round(time.perf_counter() - begun, 4),
                "key": getattr(key, "name", None),
                "bytes_in": taken,
                "bytes_out": given,
            }
            REQUESTS.info(json.dumps(line | more, ensure_ascii=False))


def _template(scope: Scope) -> str | None:
    """The template of an address; None where there is nothing at it, or nothing was looked up."""
    path = getattr(scope.get("route"), "path", None)
    return None if path is None else f"{scope.get('root_path', '')}{path}"


def note(corpus: str, outcome: Answer | BaseException) -> None:
    """Add to the line of the request under way how a question ended."""
    line = LINE.get()
    if line is None:  # no request: an MCP client over standard input
        return
    line["corpus"] = corpus
    if isinstance(outcome, Answer):
        line |= {
            "route": outcome.route,
            "rung": outcome.decision.rung,
            "abstained": outcome.abstained,
            "calls": outcome.usage.calls,
            "prompt_tokens": outcome.usage.prompt_tokens,
            "cached_tokens": outcome.usage.cached_tokens,
            "output_tokens": outcome.usage.output_tokens,
            "gpu_seconds": outcome.cost.gpu_seconds,
            "dollars": outcome.cost.dollars,
        }
    else:
        line["error"] = type(outcome).__name__
