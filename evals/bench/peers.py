"""LlamaIndex's own retrieval pipeline, to be measured beside ours in the same run with the same embedding model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hybrid.index.embedding import Embedder


class LlamaIndexPipeline:
    """SentenceSplitter, HuggingFaceEmbedding and FaissVectorStore as its documentation puts them together.

    Args:
        split: chunk size and overlap in the embedding model's tokens; None: the texts are the chunks.
    """

    def __init__(self, texts: Mapping[str, str], split: tuple[int, int] | None = (256, 20)) -> None:
        import faiss
        from llama_index.core import Document, StorageContext, VectorStoreIndex
        from llama_index.core.node_parser import SentenceSplitter
        from llama_index.core.schema import TextNode
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding
        from llama_index.vector_stores.faiss import FaissVectorStore

        embedder = Embedder()
        self.embedding = HuggingFaceEmbedding(embedder._folder, device="cpu")
        if split is None:
            self.nodes: list[Any] = [TextNode(text=text, id_=name) for name, text in texts.items()]
        else:

            def tokens(text: str) -> list[int]:
                return list(embedder.tokenizer.encode(text, add_special_tokens=False).ids)

            splitter = SentenceSplitter(chunk_size=split[0], chunk_overlap=split[1], tokenizer=tokens)
            self.nodes = splitter.get_nodes_from_documents(
                [Document(text=text, doc_id=name) for name, text in texts.items()]
            )
        storage = StorageContext.from_defaults(vector_store=FaissVectorStore(faiss.IndexFlatIP(embedder.dimension)))
        self.index = VectorStoreIndex(self.nodes, storage_context=storage, embed_model=self.embedding)

    def dense(self, question: str, k: int) -> list[Any]:
        """The `k` nearest nodes."""
        return [hit.node for hit in self.index.as_retriever(similarity_top_k=k).retrieve(question)]

    def fused(self, question: str, k: int) -> list[Any]:
        """Its QueryFusionRetriever over vectors and BM25, by reciprocal rank."""
        if not hasattr(self, "_fusion"):
            self._fusion = self._make_fusion()
        self._fusion.similarity_top_k = k
        return [hit.node for hit in self._fusion.retrieve(question)][:k]

    def _make_fusion(self) -> Any:
        from llama_index.core.llms import MockLLM
        from llama_index.core.retrievers import QueryFusionRetriever
        from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
        from llama_index.retrievers.bm25 import BM25Retriever

        return QueryFusionRetriever(
            [
                self.index.as_retriever(similarity_top_k=50),
                BM25Retriever.from_defaults(nodes=self.nodes, similarity_top_k=min(50, len(self.nodes))),
            ],
            llm=MockLLM(),
            num_queries=1,
            mode=FUSION_MODES.RECIPROCAL_RANK,
            similarity_top_k=50,
            use_async=False,
        )


def fuse_few(pipeline: LlamaIndexPipeline, question: str, names: Sequence[str], k: int) -> list[str]:
    """Vectors and its BM25 over a few nodes only, by reciprocal rank as its QueryFusionRetriever computes it."""
    from llama_index.retrievers.bm25 import BM25Retriever

    wanted = set(names)
    nodes = [node for node in pipeline.nodes if node.node_id in wanted]
    lexical = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=len(nodes)).retrieve(question)
    scores: dict[str, float] = {}
    for ranking in (rank_few(pipeline, question, names, len(names)), [hit.node.node_id for hit in lexical]):
        for rank, name in enumerate(ranking):
            scores[name] = scores.get(name, 0.0) + 1 / (rank + 60)
    return sorted(scores, key=lambda name: -scores[name])[:k]


def rank_few(pipeline: LlamaIndexPipeline, question: str, names: Sequence[str], k: int) -> list[str]:
    """The pipeline's vectors over a few of its nodes only; FaissVectorStore has no filter, so the cosines are ours."""
    import numpy as np

    store = pipeline.index.vector_store.client
    rows = {node_id: int(row) for row, node_id in pipeline.index.index_struct.nodes_dict.items()}
    vectors = np.stack([store.reconstruct(rows[name]) for name in names])
    query = np.array(pipeline.embedding.get_query_embedding(question), np.float32)
    return [names[i] for i in np.argsort(-(vectors @ query), kind="stable")[:k]]
