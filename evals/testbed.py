"""Questions that a small model can answer: facts looked up in real prose laid out by `hybrid.chat.prompts`.

`samples` makes the same questions for training and for measuring. The carried model, `examples/testbed`, was trained
for this trade alone (`hybrid.evals.research.testbed`): to look facts up, to say which text holds them, and to say so
when none does. Its native window is 1 024 tokens; YaRN takes it to 4 096 and 8 192.

The prose is split by book: training had others than A Christmas Carol, carried in `examples/testbed/prose.txt`, which
is only ever measured on. Facts in both are about the same words, those of `words.txt`.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import ABSTAIN
from hybrid.types import Piece

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Kind = Literal["single", "keys", "values", "records", "variables"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Task = Literal["answer", "collect"]

HELD_OUT = "A Christmas Carol"
FOLDER = Path(__file__).resolve().parents[1] / "examples" / "testbed"
WORDS = "words.txt"
WINDOW = 1024
REPLY = 48  # tokens kept for the reply
RECORDS = 200  # at most: there are some 450 words to name them by


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


@dataclass(frozen=True, slots=True)
class Wish:
    """The text to draw, and the questions on it; see `samples`."""

    kind: Kind
    length: int
    depth: float | None
    tokenizer: Tokenizer
    prose: Prose
    questions: int = 1
    unanswerable: float = 0.0  # share of the questions that must be abstained from
    task: Task = "answer"

    def sizes(self, lines: Sequence[str]) -> list[int]:
        """Tokens of each line."""
        return [len(e) for e in self.tokenizer.encode_batch(list(lines), add_special_tokens=False)]


def samples(
    kind: Kind,
    length: int,
    depth: float | None,
    seed: int,
    tokenizer: Tokenizer,
    prose: Prose,
    *,
    answerable: float = True,
    task: Task = "answer",
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
        task: the instruction of the project that closes the prompt.
        questions: of each text, one after the other; some may be the same.
    """
    wish = Wish(kind, length, depth, tokenizer, prose, questions, 1.0 - answerable, task)
    for turn in range(2**31):
        rng = random.Random(f"{kind}|{length}|{depth}|{seed}|{answerable}|None|{task}|{turn}")
        yield from draw(rng, wish)


def render(prompt: Prompt) -> str:
    """The prompt as the model's chat template renders it, up to the reply."""
    turns = (f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in prompt.messages())
    return "".join(turns) + "<|im_start|>assistant\n"


def draw(rng: random.Random, wish: Wish) -> Iterator[Sample]:
    """The wished number of samples, all on one text."""
    room = wish.length - 48
    blocks = rng.choice([1, 1, 2, 3, 4, 6][: max(1, min(6, wish.length // 100))])
    room -= 16 * (blocks - 1)
    many = _many(rng, wish, room)
    keys = rng.sample(wish.prose.keys or wish.prose.words, many * (3 if wish.kind == "variables" else 1) + 8)
    facts, asked = _facts(rng, wish.kind, keys, many, wish.task)
    sizes = wish.sizes([f"\n{fact.sentence}" for fact in facts]) if facts else []
    while len(facts) > 1 and sum(sizes) > room and wish.kind == "records":
        facts.pop(), sizes.pop()
    wanted = _wanted(rng, wish, keys, facts, asked)
    hay = [] if wish.kind == "records" else _hay(rng, wish, room - sum(sizes))
    lines, places = _hide(rng, facts, hay, wanted[0].fact, wish.depth)
    prompt, tokens, cuts = _laid_out(rng, wish, wanted[0].text, lines, places, blocks)
    block = [sum(place >= cut for cut in cuts) + 1 for place in places]
    total = max(1, len(lines) - 1)
    for question in wanted:
        reply = question.reply
        if len(question.gold) > 1:  # as they stand in the text: any other order could only be guessed
            own = range(question.fact, question.fact + len(question.gold))
            reply = _listed(facts, sorted(own, key=places.__getitem__), wish.task)
        reply = re.sub(r"\[#(\d+)\]", lambda m: f"[{block[int(m[1])]}]", reply)
        where = places[question.fact] / total if question.fact >= 0 else None
        yield Sample(replace(prompt, question=question.text), question.gold, where, reply, tokens)


def _many(rng: random.Random, wish: Wish, room: int) -> int:
    """How many facts, or keys with their facts, the text has."""
    many = {
        "single": 1,
        "keys": rng.randint(2, max(2, min(12, room // 18))),
        "values": min(4, rng.randint(1, max(1, room // 40))),
        "records": max(2, min(RECORDS, room // 7)),
        "variables": rng.randint(1, max(1, min(4, room // 40))),
    }
    if wish.kind == "single" and wish.unanswerable and rng.random() < 0.3:
        return 0  # nothing but prose
    return many[wish.kind]


def _wanted(
    rng: random.Random, wish: Wish, keys: Sequence[str], facts: Sequence[_Fact], asked: Sequence[_Question]
) -> list[_Question]:
    """The questions that are asked: of facts that are there, and of keys that no fact has."""
    absent = [key for key in keys if all(key != fact.key for fact in facts)]
    asked = [question for question in asked if question.fact < len(facts)]
    return [
        _absent(rng, wish.kind, rng.choice(absent))
        if not asked or rng.random() < wish.unanswerable
        else rng.choice(asked)
        for _ in range(wish.questions)
    ]


def _laid_out(
    rng: random.Random, wish: Wish, question: str, lines: list[str], places: Sequence[int], blocks: int
) -> tuple[Prompt, int, list[int]]:
    """The prompt of the lines in blocks, its tokens, and where blocks begin; lines of prose go until it fits."""
    names = rng.sample(wish.prose.words, blocks)
    suffix = rng.choice([".txt", ".md", ".pdf", ""])
    cuts = sorted(rng.sample(range(1, len(lines)), min(blocks, len(lines)) - 1)) if len(lines) > 1 else []
    bounds = [0, *cuts, len(lines)]
    glue = "\n" if wish.kind == "records" else " "
    while True:
        pieces = tuple(
            Piece(name + suffix, glue.join(line for line in lines[start:end] if line), 0)
            for name, (start, end) in zip(names, pairwise(bounds), strict=False)
        )
        prompt = Prompt(question, pieces, wish.task)
        tokens = len(wish.tokenizer.encode(render(prompt), add_special_tokens=False))
        kept = [n for n, line in enumerate(lines) if line and n not in places]
        if tokens <= wish.length or not kept:
            return prompt, tokens, cuts
        lines[rng.choice(kept)] = ""


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


def _hay(rng: random.Random, wish: Wish, room: int) -> list[str]:
    """Consecutive sentences that fill the room; the last one is cut between words."""
    book = rng.choice(wish.prose.books)
    start = rng.randrange(len(book))
    lines = [book[(start + n) % len(book)] for n in range(max(4, room // 4))]
    found: list[str] = []
    for line, size in zip(lines, wish.sizes([f" {line}" for line in lines]), strict=True):
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


def words() -> tuple[str, ...]:
    """The words that the carried model knows facts about; none where it is not at hand."""
    file = FOLDER / WORDS
    return tuple(file.read_text("utf-8").split()) if file.is_file() else ()
