"""One version of a Lance index: what a question sees from its beginning to its end, whatever others commit."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from hybrid.corpus.fields import Fields
from hybrid.corpus.problems import Problem
from hybrid.document import Anchor, Document, Heading, Location
from hybrid.errors import DocumentGone
from hybrid.index.dense import EXACT
from hybrid.index.embedding import Embedder, Vectors
from hybrid.index.fusion import Ids, Ranking, retrieve
from hybrid.index.lance.seam import lance, translated
from hybrid.index.lance.table import DOCUMENT, PASSAGE, VECTORS, Head, head_of, indexes
from hybrid.index.lance.writing import IN_FILTER, Known, joined, known_in, listed
from hybrid.index.lexical import identifiers, query_words
from hybrid.index.prepared import first_id
from hybrid.index.protocol import Entry, Place, Store
from hybrid.index.where import Filter, Selected, known, parsed, unmarked
from hybrid.types import Passage

_KEPT = 16  # documents kept with their text
_LANCE_K1 = 1.2  # of its BM25, which counts each score 1 + k1 times; the scores are given without that
_PASSAGE = [
    "id", "document", "ordinal", "text", "start", "end", "source_start", "source_end", "line", "end_line", "page",
    "heading", "tokens",
]  # fmt: skip
_DOCUMENT = ["document", "text", "kind", "path", "language", "outline", "metadata"]


class LanceView(Store):
    """One version of an index's table, open for questions from several threads.

    Args:
        place: the folder or address of the index.
        table: that version.
    """

    def __init__(self, place: Place, embedder: Embedder, table: Any) -> None:
        self.place = place
        self.embedder = embedder
        self.table = table
        self.passed_over: tuple[Problem, ...] = ()
        self._documents: dict[str, Document] = {}
        self._lock = threading.Lock()

    @cached_property
    def head(self) -> Head:
        """The properties of this version."""
        return head_of(self.table, self.place)

    @cached_property
    def known(self) -> dict[str, Known]:
        """In which state each document was when it was written."""
        return known_in(self.table, self.place)

    # -- searching -----------------------------------------------------------------------------------------------

    search = retrieve

    def within(self, documents: Sequence[str]) -> str:
        """The filter for the passages of some documents."""
        return documents.filter.sql() if isinstance(documents, Selected) else self._named(documents)

    def nearest(self, vector: Vectors, k: int, among: str | Ids | None = None) -> list[tuple[int, float]]:
        """The `k` passages nearest to a unit vector of shape (d,), with their cosine, best first, ties by id."""
        query = np.asarray(vector, np.float32)
        condition = _condition(among)
        nearest: dict[str, Any] = {"column": "vector", "q": query, "k": max(1, min(k, len(self))), "metric": "dot"}
        if VECTORS in self._indexes and not (condition and self._few(condition)):
            nearest["nprobes"] = int(self.head.made.get("nprobes", 20))
        else:
            nearest["use_index"] = False
        found = self._rows(["id", "vector"], condition, nearest=nearest, prefilter=True)
        if not len(found):
            return []
        ids = found["id"].to_numpy()
        vectors = _flat(found["vector"], len(ids), np.float32)
        return _ranked(ids, vectors @ query, k)  # Lance rounds the question to half precision; this does not

    def matching(self, question: str, k: int, among: str | Ids | None = None) -> Ranking:
        asked = list(dict.fromkeys([*query_words(question), *identifiers(question)]))[:500]
        if not asked or not len(self) or (among is not None and not len(among)):
            return []
        query = lance().query.MatchQuery(" ".join(map(joined, asked)), "words")
        found = self._rows(
            ["id", "_score"], _condition(among), full_text_query=query, limit=2 * k, prefilter=True
        )  # more than asked for, so that ties are cut by id
        return _ranked(found["id"].to_numpy(), found["_score"].to_numpy() / (1 + _LANCE_K1), k)

    @cached_property
    def _indexes(self) -> dict[str, int]:
        with translated(self.place, "read"):
            return indexes(self.table)

    def _few(self, condition: str) -> bool:
        """Whether so few passages pass that comparing each of them is quick."""
        with translated(self.place, "read"):
            return int(self.table.count_rows(f"row = {PASSAGE} AND ({condition})")) <= EXACT

    # -- passages and documents ----------------------------------------------------------------------------------

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        wanted = np.unique(np.asarray([int(number) for number in ids], np.int64))
        if not len(wanted):
            return {}
        return {passage.id: passage for passage in self._passages(_within_ids(wanted))}

    def ids_of(self, names: Sequence[str]) -> Ids:
        found = self._rows(["document", "hash", "passages"], f"row = {DOCUMENT} AND {self._named(names)}").to_pylist()
        firsts = ((first_id(row["document"], row["hash"]), row["passages"]) for row in found)
        ids = [np.arange(first, first + count, dtype=np.int64) for first, count in firsts]
        return np.sort(np.concatenate(ids)) if ids else np.zeros(0, np.int64)

    def passages_of(self, name: str) -> list[Passage]:
        found = self._passages(f"row = {PASSAGE} AND {listed('document', [name])}")
        return sorted(found, key=lambda passage: passage.ordinal)

    def sample(self, count: int) -> list[Passage]:
        rows = self.table.count_rows()
        places = np.linspace(0, rows - 1, min(rows, 2 * count + 8)).astype(np.int64)
        with translated(self.place, "read"):
            found = self.table.take(np.unique(places).tolist(), columns=["row", *_PASSAGE]).to_pylist()
        drawn = [_passage(row) for row in found if row["row"] == PASSAGE]
        if rows <= 2 * count + 8:
            return drawn
        return drawn[:: max(1, len(drawn) // max(1, count))]

    def entries(self, names: Sequence[str] | None = None) -> list[Entry]:
        if names is None or len(names) > IN_FILTER:
            wanted = None if names is None else set(names)
            return [entry for entry in self._entries if wanted is None or entry.name in wanted]
        return self._read_entries(f"row = {DOCUMENT} AND {self._named(names)}")

    @cached_property
    def _entries(self) -> list[Entry]:
        return self._read_entries(f"row = {DOCUMENT}")

    def _read_entries(self, condition: str) -> list[Entry]:
        columns = ["document", "path", "kind", "tokens", "passages"]
        found = self._rows(columns, condition)
        rows = zip(*(found[column].to_pylist() for column in columns), strict=True)
        return sorted((Entry(*row) for row in rows), key=lambda entry: entry.name)

    def select(self, where: str | Filter) -> Sequence[str]:
        filters = parsed(where) if isinstance(where, str) else where
        if isinstance(where, str):
            known(filters, self._fields)
        found = self._rows(["document"], f"row = {DOCUMENT} AND {filters.sql()}")
        return Selected(sorted(found["document"].to_pylist()), filters)

    def fields(self, names: Sequence[str] | None = None) -> dict[str, Fields]:
        few = names is not None and len(names) <= IN_FILTER
        condition = f"row = {DOCUMENT}" + (f" AND {self._named(names)}" if few and names is not None else "")
        found = self._rows(["document", "fields"], condition)
        rows = zip(found["document"].to_pylist(), found["fields"].to_pylist(), strict=True)
        wanted = None if names is None else set(names)
        return {name: unmarked(text) for name, text in rows if wanted is None or name in wanted}

    @cached_property
    def _fields(self) -> set[str]:
        """The names of all fields that documents have."""
        return {name for fields in self.fields().values() for name in fields}

    def document(self, name: str) -> Document:
        with self._lock:
            if name in self._documents:
                return self._documents[name]
        found = self._rows(_DOCUMENT, f"row = {DOCUMENT} AND {listed('document', [name])}").to_pylist()
        if not found:
            raise DocumentGone(name)
        document = _document(found[0])
        with self._lock:
            while len(self._documents) >= _KEPT:
                self._documents.pop(next(iter(self._documents)))
            self._documents[name] = document
        return document

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _count(self) -> int:
        with translated(self.place, "read"):
            return int(self.table.count_rows(f"row = {PASSAGE}"))

    def vectors(self, keys: Sequence[str]) -> dict[str, Any]:
        """The vectors of passages that are here under any name, in half precision, by their keys."""
        if not keys or not len(self):
            return {}
        found = self._rows(["key", "vector"], f"row = {PASSAGE} AND {listed('key', keys)}")
        flat = _flat(found["vector"], len(found), np.float16)
        return dict(zip(found["key"].to_pylist(), flat, strict=True))

    # -- what is known of the index ------------------------------------------------------------------------------

    @property
    def generation(self) -> int:
        return self.head.generation

    @property
    def cpu_seconds(self) -> float:
        return float(self.head.made.get("cpu_seconds", 0.0))

    def problems(self) -> list[Problem]:
        return [Problem(name, reason) for name, reason, *_ in self.head.made.get("problems", ())]

    def unread(self) -> list[Problem]:
        known = {problem.name for problem in self.passed_over}
        return [*self.passed_over, *(problem for problem in self.problems() if problem.name not in known)]

    def close(self) -> None:
        """Does nothing: the table closes when nobody uses it."""

    def _passages(self, condition: str) -> list[Passage]:
        return [_passage(row) for row in self._rows(_PASSAGE, condition).to_pylist()]

    def _named(self, names: Sequence[str]) -> str:
        return listed("document", names) if names else "false"

    def _rows(self, columns: list[str], condition: str | None, **how: Any) -> Any:
        """The rows that fulfil a condition, as an Arrow table. Raises IndexDamaged."""
        with translated(self.place, "read"):
            return self.table.scanner(columns=columns, filter=condition, **how).to_table()


def _ranked(ids: Ids, scores: Any, k: int) -> list[tuple[int, float]]:
    order = np.lexsort((ids, -scores))[:k]
    return [(int(ids[i]), float(scores[i])) for i in order]


def _flat(column: Any, rows: int, kind: Any) -> Any:
    """A column of vectors as an array of shape (rows, d)."""
    return np.asarray(column.combine_chunks().flatten(), kind).reshape(rows, column.type.list_size)


def _condition(among: str | Ids | None) -> str | None:
    if among is None or isinstance(among, str):
        return among
    return _within_ids(np.unique(among)) if len(among) else "false"


def _within_ids(ids: Ids) -> str:
    """A filter for ids, ascending; those of one document follow one another, so that ranges are few."""
    breaks = np.flatnonzero(np.diff(ids) != 1) + 1
    runs = [(int(run[0]), int(run[-1])) for run in np.split(ids, breaks)]
    single = [str(a) for a, b in runs if a == b]
    parts = [f"(id >= {a} AND id <= {b})" for a, b in runs if a < b]
    return " OR ".join([*parts, f"id IN ({', '.join(single)})"] if single else parts)


def _passage(row: dict[str, Any]) -> Passage:
    location = Location(row["source_start"], row["source_end"], row["line"], row["end_line"], row["page"])
    place = (row["start"], row["end"], location, row["heading"], row["tokens"])
    return Passage(row["id"], row["document"], row["ordinal"], row["text"], *place)


def _document(row: dict[str, Any]) -> Document:
    headings, pages, anchors, remarks = json.loads(row["outline"])
    return Document(
        row["document"],
        row["text"],
        row["kind"],
        row["path"],
        row["language"],
        tuple(Heading(*heading) for heading in headings),
        tuple(pages),
        tuple(Anchor(*anchor) for anchor in anchors),
        tuple(remarks),
        json.loads(row["metadata"]),
    )
