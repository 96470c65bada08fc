"""The end of a streamed reply, read to the last byte, so that its connection serves the next question too.

OpenAI's client stops at `[DONE]` and closes the reply. The few bytes that end the HTTP message are unread then, and a
connection with unread bytes cannot be used again: each question would connect anew, over TLS with several round trips.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from hybrid.engines.abort import PATIENCE
from hybrid.engines.faults import transport_errors

_DONE = re.compile(rb"(^|\n)data: ?\[DONE\]\s*$")
_TAIL = 64  # bytes in which it is looked for
_MORE = 16  # pieces after it that are read; a server that goes on talking is left
_SECONDS = 0.5  # that its end is waited for; some servers keep the connection and say nothing


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
    waits = PATIENCE.set(_SECONDS)
    try:
        return list(islice(pieces, _MORE))
    except transport_errors():  # the answer is whole without it
        return []
    finally:
        PATIENCE.reset(waits)
