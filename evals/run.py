"""The runner: every arm answers every sample once.

A run is a folder: `run.json` says what was run on what, `records.jsonl` has one line per arm and sample, written when
it is done. The same call continues a run that was killed at any moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from hybrid.evals.arms.arm import Arm
from hybrid.evals.content import difference, place, refusal
from hybrid.evals.folder import CHANGED, FAILED, RunInfo, begin, locked, make_folder, set_aside
from hybrid.evals.log import Log
from hybrid.evals.record import RECORDS, whole_lines
from hybrid.evals.sample import Count, Sample, Task, checked
from hybrid.evals.shards import WHOLE, Division, Shard
from hybrid.evals.suite import Cell, Limits, Suite
from hybrid.evals.workers import Check, Step, Workers

_GATHERED = 256  # samples that are put in the order of their documents
_GATHERED_TEXT = 32_000_000  # characters of distinct documents among them
_BYTES_PER_TOKEN = 4  # where no arm tells its tokenizer


def run(
    suite: Suite,
    arms: Sequence[Arm],
    tasks: Mapping[str, Task],
    folder: Path,
    step: Step | None = None,
    *,
    again: bool = False,
    changed: bool = False,
    check: Check | None = None,
    versions: Mapping[str, str] | None = None,
    shard: Shard = WHOLE,
    limits: Limits | None = None,
) -> RunInfo:
    """Answer all samples of a suite with all arms, or continue such a run.

    Args:
        arms: those of the suite, in its order.
        tasks: by title, those of the suite.
        folder: of the run; made if it does not exist.
        step: receives arm, done and total.
        again: ask once more for samples that failed before.
        changed: continue although samples have changed; the records of those are set aside, and they are asked again.
        check: called where a sample failed; what it raises ends the run, and that sample is asked for again.
        versions: of the servers that answer.
        shard: the part of the samples to answer.
        limits: None for the shard's part of the suite's.

    Raises:
        InputError: the folder holds another run or one of other samples, another process writes it, or it cannot be
            written.
        RunFailed: too many samples fail, the disk is full, or the time is up.
    """
    make_folder(folder)
    count = counter(arms)
    with locked(folder):
        info = begin(folder, suite, arms, versions or {}, shard.name)
        _bind(folder, suite, tasks, count, step, changed=changed)
        info.save(folder)
        if again:
            set_aside(folder, lambda record: record["status"] == "failed", FAILED)
        with Log(folder / RECORDS) as log:
            for arm in arms:
                planned = suite.planned(arm.name)
                expected = {cell: info.sizes.get(cell.key, -(-cell.n // shard.of)) for cell in planned}
                allowed = limits or shard.limits(suite.limits)
                with Workers(arm, log, allowed, sum(expected.values()), step, check) as workers:
                    for cell in planned:
                        part = Division(shard, tasks[cell.task].metric)
                        _ask(cell, tasks[cell.task], count, workers, part)
                        if info.sizes.get(cell.key) != part.own:
                            workers.total += part.own - expected[cell]
                            _note(info, cell, part, shard)
                            info.save(folder)
                arm.close()
    return info


def _ask(cell: Cell, task: Task, count: Count, workers: Workers, part: Division) -> None:
    """Hand the shard's samples of a cell to the workers."""
    samples = checked(cell.task, task.samples(count, cell.n, cell.seed, cell.length))
    for at, sample, content in part.of(by_document(samples)):
        workers.take(cell, task, sample, at, content)


def _note(info: RunInfo, cell: Cell, part: Division, shard: Shard) -> None:
    """Note how many samples a cell had, and for a shard what all of them were."""
    info.sizes[cell.key] = part.own
    if shard.of > 1:
        info.drawn[cell.key] = part.drawn


def by_document(samples: Iterable[Sample]) -> Iterator[Sample]:
    """The samples, those that share documents next to each other: one prefill then serves them all.

    Only a few hundred are looked at together, so that a million need no more memory than these.
    """
    gathered: dict[int, list[Sample]] = {}
    size = number = 0
    for sample in samples:
        if id(sample.documents) not in gathered:
            size += sum(map(len, sample.documents.values()))
        gathered.setdefault(id(sample.documents), []).append(sample)
        number += 1
        if number >= _GATHERED or size >= _GATHERED_TEXT:
            for group in gathered.values():
                yield from group
            gathered, size, number = {}, 0, 0
    for group in gathered.values():
        yield from group


def _bind(
    folder: Path, suite: Suite, tasks: Mapping[str, Task], count: Count, step: Step | None, *, changed: bool
) -> None:
    """Refuse records of samples that have changed, or set them aside if `changed` allows it."""
    file = folder / RECORDS
    if not file.exists():
        return
    cells = dict.fromkeys(cell for arm in suite.arms for cell in suite.planned(arm.name))
    say = (lambda *_: None) if step is None else partial(step, "checking samples")
    found = difference((record for _, record in whole_lines(file)), cells, tasks, count, say)
    if not found.all:
        return
    if not changed:
        raise refusal(found, str(folder))
    set_aside(folder, lambda record: place(record) in found.all, CHANGED)


def counter(arms: Sequence[Arm]) -> Count:
    """The tokenizer of the first arm that has one: all arms get the same samples."""
    return next((arm.count for arm in arms if arm.count is not None), estimated)


def estimated(texts: Sequence[str]) -> list[int]:
    """Tokens of texts, by their length."""
    return [-(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN) for text in texts]
