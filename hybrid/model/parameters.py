"""The number of parameters of a model, counted from its shape."""

from __future__ import annotations

import re

from hybrid.model.config import DEPTH, HEADS, WIDTH, Config, known_size, language, needed_size
from hybrid.model.layers import kv_heads

# Families whose input and output tables are one unless the configuration says otherwise (transformers 5.x)
_TIED = re.compile(
    r"(?:gemma|recurrent_gemma|paligemma|cohere|gpt2|gpt_bigcode|gpt_neo$|falcon(?:_mamba)?$|bloom|opt$|mpt$|starcoder2|"
    r"smollm3|xglm|mamba$|lfm2|zamba2)"
)


def count_parameters(config: Config, *, active: bool = False) -> float:
    """Billions of parameters of a transformer with gated feed-forward layers, counted from its shape.

    Exact to a few percent for Llama-like models; experts are counted, biases, norms and the low-rank projections of
    latent attention are not.

    Args:
        active: count only the parameters that one token passes through, with the experts chosen for it.
    """
    _, text = language(config)
    width, depth = needed_size(text, *WIDTH), needed_size(text, *DEPTH)
    heads = known_size(text, *HEADS)
    head = known_size(text, "head_dim") or (width // heads if heads else 0)
    inner = _inner(text, 4 * width)
    attention = width * head * (2 * heads + 2 * (kv_heads(config) if heads else 0))
    count = _expert_count(text)
    if count:
        chosen = known_size(text, "num_experts_per_tok", "experts_per_token") or count
        inner = (known_size(text, "moe_intermediate_size") or inner) * (chosen if active else count)
    # the input table is looked up, so only the output matrix counts as active
    embedding = _vocabulary(text) * width * (1 if active or is_tied(config) else 2)
    return (depth * (attention + 3 * width * inner) + embedding) / 1e9


def embeddings(config: Config) -> float:
    """Numbers in the embedding tables: one for input tokens, and one for output tokens unless the two are tied."""
    _, text = language(config)
    return float(_vocabulary(text) * known_size(text, *WIDTH) * (1 if is_tied(config) else 2))


def is_tied(config: Config) -> bool:
    """Whether input and output tokens share one embedding table: as the configuration says, else as its family does."""
    _, text = language(config)
    told = text.get("tie_word_embeddings")
    told = config.get("tie_word_embeddings") if told is None else told
    if told is None:
        families = (str(part.get("model_type", "")) for part in (text, config))
        return any(_TIED.match(family) for family in families)
    return bool(told)


def experts(config: Config) -> float:
    """Numbers in the matrices of all experts; 0 for a model without experts."""
    _, text = language(config)
    count = _expert_count(text)
    inner = known_size(text, "moe_intermediate_size") or (_inner(text, 0) if count else 0)
    return 3.0 * known_size(text, *DEPTH) * count * known_size(text, *WIDTH) * inner


def _expert_count(text: Config) -> int:
    return known_size(text, "num_local_experts", "num_experts", "n_routed_experts")


def _inner(text: Config, usual: int) -> int:
    """Width inside the feed-forward layers: the mean of a list by layer, else `usual`."""
    if "intermediate_size" in text and not known_size(text, "moe_intermediate_size"):
        return needed_size(text, "intermediate_size")
    return known_size(text, "intermediate_size", "ffn_hidden_size", "n_inner", "ffn_dim") or usual


def _vocabulary(text: Config) -> int:
    return needed_size(text, "vocab_size") if "vocab_size" in text else 0
