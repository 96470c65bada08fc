"""An adapter on a tiny model: the logits are those of peft, what the engine does else holds, and faults are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hybrid.chat.prompts import Prompt
from hybrid.engines.local.engine import LocalEngine
from hybrid.errors import HybridError
from hybrid.settings import EngineSettings
from hybrid.types import Piece
from tests.engines.local.conftest import Make

TEXT = (Path(__file__).parents[3] / "hybrid" / "types.py").read_text("utf-8")
TARGETS = ["q_proj", "v_proj", "o_proj", "gate_proj", "down_proj"]
CARRIED = Path(__file__).parents[3] / "evals" / "research" / "reader"
Save = Callable[..., Path]


def prompt(question: str, text: str = TEXT[:1500]) -> Prompt:
    return Prompt(question, (Piece("types.py", text, 0),))


@pytest.fixture
def save(tiny: Path, tmp_path: Path) -> Save:
    """Adapters of the tiny model with random matrices, in peft's files."""
    torch = pytest.importorskip("torch", reason="the engine in this process needs PyTorch")
    tensors = pytest.importorskip("safetensors.torch")
    from transformers import AutoModelForCausalLM

    shapes = {
        name: module.weight.shape
        for name, module in AutoModelForCausalLM.from_pretrained(tiny).named_modules()
        if name.rpartition(".")[2] in TARGETS
    }

    def saved(name: str = "adapter", rank: int = 4, more: dict[str, Any] | None = None, **config: Any) -> Path:
        torch.manual_seed(3)
        made = {}
        for module, (out, into) in shapes.items():
            made[f"base_model.model.{module}.lora_A.weight"] = torch.randn(rank, into) / 8
            made[f"base_model.model.{module}.lora_B.weight"] = torch.randn(out, rank) / 8
        folder = tmp_path / name
        folder.mkdir()
        tensors.save_file(made | (more or {}), folder / "adapter_model.safetensors")
        known = {"peft_type": "LORA", "r": rank, "lora_alpha": 16, "target_modules": TARGETS, "bias": "none"}
        (folder / "adapter_config.json").write_text(json.dumps(known | {"task_type": "CAUSAL_LM"} | config))
        return folder

    return saved


# peft asks Transformers in the old way
OF_PEFT = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


@OF_PEFT
@pytest.mark.parametrize(
    "config", [{}, {"use_rslora": True}, {"alpha_pattern": {"q_proj": 3, "layers.1.mlp.down_proj": 40}}]
)
def test_the_logits_are_those_of_peft(make: Make, save: Save, tiny: Path, config: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    peft = pytest.importorskip("peft", reason="what peft computes is compared where it is installed")
    from transformers import AutoModelForCausalLM

    folder = save(**config)
    engine = make(adapter=str(folder))
    ids = torch.tensor([engine._tokens(prompt("Who?"))])
    base = AutoModelForCausalLM.from_pretrained(tiny)
    with torch.inference_mode():
        plain = base(ids).logits
        theirs = peft.PeftModel.from_pretrained(base, str(folder)).eval()(ids).logits
        ours = engine._computing.model(ids).logits
    assert (plain - theirs).abs().max() > 1
    assert (ours - theirs).abs().max() < 1e-4 * theirs.abs().max()


def test_a_second_question_and_a_longer_window_are_as_without(make: Make, save: Save) -> None:
    folder = str(save())
    engine, text = make(adapter=folder, window=16_384), TEXT[:6000]
    for long in (text, TEXT * 2):
        engine.ask(prompt("What is a passage?", long), max_tokens=8)
        again = engine.ask(prompt("Who wrote it?", long), max_tokens=8)
        assert again.usage.cached_tokens > 0.9 * again.usage.prompt_tokens
        fresh = make(adapter=folder, window=16_384, prefix_gb=0).ask(prompt("Who wrote it?", long), max_tokens=8)
        assert again.text == fresh.text
    assert make().ask(prompt("Who?", text), max_tokens=8).text != engine.ask(prompt("Who?", text), max_tokens=8).text


def test_weights_are_shared_by_engines_with_the_same_adapter(make: Make, save: Save) -> None:
    one, other = save("one"), save("other", lora_alpha=1)
    first = make(adapter=str(one))
    long = make(adapter=str(one), window=16_384)
    assert first._computing.weights is long._computing.weights
    assert len({id(e._computing.weights) for e in (first, make(), make(adapter=str(other)))}) == 3
    assert (first.name, make().name) == ("tiny-chat + one (local)", "tiny-chat (local)")


def test_what_is_no_adapter_of_the_model_is_told(make: Make, save: Save, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    def refused(folder: Path) -> str:
        with pytest.raises(HybridError) as caught:
            _ = make(adapter=str(folder)).window
        assert caught.value.exit_code == 2
        return str(caught.value)

    q = "base_model.model.model.layers.0.self_attn.q_proj"
    (tmp_path / "empty").mkdir()
    assert "has no adapter_config.json: set engine.adapter to a folder that peft saved" in refused(tmp_path / "empty")
    assert "is of the type IA3" in refused(save("type", peft_type="IA3"))
    assert "sets use_dora, bias, which changes more" in refused(save("dora", use_dora=True, bias="all"))
    assert "sets init_lora_weights" in refused(save("pissa", init_lora_weights="pissa_niter_4"))
    assert "holds 1 tensors that are none of LoRA" in refused(save("odd", more={"a.bias": torch.zeros(2)}))
    wrong = {f"{q}.lora_A.weight": torch.zeros(4, 7)}
    assert "has matrices of 64 by 4 and 4 by 7" in refused(save("shape", more=wrong)).replace("128 by 4", "64 by 4")
    assert "has one of two matrices" in refused(save("half", more={f"{q}x.lora_A.weight": torch.zeros(4, 7)}))
    both = {f"{q}x.lora_{side}.weight": torch.zeros(4, 4) for side in "AB"}
    assert "q_proj x".replace(" ", "") + ", and the model has no weights there" in refused(save("none", more=both))
    nan = {f"{q}.lora_A.weight": torch.full((4, 128), float("nan"))}
    assert "q_proj" in refused(save("nan", more=nan))
    folder = save("torn")
    (folder / "adapter_config.json").write_text("[1")
    assert "is no JSON object" in refused(folder)
    folder = save("cut")
    tensors = folder / "adapter_model.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-100])
    assert "is damaged" in refused(folder)


@OF_PEFT
@pytest.mark.slow
def test_the_carried_adapter_on_real_weights(real: LocalEngine) -> None:
    torch = pytest.importorskip("torch")
    peft = pytest.importorskip("peft", reason="what peft computes is compared where it is installed")
    from transformers import AutoModelForCausalLM

    reader = LocalEngine(EngineSettings(kind="local", model=real.model, adapter=str(CARRIED), device="cpu"))
    asked = prompt("What is the currency?", "The currency of Peru is the sol. Its capital is Lima.")
    ids = torch.tensor([reader._tokens(asked)])
    base = AutoModelForCausalLM.from_pretrained(real.model, dtype=torch.float32)
    with torch.inference_mode():
        theirs = peft.PeftModel.from_pretrained(base, str(CARRIED)).eval()(ids).logits
        ours = reader._computing.model(ids).logits
    assert (ours - theirs).abs().max() < 1e-3
    assert reader.ask(asked, max_tokens=16).text.strip().lower().startswith(("the sol", "sol"))
