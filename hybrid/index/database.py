"""The SQLite file of an index: documents, passages, their words and vectors; `meta.generation` names what is valid."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hybrid.corpus.readers.read import READING
from hybrid.errors import IndexDamaged, IndexLocked, IndexStoreError
from hybrid.text.words import VERSION as WORDS

FILE = "index.db"
FORMAT = 2  # 2: ids derive from content; documents have fields
_INSPECTED = 32_000_000  # bytes of a database that is checked when it is opened, in some hundredths of a second
_LOCK_SECONDS = 10.0  # enough for two processes that begin at once on a small corpus

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, live INTEGER NOT NULL, hash TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, path TEXT, kind TEXT NOT NULL, language TEXT,
    text TEXT NOT NULL, outline TEXT NOT NULL, fields TEXT NOT NULL, tokens INTEGER NOT NULL, passages INTEGER NOT NULL,
    UNIQUE (name, live)
);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, source_start INTEGER NOT NULL, source_end INTEGER NOT NULL,
    line INTEGER NOT NULL, end_line INTEGER NOT NULL, page INTEGER, heading TEXT NOT NULL, tokens INTEGER NOT NULL,
    text TEXT NOT NULL, key TEXT NOT NULL, words BLOB NOT NULL, vector BLOB
);
CREATE INDEX passages_of ON passages (document, ordinal);
CREATE INDEX passages_like ON passages (key);
CREATE INDEX unembedded ON passages (tokens) WHERE vector IS NULL;
CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
CREATE TABLE problems (name TEXT PRIMARY KEY, reason TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL);
"""


class Database:
    """The database of an index, safe to use from several threads. Makes the tables of a new one.

    Args:
        folder: of the index; None keeps the database in memory.
        embedder: the fingerprint of the embedder, which has to be the one the index was made with.
        tokens: the setting `passages.tokens`, likewise.
        create: make the folder where there is no index yet.

    Raises:
        IndexStoreError: there is no index, it is damaged, or it does not fit.
    """

    def __init__(self, folder: Path | None, embedder: str, tokens: int, *, create: bool) -> None:
        self.folder = folder
        self.lock = threading.RLock()  # one connection serves all threads
        self.connection = self._connect(create)
        try:
            self._check({"embedder": embedder, "tokens": str(tokens), "reading": f"{READING}.{WORDS}"})
        except BaseException:
            self.connection.close()
            raise

    def _connect(self, create: bool) -> sqlite3.Connection:
        if self.folder is None:
            return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        file = self.folder / FILE
        if not file.is_file() and not create:
            raise IndexStoreError(f"There is no index at {self.folder}. Make one with: hybrid index build PATH.")
        try:
            if create:
                self.folder.mkdir(parents=True, exist_ok=True)
            try:
                return _open(file, writable=os.access(self.folder, os.W_OK))
            except sqlite3.OperationalError:
                if not _closed(file):
                    raise
                return _open(file, writable=False)  # a full disk has no room for what SQLite puts beside the database
        except (OSError, sqlite3.OperationalError) as error:
            raise self.cannot_write(error) from None
        except sqlite3.Error as error:
            raise self.damaged(error) from None

    def _check(self, ours: dict[str, str]) -> None:
        """Create the tables of a new index; refuse one that does not fit."""
        if not self._made():
            with self.transaction():
                if not self._made():  # another process may have made it in this moment
                    for statement in _SCHEMA.split(";\n"):
                        self.connection.execute(statement)
                    self.note({"format": FORMAT, **ours, "generation": 0})
        made = dict(self.rows("SELECT key, value FROM meta"))
        if int(made.get("format", 0)) > FORMAT:
            raise IndexStoreError(
                f"The index at {self.folder} was made by a newer version (format {made['format']}, this one reads "
                f"{FORMAT}). Upgrade hybrid-context, or give another folder with --index."
            )
        if int(made.get("format", 0)) < FORMAT:
            raise IndexDamaged(
                f"The index at {self.folder} is of an older format ({made.get('format', 0)}, this version makes "
                f"{FORMAT}). Make it anew with `hybrid index build --rebuild`.",
                "The index was of an older format and was made anew.",
            )
        if made.get("reading") != ours["reading"]:
            raise IndexStoreError(
                f"The index at {self.folder} was made by a version that read files or words in another way. Make it "
                "anew with `hybrid index build --rebuild`, or give another folder with --index."
            )
        for key, what in (("embedder", "the embedder"), ("tokens", "passages.tokens")):
            if made.get(key) != ours[key]:
                raise IndexStoreError(
                    f"The index at {self.folder} was made with {what} {made.get(key)!r}, now it is {ours[key]!r}. "
                    "Set it back, give another folder with --index, or make the index anew with "
                    "`hybrid index build --rebuild`."
                )

    def _made(self) -> bool:
        """Whether the tables are there. Raises IndexDamaged where others are."""
        names = {row[0] for row in self.rows("SELECT name FROM sqlite_master")}
        if names and "meta" not in names:
            raise self.damaged("it has no table of its properties")
        return bool(names)

    def inspect(self) -> None:
        """Check a small database for damage; checking a large one would take longer than a question.

        Raises:
            IndexDamaged: something in it cannot be read.
        """
        if self.folder is None or (self.folder / FILE).stat().st_size > _INSPECTED:
            return
        if self.rows("PRAGMA quick_check(1)") != [("ok",)]:
            raise self.damaged("database disk image is malformed")

    def rows(self, sql: str, *parameters: Any) -> list[Any]:
        """The rows that a statement selects."""
        try:
            with self.lock:
                return self.connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise self.damaged(error) from None

    def meta(self, key: str) -> str | None:
        """A property of the index; None where it is not known."""
        rows = self.rows("SELECT value FROM meta WHERE key = ?", key)
        return str(rows[0][0]) if rows else None

    def note(self, properties: dict[str, object]) -> None:
        """Set properties, inside a transaction."""
        rows = [(key, str(value)) for key, value in properties.items()]
        self.connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside take effect together or not at all."""
        with self.lock:
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                yield
                self.connection.execute("COMMIT")
            except sqlite3.OperationalError as error:
                raise self.cannot_write(error) from None
            except sqlite3.DatabaseError as error:
                raise self.damaged(error) from None
            finally:
                if self.connection.in_transaction:  # SQLite has rolled back by itself where the disk is full
                    self.connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock that keeps other processes from writing. Raises IndexLocked."""
        if self.folder is None:
            yield
            return
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / "write.lock")
        try:
            lock.acquire(timeout=_LOCK_SECONDS)
        except Timeout:
            raise IndexLocked(
                f"Another process is updating the index at {self.folder}. Wait for it to finish, "
                "or give another folder with --index."
            ) from None
        except OSError as error:
            raise self.cannot_write(error) from None
        try:
            yield
        finally:
            lock.release()

    def forget(self, condition: str, *parameters: Any) -> None:
        """Delete the documents that fulfil a condition, with their passages, inside a transaction."""
        self.connection.execute(
            f"DELETE FROM passages WHERE document IN (SELECT id FROM documents WHERE {condition})", parameters
        )
        self.connection.execute(f"DELETE FROM documents WHERE {condition}", parameters)

    def forget_words(self, left: Sequence[int]) -> None:
        """Delete the words that are in no passage any more, inside a transaction; `left` are the ids of the others."""
        known = self.connection.execute("SELECT id FROM words")
        gone = sorted({row[0] for row in known}.difference(left))
        self.connection.execute("DELETE FROM words WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(gone),))

    def wipe(self) -> None:
        """Empty the log of changes, which still holds what was deleted; not while another process reads the index."""
        with suppress(sqlite3.OperationalError), self.lock:
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Release the file."""
        with self.lock:
            self.connection.close()

    def cannot_write(self, error: Exception) -> IndexStoreError:
        """The error for a file that cannot be written."""
        reason = str(getattr(error, "strerror", None) or error)
        locked = any(word in reason.lower() for word in ("read-only", "readonly", "permission"))
        return IndexStoreError(
            f"Cannot write the index at {self.folder}: {reason}. What was there before is unchanged; "
            f"{'make it writable' if locked else 'free space'}, or give another folder with --index or index.dir."
        )

    def damaged(self, error: Exception | str) -> IndexDamaged:
        """The error for an index that cannot be read."""
        return IndexDamaged(
            f"The index at {self.folder or 'memory'} cannot be read: {error}. Make it anew with "
            "`hybrid index build --rebuild`."
        )


def _open(file: Path, *, writable: bool) -> sqlite3.Connection:
    uri = file.resolve().as_uri() + ("" if writable else "?mode=ro&immutable=1")
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=30)
    try:
        if writable:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten with zeros
        connection.execute("PRAGMA mmap_size = 8589934592")
    except BaseException:
        connection.close()
        raise
    return connection


def _closed(file: Path) -> bool:
    """Whether all of a database is in its one file, as the last process to close it leaves it."""
    log = file.with_name(f"{file.name}-wal")
    return file.is_file() and file.stat().st_size > 0 and not (log.is_file() and log.stat().st_size > 0)
