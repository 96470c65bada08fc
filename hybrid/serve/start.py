"""Starting the service: what it may listen on, uvicorn, and its log."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from hybrid.errors import SettingsError
from hybrid.serve.app import app
from hybrid.serve.log import AsJson
from hybrid.serve.service import Service
from hybrid.settings import ServeSettings

_HERE = ("localhost", "127.0.0.1", "::1")
_HEAD_SECONDS = 15.0  # in which a request's head has to come
_LEAVING_SECONDS = 5  # that questions under way get when the service ends


class Impatient(H11Protocol):
    """uvicorn's protocol, which ends connections that send no whole head: thousands of them would fill the service."""

    _waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request, and begin to wait where the head of a further one has only begun."""
        super().data_received(data)
        if not self._headless():
            self._end_wait()
        elif self._waits is None:
            self._wait()

    def on_response_complete(self) -> None:
        """Begin to wait where the head of a further request came with the one before."""
        super().on_response_complete()
        if self._waits is None and self._headless() and self.conn.trailing_data[0]:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._end_wait()
        super().connection_lost(exc)

    def _headless(self) -> bool:
        return self.conn.their_state is h11.IDLE and (self.cycle is None or self.cycle.response_complete)

    def _wait(self) -> None:
        self._waits = asyncio.get_running_loop().call_later(_HEAD_SECONDS, self._give_up)

    def _end_wait(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    def _give_up(self) -> None:
        self._waits = None
        if self._headless() and not self.transport.is_closing():
            self.transport.close()


def check_reach(settings: ServeSettings) -> None:
    """Raise SettingsError where other machines could ask and no key is needed, or no address is named."""
    if not settings.host.strip():
        raise SettingsError("The address to listen on is empty: give --host one, such as 127.0.0.1.")
    if settings.host not in _HERE and settings.key is None and not settings.keys:
        raise SettingsError(
            f"Listening on {settings.host} lets other machines ask: set a key of at least 16 characters first, in the "
            "environment variable HYBRID_SERVE_KEY, or tables [serve.keys.NAME] in hybrid.toml."
        )


def listening(settings: ServeSettings) -> socket.socket:
    """A socket that listens where the settings say.

    Raises:
        SettingsError: another program listens there, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # with its protocol named asyncio sends at once; otherwise a reply's body would wait 40 ms for its head to arrive
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((settings.host, settings.port))
        found.listen(1024)
    except (OSError, ValueError) as error:  # ValueError: what cannot be the name of a host
        found.close()
        why = getattr(error, "strerror", None) or "it is no address"
        option = "--host" if isinstance(error, ValueError | socket.gaierror) else "--port"
        raise SettingsError(
            f"Cannot listen on {settings.host}, port {settings.port}: {why}. Choose another with {option}."
        ) from None
    return found


def serve(service: Service, socket_: socket.socket, *, log: bool = True) -> None:
    """Serve until the process is told to end; questions under way get some seconds to end too."""
    if log:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(AsJson())
        for name, level in (("hybrid.serve", logging.INFO), ("", logging.WARNING)):
            logger = logging.getLogger(name)
            logger.addHandler(handler)
            logger.setLevel(level)
            logger.propagate = False
    config = uvicorn.Config(
        app(service),
        http=Impatient,
        loop="asyncio",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=4096,
        backlog=1024,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_LEAVING_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[socket_])
