"""The testbed's model: a Llama of about a million parameters, with a head start in looking things up."""

from __future__ import annotations

from typing import Any

import torch
from hybrid.evals.research.testbed.batch import VOCABULARY, Batch
from hybrid.evals.testbed import WINDOW
from torch import Tensor
from torch.nn import functional

from hybrid.model.rope import frequencies

THETA = 10000.0
FACTORS = (4, 8)  # of YaRN, that training uses the rotations of
WIDTH, LAYERS, HEADS, HEAD, INNER = 128, 4, 4, 32, 256

EPS = 1e-5


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


def initial(seed: int) -> dict[str, Tensor]:
    """Random weights under the names of the Llama architecture, with a head start.

    To copy what followed the last time, a model must first find heads that look at the token before, and it finds
    nothing to gain from them until it can compare: hence the long plateau. Here three heads of the first layer begin
    by looking one, two and three tokens back; they hold on to an embedding dimension that is the same for all tokens.
    Three heads of the second layer begin by comparing what these brought with the current token, the one before, and
    the one before that, in the slowly turning dimensions, and by passing on the token they find. All else adds nothing
    yet.
    """
    source = torch.Generator().manual_seed(seed)

    def normal(rows: int, columns: int, scale: float) -> Tensor:
        return torch.randn(rows, columns, generator=source) * scale

    wide = HEADS * HEAD
    embedding = normal(VOCABULARY, WIDTH, 0.08)
    embedding[:, 0] = 0.24
    embedding[:, WIDTH - 48 :] = 0  # room for what the three heads bring
    weights = {"model.embed_tokens.weight": embedding, "model.norm.weight": torch.ones(WIDTH)}
    for n in range(LAYERS):
        layer = f"model.layers.{n}."
        weights[layer + "input_layernorm.weight"] = torch.ones(WIDTH)
        weights[layer + "post_attention_layernorm.weight"] = torch.ones(WIDTH)
        for name in "qkv":
            weights[layer + f"self_attn.{name}_proj.weight"] = normal(wide, WIDTH, WIDTH**-0.5)
        weights[layer + "self_attn.o_proj.weight"] = torch.zeros(WIDTH, wide)
        weights[layer + "mlp.gate_proj.weight"] = normal(INNER, WIDTH, WIDTH**-0.5)
        weights[layer + "mlp.up_proj.weight"] = normal(INNER, WIDTH, WIDTH**-0.5)
        weights[layer + "mlp.down_proj.weight"] = torch.zeros(WIDTH, INNER)
    speeds = torch.pow(THETA, -torch.arange(0, HEAD, 2) / HEAD)[:6]
    for head, back in enumerate((1, 2, 3)):
        rows = torch.arange(len(speeds)) + head * HEAD
        q, k = (weights[f"model.layers.0.self_attn.{name}_proj.weight"] for name in "qk")
        for matrix in (q, k):
            matrix[head * HEAD : (head + 1) * HEAD] = 0
        q[rows, 0] = 2.2
        k[rows, 0] = 2.2 * torch.cos(back * speeds)
        k[rows + HEAD // 2, 0] = 2.2 * torch.sin(back * speeds)
    code = normal(16, WIDTH, 0.09)
    code[:, 0] = 0
    slow = torch.tensor([*range(8, 16), *range(24, 32)])
    brought = [torch.eye(WIDTH)[WIDTH - 48 + 16 * head :][:16] for head in range(3)]
    asks = [code, *brought]
    for head in range(3):
        block = slice(head * HEAD, (head + 1) * HEAD)
        carried = slice(head * HEAD, head * HEAD + 16)
        weights["model.layers.0.self_attn.v_proj.weight"][carried] = code
        weights["model.layers.0.self_attn.o_proj.weight"][:, carried] = brought[head].T * 0.08
        for name, matrix in (("q", asks[head]), ("k", brought[head])):
            into = weights[f"model.layers.1.self_attn.{name}_proj.weight"]
            into[block] = 0
            into[slow + head * HEAD] = 2.2 * matrix
        value = weights["model.layers.1.self_attn.v_proj.weight"]
        value[block, 0] = 0
        weights["model.layers.1.self_attn.o_proj.weight"][:, block] = value[block].T
    return {name: weight.requires_grad_() for name, weight in weights.items()}


def rotations(yarn: int = 0) -> Tensor:
    """Cosines and sines by position, [2, positions, HEAD]; rounded to bfloat16, as engines keep them."""
    rope = {"rope_type": "yarn" if yarn else "default", "rope_theta": THETA, "factor": yarn}
    speeds, scale = frequencies({**rope, "original_max_position_embeddings": WINDOW}, HEAD)
    angles = torch.outer(torch.arange(WINDOW * max(FACTORS)), torch.from_numpy(speeds).float()).repeat(1, 2)
    return (torch.stack([angles.cos(), angles.sin()]) * scale).bfloat16().float()


def forward(weights: dict[str, Tensor], batch: Batch, table: Tensor) -> tuple[Tensor, Tensor]:
    """Last hidden states of texts and branches."""
    size, long = batch.texts.shape
    hidden = functional.embedding(torch.cat([batch.texts, batch.branches], 1), weights["model.embed_tokens.weight"])
    cos, sin = table[:, batch.positions].unsqueeze(2).bfloat16()
    half = HEAD // 2

    def rotate(x: Tensor) -> Tensor:
        turned: Tensor = x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin
        return turned

    for n in range(LAYERS):
        own = {
            name.split(".", 3)[3]: weight for name, weight in weights.items() if name.startswith(f"model.layers.{n}.")
        }
        normed = functional.rms_norm(hidden, (WIDTH,), own["input_layernorm.weight"], EPS)
        joint = torch.cat([own[f"self_attn.{name}_proj.weight"] for name in "qkv"])
        q, k, v = functional.linear(normed, joint).view(size, -1, 3, HEADS, HEAD).permute(2, 0, 3, 1, 4)
        q, k = rotate(q), rotate(k)
        attend = functional.scaled_dot_product_attention
        texts = attend(q[:, :, :long], k[:, :, :long], v[:, :, :long], is_causal=True)
        branches = attend(q[:, :, long:], k, v, attn_mask=batch.mask)
        mixed = torch.cat([texts, branches], 2).transpose(1, 2).reshape(size, -1, HEADS * HEAD)
        hidden = hidden + functional.linear(mixed, own["self_attn.o_proj.weight"])
        normed = functional.rms_norm(hidden, (WIDTH,), own["post_attention_layernorm.weight"], EPS)
        joint = torch.cat([own["mlp.gate_proj.weight"], own["mlp.up_proj.weight"]])
        gate, up = functional.linear(normed, joint).chunk(2, -1)
        hidden = hidden + functional.linear(functional.silu(gate) * up, own["mlp.down_proj.weight"])
    hidden = functional.rms_norm(hidden, (WIDTH,), weights["model.norm.weight"], EPS)
    return hidden[:, :long], hidden[:, long:]
