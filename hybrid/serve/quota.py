"""How many files, bytes and vector stores a key keeps, and how many it may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from hybrid.serve.replies import Refused
from hybrid.settings import ServeSettings

_MB = 1 << 20


class Quota:
    """Counts what is kept, by the name of the key that brought it. Safe to use from several threads."""

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._files: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._stores: Counter[str] = Counter()
        self._lock = Lock()

    def check(self, owner: str, size: int = 0) -> None:
        """Refuse with 403 where a key keeps as many files or bytes as it may; `size` would be added."""
        most, most_bytes = self._settings.files_per_key, int(self._settings.uploads_mb_per_key * _MB)
        if self._files[owner] >= most:
            raise _full(f"{self._files[owner]:,} files of {most:,}", "serve.files_per_key")
        kept = self._bytes[owner]
        if kept + size > most_bytes:
            told = f"{kept / _MB:,.1f} MiB of {most_bytes / _MB:,.1f} MiB, and this file has {size / _MB:,.1f} MiB"
            raise _full(told, "serve.uploads_mb_per_key")

    @contextmanager
    def file(self, owner: str, size: int) -> Iterator[None]:
        """A file that is being kept; it counts from the beginning on, and not where that fails."""
        with self._lock:
            self.check(owner, size)
            self.count_file(owner, size)
        try:
            yield
        except BaseException:
            self.count_file(owner, size, by=-1)
            raise

    @contextmanager
    def store(self, owner: str) -> Iterator[None]:
        """Likewise a vector store."""
        with self._lock:
            most = self._settings.stores_per_key
            if self._stores[owner] >= most:
                raise _full(f"{self._stores[owner]:,} vector stores of {most:,}", "serve.stores_per_key")
            self.count_store(owner)
        try:
            yield
        except BaseException:
            self.count_store(owner, by=-1)
            raise

    def count_file(self, owner: str, size: int, *, by: int = 1) -> None:
        """A file is there, or gone with `by` -1."""
        self._files[owner] += by
        self._bytes[owner] += by * size

    def count_store(self, owner: str, *, by: int = 1) -> None:
        """A vector store is there, or gone with `by` -1."""
        self._stores[owner] += by


def _full(kept: str, setting: str) -> Refused:
    return Refused(403, "quota_exceeded", f"This key keeps {kept}: delete some first, or raise {setting}.")
