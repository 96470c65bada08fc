"""The corpora of a service, by name: their indexes are opened once and brought up to date when files change."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hybrid.corpus.problems import not_read
from hybrid.errors import CorpusError, InputError
from hybrid.index.protocol import Progress, Store
from hybrid.session.hybrid import Hybrid

ROUTES = ("rag", "long")
_NAME = re.compile(r"[\w.-]{1,64}")
_WAIT_MS = 400  # for the rest of what changes at once


@dataclass(slots=True)
class Shelved:
    """A corpus of the service."""

    name: str
    paths: tuple[str, ...]
    store: Store | None = None
    fault: str = ""  # why its index is not the newest
    lock: threading.Lock = field(default_factory=threading.Lock)  # one update at a time


class Shelf:
    """Named corpora. Safe to use from several threads.

    Args:
        hybrid: opens their indexes.
        corpora: files, folders or globs by name.

    Raises:
        InputError: a name that could not stand in a model's name or an address.
    """

    def __init__(self, hybrid: Hybrid, corpora: Mapping[str, Sequence[str]]) -> None:
        self._hybrid = hybrid
        self._shelved: dict[str, Shelved] = {}
        self._lock = threading.Lock()
        for name, paths in corpora.items():
            self.put(name, paths)

    def put(self, name: str, paths: Sequence[str]) -> Shelved:
        """Add a corpus; its index is made when it is first asked for.

        Raises:
            InputError: the name has other characters than letters, digits, dots, hyphens and underscores.
        """
        if not _NAME.fullmatch(name):
            raise InputError(
                f"The name {name!r} cannot name a corpus: use up to 64 letters, digits, dots, hyphens and underscores."
            )
        with self._lock:
            self._shelved[name] = Shelved(name, tuple(map(str, paths)))
            return self._shelved[name]

    def remove(self, name: str) -> None:
        """Forget a corpus; its files stay."""
        with self._lock:
            self._shelved.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._shelved))

    def __len__(self) -> int:
        return len(self._shelved)

    def __contains__(self, name: object) -> bool:
        return name in self._shelved

    def __getitem__(self, name: str) -> Shelved:
        """A corpus by its name.

        Raises:
            InputError: there is none of that name.
        """
        if name not in self._shelved:
            known = ", ".join(self) or "none yet: upload documents first"
            raise InputError(f"There is no corpus {name!r}; there are: {known}.")
        return self._shelved[name]

    def chosen(self, model: str) -> tuple[str, str | None]:
        """The corpus and the forced route that a model's name means: `NAME`, `NAME:rag` or `NAME:long`.

        Raises:
            InputError: there is no such corpus or route.
        """
        name, colon, route = model.partition(":")
        if colon and route not in ROUTES:
            raise InputError(f"There is no model {model!r}; after the corpus's name comes :rag or :long, or nothing.")
        return self[name].name, route or None

    def open(self, name: str, progress: Progress | None = None) -> Store:
        """The index of a corpus, made at the first call.

        Raises:
            UserError: there is no such corpus, or nothing of it can be read.
        """
        shelved = self[name]
        if shelved.store is None:
            with shelved.lock:
                if shelved.store is None:
                    shelved.store = self._hybrid.open(list(shelved.paths), progress)
        return shelved.store

    def update(self, name: str, progress: Progress | None = None) -> str:
        """Bring the index of a corpus up to date; returns what could not be read, as a sentence.

        The index as it was stays in use where this fails; the fault is kept and raised.
        """
        shelved = self[name]
        with shelved.lock:
            try:
                shelved.store = self._hybrid.open(list(shelved.paths), progress)
                shelved.fault = ""
            except Exception as error:
                shelved.fault = str(error)
                if isinstance(error, CorpusError | InputError):  # nothing is left: no answers from what was deleted
                    shelved.store = None
                raise
        return not_read(shelved.store.unread())

    def watch(self, stop: threading.Event) -> None:
        """Update the indexes of corpora whose files change, until `stop` is set. Blocks: to be run in a thread."""
        from watchfiles import watch

        roots = {name: [root for path in self[name].paths if (root := _root(path))] for name in self}
        watched = sorted({root for found in roots.values() for root in found})
        if not watched:
            return
        for changes in watch(*watched, stop_event=stop, debounce=_WAIT_MS, raise_interrupt=False):
            changed = [Path(path) for _, path in changes]
            for name, found in roots.items():
                if name in self and any(path.is_relative_to(root) for path in changed for root in found):
                    with suppress(Exception):  # it is told with the corpus, and the next change tries again
                        self.update(name)


def _root(path: str) -> Path | None:
    """The folder or file that is watched for a path or glob."""
    found = Path(path)
    while not found.exists() and found != found.parent:
        found = found.parent
    return found.resolve()
