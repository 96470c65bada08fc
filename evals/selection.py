"""The part of a suite to run: the part asked for, and the part that is possible here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hybrid.evals.suite import DATA, Suite, TaskSpec, placed, unknown

from hybrid.errors import InputError


def narrowed(suite: Suite, only: Sequence[str], samples: int | None) -> Suite:
    """A suite with some of its arms, or with another number of samples.

    Raises:
        InputError: it has no such arm.
    """
    names = [arm.name for arm in suite.arms]
    for name in only:
        if name not in names:
            raise InputError(f"The suite {suite.name!r} has no {unknown('arm', name, names)}")
    arms = tuple(arm for arm in suite.arms if not only or arm.name in only)
    kept = tuple(
        task.model_copy(update={"arms": tuple(arm for arm in task.arms if not only or arm in only)})
        for task in suite.tasks
        if not only or not task.arms or set(task.arms) & set(only)
    )
    if not kept:
        raise InputError(f"No task of the suite {suite.name!r} is for the arms {', '.join(only)}.")
    if samples is not None:
        kept = tuple(task.model_copy(update={"n": samples}) for task in kept)
    return suite.model_copy(update={"arms": arms, "tasks": kept})


def possible(suite: Suite, engine: str | None, data: Path | None) -> tuple[Suite, list[str]]:
    """A suite without the parts that are not possible here, and notes on those.

    Args:
        engine: the kind of engine that was asked for instead of the suite's.
        data: the folder that tasks on data read.

    Raises:
        InputError: nothing is left.
    """
    notes = []
    kind = engine or suite.settings.get("engine", {}).get("kind", "extractive")
    raw = [arm.name for arm in suite.arms if arm.kind == "raw"] if kind == "extractive" else []
    if raw:
        notes.append(f"The arm {', '.join(raw)} is left out: it sends prompts as they are, and this engine reads none.")
        suite = narrowed(suite, [arm.name for arm in suite.arms if arm.name not in raw], None)
    waiting = [task.title for task in suite.tasks if data is None and needs_data(task)]
    if waiting:
        notes.append(f"Left out, because they read data sets, whose folder --data names: {', '.join(waiting)}.")
        kept = tuple(task for task in suite.tasks if task.title not in waiting)
        if not kept:
            raise InputError(f"All tasks of the suite {suite.name!r} read data sets: name their folder with --data.")
        suite = suite.model_copy(update={"tasks": kept})
    lacking = [task.title for task in suite.tasks if data is not None and task.optional and not _there(task, data)]
    if lacking:
        notes.append(f"Left out, because {data} does not have their files: {', '.join(lacking)}.")
        suite = suite.model_copy(update={"tasks": tuple(task for task in suite.tasks if task.title not in lacking)})
    return suite, notes


def _there(spec: TaskSpec, data: Path) -> bool:
    """Whether the files and folders that a task names in the folder of data sets are there."""
    named = [value for value in spec.options.values() if isinstance(value, str) and DATA in value]
    return all(Path(placed(value, data)).exists() for value in named)


def needs_data(spec: TaskSpec) -> bool:
    """Whether a task reads data that the user has to name."""
    return any(isinstance(value, str) and DATA in value for value in spec.options.values())
