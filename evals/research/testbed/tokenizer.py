"""The tokenizer of the testbed's model, and the words that it spells well enough to be asked about."""

from __future__ import annotations

from hybrid.evals.testbed import Prose
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

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
