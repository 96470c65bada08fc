"""The public texts that the reader is trained on, and what is kept out of its training.

Kept out: XQuAD, all sets of L-Eval, LaRA's documents whose names hash odd, and every passage that shares ten words in a
row with one of these. All sources go through that check.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from hybrid.evals.metrics.words import normalise
from hybrid.evals.tasks.published import Lara

from hybrid.files import read_lines

SHARED = 10  # words in a row from which a text counts as one that is kept out
_LARA = ("docs_32k", "docs_128k")


@dataclass(frozen=True, slots=True)
class Text:
    """A document or a passage with its name and its kind."""

    name: str
    kind: str
    text: str


def kept_out(name: str) -> bool:
    """Whether a document of LaRA is of the half that is not trained on."""
    return int(sha256(name.encode()).hexdigest(), 16) % 2 == 1


class KeptOut:
    """What is kept out, to be looked for in other texts.

    Args:
        data: the folder of the data sets.
    """

    def __init__(self, data: Path) -> None:
        self._runs = set[int]()
        self.questions = set[str]()
        for text, asked in _reported(data):
            self._runs.update(_runs(text))
            self.questions.update(map(normalise, asked))
        self.left_out = 0  # texts that were found to share words

    def shares(self, text: str) -> bool:
        """Whether a text has ten words in a row of what is kept out."""
        found = not self._runs.isdisjoint(_runs(text))
        self.left_out += found
        return found


def _runs(text: str) -> Iterator[int]:
    words = normalise(text).split()
    return (hash(tuple(words[i : i + SHARED])) for i in range(len(words) - SHARED + 1))


def _reported(data: Path) -> Iterator[tuple[str, list[str]]]:
    """The texts that are kept out, with the questions on them."""
    for article in _whole(data / "squad" / "xquad.en.json.gz")["data"]:
        for paragraph in article["paragraphs"]:
            yield paragraph["context"], [asked["question"] for asked in paragraph["qas"]]
    for file in sorted((data / "leval").glob("*.jsonl.gz")):
        for row in read_lines(file):
            yield row["input"], row["instructions"]
    for row in _lara(data):
        if kept_out(row["file"]):
            yield row["text"], []


def documents(data: Path) -> Iterator[Text]:
    """Long texts: books, filings, papers, stories, meetings, Wikipedia."""
    for row in _lara(data):
        if not kept_out(row["file"]):
            yield Text(row["file"], row["type"], row["text"])
    for row in read_lines(data / "squality" / "squality_v1-3.dev.jsonl.gz"):
        title = row["document"].strip().split("\n")[0].strip()
        yield Text(title[:40], "book", re.sub(r"\n +", "\n", row["document"]))
    for number, row in enumerate(read_lines(data / "qmsum" / "qmsum_val.jsonl.gz")):
        yield Text(f"meeting_{number:02d}.txt", "meeting", "\n\n".join(map(_turn, row["meeting_transcripts"])))
    for row in read_lines(data / "chunking" / "corpora.dev.jsonl.gz"):
        yield Text(f"{row['corpus_id']}.md", "meeting" if row["corpus_id"] == "chatlogs" else "wiki", row["text"])


def _turn(row: dict[str, str]) -> str:
    """What somebody says in a meeting."""
    return f"{row['speaker']}: " + re.sub(r" ([.,?!'])", r"\1", row["content"])


def natural_questions(data: Path) -> Iterator[tuple[dict[str, Any], list[int]]]:
    """The questions of lost-in-the-middle's part, by `line`, with the lines of their distractors."""
    near = {row["line"]: row["distractors"] for row in read_lines(data / "litm" / "nq_open_distractors.dev.jsonl.gz")}
    for row in read_lines(data / "litm" / "nq_open_oracle.dev.jsonl.gz"):
        yield row, near[row["line"]]


def lara_questions(data: Path) -> Iterator[tuple[str, str, str, str]]:
    """Questions on the trained half: document, its text, the question, the answer or nothing."""
    for sample in Lara(data / "lara", only=("location", "hallu")).read():
        ((name, text),) = sample.documents.items()
        if not kept_out(name):
            yield name, text, sample.question, sample.golds[0].strip().rstrip(".") if sample.golds else ""


def references(data: Path) -> Iterator[tuple[str, str, str, list[dict[str, Any]]]]:
    """Questions with the sentences that answer them: corpus, its text, the question, the ranges."""
    texts = {row["corpus_id"]: row["text"] for row in read_lines(data / "chunking" / "corpora.dev.jsonl.gz")}
    for row in read_lines(data / "chunking" / "questions.dev.jsonl.gz"):
        found = json.loads(row["references"]) if isinstance(row["references"], str) else row["references"]
        yield row["corpus_id"], texts[row["corpus_id"]], row["question"], found


def _lara(data: Path) -> Iterator[dict[str, str]]:
    for name in _LARA:
        yield from read_lines(data / "lara" / f"{name}.dev.jsonl.gz")


def _whole(file: Path) -> Any:
    return json.loads(gzip.decompress(file.read_bytes()))
