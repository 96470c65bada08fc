"""A language model as judge of the replies of a run, through any engine that generates.

A judge is only worth as much as its agreement with a sample that people labelled: it stands beside every score that
the judge gives. LaRA (arXiv 2502.09977) judges in the same two ways: against an answer, and, where none exists, by
whether the reply says so. The wording here is our own.

`judged.jsonl` has one line per reply, written as it is judged, so that judging continues where it stopped.
Labels of people are JSON Lines with `arm`, `task`, `id` and `label` (true or false), and `length` and `seed` where a
task has several; without them nothing says what the judge is worth, and the report of it says so.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from hybrid.evals.folder import RunFailed
from hybrid.evals.record import Key, M, Record, records
from hybrid.evals.report.data import Score
from hybrid.evals.statistics import ENOUGH, SCORE, estimate
from pydantic import BaseModel, ConfigDict, PlainSerializer, ValidationError

from hybrid.chat.prompts import Prompt
from hybrid.cost.price import price
from hybrid.engines.base import Engine
from hybrid.errors import InputError, WindowError
from hybrid.files import read_lines
from hybrid.settings import CostSettings, Settings
from hybrid.types import Cost, Piece, Usage

Array = np.ndarray[Any, np.dtype[np.float64]]
DRAWS = 2000
_MAX_TOKENS = 64
_QUOTES = "{name} answers by quoting and cannot judge; name an engine with a language model."
_ANSWERED = (
    "Somebody was asked: {question}\nThe text named 'reply' is what was said, 'right answers' lists what is accepted, "
    "one per line. Does the reply, taken as a whole, give one of the right answers? Other words for it are "
    "fine, and so is more detail that does not contradict it; a different fact, a hedge between several, or no answer "
    "is not. Begin with one word: YES or NO."
)
_UNANSWERABLE = (
    "Somebody was asked: {question}\nNothing they could read answers this. The text named 'reply' is what was said. "
    "Does the reply say that the answer is not given there, without offering one all the same? Begin with one word: "
    "YES or NO."
)


class Verdict(NamedTuple):
    """A judge's verdict on one prediction."""

    score: float  # 1 right, 0 wrong
    readable: bool  # False: the judge said neither yes nor no, and the score is 0
    usage: Usage  # of judging, reported beside the score


class Agreement(NamedTuple):
    """A judge against labels of people, or against another score."""

    n: int
    accuracy: float  # share of equal verdicts
    kappa: float | None  # Cohen's: agreement beyond chance, 1 at most; None where either side says only one thing
    low: float | None  # 95 % interval of kappa, whole documents drawn
    high: float | None

    @property
    def established(self) -> bool:
        """Whether they agree more than chance would have it: the interval of kappa lies above 0."""
        return self.n >= ENOUGH and self.low is not None and self.low > 0

    @property
    def words(self) -> str:
        """Kappa with its interval."""
        if self.kappa is None or self.low is None or self.high is None:
            return "is not defined, as one side says only one thing"
        return f"{self.kappa:.2f} [{self.low:.2f}, {self.high:.2f}]"


def judge(engine: Engine, question: str, golds: Sequence[str], prediction: str) -> Verdict:
    """Whether a prediction says what a gold says, or, without golds, that there is no answer.

    Args:
        engine: a model that generates; a stronger one than the model under test, and not the same one.

    Raises:
        InputError: the engine quotes instead of generating.
        EngineError: the engine failed; WindowError, the reply is longer than it can read.
    """
    pieces = [Piece("reply", prediction.strip() or "(empty)", 0)]
    if golds:
        pieces.insert(0, Piece("right answers", "\n".join(golds), 0))
    wording = _ANSWERED if golds else _UNANSWERABLE
    return verdict(engine, Prompt(wording.format(question=question.strip()), tuple(pieces)))


def judging(settings: Settings) -> Engine:
    """The engine of the settings, to judge.

    Raises:
        InputError: it quotes instead of generating.
    """
    from hybrid.engines.make import make_engine
    from hybrid.index.embedding import Embedder

    if settings.engine.kind == "extractive":
        raise InputError(_QUOTES.format(name="The engine 'extractive'"))
    return make_engine(settings.engine, Embedder(settings.embedder))


def verdict(engine: Engine, prompt: Prompt) -> Verdict:
    """The yes or no with which a model answers a prompt.

    Raises:
        InputError, EngineError: as in `judge`.
    """
    completion = engine.ask(prompt, max_tokens=_MAX_TOKENS)
    if completion.quotes:
        raise InputError(_QUOTES.format(name=engine.name))
    said = re.search(r"\b(yes|no)\b", completion.text, re.IGNORECASE)
    return Verdict(float(said is not None and said[1].lower() == "yes"), said is not None, completion.usage)


def agreement(
    verdicts: Sequence[float], labels: Sequence[float], groups: Sequence[Hashable] | None = None
) -> Agreement:
    """How often a judge and people agree, and by how much more than chance (Cohen 1960).

    Args:
        verdicts: scores of the judge; from 0.5 on they count as right.
        labels: the same of people, in the same order.
        groups: the document of each; the interval draws whole documents. None, or one document: single samples.

    Raises:
        InputError: none, or not as many of one as of the other.
    """
    if not verdicts or len(verdicts) != len(labels):
        raise InputError(
            f"Agreement needs one label for each verdict and at least one; there are {len(verdicts)} verdicts and "
            f"{len(labels)} labels."
        )
    ours, theirs = np.asarray(verdicts) >= 0.5, np.asarray(labels) >= 0.5
    kinds = np.stack([ours & theirs, ours & ~theirs, ~ours & theirs, ~ours & ~theirs], axis=1).astype(float)
    names = groups if groups is not None and len(set(groups)) > 1 else range(len(verdicts))
    places = {name: i for i, name in enumerate(dict.fromkeys(names))}
    tables = np.zeros((len(places), 4))
    np.add.at(tables, [places[name] for name in names], kinds)
    (kappa,) = _kappas(tables.sum(0, keepdims=True))
    drawn = np.random.default_rng(0).multinomial(len(places), [1 / len(places)] * len(places), DRAWS)
    same = float(np.mean(ours == theirs))
    if np.isnan(kappa):
        return Agreement(len(verdicts), same, None, None, None)
    again = np.nan_to_num(_kappas(drawn @ tables))  # a draw with one kind of verdict shows no agreement beyond chance
    low, high = np.percentile(again, [2.5, 97.5]).tolist()
    return Agreement(len(verdicts), same, float(kappa), low, high)


def _kappas(tables: Array) -> Array:
    """Cohen's kappa of tables of both right, only the one, only the other, both wrong; NaN where it is not defined."""
    n = tables.sum(1)
    p, q = (tables[:, 0] + tables[:, 1]) / n, (tables[:, 0] + tables[:, 2]) / n
    chance = p * q + (1 - p) * (1 - q)
    fixed = (p * (1 - p) == 0) | (q * (1 - q) == 0)
    kappa: Array = np.divide(
        (tables[:, 0] + tables[:, 3]) / n - chance, 1 - chance, out=np.full(len(tables), np.nan), where=~fixed
    )
    return kappa


FILE = "judged.jsonl"


class Judged(BaseModel):
    """A verdict on one reply."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arm: str
    task: str
    length: int | None
    seed: int
    id: str
    judge: str  # the engine
    score: float  # 1 right, 0 wrong
    readable: bool
    usage: Usage

    @property
    def key(self) -> Key:
        """That of the record."""
        return self.arm, self.task, self.length, self.seed, self.id


Same = Annotated[Agreement, PlainSerializer(lambda found: found._asdict(), return_type=dict[str, float | int | None])]


class Row(BaseModel):
    """The judge on the replies of one arm to one task."""

    task: str
    arm: str
    n: int
    judge: Score | None  # None: the labels show that this judge is no better than chance
    metric: Score  # of the run, on the same replies
    unreadable: int  # verdicts that were neither yes nor no, and count as wrong
    with_metric: Same  # the metric counts as right from 0.5 on
    with_labels: Same | None


class Verdicts(BaseModel):
    """The result of judging a run."""

    judge: str
    rows: list[Row]
    labels: Same | None  # all labelled replies together
    too_long: int  # replies that do not fit the judge's window, and are in nothing here
    usage: Usage
    cost: Cost  # of all verdicts
    notes: list[str]


def judge_run(
    folder: Path,
    engine: Engine,
    labels: Path | None = None,
    step: Callable[[int, int], None] | None = None,
    prices: CostSettings | None = None,
) -> Verdicts:
    """Judge all answered replies of a run that this judge has not judged yet, and compare.

    Args:
        engine: a model that generates; not one of those under test.
        labels: of people, see above.
        step: receives done and total.
        prices: of the judge's tokens or seconds; None takes the default settings.

    Raises:
        InputError: there is no run or no reply in it, the labels cannot be read, or the engine cannot judge.
        EngineError: the engine failed; what was judged is kept.
        RunFailed: a verdict cannot be written; what was written is kept.
    """
    answered = [record for record in records(folder) if record.status == "answered"]
    if not answered:
        raise InputError(f"The run at {folder} has no reply that could be judged: see its report for why.")
    told = _labels(labels, answered) if labels is not None else {}
    done = {one.key: one for one in read(folder) if one.judge == engine.name}
    waiting = [record for record in answered if record.key not in done]
    with ThreadPoolExecutor(engine.concurrency) as pool:
        futures = [pool.submit(_judged, engine, record) for record in waiting]
        try:
            for number, future in enumerate(futures, 1):
                one = future.result()
                if one is not None:
                    keep(folder / FILE, one)
                    done[one.key] = one
                if step is not None:
                    step(number, len(waiting))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    spent = sum((one.usage for one in done.values()), Usage())
    cost = price(prices or CostSettings(), spent, on_gpu=engine.on_gpu, local=getattr(engine, "local", False))
    return _compared(engine.name, answered, done, told, spent, cost)


def read(folder: Path) -> list[Judged]:
    """The verdicts of a run; a torn last line is passed over.

    Raises:
        InputError: a line is no verdict.
    """
    return kept(folder / FILE, Judged)


def kept(file: Path, model: type[M]) -> list[M]:
    """The verdicts in a file; a torn last line is cut off.

    Raises:
        InputError: a line is no verdict.
    """
    if not file.exists():
        return []
    lines = file.read_bytes().split(b"\n")
    if lines[-1]:  # cut off there, or the next verdict would be written behind half a line
        os.truncate(file, sum(len(line) + 1 for line in lines[:-1]))
    found = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            found.append(model.model_validate_json(line))
        except ValidationError:
            raise InputError(
                f"Line {number} of {file} is no verdict; delete that line, and what it is of is judged again."
            ) from None
    return found


def keep(file: Path, one: BaseModel) -> None:
    """Write a verdict behind the others; what a full disk leaves of it is cut off when the file is read again."""
    try:
        with file.open("a", encoding="utf-8") as out:
            out.write(one.model_dump_json() + "\n")
    except OSError as error:
        raise RunFailed(
            f"A verdict could not be written to {file} ({error.strerror or error}). Make room and run the same command "
            "again to continue."
        ) from None


def _judged(engine: Engine, record: Record) -> Judged | None:
    """The verdict on a reply; None where it does not fit the judge's window."""
    try:
        found = judge(engine, record.asked, record.right, record.text)
    except WindowError:
        return None
    known = record.model_dump(include={"arm", "task", "length", "seed", "id"})
    return Judged(judge=engine.name, **known, **found._asdict())


def _compared(
    name: str,
    answered: list[Record],
    done: Mapping[Key, Judged],
    told: Mapping[Key, bool],
    spent: Usage,
    cost: Cost,
) -> Verdicts:
    judged = [record for record in answered if record.key in done]
    labels = _with_labels(judged, done, told)
    worthless = labels is not None and not labels.established
    cells: dict[tuple[str, str], list[Record]] = {}
    for record in judged:
        cells.setdefault((record.task, record.arm), []).append(record)
    rows = []
    for (task, arm), own in cells.items():
        verdicts, groups = [done[record.key].score for record in own], [record.group for record in own]
        scores = [record.score or 0.0 for record in own]
        rows.append(
            Row(
                task=task,
                arm=arm,
                n=len(own),
                judge=None if worthless else estimate(verdicts, groups, SCORE),
                metric=estimate(scores, groups, SCORE),
                unreadable=sum(not done[record.key].readable for record in own),
                with_metric=agreement(verdicts, scores, groups),
                with_labels=_with_labels(own, done, told),
            )
        )
    too_long = len(answered) - len(judged)
    notes = []
    if labels is None:
        notes.append("No labels by people were given (--labels): what this judge is worth is not known.")
    elif worthless:
        notes.append(
            f"This judge is not shown to agree with people more than chance would (kappa {labels.words}; {labels.n:,} "
            "labels). Its scores say nothing and are left out: take another judge, or label more replies."
        )
    if unreadable := sum(row.unreadable for row in rows):
        share = unreadable / len(judged)
        notes.append(
            f"{unreadable:,} of {len(judged):,} verdicts ({share:.0%}) were neither yes nor no, and count as wrong."
        )
    if too_long:
        notes.append(f"{too_long:,} replies are longer than the judge can read, and are left out.")
    return Verdicts(judge=name, rows=rows, labels=labels, too_long=too_long, usage=spent, cost=cost, notes=notes)


def _with_labels(own: Iterable[Record], done: Mapping[Key, Judged], told: Mapping[Key, bool]) -> Agreement | None:
    both = [record for record in own if record.key in told]
    if not both:
        return None
    verdicts, labels = [done[record.key].score for record in both], [float(told[record.key]) for record in both]
    return agreement(verdicts, labels, [record.group for record in both])


def _labels(file: Path, answered: list[Record]) -> dict[Key, bool]:
    """Labels by the key of the record they are of."""
    found: dict[Key, bool] = {}
    for number, line in enumerate(read_lines(file), 1):
        if not isinstance(line, dict):
            raise InputError(f"Line {number} of {file} is no object with arm, task, id and label.")
        wanted = {name: line[name] for name in ("arm", "task", "length", "seed", "id") if name in line}
        own = [record for record in answered if all(getattr(record, name) == value for name, value in wanted.items())]
        if not isinstance(line.get("label"), bool):
            raise InputError(
                f"Line {number} of {file}: label has to be true or false, and is {json.dumps(line.get('label'))}."
            )
        if len(own) != 1:
            raise InputError(
                f"Line {number} of {file} is of {len(own)} replies of the run: name arm, task and id, and length and "
                "seed where the task has several."
            )
        found[own[0].key] = line["label"]
    return found
