"""The shards of a run as Ray tasks, and their merge at the end.

A worker that is killed is started anew by Ray, and continues the shard from its folder. The folder of the run lies
where every machine of the cluster reads and writes it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hybrid.evals.folder import RunFailed
from hybrid.evals.merge import check_free, merge
from hybrid.evals.record import RECORDS
from hybrid.evals.run import run
from hybrid.evals.shards import Shard
from hybrid.evals.suite import Limits, Suite, make_task

from hybrid.errors import InputError, MissingDependency, SettingsError, UserError
from hybrid.index.connection import address_of, connected
from hybrid.settings.loading import PREFIX

SHARDS = "shards"  # folder of them in that of the run
STARTS = 3  # times that a shard is started anew where its worker is killed
LOOK = 0.5  # seconds between two looks at the records
Step = Callable[[str, int, int], None]


@contextmanager
def cluster(address: str | None) -> Iterator[Any]:
    """Ray, connected to a cluster, or to one that is started here and stopped at the end.

    Args:
        address: host:port of the cluster's head; None: RAY_ADDRESS, else this machine's cores.

    Raises:
        MissingDependency: Ray is not installed.
        InputError: no cluster answers there.
    """
    passed = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    ray = connected(address_of(address or ""), None, "Running shards on Ray", passed)
    try:
        yield ray
    finally:
        ray.shutdown()


def run_shards(
    suite: Suite,
    folder: Path,
    shards: int | None,
    *,
    address: str | None = None,
    config: str | None = None,
    settings: Mapping[str, Mapping[str, Any]],
    data: Path | None = None,
    step: Step | None = None,
    again: bool = False,
    changed: bool = False,
) -> list[str]:
    """Run a suite as shards on a cluster, or continue that, and merge them into the folder; returns notes.

    The first shard that stops early stops all. The minutes of the suite's limits are those of the whole.

    Args:
        shards: None for those of the folder, else one for each CPU of the cluster.
        config: the settings file, where the workers find it.
        settings: of the command line.

    Raises:
        InputError: there is no such cluster, or the folder holds another run.
        RunFailed: a shard stopped early; all that was answered is kept.
    """
    check_free(folder)
    with cluster(address) as ray:
        number = _number(folder, shards, int(ray.cluster_resources().get("CPU", 1)))
        job = {
            "suite": suite.model_dump(mode="json"),
            "config": None if config is None else str(Path(config).resolve()),
            "settings": settings,
            "data": None if data is None else str(data.resolve()),
            "again": again,
            "changed": changed,
            "here": str(Path.cwd()),
            "until": None if suite.limits.minutes is None else time.time() + 60 * suite.limits.minutes,
        }
        parts = [Shard(n, number) for n in range(1, number + 1)]
        folders = [(folder / SHARDS / f"{part.number}-of-{part.of}").resolve() for part in parts]
        task = ray.remote(max_retries=STARTS, num_cpus=1)(work)
        going = {task.remote(job, part.number, part.of, str(at)): at for part, at in zip(parts, folders, strict=True)}
        _await(ray, going, suite, folders, step)
        return merge(folder, folders)[1]


def work(job: Mapping[str, Any], number: int, of: int, folder: str) -> tuple[bool, str] | None:
    """One shard, on a worker: None where it is done, else whether its input is at fault, and the sentence."""
    try:
        _work(job, Shard(number, of), Path(folder))
    except UserError as error:
        return isinstance(error, InputError | SettingsError | MissingDependency), str(error)
    return None


def _work(job: Mapping[str, Any], shard: Shard, folder: Path) -> None:
    from hybrid.evals.arms.make import make_arms

    with suppress(OSError):
        os.chdir(job["here"])
    suite = Suite.model_validate(job["suite"])
    data = None if job["data"] is None else Path(job["data"])
    tasks = {spec.title: make_task(spec, data) for spec in suite.tasks}
    arms = make_arms(suite, job["config"], job["settings"])
    limits = _left(shard.limits(suite.limits), job["until"])
    run(suite, arms, tasks, folder, again=job["again"], changed=job["changed"], shard=shard, limits=limits)


def _left(limits: Limits, until: float | None) -> Limits:
    """The limits with the minutes that are left of the whole run."""
    if until is None:
        return limits
    return limits.model_copy(update={"minutes": max((until - time.time()) / 60, 1e-3)})


def _number(folder: Path, wanted: int | None, cpus: int) -> int:
    """The number of shards: as the run was begun, where it was.

    Raises:
        InputError: another number than that is wanted.
    """
    named = [re.fullmatch(r"\d+-of-(\d+)", at.name) for at in (folder / SHARDS).glob("*-of-*")]
    begun = max((int(name[1]) for name in named if name), default=0)
    if not begun:
        return wanted or max(1, cpus)
    if wanted not in (None, begun):
        raise InputError(
            f"The run at {folder} was begun with {begun} shards and not {wanted}: leave --shards out, or name another "
            "folder with --output."
        )
    return begun


def _await(ray: Any, going: dict[Any, Path], suite: Suite, folders: list[Path], step: Step | None) -> None:
    """Wait for all shards; the first that fails ends the others, whose records stay.

    Raises:
        UserError: what ended that shard.
    """
    total = sum(cell.n for arm in suite.arms for cell in suite.planned(arm.name))
    counted = dict.fromkeys(folders, (0, 0))
    while going:
        done, _ = ray.wait(list(going), timeout=LOOK)
        if step is not None:
            counted = {at: _count(at / RECORDS, *known) for at, known in counted.items()}
            step("shards", sum(lines for lines, _ in counted.values()), total)
        for one in done:
            at = going.pop(one)
            if failed := _ended(ray, one, at):
                for other in going:
                    ray.cancel(other, force=True)
                raise failed


def _ended(ray: Any, task: Any, folder: Path) -> UserError | None:
    """Why a shard has ended early, as the user reads it; None where it is done."""
    try:
        told = ray.get(task)
    except ray.exceptions.WorkerCrashedError:
        return RunFailed(
            f"The worker of the shard at {folder} was killed {STARTS + 1} times, as the system does when memory runs "
            "out; its records are kept, and the same command continues it."
        )
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error
        return RunFailed(f"The shard at {folder} failed ({type(cause).__name__}: {str(cause).splitlines()[0]}).")
    if told is None:
        return None
    bad_input, why = told
    return InputError(why) if bad_input else RunFailed(why)


def _count(file: Path, lines: int, read: int) -> tuple[int, int]:
    """Records in a file and bytes read, after what was counted before."""
    try:
        with file.open("rb") as records:
            records.seek(read)
            for line in records:
                if line.endswith(b"\n"):
                    lines, read = lines + 1, read + len(line)
    except FileNotFoundError:
        pass
    return lines, read
