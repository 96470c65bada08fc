"""The keys and values of the latest prompts: the next question on the same document reads only what is new.

A prompt begins with its documents (`hybrid.chat.prompts`), so two questions on one document share all tokens up to the
question. What a model computed of those, it need not compute again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 4  # prompts
WORTH = 64  # tokens in common from which keys and values are copied
SPARE = 256  # tokens of room behind those of a prompt


@dataclass(slots=True, eq=False)
class Kept:
    """Keys and values of some tokens."""

    tokens: NDArray[np.int64]
    keys: Any  # a `transformers.Cache`
    positions: str  # by which rotary positions they were computed
    bytes: int


class Prefixes:
    """Keeps keys and values, the latest used last. Whoever uses it holds the model's turn.

    Args:
        model: of Transformers; nothing is kept of one whose layers keep another state than keys and values.
        limit: bytes that are kept at most.
    """

    def __init__(self, model: Any, limit: float) -> None:
        self._model, self._limit = model, limit
        self._kept: list[Kept] = []
        self.reuses = limit > 0 and _keeps_keys_only(model)
        self.left_out = 0  # bytes of the latest prompt, if that was too long to be kept

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def bytes(self) -> int:
        """What is kept, in all."""
        return sum(kept.bytes for kept in self._kept)

    def begin(self, tokens: Sequence[int], positions: str) -> tuple[Any, int]:
        """A cache for a prompt, and how many of its first tokens are in it; the last one never is.

        The prompt that has most in common gives its cache away if that is half of it or more, as with another question
        on the same document; else the common part is copied.
        """
        if not self.reuses:
            return _empty(self._model), 0
        new = np.asarray(tokens, np.int64)
        alike = [(_common(kept.tokens, new[:-1]), kept) for kept in self._kept if kept.positions == positions]
        common, best = max(alike, key=lambda one: one[0], default=(0, None))
        if best is None or common < WORTH:
            return _empty(self._model), 0
        if 2 * common < len(best.tokens):
            return _copied(best.keys, common), common
        self._kept.remove(best)
        shorten(best.keys, common)
        return best.keys, common

    def keep(self, tokens: Sequence[int], keys: Any, positions: str) -> None:
        """Keep the keys and values of some tokens, and drop the oldest that are too many."""
        if not self.reuses:
            return
        shorten(keys, len(tokens))
        kept = Kept(np.asarray(tokens, np.int64), keys, positions, size_of(keys))
        self.left_out = kept.bytes if kept.bytes > self._limit else 0
        if self.left_out:
            return
        self._kept.append(kept)
        while len(self._kept) > MOST or self.bytes > self._limit:
            del self._kept[0]

    def clear(self) -> None:
        """Keep nothing any more."""
        self._kept.clear()


def size_of(keys: Any) -> int:
    """Bytes that keys and values take, with the room behind them."""
    buffers = (buffer for layer in keys.layers for buffer in getattr(layer, "buffers", ()))
    return sum(buffer.numel() * buffer.element_size() for buffer in buffers)


def shorten(keys: Any, tokens: int) -> None:
    """Drop what was computed after the first tokens."""
    for layer in keys.layers:
        if layer.is_initialized and layer.get_seq_length() > tokens:
            layer.keys, layer.values = layer.keys[..., :tokens, :], layer.values[..., :tokens, :]


def _common(one: NDArray[np.int64], other: NDArray[np.int64]) -> int:
    """How many first tokens two prompts share."""
    length = min(len(one), len(other))
    apart = np.flatnonzero(one[:length] != other[:length])
    return int(apart[0]) if len(apart) else length


def _keeps_keys_only(model: Any) -> bool:
    """Whether all layers have keys and values that can be cut off, and positions that do not depend on the length."""
    from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

    text = model.config.get_text_config(decoder=True)
    rope = getattr(text, "rope_parameters", None) or {}
    if {rope.get("rope_type"), *(part.get("rope_type") for part in rope.values() if isinstance(part, dict))} & {
        "dynamic",
        "longrope",
    }:
        return False
    return all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in DynamicCache(config=text).layers)


def _empty(model: Any) -> Any:
    from transformers.cache_utils import Cache, DynamicCache

    if _keeps_keys_only(model):
        return Cache(layer_class_to_replicate=_growing())
    return DynamicCache(config=model.config.get_text_config(decoder=True))


def _copied(keys: Any, tokens: int) -> Any:
    """The keys and values of the first tokens, once more."""
    from transformers.cache_utils import Cache

    found = Cache(layer_class_to_replicate=_growing())
    for number, layer in enumerate(keys.layers):
        found.update(layer.keys[..., :tokens, :], layer.values[..., :tokens, :], number)
    return found


@cache
def _growing() -> Any:
    """A layer of a cache whose buffers have room to spare; Transformers' own copies all of it for every new token."""
    from transformers.cache_utils import DynamicLayer

    class Growing(DynamicLayer):  # type: ignore[no-untyped-call]
        """Keys and values, each the first part of a buffer."""

        buffers: tuple[Any, ...] = ()

        def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
            """Append keys and values of shape (1, heads, tokens, width)."""
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
            held = self.get_seq_length()
            length = held + key_states.shape[-2]
            if not self.buffers or length > self.buffers[0].shape[-2]:
                self.buffers = tuple(
                    _with_room(old, new, held, length + SPARE)
                    for old, new in ((self.keys, key_states), (self.values, value_states))
                )
            for buffer, new in zip(self.buffers, (key_states, value_states), strict=True):
                buffer[..., held:length, :] = new
            self.keys, self.values = (buffer[..., :length, :] for buffer in self.buffers)
            return self.keys, self.values

        def reset(self) -> None:
            """Begin anew."""
            self.buffers = ()
            super().reset()

    return Growing


def _with_room(old: Any, like: Any, held: int, tokens: int) -> Any:
    """A buffer for some tokens that begins with those that are held."""
    buffer = like.new_empty(*like.shape[:-2], tokens, like.shape[-1])
    if held:
        buffer[..., :held, :] = old
    return buffer
