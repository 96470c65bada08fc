"""Tasks give samples and metrics judge them: a question, the documents for it, and its right answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from pydantic import Field

from hybrid.errors import InputError
from hybrid.types import Turn

Count = Callable[[Sequence[str]], list[int]]  # tokens of each text, in the tokenizer of the model under test
Tokens = Annotated[int, Field(ge=0)]  # as options of tasks take them
Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One question of a task. The same task, sizes and seed give the same samples, byte for byte."""

    id: str  # unique within its task
    question: str
    documents: Mapping[str, str]  # name -> text; samples that share a document share the same mapping object
    golds: tuple[str, ...]  # accepted answers, or all that must be named (the metric decides); empty: none exists
    group: str  # samples that are not independent, such as those of one document, share it
    prompt: str = ""  # word for word what a published benchmark sends, for arms that read nothing else; else empty
    prefix: str = ""  # how the reply to `prompt` begins, given to the model; not part of the prediction
    max_tokens: int = 128  # room for the reply
    choices: tuple[str, ...] = ()  # options in their order, for multiple choice; the gold is one letter
    ranges: tuple[tuple[str, int, int], ...] = ()  # where the gold stands: document, start, end in characters
    history: tuple[Turn, ...] = ()  # what was said before the question, the oldest first
    about: Mapping[str, Value] = field(default_factory=dict)  # length, depth, position, kind ...: columns of a report


class Metric(Protocol):
    """A score of one prediction, 0 to 1, pure."""

    def __call__(self, prediction: str, golds: Sequence[str]) -> float: ...


class Task(Protocol):
    """A source of samples with the metric that judges them."""

    @property
    def name(self) -> str:
        """How suites and reports call it, such as `ruler/niah_single_1`."""

    @property
    def source(self) -> str:
        """Paper, repository or file, and its licence where the text is carried."""

    @property
    def metric(self) -> str:
        """Name of the main metric in `hybrid.evals.metrics.registry.METRICS`."""

    def samples(self, count: Count, n: int, seed: int, length: int | None = None) -> Iterable[Sample]:
        """`n` samples (fewer where the data has no more).

        Args:
            count: the model's tokenizer.
            length: tokens of prompt and reply together, never exceeded; None where the data decides.

        Raises:
            InputError: the data cannot be read, or no sample of that length can be made.
        """


def checked(task: str, samples: Iterable[Sample]) -> Iterator[Sample]:
    """Samples as they come, each with an id of its own and golds that are texts: one text alone would be its letters.

    Raises:
        InputError: one is not like that; a task of the user's own may give anything.
    """
    seen = set[str]()
    for number, sample in enumerate(samples, 1):
        if not isinstance(sample, Sample):
            raise InputError(f"The task {task!r} gives {type(sample).__name__} as its sample {number}, and no Sample.")
        golds = sample.golds
        if isinstance(golds, str) or not all(isinstance(gold, str) for gold in golds):
            raise InputError(f"The task {task!r} gives {golds!r} as golds of {sample.id!r}: give a tuple of texts.")
        if not isinstance(sample.documents, Mapping):
            raise InputError(f"The task {task!r} gives no documents by name for {sample.id!r}: give name -> text.")
        if sample.id in seen:
            raise InputError(f"The task {task!r} gives two samples the id {sample.id!r}; each needs its own.")
        seen.add(sample.id)
        yield sample
