"""The corpora of a service, by name: their indexes are opened once and brought up to date when files change."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybrid.corpus.problems import not_read
from hybrid.corpus.root import root_of
from hybrid.errors import CorpusError, HybridError, IndexStoreError, InputError
from hybrid.index.protocol import Progress, Store
from hybrid.serve.replies import LOG, Refused
from hybrid.session.hybrid import Hybrid

ROUTES = ("rag", "long")
_NAME = re.compile(r"[\w.-]{1,64}")
_WAIT_MS = 400  # for the rest of what changes at once
_LOOK_MS = 2_000  # between two looks at whether the folders are still there


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
        """Forget a corpus and delete its index, which has its text too; its files stay."""
        with self._lock:
            shelved = self._shelved.pop(name, None)
        if shelved is not None and shelved.store is not None:
            with suppress(HybridError):  # another process has it open where that forbids deleting
                self._hybrid.forget(shelved.store)

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

    @contextmanager
    def reading(self, name: str) -> Iterator[Store]:
        """The index of a corpus while something is read of it.

        Raises:
            UserError: as `open` does.
            Refused: 409, the corpus was deleted while it was read.
        """
        store = self.open(name)
        try:
            yield store
        except IndexStoreError as error:
            if name in self and self[name].store is store:
                raise
            sentence = f"The corpus {name!r} was deleted or replaced while it was read; ask again."
            raise Refused(409, "documents_changed", sentence) from error

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
        """Update the indexes of corpora whose files change, until `stop` is set. Blocks: to be run in a thread.

        A folder that goes or is replaced is no longer watched by the system, so the watch begins anew then.
        """
        from watchfiles import watch

        names = list(self)
        seen = self._places(names)
        options: dict[str, Any] = {"debounce": _WAIT_MS, "rust_timeout": _LOOK_MS, "poll_delay_ms": _LOOK_MS}
        while names and not stop.is_set():
            found = seen
            paths = sorted({path for place in seen.values() for path, *_ in place})
            if not paths:
                stop.wait(_LOOK_MS / 1000)
            try:
                several = watch(*paths, stop_event=stop, raise_interrupt=False, yield_on_timeout=True, **options)
                for changes in several if paths else (set(),):
                    found = self._follow(names, seen, [Path(path) for _, path in changes])
                    if found != seen:
                        break
            except OSError as error:  # a folder went at this moment, or the system watches no more files
                if not isinstance(error, FileNotFoundError) and "force_polling" not in options:
                    LOG.warning("The system cannot watch all files, so they are looked at now and then: %s", error)
                    options["force_polling"] = True
                stop.wait(_LOOK_MS / 1000)
                found = self._follow(names, seen, [])
            seen = found

    def _follow(self, names: Sequence[str], seen: Mapping[str, Any], changed: Sequence[Path]) -> dict[str, Any]:
        """Update the corpora of which something has changed; returns what is watched for each from now on."""
        found = self._places(names)
        for name in names:
            inside = any(path.is_relative_to(root) for path in changed for root, *_ in seen[name])
            if name in self and (inside or found[name] != seen[name]):
                with suppress(Exception):  # it is told with the corpus, and the next change tries again
                    self.update(name)
        return found

    def _places(self, names: Sequence[str]) -> dict[str, tuple[tuple[str, int, int], ...]]:
        """What is watched for each corpus: the folders and files that are there, with what tells a new one."""
        return {name: tuple(filter(None, map(_place, self[name].paths))) if name in self else () for name in names}


def _place(path: str) -> tuple[str, int, int] | None:
    """The folder or file that is watched for a path or glob, its device and its number; None where there is none."""
    try:
        root = root_of(path)
        found = (root.file or root.folder).resolve()
        status = found.stat()
    except (InputError, OSError):
        return None
    return str(found), status.st_dev, status.st_ino
