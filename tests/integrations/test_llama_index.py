"""Ours in LlamaIndex: retriever, query engine, selector and post-processor."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.postprocessor import LongContextReorder
from llama_index.core.query_engine import RetrieverQueryEngine, RouterQueryEngine
from llama_index.core.schema import MetadataMode, NodeWithScore
from llama_index.core.tools import QueryEngineTool

from hybrid import Hybrid, Settings
from hybrid.errors import InputError
from hybrid.integrations.llama_index import (
    HybridLLM,
    HybridQueryEngine,
    HybridRetriever,
    OrderingPostprocessor,
    RouteSelector,
)
from hybrid.settings import RoutingSettings
from tests.integrations.leases import LEASES, QUESTION
from tests.integrations.nodes import heard, node, texts


def test_a_retriever_gives_nodes_with_places(small):
    with heard() as events:
        found = HybridRetriever(small, LEASES, k=1).retrieve(QUESTION)
    assert len(found) == 1
    assert found[0].node.metadata["file_name"] == found[0].node.ref_doc_id == "lima.txt"
    assert found[0].score == pytest.approx(1.0)
    text = LEASES["lima.txt"]
    assert text[found[0].node.start_char_idx : found[0].node.end_char_idx] == found[0].node.text
    assert events == ["RetrievalStartEvent", "RetrievalEndEvent"]
    assert "end_line" not in found[0].node.get_content(MetadataMode.LLM)


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
