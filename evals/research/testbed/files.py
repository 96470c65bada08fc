"""The files that an engine needs to serve the testbed's model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from hybrid.evals.research.testbed.model import EPS, HEAD, HEADS, INNER, LAYERS, THETA, WIDTH
from hybrid.evals.research.testbed.tokenizer import VOCABULARY
from hybrid.evals.testbed import WINDOW, WORDS
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor

MODEL = "model.safetensors"

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def configuration() -> dict[str, Any]:
    """The model's `config.json`."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": VOCABULARY,
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "head_dim": HEAD,
        "hidden_act": "silu",
        "rms_norm_eps": EPS,
        "max_position_embeddings": WINDOW,
        "rope_parameters": {"rope_type": "default", "rope_theta": THETA},
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "pad_token_id": 0,
        "bos_token_id": None,
        "eos_token_id": 2,
        "dtype": "bfloat16",
    }


def write(folder: Path, tokenizer: Tokenizer, weights: dict[str, Tensor], keys: Sequence[str]) -> None:
    """Everything an engine needs, the weights in bfloat16, and the words that facts can be about."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WORDS).write_text("\n".join(keys) + "\n", encoding="utf-8")
    tokenizer.save(str(folder / "tokenizer.json"))
    generation = {"pad_token_id": 0, "eos_token_id": 2, "do_sample": False}
    chat = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "additional_special_tokens": ["<|im_start|>"],
        "model_max_length": 1000000,
        "chat_template": TEMPLATE,
        "clean_up_tokenization_spaces": False,
    }
    files = {"config": configuration(), "generation_config": generation, "tokenizer_config": chat}
    for name, data in files.items():
        (folder / f"{name}.json").write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    small = {name: weight.detach().to(torch.bfloat16).contiguous() for name, weight in weights.items()}
    save_file(small, folder / MODEL, metadata={"format": "pt"})
