"""Reading prompts and writing answers with a loaded model, one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from inspect import signature
from typing import Any, TypeVar

from hybrid.engines.local.faults import is_memory, too_little_room, words
from hybrid.engines.local.positions import Positions
from hybrid.engines.local.prefixes import Prefixes
from hybrid.engines.local.saying import Saying
from hybrid.engines.local.weights import Weights, free_memory
from hybrid.errors import EngineError, HybridError, SettingsError
from hybrid.model.layers import depth, head_size, kv_heads

Found = TypeVar("Found")

CHUNK = 1024  # tokens of a prompt that are read at once: attention needs memory for each of them times all before
# ends of a turn in the chat templates in use, which not every model's generation_config.json names
_TURN_ENDS = ("<|im_end|>", "<|eot_id|>", "<|end_of_turn|>", "<end_of_turn>", "<|end|>", "<|endoftext|>")


@dataclass(slots=True)
class Run:
    """The moments of one call, by `perf_counter`, and what it did."""

    begun: float  # it began to wait for its turn
    turn: float  # its turn came
    cpu: float  # CPU seconds of the process then
    cached: int = 0  # tokens whose keys and values were there
    first: float | None = None  # the first token was computed
    shown: float | None = None  # the first text was sure
    ended: bool = False  # the model ended its turn


class Computing:
    """A loaded model as one engine uses it. Whoever calls holds `weights.turn`.

    Args:
        name: of the engine, for errors.
        window: tokens that are to be read; None: as many as the model was trained for.
        limit: bytes of keys and values that are kept of the latest prompts.

    Raises:
        UserError: as `Positions` does.
    """

    def __init__(self, name: str, weights: Weights, window: int | None, limit: float) -> None:
        self.name, self.weights, self.model = name, weights, weights.model
        self.positions = Positions(self.model, window)
        self.prefixes = Prefixes(self.model, limit)
        # the parameter was renamed in Transformers 5.2x
        self._keys_as = "cache" if "cache" in signature(self.model.forward).parameters else "past_key_values"
        self._ends = _ends(weights)

    def generate(self, tokens: Sequence[int], max_tokens: int, temperature: float, saying: Saying, run: Run) -> None:
        """Write an answer into `saying`.

        Args:
            temperature: 0 takes the likeliest token; above it the model's own limits of sampling hold too.
        """
        import torch
        from transformers import StoppingCriteriaList

        def heard(sequence: Any, *_: Any, **__: Any) -> Any:
            token = int(sequence[0, -1])
            run.first = run.first or time.perf_counter()
            run.ended = run.ended or (token in self._ends and not saying.stopped)
            over = run.ended or saying.take(token)
            run.shown = run.shown or (time.perf_counter() if saying.text else None)
            return torch.full((1,), over, dtype=torch.bool, device=sequence.device)

        def answered(keys: Any) -> None:
            ids = torch.tensor([tokens], device=self.weights.device)
            self.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                generation_config=self._sampling(temperature, max_tokens),
                stopping_criteria=StoppingCriteriaList([heard]),
                **{self._keys_as: keys},
            )

        self._read(tokens, max_tokens, run, answered, saying)

    def chances(self, tokens: Sequence[int], run: Run) -> Any:
        """The chance of every token to be the next, shape (vocabulary,)."""

        def computed(keys: Any) -> Any:
            logits = self._forward(tokens[-1:], keys).logits[0, -1].float()
            run.first = time.perf_counter()
            return logits.softmax(-1)

        return self._read(tokens, 1, run, computed)

    def bytes_of(self, tokens: int) -> int:
        """About what keys and values of so many tokens take; 0 if unknown. Sliding layers count as if they kept all."""
        config = self.model.config.to_dict()
        try:
            each = 2 * depth(config) * kv_heads(config) * head_size(config)
        except SettingsError:
            return 0
        return int(tokens * each * self.model.dtype.itemsize)

    def _read(
        self,
        tokens: Sequence[int],
        more: int,
        run: Run,
        then: Callable[[Any], Found],
        saying: Saying | None = None,
    ) -> Found:
        """Read a prompt but for its last token, do the rest, and keep the keys and values.

        Where memory lacks, it is tried once more without those that were kept, if no token was written yet.
        """
        while True:
            again = len(self.prefixes) > 0
            try:
                return self._read_once(tokens, more, run, then, saying)
            except HybridError:
                raise
            except Exception as error:
                if not is_memory(error):
                    raise EngineError(f"{self.name} failed: {words(error)}.") from error
                if not again or run.first is not None:
                    needed, device = self.bytes_of(len(tokens) + more), self.weights.device
                    raise too_little_room(self.name, device, len(tokens) + more, needed, None) from error
            self.prefixes.clear()

    def _read_once(
        self, tokens: Sequence[int], more: int, run: Run, then: Callable[[Any], Found], saying: Saying | None
    ) -> Found:
        import torch

        length = len(tokens) + more
        try:
            with torch.inference_mode():
                positions = self.positions.use(length)
                keys, run.cached = self.prefixes.begin(tokens, positions)
                self._check_room(length, run.cached)
                for start in range(run.cached, len(tokens) - 1, CHUNK):
                    self._forward(tokens[start : min(start + CHUNK, len(tokens) - 1)], keys)
                found = then(keys)
        finally:
            self.positions.restore()
        self.prefixes.keep([*tokens, *(saying.tokens[:-1] if saying else ())], keys, positions)
        return found

    def _forward(self, tokens: Sequence[int], keys: Any) -> Any:
        """Compute some tokens behind those in `keys`."""
        import torch

        ids = torch.tensor([list(tokens)], device=self.weights.device)
        return self.model(input_ids=ids, use_cache=True, logits_to_keep=1, **{self._keys_as: keys})

    def _check_room(self, tokens: int, cached: int) -> None:
        """Raise EngineError where keys and values would not fit: a system without memory ends the whole process."""
        needed, free = self.bytes_of(tokens - cached), free_memory(self.weights.device)
        if free is not None and needed > free and len(self.prefixes):
            self.prefixes.clear()
            free = free_memory(self.weights.device)
        if free is not None and needed > free:
            raise too_little_room(self.name, self.weights.device, tokens, needed, free)

    def _sampling(self, temperature: float, max_tokens: int) -> Any:
        """The model's own configuration of generating, with what was asked for."""
        config = deepcopy(self.model.generation_config)
        config.max_new_tokens, config.max_length = max_tokens, None
        config.num_beams, config.return_dict_in_generate = 1, False
        config.eos_token_id = sorted(self._ends)
        config.pad_token_id = config.eos_token_id[0] if config.pad_token_id is None else config.pad_token_id
        config.do_sample, config.temperature = temperature > 0, temperature or None
        if not temperature:
            config.top_p = config.top_k = config.min_p = config.typical_p = None
        return config


def _ends(weights: Weights) -> frozenset[int]:
    """The tokens that end the model's turn."""
    tokenizer, told = weights.tokenizer, weights.model.generation_config.eos_token_id
    ends = {told} if isinstance(told, int) else set(told or ())
    ends |= {tokenizer.eos_token_id} - {None}
    known = tokenizer.get_vocab()
    return frozenset(ends | {known[name] for name in _TURN_ENDS if name in known})
