"""The samples that the reader is trained on: prompts of `hybrid.chat.prompts` and the replies wanted, as tokens."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from hybrid.evals.metrics.words import normalise
from hybrid.evals.research.reader import rules, sources
from hybrid.evals.research.reader.records import KINDS, Made, tabled, written
from hybrid.evals.research.reader.sources import KeptOut, Text

from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import ABSTAIN
from hybrid.document import Document
from hybrid.engines.local.engine import LocalEngine
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.settings import EngineSettings, PassageSettings
from hybrid.text.sentences import sentences
from hybrid.types import Piece

SAMPLES = "samples.npz"
LONGEST = 2  # times the native window
_ANSWER = 220  # tokens; a longer one is left out
_OTHERS = 9  # pieces beside the one that answers
_ABSENT = 0.2  # of the questions lose the piece that answers
_TOKENS = (120, 214)  # of passages; the second is the product's
_FIGURE = re.compile(r"\d[\d,.]*")
_OF_TEXT = 120  # questions made of one document
Step = Callable[[str], None]


class Example(NamedTuple):
    """A prompt and the reply that is wanted."""

    kind: str
    prompt: Prompt
    reply: str


class Maker:
    """Makes examples; the same data, seed and share give the same ones.

    Args:
        share: of the examples that can be made.
    """

    def __init__(self, data: Path, share: float, seed: int) -> None:
        self.data, self.share, self.draw, self.out = data, share, Random(seed), KeptOut(data)
        embedder = Embedder()
        self._chunkers = [Chunker(embedder, PassageSettings(tokens=tokens)) for tokens in _TOKENS]
        self.passages: list[Piece] = []  # of all documents, to stand beside what answers

    def all(self) -> Iterator[Example]:
        """All examples, source by source; the documents come first, as the others draw from them."""
        for source in (self.texts, self.natural, self.records, self.lists, self.lara, self.copies):
            for example in source():
                if self.draw.random() < self.share:
                    yield example

    def shown(
        self,
        kind: str,
        question: str,
        answer: str,
        golds: Sequence[Piece],
        others: Sequence[Piece],
        copied: bool = False,
    ) -> Iterator[Example]:
        """A question with its pieces in any order; for some without those that answer, and refused then.

        Args:
            copied: the reply is the sentence that helps, word for word, without a mark.
        """
        others = [piece for piece in others if normalise(answer) not in normalise(piece.text)]
        absent = not golds or (len(others) > 0 and self.draw.random() < _ABSENT)
        pieces = [*others, *(() if absent else golds)]
        self.draw.shuffle(pieces)
        marks = "".join(f"[{pieces.index(gold) + 1}]" for gold in golds) if not absent else ""
        reply = ABSTAIN if absent else answer if copied else f"{answer} {marks}"
        prompt = Prompt(self._asked(question), tuple(pieces), "collect" if copied else "answer")
        if pieces:
            yield Example(f"{kind}, absent" if absent else kind, prompt, reply)

    def _asked(self, question: str) -> str:
        """A question as people write it."""
        question, chance = question.strip(), self.draw.random()
        if chance < 0.12:
            return question.lower().rstrip("?")
        return question if question.endswith(("?", '"', "”", ".")) else f"{question}?"

    def _few(self, pieces: Sequence[Piece]) -> list[Piece]:
        return self.draw.sample(list(pieces), min(len(pieces), self.draw.randint(0, _OTHERS)))

    def texts(self) -> Iterator[Example]:
        """Questions made by rules and gaps from documents, with passages near them or a long stretch around them."""
        for text in sources.documents(self.data):
            own = self._cut(text.name, text.text.replace("\r", ""), self.draw.choice(self._chunkers))
            self.passages += own
            made = [(place, *pair) for place, piece in enumerate(own) for pair in self._made(text, piece.text)]
            for place, question, answer in self.draw.sample(made, min(_OF_TEXT, len(made))):
                chance = self.draw.random()
                if chance < 0.06:
                    yield from self._long(text, own, place, question, answer)
                elif chance < 0.12:
                    whole = own[place].text
                    helps = next((whole[a:b] for a, b in sentences(whole) if answer in whole[a:b]), answer)
                    yield from self.shown("copy", question, helps, [own[place]], self._beside(own, place), copied=True)
                else:
                    yield from self.shown(text.kind, question, answer, [own[place]], self._beside(own, place))

    def _cut(self, name: str, text: str, chunker: Chunker) -> list[Piece]:
        """The passages of a document that may be trained on."""
        cuts = chunker.split(Document(name, text))
        return [Piece(name, c.text, c.start, c.heading) for c in cuts if not self.out.shares(c.text)]

    def _made(self, text: Text, passage: str) -> Iterator[tuple[str, str]]:
        for start, end in sentences(passage):
            sentence = " ".join(passage[start:end].split())
            figures = len(_FIGURE.findall(sentence))  # more than a few: a row of a table that lost its columns
            if not 35 < len(sentence) < 380 or "\\" in sentence or sentence.count("|") > 2 or figures > 5:
                continue
            yield from rules.asked(sentence, self.draw)
            hole = rules.gap(sentence, self.draw) if self.draw.random() < 0.06 else None
            if hole:
                yield hole
        if text.kind == "meeting" and (said := re.search(r"^([A-Z][\w .]{2,30}): (.{60,120}\b)", passage, re.M)):
            yield f"Who said “{said[2][20:]}”?", said[1]

    def _beside(self, own: Sequence[Piece], place: int) -> list[Piece]:
        """Other passages of the document, near ones for some."""
        near = [*own[max(0, place - 8) : place], *own[place + 1 : place + 8]]
        return self._few(near if self.draw.random() < 0.6 else [*own[:place], *own[place + 1 :]])

    def _long(self, text: Text, own: Sequence[Piece], place: int, question: str, answer: str) -> Iterator[Example]:
        """A stretch of a document as one piece, up to twice SmolLM2's native window."""
        most = self.draw.choice((6_000, 12_000, 26_000, 50_000))  # characters
        first = max(0, own[place].start - self.draw.randint(0, most))
        body = "\n\n".join(p.text for p in own if first <= p.start < first + most)
        if body.count(answer) == 1:
            yield from self.shown("long", question, answer, [Piece(text.name, body, first)], [])

    def natural(self) -> Iterator[Example]:
        """Natural Questions with their gold passages among distractors."""
        rows = list(sources.natural_questions(self.data))
        kept = {row["line"]: row for row, _ in rows if not self.out.shares(row["ctxs"][0]["text"])}
        pieces = {line: Piece(row["ctxs"][0]["title"], row["ctxs"][0]["text"], 0) for line, row in kept.items()}
        for row, near in rows:
            line, answers = row["line"], [a for a in row["answers"] if a in row["ctxs"][0]["text"]]
            if line not in kept or not answers or normalise(row["question"]) in self.out.questions:
                continue
            answer = min(answers, key=lambda a: (len(a.split()) > 12, answers.index(a)))
            for _ in range(6):
                others = self._few([pieces[n] for n in near[: self.draw.choice((8, 20, 49))] if n in pieces])
                yield from self.shown("natural questions", row["question"], answer, [pieces[line]], others)

    def records(self) -> Iterator[Example]:
        """Made-up records in prose, lists and tables: look up, which of two, the other way round, what is not told."""
        for _ in range(17_000):
            kind = self.draw.choice(list(KINDS))
            tables = self.draw.random() < 0.2
            keys = self.draw.sample(list(KINDS[kind]), 4) if tables else None
            found = [Made(kind, self.draw, keys) for _ in range(self.draw.choice((1, 2, 3, 4, 6)))]
            if len({one.name for one in found}) < len(found):
                continue
            name = f"{kind}s {self.draw.randint(1, 99)}"
            if tables:
                own = [Piece(name, tabled(found, self.draw), 0)] * len(found)
            else:
                own = [Piece(name, one.text(), 0) for one in found]
            yield from self._on_records(found, own)

    def _on_records(self, found: Sequence[Made], own: Sequence[Piece]) -> Iterator[Example]:
        one, other, chance = found[0], found[-1], self.draw.random()
        key = self.draw.choice(one.said)
        more = self._few(self.passages)[:3] + [piece for piece in own if piece != own[0]]
        if chance < 0.15:
            lacks = (
                one.question(self.draw.choice(one.unsaid)) if one.unsaid else Made(one.kind, self.draw).question(key)
            )
            yield from self.shown("records", lacks, "\0", [], [*more, own[0]])
        elif chance < 0.25 and (pair := one.compared(key, other)):
            golds = list(dict.fromkeys([own[found.index(pair[1])], own[0], own[-1]]))
            yield from self.shown("which of two", pair[0], pair[1].name, golds, [p for p in more if p not in golds])
        elif chance < 0.35 and sum(r.values[key] == one.values[key] for r in found) == 1:
            yield from self.shown("records", one.reverse(key), one.name, own[:1], more)
        elif chance < 0.45 and (wrong := Made(one.kind, self.draw).values[key]) != one.values[key]:
            two = self.draw.sample((one.values[key], wrong), 2)
            asked = f"{one.question(key).rstrip('?')}, {two[0]} or {two[1]}?"
            yield from self.shown("which of two", asked, one.values[key], own[:1], more)
        else:
            yield from self.shown("records", one.question(key), one.values[key], own[:1], more)

    def lists(self) -> Iterator[Example]:
        """Keys with their values."""
        parts = ("{uuid}", "{code}", "{mail}", "{money}", "{person}", "{date}")
        for _ in range(900):
            of = self.draw.sample(parts, 2)
            form = self.draw.choice(('"{}": "{}"', "{} = {}", "{}: {}", "- {}: {}"))
            values = {written(of[0], self.draw): written(of[1], self.draw) for _ in range(self.draw.randint(4, 40))}
            key = self.draw.choice(list(values))
            text = "\n".join(form.format(*pair) for pair in values.items())
            asked = self.draw.choice(("What is the value of {}?", "Which value belongs to {}?", "Look up {}.")).format(
                key
            )
            yield from self.shown("list", asked, values[key], [Piece("list", text, 0)], self._few(self.passages))

    def lara(self) -> Iterator[Example]:
        """LaRA's questions on its trained half, each on the passages around its answer."""
        known: dict[str, list[Piece]] = {}
        for name, text, question, answer in sources.lara_questions(self.data):
            if name not in known:
                known[name] = self._cut(name, text, self._chunkers[-1])
            cuts = known[name]
            at = next((i for i, piece in enumerate(cuts) if answer and answer in piece.text), None)
            for _ in range(4):
                if answer and at is not None and len(answer) < 200:
                    yield from self.shown("lara", question, answer, [cuts[at]], self._beside(cuts, at))
                elif not answer and cuts:
                    beside = self._beside(cuts, self.draw.randrange(len(cuts)))
                    yield from self.shown("lara", question, "\0", [], beside)

    def copies(self) -> Iterator[Example]:
        """Sentences to copy that answer."""
        for name, text, question, found in sources.references(self.data):
            said = "\n".join(one["content"].strip() for one in found[:3])
            start, end = found[0]["start_index"], found[min(2, len(found) - 1)]["end_index"]
            around = text[max(0, start - 800) : max(start, end) + 800]
            if abs(end - start) < 6_000 and not self.out.shares(around):
                piece = Piece(name, around, 0)
                yield from self.shown("copy", question, said, [piece], self._few(self.passages)[:2], copied=True)


def encode(examples: Iterable[Example], model: str, work: Path, say: Step) -> None:
    """Write examples as tokens of a model's chat template."""
    engine = LocalEngine(EngineSettings(kind="local", model=model, device="cpu"))
    ids: list[np.ndarray] = []
    prompts: list[int] = []
    kinds: Counter[str] = Counter()
    for example in examples:
        prompt, reply = engine.spelled(example.prompt, example.reply)
        if len(reply) <= _ANSWER and len(prompt) + len(reply) <= LONGEST * engine.window:
            ids.append(np.array([*prompt, *reply], np.int32))
            prompts.append(len(prompt))
            kinds[example.kind] += 1
            if len(ids) % 2_000 == 0:
                say(f"{len(ids):,} samples")
    work.mkdir(parents=True, exist_ok=True)
    lengths = np.array([len(one) for one in ids], np.int64)
    np.savez(work / SAMPLES, ids=np.concatenate(ids), lengths=lengths, prompts=np.array(prompts), window=engine.window)
    card = {"samples": len(ids), "tokens": int(lengths.sum()), "kinds": kinds}
    (work / "samples.json").write_text(json.dumps(card, indent=1), encoding="utf-8")
    say(json.dumps(card))
