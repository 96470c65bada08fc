"""Retrieval alone: questions with the characters of the corpus that answer them.

chunking  brandonstarxel/chunking_evaluation (commit d451fc4, MIT): corpora.jsonl and questions.jsonl of one folder
codeqa    the code search set of anthropics/anthropic-cookbook (commit 4b36a1e, MIT): codebase_chunks.json and
          codebase_queries.jsonl of one folder; each given chunk is a document, as published

Judge the ranges with `hybrid.evals.metrics.retrieval`. The metric named here reads text: what of it was handed to a
reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Literal

from hybrid.evals.sample import Count, Sample
from hybrid.evals.tasks.files import fitting, lines, whole
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from hybrid.errors import InputError


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Retrieval:
    """Questions of one folder, with gold ranges."""

    form: Literal["chunking", "codeqa"]
    path: Path

    @property
    def name(self) -> str:
        return self.form

    @property
    def source(self) -> str:
        repository = "chunking_evaluation" if self.form == "chunking" else "anthropic-cookbook"
        return f"{repository} (MIT); {self.path.name}"

    @property
    def metric(self) -> str:
        return "match_all" if self.form == "chunking" else "content_words"

    def samples(self, count: Count, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        """`n` questions drawn with the seed, in the file's order; with a length, only those whose corpus fits it."""
        read = _chunking if self.form == "chunking" else _codeqa
        found = fitting(list(read(self.path)), count, length)
        drawn = sorted(Random(f"{self.form}|{seed}").sample(range(len(found)), min(n, len(found))))
        return (found[place] for place in drawn)


def _chunking(folder: Path) -> Iterator[Sample]:
    texts = {row.text("corpus_id"): row.text("text") for row in lines(_one(folder, "corpora*.jsonl*"))}
    documents = {name: {name: text} for name, text in texts.items()}
    for number, row in enumerate(lines(_one(folder, "questions*.jsonl*")), 1):
        name = row.text("corpus_id")
        if name not in documents:
            raise row.fault("corpus_id", f"is {name!r}, which is not among the corpora: {', '.join(texts)}")
        ranges = []
        for reference in row.objects("references"):
            start, end = reference.number("start_index"), reference.number("end_index")
            if texts[name][start:end] != reference.text("content"):
                raise reference.fault("content", f"is not what stands at {start} to {end} of {name!r}")
            ranges.append((name, start, end))
        golds = tuple(texts[name][start:end] for _, start, end in ranges)
        yield Sample(str(number), row.text("question"), documents[name], golds, name, ranges=tuple(ranges))


def _codeqa(folder: Path) -> Iterator[Sample]:
    chunks = {
        f"{file.text('original_uuid')} {chunk.number('original_index')}": chunk.text("content")
        for file in whole(_one(folder, "codebase_chunks*.json*")).objects("items")
        for chunk in file.objects("chunks")
    }
    for number, row in enumerate(lines(_one(folder, "codebase_queries*.jsonl*")), 1):
        names = [" ".join(map(str, pair)) for pair in row.items("golden_chunk_uuids") if isinstance(pair, list)]
        missing = [name for name in names if name not in chunks]
        if missing or not names:
            raise row.fault("golden_chunk_uuids", f"names chunks that are not there: {', '.join(missing) or 'none'}")
        yield Sample(
            id=str(number),
            question=row.text("query"),
            documents=chunks,
            golds=(row.text("answer"),),
            group=names[0].split()[0],
            ranges=tuple((name, 0, len(chunks[name])) for name in names),
        )


def _one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise InputError(f"{folder} has no file {pattern}.")
    return found[0]
