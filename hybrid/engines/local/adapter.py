"""A LoRA adapter (arXiv 2106.09685) in the file format of peft, added to the weights of a loaded model.

A folder with adapter_config.json and adapter_model.safetensors. The weight W becomes W + s B A once, when the model is
loaded: nothing is slower afterwards, and a GGUF file takes it like any other weights. What changes a model in another
way than that is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from hybrid.errors import EngineError, SettingsError

CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"
_NAME = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight")
_OTHER_INITS = ("pissa", "olora", "corda", "loftq")  # they change the weights beside the adapter
_UNLIKE = ("use_dora", "lora_bias", "modules_to_save", "alora_invocation_tokens", "trainable_token_indices")


class Adapter(NamedTuple):
    """The files of an adapter."""

    folder: Path
    config: dict[str, Any]
    digest: str  # of both files

    def scale(self, module: str, rank: int) -> float:
        """What the product of the two matrices of a module is multiplied with."""
        alphas = self.config.get("alpha_pattern") or {}
        own = (alpha for key, alpha in alphas.items() if re.match(rf"(.*\.)?({key})$", module))
        alpha = float(next(own, self.config.get("lora_alpha", rank)))
        return alpha / (rank**0.5 if self.config.get("use_rslora") else rank)


def read_adapter(folder: str) -> Adapter:
    """What stands in an adapter's folder.

    Raises:
        SettingsError: there is no adapter, or one that is not only LoRA.
    """
    path = Path(folder).expanduser()
    missing = next((name for name in (CONFIG, TENSORS) if not (path / name).is_file()), None)
    if missing:
        raise SettingsError(f"The folder {folder} has no {missing}: set engine.adapter to a folder that peft saved.")
    written, tensors = (path / CONFIG).read_bytes(), (path / TENSORS).read_bytes()
    try:
        config = json.loads(written)
        kind = str(config.get("peft_type"))
    except (ValueError, AttributeError):
        raise SettingsError(f"The file {path / CONFIG} is no JSON object: save the adapter once more.") from None
    if kind != "LORA":
        raise SettingsError(f"The adapter {folder} is of the type {kind}, and LORA is what can be added here.")
    also = [key for key in _UNLIKE if config.get(key)]
    also += ["bias"] if config.get("bias", "none") != "none" else []
    also += ["init_lora_weights"] if str(config.get("init_lora_weights")).lower().startswith(_OTHER_INITS) else []
    if also:
        raise SettingsError(
            f"The adapter {folder} sets {', '.join(also)}, which changes more than LoRA does: merge it with peft, and "
            "name the model's folder."
        )
    return Adapter(path, config, sha256(written + b"\0" + tensors).hexdigest())


def add(model: Any, adapter: Adapter) -> None:
    """Add an adapter to the weights of a model of Transformers, in place, computed in float32.

    Raises:
        EngineError: the file of tensors is damaged, or does not fit the model.
    """
    import torch

    with torch.no_grad():
        for weight, scale, left, right in _pairs(model, adapter):
            change = left.to(weight.device, torch.float32) @ right.to(weight.device, torch.float32) * scale
            change = change.T if adapter.config.get("fan_in_fan_out") else change
            weight.copy_(weight.float() + change)


def _pairs(model: Any, adapter: Adapter) -> Iterator[tuple[Any, float, Any, Any]]:
    """Each weight with its scale and two matrices; all are checked before the first is given."""
    tensors = _tensors(adapter)
    odd = [name for name in tensors if not _NAME.fullmatch(name)]
    if odd or not tensors:
        told = f"{len(odd)} tensors that are none of LoRA, such as {odd[0]}" if odd else "no tensors"
        raise EngineError(
            f"The adapter {adapter.folder} holds {told}: merge it with peft, and name the model's folder."
        )
    modules, found = dict(model.named_modules()), []
    for name in dict.fromkeys(match["module"] for key in tensors if (match := _NAME.fullmatch(key))):
        right, left = (tensors.get(f"base_model.model.{name}.lora_{side}.weight") for side in "AB")
        weight = getattr(modules.get(name), "weight", None)
        if left is None or right is None:
            raise EngineError(f"The adapter {adapter.folder} has one of two matrices for {name}: save it once more.")
        if weight is None or not weight.is_floating_point():
            said = "has no weights there" if weight is None else f"has weights of {weight.dtype} there"
            raise EngineError(f"The adapter {adapter.folder} changes {name}, and the model {said}: {_REMEDY}.")
        if sum(getattr(module, "weight", None) is weight for module in modules.values()) > 1:
            raise EngineError(
                f"The adapter {adapter.folder} changes {name}, whose weights another part of the model has too: merge "
                "it with peft, and name the model's folder."
            )
        wanted = tuple(weight.shape)[:: -1 if adapter.config.get("fan_in_fan_out") else 1]
        shape = (*left.shape[:1], *right.shape[1:])
        if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[0] or shape != wanted:
            raise EngineError(
                f"The adapter {adapter.folder} has matrices of {_by(left)} and {_by(right)} for {name}, and the model "
                f"weights of {_by(weight)}: {_REMEDY}."
            )
        if not (left.isfinite().all() and right.isfinite().all()):
            raise EngineError(f"The adapter {adapter.folder} has values for {name} that are no numbers: train it anew.")
        found.append((weight, adapter.scale(name, right.shape[0]), left, right))
    yield from found


_REMEDY = "set engine.model to the model that it was trained for"


def _by(tensor: Any) -> str:
    return " by ".join(map(str, tensor.shape))


def _tensors(adapter: Adapter) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(adapter.folder / TENSORS))
    except SafetensorError as error:
        said = str(error).rstrip(". ")
        raise EngineError(f"The file {adapter.folder / TENSORS} is damaged ({said}): copy it once more.") from None
