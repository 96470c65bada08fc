"""Trains an adapter: low-rank additions (LoRA, arXiv 2106.09685) to all linear layers of a model that stays as it is.

The loss is that of the replies; a long reply counts more than a short one, but not in proportion. What is longer than
the native window is read with the stretched positions that the engine uses. A step is the same whether the training was
stopped before it or not.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hybrid.evals.research.fit_cross_encoder import RANK, SCALE, Added
from hybrid.evals.research.reader.samples import SAMPLES
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from hybrid.engines.local.adapter import CONFIG, TENSORS, read_adapter
from hybrid.engines.local.positions import Positions
from hybrid.engines.local.weights import weights_of
from hybrid.errors import InputError
from hybrid.settings import EngineSettings

STATE = "training.pt"
STRETCHED = 4  # times the native window: the positions by which longer samples are read
_WARM = 20  # steps in which the rate rises
_LOWEST = 0.03  # of the rate, at the end
_ALIKE = 4096  # samples that are sorted by length together
_TOLD = 10  # seconds between two lines


@dataclass(frozen=True, slots=True)
class Plan:
    """How it is trained."""

    steps: int
    tokens: int  # of a step, padding included
    rate: float
    every: int  # steps after which it is saved
    seed: int

    def rate_at(self, step: int) -> float:
        """The rate of a step: it rises, then falls along half a cosine."""
        fall = _LOWEST + (1 - _LOWEST) * 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.rate * min(1.0, (step + 1) / _WARM) * fall


class Samples:
    """The samples that were made, and their batches.

    Raises:
        InputError: none were made.
    """

    def __init__(self, work: Path) -> None:
        if not (work / SAMPLES).is_file():
            raise InputError(f"There is no {work / SAMPLES}: make it with python -m hybrid.evals.research.reader make.")
        stored = np.load(work / SAMPLES)
        self._ids, self.prompts, self.lengths = stored["ids"], stored["prompts"], stored["lengths"]
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        self.window = int(stored["window"])
        self.long = self.lengths > self.window  # read with stretched positions

    def batches(self, tokens: int, seed: int) -> Iterator[NDArray[np.int64]]:
        """Batches of samples alike in length, epoch after epoch without an end."""
        epoch = 0
        while True:
            draw, found = np.random.default_rng([seed, epoch]), list[NDArray[np.int64]]()
            order = draw.permutation(len(self.lengths))
            for start in range(0, len(order), _ALIKE):
                part = order[start : start + _ALIKE]
                found += self._cut(part[np.lexsort((self.lengths[part], self.long[part]))], tokens)
            yield from (found[i] for i in draw.permutation(len(found)))
            epoch += 1

    def _cut(self, rows: NDArray[np.int64], tokens: int) -> Iterator[NDArray[np.int64]]:
        first = 0
        for end in range(1, len(rows) + 1):
            last = end == len(rows)
            if (
                last
                or (end + 1 - first) * self.lengths[rows[end]] > tokens
                or self.long[rows[end]] != self.long[rows[first]]
            ):
                yield rows[first:end]
                first = end

    def tensors(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens, the next token where it is part of a reply and -1 elsewhere, and the weight of each row's."""
        ids = torch.zeros(len(rows), int(self.lengths[rows].max()), dtype=torch.long)
        goals = torch.full_like(ids, -1)
        for place, row in enumerate(rows):
            start, length, prompt = self._starts[row], self.lengths[row], self.prompts[row]
            ids[place, :length] = torch.from_numpy(self._ids[start : start + length].astype(np.int64))
            goals[place, prompt - 1 : length - 1] = ids[place, prompt:length]
        weights = torch.from_numpy((self.lengths[rows] - self.prompts[rows]) ** -0.5)
        return ids, goals, weights.float()


class Training:
    """A model with additions, their optimizer, and where they stand.

    Args:
        start: an adapter to go on from.

    Raises:
        InputError: the folder holds another training, or the adapter to go on from is of another rank.
    """

    def __init__(self, samples: Samples, model: str, out: Path, plan: Plan, start: Path | None, device: str) -> None:
        torch.manual_seed(plan.seed)
        weights = weights_of(EngineSettings(kind="local", model=model, device=device, dtype="float32"))
        self.samples, self.out, self.plan, self.step = samples, out, plan, 0
        self._named, self._device = model, weights.device
        self.model = deepcopy(weights.model)  # which engines may share
        self.positions = Positions(self.model, STRETCHED * samples.window)
        self.model.requires_grad_(False)
        self.added = _add(self.model)
        self.model.to(weights.device)
        self.learned = [p for added in self.added.values() for p in (added.right, added.left)]
        self.optimizer = torch.optim.AdamW(self.learned, lr=plan.rate, betas=(0.9, 0.98), weight_decay=0.0)
        if (out / STATE).is_file():
            self._resume()
        elif start is not None:
            self._take(start)

    def next(self, rows: NDArray[np.int64]) -> float:
        """Learn from a batch; returns its loss."""
        for options in self.optimizer.param_groups:
            options["lr"] = self.plan.rate_at(self.step)
        loss = self.loss(rows)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.learned, 1.0)
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())

    def loss(self, rows: NDArray[np.int64]) -> Tensor:
        """The loss of a batch."""
        ids, goals, weights = (tensor.to(self._device) for tensor in self.samples.tensors(rows))
        places = (goals >= 0).any(0).nonzero()[:, 0]  # where some row has a reply: only there logits are computed
        half = torch.autocast("cuda", torch.bfloat16) if self._device.startswith("cuda") else nullcontext()
        self.positions.use(int(ids.shape[1]))
        try:
            with half:
                logits = self.model(input_ids=ids, use_cache=False, logits_to_keep=places).logits
        finally:
            self.positions.restore()
        wanted = goals[:, places]
        each = cross_entropy(logits.float().transpose(1, 2), wanted, ignore_index=-1, reduction="none")
        weighted = weights[:, None] * (wanted >= 0)
        total: Tensor = (each * weighted).sum() / weighted.sum()
        return total

    def save(self) -> None:
        """Write the adapter in peft's files, and what the training needs to go on; each file whole or not at all."""
        tensors = {
            f"base_model.model.{name}.lora_{side}.weight": tensor.detach().half().cpu().contiguous()
            for name, added in self.added.items()
            for side, tensor in (("A", added.right), ("B", added.left))
        }
        self.out.mkdir(parents=True, exist_ok=True)
        save_file(tensors, self.out / f"{TENSORS}.new", metadata={"format": "pt"})
        (self.out / f"{TENSORS}.new").replace(self.out / TENSORS)
        config: dict[str, Any] = {"peft_type": "LORA", "task_type": "CAUSAL_LM"}
        config |= {
            "base_model_name_or_path": Path(self._named).name,
            "r": RANK,
            "lora_alpha": RANK * SCALE,
            "lora_dropout": 0.0,
            "bias": "none",
            "fan_in_fan_out": False,
        }
        config["target_modules"] = sorted({name.rpartition(".")[2] for name in self.added})
        (self.out / CONFIG).write_text(json.dumps(config | {"inference_mode": True}, indent=1) + "\n", encoding="utf-8")
        state = {"plan": asdict(self.plan), "step": self.step, "optimizer": self.optimizer.state_dict()}
        torch.save(state | {"learned": [p.detach() for p in self.learned]}, self.out / f"{STATE}.new")
        (self.out / f"{STATE}.new").replace(self.out / STATE)

    def _resume(self) -> None:
        state = torch.load(self.out / STATE, map_location=self._device, weights_only=True)
        if state["plan"] != asdict(self.plan):
            raise InputError(
                f"The folder {self.out} holds a training with {_told(state['plan'])}, and this one has "
                f"{_told(asdict(self.plan))}: ask for the same, or take another folder."
            )
        self.step = state["step"]
        self.optimizer.load_state_dict(state["optimizer"])
        with torch.no_grad():
            for own, stored in zip(self.learned, state["learned"], strict=True):
                own.copy_(stored)

    def _take(self, start: Path) -> None:
        adapter, stored = read_adapter(str(start)), load_file(start / TENSORS)
        with torch.no_grad():
            for name, added in self.added.items():
                for side, own in (("A", added.right), ("B", added.left)):
                    tensor = stored.get(f"base_model.model.{name}.lora_{side}.weight")
                    if tensor is None or tensor.shape != own.shape or adapter.scale(name, RANK) != SCALE:
                        raise InputError(f"The adapter {start} is not of rank {RANK} with alpha {RANK * SCALE:g}.")
                    own.copy_(tensor)


def train(
    work: Path, model: str, out: Path, plan: Plan, *, start: Path | None, device: str, say: Callable[[str], None]
) -> Training:
    """Train until the last step of the plan, from where an earlier call was stopped.

    Raises:
        InputError: there are no samples, or the folder holds another training.
    """
    samples = Samples(work)
    training = Training(samples, model, out, plan, start, device)
    began, told, first, read, losses = time.monotonic(), 0.0, training.step, 0, list[float]()
    for number, rows in enumerate(samples.batches(plan.tokens, plan.seed)):
        if training.step >= plan.steps:
            break
        if number < first:
            continue
        losses.append(training.next(rows))
        read += int(samples.lengths[rows].sum())
        last = training.step == plan.steps
        if last or training.step % plan.every == 0:
            training.save()
        spent = time.monotonic() - began
        if last or spent - told > _TOLD:
            told, left = spent, spent / (training.step - first) * (plan.steps - training.step)
            mean = sum(losses[-20:]) / len(losses[-20:])
            say(
                f"step {training.step} of {plan.steps}: loss {mean:.3f}, {read / spent:,.0f} tokens/s, "
                f"{left / 60:,.0f} min left"
            )
    return training


def _add(model: Any) -> dict[str, Added]:
    """Put additions to all linear layers but that of the vocabulary; returns them by the layer's name."""
    found, vocabulary = {}, model.get_output_embeddings()
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and module is not vocabulary:
            above, _, own = name.rpartition(".")
            found[name] = Added(module)
            setattr(model.get_submodule(above), own, found[name])
    return found


def _told(plan: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value:g}" for key, value in plan.items())
