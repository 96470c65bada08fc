"""Our search structures as a vector store of LlamaIndex: FAISS for meaning, BM25 for words, SQLite for the nodes.

Nodes come with their vectors, so LlamaIndex's splitters and embeddings are used as they are. All nodes are held in
memory and searched exactly, which suits a few hundred thousand. Row ids are never reused, so that an add after a delete
collides with nothing, and every change is one transaction of the file.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.schema import BaseNode, MetadataMode
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    FilterCondition,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
    VectorStoreQueryResult,
)
from llama_index.core.vector_stores.utils import (
    build_metadata_filter_fn,
    metadata_dict_to_node,
    node_to_metadata_dict,
)

from hybrid.errors import IndexStoreError, InputError
from hybrid.index.dense import Dense
from hybrid.index.embedding import unit
from hybrid.index.fusion import DENSE_WEIGHT, Ids, Ranking, fuse
from hybrid.index.lexical import WordIndex

_DEPTH = 100  # nodes asked of each search before they are fused
_WORDS = (VectorStoreQueryMode.SPARSE, VectorStoreQueryMode.TEXT_SEARCH)
_MODES = (VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.HYBRID, *_WORDS)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS nodes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL UNIQUE, ref TEXT, text TEXT NOT NULL,
    content TEXT NOT NULL, vector BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS nodes_of ON nodes (ref);
"""


class HybridVectorStore(BasePydanticVectorStore):
    """A vector store with deletes, filters, persistence, and search by meaning, by words, or by both.

    It knows the modes default, sparse, text_search and hybrid; for hybrid `alpha` is the share of meaning. Similarities
    are cosines, BM25 scores, or fused scores from 0 to 1. Safe to use from several threads; changes by another process
    are seen when the store is opened again.

    Args:
        path: a file, made where there is none; None keeps everything in memory until `persist`.

    Raises:
        IndexStoreError: the file is no vector store of this kind or cannot be written.
    """

    stores_text: bool = True
    is_embedding_query: bool = True
    path: str | None = None
    _db: sqlite3.Connection = PrivateAttr()
    _lock: Any = PrivateAttr()
    _dense: Dense | None = PrivateAttr(default=None)
    _dimension: int = PrivateAttr(default=0)
    _lexical: WordIndex | None = PrivateAttr(default=None)  # made when first asked for words
    _metadata: dict[int, dict[str, Any]] | None = PrivateAttr(default=None)  # by row, made when first filtered

    def __init__(self, path: str | Path | None = None, **kwargs: Any) -> None:
        super().__init__(path=None if path is None else str(path), **kwargs)
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(self.path or ":memory:", isolation_level=None, check_same_thread=False)
            self._db.executescript(_SCHEMA)
            self._load()
        except sqlite3.Error as error:
            raise IndexStoreError(
                f"Cannot open a vector store at {self.path}: {error}. Give the path of one, or of a new file."
            ) from None

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex serialises it."""
        return "HybridVectorStore"

    @property
    def client(self) -> Any:
        """The SQLite connection."""
        return self._db

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM nodes").fetchone()[0])

    def __bool__(self) -> bool:
        return True  # LlamaIndex puts its own store in the place of one that is false

    # -- changing ------------------------------------------------------------------------------------------------

    def add(self, nodes: Sequence[BaseNode], **kwargs: Any) -> list[str]:
        """Add nodes with their embeddings, or replace those that are there already. Returns the nodes' ids."""
        if not nodes:
            return []
        given = {node.node_id: node for node in nodes}  # of two with one id, the later
        vectors = unit(np.array([node.get_embedding() for node in given.values()], np.float32))
        with self._lock, self._changing():
            if self._dimension and vectors.shape[1] != self._dimension:
                raise InputError(
                    f"These vectors have {vectors.shape[1]} numbers, the store's have {self._dimension}: "
                    "use the embedding it was made with, or clear it."
                )
            self._drop(self._rows_of("node", list(given)))
            rows = [
                (
                    node.node_id,
                    node.ref_doc_id,
                    node.get_content(metadata_mode=MetadataMode.NONE),
                    json.dumps(node_to_metadata_dict(node), ensure_ascii=False),
                    vector.astype(np.float16).tobytes(),
                )
                for node, vector in zip(given.values(), vectors, strict=True)
            ]
            self._db.executemany("INSERT INTO nodes (node, ref, text, content, vector) VALUES (?, ?, ?, ?, ?)", rows)
            added = self._rows_of("node", list(given))
            self._dimension = vectors.shape[1]
            self._dense = self._dense or Dense.empty(self._dimension)
            self._dense.add(added, vectors)
        return [node.node_id for node in nodes]

    def delete(self, ref_doc_id: str, **delete_kwargs: Any) -> None:
        """Delete the nodes of a document."""
        with self._lock, self._changing():
            self._drop(self._rows_of("ref", [ref_doc_id]))

    def delete_nodes(
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None, **delete_kwargs: Any
    ) -> None:
        """Delete nodes that have one of the ids and fulfil the filters; naming neither deletes nothing."""
        if not node_ids and filters is None:
            return
        with self._lock, self._changing():
            self._drop(self._allowed(node_ids, None, filters))

    def clear(self) -> None:
        """Delete all nodes; another embedding may be used from then on."""
        with self._lock, self._changing():
            self._db.execute("DELETE FROM nodes")
            self._dense, self._dimension = None, 0

    def persist(self, persist_path: str, fs: Any = None) -> None:
        """Write a copy to a local file, which `HybridVectorStore(path)` opens."""
        if fs is not None and "file" not in fs.protocol:
            raise InputError("A HybridVectorStore is written to local files only; copy the file where it should be.")
        target = Path(persist_path)
        if self.path is not None and target.resolve() == Path(self.path).resolve():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        written = target.with_name(f"{target.name}.new")
        written.unlink(missing_ok=True)
        copy = sqlite3.connect(written)
        try:
            with self._lock:
                self._db.backup(copy)
        finally:
            copy.close()
        written.replace(target)

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    # -- asking --------------------------------------------------------------------------------------------------

    def query(self, query: VectorStoreQuery, **kwargs: Any) -> VectorStoreQueryResult:
        """The nodes that match best, best first.

        Raises:
            InputError: an unknown mode, or one without the vector or the words it needs.
        """
        if query.mode not in _MODES:
            raise InputError(f"The query mode {query.mode} is not known; choose {', '.join(m.value for m in _MODES)}.")
        k = query.similarity_top_k
        with self._lock:
            among = None
            if query.node_ids or query.doc_ids or query.filters is not None:
                among = self._allowed(query.node_ids, query.doc_ids, query.filters)
            if query.mode in _WORDS:
                ranked = self._by_words(query, query.sparse_top_k or k, among)
            elif query.mode == VectorStoreQueryMode.HYBRID:
                k = query.hybrid_top_k or k
                depth = max(_DEPTH, 2 * k)
                alpha = DENSE_WEIGHT if query.alpha is None else query.alpha
                ranked = fuse(self._by_meaning(query, depth, among), self._by_words(query, depth, among), alpha)[:k]
            else:
                ranked = self._by_meaning(query, k, among)
            found = self._nodes([row for row, _ in ranked])
        return VectorStoreQueryResult(
            nodes=[found[row] for row, _ in ranked],
            similarities=[score for _, score in ranked],
            ids=[found[row].node_id for row, _ in ranked],
        )

    def get_nodes(self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None) -> list[BaseNode]:
        """Nodes that have one of the ids and fulfil the filters, in the order in which they were added."""
        with self._lock:
            return list(self._nodes(self._allowed(node_ids, None, filters).tolist()).values())

    def _by_meaning(self, query: VectorStoreQuery, k: int, among: Ids | None) -> Ranking:
        if query.query_embedding is None:
            raise InputError(f"The query mode {query.mode.value} needs the question's embedding.")
        if self._dense is None:
            return []
        ids, scores = self._dense.search(unit(np.array([query.query_embedding], np.float32))[0], k, among)
        return list(zip(ids.tolist(), scores.tolist(), strict=True))

    def _by_words(self, query: VectorStoreQuery, k: int, among: Ids | None) -> Ranking:
        if query.query_str is None:
            raise InputError(f"The query mode {query.mode.value} needs the question's text.")
        if self._lexical is None:
            rows = self._db.execute("SELECT id, text FROM nodes ORDER BY id").fetchall()
            self._lexical = WordIndex(rows)
        return self._lexical.search(query.query_str, k, among)

    # -- rows ----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        rows = self._db.execute("SELECT id, vector FROM nodes ORDER BY id").fetchall()
        if rows:
            vectors = np.frombuffer(b"".join(vector for _, vector in rows), np.float16).reshape(len(rows), -1)
            self._dimension = vectors.shape[1]
            self._dense = Dense.empty(self._dimension)
            self._dense.add(np.array([row for row, _ in rows], np.int64), vectors.astype(np.float32))

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One transaction; where it fails, the search structures are made anew from the file."""
        self._lexical = self._metadata = None
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            self._dense, self._dimension = None, 0
            self._load()
            raise
        self._db.execute("COMMIT")

    def _drop(self, rows: Ids) -> None:
        self._db.execute("DELETE FROM nodes WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(rows.tolist()),))
        if self._dense is not None:
            self._dense.remove(rows)

    def _rows_of(self, column: str, values: list[str]) -> Ids:
        """Rows whose column has one of the values, in the order of the values."""
        sql = f"SELECT n.id FROM json_each(?) v JOIN nodes n ON n.{column} = v.value ORDER BY v.key, n.id"
        return np.array([row for (row,) in self._db.execute(sql, (json.dumps(values),))], np.int64)

    def _allowed(self, node_ids: list[str] | None, doc_ids: list[str] | None, filters: MetadataFilters | None) -> Ids:
        """Rows that fulfil all conditions that are given, ascending."""
        allowed = {row for (row,) in self._db.execute("SELECT id FROM nodes")}
        if node_ids:
            allowed &= set(self._rows_of("node", node_ids).tolist())
        if doc_ids:
            allowed &= set(self._rows_of("ref", doc_ids).tolist())
        if filters is not None:
            if self._metadata is None:
                contents = self._db.execute("SELECT id, content FROM nodes")
                self._metadata = {row: _without_content(content) for row, content in contents}
            allowed = {row for row in allowed if _fulfils(self._metadata[row], filters)}
        return np.array(sorted(allowed), np.int64)

    def _nodes(self, rows: list[int]) -> dict[int, BaseNode]:
        sql = "SELECT id, content FROM nodes WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
        found = self._db.execute(sql, (json.dumps(rows),)).fetchall()
        return {row: metadata_dict_to_node(json.loads(content)) for row, content in found}


def _without_content(content: str) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(content)
    del kept["_node_content"]
    return kept


def _fulfils(metadata: dict[str, Any], filters: MetadataFilters) -> bool:
    """Whether metadata fulfil filters, nested ones too; one whose operator does not fit the value is not."""
    results = []
    for each in filters.filters:
        if isinstance(each, MetadataFilters):
            results.append(_fulfils(metadata, each))
            continue
        try:
            results.append(build_metadata_filter_fn(lambda _: metadata, MetadataFilters(filters=[each]))(""))
        except TypeError:  # "a" > 1
            results.append(False)
    if filters.condition == FilterCondition.OR:
        return any(results) or not results
    if filters.condition == FilterCondition.NOT:
        return not any(results)
    return all(results)
