"""Texts longer than any window: every part is read, and what the parts hold on the question is put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import abstains
from hybrid.engines.base import Completion, Engine
from hybrid.index.protocol import Progress
from hybrid.reading.window import parts, room, sizes
from hybrid.types import Piece, Usage

_ROUNDS = 4  # of collecting findings, after which the least relevant are left out
_LEAST = 3  # characters of a line that says something
_VERBATIM, _RETOLD = 1.0, 0.5  # scores of what a model found: what is not word for word ranks behind what is


@dataclass(frozen=True, slots=True)
class Chunkwise:
    """Collects findings from all parts of texts.

    Args:
        max_tokens: of one reply.
        call: asks the engine; as many calls at once as it takes.
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
        """What the texts hold on the question, each finding at its place, and what reading took.

        Findings that are together longer than the window are collected from once more.
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
        """All text of the sources in prompts that fit: long texts cut, short ones put together, order kept."""
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
        """What each group of parts holds on the question, and what reading them took."""

        def read(group: tuple[Piece, ...]) -> tuple[list[Piece], Usage]:
            completion = self.call(Prompt(self.question, group, task="collect"))
            return ([] if completion.abstained else _placed(completion, group)), completion.usage

        findings: list[Piece] = []
        usage = Usage()
        with ThreadPoolExecutor(max(1, min(self.engine.concurrency, len(groups)))) as pool:
            for done, (found, spent) in enumerate(pool.map(read, groups), 1):
                findings += found
                usage += spent
                if self.progress is not None:
                    self.progress("reading parts", done, len(groups))
        return findings, usage


def _placed(completion: Completion, group: Sequence[Piece]) -> list[Piece]:
    """A reply to the task `collect` as pieces: quotations where they stand, other lines of a model at their part."""
    if completion.quotes:
        found = []
        for quote in completion.quotes:
            part = group[quote.piece]
            text = part.text[quote.start : quote.end]
            found.append(Piece(part.document, text, part.start + quote.start, part.heading, None, None, quote.score))
        return found
    found = []
    for line in completion.text.splitlines():
        text = line.strip(" \t-*\u2022\"'\u201c\u201d")
        if len(text) < _LEAST or abstains(text):
            continue
        for part in group:
            at = part.text.find(text)
            if at >= 0:
                found.append(Piece(part.document, text, part.start + at, part.heading, None, None, _VERBATIM))
                break
        else:  # not verbatim: kept at its part's beginning
            found.append(Piece(group[0].document, text, group[0].start, group[0].heading, None, None, _RETOLD))
    return found
