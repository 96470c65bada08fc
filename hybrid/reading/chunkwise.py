"""Texts longer than any window: every part is read, and the parts' findings on the question are put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import abstains
from hybrid.engines.abort import ABORT
from hybrid.engines.base import Completion, Engine
from hybrid.index.protocol import Progress
from hybrid.reading.window import parts, room, sizes
from hybrid.types import Piece, Usage

_ROUNDS = 4  # of collecting findings; after them the least relevant findings are left out
_LEAST = 3  # characters of a line that says something
_VERBATIM, _RETOLD = 1.0, 0.5  # scores of a model's findings: word for word, and in its own words


@dataclass(frozen=True, slots=True)
class Chunkwise:
    """Collects findings on a question from all parts of texts.

    Args:
        max_tokens: of one reply.
        call: asks the engine, from as many threads as it takes at once.
        stage: times a named stage.
        progress: receives stage, done and total of a round.
    """

    engine: Engine
    question: str
    max_tokens: int
    call: Callable[[Prompt], Completion]
    stage: Callable[[str], AbstractContextManager[None]]
    progress: Progress | None = None

    def findings(self, sources: Sequence[Piece]) -> tuple[list[Piece], Usage]:
        """The findings, each at its place, and the usage of all calls.

        Findings that together exceed the window are read in turn, and findings are collected from them.
        """
        usage = Usage()
        found: list[Piece] = []
        for _ in range(_ROUNDS):
            with self.stage("assemble"):
                groups = self._groups(sources)
            with self.stage("ask"):
                found, spent = self._collect(groups)
            usage += spent
            if len(groups) <= 1 or not found:
                break
            if sum(sizes(self.engine, found)) <= room(self.engine, self.question, self.max_tokens):
                break
            sources = found
        return found, usage

    def _groups(self, sources: Sequence[Piece]) -> list[tuple[Piece, ...]]:
        """The sources in groups that fit a prompt: long texts are cut, short ones put together, the order is kept."""
        budget = room(self.engine, self.question, self.max_tokens)
        cut = [part for piece in sources for part in parts(self.engine, self.question, piece, self.max_tokens)]
        groups: list[list[Piece]] = [[]]
        used = 0
        for part, size in zip(cut, sizes(self.engine, cut), strict=True):
            if groups[-1] and used + size > budget:
                groups.append([])
                used = 0
            groups[-1].append(part)
            used += size
        return [tuple(group) for group in groups if group]

    def _collect(self, groups: Sequence[tuple[Piece, ...]]) -> tuple[list[Piece], Usage]:
        def read(group: tuple[Piece, ...]) -> tuple[list[Piece], Usage]:
            completion = self.call(Prompt(self.question, group, task="collect"))
            return ([] if completion.abstained else _placed(completion, group)), completion.usage

        findings: list[Piece] = []
        usage = Usage()
        workers = max(1, min(self.engine.concurrency, len(groups)))
        with ThreadPoolExecutor(workers, initializer=ABORT.set, initargs=(ABORT.get(),)) as pool:
            for done, (found, spent) in enumerate(pool.map(read, groups), 1):
                findings += found
                usage += spent
                if self.progress is not None:
                    self.progress("reading parts", done, len(groups))
        return findings, usage


def _placed(completion: Completion, group: Sequence[Piece]) -> list[Piece]:
    """A reply to the task `collect` as pieces: quotations where they stand, a model's own words at the first part."""
    found: list[Piece] = []

    def add(part: Piece, at: int, text: str, score: float) -> None:
        found.append(Piece(part.document, text, part.start + at, part.heading, None, None, score))

    for quote in completion.quotes:
        part = group[quote.piece]
        add(part, quote.start, part.text[quote.start : quote.end], quote.score)
    for line in () if completion.quotes else completion.text.splitlines():
        text = line.strip(" \t-*\u2022\"'\u201c\u201d")
        if len(text) >= _LEAST and not abstains(text):
            holding = next((part for part in group if text in part.text), None)
            if holding is not None:
                add(holding, holding.text.find(text), text, _VERBATIM)
            else:
                add(group[0], 0, text, _RETOLD)
    return found
