"""LlamaIndex in ours: retrievers and vector stores as a corpus."""

from __future__ import annotations

import pytest
from llama_index.core import SimpleDirectoryReader, StorageContext, VectorStoreIndex
from llama_index.core.llms import CompletionResponse, MockLLM
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, TextNode

from hybrid import Hybrid, Settings
from hybrid.engines.planned import Planned
from hybrid.errors import InputError
from hybrid.integrations.llama_index import (
    HybridRetriever,
)
from hybrid.integrations.parts import (
    LlamaIndexHybrid,
    RetrieverStore,
    from_vector_store,
)
from hybrid.integrations.vector_store import HybridVectorStore
from tests.integrations.leases import LONG, RENT, documents


def test_their_retriever_feeds_both_routes(routed, bm25, embedder):
    store = RetrieverStore(bm25, LONG, embedder=embedder)
    short = routed.answer(RENT, store, route="rag")
    assert "1020 dollars" in short.text
    cited = short.citations[0]
    assert cited.document == "Quito.txt"
    assert LONG["Quito.txt"][cited.start : cited.end] == cited.quote
    long = routed.answer(RENT, store, rung="documents")
    assert "1020 dollars" in long.text
    assert long.usage.prompt_tokens > short.usage.prompt_tokens
    assert routed.answer(RENT, store, rung="sections").citations[0].document == "Quito.txt"
    assert "1000 dollars" in routed.answer("What is the monthly rent?", store, documents=["Lima.txt"]).text
    assert [c.passage.document for c in routed.retrieve(RENT, store, 1)] == ["Quito.txt"]
    nodes = HybridRetriever(routed, store, 2, ["Lima.txt"]).retrieve(RENT)
    assert {each.node.ref_doc_id for each in nodes} == {"Lima.txt"}
    with pytest.raises(InputError, match="question is empty"):
        routed.retrieve(" ", store)


def test_a_known_corpus_is_counted_and_can_be_read_whole(small, bm25, embedder):
    store = RetrieverStore(bm25, documents(), embedder=embedder)
    assert [entry.name for entry in store.entries()] == sorted(LONG)
    with LlamaIndexHybrid(Settings(), engine=small.engine) as hybrid:
        answer = hybrid.answer(RENT, store, route="long")
    assert answer.decision.rung == "corpus"
    assert "all 4 documents" in answer.reason
    assert "1020 dollars" in answer.text


def test_a_corpus_nobody_has_counted_is_never_read_as_a_whole(routed, bm25, embedder):
    store = RetrieverStore(bm25, LONG.get, tokens=5_000_000, embedder=embedder)
    answer = routed.answer(RENT, store, route="long")
    assert answer.decision.rung == "documents"
    assert "1020 dollars" in answer.text
    assert answer.citations[0].document == "Quito.txt"
    assert "Nobody has counted" not in " ".join(answer.notes)
    uncounted = routed.answer(RENT, RetrieverStore(bm25, embedder=embedder))
    assert "Nobody has counted this corpus" in uncounted.notes[0]
    with pytest.raises(InputError, match="Not all of this corpus is here"):
        routed.answer(RENT, store, rung="corpus")
    with pytest.raises(InputError, match="None of the documents"):
        routed.answer(RENT, store, documents=["Atlantis.txt"])


def test_without_documents_nodes_are_all_there_is_to_read(routed, bm25, embedder):
    store = RetrieverStore(bm25, embedder=embedder)
    for route in ("rag", "long"):
        answer = routed.answer(RENT, store, route=route)
        assert "1020 dollars" in answer.text
        assert answer.citations[0].document.startswith("Quito.txt#")


def test_a_model_s_own_words_are_aligned_with_what_was_found(routed, bm25, embedder):
    class Says(MockLLM):
        def complete(self, prompt, formatted=False, **kwargs):
            return CompletionResponse(text="In Quito the monthly rent is 1020 dollars.")

    for route in ("rag", "long"):
        with LlamaIndexHybrid(Settings(), engine=Says()) as hybrid:
            answer = hybrid.answer(RENT, RetrieverStore(bm25, LONG, embedder=embedder), route=route)
        assert answer.citations[0].document == "Quito.txt"
        assert "1020" in answer.citations[0].quote


def test_a_document_that_changed_is_fetched_again(routed, embedder):
    texts_ = {"a": "The old office is in Lima."}
    nodes = [TextNode(text=texts_["a"], id_="1", metadata={"file_name": "a"})]

    class Fixed(BaseRetriever):
        def _retrieve(self, query_bundle):
            return [NodeWithScore(node=each, score=1.0) for each in nodes]

    store = RetrieverStore(Fixed(), texts_.get, embedder=embedder)
    assert "Lima" in routed.answer("Where is the office?", store).text
    before = store.generation
    texts_["a"] = "The new office is in Quito."
    nodes[0] = TextNode(text=texts_["a"], id_="1", metadata={"file_name": "a"})
    assert "Quito" in routed.answer("Where is the office?", store).text
    assert store.generation == before + 1
    nodes[0] = TextNode(text="  ", id_="1", metadata={"file_name": "a"})
    assert routed.answer("Where is the office?", store).abstained


def test_a_plain_hybrid_asks_their_retriever_too(small, bm25, embedder):
    store = RetrieverStore(bm25, LONG, embedder=embedder)
    answer = small.answer(RENT, store, rung="passages")
    assert "1020 dollars" in answer.text
    assert [c.passage.document for c in small.retrieve(RENT, store, 1)] == ["Quito.txt"]
    assert {c.passage.document for c in small.retrieve(RENT, store, 2, ["Lima.txt"])} == {"Lima.txt"}
    with Hybrid(Settings(), engine=Planned("qwen3-8b", embedder)) as served:
        reason = served.decide(RENT, RetrieverStore(bm25, LONG.get, tokens=5_000_000, embedder=embedder)).reason
    assert "does not tell how near they are in meaning, so the policy 'self_route' decides" in reason


def test_many_questions_go_to_one_retriever(routed, bm25, embedder):
    store = RetrieverStore(bm25, LONG, embedder=embedder)
    answers = routed.answer_many([f"What is the monthly rent in {city}?" for city in ("Lima", "Oslo")], store)
    assert ["1000" in answers[0].text, "1030" in answers[1].text] == [True, True]


def test_originals_on_disk_are_the_documents_of_nodes_named_by_path(routed, bm25, tmp_path, embedder):
    for name, text in LONG.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    nodes = SentenceSplitter(chunk_size=80, chunk_overlap=20).get_nodes_from_documents(
        SimpleDirectoryReader(tmp_path).load_data()
    )
    store = RetrieverStore(type(bm25).from_defaults(nodes=nodes), tmp_path, embedder=embedder)
    cited = routed.answer(RENT, store, route="rag").citations[0]
    assert cited.document == "Quito.txt"
    assert cited.path == str(tmp_path / "Quito.txt")


def test_a_vector_store_is_a_corpus(routed, theirs):
    """Whole documents are put together from overlapping nodes; ours stands for any store that can list them."""
    context = StorageContext.from_defaults(vector_store=HybridVectorStore())
    splitter = SentenceSplitter(chunk_size=80, chunk_overlap=30)
    VectorStoreIndex.from_documents(documents(), context, embed_model=theirs, transformations=[splitter])
    store = from_vector_store(context.vector_store, theirs)
    answer = routed.answer(RENT, store, rung="documents")
    assert "1020 dollars" in answer.text
    assert answer.citations[0].document == "Quito.txt"
    assert store.document("Quito.txt").text == LONG["Quito.txt"]


def test_a_vector_store_without_text_is_refused(theirs):
    faiss = pytest.importorskip("faiss")
    stores = pytest.importorskip("llama_index.vector_stores.faiss", reason="llama-index-vector-stores-faiss is missing")
    with pytest.raises(InputError, match="FaissVectorStore keeps no text"):
        from_vector_store(stores.FaissVectorStore(faiss.IndexFlatL2(384)), theirs)


def test_their_faiss_index_is_asked_through_its_retriever(routed, theirs, embedder):
    faiss = pytest.importorskip("faiss")
    stores = pytest.importorskip("llama_index.vector_stores.faiss", reason="llama-index-vector-stores-faiss is missing")
    context = StorageContext.from_defaults(vector_store=stores.FaissVectorStore(faiss.IndexFlatL2(384)))
    splitter = SentenceSplitter(chunk_size=80, chunk_overlap=20)
    index = VectorStoreIndex.from_documents(documents(), context, embed_model=theirs, transformations=[splitter])
    store = RetrieverStore(index.as_retriever(similarity_top_k=6), LONG, embedder=embedder)
    found = routed.retrieve(RENT, store)
    assert found[0].passage.document == "Quito.txt"  # the least distance is first
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
