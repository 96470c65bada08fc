"""A small cache of values that expire, for one process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any

DEFAULT_TTL = 90.0  # seconds a value is kept
CAPACITY = 256


class CacheMiss(KeyError):
    """Raised by `Cache.get` when a key is unknown or its value has expired."""


class Cache:
    """Keeps at most `capacity` values; the one that was not used for longest goes first.

    All methods may be called from several threads.
    """

    def __init__(self, capacity: int = CAPACITY, ttl: float = DEFAULT_TTL) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self._entries: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._capacity = capacity
        self._ttl = ttl
        self._lock = threading.RLock()

    def get(self, key: str) -> Any:
        """The value of a key, which then counts as used last."""
        with self._lock:
            expires, value = self._entries.get(key, (0.0, None))
            if expires < time.monotonic():
                self._entries.pop(key, None)
                raise CacheMiss(key)
            self._entries.move_to_end(key)
            return value

    def put(self, key: str, value: Any) -> None:
        """Store a value, and drop the least recently used ones beyond the capacity."""
        with self._lock:
            self._entries[key] = (time.monotonic() + self._ttl, value)
            self._entries.move_to_end(key)
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)

    def purge(self) -> int:
        """Remove everything that has expired; returns how many entries were removed."""
        now = time.monotonic()
        with self._lock:
            stale = [key for key, (expires, _) in self._entries.items() if expires < now]
            for key in stale:
                del self._entries[key]
        return len(stale)


def key_of(*parts: object) -> str:
    """One key from several parts, joined by a colon; a part that contains a colon is quoted."""
    return ":".join(repr(str(p)) if ":" in str(p) else str(p) for p in parts)
