"""Ours in LlamaIndex: its query engine, retriever, post-processor, selector, LLM and embedding, made of our parts.

What LlamaIndex already does well (chat engines, agents, workflows, tracing) is left to it: these classes implement its
base classes, which fire its events. Route, reason, usage and cost travel as metadata.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.base_selector import BaseSelector, SelectorResult, SingleSelection
from llama_index.core.base.response.schema import AsyncStreamingResponse, Response, StreamingResponse
from llama_index.core.callbacks import CallbackManager
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.tools.types import ToolMetadata

from hybrid.errors import InputError
from hybrid.integrations.models import HybridEmbedding, HybridLLM, Said
from hybrid.integrations.nodes import citation_node, passage_nodes, start_of
from hybrid.reading.ordering import order
from hybrid.session.hybrid import Hybrid
from hybrid.settings.names import Ordering
from hybrid.types import Answer, Piece, Route, Rung

__all__ = [
    "HybridEmbedding",
    "HybridLLM",
    "HybridQueryEngine",
    "HybridRetriever",
    "OrderingPostprocessor",
    "RouteSelector",
    "Said",
]


class HybridRetriever(BaseRetriever):
    """Passages from our index as nodes.

    Args:
        hybrid: retrieves, by its settings.
        corpus: anything that `Hybrid.answer` takes.
        k: passages to find; None: `retrieval.k`.
        documents: names of the only documents to search in; None means all.
    """

    def __init__(
        self,
        hybrid: Hybrid,
        corpus: Any,
        k: int | None = None,
        documents: Sequence[str] | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        self.hybrid = hybrid
        self.corpus = corpus
        self.k = k
        self.documents = documents
        super().__init__(callback_manager=callback_manager)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        store = self.hybrid.open(self.corpus)
        return passage_nodes(self.hybrid.retrieve(query_bundle.query_str, store, self.k, self.documents), store)

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


class HybridQueryEngine(BaseQueryEngine):
    """Answers that are routed per question; `source_nodes` are the citations, in the order of the numbers in the text.

    The response's metadata hold route, rung, reason, policy, abstained, usage, cost, attempts, notes and timings. A
    streamed response has both when its stream has ended, and the final text as metadata `answer`.

    Args:
        hybrid: answers.
        corpus: anything that `Hybrid.answer` takes.
        route: force `rag` or `long`.
        rung: force how much is read.
        documents: names of the only documents to read; None means all.
        streaming: responses stream the answer as it is generated.
    """

    def __init__(
        self,
        hybrid: Hybrid,
        corpus: Any,
        *,
        route: Route | None = None,
        rung: Rung | None = None,
        documents: Sequence[str] | None = None,
        streaming: bool = False,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        self.hybrid = hybrid
        self.corpus = corpus
        self.streaming = streaming
        self._options: dict[str, Any] = {"route": route, "rung": rung, "documents": documents}
        super().__init__(callback_manager)

    def retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """Only the passages that are found for a question."""
        documents = self._options["documents"]
        found: list[NodeWithScore] = HybridRetriever(self.hybrid, self.corpus, None, documents).retrieve(query_bundle)
        return found

    def _get_prompt_modules(self) -> dict[str, Any]:
        return {}

    def _query(self, query_bundle: QueryBundle) -> Response | StreamingResponse:
        if not self.streaming:
            return _response(self.hybrid.answer(query_bundle.query_str, self.corpus, **self._options))
        texts, nodes, told = self._streamed(query_bundle.query_str)
        return StreamingResponse(texts, nodes, told)

    async def _aquery(self, query_bundle: QueryBundle) -> Response | AsyncStreamingResponse:
        if not self.streaming:
            return _response(await self.hybrid.answer_async(query_bundle.query_str, self.corpus, **self._options))
        texts, nodes, told = self._streamed(query_bundle.query_str)
        return AsyncStreamingResponse(_in_thread(texts), nodes, told)

    def _streamed(self, question: str) -> tuple[Generator[str, None, None], list[NodeWithScore], dict[str, Any]]:
        """The answer as it is generated, and the nodes and metadata that are filled at its end."""
        nodes: list[NodeWithScore] = []
        told: dict[str, Any] = {"answer": None}  # LlamaIndex replaces metadata that are empty

        def texts() -> Generator[str, None, None]:
            silent = True
            for item in self.hybrid.stream(question, self.corpus, **self._options):
                if isinstance(item, str):
                    silent = False
                    yield item
                    continue
                nodes.extend(citation_node(citation) for citation in item.citations)
                told.update(_told(item), answer=item.text)
                if silent:  # an abstention is not streamed
                    yield item.text

        return texts(), nodes, told


class RouteSelector(BaseSelector):
    """Chooses between a tool that reads passages and one that reads whole documents, as our policy decides.

    Only the first decision counts: a `HybridQueryEngine` alone also escalates where passages do not answer.

    Args:
        hybrid: decides, without asking its engine.
        corpus: anything that `Hybrid.decide` takes.
        passages: name of the tool for the route `rag`.
        long: name of the tool for the route `long`.
    """

    def __init__(self, hybrid: Hybrid, corpus: Any, passages: str = "passages", long: str = "long") -> None:
        self.hybrid = hybrid
        self.corpus = corpus
        self._tools: dict[Route, str] = {"rag": passages, "long": long}

    def _select(self, choices: Sequence[ToolMetadata], query: QueryBundle) -> SelectorResult:
        names = [choice.name or choice.description for choice in choices]
        missing = [name for name in self._tools.values() if name not in names]
        if missing:
            raise InputError(
                f"There is no tool named {missing[0]!r} among {names}; name the tools as the selector does."
            )
        decision = self.hybrid.decide(query.query_str, self.corpus)
        chosen = SingleSelection(index=names.index(self._tools[decision.route]), reason=decision.reason)
        return SelectorResult(selections=[chosen])

    async def _aselect(self, choices: Sequence[ToolMetadata], query: QueryBundle) -> SelectorResult:
        return await asyncio.to_thread(self._select, choices, query)

    def _get_prompts(self) -> dict[str, Any]:
        return {}

    def _update_prompts(self, prompts_dict: dict[str, Any]) -> None:
        pass


def _response(answer: Answer) -> Response:
    nodes = [citation_node(citation) for citation in answer.citations]
    return Response(response=answer.text, source_nodes=nodes, metadata=_told(answer))


def _told(answer: Answer) -> dict[str, Any]:
    decision = answer.decision
    return {
        "route": answer.route,
        "rung": decision.rung,
        "policy": decision.policy,
        "reason": answer.reason,
        "abstained": answer.abstained,
        "usage": answer.usage.model_dump(),
        "cost": answer.cost.model_dump(),
        "attempts": len(answer.attempts),
        "notes": list(answer.notes),
        "timings": answer.timings,
    }


async def _in_thread(items: Iterator[str]) -> AsyncGenerator[str, None]:
    while (item := await asyncio.to_thread(next, items, None)) is not None:
        yield item


class OrderingPostprocessor(BaseNodePostprocessor):
    """Puts nodes in the order in which a model should read them; see `hybrid.reading.ordering.order`.

    Unlike LongContextReorder it puts the best node first for even counts too, and nodes without a score keep their rank
    instead of counting as the worst.

    Args:
        ordering: relevance, document, edges or curve.
        curve: for `curve`, scores measured at equally spaced positions, first to last.
    """

    ordering: Ordering = "edges"
    curve: tuple[float, ...] = ()

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex serialises it."""
        return "OrderingPostprocessor"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        ranked = _ranked(nodes)
        starts = [start_of(node.node) for node in ranked]
        placed = {id(node): place for place, node in enumerate(nodes)}
        pieces = []
        for rank, node in enumerate(ranked):
            document = _origin(node)
            known = all(starts[i] is not None for i, other in enumerate(ranked) if _origin(other) == document)
            start = starts[rank] if known else placed[id(node)]
            pieces.append(Piece(document, "", start or 0, passage=rank, score=-rank))
        return [ranked[piece.passage or 0] for piece in order(pieces, self.ordering, self.curve)]


def _ranked(nodes: Sequence[NodeWithScore]) -> list[NodeWithScore]:
    """Best first; nodes without a score keep their rank."""
    scored = iter(sorted((node for node in nodes if node.score is not None), key=lambda node: -(node.score or 0.0)))
    return [node if node.score is None else next(scored) for node in nodes]


def _origin(node: NodeWithScore) -> str:
    """The document's name, with the page number at its end: readers make a document of each page."""
    metadata = node.node.metadata
    name = metadata.get("file_path") or metadata.get("file_name") or node.node.ref_doc_id or node.node.node_id
    return f"{name}\0{metadata.get('page_label', '')!s:0>8}"
