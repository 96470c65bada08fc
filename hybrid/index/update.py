"""An update of an index: only what changed is read, split and embedded again.

New documents are written as pending, passages without a vector are embedded in committed batches, and the files of the
next generation are written. Only then one transaction moves to it. Killed at any moment, readers still see the previous
generation, and the next update goes on with what was already embedded.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.problems import Problem, nothing_readable
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.source import Source
from hybrid.document import Document, Location
from hybrid.index.chunking import Chunker, Cut
from hybrid.index.database import Database
from hybrid.index.embedding import Embedder
from hybrid.index.generations import Generations
from hybrid.index.lexical import identifiers, words
from hybrid.index.protocol import Changes, Progress

State = tuple[str, str, int, int]  # of a file that cannot be read: name, reason, size, time of change

_EMBED_FIRST, _EMBED_MOST = 32, 4096  # passages between two commits: a kill loses no more
_COMMIT_SECONDS = 1.0  # of embedding between two commits, which take milliseconds
_LONG_SECONDS = 20.0  # of embedding still to come, from which looking for a quicker precision pays
_SAMPLE = 512  # passages by which a precision is judged
_RACY_NS = 2_000_000_000  # a file changed this shortly before it was indexed may have changed again unnoticed

KNOWN_WORDS = "SELECT word, id FROM words WHERE word IN (SELECT value FROM json_each(?))"
_PROBLEMS = "SELECT name, reason, size, mtime_ns FROM problems ORDER BY name"


class Update:
    """One update of an index to what a corpus holds.

    Args:
        progress: receives stage, done and total.

    Attributes:
        mended: as for a store.
    """

    def __init__(
        self,
        database: Database,
        generations: Generations,
        embedder: Embedder,
        chunker: Chunker,
        progress: Progress | None,
    ) -> None:
        self._db = database
        self._generations = generations
        self._embedder = embedder
        self._chunker = chunker
        self._report = progress or (lambda stage, done, total: None)
        self._changes = Changes()
        self._stale: list[int] = []  # ids of documents that are to be deleted
        self._kept: set[str] = set()  # names of pending documents that are right
        self._problems: list[State] = []
        self.mended = ""

    def run(self, corpus: Corpus) -> Changes:
        """Make the index hold exactly what `corpus` holds; see `hybrid.index.protocol.Index.update`."""
        begun, worked = time.perf_counter(), time.process_time()
        changes = self._changes
        changes.problems += corpus.problems
        with self._db.writing():
            self._compare(corpus)
            changes.embedded = self._embed()
            searchable = self._generations.searchable()
            if not searchable:
                self.mended = "The search files of the index were missing or damaged and were made anew."
            if changes.any or not searchable:
                self._advance()
            elif self._problems != self._db.rows(_PROBLEMS):
                with self._db.transaction():
                    self._note_problems()
            if not (changes.added or changes.changed or changes.unchanged):
                raise nothing_readable(corpus.label, changes.problems)
            changes.passages = len(self._generations.current()[0])
            if changes.any:
                spent = float(self._db.meta("cpu_seconds") or 0.0) + time.process_time() - worked
                with self._db.transaction():
                    self._db.note({"cpu_seconds": f"{spent:.3f}"})
        changes.seconds = time.perf_counter() - begun
        return changes

    # -- documents -----------------------------------------------------------------------------------------------

    def _compare(self, corpus: Corpus) -> None:
        """Write changed and new documents as pending, and find those that are to be deleted."""
        live = {
            row[0]: row[1:]
            for row in self._db.rows("SELECT name, id, hash, size, mtime_ns FROM documents WHERE live = 1")
        }
        waiting = dict(self._db.rows("SELECT name, hash FROM documents WHERE live = 0"))
        failed = {(name, size, mtime_ns): reason for name, reason, size, mtime_ns in self._db.rows(_PROBLEMS)}
        for done, source in enumerate(map(clean_source, corpus.sources), 1):
            self._report("reading", done, len(corpus.sources))
            old, state = live.pop(source.name, None), (source.size, source.mtime_ns)
            on_disk = source.document is None
            if on_disk and old is not None and old[2:] == state:
                self._changes.unchanged += 1
            elif on_disk and old is None and (reason := failed.get((source.name, *state))) is not None:
                self._fail(source, reason, source.mtime_ns)
            else:
                self._read(source, old, waiting.get(source.name))
        self._stale += [old[0] for old in live.values()]
        self._changes.removed += len(live)
        self._problems.sort()
        with self._db.transaction():
            gone = "live = 0 AND name NOT IN (SELECT value FROM json_each(?))"
            self._db.forget(gone, json.dumps(sorted(self._kept)))

    def _read(self, source: Source, old: Sequence[Any] | None, waiting: str | None) -> None:
        """Read a file, and write it as pending if it changed.

        Args:
            old: id and hash of the live document of that name; None where there is none.
            waiting: the hash of the pending one.
        """
        mtime_ns = -1  # a file that cannot be opened may be allowed later, at the same time of change
        try:
            data = source.load()
            mtime_ns = _settled(source.mtime_ns)
            digest = source.fingerprint(data)
            if old is not None and old[1] == digest:
                with self._db.transaction():
                    sql = "UPDATE documents SET size = ?, mtime_ns = ? WHERE id = ?"
                    self._db.connection.execute(sql, (source.size, mtime_ns, old[0]))
                self._changes.unchanged += 1
                return
            if waiting != digest:
                self._put(source, digest, source.parse(data))
        except Unreadable as error:
            self._fail(source, str(error), mtime_ns)
            self._changes.removed += old is not None
        else:
            self._kept.add(source.name)
            self._changes.changed += old is not None
            self._changes.added += old is None
        if old is not None:
            self._stale.append(old[0])

    def _fail(self, source: Source, reason: str, mtime_ns: int) -> None:
        self._problems.append((source.name, reason, source.size, mtime_ns))
        self._changes.problems.append(Problem(source.name, reason))

    def _note_problems(self) -> None:
        """Remember the files that cannot be read, and in which state they were."""
        self._db.connection.execute("DELETE FROM problems")
        self._db.connection.executemany("INSERT INTO problems VALUES (?, ?, ?, ?)", self._problems)

    def _put(self, source: Source, digest: str, document: Document) -> None:
        """Write a document and its passages as pending; a passage that is known under any name has its vector."""
        document = replace(document, text=_clean(document.text), name=source.name)
        cuts = self._chunker.split(document)
        keys = [_key(cut.context()) for cut in cuts]
        known = "SELECT key, vector FROM passages WHERE vector IS NOT NULL AND key IN (SELECT value FROM json_each(?))"
        vectors = dict(self._db.rows(known, json.dumps(keys)))
        with self._db.transaction():
            self._db.forget("live = 0 AND name = ?", source.name)
            row = self._db.connection.execute(
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
                    json.dumps([document.headings, document.pages, document.anchors, document.remarks]),
                    sum(cut.tokens for cut in cuts),
                    len(cuts),
                ),
            ).lastrowid
            texts = [cut.context(document.name) for cut in cuts]
            numbers = self._number([[*words(text), *identifiers(text)] for text in texts])
            self._db.connection.executemany(
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
        new = ((word,) for word in distinct)
        self._db.connection.executemany("INSERT OR IGNORE INTO words (word) VALUES (?)", new)
        ids = dict(self._db.connection.execute(KNOWN_WORDS, (json.dumps(distinct),)))
        return [np.array([ids[word] for word in text], np.int32).tobytes() for text in texts]

    # -- vectors -------------------------------------------------------------------------------------------------

    def _embed(self) -> int:
        """Embed every passage without a vector, committing about every second; returns how many texts that took.

        Passages of the same text share a vector, so that no text is embedded twice, whatever its file is called.
        """
        total = int(self._db.rows("SELECT count(DISTINCT key) FROM passages WHERE vector IS NULL")[0][0])
        settled = self._embedder.settings.precision != "auto"
        if settled and total:
            self._embedder.prepare(self._waiting_sample(), total)
        begun, done = time.perf_counter(), 0
        for contexts in self._batches():

            def step(count: int) -> None:
                nonlocal done
                done += count
                self._report("embedding", done, total)

            texts = list(contexts.values())
            vectors = self._embedder.encode_documents(texts, step, part=True).astype(np.float16)
            with self._db.transaction():
                self._db.connection.executemany(
                    "UPDATE passages SET vector = ? WHERE key = ? AND vector IS NULL",
                    ((vector.tobytes(), key) for vector, key in zip(vectors, contexts, strict=True)),
                )
            spent = time.perf_counter() - begun
            if not settled and spent / max(done, 1) * (total - done) > _LONG_SECONDS:
                self._embedder.prepare(self._waiting_sample(), total - done)
                settled = True
        return total

    def _batches(self) -> Iterator[dict[str, str]]:
        """Passages without a vector, what the embedder reads by key; as many as are embedded in about a second."""
        last, part = 0, _EMBED_FIRST
        while rows := self._waiting(last, part):
            last, since = rows[-1][0], time.perf_counter()
            yield {row[1]: _context(row[2:]) for row in rows}
            wanted = int(part * _COMMIT_SECONDS / max(time.perf_counter() - since, 1e-3))
            part = max(_EMBED_FIRST, min(wanted, 4 * part, _EMBED_MOST))  # the first wait for the model: grow by steps

    def _waiting(self, after: int, count: int) -> list[Any]:
        """The next passages without a vector: id, key and what the embedder reads of them."""
        return self._db.rows(
            "SELECT id, key, heading, text, start, end, tokens FROM passages WHERE vector IS NULL AND id > ?"
            " ORDER BY id LIMIT ?",
            after,
            count,
        )

    def _waiting_sample(self) -> list[str]:
        """Texts of passages without a vector, from all over the corpus."""
        ids = [row[0] for row in self._db.rows("SELECT id FROM passages WHERE vector IS NULL ORDER BY id")]
        rows = (self._waiting(i - 1, 1)[0] for i in ids[:: -(-len(ids) // _SAMPLE)])
        return [_context(row[2:]) for row in rows]

    def _advance(self) -> None:
        """Write the next generation's files and move to it."""
        self._report("indexing", 0, 2)
        generation = self._generations.number + 1
        going = json.dumps(self._stale)
        dense, recall = self._generations.next_dense(going)
        self._report("indexing", 1, 2)
        lexical = self._generations.next_lexical(going)
        self._generations.save(generation, dense, lexical)
        made = {"made_for": dense.made_for, "nprobe": dense.nprobe, "recall": round(recall, 4)}
        with self._db.transaction():
            self._db.forget("id IN (SELECT value FROM json_each(?))", going)
            if self._stale:
                self._db.forget_words(lexical.occurring)
            self._db.connection.execute("UPDATE documents SET live = 1 WHERE live = 0")
            self._note_problems()
            self._db.note({"generation": generation, **made})
        self._generations.move(generation, dense, lexical)
        if self._stale:
            self._db.wipe()
        self._report("indexing", 2, 2)


def clean_source(source: Source) -> Source:
    """The source under a name that SQLite can store and compare; different names stay different."""
    name = source.name.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")
    return source if name == source.name else replace(source, name=name)


def _settled(mtime_ns: int) -> int:
    """The time of change to remember: none where it is so recent that the file may change again at the same time."""
    return mtime_ns if time.time_ns() - mtime_ns > _RACY_NS else -1


def _clean(text: str) -> str:
    """Text without lone surrogates, which no encoding can store; same length."""
    return text if text.isascii() else re.sub("[\ud800-\udfff]", "\ufffd", text)


def _context(row: Sequence[Any]) -> str:
    """What the embedder reads of a passage, given its heading, text, start, end and tokens."""
    heading, text, start, end, tokens = row
    return Cut(start, end, text, heading, Location(0, 0, 0, 0, None), tokens).context()


def _key(context: str) -> str:
    return blake2b(context.encode("utf-8", "replace"), digest_size=16).hexdigest()
