"""The symbol index of a codebase: definitions, calls and imports in one SQLite file beside the index of its passages.

It follows the files by content: a file that did not change is not parsed again. An update is one transaction, so that
a kill leaves the state before. `hybrid.pipelines.code.names` decides later which definition a name means.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.problems import Problem
from hybrid.corpus.readers.code.symbols import Definition, Import, Reference, Symbols, symbols
from hybrid.corpus.readers.encoding import decode
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.json import code_of, language_of
from hybrid.corpus.source import Source
from hybrid.errors import IndexLocked, IndexStoreError
from hybrid.index.protocol import Progress
from hybrid.text.kinds import kind_of

FORMAT = 1
_RACY_NS = 2_000_000_000  # a file changed this shortly before it was read may have changed again unnoticed
_NONE = frozenset(
    "yaml toml ini xml css scss properties po latex bibtex gomod csv make dockerfile meson kconfig".split()
)
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE files (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    hash TEXT NOT NULL, language TEXT NOT NULL, module TEXT NOT NULL, lines INTEGER NOT NULL);
CREATE TABLE definitions (file INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,
    kind TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, line INTEGER NOT NULL, end_line INTEGER NOT NULL,
    level INTEGER NOT NULL, signature TEXT NOT NULL, PRIMARY KEY (file, number)) WITHOUT ROWID;
CREATE INDEX definitions_named ON definitions (name);
CREATE TABLE refs (file INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, line INTEGER NOT NULL,
    inside INTEGER NOT NULL, receiver TEXT NOT NULL);
CREATE INDEX refs_of ON refs (file, inside);
CREATE INDEX refs_named ON refs (name);
CREATE TABLE imports (file INTEGER NOT NULL, module TEXT NOT NULL, name TEXT NOT NULL, alias TEXT NOT NULL,
    line INTEGER NOT NULL);
CREATE INDEX imports_of ON imports (file);
CREATE INDEX imports_named ON imports (name);
"""


class File(NamedTuple):
    """A file of the index."""

    id: int
    name: str  # as in the corpus
    language: str  # "" for files that define nothing
    module: str  # dotted, as it is imported
    lines: int


class Row(NamedTuple):
    """A definition of the index."""

    file: File
    number: int  # within its file
    definition: Definition

    @property
    def key(self) -> tuple[int, int]:
        return self.file.id, self.number

    @property
    def full(self) -> str:
        """module.Class.method"""
        return f"{self.file.module}.{self.definition.path}" if self.file.module else self.definition.path


class Use(NamedTuple):
    """A reference of the index."""

    file: File
    reference: Reference


@dataclass(slots=True)
class SymbolChanges:
    """What an update did."""

    parsed: int = 0  # files
    unchanged: int = 0
    removed: int = 0
    lines: int = 0  # of the files that were parsed
    unread: list[Problem] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0


class SymbolIndex:
    """The symbols of a codebase, open for reading and for updates.

    Args:
        file: where it is kept; None keeps it in memory.

    Raises:
        IndexStoreError: it cannot be opened, or a newer version made it.
    """

    def __init__(self, file: Path | None) -> None:
        self.path = file
        try:
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(file or ":memory:", isolation_level=None, check_same_thread=False, timeout=5)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from None
        self._files: dict[int, File] | None = None

    def _prepare(self) -> None:
        made = self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
        if made:
            (version,) = self._db.execute("SELECT value FROM meta WHERE key = 'format'").fetchone() or ("0",)
            if int(version) > FORMAT:
                self._db.close()
                raise IndexStoreError(
                    f"The symbols at {self.path} were made by a newer version (format {version}, this one reads "
                    f"{FORMAT}). Upgrade hybrid-context, or give another folder with --index."
                )
            return
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.executescript(f"BEGIN;{_SCHEMA}INSERT INTO meta VALUES ('format', '{FORMAT}');COMMIT;")

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    # -- updating ----------------------------------------------------------------------------------------------------

    def update(self, corpus: Corpus, package: str = "", progress: Progress | None = None) -> SymbolChanges:
        """Make the index hold the symbols of exactly what `corpus` holds.

        Args:
            package: dotted name of the package that the corpus's folder itself is, "" if it is none.

        Raises:
            IndexStoreError: it cannot be written and is unchanged.
            IndexLocked: another process is writing it.
        """
        begun, worked = time.perf_counter(), time.process_time()
        changes = SymbolChanges()
        known = {row[0]: row[1:] for row in self._rows("SELECT name, size, mtime_ns, hash FROM files")}
        with self._transaction():
            for done, source in enumerate(corpus.sources, 1):
                if progress is not None:
                    progress("symbols", done, len(corpus.sources))
                old = known.pop(source.name, None)
                if old is not None and old[:2] == (source.size, source.mtime_ns) and source.document is None:
                    changes.unchanged += 1
                    continue
                try:
                    data = source.load()
                    digest = source.fingerprint(data)
                    if old is not None and old[2] == digest:
                        self._db.execute(
                            "UPDATE files SET size = ?, mtime_ns = ? WHERE name = ?",
                            (source.size, _settled(source.mtime_ns), source.name),
                        )
                        changes.unchanged += 1
                        continue
                    self._forget(source.name)
                    changes.lines += self._put(source, data, digest, package)
                    changes.parsed += 1
                except Unreadable as error:
                    changes.unread.append(Problem(source.name, str(error)))
                    self._forget(source.name)
            for name in known:
                self._forget(name)
                changes.removed += 1
        self._files = None
        changes.seconds, changes.cpu_seconds = time.perf_counter() - begun, time.process_time() - worked
        return changes

    def _put(self, source: Source, data: bytes, digest: str, package: str) -> int:
        language, found = _symbols_of(source, data)
        module, lines = module_of(source.name, package), data.count(b"\n") + (not data.endswith(b"\n"))
        row = self._db.execute(
            "INSERT INTO files (name, size, mtime_ns, hash, language, module, lines) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (source.name, source.size, _settled(source.mtime_ns), digest, language, module, lines),
        ).lastrowid
        self._db.executemany(
            "INSERT INTO definitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((row, number, *definition) for number, definition in enumerate(found.definitions)),
        )
        self._db.executemany("INSERT INTO refs VALUES (?, ?, ?, ?, ?, ?)", ((row, *r) for r in found.references))
        self._db.executemany("INSERT INTO imports VALUES (?, ?, ?, ?, ?)", ((row, *i) for i in found.imports))
        return lines

    def _forget(self, name: str) -> None:
        for (number,) in self._db.execute("SELECT id FROM files WHERE name = ?", (name,)).fetchall():
            for table in ("definitions", "refs", "imports"):
                self._db.execute(f"DELETE FROM {table} WHERE file = ?", (number,))
            self._db.execute("DELETE FROM files WHERE id = ?", (number,))

    # -- reading -----------------------------------------------------------------------------------------------------

    @property
    def files(self) -> dict[int, File]:
        """All files by number."""
        if self._files is None:
            rows = self._rows("SELECT id, name, language, module, lines FROM files ORDER BY name")
            self._files = {row[0]: File(*row) for row in rows}
        return self._files

    def named(self, name: str) -> list[Row]:
        """The definitions of a name, by file and line."""
        return self._definitions("name = ?", name)

    def in_file(self, file: int) -> list[Row]:
        """The definitions in a file, in order."""
        return self._definitions("file = ?", file)

    def all_definitions(self) -> list[Row]:
        """Every definition, by file and place."""
        return self._definitions("1")

    def uses_of(self, name: str) -> list[Use]:
        """The references by a name, and by the names under which imports pass it on, in order of files and lines."""
        known, new = {name}, {name}
        while new:
            marks = ",".join("?" * len(new))
            found = self._rows(f"SELECT DISTINCT alias FROM imports WHERE alias != '' AND name IN ({marks})", *new)
            new = {row[0] for row in found} - known
            known |= new
        rows = [row for one in sorted(known) for row in self._rows(f"{_REFS} WHERE name = ?", one)]
        return sorted(map(self._use, rows), key=lambda use: (use.file.name, use.reference.line))

    def uses_in(self, file: int, inside: Sequence[int]) -> list[Use]:
        """The references inside some definitions of a file, in order."""
        marks = ",".join("?" * len(inside))
        rows = self._rows(f"{_REFS} WHERE file = ? AND inside IN ({marks}) ORDER BY line, rowid", file, *inside)
        return [self._use(row) for row in rows]

    def imports_of(self, file: int) -> list[Import]:
        """What a file imports, in order."""
        rows = self._rows("SELECT module, name, alias, line FROM imports WHERE file = ? ORDER BY line", file)
        return [Import(*row) for row in rows]

    def all_imports(self) -> Iterator[tuple[File, Import]]:
        """Every import with its file."""
        for file, *rest in self._rows("SELECT file, module, name, alias, line FROM imports ORDER BY file, line"):
            yield self.files[file], Import(*rest)

    def files_using(self) -> dict[str, int]:
        """In how many files each name is called, inherited from or imported."""
        uses = "SELECT file, name FROM refs UNION SELECT file, name FROM imports"
        return dict(self._rows(f"SELECT name, count(DISTINCT file) FROM ({uses}) GROUP BY name"))

    def _definitions(self, condition: str, *parameters: Any) -> list[Row]:
        sql = f"SELECT file, number, {', '.join(Definition._fields)} FROM definitions WHERE {condition}"
        rows = [Row(self.files[row[0]], row[1], Definition(*row[2:])) for row in self._rows(sql, *parameters)]
        return sorted(rows, key=lambda row: (row.file.name, row.number))

    def _use(self, row: Sequence[Any]) -> Use:
        return Use(self.files[row[0]], Reference(*row[1:]))

    def _rows(self, sql: str, *parameters: Any) -> list[Any]:
        try:
            return self._db.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise IndexLocked(f"Another process is updating the symbols at {self.path}; wait for it.") from None
            raise self._unusable(error) from None
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _unusable(self, error: Exception) -> IndexStoreError:
        return IndexStoreError(
            f"The symbols at {self.path or 'memory'} cannot be used: {getattr(error, 'strerror', None) or error}. Make "
            "them anew with `hybrid code index --rebuild`, or give another folder with --index."
        )


_REFS = "SELECT file, name, kind, line, inside, receiver FROM refs"


def module_of(name: str, package: str = "") -> str:
    """The dotted name by which a file is imported: `src/a/b.py` is `a.b`, `a/__init__.py` is `a`."""
    path = PurePosixPath(name)
    parts = [*path.parent.parts, path.name.split(".")[0]]
    if parts[0] in ("src", "lib") and len(parts) > 1:
        parts = parts[1:]
    if parts[-1] in ("__init__", "index", "mod"):
        parts = parts[:-1]
    return ".".join([package, *parts] if package else parts)


def _symbols_of(source: Source, data: bytes) -> tuple[str, Symbols]:
    """The language of a file and its symbols; "" and none for files that define nothing."""
    kind, language = kind_of(source.name)
    if kind == "notebook":
        document = source.parse(data)
        language, text = language_of(document.text), code_of(document.text)
        starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
        lines = [document.locate(at, at + 1).line for at in starts if at < len(text)]
        return language, _moved(symbols(text, language), lines)
    if language is None or language in _NONE:
        return "", Symbols((), (), ())
    return language, symbols(decode(data), language)


def _moved(found: Symbols, lines: Sequence[int]) -> Symbols:
    """Symbols with the lines of the original instead of those of the text."""

    def line(of: int) -> int:
        return lines[min(of, len(lines)) - 1]

    return Symbols(
        tuple(d._replace(line=line(d.line), end_line=line(d.end_line)) for d in found.definitions),
        tuple(r._replace(line=line(r.line)) for r in found.references),
        tuple(i._replace(line=line(i.line)) for i in found.imports),
    )


def _settled(mtime_ns: int) -> int:
    return mtime_ns if time.time_ns() - mtime_ns > _RACY_NS else -1
