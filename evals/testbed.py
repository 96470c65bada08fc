"""A model small enough to train here, to try long-context claims on a real engine: `python -m hybrid.evals.testbed`.

    python -m hybrid.evals.testbed train --data DIR --out FOLDER --minutes 45
    python -m hybrid.evals.testbed map --model FOLDER [--yarn 4]

A Llama of about a million parameters learns one trade from nothing: to look facts up in real prose laid out by
`hybrid.chat.prompts`, to say which text holds them, and to say so when none does. Its native window is 1 024 tokens;
YaRN takes it to 4 096 and 8 192. Window, positions, caching and lost facts are then real, with no GPU and no download.

What makes it learn within the hour: loss on the answers, many questions per text, a restatement before the value, and
texts that lengthen as it gets better. Every question of a text is a branch that sees the text and itself only, so each
is trained exactly as it will be asked. Some steps use YaRN's rotations with gaps between the positions, which teaches
distances up to 8 192 at the price of short texts.

`samples` makes the same questions for training and for measuring. The prose is split by book: `TRAIN` teaches, and
A Christmas Carol, carried in `examples/testbed/prose.txt`, is only ever measured on. What facts are about are the same
words in both, those of `words.txt`.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import click

from hybrid.chat.prompts import INSTRUCTIONS, Prompt
from hybrid.chat.refusals import ABSTAIN
from hybrid.cli.main import guarded
from hybrid.errors import EngineError
from hybrid.types import Piece

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

Kind = Literal["single", "keys", "values", "records", "variables"]
KINDS: tuple[Kind, ...] = get_args(Kind)

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
HELD_OUT = "A Christmas Carol"
FOLDER = Path(__file__).resolve().parents[1] / "examples" / "testbed"

MODEL = "model.safetensors"
WORDS = "words.txt"
WINDOW = 1024
FACTORS = (4, 8)  # of YaRN, that training uses the rotations of
THETA = 10000.0
VOCABULARY = 2048
RECORDS = 200  # at most: there are some 450 words to name them by
WIDTH, LAYERS, HEADS, HEAD, INNER = 128, 4, 4, 32, 256
EPS = 1e-5

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
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


# --- samples ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sample:
    """A prompt with what a right reply to it holds."""

    prompt: Prompt
    gold: tuple[str, ...]  # every one must be in the reply; none: the texts do not say, so the reply must abstain
    depth: float | None  # share of the text before the fact asked for; None without one
    reply: str  # word for word what the model is trained to say
    tokens: int  # of the rendered prompt

    def right(self, reply: str) -> bool:
        """Whether a reply has all the values, or abstains where it must."""
        if not self.gold:
            return reply.strip() == ABSTAIN
        return all(re.search(rf"(?<!\d){value}(?!\d)", reply) for value in self.gold)

    def cites(self, reply: str) -> bool:
        """Whether a reply cites exactly the texts that hold the values."""
        return set(re.findall(r"\[\d+\]", reply)) == set(re.findall(r"\[\d+\]", self.reply))


@dataclass(frozen=True)
class Prose:
    """Books as sentences, the hay in which facts are hidden, and the words that facts are about."""

    books: tuple[tuple[str, ...], ...]
    keys: tuple[str, ...] = ()  # none: the books' own common words

    @classmethod
    def of(cls, texts: Sequence[str], keys: Sequence[str] = ()) -> Prose:
        """Sentences of moderate length; headings and very long sentences are left out."""
        found = [re.split(r"(?<=[.!?][”’\"'])\s|(?<=[.!?])\s", re.sub(r"\s+", " ", text)) for text in texts]
        return cls(tuple(tuple(s for s in book if 20 <= len(s) <= 240) for book in found), tuple(keys))

    @cached_property
    def words(self) -> list[str]:
        """Common words in lower case, the most common left out."""
        counts = Counter(w for book in self.books for s in book for w in re.findall(r"(?<=[a-z,] )[a-z]{4,9}\b", s))
        return sorted(word for word, _ in counts.most_common(1100)[100:])


@dataclass(frozen=True, slots=True)
class _Fact:
    """A sentence hidden in the text, and the question it answers."""

    sentence: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    reply: str
    gold: tuple[str, ...]
    fact: int  # index of the fact that holds the (first) value, -1 without one


def samples(
    kind: Kind,
    length: int,
    depth: float | None,
    seed: int,
    tokenizer: Tokenizer,
    prose: Prose,
    *,
    answerable: float = True,
    texts: int | None = None,
    task: Literal["answer", "collect"] = "answer",
    questions: int = 1,
) -> Iterator[Sample]:
    """Endless samples; the same arguments give the same ones, each different from the last.

    Args:
        kind: `single` one fact; `keys` others of the same form around it; `values` keys with two values each;
            `records` key-value lines and no prose; `variables` values reached over up to two other variables.
        length: tokens of the rendered prompt, never more, and rarely more than 20 fewer (but of at most 200 records).
        depth: share of the text before the fact asked for, 0 to 1; None for a random one.
        answerable: False asks for a key that no fact has; the word itself may well be in the prose. A share, where
            several questions are asked of a text.
        texts: number of text blocks; None for a random one that suits the length.
        task: which of the project's instructions closes the prompt.
        questions: of each text, one after the other; some may be the same.
    """
    for turn in range(2**31):
        rng = random.Random(f"{kind}|{length}|{depth}|{seed}|{answerable}|{texts}|{task}|{turn}")
        yield from _draw(rng, kind, length, depth, tokenizer, prose, questions, 1.0 - answerable, texts, task)


def render(prompt: Prompt) -> str:
    """The prompt as the model's chat template renders it, up to the reply."""
    turns = (f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in prompt.messages())
    return "".join(turns) + "<|im_start|>assistant\n"


def _draw(
    rng: random.Random,
    kind: Kind,
    length: int,
    depth: float | None,
    tokenizer: Tokenizer,
    prose: Prose,
    questions: int,
    unanswerable: float,
    texts: int | None,
    task: Literal["answer", "collect"],
) -> Iterator[Sample]:
    """Samples that share one text, as many as `questions` asks for; `unanswerable` is the share that must abstain."""

    def cost(lines: Sequence[str]) -> list[int]:
        return [len(e) for e in tokenizer.encode_batch(list(lines), add_special_tokens=False)]

    room = length - 48
    blocks = texts or rng.choice([1, 1, 2, 3, 4, 6][: max(1, min(6, length // 100))])
    room -= 16 * (blocks - 1)
    many = {
        "single": 1,
        "keys": rng.randint(2, max(2, min(12, room // 18))),
        "values": rng.randint(1, max(1, room // 40)),
    }
    many["values"] = min(4, many["values"])
    many |= {"records": max(2, min(RECORDS, room // 7)), "variables": rng.randint(1, max(1, min(4, room // 40)))}
    if kind == "single" and unanswerable and rng.random() < 0.3:
        many["single"] = 0  # nothing but prose
    keys = _keys(rng, prose, many[kind] * (3 if kind == "variables" else 1) + 8)
    facts, asked = _facts(rng, kind, keys, many[kind], task)
    sizes = cost([f"\n{fact.sentence}" for fact in facts]) if facts else []
    while len(facts) > 1 and sum(sizes) > room and kind == "records":
        facts.pop(), sizes.pop()
    absent = [key for key in keys if all(key != fact.key for fact in facts)]
    asked = [question for question in asked if question.fact < len(facts)]
    wanted = [
        _absent(rng, kind, rng.choice(absent)) if not asked or rng.random() < unanswerable else rng.choice(asked)
        for _ in range(questions)
    ]
    first = wanted[0].fact
    if kind == "records":
        hay: list[str] = []
    else:
        hay = _hay(rng, prose, room - sum(sizes), cost)
    lines, places = _hide(rng, facts, hay, first, depth)
    names = rng.sample(prose.words, blocks)
    suffix = rng.choice([".txt", ".md", ".pdf", ""])
    cuts = sorted(rng.sample(range(1, len(lines)), min(blocks, len(lines)) - 1)) if len(lines) > 1 else []
    bounds = [0, *cuts, len(lines)]
    glue = "\n" if kind == "records" else " "
    while True:
        pieces = tuple(
            Piece(name + suffix, glue.join(line for line in lines[start:end] if line), 0)
            for name, (start, end) in zip(names, pairwise(bounds), strict=False)
        )
        prompt = Prompt(wanted[0].text, pieces, task)
        tokens = len(tokenizer.encode(render(prompt), add_special_tokens=False))
        if tokens <= length:
            break
        kept = [n for n, line in enumerate(lines) if line and n not in places]
        if not kept:
            break
        lines[rng.choice(kept)] = ""
    block = [sum(place >= cut for cut in cuts) + 1 for place in places]
    total = max(1, len(lines) - 1)
    for question in wanted:
        reply = question.reply
        if len(question.gold) > 1:  # as they stand in the text: any other order could only be guessed
            own = range(question.fact, question.fact + len(question.gold))
            reply = _listed(facts, sorted(own, key=places.__getitem__), task)
        reply = re.sub(r"\[#(\d+)\]", lambda m: f"[{block[int(m[1])]}]", reply)
        where = places[question.fact] / total if question.fact >= 0 else None
        yield Sample(replace(prompt, question=question.text), question.gold, where, reply, tokens)


def _keys(rng: random.Random, prose: Prose, count: int) -> list[str]:
    """Different words."""
    return rng.sample(prose.keys or prose.words, count)


def _number(rng: random.Random) -> str:
    return str(rng.randint(1000, 99999))


def _facts(
    rng: random.Random, kind: Kind, keys: list[str], count: int, task: str
) -> tuple[list[_Fact], list[_Question]]:
    """Facts of one kind and the questions they answer; `[#n]` in a reply stands for the text that holds fact n."""
    facts: list[_Fact] = []
    asked: list[_Question] = []
    if kind == "values":
        for at, key in enumerate(keys[:count]):
            values = (_number(rng), _number(rng))
            facts += [_Fact(_magic(key, value), key, (value,)) for value in values]
            asked.append(_Question(f"What are all the special magic numbers for {key}?", "", values, 2 * at))
        return facts, asked  # the reply follows the order of the text, which is not known yet
    for number in range(count):
        key, value, n = keys[number], _number(rng), len(facts)
        if kind == "records":
            facts.append(_Fact(f"record {key}: {value}", key, (value,)))
            reply = facts[-1].sentence + ("" if task == "collect" else f" [#{n}]")
            asked.append(_Question(f"What is the value of record {key}?", reply, (value,), n))
        elif kind == "variables":
            chain = [key, *keys[count + 2 * number : count + 2 * number + rng.randint(0, 2)]]
            said = [f"The variable {key} is set to: {value}."]
            facts.append(_Fact(said[0], key, (value,)))
            for before, after in pairwise(chain):
                said.append(f"The variable {after} is set to: the variable {before}.")
                facts.append(_Fact(said[-1], after, (value,)))
            for steps, name in enumerate(chain):
                back = said[steps::-1]
                reply = "\n".join(back) if task == "collect" else f"{' '.join(back)[:-1]} [#{n}]"
                asked.append(_Question(f"What is the value of the variable {name}?", reply, (value,), n))
        else:
            facts.append(_Fact(_magic(key, value), key, (value,)))
            reply = facts[-1].sentence if task == "collect" else f"{facts[-1].sentence[:-1]} [#{n}]"
            asked.append(_Question(f"What is the special magic number for {key}?", reply, (value,), n))
    return facts, asked


def _listed(facts: Sequence[_Fact], order: Sequence[int], task: str) -> str:
    """The reply to a question for all values of a key, in some order of its facts."""
    if task == "collect":
        return "\n".join(facts[n].sentence for n in order)
    key = facts[order[0]].key  # said before each value, as in the text: what follows a key is what the model copies
    return _magic(key, f" and for {key} is: ".join(f"{facts[n].values[0]} [#{n}]" for n in order))[:-1]


def _magic(key: str, value: str) -> str:
    return f"The special magic number for {key} is: {value}."


def _absent(rng: random.Random, kind: Kind, key: str) -> _Question:
    """A question about a key that no fact has."""
    noun = {"records": f"value of record {key}", "variables": f"value of the variable {key}"}
    text = f"What is the {noun.get(kind, f'special magic number for {key}')}?"
    if kind == "values" and rng.random() < 0.5:
        text = f"What are all the special magic numbers for {key}?"
    return _Question(text, ABSTAIN, (), -1)


def _hay(rng: random.Random, prose: Prose, room: int, cost: Callable[[Sequence[str]], list[int]]) -> list[str]:
    """Consecutive sentences that fill the room; the last one is cut between words."""
    book = rng.choice(prose.books)
    start = rng.randrange(len(book))
    lines = [book[(start + n) % len(book)] for n in range(max(4, room // 4))]
    found: list[str] = []
    for line, size in zip(lines, cost([f" {line}" for line in lines]), strict=True):
        if size > room:
            found.append(" ".join(line.split()[: max(0, int(room / 1.5))]))
            break
        found.append(line)
        room -= size
    return [line for line in found if line]


def _hide(
    rng: random.Random, facts: list[_Fact], hay: list[str], first: int, depth: float | None
) -> tuple[list[str], list[int]]:
    """Facts among the hay, fact `first` at the depth and the others anywhere, and the place of each."""
    order = list(range(len(facts)))
    rng.shuffle(order)
    spots = {n: rng.random() for n in order}
    if depth is not None and first >= 0:
        order.remove(first)
        spots[first] = depth
        if not hay:
            order.insert(round(depth * len(order)), first)
        elif depth < 0.5:
            order.insert(0, first)
        else:
            order.append(first)
    if hay:
        order.sort(key=lambda n: spots[n])  # stable: at depth 0 and 1 the fact asked for is outermost
    # places by characters, since sentences differ in length
    ends, total = [0], 0
    for line in hay:
        total += len(line) + 1
        ends.append(total)
    lines: list[str] = []
    places = [0] * len(facts)
    at = 0
    for n in order:
        target = spots[n] * total
        while at < len(hay) and (ends[at] + ends[at + 1]) / 2 <= target:
            lines.append(hay[at])
            at += 1
        places[n] = len(lines)
        lines.append(facts[n].sentence)
    return lines + hay[at:], places


# --- tokenizer and configuration --------------------------------------------------------------------------------------


def train_tokenizer(prose: Prose) -> Tokenizer:
    """Byte-level BPE with single digits; the fixed strings of the layout are one token each, to leave room for text."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

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


def configuration(yarn: int = 0) -> dict[str, Any]:
    """The model's `config.json`; `yarn` is the factor that takes the window further."""
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": THETA}
    if yarn:
        rope |= {"rope_type": "yarn", "factor": float(yarn), "original_max_position_embeddings": WINDOW}
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
        "max_position_embeddings": WINDOW * (yarn or 1),
        "rope_parameters": rope,
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "pad_token_id": 0,
        "bos_token_id": None,
        "eos_token_id": 2,
        "dtype": "bfloat16",
    }


def spelled(prose: Prose, tokenizer: Tokenizer) -> tuple[str, ...]:
    """The words that facts can be about: of two tokens each.

    A model of this size spells longer ones badly, and words of one token are too much alike to it.
    """
    return tuple(w for w in prose.words if len(tokenizer.encode(f" {w}", add_special_tokens=False).ids) == 2)


def words() -> tuple[str, ...]:
    """The words that the carried model knows facts about; none where it is not at hand."""
    file = FOLDER / WORDS
    return tuple(file.read_text("utf-8").split()) if file.is_file() else ()


def write(folder: Path, tokenizer: Tokenizer, weights: dict[str, Tensor], keys: Sequence[str]) -> None:
    """Everything an engine needs, the weights in bfloat16, and the words that facts can be about."""
    import torch
    from safetensors.torch import save_file

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


# --- model ------------------------------------------------------------------------------------------------------------


def initial(seed: int) -> dict[str, Tensor]:
    """Random weights under the names of the Llama architecture, with a head start.

    To copy what followed the last time, a model must first find heads that look at the token before, and it finds
    nothing to gain from them until it can compare: hence the long plateau. Here three heads of the first layer begin
    by looking one, two and three tokens back; they hold on to an embedding dimension that is the same for all tokens.
    Three heads of the second layer begin by comparing what these brought with the current token, the one before, and
    the one before that, in the slowly turning dimensions, and by passing on the token they find. All else adds nothing
    yet.
    """
    import torch

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
    import torch

    steps = torch.arange(0, HEAD, 2) / HEAD
    speeds = torch.pow(THETA, -steps)
    scale = 1.0
    if yarn:  # as in "YaRN: Efficient Context Window Extension of Large Language Models", with its defaults

        def turn(times: int) -> float:
            return HEAD * math.log(WINDOW / (times * 2 * math.pi)) / (2 * math.log(THETA))

        low, high = max(math.floor(turn(32)), 0), min(math.ceil(turn(1)), HEAD - 1)
        ramp = ((torch.arange(HEAD // 2) - low) / (high - low)).clamp(0, 1)
        speeds = speeds / yarn * ramp + speeds * (1 - ramp)
        scale = 0.1 * math.log(yarn) + 1
    angles = torch.outer(torch.arange(WINDOW * max(FACTORS)), speeds).repeat(1, 2)
    return (torch.stack([angles.cos(), angles.sin()]) * scale).bfloat16().float()


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


def forward(weights: dict[str, Tensor], batch: Batch, table: Tensor) -> tuple[Tensor, Tensor]:
    """Last hidden states of texts and branches."""
    import torch
    from torch.nn import functional

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


# --- training ---------------------------------------------------------------------------------------------------------

STAGES = (112, 160, 256, 512, 1024)  # tokens of prompt and reply
PASS = 0.93  # moving accuracy that lengthens the texts
REPLY = 48  # tokens kept for the reply
TOKENS = 2048  # of a step with short texts, about; up to three times as many with long ones
QUESTIONS = 10  # to each text
ROOM = 22 * QUESTIONS  # tokens of these and their replies
EASY: dict[Kind, float] = {"single": 4, "keys": 4, "values": 0.2, "records": 0.5, "variables": 0.3}  # to begin with
WEIGHTS: dict[Kind, float] = {"single": 0.6, "keys": 4, "values": 4, "records": 1.5, "variables": 1.2}


def collate(
    tokenizer: Tokenizer, groups: Sequence[Sequence[Sample]], room: int, rng: random.Random, window: int = 0
) -> Batch:
    """Samples that share their text, as a batch.

    Args:
        room: tokens for the questions and replies of one text.
        window: tokens over which the positions are spread; 0 leaves them consecutive.
    """
    import torch

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


def books(data: Path) -> dict[str, str]:
    """The books of the LaRA benchmark by name."""
    found = {}
    for name in ("docs_32k", "docs_128k"):
        with gzip.open(data / "lara" / f"{name}.dev.jsonl.gz", "rt", encoding="utf-8") as file:
            for record in map(json.loads, file):
                if record["type"] == "book":
                    found[Path(record["file"]).stem] = record["text"]
    return found


@dataclass
class Plan:
    """Where training stands: the length of the texts follows the accuracy, the learning rate follows the clock."""

    minutes: float
    started: float
    extend: float = 0.0  # share of the time before YaRN's rotations join in
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
        if self.stage < 2 or self.spent < self.extend or rng.random() > 0.4:
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


def draw_batch(rng: random.Random, tokenizer: Tokenizer, prose: Prose, length: int, window: int = 0) -> Batch:
    """Texts of one length with many questions each, their positions spread over a longer window if one is given."""
    questions = QUESTIONS if length >= 160 else QUESTIONS // 2
    room = ROOM // QUESTIONS * questions
    weights = EASY if length == STAGES[0] else WEIGHTS
    groups = []
    for _ in range(max(1, TOKENS * (1 + (length >= 256) + (length >= 512)) // (length + room))):
        while True:
            kind = rng.choices(KINDS, [weights[kind] for kind in KINDS])[0]
            task: Literal["answer", "collect"] = "collect" if rng.random() < 0.07 else "answer"
            share = 0.35
            drawn = list(_draw(rng, kind, length - 24, None, tokenizer, prose, 3 * questions, share, None, task))
            if drawn[0].tokens <= length - 10:
                break
        group = list({sample.prompt.question: sample for sample in drawn}.values())
        found = [sample for sample in group if sample.gold]
        group = found + [sample for sample in group if not sample.gold][: max(1, len(found) // 2)]
        groups.append(rng.sample(group, len(group)))
    return collate(tokenizer, groups, room, rng, window)


@click.group("python -m hybrid.evals.testbed")
def main() -> None:
    """Trains and measures the small model of `examples/testbed`."""


@main.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--minutes", default=45.0, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--start", type=click.Path(exists=True, file_okay=False, path_type=Path), help="continue these weights")
@click.option("--rate", "share", default=1.0, show_default=True, help="of the learning rate; lower to continue")
@click.option("--extend", default=0.0, help="Share of the time before YaRN joins in; the model until then: OUT/native.")
@click.option("--threads", default=2, show_default=True)
def train(
    data: Path, out: Path, minutes: float, seed: int, start: Path | None, share: float, extend: float, threads: int
) -> None:
    """Train from nothing; --data holds `lara/docs_*.dev.jsonl.gz`. The model is saved every two minutes."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that spin cost most of the time on a busy machine
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # so do threads for a handful of sentences
    import torch
    from safetensors.torch import load_file
    from torch.nn import functional

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    found = books(data)
    prose = Prose.of([found[name] for name in TRAIN])
    tokenizer = train_tokenizer(prose)
    prose = replace(prose, keys=spelled(prose, tokenizer))
    weights = initial(seed)
    if start is not None:
        weights = {name: weight.float().requires_grad_() for name, weight in load_file(start / MODEL).items()}
    matrices = [w for name, w in weights.items() if "layers" in name and w.dim() == 2]
    others = [w for name, w in weights.items() if "layers" not in name or w.dim() != 2]
    optimizers: list[tuple[torch.optim.Optimizer, float]] = [
        (torch.optim.Muon(matrices, lr=0.0, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"), 5e-3),
        (torch.optim.AdamW(others, lr=0.0, betas=(0.9, 0.98), weight_decay=0.0), 3e-3),
    ]
    starts = torch.tensor([tokenizer.encode(f" {n}", add_special_tokens=False).ids[0] for n in range(10)])
    tables = {yarn: rotations(yarn) for yarn in (0, *FACTORS)}
    plan = Plan(minutes, time.monotonic(), extend, stage=0 if start is None else 3)
    step, saved, native = 0, time.monotonic(), extend > 0
    seen: dict[tuple[int, int], list[float]] = {}
    cites: list[float] = []
    decided: list[float] = []
    while plan.spent < 1:
        if native and plan.spent >= extend:
            write(out / "native", tokenizer, weights, prose.keys)
            native = False
        length, yarn = plan.kind(rng)
        batch = draw_batch(rng, tokenizer, prose, length, WINDOW * yarn if length <= WINDOW else 0)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            texts, branches = forward(weights, batch, tables[yarn])
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
        torch.nn.utils.clip_grad_norm_(list(weights.values()), 1.0)
        for optimizer, rate in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * share * plan.rate(step)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        wrong = logits.argmax(-1) != target
        branch = batch.branch[wanted]
        failed = torch.zeros(int(batch.branch.max()) + 1)
        failed[branch[wrong & batch.digits[wanted] & ~first]] = 1
        cite = torch.zeros_like(failed)
        cite[branch[wrong & ~batch.digits[wanted]]] = 1
        accuracy = 1 - failed.mean().item()
        cites.append(1 - cite.mean().item())
        decided.append(1 - wrong[first].float().mean().item())
        seen.setdefault((length, yarn), []).append(accuracy)
        if not yarn:
            plan.note(length, accuracy)
        step += 1
        if step % 50 == 0:
            shown = " ".join(f"{n}{f'y{y}' if y else ''}:{sum(a) / len(a):.3f}" for (n, y), a in sorted(seen.items()))
            click.echo(
                f"{plan.spent * minutes:5.1f} min step {step} loss {loss.item():.3f} stage {STAGES[plan.stage]} "
                f"{shown} citations {sum(cites) / len(cites):.3f} answering or not {sum(decided) / len(decided):.3f}"
            )
            seen, cites, decided = {}, [], []
        if time.monotonic() - saved > 120:
            write(out, tokenizer, weights, prose.keys)
            saved = time.monotonic()
    write(out, tokenizer, weights, prose.keys)


@main.command("map")
@click.option("--model", type=click.Path(exists=True, file_okay=False, path_type=Path), default=FOLDER)
@click.option("--url", help="A vLLM server that serves the model, to be measured instead of transformers.")
@click.option("--yarn", default=0, show_default=True, help="factor of YaRN's rotations; 0 for the native window")
@click.option("--length", "lengths", multiple=True, type=int, default=(256, 512, 1000))
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), default=("keys",))
@click.option("--count", default=20, show_default=True, help="samples in a cell")
@click.option("--seed", default=1, show_default=True)
def measure(
    model: Path, url: str | None, yarn: int, lengths: tuple[int, ...], kinds: tuple[Kind, ...], count: int, seed: int
) -> None:
    """Accuracy by length and depth, and on questions without an answer, on held-out prose."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    prose = Prose.of([(FOLDER / "prose.txt").read_text("utf-8")], words())
    reply = _served(url) if url else _loaded(model, tokenizer, yarn)

    def score(found: Iterator[Sample]) -> tuple[float, float]:
        chosen = list(islice(found, count))
        pairs = list(zip(chosen, reply([render(sample.prompt) for sample in chosen]), strict=True))
        right, cited = (sum(check) for check in zip(*((s.right(r), s.cites(r)) for s, r in pairs), strict=True))
        return right / count, cited / count

    depths = (0.0, 0.25, 0.5, 0.75, 1.0)
    click.echo(f"| kind | tokens | {' | '.join(f'{depth:.0%}' for depth in depths)} | cited | no answer |")
    click.echo("|" + "---|" * (len(depths) + 4))
    for kind in kinds:
        for length in lengths:
            cells = [score(samples(kind, length, depth, seed, tokenizer, prose)) for depth in depths]
            refused, _ = score(samples(kind, length, None, seed, tokenizer, prose, answerable=False))
            shown = " | ".join(f"{right:.2f}" for right, _ in cells)
            mean = sum(cited for _, cited in cells) / len(cells)
            click.echo(f"| {kind} | {length} | {shown} | {mean:.2f} | {refused:.2f} |")


def _loaded(model: Path, tokenizer: Tokenizer, yarn: int) -> Callable[[list[str]], list[str]]:
    """Replies of the model in transformers."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.set_num_threads(2)
    config = LlamaConfig(**configuration(yarn))
    engine: Any = AutoModelForCausalLM.from_pretrained(model, config=config, dtype=torch.bfloat16)

    def reply(prompts: list[str]) -> list[str]:
        encoded = [tokenizer.encode(prompt, add_special_tokens=False).ids for prompt in prompts]
        long = max(map(len, encoded))
        ids = torch.tensor([[0] * (long - len(each)) + each for each in encoded])
        mask = torch.tensor([[0] * (long - len(each)) + [1] * len(each) for each in encoded])
        out = engine.generate(ids, attention_mask=mask, max_new_tokens=REPLY, do_sample=False)
        return [tokenizer.decode(each.tolist()) for each in out[:, long:]]

    return reply


def _served(url: str) -> Callable[[list[str]], list[str]]:
    """Replies of the model on a vLLM server.

    Raises:
        EngineError: none answers there.
    """
    from openai import OpenAI

    client = OpenAI(base_url=url, api_key="none", timeout=600)
    with _answering(url):
        name = client.models.list().data[0].id

    def reply(prompts: list[str]) -> list[str]:
        asked: Any = prompts
        with _answering(url):
            told = client.completions.create(model=name, prompt=asked, max_tokens=REPLY, temperature=0)
        return [choice.text for choice in sorted(told.choices, key=lambda choice: choice.index)]

    return reply


@contextmanager
def _answering(url: str) -> Iterator[None]:
    """What a server does wrong becomes one sentence."""
    from openai import OpenAIError

    try:
        yield
    except (OpenAIError, AttributeError, LookupError, TypeError, ValueError) as error:  # the latter: not a model server
        said = " ".join(str(error).split())[:200].rstrip(".")
        raise EngineError(f"No server of the model answers at {url} ({said}): start one with hybrid up.") from None


if __name__ == "__main__":
    sys.exit(guarded(main))
