"""What was extracted, kept beside the index so that it is not asked again: a small SQLite file, safe at any kill.

What is kept goes by the content of a document, the fields and the engine: a document that is moved or renamed keeps
its cells, one that changes is asked anew. It was paid for, so an index that is made anew keeps it too.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import closing, suppress
from hashlib import blake2b
from pathlib import Path
from weakref import WeakKeyDictionary, WeakValueDictionary

from hybrid.each.units import contents
from hybrid.index.protocol import Store

FILE = "each.db"
_VERSION = 1  # raised when what is kept changes its form or meaning
_MANY = 500  # keys in one query
_WAIT = 30.0  # seconds for another process that writes
_TABLES = """
CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, said TEXT NOT NULL, of TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asked (key TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class Kept:
    """Texts by key. Safe to use from several threads and processes.

    Args:
        folder: of the index; None keeps them in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._asked: set[str] = set()
        self._file = None if folder is None or not folder.is_dir() else folder / FILE

    def get(self, keys: Iterable[str]) -> dict[str, str]:
        """Those of the keys that are known, with their texts."""
        wanted = list(keys)
        with self._lock:
            found = {key: self._known[key] for key in wanted if key in self._known}
        if (file := self._there()) is None:
            return found
        missing = [key for key in wanted if key not in found]
        try:
            with closing(_opened(file)) as database:
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
            of: the contents that it is about, with blanks between them; without one of them it is forgotten.
        """
        with self._lock:
            self._known[key] = text
            if self._file is None:
                return
            try:
                with closing(_opened(self._file)) as database, database:
                    database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (key, text, of))
                    database.execute("DELETE FROM asked WHERE key = ?", (key,))
            except sqlite3.DatabaseError as error:
                if not isinstance(error, sqlite3.OperationalError):
                    self._file.unlink(missing_ok=True)  # no database any more; the next text begins a new one

    def claim(self, key: str) -> bool:
        """Whether nobody else, in this process or another, has begun to ask for a key; from now on somebody has.

        Whoever began may have been killed, so what is not kept in the end is asked for all the same.
        """
        with self._lock:
            if self._file is None:
                mine = key not in self._asked
                self._asked.add(key)
                return mine
            with suppress(sqlite3.Error), closing(_opened(self._file)) as database, database:
                return database.execute("INSERT OR IGNORE INTO asked VALUES (?)", (key,)).rowcount > 0
        return True

    def forget(self, but: Callable[[], Collection[str]]) -> None:
        """Forget what is about other contents than these, as of documents that were taken out of the corpus.

        Args:
            but: tells them; not called where nothing is kept.
        """
        if (file := self._there()) is None:
            return
        staying = but()
        with self._lock, suppress(sqlite3.Error), closing(_opened(file)) as database, database:
            about = [of for (of,) in database.execute("SELECT DISTINCT of FROM kept WHERE of != ''")]
            gone = [(of,) for of in about if any(one not in staying for one in of.split())]
            database.executemany("DELETE FROM kept WHERE of = ?", gone)
            if gone:
                self._known.clear()

    def erase(self) -> None:
        """Delete the file, and keep in memory from now on."""
        with self._lock:
            file, self._file = self._file, None
            if file is None:
                return
            for end in ("", "-journal", "-wal", "-shm"):
                with suppress(OSError):
                    file.with_name(f"{FILE}{end}").unlink(missing_ok=True)

    def _there(self) -> Path | None:
        """The file, if there is one."""
        file = self._file
        return file if file is not None and file.is_file() else None


def _opened(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=_WAIT)
    database.execute("PRAGMA secure_delete = ON")  # what is forgotten is overwritten with zeros
    database.executescript(_TABLES)
    return database


_OF_STORES: WeakKeyDictionary[Store, Kept] = WeakKeyDictionary()
_OF_FOLDERS: WeakValueDictionary[Path, Kept] = WeakValueDictionary()
_MAKING = threading.Lock()


def kept(store: Store) -> Kept:
    """What is kept of a store; the views of one folder share it."""
    with _MAKING:
        if store not in _OF_STORES:
            folder = store.path if isinstance(store.path, Path) else None
            known = None if folder is None else _OF_FOLDERS.get(folder)
            _OF_STORES[store] = known or Kept(folder)
            if folder is not None:
                _OF_FOLDERS[folder] = _OF_STORES[store]
        return _OF_STORES[store]


def tidy(store: Store) -> None:
    """Forget what is about texts that a store does not have any more: nothing of a deleted document stays behind."""
    kept(store).forget(lambda: contents(store))


def erase(folder: Path) -> None:
    """Delete what is kept of an index that is deleted; what a question under way still extracts is not written."""
    with _MAKING:
        known = _OF_FOLDERS.pop(folder, None)
    (known or Kept(folder)).erase()


def key_of(*parts: str) -> str:
    """The key of what belongs to some texts, such as a document's content, the fields and the engine."""
    digest = blake2b(f"{_VERSION}".encode(), digest_size=20)
    for part in parts:
        digest.update(f" {len(part)} ".encode() + part.encode("utf-8", "replace"))
    return digest.hexdigest()
