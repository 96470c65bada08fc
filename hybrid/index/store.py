"""The index of a corpus: documents, passages, words and vectors in one SQLite file, search structures beside it.

    index.db            documents and passages, their words and vectors; `meta.generation` names what is valid
    dense-G.faiss       the vectors of generation G, mapped into memory when searched
    lexical-G/*.npy     BM25 of generation G, likewise
    write.lock          held by the one process that changes the index

An update writes new documents as pending, embeds what has no vector yet in committed batches, writes the files of
the next generation, and only then moves to it in one transaction. Killed at any moment, the previous generation
stays what readers see, and the next update goes on with what was already embedded. Passage ids are never reused.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.problems import Problem, nothing_readable
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import READING
from hybrid.corpus.source import Source
from hybrid.document import Anchor, Document, Heading, Location
from hybrid.errors import IndexDamaged, IndexLocked, IndexStoreError
from hybrid.index.chunking import Chunker, Cut
from hybrid.index.dense import Dense
from hybrid.index.embedding import Embedder, Vectors
from hybrid.index.lexical import Lexical, identifiers, query_words, words
from hybrid.text.words import VERSION as WORDS
from hybrid.types import Passage

Ids = NDArray[np.int64]
Progress = Callable[[str, int, int], None]  # stage, done, total
State = tuple[str, str, int, int]  # of a file that cannot be read: name, reason, size, time of change

FORMAT = 1
_EMBED_FIRST, _EMBED_MOST = 32, 4096  # passages between two commits, which is what a kill can lose
_COMMIT_SECONDS = 1.0  # that they are made to take: committing costs milliseconds
_LONG_SECONDS = 20.0  # of embedding still to come, from which looking for a quicker precision pays
_SAMPLE = 512  # passages that it is judged by
_INSPECTED = 32_000_000  # bytes of a database that is looked through when it is opened: some hundredths of a second
_LOCK_SECONDS = 10.0  # in which two that begin at once on a small corpus have both ended
_RACY_NS = 2_000_000_000  # a file changed this shortly before it was indexed may have changed again unnoticed

_UNUSABLE = (FileNotFoundError, RuntimeError, ValueError, EOFError)  # what FAISS and NumPy say of files they cannot use

_GENERATION = re.compile(r"dense-\d+\.faiss|lexical-\d+")
_OURS = re.compile(rf"{_GENERATION.pattern}|index\.db(-wal|-shm|-journal)?")

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, live INTEGER NOT NULL, hash TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, path TEXT, kind TEXT NOT NULL, language TEXT,
    text TEXT NOT NULL, outline TEXT NOT NULL, tokens INTEGER NOT NULL, passages INTEGER NOT NULL,
    UNIQUE (name, live)
);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL, ordinal INTEGER NOT NULL,
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
_PASSAGE = (
    "p.id, d.name, p.ordinal, p.text, p.start, p.end, p.source_start, p.source_end, p.line, p.end_line, p.page, "
    "p.heading, p.tokens FROM passages p JOIN documents d ON d.id = p.document"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A document of the index, without its text."""

    name: str
    path: str | None
    kind: str
    tokens: int  # in the embedder's tokens
    passages: int


@dataclass(slots=True)
class Changes:
    """What an update did."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    embedded: int = 0  # passages that needed the embedder
    passages: int = 0  # in the index afterwards
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether the index is another one now."""
        return bool(self.added or self.changed or self.removed)


class Store:
    """An index, open for reading and, by one process at a time, for updates.

    Args:
        path: its folder; None keeps everything in memory.
        embedder: has to be the one it was made with.
        chunker: likewise, with the same settings.
        create: make the folder where there is no index yet.

    Raises:
        IndexStoreError: there is none, it is damaged, or it was made by another embedder or a newer version.
    """

    def __init__(self, path: Path | None, embedder: Embedder, chunker: Chunker, *, create: bool = True) -> None:
        self.path = path
        self.embedder = embedder
        self.chunker = chunker
        self._lock = threading.RLock()  # one SQLite connection serves all threads
        self._loaded: tuple[int, Dense, Lexical] | None = None
        self.passed_over: tuple[Problem, ...] = ()  # files of the corpus, as last looked at, that were not even tried
        self.mended = ""  # what was damaged and is made anew, as a sentence
        self._documents: dict[str, Document] = {}
        self._db = self._connect(create)
        try:
            self._check()
        except BaseException:
            self._db.close()
            raise

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def gpu_fault(self) -> str:
        """Why the vectors are searched on the CPU although a GPU is there; empty where nothing failed."""
        return "" if self._loaded is None else self._loaded[1].gpu_fault

    @property
    def generation(self) -> int:
        """Counts the changes; 0 before the first update."""
        return int(self._meta("generation") or 0)

    def entries(self, names: Sequence[str] | None = None) -> list[Entry]:
        """Documents by name; `names` limits them to those."""
        rows = self._rows("SELECT name, path, kind, tokens, passages FROM documents WHERE live = 1 ORDER BY name")
        wanted = None if names is None else set(names)
        return [Entry(*row) for row in rows if wanted is None or row[0] in wanted]

    def problems(self) -> list[Problem]:
        """Files that could not be read at the last update."""
        return [Problem(*row) for row in self._rows("SELECT name, reason FROM problems ORDER BY name")]

    def unread(self) -> list[Problem]:
        """Everything that questions do not see: files passed over, and files that could not be read."""
        known = {problem.name for problem in self.passed_over}
        return [*self.passed_over, *(problem for problem in self.problems() if problem.name not in known)]

    def document(self, name: str) -> Document:
        """A document with its whole text. Raises KeyError where there is none of that name."""
        with self._lock:
            self._current()
            if name not in self._documents:
                rows = self._rows(
                    "SELECT name, text, kind, path, language, outline FROM documents WHERE name = ? AND live = 1", name
                )
                if not rows:
                    raise KeyError(name)
                if len(self._documents) >= 16:
                    self._documents.pop(next(iter(self._documents)))
                self._documents[name] = _document(*rows[0])
            return self._documents[name]

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """Passages by id; ids that are no longer there are left out."""
        found: dict[int, Passage] = {}
        for at in range(0, len(ids), 500):  # SQLite limits the parameters of a statement
            some = [int(i) for i in ids[at : at + 500]]
            marks = ",".join("?" * len(some))
            for row in self._rows(f"SELECT {_PASSAGE} WHERE d.live = 1 AND p.id IN ({marks})", *some):
                found[row[0]] = _passage(row)
        return found

    def sample(self, count: int) -> list[Passage]:
        """About `count` passages, spread evenly over the index."""
        _, lexical = self._current()
        return list(self.passages(lexical.ids[:: max(1, len(lexical.ids) // count)].tolist()).values())

    def passages_of(self, name: str) -> list[Passage]:
        """The passages of a document, in order."""
        return [
            _passage(row)
            for row in self._rows(f"SELECT {_PASSAGE} WHERE d.live = 1 AND d.name = ? ORDER BY p.ordinal", name)
        ]

    def ids_of(self, names: Sequence[str]) -> Ids:
        """Ids of all passages of the named documents, ascending."""
        found: list[int] = []
        for name in names:
            sql = "SELECT p.id FROM passages p JOIN documents d ON d.id = p.document WHERE d.live = 1 AND d.name = ?"
            found += [row[0] for row in self._rows(sql, name)]
        return np.array(sorted(found), np.int64)

    def nearest(self, vector: Vectors, k: int, among: Ids | None = None) -> list[tuple[int, float]]:
        """The `k` passages nearest to a unit vector of shape (d,), with their cosine, best first."""
        dense, _ = self._current()
        ids, scores = dense.search(vector, k, among)
        return [(int(i), float(s)) for i, s in zip(ids, scores, strict=True)]

    def matching(self, question: str, k: int, among: Ids | None = None) -> list[tuple[int, float]]:
        """The `k` passages that share the question's words, with their BM25 score, best first."""
        _, lexical = self._current()
        asked = list(dict.fromkeys([*query_words(question), *identifiers(question)]))
        marks = ",".join("?" * len(asked[:500]))
        known = dict(self._rows(f"SELECT word, id FROM words WHERE word IN ({marks})", *asked[:500]))
        ids, scores = lexical.search([known[word] for word in asked if word in known], k, among)
        return [(int(i), float(s)) for i, s in zip(ids, scores, strict=True)]

    def inspect(self) -> None:
        """Look through a small database for damage; of a large one that would take longer than a question.

        Raises:
            IndexDamaged: something in it cannot be read.
        """
        if self.path is None or (self.path / "index.db").stat().st_size > _INSPECTED:
            return
        found = self._rows("PRAGMA quick_check(1)")
        if found != [("ok",)]:
            raise self._damaged("database disk image is malformed")

    def searchable(self) -> bool:
        """Whether the search files are there and whole; an update makes them anew from the vectors."""
        try:
            self._current()
        except IndexDamaged:
            return False
        return True

    def __len__(self) -> int:
        return len(self._current()[0])

    @staticmethod
    def delete(path: Path) -> None:
        """Delete an index's files and nothing else in its folder. Raises IndexStoreError where that is refused."""
        try:
            for file in path.iterdir() if path.is_dir() else ():
                if _OURS.fullmatch(file.name):
                    shutil.rmtree(file) if file.is_dir() else file.unlink()
        except OSError as error:
            raise IndexStoreError(f"Cannot delete the index at {path}: {error.strerror}.") from None

    def close(self) -> None:
        """Release the files."""
        with self._lock:
            self._loaded = None
            self._db.close()

    # -- updating ------------------------------------------------------------------------------------------------

    def update(self, corpus: Corpus, progress: Progress | None = None) -> Changes:
        """Make the index hold exactly what `corpus` holds; only what changed is read, split and embedded again.

        Raises:
            IndexLocked: another process is updating this index.
            IndexStoreError: the disk is full or the folder cannot be written; the previous state stays usable.
            CorpusError: nothing of the corpus can be read.
        """
        begun, worked = time.perf_counter(), time.process_time()
        report = progress or (lambda stage, done, total: None)
        changes = Changes(problems=list(corpus.problems))
        with self._writing():
            stale, problems = self._compare(corpus, changes, report)
            changes.embedded = self._embed(report)
            searchable = self.searchable()
            if not searchable:
                self.mended = "The search files of the index were missing or damaged and were made anew."
            if changes.any or not searchable:
                self._advance(stale, problems, report)
            elif problems != self._rows(_PROBLEMS):
                with self._transaction():
                    self._note(problems)
            if not (changes.added or changes.changed or changes.unchanged):
                raise nothing_readable(corpus.label, changes.problems)
            changes.passages = len(self)
            if changes.any:
                spent = self.cpu_seconds + time.process_time() - worked
                with self._transaction():
                    self._db.execute("INSERT OR REPLACE INTO meta VALUES ('cpu_seconds', ?)", (f"{spent:.3f}",))
        changes.seconds = time.perf_counter() - begun
        return changes

    @property
    def cpu_seconds(self) -> float:
        """CPU time that making and updating the index has taken in all; other work of the same process included."""
        return float(self._meta("cpu_seconds") or 0.0)

    def fresh(self, corpus: Corpus) -> bool:
        """Whether the index already holds the corpus, judged by names, sizes and times of change."""
        known = {row[0]: row[1:] for row in self._rows(_STATES)}
        if len(known) != len(corpus.sources) or any(source.document is not None for source in corpus.sources):
            return False  # given texts have no time of change
        return all(known.get(s.name) == (s.size, s.mtime_ns) for s in map(_clean_source, corpus.sources))

    def _compare(self, corpus: Corpus, changes: Changes, report: Progress) -> tuple[list[int], list[State]]:
        """Write changed and new documents as pending; returns the ids of documents that are to go, and the problems."""
        live = {
            row[0]: row[1:] for row in self._rows("SELECT name, id, hash, size, mtime_ns FROM documents WHERE live = 1")
        }
        waiting = dict(self._rows("SELECT name, hash FROM documents WHERE live = 0"))
        failed = {(name, size, mtime_ns): reason for name, reason, size, mtime_ns in self._rows(_PROBLEMS)}
        stale: list[int] = []
        seen: set[str] = set()
        kept: set[str] = set()  # pending documents that are still right
        problems: list[State] = []
        for done, source in enumerate(map(_clean_source, corpus.sources), 1):
            seen.add(source.name)
            report("reading", done, len(corpus.sources))
            old = live.get(source.name)
            state = (source.size, source.mtime_ns)
            if old is not None and source.document is None and old[2:] == state:
                changes.unchanged += 1
                continue
            reason = failed.get((source.name, *state))
            if old is None and source.document is None and reason is not None:
                problems.append((source.name, reason, *state))
                changes.problems.append(Problem(source.name, reason))
                continue
            mtime_ns = -1  # a file that cannot be opened may be allowed later, at the same time of change
            try:
                data = source.load()
                mtime_ns = _settled(source.mtime_ns)
                digest = source.fingerprint(data)
                if old is not None and old[1] == digest:
                    self._touch(old[0], source)
                    changes.unchanged += 1
                    continue
                if waiting.get(source.name) != digest:
                    self._put(source, digest, source.parse(data))
                kept.add(source.name)
            except Unreadable as error:
                problems.append((source.name, str(error), source.size, mtime_ns))
                changes.problems.append(Problem(source.name, str(error)))
                if old is not None:
                    stale.append(old[0])
                    changes.removed += 1
                continue
            if old is None:
                changes.added += 1
            else:
                stale.append(old[0])
                changes.changed += 1
        gone = [row[0] for name, row in live.items() if name not in seen]
        changes.removed += len(gone)
        with self._transaction():
            self._forget("live = 0 AND name NOT IN (SELECT value FROM json_each(?))", json.dumps(sorted(kept)))
        return stale + gone, sorted(problems)

    def _note(self, problems: list[State]) -> None:
        """Remember the files that cannot be read, and in which state they were."""
        self._db.execute("DELETE FROM problems")
        self._db.executemany("INSERT INTO problems VALUES (?, ?, ?, ?)", problems)

    def _put(self, source: Source, digest: str, document: Document) -> None:
        """Write a document and its passages as pending; a passage that is known under any name has its vector."""
        document = replace(document, text=_clean(document.text), name=source.name)
        cuts = self.chunker.split(document)
        keys = [_key(cut.context()) for cut in cuts]
        known = "SELECT key, vector FROM passages WHERE vector IS NOT NULL AND key IN (SELECT value FROM json_each(?))"
        vectors = dict(self._rows(known, json.dumps(keys)))
        with self._transaction():
            self._forget("live = 0 AND name = ?", source.name)
            row = self._db.execute(
                "INSERT INTO documents (name, live, hash, size, mtime_ns, path, kind, language, text, outline, tokens,"
                " passages) VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    source.name,
                    digest,
                    source.size,
                    _settled(source.mtime_ns),
                    _clean(document.path) if document.path else None,
                    document.kind,
                    document.language,
                    document.text,
                    _outline(document),
                    sum(cut.tokens for cut in cuts),
                    len(cuts),
                ),
            ).lastrowid
            texts = [cut.context(document.name) for cut in cuts]
            numbers = self._number([[*words(text), *identifiers(text)] for text in texts])
            self._db.executemany(
                "INSERT INTO passages (document, ordinal, start, end, source_start, source_end, line, end_line, page,"
                " heading, tokens, text, key, words, vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (row, i, c.start, c.end, *c.location, c.heading, c.tokens, c.text, key, ids, vectors.get(key))
                    for i, (c, key, ids) in enumerate(zip(cuts, keys, numbers, strict=True))
                ),
            )

    def _number(self, texts: Sequence[Sequence[str]]) -> list[bytes]:
        """Word ids of each text as int32 bytes; new words are added to the vocabulary."""
        distinct = sorted({word for text in texts for word in text})
        self._db.executemany("INSERT OR IGNORE INTO words (word) VALUES (?)", ((word,) for word in distinct))
        ids = dict(
            self._db.execute(
                "SELECT word, id FROM words WHERE word IN (SELECT value FROM json_each(?))", (json.dumps(distinct),)
            )
        )
        return [np.array([ids[word] for word in text], np.int32).tobytes() for text in texts]

    def _embed(self, report: Progress) -> int:
        """Give every passage without a vector one, committing about every second; returns how many texts that took.

        Passages of the same text share one, so that what was embedded once, whatever its file is called, stays so.
        """
        total = int(self._rows("SELECT count(DISTINCT key) FROM passages WHERE vector IS NULL")[0][0])
        settled = self.embedder.settings.precision != "auto"
        if settled and total:
            self.embedder.prepare(self._waiting_sample(), total)
        begun, done, last, part = time.perf_counter(), 0, 0, _EMBED_FIRST
        while rows := self._waiting(last, part):
            last = rows[-1][0]
            contexts = {row[1]: _context(row[2:]) for row in rows}

            def step(count: int) -> None:
                nonlocal done
                done += count
                report("embedding", done, total)

            since = time.perf_counter()
            vectors = self.embedder.encode_documents(list(contexts.values()), step, part=True).astype(np.float16)
            with self._transaction():
                self._db.executemany(
                    "UPDATE passages SET vector = ? WHERE key = ? AND vector IS NULL",
                    ((vector.tobytes(), key) for vector, key in zip(vectors, contexts, strict=True)),
                )
            now = time.perf_counter()
            part = _next_part(part, now - since)
            if not settled and (now - begun) / max(done, 1) * (total - done) > _LONG_SECONDS:
                self.embedder.prepare(self._waiting_sample(), total - done)
                settled = True
        return total

    def _waiting(self, after: int, count: int) -> list[Any]:
        """The next passages without a vector: id, key and what the embedder reads of them."""
        return self._rows(
            "SELECT id, key, heading, text, start, end, tokens FROM passages WHERE vector IS NULL AND id > ?"
            " ORDER BY id LIMIT ?",
            after,
            count,
        )

    def _waiting_sample(self) -> list[str]:
        """Texts of passages without a vector, from all over the corpus."""
        ids = [row[0] for row in self._rows("SELECT id FROM passages WHERE vector IS NULL ORDER BY id")]
        rows = (self._waiting(i - 1, 1)[0] for i in ids[:: -(-len(ids) // _SAMPLE)])
        return [_context(row[2:]) for row in rows]

    def _advance(self, stale: list[int], problems: list[State], report: Progress) -> None:
        """Write the next generation's files and move to it."""
        report("indexing", 0, 2)
        generation = self.generation + 1
        going = json.dumps(stale)
        dense, recall = self._next_dense(going)
        report("indexing", 1, 2)
        rows = self._rows(
            "SELECT id, words FROM passages WHERE document NOT IN (SELECT value FROM json_each(?)) ORDER BY id", going
        )
        vocabulary = int(self._rows("SELECT coalesce(max(id), 0) FROM words")[0][0]) + 1
        ids = np.array([row[0] for row in rows], np.int64)
        lexical = Lexical.build(ids, [np.frombuffer(row[1], np.int32) for row in rows], vocabulary)
        if self.path is not None:
            self._save(generation, dense, lexical)
        with self._transaction():
            self._forget("id IN (SELECT value FROM json_each(?))", going)
            self._db.execute("UPDATE documents SET live = 1 WHERE live = 0")
            self._note(problems)
            for key, value in (
                ("generation", generation),
                ("made_for", dense.made_for),
                ("nprobe", dense.nprobe),
                ("recall", round(recall, 4)),
            ):
                self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, str(value)))
        with self._lock:
            self._documents.clear()
            self._loaded = None if self.path is not None else (generation, dense, lexical)
            if self._loaded is not None:
                dense.to_gpu()
        self._sweep(generation)
        report("indexing", 2, 2)

    def _next_dense(self, going: str) -> tuple[Dense, float]:
        """The vectors of the next generation, and the recall an inverted file reaches on a sample of them."""
        staying = self._rows(
            "SELECT count(*) FROM passages WHERE document NOT IN (SELECT value FROM json_each(?))", going
        )[0][0]
        recall = float(self._meta("recall") or 1.0)
        lost = not self.searchable()
        try:
            dense = Dense.empty(self.embedder.dimension) if lost else self._writable_dense()
        except (*_UNUSABLE, OSError, MemoryError) as error:
            raise self._unreadable(error) from None
        if lost or dense.outgrown(staying):
            dense = Dense.empty(self.embedder.dimension)
            probe = Dense.empty(self.embedder.dimension)
            if probe.outgrown(staying):
                sample = np.concatenate([v for _, v in self._vectors(going, every=max(1, staying // 60_000))])
                dense = Dense.trained(sample, staying)
            for ids, vectors in self._vectors(going):
                dense.add(ids, vectors)
            return dense, self._tune(dense, going, staying) if dense.made_for else 1.0
        removed = self._rows(
            "SELECT id FROM passages WHERE document IN (SELECT value FROM json_each(?)) ORDER BY id", going
        )
        dense.remove(np.array([row[0] for row in removed], np.int64))
        for ids, vectors in self._vectors(going, pending=True):
            dense.add(ids, vectors)
        return dense, recall

    def _tune(self, dense: Dense, going: str, total: int) -> float:
        """Choose how widely an inverted file is probed; the sample is 200 passages, taken as questions."""
        queries = np.concatenate([v for _, v in self._vectors(going, every=max(1, total // 200))])[:200]
        best_ids = np.zeros((len(queries), 0), np.int64)
        best = np.zeros((len(queries), 0), np.float32)
        for ids, vectors in self._vectors(going):
            scores = np.concatenate([best, queries @ vectors.T], axis=1)
            named = np.concatenate([best_ids, np.broadcast_to(ids, (len(queries), len(ids)))], axis=1)
            top = np.argpartition(-scores, 20, axis=1)[:, :20]
            best, best_ids = np.take_along_axis(scores, top, 1), np.take_along_axis(named, top, 1)
        return dense.tune(queries, [set(row.tolist()) for row in best_ids])

    def _vectors(self, going: str, *, pending: bool = False, every: int = 1) -> Iterator[tuple[Ids, Vectors]]:
        """Ids and vectors of what will be live (or only of what is pending), some ten thousand at a time."""
        sql = (
            "SELECT p.id, p.vector FROM passages p JOIN documents d ON d.id = p.document WHERE"
            + (" d.live = 0 AND" if pending else "")
            + " p.document NOT IN (SELECT value FROM json_each(?)) AND p.id % ? = 0 ORDER BY p.id"
        )
        with self._lock:
            cursor = self._db.execute(sql, (going, every))
            while rows := cursor.fetchmany(20_000):
                ids = np.array([row[0] for row in rows], np.int64)
                vectors = np.frombuffer(b"".join(row[1] for row in rows), np.float16).reshape(len(rows), -1)
                yield ids, vectors.astype(np.float32)

    def _save(self, generation: int, dense: Dense, lexical: Lexical) -> None:
        file, folder = self._files(generation)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir()
            dense.save(file)
            lexical.save(folder)
            for written in (file, *folder.iterdir(), folder, file.parent):
                _flush(written)
        except OSError as error:
            file.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            raise self._cannot_write(error) from None

    # -- the database --------------------------------------------------------------------------------------------

    def _connect(self, create: bool) -> sqlite3.Connection:
        if self.path is None:
            return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        file = self.path / "index.db"
        if not file.is_file() and not create:
            raise IndexStoreError(f"There is no index at {self.path}. Make one with: hybrid index build PATH.")
        try:
            if create:
                self.path.mkdir(parents=True, exist_ok=True)
            try:
                return _open(file, writable=os.access(self.path, os.W_OK))
            except sqlite3.OperationalError:
                if not _closed(file):
                    raise
                return _open(file, writable=False)  # a full disk has no room for what SQLite puts beside the database
        except (OSError, sqlite3.OperationalError) as error:
            raise self._cannot_write(error) from None
        except sqlite3.Error as error:
            raise self._damaged(error) from None

    def _check(self) -> None:
        """Create the tables of a new index; refuse one that does not fit."""
        if not self._rows("SELECT 1 FROM sqlite_master WHERE name = 'meta'"):
            if self._rows("SELECT 1 FROM sqlite_master LIMIT 1"):
                raise self._damaged("it has no table of its properties")
            with self._transaction():
                for statement in _SCHEMA.split(";\n"):
                    self._db.execute(statement)
                for key, value in (
                    ("format", FORMAT),
                    ("embedder", self.embedder.fingerprint),
                    ("tokens", self.chunker.settings.tokens),
                    ("reading", f"{READING}.{WORDS}"),
                    ("generation", 0),
                ):
                    self._db.execute("INSERT INTO meta VALUES (?, ?)", (key, str(value)))
            return
        made = {row[0]: row[1] for row in self._rows("SELECT key, value FROM meta")}
        if int(made.get("format", 0)) > FORMAT:
            raise IndexStoreError(
                f"The index at {self.path} was made by a newer version (format {made['format']}, this one reads "
                f"{FORMAT}). Upgrade hybrid-context, or give another folder with --index."
            )
        if made.get("reading") != f"{READING}.{WORDS}":
            raise IndexStoreError(
                f"The index at {self.path} was made by a version that read files or words in another way. Make it anew "
                "with `hybrid index build --rebuild`, or give another folder with --index."
            )
        for key, ours, what in (
            ("embedder", self.embedder.fingerprint, "the embedder"),
            ("tokens", str(self.chunker.settings.tokens), "passages.tokens"),
        ):
            if made.get(key) != ours:
                raise IndexStoreError(
                    f"The index at {self.path} was made with {what} {made.get(key)!r}, now it is {ours!r}. "
                    "Set it back, give another folder with --index, or make the index anew with "
                    "`hybrid index build --rebuild`."
                )

    def _rows(self, sql: str, *parameters: Any) -> list[Any]:
        try:
            with self._lock:
                return self._db.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._damaged(error) from None

    def _meta(self, key: str) -> str | None:
        rows = self._rows("SELECT value FROM meta WHERE key = ?", key)
        return str(rows[0][0]) if rows else None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except sqlite3.OperationalError as error:
                raise self._cannot_write(error) from None
            except sqlite3.DatabaseError as error:
                raise self._damaged(error) from None
            finally:
                if self._db.in_transaction:  # SQLite has rolled back by itself where the disk is full
                    self._db.execute("ROLLBACK")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the lock that keeps other processes from writing."""
        if self.path is None:
            yield
            return
        from filelock import FileLock, Timeout

        lock = FileLock(self.path / "write.lock")
        try:
            lock.acquire(timeout=_LOCK_SECONDS)
        except Timeout:
            raise IndexLocked(
                f"Another process is updating the index at {self.path}. Wait for it to finish, "
                "or give another folder with --index."
            ) from None
        except OSError as error:
            raise self._cannot_write(error) from None
        try:
            yield
        finally:
            lock.release()

    def _forget(self, condition: str, *parameters: Any) -> None:
        """Delete the documents that fulfil a condition, with their passages."""
        self._db.execute(
            f"DELETE FROM passages WHERE document IN (SELECT id FROM documents WHERE {condition})", parameters
        )
        self._db.execute(f"DELETE FROM documents WHERE {condition}", parameters)

    def _touch(self, document: int, source: Source) -> None:
        with self._transaction():
            self._db.execute(
                "UPDATE documents SET size = ?, mtime_ns = ? WHERE id = ?",
                (source.size, _settled(source.mtime_ns), document),
            )

    def _current(self) -> tuple[Dense, Lexical]:
        """The search structures of the generation that is valid now."""
        fault: Exception | None = None
        with self._lock:
            for _ in range(5):
                generation = self.generation
                if self._loaded is not None and self._loaded[0] == generation:
                    return self._loaded[1:]
                self._documents.clear()
                try:
                    self._loaded = (generation, self._writable_dense(writable=False), self._open_lexical(generation))
                except _UNUSABLE as error:  # a writer moved on between the look and the opening
                    fault = error
                    time.sleep(0.05)
                except (OSError, MemoryError) as error:
                    raise self._unreadable(error) from None
                else:
                    self._loaded[1].to_gpu()
            if self._loaded is None:
                raise self._unreadable(fault)
            return self._loaded[1:]

    def _writable_dense(self, *, writable: bool = True) -> Dense:
        generation = self.generation
        if self.path is None and self._loaded is not None:
            return self._loaded[1]
        if generation == 0 or self.path is None:
            return Dense.empty(self.embedder.dimension)
        made_for, nprobe = int(self._meta("made_for") or 0), int(self._meta("nprobe") or 0)
        return Dense.open(self._files(generation)[0], made_for, nprobe, writable=writable)

    def _open_lexical(self, generation: int) -> Lexical:
        if generation == 0 or self.path is None:
            return Lexical.build(np.zeros(0, np.int64), [], 1)
        return Lexical.open(self._files(generation)[1])

    def _files(self, generation: int) -> tuple[Path, Path]:
        assert self.path is not None
        return self.path / f"dense-{generation}.faiss", self.path / f"lexical-{generation}"

    def _sweep(self, generation: int) -> None:
        """Delete the files of other generations; what cannot be deleted now goes next time."""
        if self.path is None:
            return
        keep = {file.name for file in self._files(generation)}
        for file in self.path.iterdir():
            if _GENERATION.fullmatch(file.name) and file.name not in keep:
                if file.is_dir():
                    shutil.rmtree(file, ignore_errors=True)
                else:
                    file.unlink(missing_ok=True)

    def _cannot_write(self, error: Exception) -> IndexStoreError:
        reason = str(getattr(error, "strerror", None) or error)
        return IndexStoreError(
            f"Cannot write the index at {self.path}: {reason}. What was there before is unchanged; free space, or give "
            "another folder with --index or index.dir."
        )

    def _unreadable(self, error: BaseException | None) -> IndexStoreError:
        """What failed while search files were opened: FAISS wraps the system's reason in its own text."""
        said = str(error or "").lower()
        if isinstance(error, MemoryError) or "bad_alloc" in said or "cannot allocate memory" in said:
            return IndexStoreError(
                f"The index at {self.path or 'memory'} does not fit the memory that is free. Free some, or ask about a "
                "smaller corpus."
            )
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            return self._not_opened(error.strerror or str(error))
        for reason in ("Permission denied", "Too many open files", "Input/output error"):
            if reason.lower() in said:
                return self._not_opened(reason)
        return self._damaged("its search files are missing or damaged")

    def _not_opened(self, reason: str) -> IndexStoreError:
        return IndexStoreError(
            f"The search files of the index at {self.path} cannot be opened: {reason}. They are not known to be "
            "damaged: mend that, or give another folder with --index."
        )

    def _damaged(self, error: Exception | str) -> IndexDamaged:
        return IndexDamaged(
            f"The index at {self.path or 'memory'} cannot be read: {error}. Make it anew with "
            "`hybrid index build --rebuild`."
        )


_PROBLEMS = "SELECT name, reason, size, mtime_ns FROM problems ORDER BY name"
_STATES = (
    "SELECT name, size, mtime_ns FROM documents WHERE live = 1 UNION ALL SELECT name, size, mtime_ns FROM problems"
)


def _open(file: Path, *, writable: bool) -> sqlite3.Connection:
    uri = file.resolve().as_uri() + ("" if writable else "?mode=ro&immutable=1")
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=30)
    try:
        if writable:
            db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA mmap_size = 8589934592")
    except BaseException:
        db.close()
        raise
    return db


def _closed(file: Path) -> bool:
    """Whether all of a database is in its one file, as the last process to close it leaves it."""
    log = file.with_name(f"{file.name}-wal")
    return file.is_file() and file.stat().st_size > 0 and not (log.is_file() and log.stat().st_size > 0)


def _settled(mtime_ns: int) -> int:
    """The time of change to remember: none where it is so recent that the file may change again at the same time."""
    return mtime_ns if time.time_ns() - mtime_ns > _RACY_NS else -1


def _clean(text: str) -> str:
    """Text without lone surrogates, which no encoding can store; same length."""
    return text if text.isascii() else re.sub("[\ud800-\udfff]", "\ufffd", text)


def _clean_source(source: Source) -> Source:
    """The source under a name that SQLite can store and compare; different names stay different."""
    name = source.name.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")
    return source if name == source.name else replace(source, name=name)


def _next_part(part: int, seconds: float) -> int:
    """How many passages to embed before the next commit, given how long the last ones took."""
    wanted = int(part * _COMMIT_SECONDS / max(seconds, 1e-3))
    return max(_EMBED_FIRST, min(wanted, 4 * part, _EMBED_MOST))  # the first ones wait for the model: grow by steps


def _context(row: Sequence[Any]) -> str:
    """What the embedder reads of a passage, given its heading, text, start, end and tokens."""
    heading, text, start, end, tokens = row
    return Cut(start, end, text, heading, Location(0, 0, 0, 0, None), tokens).context()


def _key(context: str) -> str:
    return blake2b(context.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _flush(path: Path) -> None:
    """Have the system write a file or folder to the disk."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # folders cannot be opened on Windows
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _outline(document: Document) -> str:
    return json.dumps([document.headings, document.pages, document.anchors, document.remarks])


def _document(name: str, text: str, kind: str, path: str | None, language: str | None, outline: str) -> Document:
    headings, pages, anchors, remarks = json.loads(outline)
    return Document(
        name=name,
        text=text,
        kind=kind,
        path=path,
        language=language,
        headings=tuple(Heading(*h) for h in headings),
        pages=tuple(pages),
        anchors=tuple(Anchor(*a) for a in anchors),
        remarks=tuple(remarks),
    )


def _passage(row: Sequence[Any]) -> Passage:
    (number, document, ordinal, text, start, end, source_start, source_end, line, end_line, page, heading, tokens) = row
    location = Location(source_start, source_end, line, end_line, page)
    return Passage(number, document, ordinal, text, start, end, location, heading, tokens)
