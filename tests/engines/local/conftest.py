"""What the tests of the engine in this process share: a tiny model with random weights, and a small real one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hybrid.engines.local.engine import LocalEngine
from hybrid.settings import EngineSettings
from tests import smollm2
from tests.vllm_server import MODEL, build

Make = Callable[..., LocalEngine]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Llama of two small layers, window 4 096, with random weights and a chat template."""
    torch = pytest.importorskip("torch", reason="the engine in this process needs PyTorch")
    transformers = pytest.importorskip("transformers", reason="the engine in this process needs Transformers")
    folder = tmp_path_factory.mktemp("local") / MODEL
    folder.mkdir()
    build(folder)
    torch.manual_seed(0)
    config = transformers.AutoConfig.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    for weights in model.parameters():  # far from each other, so that rounding chooses no other token
        weights.data *= 8 if weights.dim() > 1 else 1
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def make(tiny: Path) -> Make:
    """Engines of the tiny model, with other settings."""
    return lambda **given: LocalEngine(EngineSettings(kind="local", **{"model": str(tiny), **given}))


@pytest.fixture(scope="session")
def real() -> LocalEngine:
    """SmolLM2-135M-Instruct in float32 on the CPU; see tests/smollm2.py for what it cannot tell."""
    return LocalEngine(EngineSettings(kind="local", model=str(smollm2.folder()), device="cpu"))


def by_transformers(engine: LocalEngine, prompt: Any, tokens: int) -> str:
    """The answer of Transformers' own `generate`, nothing kept and nothing shared."""
    import torch

    weights = engine._computing.weights
    ids = torch.tensor([engine._tokens(prompt)])
    made = weights.model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=tokens, pad_token_id=0
    )
    text: str = weights.tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True)
    return text
