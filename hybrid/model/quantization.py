"""The bits of a checkpoint's weights, as its `quantization_config` says.

All methods below quantize the matrices of the layers and leave embeddings, the output matrix and norms in 16 bits by
default. Each group of weights has a scale and a zero point, which are counted in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybrid.model.config import Config, Model, language
from hybrid.model.parameters import count_parameters, embeddings, experts

_GROUP = 128  # weights that share a scale, if a method does not say


@dataclass(frozen=True, slots=True)
class Quantization:
    """A method and the bits of its weights.

    Args:
        method: its name in the configuration.
        bits: of a quantized weight, its share of scales included.
        experts_only: attention stays in 16 bits.
    """

    method: str
    bits: float
    experts_only: bool = False

    @property
    def nominal(self) -> int:
        """Bits of the weights in products: 4, 8 or 16."""
        return 4 if self.bits < 6 else 8 if self.bits < 12 else 16


def quantization(config: Config) -> Quantization | None:
    """How a checkpoint is quantized; None if it is not, or in an unknown way."""
    told = config.get("quantization_config") or language(config)[1].get("quantization_config")
    if not isinstance(told, Mapping):
        return None
    method = str(told.get("quant_method") or told.get("quant_algo") or "").lower()
    if method in ("awq", "gptq", "gptq_marlin", "awq_marlin", "autoround", "auto-round", "hqq", "aqlm"):
        return Quantization(method, _grouped(told.get("bits", told.get("w_bit", 4)), told.get("group_size")))
    if method == "gguf":  # blocks of 32 weights share 16 bits
        bits = told.get("bits")
        return Quantization(method, bits + 0.5) if isinstance(bits, int) and bits < 16 else None
    if method == "bitsandbytes":
        eight = bool(told.get("load_in_8bit", told.get("_load_in_8bit")))
        return Quantization(method, 8.0 if eight else 4.0 + (0.127 if told.get("bnb_4bit_use_double_quant") else 0.5))
    if method == "mxfp4":
        return Quantization(method, 4.25, experts_only=True)  # 32 weights share 8 bits (OCP Microscaling)
    if method in ("compressed-tensors", "compressed_tensors"):
        return _compressed(method, told)
    if method in ("modelopt", "modelopt_fp4", "nvfp4"):
        four = "fp4" in f"{told.get('quant_algo', '')} {method}".lower()
        return Quantization(method, 4.5 if four else 8.0)  # 16 weights share 8 bits
    if "fp8" in method or "int8" in method:
        return Quantization(method, 8.0)
    return None


def size_of(model: Model, bits: int | None = None) -> float:
    """Bytes of a model's weights: of its files, else counted.

    Args:
        bits: of a weight, for all of them; None: as the configuration says, else 16.
    """
    if model.weight_bytes and bits is None and not far_from_shape(model):
        return model.weight_bytes
    return _counted(model, bits)


def far_from_shape(model: Model) -> bool:
    """Whether the weight files are so far from the size of the shape that they cannot be its weights."""
    if not model.weight_bytes or not all(map(model.text.get, ("hidden_size", "intermediate_size", "vocab_size"))):
        return False  # the configuration does not give the shape
    unknown = "quantization_config" in model.config and quantization(model.config) is None
    times = model.weight_bytes / _counted(model, None)
    return times < (0.1 if unknown else 0.25) or times > 4


def _counted(model: Model, bits: int | None) -> float:
    total = (model.parameters or count_parameters(model.config)) * 1e9
    found = quantization(model.config) if bits is None else None
    if found is None:
        return total * (bits or 16) / 8
    quantized = min(experts(model.config) if found.experts_only else total - embeddings(model.config), total)
    return quantized * found.bits / 8 + (total - quantized) * 2


def bits_of(config: Config) -> int:
    """Bits of a weight in products: 16, 8 or 4."""
    found = quantization(config)
    return 16 if found is None else found.nominal


def _compressed(method: str, told: Mapping[str, Any]) -> Quantization | None:
    groups = told.get("config_groups")
    first = next(iter(groups.values()), None) if isinstance(groups, Mapping) else None
    weights = first.get("weights") if isinstance(first, Mapping) else None
    if not isinstance(weights, Mapping):
        return None
    group = weights.get("group_size") if weights.get("strategy") in ("group", "tensor_group") else 0
    if weights.get("type") == "float" and weights.get("num_bits") == 4 and isinstance(group, int) and group > 0:
        return Quantization(method, 4 + 8 / group)  # NVFP4 and MXFP4: 16 or 32 weights share 8 bits, and no zero point
    return Quantization(method, _grouped(weights.get("num_bits", 8), group))


def _grouped(told: Any, group: Any) -> float:
    """Bits of a weight and its share of a 16-bit scale and a zero point; a scale for a whole row counts 0."""
    bits = float(told) if isinstance(told, int | float) else 4.0
    if bits >= 8 or group == 0 or (isinstance(group, int) and group < 0):
        return bits
    size = group if isinstance(group, int) else _GROUP
    return bits + (16 + bits) / size
