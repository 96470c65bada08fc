"""The runner: every sample answered by every arm once, whatever happens in between.

A run is a folder: `run.json` says what was run on what, `records.jsonl` has one line per arm and sample, written when
it is done. A line is whole or it is cut off at the next start, so that a run killed at any moment goes on where it was.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import threading
import time
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from filelock import FileLock, Timeout
from hybrid.evals.arms import Arm, Reply, Unsuited
from hybrid.evals.content import Contents, difference, place, refusal
from hybrid.evals.metrics import retrieval
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.sample import Count, Metric, Sample, Task, Value
from hybrid.evals.suite import Cell, Limits, Suite, unknown
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticSerializationError

from hybrid import __version__
from hybrid.errors import HybridError, InputError, MissingDependency, SettingsError, UserError, WindowError
from hybrid.types import Cost, Route, Rung, Usage

FORMAT = 1  # of run.json and of a record
RUN, RECORDS, LOCK = "run.json", "records.jsonl", "run.lock"
FAILED, CHANGED = "failed.jsonl", "changed.jsonl"  # records that were set aside
PACKAGES = ("numpy", "torch", "sentence-transformers", "faiss-cpu", "faiss-gpu", "openvino", "vllm", "llama-index-core")
_GATHERED = 256  # samples that are put in the order of their documents
_GATHERED_TEXT = 32_000_000  # characters of distinct documents among them
_BYTES_PER_TOKEN = 4  # where no arm tells its tokenizer

Step = Callable[[str, int, int], None]  # arm, done, total
Check = Callable[[], None]  # raises where no further sample can be answered
Key = tuple[str, str, int | None, int, str]


class RunFailed(UserError):
    """A run that stopped before its end; what it wrote is valid, and the same command goes on."""


class Record(BaseModel):
    """What one arm did with one sample."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    arm: str
    task: str  # as the suite labels it
    length: int | None  # tokens that were asked for; None: the data decided
    seed: int
    id: str
    group: str
    question: str
    golds: tuple[str, ...]
    metric: str
    status: Literal["answered", "failed", "skipped"]
    reason: str = ""  # why it failed or was skipped
    text: str = ""
    abstained: bool = False
    score: float | None = None  # 0 to 1; None unless answered
    route: Route | None = None
    rung: Rung | None = None
    usage: Usage = Usage()
    cost: Cost | None = None
    decision: dict[str, Any] | None = None
    timings: dict[str, float] = {}
    retrieved: dict[str, float] = {}  # how well the passages found cover the gold ranges, where a task knows them
    seconds: float = 0.0  # wall-clock of the whole sample
    about: dict[str, Value] = {}
    content: str = ""  # digest of all that the sample was made of; empty in runs of earlier versions

    @property
    def key(self) -> Key:
        """What no other record of the run has."""
        return self.arm, self.task, self.length, self.seed, self.id


class Session(BaseModel):
    """One time that a run was worked on."""

    model_config = ConfigDict(extra="forbid")

    begun: str  # UTC
    versions: dict[str, str]
    hardware: dict[str, Any]


class RunInfo(BaseModel):
    """What `run.json` holds."""

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    suite: Suite
    arms: dict[str, dict[str, Any]] = Field(description="each with its settings, engines and windows")
    counted_with: str  # the arm whose tokenizer the samples' lengths are in
    sessions: list[Session]
    sizes: dict[str, int] = Field({}, description="samples that each cell really had, once it is known")

    def missing(self, have: Mapping[tuple[str, str], int]) -> int:
        """Records still to come, given those there are by arm and cell; an upper bound where data may have fewer."""
        return sum(
            max(0, self.sizes.get(cell.key, cell.n) - have.get((arm.name, cell.key), 0))
            for arm in self.suite.arms
            for cell in self.suite.planned(arm.name)
        )


# -- the runner --------------------------------------------------------------------------------------------------------


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
) -> RunInfo:
    """Answer all samples of a suite with all arms, or go on with it.

    Args:
        arms: those of the suite, in its order.
        tasks: by title, those of the suite.
        folder: of the run; made where it does not exist.
        step: receives arm, done and total.
        again: ask once more for samples that failed before.
        changed: go on although samples are other ones now; what was recorded of those is set aside and asked again.
        check: called where a sample failed; what it raises ends the run, and that sample is asked for again.
        versions: of what answers beside this process.

    Raises:
        InputError: the folder holds another run or one of other samples, another process writes it, or nobody can.
        RunFailed: too many samples fail, the disk is full, or the time is up.
    """
    make_folder(folder)
    with _locked(folder):
        info = _begin(folder, suite, arms, versions or {})
        _bind(folder, suite, arms, tasks, step, changed=changed)
        write(folder / RUN, info.model_dump_json(indent=1))
        if again:
            set_aside(folder, lambda record: record["status"] == "failed", FAILED)
        with Log(folder / RECORDS) as log:
            for arm in arms:
                _one_arm(suite, arm, tasks, _counter(arms), folder, info, log, step, check)
                arm.close()
    return info


def _one_arm(
    suite: Suite,
    arm: Arm,
    tasks: Mapping[str, Task],
    count: Count,
    folder: Path,
    info: RunInfo,
    log: Log,
    step: Step | None,
    check: Check | None,
) -> None:
    """All samples of an arm, cell by cell, as many at once as it takes."""
    planned = suite.planned(arm.name)
    progress = _Progress(arm.name, sum(info.sizes.get(cell.key, cell.n) for cell in planned), step)
    workers = _Workers(arm, log, suite.limits, progress, check)
    with workers:
        for cell in planned:
            task, drawn, content = tasks[cell.task], 0, Contents()
            for sample in by_document(task.samples(count, cell.n, cell.seed, cell.length)):
                drawn += 1
                workers.take(cell, task, sample, content.of(task.metric, sample))
            if info.sizes.get(cell.key) != drawn:
                progress.total -= cell.n - drawn
                info.sizes[cell.key] = drawn
                write(folder / RUN, info.model_dump_json(indent=1))


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


class _Progress:
    """How far an arm is."""

    def __init__(self, name: str, total: int, step: Step | None) -> None:
        self.name, self.total, self.done, self._step = name, total, 0, step

    def more(self) -> None:
        self.done += 1
        if self._step is not None:
            self._step(self.name, self.done, max(self.total, self.done))


class _Workers:
    """Threads that answer, record, and stop at the first trouble that is not one sample's own."""

    def __init__(self, arm: Arm, log: Log, limits: Limits, progress: _Progress, check: Check | None) -> None:
        self._arm, self._log, self._limits, self._progress, self._check = arm, log, limits, progress, check
        self._pool = ThreadPoolExecutor(arm.concurrency) if arm.concurrency > 1 else None
        self._ahead = threading.BoundedSemaphore(2 * arm.concurrency)  # a queue that never runs dry nor grows
        self._trouble: list[BaseException] = []
        self._until = time.monotonic() + 60 * limits.minutes if limits.minutes is not None else None

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=error is not None)
        if error is None:
            self._raise()

    def take(self, cell: Cell, task: Task, sample: Sample, content: str) -> None:
        """Answer a sample soon, unless it has been answered before."""
        if self._log.has((self._arm.name, cell.task, cell.length, cell.seed, sample.id)):
            self._progress.more()
            return
        if self._until is not None and time.monotonic() > self._until:
            raise RunFailed(
                f"The {self._limits.minutes:g} minutes of the suite are over with {self._progress.done:,} of "
                f"{self._progress.total:,} samples of the arm {self._arm.name!r} done; run it again to go on."
            )
        if self._pool is None:
            self._work(cell, task, sample, content)
            self._raise()
            return
        self._ahead.acquire()
        self._raise()
        self._pool.submit(self._work, cell, task, sample, content)

    def _work(self, cell: Cell, task: Task, sample: Sample, content: str) -> None:
        try:
            if not self._trouble:
                self._log.append(_record(self._arm, cell, task, sample, content, self._check), self._limits)
                self._progress.more()
        except BaseException as error:  # noqa: BLE001  (raised again in the thread that gives out the work)
            self._trouble.append(error)
        finally:
            if self._pool is not None:
                self._ahead.release()

    def _raise(self) -> None:
        if self._trouble:
            raise self._trouble[0]


def _record(arm: Arm, cell: Cell, task: Task, sample: Sample, content: str, check: Check | None) -> Record:
    """A sample answered, or why not; only what would fail every sample is raised."""
    known: dict[str, Any] = {
        "arm": arm.name,
        "task": cell.task,
        "length": cell.length,
        "seed": cell.seed,
        "id": sample.id,
        "group": sample.group,
        "question": sample.question,
        "golds": sample.golds,
        "metric": task.metric,
        "about": dict(sample.about),
        "content": content,
    }
    begun = time.perf_counter()
    try:
        reply = arm.answer(sample)
    except (SettingsError, MissingDependency):
        raise
    except (Unsuited, WindowError) as error:
        return Record(status="skipped", reason=str(error), seconds=time.perf_counter() - begun, **known)
    except Exception as error:  # noqa: BLE001  (an arm may be anything; one sample failed)
        if check is not None:
            check()
        spent = getattr(error, "usage", None)
        usage = spent if isinstance(spent, Usage) else Usage()
        return Record(
            status="failed",
            reason=str(error) if isinstance(error, HybridError) else f"{type(error).__name__}: {error}",
            usage=usage,
            cost=arm.price(usage) if spent is not None else None,
            seconds=time.perf_counter() - begun,
            **known,
        )
    return Record(
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
        retrieved=retrieval.judge(reply.found, sample.ranges) if reply.found and sample.ranges else {},
        seconds=time.perf_counter() - begun,
        **known,
    )


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
    """
    if not sample.golds:
        return float(reply.abstained)
    silent = reply.abstained and reply.route is not None
    return find_metric(metric)("" if silent else reply.text, sample.golds)


def find_metric(name: str) -> Metric:
    """A metric by its name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in METRICS:
        raise InputError(f"There is no {unknown('metric', name, METRICS)}")
    return METRICS[name]


def _counter(arms: Sequence[Arm]) -> Count:
    """The tokenizer of the first arm that has one: all arms get the same samples."""
    return next((arm.count for arm in arms if arm.count is not None), _estimated)


def _estimated(texts: Sequence[str]) -> list[int]:
    return [-(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN) for text in texts]


# -- the folder --------------------------------------------------------------------------------------------------------


class Log:
    """The records of a run, appended one line at a time by many threads."""

    def __init__(self, path: Path) -> None:
        """Open the file, cut off a torn last line, and learn which records there are.

        Raises:
            InputError: a line is no record of this format.
        """
        self._path = path
        self._lock = threading.Lock()
        self._counts: dict[str, list[int]] = {}  # of each arm: records, failures
        self._done, self._end = self._scan()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        os.ftruncate(self._file, self._end)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self._file)

    def has(self, key: Key) -> bool:
        """Whether a record was there when the file was opened: nobody asks for the same sample twice in between."""
        if not self._done:
            return False
        digest = _digest(key)
        place = bisect_left(self._done, digest)
        return place < len(self._done) and self._done[place] == digest

    def append(self, record: Record, limits: Limits) -> None:
        """Write a record; it is on its way to the disk when this returns, and whole or not there at all.

        Raises:
            RunFailed: it cannot be written, or too many samples of the arm failed.
        """
        line = _line(record)
        with self._lock:
            self._write(line)
            counts = self._counts.setdefault(record.arm, [0, 0])
            counts[0] += 1
            if record.status == "failed":
                counts[1] += 1
                total, failed = counts
                if failed > max(limits.failed, limits.failed_share * total):
                    raise RunFailed(
                        f"{failed} of {total} samples of the arm {record.arm!r} failed, the last with: {record.reason} "
                        "Mend that and run the same command with --retry-failed."
                    )

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.pwrite(self._file, rest, self._end + len(line) - len(rest)) :]
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise RunFailed(
                f"A record could not be written to {self._path} ({error.strerror or error}); what is there is valid. "
                "Make room and run the same command again."
            ) from None
        self._end += len(line)

    def _scan(self) -> tuple[array[int], int]:
        """Digests of the records there are, sorted, and where the last whole line ends: 8 bytes a record."""
        digests, end = array("Q"), 0
        if self._path.exists():
            with self._path.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    if not line.endswith(b"\n"):
                        break
                    digests.append(self._learn(line, number))
                    end += len(line)
        return array("Q", np.sort(np.frombuffer(digests, dtype=np.uint64)).tobytes()), end

    def _learn(self, line: bytes, number: int) -> int:
        data = parsed(line, self._path, number)
        counts = self._counts.setdefault(data["arm"], [0, 0])
        counts[0] += 1
        counts[1] += data["status"] == "failed"
        return _digest((data["arm"], data["task"], data["length"], data["seed"], data["id"]))


def records(path: Path) -> Iterator[Record]:
    """The records of a run folder or of a file of them, one at a time; a torn last line is passed over.

    Raises:
        InputError: there is no such file, or a line is no record of this format.
    """
    file = path / RECORDS if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"There are no records at {file}; make some with: hybrid eval run SUITE --output {path}")
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            parsed(line, file, number)
            try:
                yield Record.model_validate_json(line)
            except ValidationError as error:
                what = ".".join(map(str, error.errors()[0]["loc"]))
                raise InputError(f"Line {number} of {file} is no record: {what!r} is not as it should be.") from None


def read_run(folder: Path) -> RunInfo:
    """What a run folder says about its run.

    Raises:
        InputError: it holds none, or one of another format.
    """
    file = folder / RUN
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"There is no run at {folder}; make one with: hybrid eval run SUITE --output {folder}"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {file}: {error}.") from None
    _check_format(data, str(file))
    try:
        return RunInfo.model_validate(data)
    except ValidationError as error:
        what = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(f"{file} describes no run: {what!r} is not as it should be.") from None


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
    """Replace a file as a whole: whoever reads it, and whenever, sees the old or the new one."""
    new = path.with_name(path.name + ".new")
    try:
        with new.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise RunFailed(
            f"Cannot write {path}: {error.strerror or error}. Make room and run the command again."
        ) from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
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


def finished(folder: Path, suite: Suite) -> bool:
    """Whether the run of this suite is in the folder, with nothing left to do."""
    if not (folder / RUN).exists() or not (folder / RECORDS).exists():
        return False
    info = read_run(folder)
    have: Counter[tuple[str, str]] = Counter(
        (record.arm, Cell(record.task, record.length, record.seed, 0).key) for record in records(folder)
    )
    return info.suite == suite and not info.missing(have)


def _begin(folder: Path, suite: Suite, arms: Sequence[Arm], versions: Mapping[str, str]) -> RunInfo:
    """The run of this folder, begun or gone on with; refused where it is a different one."""
    about = {arm.name: json.loads(json.dumps(arm.about())) for arm in arms}
    counted = next((arm.name for arm in arms if arm.count is not None), "")
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    session = Session(begun=begun, versions=installed() | dict(versions), hardware=hardware())
    if (folder / RUN).exists():
        info = read_run(folder)
        for what, old, new in (
            ("suite", info.suite.model_dump(mode="json"), suite.model_dump(mode="json")),
            ("arms", _unported(info.arms, suite), _unported(about, suite)),
        ):
            changed = {place: pair for place, pair in differences(old, new).items() if not place.startswith("limits")}
            if changed:
                place, (was, now) = next(iter(changed.items()))
                raise InputError(
                    f"The run at {folder} was begun with other settings ({what}: {place} was {was!r}, is {now!r}); "
                    "use the same, or name another folder with --output."
                )
        same = info.sessions[-1].versions == session.versions and info.sessions[-1].hardware == session.hardware
        info.sessions += [] if same else [session]
        info.suite = suite
    else:
        if (folder / RECORDS).exists():
            raise InputError(f"{folder} has records but no {RUN} that says what they are of; name another folder.")
        info = RunInfo(suite=suite, arms=about, counted_with=counted, sessions=[session])
    return info


def _bind(
    folder: Path, suite: Suite, arms: Sequence[Arm], tasks: Mapping[str, Task], step: Step | None, *, changed: bool
) -> None:
    """Refuse to go on with records of other samples than there are now, or set them aside where that is wished."""
    file = folder / RECORDS
    if not file.exists():
        return
    with file.open("rb") as lines:
        whole = (parsed(line, file, number) for number, line in enumerate(lines, 1) if line.endswith(b"\n"))
        cells = dict.fromkeys(cell for arm in suite.arms for cell in suite.planned(arm.name))
        say = (lambda *_: None) if step is None else partial(step, "checking samples")
        found = difference(whole, cells, tasks, _counter(arms), say)
    if not found.all:
        return
    if not changed:
        raise refusal(found, str(folder))
    set_aside(folder, lambda record: place(record) in found.all, CHANGED)


def _unported(arms: dict[str, dict[str, Any]], suite: Suite) -> Any:
    """What sets arms apart, without the ports of servers that the suite starts itself: they may change."""
    return json.loads(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", json.dumps(arms))) if suite.serve is not None else arms


def differences(old: Any, new: Any, place: str = "") -> dict[str, tuple[Any, Any]]:
    """Where two pieces of JSON differ: path to both values."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: dict[str, tuple[Any, Any]] = {}
        for key in dict.fromkeys((*old, *new)):
            if old.get(key) != new.get(key):
                found |= differences(old.get(key), new.get(key), f"{place}.{key}" if place else str(key))
        return found
    return {} if old == new else {place: (old, new)}


def set_aside(folder: Path, which: Callable[[dict[str, Any]], bool], name: str) -> None:
    """Move some records to a file of their own, so that their samples are asked for again."""
    file = folder / RECORDS
    if not file.exists():
        return
    kept = file.with_name(RECORDS + ".new")
    with file.open("rb") as lines, kept.open("wb") as keep, (folder / name).open("ab") as aside:
        for number, line in enumerate(lines, 1):
            if line.endswith(b"\n"):
                (aside if which(parsed(line, file, number)) else keep).write(line)
        for out in (keep, aside):
            out.flush()
            os.fsync(out.fileno())
    kept.replace(file)


def _line(record: Record) -> bytes:
    try:
        return record.model_dump_json().encode() + b"\n"
    except PydanticSerializationError:  # half a character from a broken file or model, which no JSON can hold
        return json.dumps(record.model_dump(), ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def parsed(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except ValueError:
        raise InputError(
            f"Line {number} of {path} is damaged; delete that line, and the same command answers its sample again."
        ) from None
    _check_format(data, f"line {number} of {path}")
    found: dict[str, Any] = data
    return found


def _check_format(data: Any, where: str) -> None:
    found = data.get("format") if isinstance(data, dict) else None
    if found != FORMAT:
        raise InputError(
            f"The format of {where} is {found!r}, and this version of hybrid ({__version__}) reads format {FORMAT}; "
            "use the version that wrote it, or make a new run."
        )


def _digest(key: Key) -> int:
    return int.from_bytes(blake2b(json.dumps(key).encode(), digest_size=8).digest(), "little")


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
