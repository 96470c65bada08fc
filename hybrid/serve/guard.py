"""What every request passes before anything reads it: the host it names, the site it comes from, its key, its size.

A page of another site could call a service on this machine by a name that it has point here (DNS rebinding); so a
request has to name a host that the service is called by. It could send a form without asking; so a request that comes
from another site is refused unless that site is named in `serve.origins`.
"""

from __future__ import annotations

import re
import time
from typing import NamedTuple
from urllib.parse import urlsplit

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hybrid.serve.keys import KEY, Keys
from hybrid.serve.replies import Refused, problem, told
from hybrid.serve.tracing import HEADERS
from hybrid.settings import ServeSettings

_MB = 1 << 20
_HERE = ("localhost", "127.0.0.1", "::1", "[::1]")
_OPEN = ("/", "/healthz", "/favicon.ico")  # and all of the page: its files tell nothing of documents
_OPEN_UNDER = ("/page/", "/open/")
_BODY_SECONDS = 30.0  # that a body may take, and
_BODY_RATE = 10_000  # a second more for so many bytes
_SECURE = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class _Limit(NamedTuple):
    """How large a body may be."""

    bytes: int
    told: float  # in MiB


class Guard:
    """ASGI middleware around the whole service."""

    def __init__(self, app: ASGIApp, settings: ServeSettings, keys: Keys) -> None:
        self._app, self._settings, self._keys = app, settings, keys
        self._hosts = {*_HERE, settings.host, *settings.hosts}
        if settings.url is not None:
            self._hosts.add(urlsplit(settings.url).hostname or "")
        # with a key, and listening for other machines, any name will do: another site does not have the key
        self._any_host = len(keys) > 0 and settings.host not in _HERE and not settings.hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with a body that cannot grow too large and a reply with safe headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        HEADERS.set(headers)
        limit = self._limit(scope)
        started = False

        async def sent(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                found = MutableHeaders(scope=message)
                for name, value in _SECURE.items():
                    found.setdefault(name, value)
                found.setdefault("cache-control", "no-store")
            await send(message)

        try:
            self._check(scope, headers, limit)
            await self._app(scope, _limited(receive, limit), sent)
        except Refused as refused:
            if started:
                raise
            await problem(refused.status_code, refused.code, refused.detail, refused.headers)(scope, receive, sent)
        except Exception as error:
            if started:
                raise
            await problem(*told(error))(scope, receive, sent)

    def _check(self, scope: Scope, headers: Headers, limit: _Limit) -> None:
        host = _host(headers.get("host", ""))
        if host is None or (not self._any_host and host not in self._hosts):
            host = headers.get("host", "") if host is None else host
            sentence = f"This service is not called {host[:80]!r}; name it in serve.hosts if it is."
            raise Refused(421, "wrong_host", sentence)
        origin = headers.get("origin")
        if origin is not None and not self._trusted(origin, headers.get("host", "")):
            sentence = (
                f"Pages of {origin[:80]!r} may not call this service; name the site in serve.origins if they may."
            )
            raise Refused(403, "wrong_origin", sentence)
        path: str = scope["path"]
        is_open = path in _OPEN or path.startswith(_OPEN_UNDER)
        if not is_open:
            key = self._keys.of(headers.get("authorization"))
            scope.setdefault("state", {})["key"] = key
            KEY.set(key)
        length = headers.get("content-length", "0")
        if not re.fullmatch(r"[0-9]{1,19}", length) or int(length) > limit.bytes:
            raise _too_large(limit)

    def _trusted(self, origin: str, host: str) -> bool:
        return origin in self._settings.origins or origin.partition("://")[2] == host

    def _limit(self, scope: Scope) -> _Limit:
        if scope["path"] == "/v1/files" and scope["method"] == "POST":
            told = self._settings.upload_mb
            return _Limit(int((told + 1) * _MB), told)  # a form is a little larger than the file in it
        return _Limit(int(self._settings.body_mb * _MB), self._settings.body_mb)


def _limited(receive: Receive, limit: _Limit) -> Receive:
    """A body that is refused once it is too large, or once it comes too slowly."""
    read, ended, begun = 0, False, time.monotonic()

    async def received() -> Message:
        nonlocal read, ended
        if ended:  # what comes now is that the client goes
            return await receive()
        try:
            with anyio.fail_after(begun + _BODY_SECONDS + read / _BODY_RATE - time.monotonic()):
                message = await receive()
        except TimeoutError:
            sentence = f"The request came too slowly: {read:,} bytes in {time.monotonic() - begun:.0f} seconds."
            raise Refused(408, "too_slow", sentence, {"connection": "close"}) from None
        read += len(message.get("body", b""))
        if read > limit.bytes:
            raise _too_large(limit)
        ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return received


def _too_large(limit: _Limit) -> Refused:
    return Refused(413, "too_large", f"The request is larger than the {limit.told:g} MiB that are taken here.")


def _host(header: str) -> str | None:
    """The name in a header `Host`, without its port; None where it is no host: links are made of it."""
    found = re.fullmatch(r"(\[[0-9a-f:.]+\]|[\w.-]+)(?::[0-9]{1,5})?", header.lower())
    return found[1] if found else None
