"""What workers do for an update: they look at files and embed passages, and know nothing of a store.

`look` depends on its arguments alone, so that one process may look at everything, or many at parts of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.source import Source
from hybrid.corpus.tables import Row
from hybrid.index.chunking import Chunker
from hybrid.index.prepared import Prepared, prepare, settled

Halves = NDArray[np.float16]


class Wanted(NamedTuple):
    """A source that is to be looked at."""

    source: Source
    known: tuple[str, ...]  # hashes of content that needs no preparing


class Look(NamedTuple):
    """What was seen of a source."""

    source: Source
    mtime_ns: int  # to remember: -1 where it cannot be trusted
    digest: str = ""  # the hash of its content; empty where it cannot be loaded
    prepared: Prepared | None = None  # None where the content is known, or cannot be read
    reason: str = ""  # why it cannot be read


class Written(NamedTuple):
    """A part of a corpus that a worker has looked at, embedded and written as a fragment."""

    looks: Sequence[Look]  # without what was prepared
    token: Any  # of the fragment; None where there was nothing to write
    embedded: int  # texts


class Workers(Protocol):
    """Processes that do the work of an update. What one of them loses is done again.

    Attributes:
        cpu_seconds: CPU time of all of them until now.
    """

    cpu_seconds: float

    def look(self, wanted: Sequence[Wanted]) -> Iterator[Sequence[Look]]:
        """Look at sources, some at a time and in any order.

        Raises:
            CorpusError: the workers do not see the files.
        """

    def embed(self, parts: Iterator[Sequence[str]], total: int, sample: Sequence[str]) -> Iterator[tuple[int, Halves]]:
        """Embed parts, each as long as `part_size` says when it is taken.

        Args:
            total: texts in all parts.
            sample: some of them, by which a precision is judged.

        Returns:
            The number of each part with its unit vectors in half precision, of shape (n, d), in any order.
        """

    def write(self, place: Any, wanted: Sequence[Wanted]) -> Iterator[Written]:
        """Look at sources, embed them and write them as fragments of the Lance index at `place`, in any order.

        Raises:
            CorpusError: as for `look`.
            IndexStoreError: the index cannot be written.
        """

    @property
    def part_size(self) -> int:
        """Passages that keep a worker busy for a short while: a kill loses no more of them."""


def look(wanted: Wanted, chunker: Chunker) -> Look:
    """Load a source, and prepare it where its content is not known."""
    source, mtime_ns, digest = wanted.source, -1, ""
    try:
        data = source.load()
        mtime_ns = settled(source.mtime_ns)
        digest = source.fingerprint(data)
        made = None if digest in wanted.known else prepare(source, data, chunker)
    except Unreadable as error:  # a file that cannot be opened may be allowed later, at the same time of change
        return Look(source, mtime_ns, digest, None, str(error))
    return Look(source, mtime_ns, digest, made)


def in_order(wanted: Iterable[Wanted]) -> list[Wanted]:
    """The same in the order in which they are read best: the rows of a table as they stand in it, files by name."""

    def place(one: Wanted) -> tuple[str, int, str]:
        origin = one.source.origin
        return (origin.table.place, origin.at, "") if isinstance(origin, Row) else ("", 0, one.source.name)

    return sorted(wanted, key=place)
