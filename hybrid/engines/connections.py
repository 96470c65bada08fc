"""Connections to model servers: each serves many questions, and ends at once when its question is called off.

OpenAI's client stops at `[DONE]` and closes the reply. The few bytes that end the HTTP message are unread then, and a
connection with unread bytes cannot be used again: each question would connect anew, over TLS with several round trips.
So they are read. A kept connection that its server has closed meanwhile is replaced by a new one, without a word.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from itertools import islice
from typing import Any

from hybrid.engines.abort import ABORT, check
from hybrid.engines.faults import transport_errors

_DONE = re.compile(rb"(^|\n)data: ?\[DONE\]\s*$")
_TAIL = 64  # bytes in which it is looked for
_MORE = 16  # pieces after it that are read; a server that goes on talking is left
_SECONDS = 0.5  # that its end is waited for; some servers keep the connection and say nothing
_PATIENCE: ContextVar[float | None] = ContextVar("_PATIENCE", default=None)  # seconds a read waits; None: the client's


class _Stale(Exception):
    """The server has closed a connection that was kept from an earlier question."""


def connected(client: Any) -> Any:
    """The same httpx client; its reads and connects end by `ABORT`, and connections that went stale are replaced.

    Where a later httpx keeps its connections otherwise, it stays as it was.
    """
    for transport in (getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()):
        pool = getattr(transport, "_pool", None)
        backend = getattr(pool, "_network_backend", None)
        if backend is not None:
            pool._network_backend = _Backend(backend)  # type: ignore[union-attr]
            transport.handle_request = _again(transport.handle_request)
    return client


def reusable(response: Any) -> None:
    """Have an httpx response that streams read what follows `[DONE]` before it hands `[DONE]` over."""
    whole = response.iter_bytes

    def iter_bytes(chunk_size: int | None = None) -> Iterator[bytes]:
        last, pieces = b"", iter(whole(chunk_size))
        for piece in pieces:
            last = (last + piece)[-_TAIL:]
            rest = _rest(pieces) if _DONE.search(last) else ()
            yield piece
            yield from rest

    response.iter_bytes = iter_bytes


def _rest(pieces: Iterator[bytes]) -> list[bytes]:
    waits = _PATIENCE.set(_SECONDS)
    try:
        return list(islice(pieces, _MORE))
    except transport_errors():  # the answer is whole without it
        return []
    finally:
        _PATIENCE.reset(waits)


def _again(send: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Sends a request, again where it went to a stale connection; a new one is never stale, so this ends."""

    def handle_request(request: Any) -> Any:
        while True:
            with suppress(_Stale):
                return send(request)

    return handle_request


class _Backend:
    """A network backend of httpcore."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def connect_tcp(self, *args: Any, **options: Any) -> _Stream:
        check()
        return _Stream(self._inner.connect_tcp(*args, **options))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Stream:
    """A network stream of httpcore."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._served = False  # whether it has brought an answer
        self._asked = False  # whether it was written to since it last brought something

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        stale = self._served and self._asked  # where nothing comes now: closed before the request came
        try:
            found = self._read(max_bytes, timeout)
        except Exception as error:
            if stale and "Timeout" not in type(error).__name__:
                raise _Stale from error
            raise
        if stale and not found:
            raise _Stale
        self._served, self._asked = True, False
        return found

    def _read(self, max_bytes: int, timeout: float | None) -> bytes:
        abort, patience = ABORT.get(), _PATIENCE.get()
        if patience is not None:
            timeout = patience if timeout is None else min(timeout, patience)
        if abort is None:
            return self._inner.read(max_bytes, timeout)  # type: ignore[no-any-return]
        with abort.by(self._shut):
            return self._inner.read(max_bytes, timeout)  # type: ignore[no-any-return]

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        check()
        self._asked = True
        self._inner.write(buffer, timeout)

    def start_tls(self, *args: Any, **options: Any) -> _Stream:
        return _Stream(self._inner.start_tls(*args, **options))

    def _shut(self) -> None:
        found = self._inner.get_extra_info("socket")
        with suppress(OSError, TypeError):  # it is closed already
            socket.socket.shutdown(found, socket.SHUT_RDWR)  # past TLS, whose state the reading thread has

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
