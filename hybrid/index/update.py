"""An update of an index: only what changed is read, split and embedded again.

New documents are written as pending, passages without a vector are embedded in committed batches, and the files of the
next generation are written. Only then one transaction moves to it. Killed at any moment, readers still see the previous
generation, and the next update goes on with what was already embedded.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.problems import Problem, nothing_readable
from hybrid.corpus.source import Source
from hybrid.document import Location
from hybrid.index.chunking import Chunker, Cut
from hybrid.index.database import Database
from hybrid.index.embedding import Embedder
from hybrid.index.generations import Generations
from hybrid.index.prepared import Prepared, clean_source
from hybrid.index.protocol import Changes, Progress
from hybrid.index.workers import Halves, Look, Wanted, Workers, in_order, look

State = tuple[str, str, int, int]  # of a file that cannot be read: name, reason, size, time of change

_EMBED_FIRST, _EMBED_MOST = 32, 4096  # passages between two commits: a kill loses no more
_COMMIT_SECONDS = 1.0  # of embedding between two commits, which take milliseconds
_LOOKS, _LOOK_SECONDS = 64, 0.5  # documents, and time to read them, between two commits
_LONG_SECONDS = 20.0  # of embedding still to come, from which looking for a quicker precision pays
_SAMPLE = 512  # passages by which a precision is judged

KNOWN_WORDS = "SELECT word, id FROM words WHERE word IN (SELECT value FROM json_each(?))"
_PROBLEMS = "SELECT name, reason, size, mtime_ns FROM problems ORDER BY name"


class Update:
    """One update of an index to what a corpus holds.

    Args:
        progress: receives stage, done and total.
        workers: who reads, splits and embeds; None: this process.

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
        workers: Workers | None = None,
    ) -> None:
        self._db = database
        self._generations = generations
        self._embedder = embedder
        self._chunker = chunker
        self._report = progress or (lambda stage, done, total: None)
        self._workers = workers
        self._changes = Changes()
        self._stale: list[int] = []  # ids of documents that are to be deleted
        self._kept: set[str] = set()  # names of pending documents that are right
        self._problems: list[State] = []
        self.mended = ""

    def run(self, corpus: Corpus) -> Changes:
        """Make the index hold exactly what `corpus` holds; see `hybrid.index.protocol.Index.update`."""
        begun, worked = time.perf_counter(), self._cpu_seconds()
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
                spent = float(self._db.meta("cpu_seconds") or 0.0) + self._cpu_seconds() - worked
                with self._db.transaction():
                    self._db.note({"cpu_seconds": f"{spent:.3f}"})
        changes.seconds = time.perf_counter() - begun
        return changes

    def _cpu_seconds(self) -> float:
        return time.process_time() + (self._workers.cpu_seconds if self._workers is not None else 0.0)

    # -- documents -----------------------------------------------------------------------------------------------

    def _compare(self, corpus: Corpus) -> None:
        """Write changed and new documents as pending, and find those that are to be deleted."""
        live = {
            row[0]: row[1:]
            for row in self._db.rows("SELECT name, id, hash, size, mtime_ns FROM documents WHERE live = 1")
        }
        waiting = dict(self._db.rows("SELECT name, hash FROM documents WHERE live = 0"))
        failed = {(name, size, mtime_ns): reason for name, reason, size, mtime_ns in self._db.rows(_PROBLEMS)}
        wanted: list[Wanted] = []
        known: dict[str, Sequence[Any]] = {}  # the live documents of those names
        for source in map(clean_source, corpus.sources):
            old, state = live.pop(source.name, None), (source.size, source.mtime_ns)
            on_disk = source.document is None
            if on_disk and old is not None and old[2:] == state:
                self._changes.unchanged += 1
            elif on_disk and old is None and (reason := failed.get((source.name, *state))) is not None:
                self._fail(source, reason, source.mtime_ns)
            else:
                hashes = (None if old is None else old[1], waiting.get(source.name))
                wanted.append(Wanted(source, tuple(filter(None, hashes))))
                known.update({} if old is None else {source.name: old})
        self._take_all(in_order(wanted), known, len(corpus.sources))
        self._stale += [old[0] for old in live.values()]
        self._changes.removed += len(live)
        self._problems.sort()
        with self._db.transaction():
            gone = "live = 0 AND name NOT IN (SELECT value FROM json_each(?))"
            self._db.forget(gone, json.dumps(sorted(self._kept)))

    def _take_all(self, wanted: Sequence[Wanted], known: Mapping[str, Sequence[Any]], total: int) -> None:
        """Look at sources and take in what is seen.

        Args:
            known: id, hash, size and time of change of the live documents of those names.
            total: sources in the corpus.
        """
        done = total - len(wanted)
        for looks in self._here(wanted) if self._workers is None else self._workers.look(wanted):
            with self._db.transaction():
                for one in looks:
                    self._take(one, known.get(one.source.name))
                    done += 1
                    self._report("reading", done, total)

    def _here(self, wanted: Iterable[Wanted]) -> Iterator[list[Look]]:
        """Look at sources in this process; as many at a time as are committed together."""
        looks, begun = list[Look](), time.monotonic()
        for one in wanted:
            looks.append(look(one, self._chunker))
            if len(looks) >= _LOOKS or time.monotonic() - begun > _LOOK_SECONDS:
                yield looks
                looks, begun = [], time.monotonic()
        if looks:
            yield looks

    def _take(self, seen: Look, old: Sequence[Any] | None) -> None:
        """Write a document as pending if it changed, inside a transaction.

        Args:
            old: id, hash, size and time of change of the live document of that name; None where there is none.
        """
        source = seen.source
        if seen.reason:
            self._fail(source, seen.reason, seen.mtime_ns)
            self._changes.removed += old is not None
        elif old is not None and old[1] == seen.digest:
            sql = "UPDATE documents SET size = ?, mtime_ns = ? WHERE id = ?"
            self._db.connection.execute(sql, (source.size, seen.mtime_ns, old[0]))
            self._changes.unchanged += 1
            return
        else:
            if seen.prepared is not None:
                self._put(seen.prepared)
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

    def _put(self, made: Prepared) -> None:
        """Write a document and its passages as pending, inside a transaction.

        A passage that is known under any name has its vector.
        """
        document, keys = made.document, made.keys
        known = "SELECT key, vector FROM passages WHERE vector IS NOT NULL AND key IN (SELECT value FROM json_each(?))"
        vectors = dict(self._db.rows(known, json.dumps(keys)))
        self._db.forget("live = 0 AND name = ?", made.name)
        row = self._db.connection.execute(
            "INSERT INTO documents (name, live, hash, size, mtime_ns, path, kind, language, text, outline, fields,"
            " tokens, passages) VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                made.name,
                made.digest,
                made.size,
                made.mtime_ns,
                document.path,
                document.kind,
                document.language,
                document.text,
                json.dumps([document.headings, document.pages, document.anchors, document.remarks]),
                json.dumps(dict(document.metadata)),
                made.tokens,
                len(made.cuts),
            ),
        ).lastrowid
        numbers = self._number(made.words())
        self._db.connection.executemany(
            "INSERT INTO passages (id, document, ordinal, start, end, source_start, source_end, line, end_line,"
            " page, heading, tokens, text, key, words, vector)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    made.first + i, row, i, c.start, c.end, *c.location, c.heading, c.tokens, c.text, key, ids,
                    vectors.get(key),
                )
                for i, (c, key, ids) in enumerate(zip(made.cuts, keys, numbers, strict=True))
            ),
        )  # fmt: skip

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
        if self._workers is not None:
            self._embed_by(self._workers, total)
            return total
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
            self._keep(contexts, self._embedder.encode_documents(texts, step, part=True).astype(np.float16))
            spent = time.perf_counter() - begun
            if not settled and spent / max(done, 1) * (total - done) > _LONG_SECONDS:
                self._embedder.prepare(self._waiting_sample(), total - done)
                settled = True
        return total

    def _embed_by(self, workers: Workers, total: int) -> None:
        """Have workers embed, and commit every part as it comes."""
        if not total:
            return
        under_way: dict[int, list[str]] = {}  # keys by the number of their part
        done, last = 0, -1

        def parts() -> Iterator[list[str]]:
            nonlocal last
            number = 0
            while rows := self._waiting(last, workers.part_size):
                last = rows[-1][0]
                waited_for = {key for keys in under_way.values() for key in keys}
                contexts = {row[1]: _context(row[2:]) for row in rows if row[1] not in waited_for}
                if contexts:
                    under_way[number], number = list(contexts), number + 1
                    yield list(contexts.values())

        self._report("embedding", 0, total)
        for number, vectors in workers.embed(parts(), total, self._waiting_sample()):
            keys = under_way.pop(number)
            self._keep(keys, vectors)
            done += len(keys)
            self._report("embedding", done, total)

    def _keep(self, keys: Iterable[str], vectors: Halves) -> None:
        """Commit the vectors of passages, in the order of their keys."""
        with self._db.transaction():
            self._db.connection.executemany(
                "UPDATE passages SET vector = ? WHERE key = ? AND vector IS NULL",
                ((vector.tobytes(), key) for vector, key in zip(vectors, keys, strict=True)),
            )

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


def _context(row: Sequence[Any]) -> str:
    """What the embedder reads of a passage, given its heading, text, start, end and tokens."""
    heading, text, start, end, tokens = row
    return Cut(start, end, text, heading, Location(0, 0, 0, 0, None), tokens).context()
