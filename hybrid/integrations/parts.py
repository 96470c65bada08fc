"""LlamaIndex's parts in ours: embeddings, splitters, rerankers, and retrievers with the servers behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from llama_index.core import Document as LlamaDocument

from hybrid.corpus.corpus import Corpus
from hybrid.document import Document
from hybrid.errors import SettingsError
from hybrid.index.chunking import Chunker, Cut, Range
from hybrid.index.embedding import Embedder, Kind, Progress, Vectors, unit
from hybrid.index.protocol import Place, Store
from hybrid.integrations.nodes import find, passage_nodes, relevances, start_of, text_of
from hybrid.integrations.retriever_store import RetrieverStore, from_vector_store
from hybrid.session.hybrid import Hybrid, Replaced
from hybrid.settings import PassageSettings, Settings
from hybrid.types import Candidate

__all__ = [
    "LlamaIndexEmbedder",
    "LlamaIndexHybrid",
    "NodeChunker",
    "RetrieverStore",
    "from_vector_store",
]


class LlamaIndexHybrid(Hybrid):
    """A `Hybrid` with parts of LlamaIndex in place of ours. LLMs need none of this: `Hybrid(engine=llm)`.

    Args:
        settings: as for `Hybrid`.
        embedding: a `BaseEmbedding` in place of our embedder. The engine that quotes keeps ours, which it is fitted to.
        splitter: a `NodeParser` that makes the passages.
        rerankers: post-processors that choose and order the passages found; text they change is not read.
        replaced: `engine`, `long_engine` and `policy`, as for `Hybrid`.

    Raises:
        SettingsError: a setting that does not fit.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        embedding: Any = None,
        splitter: Any = None,
        rerankers: Sequence[Any] = (),
        **replaced: Unpack[Replaced],
    ) -> None:
        super().__init__(settings, **replaced)
        if embedding is not None:
            self.embedder = LlamaIndexEmbedder(embedding)
            self.chunker = Chunker(self.embedder, self.settings.passages)
        if splitter is not None:
            self.chunker = NodeChunker(self.embedder, splitter)
        self.rerankers = tuple(rerankers)

    def index_path(self, corpus: Corpus) -> Place | None:
        """The folder of a corpus's index; every splitter has its own."""
        path = super().index_path(corpus)
        if path is None or not isinstance(self.chunker, NodeChunker):
            return path
        own = f"{path}-{self.chunker.fingerprint}"
        return own if isinstance(path, str) else Path(own)

    @property
    def _reranks(self) -> bool:
        return bool(self.rerankers) or super()._reranks

    def _rerank(self, question: str, found: list[Candidate], store: Store) -> list[Candidate]:
        """The retrieved passages that the rerankers keep, in their order; that of the settings comes first."""
        found = super()._rerank(question, found, store)
        if not self.rerankers or not found:
            return found
        nodes = passage_nodes(found, store)
        known = {node.node.node_id: candidate for node, candidate in zip(nodes, found, strict=True)}
        for reranker in self.rerankers:
            nodes = reranker.postprocess_nodes(nodes, query_str=question)
        kept = [node for node in nodes if node.node.node_id in known]
        return [
            replace(known[node.node.node_id], score=score) for node, score in zip(kept, relevances(kept), strict=True)
        ]


class LlamaIndexEmbedder(Embedder):
    """A `BaseEmbedding` as our embedder.

    The packaged model's tokenizer counts the tokens, since LlamaIndex's embeddings do not tell theirs.

    Args:
        max_tokens: tokens that it reads of a text; None: its `max_length`, else 512.
    """

    def __init__(self, embedding: Any, max_tokens: int | None = None) -> None:
        super().__init__()
        self.embedding = embedding
        self._reads = max_tokens or int(getattr(embedding, "max_length", None) or 512)

    @property
    def name(self) -> str:
        """Its model and class."""
        return f"{self.embedding.model_name} ({type(self.embedding).__name__})"

    @property
    def fingerprint(self) -> str:
        """Class, model and instructions, on which the vectors depend."""
        prompts = [getattr(self.embedding, f"{kind}_instruction", None) for kind in ("query", "text")]
        return f"llama-index {self.name}" + ("" if prompts == [None, None] else f" {prompts}")

    @property
    def max_tokens(self) -> int:
        """Tokens it reads of a text."""
        return self._reads

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        return len(self.embedding.get_query_embedding("ready?"))

    def prepare(self, sample: Sequence[str], total: int) -> None:
        """Does nothing: the embedding has its own device and precision."""

    def _encode(self, texts: Sequence[str], kind: Kind, progress: Progress | None) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        if kind == "query":
            found = [self.embedding.get_query_embedding(text) for text in texts]
        else:
            found = self.embedding.get_text_embedding_batch(list(texts))
        if progress is not None:
            progress(len(texts))
        return unit(np.array(found, np.float32))


class NodeChunker(Chunker):
    """A `NodeParser` that makes the passages; a hierarchy's leaves are taken.

    A node that is longer than the embedder reads is cut further, or the rest of it would never be found.
    """

    def __init__(self, embedder: Embedder, splitter: Any) -> None:
        super().__init__(embedder, PassageSettings(tokens=max(16, embedder.max_tokens)))
        self.splitter = splitter

    @property
    def fingerprint(self) -> str:
        """Class and plain options of the splitter."""
        plain = {name: getattr(self.splitter, name) for name in sorted(type(self.splitter).model_fields)}
        told = [(name, value) for name, value in plain.items() if isinstance(value, str | int | float | None)]
        return blake2b(f"{type(self.splitter).__name__} {told}".encode(), digest_size=6).hexdigest()

    def split(self, document: Document) -> list[Cut]:
        """The passages of a document, in order.

        Raises:
            SettingsError: the splitter changes the text, so that its nodes cannot be cited.
        """
        nodes = self.splitter.get_nodes_from_documents([LlamaDocument(text=document.text)])
        ranges: list[Range] = []
        at = 0
        for node in nodes:
            text = text_of(node)
            if node.child_nodes or not text.strip():
                continue
            start = find(document.text, text, start_of(node), at)
            if start is None:
                raise SettingsError(
                    f"The splitter {type(self.splitter).__name__} changes the text of {document.name!r}; passages have "
                    "to stand in the document word for word, so that they can be cited."
                )
            at = start
            (tokens,) = self.embedder.count([text])
            if tokens <= self.capacity:
                ranges.append((start, start + len(text), tokens))
                continue
            inner = super().split(Document(document.name, text, "text"))
            ranges += [(start + cut.start, start + cut.end, cut.tokens) for cut in inner]
        return self._cuts(document, sorted(ranges))
