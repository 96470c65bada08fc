"""Ours in LlamaIndex: the vector store."""

from __future__ import annotations

import pytest
from llama_index.core import Document, StorageContext, VectorStoreIndex
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores import MetadataFilter, MetadataFilters
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

from hybrid.errors import IndexStoreError, InputError
from hybrid.integrations.vector_store import HybridVectorStore
from tests.integrations.leases import LEASES, QUESTION


def stored(text: str, number: int, ref: str, vector: list[float], **metadata) -> TextNode:
    return TextNode(
        id_=f"n{number}",
        text=text,
        embedding=vector,
        metadata=metadata,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=ref)},
    )


NODES = [
    stored("apples are red", 1, "fruit", [1, 0, 0], year=2020, tags=["a"]),
    stored("pears are green", 2, "fruit", [0.8, 0.6, 0], year=2021),
    stored("bricks are red", 3, "walls", [0, 1, 0], year=2022, tags=["a", "b"]),
]


def ask(store, vector=(1, 0, 0), k=10, **given) -> list[str]:
    query = VectorStoreQuery(query_embedding=list(vector), similarity_top_k=k, **given)
    return store.query(query).ids


def test_a_vector_store_finds_by_meaning_words_or_both():
    store = HybridVectorStore()
    assert store.add(NODES) == ["n1", "n2", "n3"]
    result = store.query(VectorStoreQuery(query_embedding=[2, 0, 0], similarity_top_k=2))
    assert result.ids == ["n1", "n2"]
    assert result.similarities == pytest.approx([1.0, 0.8], abs=1e-3)
    assert result.nodes[0].text == "apples are red"
    assert result.nodes[0].ref_doc_id == "fruit"
    for mode in (VectorStoreQueryMode.SPARSE, VectorStoreQueryMode.TEXT_SEARCH):
        assert ask(store, query_str="bricks", mode=mode) == ["n3"]
    assert ask(store, query_str="red bricks", mode=VectorStoreQueryMode.HYBRID, alpha=0.0)[0] == "n3"
    assert ask(store, query_str="red bricks", mode=VectorStoreQueryMode.HYBRID, alpha=1.0)[0] == "n1"


def test_ids_never_collide_after_a_delete(tmp_path):
    """FaissMapVectorStore takes ids from the number of vectors, so an add after a delete overwrites another node."""
    store = HybridVectorStore(tmp_path / "nodes.db")
    store.add(NODES)
    store.delete("fruit")
    assert ask(store) == ["n3"]
    store.add([stored("plums are blue", 4, "fruit", [1, 0, 0])])
    store.add([stored("figs are brown", 5, "fruit", [0, 0, 1])])
    assert ask(store) == ["n4", "n3", "n5"]
    store.add([stored("plums are violet", 4, "fruit", [0, 0, 1])])  # replaced, not doubled
    assert len(store) == 3
    assert sorted(ask(store, (0, 0, 1), 2)) == ["n4", "n5"]
    assert store.get_nodes(["n4"])[0].text == "plums are violet"
    store.close()
    again = HybridVectorStore(tmp_path / "nodes.db")
    assert sorted(ask(again, (0, 0, 1), 2)) == ["n4", "n5"]
    again.delete("walls")
    assert sorted(ask(again)) == ["n4", "n5"]
    again.clear()
    assert len(again) == 0
    assert ask(again) == []
    again.add([stored("of another embedding", 6, "fruit", [1, 0])])
    assert ask(again, (1, 0)) == ["n6"]


def filters(*each, condition=FilterCondition.AND) -> MetadataFilters:
    return MetadataFilters(filters=list(each), condition=condition)


def test_a_vector_store_filters():
    store = HybridVectorStore()
    store.add(NODES)
    late = MetadataFilter(key="year", operator=FilterOperator.GTE, value=2021)
    first = MetadataFilter(key="year", value=2020)
    assert ask(store, filters=filters(late)) == ["n2", "n3"]
    assert ask(store, filters=filters(late), k=1) == ["n2"]
    assert ask(store, filters=filters(late, MetadataFilter(key="ref_doc_id", value="walls"))) == ["n3"]
    assert ask(store, filters=filters(first, condition=FilterCondition.NOT)) == ["n2", "n3"]
    nested = filters(
        first, filters(late, MetadataFilter(key="ref_doc_id", value="walls")), condition=FilterCondition.OR
    )
    assert ask(store, filters=nested) == ["n1", "n3"]
    assert ask(store, filters=filters(MetadataFilter(key="tags", operator=FilterOperator.CONTAINS, value="b"))) == [
        "n3"
    ]
    assert ask(store, filters=filters(MetadataFilter(key="year", operator=FilterOperator.GT, value="x"))) == []
    assert ask(store, doc_ids=["walls"]) == ["n3"]
    assert ask(store, node_ids=["n2", "n9"]) == ["n2"]
    assert ask(store, node_ids=[]) == ["n1", "n2", "n3"]  # as LlamaIndex's own retriever means it
    assert [each.node_id for each in store.get_nodes(filters=filters(late))] == ["n2", "n3"]
    store.delete_nodes(filters=filters(late))
    assert ask(store) == ["n1"]
    store.delete_nodes()
    store.delete_nodes(["n1"])
    assert len(store) == 0


def test_a_vector_store_says_what_it_cannot_do(tmp_path):
    store = HybridVectorStore()
    store.add(NODES)
    with pytest.raises(InputError, match="vectors have 2 numbers, the store's have 3"):
        store.add([stored("two", 7, "other", [1, 0])])
    assert ask(store) == ["n1", "n2", "n3"]
    with pytest.raises(InputError, match="query mode"):
        ask(store, mode=VectorStoreQueryMode.MMR)
    with pytest.raises(InputError, match="needs the question's text"):
        ask(store, mode=VectorStoreQueryMode.HYBRID)
    with pytest.raises(InputError, match="needs the question's embedding"):
        store.query(VectorStoreQuery(query_str="x"))
    (tmp_path / "no.db").write_text("this is no database, " * 100)
    with pytest.raises(IndexStoreError, match="Cannot open a vector store"):
        HybridVectorStore(tmp_path / "no.db")


def test_their_index_lives_in_our_vector_store(theirs, tmp_path):
    documents = [Document(text=text, metadata={"file_name": name}, id_=name) for name, text in LEASES.items()]
    context = StorageContext.from_defaults(vector_store=HybridVectorStore())
    index = VectorStoreIndex.from_documents(documents, context, embed_model=theirs)
    assert index.as_retriever(similarity_top_k=1).retrieve(QUESTION)[0].node.ref_doc_id == "lima.txt"
    index.delete_ref_doc("lima.txt")
    index.insert(Document(text="The garage is in Quito.", id_="quito.txt"))
    assert len(index.vector_store) == 2
    index.storage_context.persist(tmp_path)
    file = tmp_path / "default__vector_store.json"  # as LlamaIndex names it
    opened = VectorStoreIndex.from_vector_store(HybridVectorStore(file), embed_model=theirs)
    both = opened.as_retriever(similarity_top_k=1, vector_store_query_mode="hybrid")
    assert both.retrieve("Where is the garage?")[0].node.ref_doc_id == "quito.txt"
