"""LlamaIndex in ours: embedding, splitter and reranker."""

from __future__ import annotations

import pytest
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.node_parser import HierarchicalNodeParser, SentenceSplitter, SentenceWindowNodeParser
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.schema import NodeWithScore

from hybrid import Corpus, Settings
from hybrid.corpus.readers.read import read_text
from hybrid.errors import SettingsError
from hybrid.integrations.parts import (
    LlamaIndexEmbedder,
    LlamaIndexHybrid,
    NodeChunker,
)
from tests.integrations.leases import LEASES, QUESTION


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
    corpus = Corpus.of(tmp_path / "a.txt")
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
