"""Trains the testbed's model, from nothing and on a CPU.

    python -m hybrid.evals.research.testbed.train --data DIR --out FOLDER --minutes 45 --seed 0

What makes it learn within the hour: loss on the answers, many questions per text, a restatement before the value, and
texts that lengthen as it gets better. Every question of a text is a branch that sees the text and itself only, so each
is trained exactly as it will be asked. Some steps use YaRN's rotations with gaps between the positions, which teaches
distances up to 8 192 at the price of short texts. With OMP_WAIT_POLICY=passive in the environment no time is lost to
threads that spin on a busy machine.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import click
import torch
from hybrid.evals.research.testbed.batch import ROOM, STAGES, Batch, draw_batch, spelled, train_tokenizer
from hybrid.evals.research.testbed.model import FACTORS, configuration, forward, initial, rotations
from hybrid.evals.testbed import WINDOW, WORDS, Prose
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from hybrid.files import read_lines

MODEL = "model.safetensors"

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


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


PASS = 0.93  # moving accuracy that lengthens the texts


@dataclass
class Plan:
    """The progress of a training: the length of the texts follows the accuracy, the learning rate follows the clock."""

    minutes: float
    started: float
    stage: int = 0
    moving: float = 0.8

    @property
    def spent(self) -> float:
        return (time.monotonic() - self.started) / (60 * self.minutes)

    def rate(self, step: int) -> float:
        """Share of the full learning rate: short warm-up, constant, linear to zero over the last third."""
        return min(1.0, (step + 1) / 30, max(0.02, (1 - self.spent) / 0.35))

    def kind(self, rng: random.Random) -> tuple[int, int]:
        """Length of the next step's texts, and its YaRN factor, 0 for the native rotations."""
        last = self.stage == len(STAGES) - 1
        length = STAGES[self.stage] if rng.random() < 0.6 else rng.choice(STAGES[: self.stage + 1])
        if self.stage < 2 or rng.random() > 0.4:
            return length, 0
        factor = rng.choices(FACTORS, (3, 2))[0]
        if last and self.spent > 0.7 and rng.random() < 0.25:
            return WINDOW * factor // rng.choice((1, 2)) - ROOM, factor  # the questions stand behind the text
        return length, factor

    def note(self, length: int, accuracy: float) -> None:
        """Take a step's accuracy in; lengthen the texts where it is high enough."""
        if length != STAGES[self.stage]:
            return
        self.moving += 0.1 * (accuracy - self.moving)
        late = self.spent > 0.08 * (self.stage + 1)  # the clock lengthens them too, or long ones would never be seen
        if (self.moving > PASS or late) and self.stage < len(STAGES) - 1:
            self.stage, self.moving = self.stage + 1, 0.8


TRAIN = (
    "A Room with a View",
    "Cranford",
    "Daisy Miller",
    "Mrs. Dalloway",
    "Persuasion",
    "The Blue Castle",
    "The CALL of CTHULHU",
    "The Hound of the Baskervilles",
    "The Murders in the Rue Morgue",
    "The Scarlet Letter",
    "The Time Machine",
    "The Wonderful Wizard",
)


def books(data: Path) -> dict[str, str]:
    """The books of the LaRA benchmark by name."""
    rows = (row for size in ("32k", "128k") for row in read_lines(data / "lara" / f"docs_{size}.dev.jsonl.gz"))
    return {Path(row["file"]).stem: row["text"] for row in rows if row["type"] == "book"}


class Optimizers:
    """Muon for the matrices of the layers, AdamW for the rest."""

    def __init__(self, weights: dict[str, Tensor], share: float) -> None:
        matrices = [w for name, w in weights.items() if "layers" in name and w.dim() == 2]
        others = [w for name, w in weights.items() if "layers" not in name or w.dim() != 2]
        self._weights, self._share = list(weights.values()), share
        self._each: list[tuple[torch.optim.Optimizer, float]] = [
            (torch.optim.Muon(matrices, lr=0.0, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"), 5e-3),
            (torch.optim.AdamW(others, lr=0.0, betas=(0.9, 0.98), weight_decay=0.0), 3e-3),
        ]

    def step(self, rate: float) -> None:
        """Take the gradients in, at a share of the full learning rate."""
        torch.nn.utils.clip_grad_norm_(self._weights, 1.0)
        for optimizer, full in self._each:
            for group in optimizer.param_groups:
                group["lr"] = full * self._share * rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)


@dataclass
class Told:
    """The shares that were right in the last steps."""

    values: dict[tuple[int, int], list[float]] = field(default_factory=lambda: defaultdict(list))
    cites: list[float] = field(default_factory=list)
    decided: list[float] = field(default_factory=list)  # whether to answer at all

    def line(self) -> str:
        """As it is printed."""
        each = sorted(self.values.items())
        shown = " ".join(f"{n}{f'y{y}' if y else ''}:{sum(a) / len(a):.3f}" for (n, y), a in each)
        cites, decided = (sum(values) / len(values) for values in (self.cites, self.decided))
        return f"{shown} citations {cites:.3f} answering or not {decided:.3f}"


def learn(weights: dict[str, Tensor], batch: Batch, table: Tensor, starts: Tensor) -> tuple[float, float, float, float]:
    """The gradients of a batch; its loss, and the shares of right values, citations and decisions to answer.

    Args:
        table: rotations by position.
        starts: tokens that a value may begin with.
    """
    with torch.autocast("cpu", dtype=torch.bfloat16):
        texts, branches = forward(weights, batch, table)
        embedding = weights["model.embed_tokens.weight"]
        wanted = batch.target >= 0
        logits = functional.linear(branches[wanted], embedding).float()
        some = (torch.rand(batch.following.shape) < 0.2) & (batch.following >= 0)
        prose_logits = functional.linear(texts[some], embedding).float()
    target = batch.target[wanted]
    first = (wanted & ~functional.pad(wanted, (1, 0))[:, :-1])[wanted]  # decides whether to answer at all
    each = functional.cross_entropy(logits, target, reduction="none")
    loss = (each * (1 + 3 * (first | torch.isin(target, starts)))).mean()  # the latter: which value is named
    total = loss + 0.1 * functional.cross_entropy(prose_logits, batch.following[some])
    total.backward()  # type: ignore[no-untyped-call]
    wrong, digits, branch = logits.argmax(-1) != target, batch.digits[wanted], batch.branch[wanted]

    def right(which: Tensor) -> float:
        failed = torch.zeros(int(batch.branch.max()) + 1)
        failed[branch[which]] = 1
        return 1 - failed.mean().item()

    decided = 1 - wrong[first].float().mean().item()
    return loss.item(), right(wrong & digits & ~first), right(wrong & ~digits), decided


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--minutes", default=45.0, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--start", type=click.Path(exists=True, file_okay=False, path_type=Path), help="continue these weights")
@click.option("--rate", "share", default=1.0, show_default=True, help="of the learning rate; lower to continue")
def main(data: Path, out: Path, minutes: float, seed: int, start: Path | None, share: float) -> None:
    """Train from nothing; --data holds `lara/docs_*.dev.jsonl.gz`. The model is saved every two minutes."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # threads for a handful of sentences cost more
    torch.set_num_threads(2)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    found = books(data)
    prose = Prose.of([found[name] for name in TRAIN])
    tokenizer = train_tokenizer(prose)
    prose = replace(prose, keys=spelled(prose, tokenizer))
    weights = initial(seed)
    if start is not None:
        weights = {name: weight.float().requires_grad_() for name, weight in load_file(start / MODEL).items()}
    optimizers, told = Optimizers(weights, share), Told()
    starts = torch.tensor([tokenizer.encode(f" {n}", add_special_tokens=False).ids[0] for n in range(10)])
    tables = {yarn: rotations(yarn) for yarn in (0, *FACTORS)}
    plan = Plan(minutes, time.monotonic(), stage=0 if start is None else 3)
    step, saved = 0, time.monotonic()
    while plan.spent < 1:
        length, yarn = plan.kind(rng)
        batch = draw_batch(rng, tokenizer, prose, length, WINDOW * yarn if length <= WINDOW else 0)
        loss, accuracy, cited, decided = learn(weights, batch, tables[yarn], starts)
        optimizers.step(plan.rate(step))
        told.values[length, yarn].append(accuracy)
        told.cites.append(cited)
        told.decided.append(decided)
        if not yarn:
            plan.note(length, accuracy)
        step += 1
        if step % 50 == 0:
            stage = STAGES[plan.stage]
            click.echo(f"{plan.spent * minutes:5.1f} min step {step} loss {loss:.3f} stage {stage} {told.line()}")
            told = Told()
        if time.monotonic() - saved > 120:
            write(out, tokenizer, weights, prose.keys)
            saved = time.monotonic()
    write(out, tokenizer, weights, prose.keys)


if __name__ == "__main__":
    main()
