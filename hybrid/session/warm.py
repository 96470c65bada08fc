"""The expected contents of engines' prefix caches, from what they read and reported.

Engines tell how many tokens of a prompt were cached only afterwards. Before, this ledger tells: documents that were
read lately, in the same order from the first on, are expected to be warm. Every report corrects it: an engine that
found less than half of the expected tokens has evicted them, or never cached.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from itertools import takewhile

Read = tuple[str, int]  # a document and its tokens

_REMEMBERED = 64  # prefixes of each engine
_BLOCK = 128  # tokens that may be missing at the end of a cached prefix: engines cache in blocks


class Warm:
    """Prefixes read by engines. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prefixes: dict[str, OrderedDict[tuple[str, ...], tuple[Read, ...]]] = {}
        self._disk: dict[
            str, dict[tuple[str, ...], tuple[Read, ...]]
        ] = {}  # read by an earlier run of the engine, and kept on its disk
        self._ahead: dict[str, int] = {}  # prefixes read ahead of time by other processes, remembered besides
        self._colder: set[str] = set()

    def caches(self, engine: str) -> bool:
        """Whether an engine is expected to keep what it reads, as it is until its reports say otherwise."""
        with self._lock:
            return engine not in self._colder

    def expected(self, engine: str, documents: Sequence[str]) -> int:
        """Tokens that the engine should find in its cache for a prompt that begins with `documents`."""
        with self._lock:
            if engine in self._colder:
                return 0
            return max((_common(read, documents) for read in self._prefixes.get(engine, {}).values()), default=0)

    def loadable(self, engine: str, documents: Sequence[str]) -> int:
        """Tokens that the engine should find on its disk for a prompt that begins with `documents`."""
        with self._lock:
            return max((_common(read, documents) for read in self._disk.get(engine, {}).values()), default=0)

    def was_read(self, engine: str, read: Sequence[Read], *, on_disk: bool = False) -> None:
        """Remember what was read ahead of time by another process, and perhaps by an earlier run of the engine."""
        with self._lock:
            if on_disk:
                self._disk.setdefault(engine, {})[tuple(name for name, _ in read)] = tuple(read)
            elif engine not in self._colder:
                self._ahead[engine] = self._ahead.get(engine, 0) + 1
                self._prefixes.setdefault(engine, OrderedDict())[tuple(name for name, _ in read)] = tuple(read)

    def note(self, engine: str, read: Sequence[Read], cached: int) -> None:
        """Remember what was read, and learn from the `cached` tokens that the engine reported.

        Args:
            read: the documents of the prompt in their order, with their tokens.
        """
        documents = tuple(name for name, _ in read)
        expected, loadable = self.expected(engine, documents), self.loadable(engine, documents)
        with self._lock:
            if loadable > expected + 2 * _BLOCK and cached < loadable / 2:
                self._disk.pop(engine, None)
            prefixes = self._prefixes.setdefault(engine, OrderedDict())
            if expected > 2 * _BLOCK and cached < expected / 2:
                prefixes.clear()
                if cached == 0:
                    self._colder.add(engine)  # it may not cache at all: expect nothing until it reports some
            if cached > 0:
                self._colder.discard(engine)
            prefixes[documents] = tuple(read)
            prefixes.move_to_end(documents)
            while len(prefixes) > _REMEMBERED + self._ahead.get(engine, 0):
                prefixes.popitem(last=False)


def _common(read: Sequence[Read], documents: Sequence[str]) -> int:
    """Tokens of the documents that both begin with."""
    same = takewhile(lambda pair: pair[0][0] == pair[1], zip(read, documents, strict=False))
    return sum(tokens for (_, tokens), _ in same)
