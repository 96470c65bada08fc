"""The store `sqlite`: one SQLite file with the documents, FAISS and BM25 files beside it.

    index.db            documents and passages, their words and vectors
    dense-G.faiss       the vectors of generation G
    lexical-G/*.npy     BM25 of generation G
    write.lock          held by the one process that changes the index

Passage ids derive from content (`hybrid.index.prepared`). How an update stays safe is told in `hybrid.index.update`.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.fields import Fields, fields_of
from hybrid.corpus.problems import Problem
from hybrid.document import Anchor, Document, Heading, Location
from hybrid.errors import DocumentGone, IndexStoreError
from hybrid.index.chunking import Chunker
from hybrid.index.database import FILE, Database
from hybrid.index.embedding import Embedder, Vectors
from hybrid.index.fusion import Ids, retrieve
from hybrid.index.generations import NAMES, Generations
from hybrid.index.lexical import identifiers, query_words
from hybrid.index.prepared import clean_source
from hybrid.index.protocol import Changes, Entry, Index, Progress
from hybrid.index.update import KNOWN_WORDS, Update
from hybrid.index.workers import Workers
from hybrid.types import Passage

_OURS = re.compile(rf"{NAMES.pattern}|{re.escape(FILE)}(-wal|-shm|-journal)?")
_KEPT = 16  # documents kept with their text
_PASSAGE = (
    "p.id, d.name, p.ordinal, p.text, p.start, p.end, p.source_start, p.source_end, p.line, p.end_line, p.page, "
    "p.heading, p.tokens FROM passages p JOIN documents d ON d.id = p.document WHERE d.live = 1"
)
_STATES = (
    "SELECT name, size, mtime_ns FROM documents WHERE live = 1 UNION ALL SELECT name, size, mtime_ns FROM problems"
)


class SqliteStore(Index):
    """An index in SQLite, FAISS and BM25."""

    def __init__(self, path: Path | None, embedder: Embedder, chunker: Chunker, *, create: bool = True) -> None:
        self.path = path
        self.embedder = embedder
        self.chunker = chunker
        self.passed_over: tuple[Problem, ...] = ()
        self.db = Database(path, embedder.fingerprint, chunker.settings.tokens, create=create)
        self.generations = Generations(self.db, embedder)
        self._documents: dict[tuple[str, int], Document] = {}  # by name and generation

    # -- searching -----------------------------------------------------------------------------------------------

    @property
    def notes(self) -> Sequence[str]:
        fault = self.generations.gpu_fault
        return [f"The CPU searched the passages, as the GPU failed: {fault}."] if fault else []

    search = retrieve

    def within(self, documents: Sequence[str]) -> Ids:
        """The ids of the passages of some documents."""
        return self.ids_of(documents)

    def nearest(self, vector: Vectors, k: int, among: Ids | None = None) -> list[tuple[int, float]]:
        """The `k` passages nearest to a unit vector of shape (d,), with their cosine, best first."""
        ids, scores = self.generations.current()[0].search(vector, k, among)
        return list(zip(ids.tolist(), scores.tolist(), strict=True))

    def matching(self, question: str, k: int, among: Ids | None = None) -> list[tuple[int, float]]:
        _, lexical = self.generations.current()
        asked = list(dict.fromkeys([*query_words(question), *identifiers(question)]))[:500]
        known = dict(self.db.rows(KNOWN_WORDS, json.dumps(asked)))
        ids, scores = lexical.search([known[word] for word in asked if word in known], k, among)
        return list(zip(ids.tolist(), scores.tolist(), strict=True))

    # -- passages and documents ----------------------------------------------------------------------------------

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        wanted = json.dumps([int(number) for number in ids])
        rows = self.db.rows(f"SELECT {_PASSAGE} AND p.id IN (SELECT value FROM json_each(?))", wanted)
        return {row[0]: _passage(row) for row in rows}

    def ids_of(self, names: Sequence[str]) -> Ids:
        sql = "SELECT p.id FROM passages p JOIN documents d ON d.id = p.document WHERE d.live = 1 AND d.name = ?"
        return np.array(sorted(row[0] for name in names for row in self.db.rows(sql, name)), np.int64)

    def passages_of(self, name: str) -> list[Passage]:
        return [_passage(row) for row in self.db.rows(f"SELECT {_PASSAGE} AND d.name = ? ORDER BY p.ordinal", name)]

    def sample(self, count: int) -> list[Passage]:
        _, lexical = self.generations.current()
        return list(self.passages(lexical.ids[:: max(1, len(lexical.ids) // count)].tolist()).values())

    def fields(self, names: Sequence[str] | None = None) -> dict[str, Fields]:
        sql = "SELECT name, kind, path, language, fields FROM documents WHERE live = 1"
        if names is None:
            rows = self.db.rows(sql)
        else:
            rows = self.db.rows(f"{sql} AND name IN (SELECT value FROM json_each(?))", json.dumps(list(names)))
        made = (
            Document(name, "", kind, path, language, metadata=json.loads(fields))
            for name, kind, path, language, fields in rows
        )
        return {document.name: fields_of(document) for document in made}

    def entries(self, names: Sequence[str] | None = None) -> list[Entry]:
        rows = self.db.rows("SELECT name, path, kind, tokens, passages FROM documents WHERE live = 1 ORDER BY name")
        wanted = None if names is None else set(names)
        return [Entry(*row) for row in rows if wanted is None or row[0] in wanted]

    def document(self, name: str) -> Document:
        with self.db.lock:
            key = (name, self.generation)
            if key not in self._documents:
                if len(self._documents) >= _KEPT:
                    self._documents.pop(next(iter(self._documents)))
                self._documents[key] = self._read(name)
            return self._documents[key]

    def _read(self, name: str) -> Document:
        rows = self.db.rows(
            "SELECT name, text, kind, path, language, outline, fields FROM documents WHERE name = ? AND live = 1", name
        )
        if not rows:
            raise DocumentGone(name)
        name, text, kind, path, language, outline, fields = rows[0]
        headings, pages, anchors, remarks = json.loads(outline)
        return Document(
            name,
            text,
            kind,
            path,
            language,
            tuple(Heading(*heading) for heading in headings),
            tuple(pages),
            tuple(Anchor(*anchor) for anchor in anchors),
            tuple(remarks),
            json.loads(fields),
        )

    def problems(self) -> list[Problem]:
        return [Problem(*row) for row in self.db.rows("SELECT name, reason FROM problems ORDER BY name")]

    def unread(self) -> list[Problem]:
        known = {problem.name for problem in self.passed_over}
        return [*self.passed_over, *(problem for problem in self.problems() if problem.name not in known)]

    def __len__(self) -> int:
        return len(self.generations.current()[0])

    # -- the index itself ----------------------------------------------------------------------------------------

    @property
    def generation(self) -> int:
        return self.generations.number

    @property
    def cpu_seconds(self) -> float:
        """As for every store; other work of the process during an update is included."""
        return float(self.db.meta("cpu_seconds") or 0.0)

    def inspect(self) -> None:
        self.db.inspect()

    def fresh(self, corpus: Corpus) -> bool:
        known = {row[0]: row[1:] for row in self.db.rows(_STATES)}
        if len(known) != len(corpus.sources) or any(source.document is not None for source in corpus.sources):
            return False  # given texts have no time of change
        same = all(known.get(s.name) == (s.size, s.mtime_ns) for s in map(clean_source, corpus.sources))
        return same and self.generations.searchable()

    def update(self, corpus: Corpus, progress: Progress | None = None, workers: Workers | None = None) -> Changes:
        made = Update(self.db, self.generations, self.embedder, self.chunker, progress, workers)
        try:
            return made.run(corpus)
        finally:
            self.mended = made.mended or self.mended

    @staticmethod
    def exists(path: Path) -> bool:
        return (path / FILE).is_file()

    @staticmethod
    def delete(path: Path) -> None:
        try:
            for file in path.iterdir() if path.is_dir() else ():
                if _OURS.fullmatch(file.name):
                    shutil.rmtree(file) if file.is_dir() else file.unlink()
        except OSError as error:
            raise IndexStoreError(f"Cannot delete the index at {path}: {error.strerror}.") from None

    def close(self) -> None:
        self.generations.close()
        self.db.close()


def _passage(row: Sequence[Any]) -> Passage:
    number, document, ordinal, text, start, end, *place, heading, tokens = row
    return Passage(number, document, ordinal, text, start, end, Location(*place), heading, tokens)
