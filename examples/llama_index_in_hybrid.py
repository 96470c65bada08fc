"""LlamaIndex's parts in ours: its splitter makes the passages, then its index is the corpus.

Offline: pip install 'hybrid-context[cpu,llama-index]', then python examples/llama_index_in_hybrid.py
"""

from __future__ import annotations

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.node_parser import SentenceSplitter

from hybrid.integrations.llama_index import HybridEmbedding
from hybrid.integrations.parts import LlamaIndexHybrid, RetrieverStore

LEASES = {
    "lease A": "The lease of the warehouse in Cairo ends on 30 April 2029. Rent is due each month.",
    "lease B": "The lease of the office in Lima ends on 31 August 2031. It may be renewed twice for two years each.",
}
QUESTION = "When does the lease of the office in Lima end?"

if __name__ == "__main__":
    documents = [Document(text=text, metadata={"file_name": name}) for name, text in LEASES.items()]
    splitter = SentenceSplitter(chunk_size=64, chunk_overlap=0)
    with LlamaIndexHybrid(splitter=splitter) as hybrid:
        print(hybrid.answer(QUESTION, documents))

        # any retriever of theirs, over any server; `documents` is where the long route finds whole documents
        embedding = HybridEmbedding(hybrid.embedder)
        index = VectorStoreIndex.from_documents(documents, embed_model=embedding, transformations=[splitter])
        leases = RetrieverStore(index.as_retriever(similarity_top_k=8), documents)
        for route in ("rag", "long"):
            answer = hybrid.answer(QUESTION, leases, route=route)
            print(f"{answer.text}\n  {answer.route}: {answer.reason}\n  {[c.where for c in answer.citations]}")
