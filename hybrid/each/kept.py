"""What was extracted, kept beside the index so that it is not asked again: a small SQLite file, safe at any kill.

What is kept goes by the content of a document, the fields and the engine: a document that is moved or renamed keeps
its cells, one that changes is asked anew.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterable
from contextlib import closing, suppress
from hashlib import blake2b
from pathlib import Path
from weakref import WeakKeyDictionary

from hybrid.index.protocol import Store

FILE = "each.db"
_VERSION = 1  # raised when what is kept changes its form or meaning
_MANY = 500  # keys in one query
_WAIT = 30.0  # seconds for another process that writes
_TABLE = "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, said TEXT NOT NULL, of TEXT NOT NULL) WITHOUT ROWID"


class Kept:
    """Texts by key. Safe to use from several threads and processes.

    Args:
        folder: of the index; None keeps them in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._file = None if folder is None or not folder.is_dir() else folder / FILE

    def get(self, keys: Iterable[str]) -> dict[str, str]:
        """Those of the keys that are known, with their texts."""
        wanted = list(keys)
        with self._lock:
            found = {key: self._known[key] for key in wanted if key in self._known}
        if self._file is None or not self._file.is_file():
            return found
        missing = [key for key in wanted if key not in found]
        try:
            with closing(self._open()) as database:
                for at in range(0, len(missing), _MANY):
                    some = missing[at : at + _MANY]
                    marks = ",".join("?" * len(some))
                    found |= dict(database.execute(f"SELECT key, said FROM kept WHERE key IN ({marks})", some))
        except sqlite3.Error:  # damaged, or made by something else: what it held is asked again
            return found
        return found

    def put(self, key: str, text: str, of: str = "") -> None:
        """Keep a text; where the folder takes no files, in memory alone.

        Args:
            of: the content that it is about, with which it is forgotten.
        """
        with self._lock:
            self._known[key] = text
            if self._file is None:
                return
            try:
                with closing(self._open()) as database, database:
                    database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (key, text, of))
            except sqlite3.DatabaseError as error:
                if not isinstance(error, sqlite3.OperationalError):
                    self._file.unlink(missing_ok=True)  # no database any more; the next text begins a new one

    def forget(self, but: Collection[str]) -> None:
        """Forget what is about other content than this, as of documents that were taken out of the corpus."""
        if self._file is None or not self._file.is_file():
            return
        with self._lock, suppress(sqlite3.Error), closing(self._open()) as database, database:
            about = {of for (of,) in database.execute("SELECT DISTINCT of FROM kept WHERE of != ''")}
            database.executemany("DELETE FROM kept WHERE of = ?", [(of,) for of in about - set(but)])

    def _open(self) -> sqlite3.Connection:
        assert self._file is not None
        database = sqlite3.connect(self._file, timeout=_WAIT)
        database.execute("PRAGMA secure_delete = ON")  # what is forgotten is overwritten with zeros
        database.execute(_TABLE)
        return database


_MEMORY: WeakKeyDictionary[Store, Kept] = WeakKeyDictionary()
_MAKING = threading.Lock()


def kept(store: Store) -> Kept:
    """What is kept of a store."""
    with _MAKING:
        if store not in _MEMORY:
            _MEMORY[store] = Kept(store.path if isinstance(store.path, Path) else None)
        return _MEMORY[store]


def key_of(*parts: str) -> str:
    """The key of what belongs to some texts, such as a document's content, the fields and the engine."""
    digest = blake2b(f"{_VERSION}".encode(), digest_size=20)
    for part in parts:
        digest.update(f" {len(part)} ".encode() + part.encode("utf-8", "replace"))
    return digest.hexdigest()
