"""Ours in LlamaIndex: its query engine, retriever, post-processor, selector, LLM and embedding, made of our parts.

What LlamaIndex already does well (chat engines, agents, workflows, tracing) is left to it: these classes implement its
base classes, whose events are fired by them. What is ours travels as metadata: route, reason, usage and cost.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Completion, Engine, OnText
from hybrid.engines.make import make_engine
from hybrid.errors import InputError, MissingDependency
from hybrid.index.embedding import Embedder
from hybrid.index.store import Store
from hybrid.reading.ordering import order
from hybrid.session.hybrid import Hybrid
from hybrid.session.stream import as_it_comes
from hybrid.settings import EngineSettings
from hybrid.settings.names import Ordering
from hybrid.types import Answer, Candidate, Citation, Piece, Route, Rung

try:
    from llama_index.core.base.base_query_engine import BaseQueryEngine
    from llama_index.core.base.base_retriever import BaseRetriever
    from llama_index.core.base.base_selector import BaseSelector, SelectorResult, SingleSelection
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse, LLMMetadata, MessageRole
    from llama_index.core.base.response.schema import AsyncStreamingResponse, Response, StreamingResponse
    from llama_index.core.bridge.pydantic import PrivateAttr
    from llama_index.core.callbacks import CallbackManager
    from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
    from llama_index.core.llms.custom import CustomLLM
    from llama_index.core.postprocessor.types import BaseNodePostprocessor
    from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, RelatedNodeInfo, TextNode
    from llama_index.core.tools.types import ToolMetadata
except ImportError:
    raise MissingDependency("llama-index-core", "llama-index", "LlamaIndex's classes over ours") from None

_SHOWN = ("file_name", "heading", "page_label")  # metadata that a model is shown with a passage
_ASKED = re.compile(r"^[ \t]*(?:Query|Question):[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)


# -- retrieving and answering --------------------------------------------------------------------------------------


class HybridRetriever(BaseRetriever):
    """Passages from our index as nodes.

    Args:
        hybrid: what retrieves; its settings say how.
        corpus: anything `Hybrid.answer` takes, or an opened index.
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

    The response's metadata hold route, rung, reason, policy, abstained, usage, cost, attempts, notes and timings. Of a
    streamed response both are there when the stream has ended, with the final text as metadata `answer`.

    Args:
        hybrid: what answers.
        corpus: anything `Hybrid.answer` takes, or an opened index.
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
        nodes, told = _unknown_yet()
        return StreamingResponse(self._texts(query_bundle.query_str, nodes, told), nodes, told)

    async def _aquery(self, query_bundle: QueryBundle) -> Response | AsyncStreamingResponse:
        if not self.streaming:
            return _response(await self.hybrid.answer_async(query_bundle.query_str, self.corpus, **self._options))
        nodes, told = _unknown_yet()
        return AsyncStreamingResponse(_in_thread(self._texts(query_bundle.query_str, nodes, told)), nodes, told)

    def _texts(self, question: str, nodes: list[NodeWithScore], told: dict[str, Any]) -> Generator[str, None, None]:
        """The answer as it is generated; what is known at its end is put into `nodes` and `told`."""
        silent = True
        for item in self.hybrid.stream(question, self.corpus, **self._options):
            if isinstance(item, str):
                silent = False
                yield item
                continue
            nodes.extend(_citation_node(citation) for citation in item.citations)
            told.update(_told(item), answer=item.text)
            if silent:  # an abstention is not streamed
                yield item.text


class RouteSelector(BaseSelector):
    """Chooses between a tool that reads passages and one that reads whole documents, as our policy decides.

    Only the first decision is carried over: a `HybridQueryEngine` alone also escalates where passages do not answer.

    Args:
        hybrid: what decides; nothing is asked of its engine.
        corpus: anything `Hybrid.decide` takes, or an opened index.
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


def passage_nodes(found: Sequence[Candidate], store: Store) -> list[NodeWithScore]:
    """Candidates as nodes with their scores; a node's id names the document and the place in it."""
    paths = {entry.name: entry.path for entry in store.entries([c.passage.document for c in found])}
    return [_passage_node(candidate, paths.get(candidate.passage.document)) for candidate in found]


def _passage_node(candidate: Candidate, path: str | None) -> NodeWithScore:
    passage = candidate.passage
    place = passage.location
    metadata = _metadata(passage.document, path, place.page, place.line, place.end_line, passage.heading)
    node = _node(passage.document, passage.text, passage.start, passage.end, metadata)
    return NodeWithScore(node=node, score=candidate.score)


def _citation_node(citation: Citation) -> NodeWithScore:
    metadata = _metadata(
        citation.document, citation.path, citation.page, citation.line, citation.end_line, citation.heading
    )
    metadata["where"] = citation.where
    node = _node(citation.document, citation.quote, citation.start, citation.end, metadata)
    return NodeWithScore(node=node, score=citation.score)


def _metadata(
    document: str, path: str | None, page: int | None, line: int, end_line: int, heading: str
) -> dict[str, Any]:
    """A place under the names that LlamaIndex's readers use, where they have one."""
    told = {"file_name": document, "file_path": path, "page_label": page and str(page), "heading": heading or None}
    return {**{key: value for key, value in told.items() if value is not None}, "line": line, "end_line": end_line}


def _node(document: str, text: str, start: int, end: int, metadata: dict[str, Any]) -> TextNode:
    return TextNode(
        id_=f"{document}:{start}-{end}",
        text=text,
        start_char_idx=start,
        end_char_idx=end,
        metadata=metadata,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=document)},
        excluded_llm_metadata_keys=[key for key in metadata if key not in _SHOWN],
        excluded_embed_metadata_keys=[key for key in metadata if key != "heading"],
    )


def _response(answer: Answer) -> Response:
    nodes = [_citation_node(citation) for citation in answer.citations]
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


def _unknown_yet() -> tuple[list[NodeWithScore], dict[str, Any]]:
    """Nodes and metadata of a response that streams; not empty, since LlamaIndex replaces metadata that are."""
    return [], {"answer": None}


async def _in_thread(items: Iterator[str]) -> AsyncGenerator[str, None]:
    while (item := await asyncio.to_thread(next, items, None)) is not None:
        yield item


# -- ordering ------------------------------------------------------------------------------------------------------


class OrderingPostprocessor(BaseNodePostprocessor):
    """Puts nodes in the order in which a model should read them; see `hybrid.reading.ordering.order`.

    Unlike LongContextReorder it puts the best node first for even counts too, and nodes without a score stay on their
    rank instead of counting as the worst.

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
        starts = [node.node.start_char_idx if isinstance(node.node, TextNode) else None for node in ranked]
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
    """What tells the document, its pages in order: readers make a document of each page."""
    metadata = node.node.metadata
    name = metadata.get("file_path") or metadata.get("file_name") or node.node.ref_doc_id or node.node.node_id
    page = str(metadata.get("page_label", ""))
    return f"{name}\0{page:0>8}"


# -- models --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said(Prompt):
    """Messages that somebody else has composed, sent as they are.

    An engine that only quotes reads `pieces` and `question`: all that was said, and the last line in it that begins
    with "Query:" or "Question:", as LlamaIndex's own prompts have it.
    """

    said: tuple[tuple[str, str], ...] = ()  # role, content

    @classmethod
    def of(cls, messages: Sequence[tuple[str, str]]) -> Said:
        """The prompt of these messages."""
        text = "\n\n".join(content for _, content in messages)
        asked = list(_ASKED.finditer(text))
        question = asked[-1].group(1).strip() if asked else messages[-1][1].strip() if messages else ""
        context = text[: asked[-1].start()] if asked else text
        return cls(question, (Piece("prompt", context, 0),), said=tuple(messages))

    def messages(self) -> list[dict[str, str]]:
        """The messages as they were given."""
        return [{"role": role, "content": content} for role, content in self.said]


class HybridLLM(CustomLLM):
    """One of our engines as an LLM: a server, vLLM in this process, or the engine that quotes.

    Responses tell what was spent as `additional_kwargs`: prompt_tokens, completion_tokens and total_tokens, where
    LlamaIndex's token counter looks for them, and all else as `usage`.

    Args:
        engine: an engine, or the settings of one.
        max_tokens: room kept for the answer; a call can name another.
    """

    max_tokens: int = 512
    _engine: Engine = PrivateAttr()

    def __init__(self, engine: Engine | EngineSettings, max_tokens: int = 512, **kwargs: Any) -> None:
        super().__init__(max_tokens=max_tokens, **kwargs)
        self._engine = make_engine(engine, Embedder())

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex serialises it."""
        return "HybridLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """Window and name, as the engine tells them."""
        engine = self._engine
        return LLMMetadata(
            context_window=engine.window, num_output=self.max_tokens, is_chat_model=True, model_name=engine.name
        )

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Complete a text, sent as the user's message. Raises WindowError or EngineError."""
        completion = self._ask(Said.of([("user", prompt)]), None, kwargs)
        return CompletionResponse(text=completion.text, additional_kwargs=_spent(completion))

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> Generator[CompletionResponse, None, None]:
        """Complete a text piece by piece; the last response tells what was spent."""
        for text, delta, told in self._stream(Said.of([("user", prompt)]), kwargs):
            yield CompletionResponse(text=text, delta=delta, additional_kwargs=told)

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Reply to messages. Raises WindowError or EngineError."""
        completion = self._ask(_said(messages), None, kwargs)
        return ChatResponse(message=_reply(completion.text), additional_kwargs=_spent(completion))

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Generator[ChatResponse, None, None]:
        """Reply to messages piece by piece; the last response tells what was spent."""
        for text, delta, told in self._stream(_said(messages), kwargs):
            yield ChatResponse(message=_reply(text), delta=delta, additional_kwargs=told)

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """`complete` without blocking the event loop."""
        return await asyncio.to_thread(self.complete, prompt, formatted, **kwargs)

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """`chat` without blocking the event loop."""
        return await asyncio.to_thread(self.chat, messages, **kwargs)

    def _ask(self, prompt: Said, on_text: OnText | None, options: dict[str, Any]) -> Completion:
        return self._engine.ask(prompt, max_tokens=options.get("max_tokens", self.max_tokens), on_text=on_text)

    def _stream(self, prompt: Said, options: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Text until now, the new piece, and last what was spent."""
        text = ""
        for item in as_it_comes(lambda on_text: self._ask(prompt, on_text, options)):
            if isinstance(item, Completion):
                yield item.text, item.text[len(text) :] if item.text.startswith(text) else "", _spent(item)
            else:
                text += item
                yield text, item, {}


class HybridEmbedding(BaseEmbedding):
    """Our embedder as an embedding of LlamaIndex; the packaged model needs no download.

    Args:
        embedder: None: the packaged model.
    """

    _embedder: Embedder = PrivateAttr()

    def __init__(self, embedder: Embedder | None = None, **kwargs: Any) -> None:
        embedder = embedder or Embedder()
        super().__init__(**{"model_name": embedder.name, "embed_batch_size": 256, **kwargs})
        self._embedder = embedder

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex serialises it."""
        return "HybridEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return [float(number) for number in self._embedder.encode_query([query])[0]]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        found: list[list[float]] = self._embedder.encode_documents(texts).tolist()
        return found

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)


def _said(messages: Sequence[ChatMessage]) -> Said:
    return Said.of([(message.role.value, message.content or "") for message in messages])


def _reply(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.ASSISTANT, content=text)


def _spent(completion: Completion) -> dict[str, Any]:
    usage = completion.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.prompt_tokens + usage.output_tokens,
        "usage": usage.model_dump(),
        "truncated": completion.truncated,
    }
