"""A record of one arm and one sample, a line of `records.jsonl`, and a careful reader of those lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

from hybrid.evals.metrics.registry import FIRST_ALONE
from hybrid.evals.sample import Value
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from hybrid import __version__
from hybrid.errors import InputError
from hybrid.types import Citation, Cost, Route, Rung, Turn, Usage

RECORDS = "records.jsonl"
FORMAT = 1  # of run.json and of a record
Key = tuple[str, str, int | None, int, str]
M = TypeVar("M", bound=BaseModel)


class Record(BaseModel):
    """One arm's work on one sample."""

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
    place: int | None = None  # among the samples of its cell, as they are asked; None in runs of earlier versions
    content: str = ""  # digest of all that the sample was made of; empty in runs of earlier versions
    marked: str = ""  # the text with citation marks, which are the places in `citations`, from 1; empty without any
    citations: tuple[Citation, ...] | None = None  # None where an arm cites nothing, and in runs of earlier versions
    history: tuple[Turn, ...] = ()  # what was said before the question
    standalone: str = ""  # the question as it was understood from that, where it is another

    @property
    def key(self) -> Key:
        """Identifies the record within its run."""
        return self.arm, self.task, self.length, self.seed, self.id

    @property
    def right(self) -> tuple[str, ...]:
        """The right answers: of golds that are a right answer and other ones, the first."""
        return self.golds[:1] if self.metric in FIRST_ALONE else self.golds

    @property
    def asked(self) -> str:
        """The question behind what was said before it, a line each."""
        return "\n".join([*(turn.text for turn in self.history), self.question])


def ended(reason: str) -> str:
    """A reason, such as another program's, as a sentence that another may follow."""
    reason = reason.rstrip()
    return reason if reason.endswith((".", "!", "?", "\u2026")) else f"{reason}."


def records(path: Path) -> Iterator[Record]:
    """The records of a run folder or of a file of them, one at a time; a torn last line is skipped.

    Raises:
        InputError: there is no such file, or a line is no record of this format.
    """
    file = path / RECORDS if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"There are no records at {file}; make some with: hybrid eval run SUITE --output {path}")
    for number, (line, _) in enumerate(whole_lines(file), 1):
        yield valid(Record, line, f"Line {number} of {file} is no record")


def whole_lines(file: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The lines of a file of records, each as bytes and parsed; a torn last line is skipped.

    Raises:
        InputError: a line is no JSON, or not of this format.
    """
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                data = from_json(line)
            except ValueError:
                raise InputError(
                    f"Line {number} of {file} is damaged; delete that line, and the same command answers its sample "
                    "again."
                ) from None
            check_format(data, f"line {number} of {file}")
            yield line, data


def valid(model: type[M], text: bytes, wrong: str) -> M:
    """JSON as a model.

    Raises:
        InputError: it is not; the message begins with `wrong`.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        what = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(f"{wrong}: {what!r} is not as it should be.") from None


def check_format(data: Any, where: str) -> None:
    """Raise InputError where a file or line is not of this version's format."""
    found = data.get("format") if isinstance(data, dict) else None
    if found != FORMAT:
        raise InputError(
            f"The format of {where} is {found!r}, and this version of hybrid ({__version__}) reads format {FORMAT}; "
            "use the version that wrote it, or make a new run."
        )
