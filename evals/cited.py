"""The citations of a run's answers: containment, and what a model says of the same statements and quotations.

The model is a cross-encoder trained on natural language inference, or a language model that is asked as a judge. Its
verdicts are kept in `entailed.jsonl`, one line a statement with some of its citations, so that judging goes on where it
stopped. See `hybrid.evals.metrics.citations` for the measures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from hybrid.evals.judge import Verdict, keep, kept, verdict
from hybrid.evals.metrics.citations import Cited, Statement, score, sources, statements, wanted
from hybrid.evals.metrics.containment import Source, contained
from hybrid.evals.record import Record, records
from hybrid.evals.report.data import Score
from hybrid.evals.statistics import SCORE, estimate
from pydantic import BaseModel, ConfigDict

from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Engine
from hybrid.errors import InputError, SettingsError, WindowError
from hybrid.reading.reranker import cross_encoder
from hybrid.types import Piece, Usage

FILE = "entailed.jsonl"
_BATCH = 64  # verdicts that are kept together
_ASKED = (
    "Somebody stated: {statement}\nThe text named 'cited' is the only proof given. Does it say all of that by itself? "
    "Other words for it are fine; a different number or name, or a part that the text does not say, is not. Begin with "
    "one word: YES or NO."
)

Pair = tuple[str, tuple[Source, ...]]  # a statement, and what may support it


class Judge(Protocol):
    """Says whether texts support a statement."""

    @property
    def name(self) -> str:
        """How results call it."""

    def __call__(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """A verdict on each pair."""


class Inference:
    """A cross-encoder trained on natural language inference: it supports what it says is entailed.

    Args:
        name: a folder or a hub name, of a model of sentence-transformers.
        device: auto, cpu, cuda, cuda:1, mps.

    Raises:
        SettingsError: there is no such model, or none of its labels is entailment.
        MissingDependency: sentence-transformers is not installed.
    """

    def __init__(self, name: str, device: str = "auto") -> None:
        self.name = Path(name).name
        self._model = cross_encoder(name, device, "model of entailment", "set --nli")
        labels = {int(number): str(label).lower() for number, label in self._model.config.id2label.items()}
        self._place = next((n for n, label in labels.items() if label.startswith("entail")), None)
        if self._place is None and len(labels) > 1:
            raise SettingsError(
                f"The model {name} has the labels {', '.join(labels.values())}, and none of them is entailment: name "
                "another with --nli."
            )

    def __call__(self, pairs: Sequence[Pair]) -> list[Verdict]:
        found = np.asarray(
            self._model.predict([(_text(cited), statement) for statement, cited in pairs], show_progress_bar=False)
        )
        entailed = found >= 0.5 if found.ndim == 1 else found.argmax(axis=1) == self._place
        return [Verdict(float(one), True, Usage()) for one in entailed]


class Asked:
    """A language model that is asked, through any engine that generates.

    Raises:
        InputError: the engine quotes instead of generating.
        EngineError: it failed.
    """

    def __init__(self, engine: Engine) -> None:
        self.name = engine.name
        self._engine = engine

    def __call__(self, pairs: Sequence[Pair]) -> list[Verdict]:
        with ThreadPoolExecutor(self._engine.concurrency) as pool:
            return list(pool.map(self._one, pairs))

    def _one(self, pair: Pair) -> Verdict:
        statement, cited = pair
        pieces = (Piece("cited", _text(cited), 0),)
        try:
            return verdict(self._engine, Prompt(_ASKED.format(statement=statement), pieces))
        except WindowError:
            return Verdict(0.0, False, Usage())


def _text(cited: Sequence[Source]) -> str:
    return "\n\n".join(f"{source.title}\n{source.text}".strip() for source in cited)


class Entailed(BaseModel):
    """A verdict on one statement with some of its citations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    pair: str  # digest of both
    score: float  # 1: supported
    readable: bool
    usage: Usage


class CitedRow(BaseModel):
    """The citations of one arm's answers to one task."""

    task: str
    arm: str
    n: int  # answers
    statements: int
    citations: int
    recall: Score  # by containment
    precision: Score
    entailed_recall: Score | None = None  # by the model
    entailed_precision: Score | None = None
    same: float | None = None  # share of statements with citations on whose support both agree


class CitedRun(BaseModel):
    """The citations of a run."""

    judge: str | None
    rows: list[CitedRow]
    usage: Usage  # of judging
    notes: list[str]


class _Answer(NamedTuple):
    group: str
    sources: list[Source]
    statements: list[Statement]

    def pair(self, text: str, places: Iterable[int]) -> Pair:
        return text, tuple(self.sources[i] for i in places)

    def judged(self, supported: Callable[[Pair], bool]) -> Cited:
        return score(self.statements, lambda text, places: supported(self.pair(text, places)))


def cited_run(folder: Path, judge: Judge | None = None, step: Callable[[int, int], None] | None = None) -> CitedRun:
    """Judge the citations of all answers of a run that have them.

    Args:
        judge: beside containment; None: containment alone.
        step: receives done and total of its verdicts.

    Raises:
        InputError: there is no run, or no answer whose citations are known.
        EngineError: the judge failed; what it said until then is kept.
        RunFailed: a verdict cannot be written; what was written is kept.
    """
    cells: dict[tuple[str, str], list[_Answer]] = {}
    left_out = 0
    for record in records(folder):
        answer = _read(record)
        if answer is not None:
            cells.setdefault((record.task, record.arm), []).append(answer)
        elif record.status == "answered" and not record.abstained:
            left_out += 1
    if not cells:
        raise InputError(
            f"No answer in {folder} tells what it cites: its arms cite nothing, or the run is of an earlier version; "
            "make it anew with hybrid eval run."
        )
    told, used = _verdicts(folder, judge, cells.values(), step) if judge is not None else ({}, Usage())
    rows = [_row(*cell, own, told) for cell, own in cells.items()]
    notes = [f"{left_out:,} answers do not tell what they cite, and are left out."] if left_out else []
    if judge is None:
        notes.append("Containment alone: a paraphrase may be supported all the same (--nli or --url name a judge).")
    elif unread := sum(not one.readable for one in told.values()):
        notes.append(f"{unread:,} of {len(told):,} verdicts of {judge.name} were neither yes nor no, and count as no.")
    return CitedRun(judge=judge.name if judge else None, rows=rows, usage=used, notes=notes)


def _read(record: Record) -> _Answer | None:
    """An answer with its citations; None where there is none, or nothing is known of them."""
    if record.status != "answered" or record.abstained or record.citations is None:
        return None
    given = sources(record.citations)
    found = statements(record.marked or record.text, given)
    return _Answer(f"{record.task} {record.group}", given, found) if found else None


def _verdicts(
    folder: Path, judge: Judge, cells: Iterable[Sequence[_Answer]], step: Callable[[int, int], None] | None
) -> tuple[dict[str, Entailed], Usage]:
    """The judge's verdicts on all that may be asked of it, by the digest of the pair."""
    pairs: dict[str, Pair] = {}
    for answer in (answer for own in cells for answer in own):
        for one in answer.statements:
            for places in wanted(one):
                pair = answer.pair(one.text, places)
                pairs[_digest(pair)] = pair
    told = {one.pair: one for one in kept(folder / FILE, Entailed) if one.judge == judge.name and one.pair in pairs}
    waiting = [(key, pair) for key, pair in pairs.items() if key not in told]
    for at in range(0, len(waiting), _BATCH):
        some = waiting[at : at + _BATCH]
        for (key, _), found in zip(some, judge([pair for _, pair in some]), strict=True):
            told[key] = Entailed(judge=judge.name, pair=key, **found._asdict())
            keep(folder / FILE, told[key])
        if step is not None:
            step(at + len(some), len(waiting))
    return told, sum((one.usage for one in told.values()), Usage())


def _digest(pair: Pair) -> str:
    return blake2b(json.dumps(pair).encode(), digest_size=12).hexdigest()


def _row(task: str, arm: str, own: Sequence[_Answer], told: Mapping[str, Entailed]) -> CitedRow:
    groups = [answer.group for answer in own]
    found = [answer.judged(lambda pair: contained(*pair)) for answer in own]
    row = CitedRow(
        task=task,
        arm=arm,
        n=len(own),
        statements=sum(one.statements for one in found),
        citations=sum(one.citations for one in found),
        recall=estimate([one.recall for one in found], groups, SCORE),
        precision=estimate([one.precision for one in found], groups, SCORE),
    )
    if not told:
        return row
    entailed = [answer.judged(lambda pair: told[_digest(pair)].score >= 0.5) for answer in own]
    both = [
        contained(*pair) == (told[_digest(pair)].score >= 0.5)
        for answer in own
        for one in answer.statements
        if one.cited
        for pair in [answer.pair(one.text, one.cited)]
    ]
    return row.model_copy(
        update={
            "entailed_recall": estimate([one.recall for one in entailed], groups, SCORE),
            "entailed_precision": estimate([one.precision for one in entailed], groups, SCORE),
            "same": sum(both) / len(both) if both else None,
        }
    )
