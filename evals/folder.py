"""The folder of a run: `run.json` says what was run on what and on which machine, beside it lie the records.

Only one process at a time works on it, and only with the suite and the arms that it was begun with.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout
from hybrid.evals.arms.arm import Arm
from hybrid.evals.record import FORMAT, RECORDS, check_format, records, valid, whole_lines
from hybrid.evals.suite import Cell, Suite
from pydantic import BaseModel, ConfigDict, Field

from hybrid import __version__
from hybrid.errors import InputError, UserError

PACKAGES = ("numpy", "torch", "sentence-transformers", "faiss-cpu", "faiss-gpu", "openvino", "vllm", "llama-index-core")


def installed() -> dict[str, str]:
    """Versions that results may depend on."""
    found = {"hybrid": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, Any]:
    """The machine that the harness runs on; a server's is not known here."""
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), processor)
    except OSError:
        pass
    gpus: list[str] = []
    if shutil.which("nvidia-smi"):
        asked = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False)
        gpus = told.stdout.splitlines() if told.returncode == 0 else []
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor,
        "cores": os.cpu_count(),
        "gpus": gpus,
    }


RUN, LOCK = "run.json", "run.lock"
FAILED, CHANGED = "failed.jsonl", "changed.jsonl"  # records that were set aside


class RunFailed(UserError):
    """A run stopped early; its records are valid, and the same command continues it."""


class Session(BaseModel):
    """One time that a run was worked on."""

    model_config = ConfigDict(extra="forbid")

    begun: str  # UTC
    versions: dict[str, str]
    hardware: dict[str, Any]


class Drawn(BaseModel):
    """All samples of a cell, of which a shard has some."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n: int
    content: str  # digest of all of them


class RunInfo(BaseModel):
    """The content of `run.json`."""

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    suite: Suite
    arms: dict[str, dict[str, Any]] = Field(description="each with its settings, engines and windows")
    counted_with: str  # the arm whose tokenizer the samples' lengths are in
    sessions: list[Session]
    sizes: dict[str, int] = Field({}, description="samples that each cell really had, once it is known")
    shard: str = Field("", description="I/N where these are only the samples of one shard")
    drawn: dict[str, Drawn] = Field({}, description="of a shard: the samples of each cell in all shards")
    merged: tuple[str, ...] = Field((), description="shards that this was put together from")

    def missing(self, have: Mapping[tuple[str, str], int]) -> int:
        """Records still to come, given those there are by arm and cell; an upper bound where data may have fewer."""
        return sum(
            max(0, self.sizes.get(cell.key, cell.n) - have.get((arm.name, cell.key), 0))
            for arm in self.suite.arms
            for cell in self.suite.planned(arm.name)
        )

    def save(self, folder: Path) -> None:
        """Write `run.json`."""
        write(folder / RUN, self.model_dump_json(indent=1))


def begin(folder: Path, suite: Suite, arms: Sequence[Arm], versions: Mapping[str, str], shard: str = "") -> RunInfo:
    """The run of this folder, new or continued; refused where the folder holds a different one."""
    about = {arm.name: json.loads(json.dumps(arm.about())) for arm in arms}
    counted = next((arm.name for arm in arms if arm.count is not None), "")
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    session = Session(begun=begun, versions=installed() | dict(versions), hardware=hardware())
    if (folder / RUN).exists():
        info = read_run(folder)
        if info.shard != shard:
            was, now = (f"shard {name}" if name else "a whole run" for name in (info.shard, shard))
            raise InputError(f"{folder} holds {was} and not {now}; name another folder with --output.")
        changed = changes(info, suite, about)
        if changed:
            raise InputError(
                f"The run at {folder} was begun with other settings ({changed}); use the same, or name another folder "
                "with --output."
            )
        same = info.sessions[-1].versions == session.versions and info.sessions[-1].hardware == session.hardware
        info.sessions += [] if same else [session]
        info.suite = suite
    else:
        if (folder / RECORDS).exists():
            raise InputError(f"{folder} has records but no {RUN} that says what they are of; name another folder.")
        info = RunInfo(suite=suite, arms=about, counted_with=counted, sessions=[session], shard=shard)
    return info


def changes(info: RunInfo, suite: Suite, arms: dict[str, dict[str, Any]]) -> str:
    """The first difference of a run's suite and arms from others, limits aside; empty where there is none."""
    for what, old, new in (
        ("suite", info.suite.model_dump(mode="json"), suite.model_dump(mode="json")),
        ("arms", _unported(info.arms, suite), _unported(arms, suite)),
    ):
        for place, (was, now) in differences(old, new).items():
            if not place.startswith("limits"):
                return f"{what}: {place} was {was!r}, is {now!r}"
    return ""


def _unported(arms: dict[str, dict[str, Any]], suite: Suite) -> Any:
    """The descriptions of arms, without the ports of servers that the suite starts itself: they may change."""
    return json.loads(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", json.dumps(arms))) if suite.serve is not None else arms


def differences(old: Any, new: Any, place: str = "") -> dict[str, tuple[Any, Any]]:
    """The differences of two pieces of JSON: path to both values; parts of a list go by their names."""
    if isinstance(old, list) and isinstance(new, list):
        parts = _by_name(old), _by_name(new)
        if all(parts) and [*parts[0]] == [*parts[1]]:
            old, new = parts
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: dict[str, tuple[Any, Any]] = {}
        for key in dict.fromkeys((*old, *new)):
            if old.get(key) != new.get(key):
                found |= differences(old.get(key), new.get(key), f"{place}.{key}" if place else str(key))
        return found
    return {} if old == new else {place: (old, new)}


def _by_name(parts: list[Any]) -> dict[str, Any]:
    """The parts of a list by their label or name; empty where one has none, or two have the same."""
    named = [(part.get("label") or part.get("name"), part) for part in parts if isinstance(part, Mapping)]
    found = {str(name): part for name, part in named if name}
    return found if len(found) == len(parts) else {}


def finished(folder: Path, suite: Suite, shard: str = "") -> bool:
    """Whether the run of this suite, or the shard of it, is in the folder, with nothing left to do."""
    if not (folder / RUN).exists() or not (folder / RECORDS).exists():
        return False
    info = read_run(folder)
    have: Counter[tuple[str, str]] = Counter(
        (record.arm, Cell(record.task, record.length, record.seed, 0).key) for record in records(folder)
    )
    return info.suite == suite and info.shard == shard and not info.missing(have)


def read_run(folder: Path) -> RunInfo:
    """The `run.json` of a run's folder.

    Raises:
        InputError: it holds none, or one of another format.
    """
    file = folder / RUN
    try:
        text = file.read_bytes()
        data = json.loads(text)
    except FileNotFoundError:
        raise InputError(
            f"There is no run at {folder}; make one with: hybrid eval run SUITE --output {folder}"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {file}: {error}.") from None
    check_format(data, str(file))
    return valid(RunInfo, text, f"{file} describes no run")


def set_aside(folder: Path, which: Callable[[dict[str, Any]], bool], name: str) -> None:
    """Move some records to a file of their own, so that their samples are asked for again."""
    file = folder / RECORDS
    if not file.exists():
        return
    kept = file.with_name(RECORDS + ".new")
    with kept.open("wb") as keep, (folder / name).open("ab") as aside:
        for line, record in whole_lines(file):
            (aside if which(record) else keep).write(line)
        for out in (keep, aside):
            out.flush()
            os.fsync(out.fileno())
    kept.replace(file)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it.

    Raises:
        InputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"The folder {folder} cannot be made ({reason}); name another with --output.") from None


def write(path: Path, text: str) -> None:
    """Replace a file as a whole."""
    with replaced(path) as file:
        file.write(text.encode("utf-8"))


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of another as a whole: a reader always sees the old or the new one.

    Raises:
        RunFailed: it cannot be written.
    """
    new = path.with_name(path.name + ".new")
    try:
        with new.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise RunFailed(
            f"Cannot write {path}: {error.strerror or error}. Make room and run the command again."
        ) from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"Another process is writing the run at {folder}; wait for it, or name another folder."
        ) from None
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be written to ({error.strerror or error}); name another with --output."
        ) from None
    try:
        yield
    finally:
        lock.release()
