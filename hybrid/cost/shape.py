"""The shape that decides a model's cost: the parameters a token passes through, and its attention.

Counts of query-key pairs are exact sums over positions, causal, for one head of one layer; two products of a query with
a key and of a weight with a value make `2 * (query width + value width)` operations of each pair.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hybrid.errors import SettingsError
from hybrid.model.config import Config, Model, language
from hybrid.model.layers import head_size, layers, query_heads
from hybrid.model.parameters import count_parameters

Pattern = Literal["full", "sliding", "chunked", "dilated", "state"]

GIB = 2**30
STATE_OPERATIONS = 6  # of each number of a state, per token: decay, add, read out; 2 each


@dataclass(frozen=True, slots=True)
class Attention:
    """Equal layers of attention, or of the state that takes its place.

    full      every token sees all before it
    sliding   the last `reach` tokens, and `common` ones besides: 0 in Mistral and Gemma; the global tokens of
              Longformer (arXiv 2004.05150), the global and random ones of BigBird (arXiv 2007.14062)
    chunked   the tokens of its own chunk of `reach` (iRoPE, Llama 4)
    dilated   LongNet (arXiv 2307.02486): for each (length, rate) of `segments`, a head sees every rate-th token of its
              segment, and every rate-th token of the segment is seen by it
    state     linear attention and state-space layers: a state of constant size (Mamba, Qwen3-Next, Jamba)
    """

    layers: int
    heads: int
    width: int  # of a query (and key) plus of a value, in numbers
    kept: int  # numbers kept of each token in each layer; of a state: of each request in each layer
    pattern: Pattern = "full"
    reach: int = 0  # tokens
    common: int = 0  # tokens that all others see
    segments: tuple[tuple[int, int], ...] = ()
    shared: bool = False  # one latent for all heads (MLA): tensor parallelism keeps it on every GPU

    def pairs(self, new: int, cached: int = 0) -> float:
        """Query-key pairs of one head of one layer, when `new` tokens are read behind `cached` ones."""
        if self.pattern == "state":
            return 0.0
        return self._seen_before(cached + new) - self._seen_before(cached)

    def attended(self, context: int) -> float:
        """Tokens whose keys and values one more token reads, behind `context` tokens."""
        if self.pattern == "state":
            return 0.0
        return self._seen_before(context + 1) - self._seen_before(context)

    def numbers(self, context: int) -> int:
        """Numbers kept of a request of `context` tokens, in all of these layers."""
        if self.pattern == "state":
            return self.layers * self.kept
        tokens = context
        if self.pattern in ("sliding", "chunked"):
            tokens = min(context, self.reach + self.common)
        return self.layers * self.kept * tokens

    def _seen_before(self, tokens: int) -> float:
        """Pairs of one head of one layer when `tokens` are read from nothing."""
        if self.pattern == "full":
            return _triangle(tokens)
        if self.pattern == "chunked":
            whole, rest = divmod(tokens, self.reach)
            return whole * _triangle(self.reach) + _triangle(rest)
        if self.pattern == "sliding":
            most = self.reach + self.common
            return _triangle(min(tokens, most)) + max(0, tokens - most) * most
        total = 0.0
        for length, rate in self.segments:
            whole, rest = divmod(tokens, length)
            total += whole * _triangle(-(-length // rate)) + _triangle(-(-rest // rate))
        return total


@dataclass(frozen=True, slots=True)
class Shape:
    """The part of a model that decides its cost.

    Args:
        active: billions of parameters that a token passes through.
        total: billions of parameters; more than `active` in a mixture of experts.
        hidden: width of the residual stream, which tensor parallelism exchanges.
        attention: its layers.
        weight_bits, kv_bits: of a weight, and of a kept key or value.
    """

    active: float
    total: float
    hidden: int
    attention: tuple[Attention, ...]
    weight_bits: int = 16
    kv_bits: int = 16

    @property
    def depth(self) -> int:
        """Layers, of any kind."""
        return sum(part.layers for part in self.attention)

    def linear_flops(self, tokens: float) -> float:
        """Operations of states and of all matrix products except attention's: the same for each token."""
        states = sum(part.layers * part.kept for part in self.attention if part.pattern == "state")
        return tokens * (2e9 * self.active + STATE_OPERATIONS * states)

    def attention_flops(self, new: int, cached: int = 0) -> float:
        """Operations of attention when `new` tokens are read behind `cached` ones."""
        return sum(2.0 * part.layers * part.heads * part.width * part.pairs(new, cached) for part in self.attention)

    def weight_bytes(self, tokens: float) -> float:
        """Bytes of weights that one pass over `tokens` tokens reads; only the experts that a token chose."""
        left: float = (1 - self.active / self.total) ** max(1.0, tokens)
        return 1e9 * self.total * (1 - left) * self.weight_bits / 8

    def kv_bytes(self, context: int) -> float:
        """Bytes that a request of `context` tokens keeps."""
        return sum(part.numbers(context) for part in self.attention) * self.kv_bits / 8

    def read_bytes(self, context: int) -> float:
        """Bytes of keys, values and states that writing one more token reads behind `context` tokens."""
        numbers = 0.0
        for part in self.attention:
            tokens = 1.0 if part.pattern == "state" else part.attended(context)
            numbers += part.layers * part.kept * tokens
        return numbers * self.kv_bits / 8

    def overtakes(self) -> int | None:
        """Tokens of a cold prompt at which attention takes as many operations as all the rest; None: never."""
        low, high = 1, 2**40
        if self.attention_flops(high) < self.linear_flops(high):
            return None
        while low < high:
            middle = (low + high) // 2
            if self.attention_flops(middle) < self.linear_flops(middle):
                low = middle + 1
            else:
                high = middle
        return low


def shape_of(model: Model, *, weight_bits: int = 16, kv_bits: int = 16) -> Shape:
    """The shape of a model.

    Raises:
        SettingsError: its configuration lacks a field that decides its size, or a field cannot be read.
    """
    _, text = language(model.config)
    total = model.parameters or count_parameters(model.config)
    active = model.active or (count_parameters(model.config, active=True) if model.parameters is None else total)
    found = []
    for part in layers(model.config):
        if part.kind == "state":
            found.append(Attention(part.count, 0, 0, part.numbers, "state"))
            continue
        heads = query_heads(model.config)
        head = head_size(model.config)
        sparse = _sparse(text, part.count, heads, head)
        if sparse is not None:
            found.append(sparse)
            continue
        query = int(text.get("qk_nope_head_dim") or head) + int(text.get("qk_rope_head_dim") or 0)
        query, value = (query, int(text.get("v_head_dim") or head)) if part.shared else (head, head)
        found.append(
            Attention(part.count, heads, query + value, part.numbers, part.kind, part.reach or 0, shared=part.shared)
        )
    hidden = int(text.get("hidden_size") or text.get("n_embd") or text.get("d_model") or 0)
    return Shape(active, total, hidden, tuple(found), weight_bits, kv_bits)


def _sparse(text: Config, layers: int, heads: int, head: int) -> Attention | None:
    """Layers that a configuration describes in the words of LongNet, BigBird or Longformer; None: other layers."""
    if text.get("dilated_ratio"):  # LongNet, as torchscale writes it: lists, or lists as text
        told = [text.get("segment_length"), text["dilated_ratio"]]
        try:
            lengths, rates = (json.loads(one) if isinstance(one, str) else list(one or ()) for one in told)
            return dilated(layers, heads, head, [(int(a), int(b)) for a, b in zip(lengths, rates, strict=True)])
        except (TypeError, ValueError):
            raise SettingsError(
                f"The model's segment_length {told[0]!r} and dilated_ratio {told[1]!r} have to be lists of as many "
                "numbers."
            ) from None
    if text.get("attention_type") == "block_sparse":  # BigBird: blocks around it, two global ones, and random ones
        block = int(text.get("block_size", 64))
        return local_and_global(layers, heads, head, 3 * block, (2 + int(text.get("num_random_blocks", 3))) * block)
    window = text.get("attention_window")  # Longformer; the user decides which tokens are global: `global_tokens`
    if window:
        widest = max(window) if isinstance(window, list | tuple) else int(window)
        return local_and_global(layers, heads, head, widest, int(text.get("global_tokens", 0)))
    return None


def dilated(layers: int, heads: int, head: int, segments: Sequence[tuple[int, int]]) -> Attention:
    """Layers of LongNet: segments as (length, rate), such as (2048, 1), (8192, 4), (32768, 16)."""
    return Attention(layers, heads, 2 * head, 2 * heads * head, "dilated", segments=tuple(segments))


def local_and_global(layers: int, heads: int, head: int, window: int, common: int) -> Attention:
    """Layers of Longformer and BigBird: a window, and `common` tokens (global or random) besides."""
    return Attention(layers, heads, 2 * head, 2 * heads * head, "sliding", window, common)


def _triangle(tokens: float) -> float:
    """Pairs when each of `tokens` tokens sees itself and all before."""
    return tokens * (tokens + 1) / 2
