"""Texts with their questions as tensors: each question is a branch that sees the text and itself only.

Before it stands the tokenizer, and which words it spells well enough to be asked about.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from hybrid.evals.testbed import KINDS, Kind, Prose, Sample, Task, Wish, draw, render
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

from hybrid.chat.prompts import INSTRUCTIONS, Prompt
from hybrid.chat.refusals import ABSTAIN

VOCABULARY = 2048
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
ASK = "Question:"

PHRASES = (
    "The special magic number for",
    " What is the special magic number for",
    " What are all the special magic numbers for",
    " is:",
    " What is the value of record",
    "The variable",
    " The variable",
    " What is the value of the variable",
    " the variable",
    " is set to:",
)


def train_tokenizer(prose: Prose) -> Tokenizer:
    """Byte-level BPE with single digits; the fixed strings of the layout are one token each, to leave room for text."""
    tokenizer = Tokenizer(models.BPE())
    words = Regex(r" ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(words, "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    rules = Prompt("", ()).messages()[0]["content"]
    fixed = [rules, *INSTRUCTIONS.values(), ABSTAIN, '<text number="', '" source="', "</text>", ASK]
    fixed += [text for text in PHRASES if text not in fixed]
    lines = [f"record x: {n}{n} [{n}] and {n}\nrecord x: {n}\nsystem\nuser\nassistant\n." for n in range(10)] * 500
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(fixed),
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*(" ".join(book) for book in prose.books), *lines], trainer)
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in fixed])
    return tokenizer


def spelled(prose: Prose, tokenizer: Tokenizer) -> tuple[str, ...]:
    """The words that facts can be about: of two tokens each.

    A model of this size spells longer ones badly, and words of one token are too much alike to it.
    """
    return tuple(w for w in prose.words if len(tokenizer.encode(f" {w}", add_special_tokens=False).ids) == 2)


STAGES = (112, 160, 256, 512, 1024)  # tokens of prompt and reply
TOKENS = 2048  # of a step with short texts, about; up to three times as many with long ones
QUESTIONS = 10  # to each text
ROOM = 22 * QUESTIONS  # tokens of these and their replies
EASY: dict[Kind, float] = {"single": 4, "keys": 4, "values": 0.2, "records": 0.5, "variables": 0.3}  # to begin with
WEIGHTS: dict[Kind, float] = {"single": 0.6, "keys": 4, "values": 4, "records": 1.5, "variables": 1.2}


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts with their questions: each text once, then its questions side by side as branches."""

    texts: Tensor  # [samples, T]
    branches: Tensor  # [samples, S]
    positions: Tensor  # [samples, T + S]
    mask: Tensor  # [samples, 1, S, T + S]: what each branch token sees
    target: Tensor  # [samples, S]: the next token where it belongs to a reply, else -100
    branch: Tensor  # [samples, S]: number of the branch over the whole batch
    digits: Tensor  # [samples, S]: whether the target decides if the reply is right (it is no citation)
    following: Tensor  # [samples, T]: next token of the text, -100 where padded


def draw_batch(rng: random.Random, tokenizer: Tokenizer, prose: Prose, length: int, window: int = 0) -> Batch:
    """Texts of one length with many questions each, their positions spread over a longer window if one is given."""
    questions = QUESTIONS if length >= 160 else QUESTIONS // 2
    room = ROOM // QUESTIONS * questions
    weights = EASY if length == STAGES[0] else WEIGHTS
    groups = []
    for _ in range(max(1, TOKENS * (1 + (length >= 256) + (length >= 512)) // (length + room))):
        while True:
            kind = rng.choices(KINDS, [weights[kind] for kind in KINDS])[0]
            task: Task = "collect" if rng.random() < 0.07 else "answer"
            drawn = list(draw(rng, Wish(kind, length - 24, None, tokenizer, prose, 3 * questions, 0.35, task=task)))
            if drawn[0].tokens <= length - 10:
                break
        group = list({sample.prompt.question: sample for sample in drawn}.values())
        found = [sample for sample in group if sample.gold]
        group = found + [sample for sample in group if not sample.gold][: max(1, len(found) // 2)]
        groups.append(rng.sample(group, len(group)))
    return collate(tokenizer, groups, room, rng, window)


def collate(
    tokenizer: Tokenizer, groups: Sequence[Sequence[Sample]], room: int, rng: random.Random, window: int = 0
) -> Batch:
    """Samples that share their text, as a batch.

    Args:
        room: tokens for the questions and replies of one text.
        window: tokens over which the positions are spread; 0 leaves them consecutive.
    """
    texts: list[list[int]] = []
    tails: list[list[tuple[list[int], int, int]]] = []  # of each question: tokens, where the reply begins, is cited
    for group in groups:
        rendered = [render(sample.prompt).rpartition(f"\n\n{ASK}") for sample in group]
        texts.append(tokenizer.encode(rendered[0][0] + "\n\n", add_special_tokens=False).ids)
        own: list[tuple[list[int], int, int]] = []
        for sample, (_, _, question) in zip(group, rendered, strict=True):
            asked = tokenizer.encode(ASK + question, add_special_tokens=False).ids
            said = tokenizer.encode(sample.reply, add_special_tokens=False).ids
            value = tokenizer.encode(sample.reply.partition(" [")[0], add_special_tokens=False).ids
            if sum(len(ids) for ids, _, _ in own) + len(asked) + len(said) < room:
                own.append(([*asked, *said, 2], len(asked), len(asked) + len(value)))
        tails.append(own)
    size, long = len(groups), max(map(len, texts))
    wide = max(sum(len(ids) for ids, _, _ in own) for own in tails)
    ids = torch.zeros(size, long + wide, dtype=torch.long)
    positions = torch.zeros(size, long + wide, dtype=torch.long)
    target = torch.full((size, wide), -100)
    following = torch.full((size, long), -100)
    branch = torch.full((size, wide), -1)
    digits = torch.zeros(size, wide, dtype=torch.bool)
    order = torch.zeros(size, wide, dtype=torch.long)
    number = 0
    for row, (text, own) in enumerate(zip(texts, tails, strict=True)):
        ids[row, : len(text)] = torch.tensor(text)
        following[row, : len(text) - 1] = torch.tensor(text[1:])
        spread = _spread(len(text), rng, window)
        positions[row, : len(text)] = torch.tensor(spread[:-1])
        at = 0
        for tail, asked_to, cited in own:
            end = at + len(tail)
            ids[row, long + at : long + end] = torch.tensor(tail)
            positions[row, long + at : long + end] = torch.arange(len(tail)) + spread[-1]
            target[row, at + asked_to - 1 : end - 1] = torch.tensor(tail[asked_to:])
            digits[row, at + asked_to - 1 : at + cited - 1] = True
            branch[row, at:end] = number
            order[row, at:end] = torch.arange(len(tail))
            number += 1
            at = end
    lengths = torch.tensor([len(text) for text in texts])
    sees_text = (torch.arange(long)[None] < lengths[:, None])[:, None].expand(-1, wide, -1)
    same = branch[:, :, None] == branch[:, None, :]
    sees_own = same & (torch.arange(wide)[:, None] >= torch.arange(wide)[None])
    sees = torch.cat([sees_text, sees_own], 2).unsqueeze(1)
    mask = torch.zeros(sees.shape).masked_fill_(~sees, -1e30)
    return Batch(ids[:, :long], ids[:, long:], positions, mask, target, branch, digits, following)


def _spread(count: int, rng: random.Random, window: int) -> list[int]:
    """Positions of a text and of what follows it: consecutive, or with a few gaps that fill a longer window."""
    spare = window - 128 - count
    if spare <= 0:
        return list(range(count + 1))
    spare = rng.randint(0, spare)
    cuts = sorted(rng.sample(range(1, count), rng.randint(1, 8)))
    marks = sorted(rng.randint(0, spare) for _ in cuts)
    found, shift = [], 0
    jumps = dict(zip(cuts, marks, strict=True))
    for n in range(count + 1):
        shift = jumps.get(n, shift)
        found.append(n + shift)
    return found
