"""Our answers in LlamaIndex: a query engine, a router that decides as we do, and an order for any retriever's nodes.

Offline: pip install 'hybrid-context[cpu,llama-index]', then python examples/hybrid_in_llama_index.py
"""

from __future__ import annotations

from llama_index.core.query_engine import RetrieverQueryEngine, RouterQueryEngine
from llama_index.core.tools import QueryEngineTool

from hybrid import Hybrid
from hybrid.integrations import llama_index as ours

LEASES = {
    "lease A": "The lease of the warehouse in Cairo ends on 30 April 2029. Rent is due each month.",
    "lease B": "The lease of the office in Lima ends on 31 August 2031. It may be renewed twice for two years each.",
}
QUESTION = "When does the lease of the office in Lima end?"

if __name__ == "__main__":
    with Hybrid() as hybrid:
        response = ours.HybridQueryEngine(hybrid, LEASES).query(QUESTION)
        print(response, response.metadata["route"], response.source_nodes[0].node.metadata["where"], sep="\n  ")

        llm = ours.HybridLLM(hybrid.engine)
        tools = [
            QueryEngineTool.from_defaults(ours.HybridQueryEngine(hybrid, LEASES, route=route), name, f"reads {name}")
            for name, route in (("passages", "rag"), ("long", "long"))
        ]
        response = RouterQueryEngine(ours.RouteSelector(hybrid, LEASES), tools, llm=llm).query(QUESTION)
        print(response.metadata["route"], response.metadata["selector_result"].reason)

        order = ours.OrderingPostprocessor(ordering="edges")
        theirs = RetrieverQueryEngine.from_args(
            ours.HybridRetriever(hybrid, LEASES), llm=llm, node_postprocessors=[order]
        )
        print(theirs.query(QUESTION))
