"""Threads that answer the samples of an arm, and write the records."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hybrid.evals.arms.arm import Arm, Reply, Unsuited
from hybrid.evals.folder import RunFailed
from hybrid.evals.log import Log
from hybrid.evals.metrics import retrieval
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.record import Record
from hybrid.evals.sample import Sample, Task
from hybrid.evals.suite import Cell, Limits

from hybrid.errors import HybridError, InputError, MissingDependency, SettingsError, WindowError
from hybrid.types import Usage

_ROUNDING = 1e-9  # by which a sum of shares may miss 0 or 1
Step = Callable[[str, int, int], None]  # arm, done, total
Check = Callable[[], None]  # raises where no further sample can be answered


class Workers:
    """Threads that answer and record, and stop at the first trouble that is not one sample's own.

    Args:
        total: samples of the arm, as far as they are known.
        step: receives arm, done and total.
        check: called where a sample failed; what it raises ends the run.
    """

    def __init__(
        self, arm: Arm, log: Log, limits: Limits, total: int, step: Step | None = None, check: Check | None = None
    ) -> None:
        self.total, self._done = total, 0
        self._arm, self._log, self._limits, self._step, self._check = arm, log, limits, step, check
        self._pool = ThreadPoolExecutor(arm.concurrency) if arm.concurrency > 1 else None
        self._ahead = threading.BoundedSemaphore(2 * arm.concurrency)  # a queue that never runs dry nor grows
        self._trouble: list[BaseException] = []
        self._until = time.monotonic() + 60 * limits.minutes if limits.minutes is not None else None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=error is not None)
        if error is None:
            self._raise()

    def take(self, cell: Cell, task: Task, sample: Sample, place: int, content: str) -> None:
        """Answer the sample at a place of its cell soon, unless it has been answered before."""
        if self._log.has((self._arm.name, cell.task, cell.length, cell.seed, sample.id)):
            self._more()
            return
        if self._until is not None and time.monotonic() > self._until:
            raise RunFailed(
                f"The {self._limits.minutes:g} minutes of the suite are over with {self._done:,} of "
                f"{self.total:,} samples of the arm {self._arm.name!r} done; run it again to continue."
            )
        if self._pool is None:
            self._work(cell, task, sample, place, content)
            self._raise()
            return
        self._ahead.acquire()
        self._raise()
        self._pool.submit(self._work, cell, task, sample, place, content)

    def _work(self, cell: Cell, task: Task, sample: Sample, place: int, content: str) -> None:
        try:
            if not self._trouble:
                record = _record(self._arm, cell, task, sample, self._check, place=place, content=content)
                self._log.append(record, self._limits)
                self._more()
        except BaseException as error:  # noqa: BLE001  (raised again in the thread that gives out the work)
            self._trouble.append(error)
        finally:
            if self._pool is not None:
                self._ahead.release()

    def _more(self) -> None:
        self._done += 1
        if self._step is not None:
            self._step(self._arm.name, self._done, max(self.total, self._done))

    def _raise(self) -> None:
        if self._trouble:
            raise self._trouble[0]


def _record(
    arm: Arm, cell: Cell, task: Task, sample: Sample, check: Check | None, *, place: int, content: str
) -> Record:
    """A sample answered, or why not; only what would fail every sample is raised."""
    begun = time.perf_counter()

    def told(**found: Any) -> Record:
        return Record(
            arm=arm.name,
            task=cell.task,
            length=cell.length,
            seed=cell.seed,
            id=sample.id,
            group=sample.group,
            question=sample.question,
            golds=sample.golds,
            metric=task.metric,
            about=dict(sample.about),
            history=sample.history,
            place=place,
            content=content,
            seconds=time.perf_counter() - begun,
            **found,
        )

    try:
        reply = arm.answer(sample)
    except (SettingsError, MissingDependency):
        raise
    except (Unsuited, WindowError) as error:
        return told(status="skipped", reason=str(error))
    except Exception as error:  # noqa: BLE001  (an arm may be anything; one sample failed)
        if check is not None:
            check()
        spent = getattr(error, "usage", None)
        usage = spent if isinstance(spent, Usage) else Usage()
        reason = str(error) if isinstance(error, HybridError) else f"{type(error).__name__}: {error}"
        cost = arm.price(usage) if spent is not None else None
        return told(status="failed", reason=reason, usage=usage, cost=cost)
    return told(
        status="answered",
        text=reply.text,
        abstained=reply.abstained,
        score=judge(task.metric, sample, reply),
        route=reply.route,
        rung=reply.rung,
        usage=reply.usage,
        cost=reply.cost,
        decision=None if reply.decision is None else _scored(task.metric, sample, reply.decision),
        timings=dict(reply.timings),
        retrieved=_retrieved(sample, reply),
        marked=reply.marked,
        citations=reply.citations,
        standalone=reply.standalone,
    )


def _retrieved(sample: Sample, reply: Reply) -> dict[str, float]:
    """How well the gold ranges were found; of a question that follows others, whether the answer was, and how."""
    found = retrieval.judge(reply.found, sample.ranges) if reply.found and sample.ranges else {}
    if found and reply.citations is not None:
        cited = [(citation.document, citation.start, citation.end) for citation in reply.citations]
        found["cited"] = retrieval.touched(cited, sample.ranges)
    if sample.history and sample.golds and reply.route is not None:
        for name, ways in (("hit", reply.found), ("hit_as_asked", reply.as_asked)):
            found[name] = retrieval.hit(ways, sample.documents, sample.golds, sample.ranges)
    return found


def _scored(metric: str, sample: Sample, decision: Mapping[str, Any]) -> dict[str, Any]:
    """A decision, with the score of what the other route made of the question where that was explored."""
    other = decision.get("explored")
    if not other or other["failed"]:
        return dict(decision)
    score = judge(metric, sample, Reply(other["text"], other["abstained"], other["route"]))
    return {**decision, "explored": {**other, "score": score}}


def judge(metric: str, sample: Sample, reply: Reply) -> float:
    """The score of a reply. Where no answer exists, only an abstention is right; elsewhere the metric decides.

    The sentence in which hybrid abstains is no prediction: the "no" in its "not" is no answer to a yes-or-no question.

    Raises:
        InputError: a metric of the user's own fails, or gives no score.
    """
    if not sample.golds:
        return float(reply.abstained)
    silent = reply.abstained and reply.route is not None
    measure = METRICS[metric]
    try:
        score = float(measure("" if silent else reply.text, sample.golds))
    except Exception as error:
        raise InputError(f"The metric {metric!r} fails on {sample.id!r}: {type(error).__name__}: {error}.") from error
    if not -_ROUNDING <= score <= 1 + _ROUNDING:
        raise InputError(f"The metric {metric!r} gives {score:g} for {sample.id!r}, and a score is from 0 to 1.")
    return min(1.0, max(0.0, score))
