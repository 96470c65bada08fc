"""Questions over the documents of a file: the base of the tasks on published data sets, and your own questions.

Your own stand in JSON Lines, one object a line:

    {"question", "answers": [..], "documents": {name: text} | [paths] | path, "choices"?: [..],
     "gold"?: [{"document", "start", "end"}], "history"?: [..], "id"?, "group"?}

No answers means that the documents do not say. Paths may be of any format that hybrid reads; gold counts characters of
the text that was read. A history is what was said before the question, the oldest first: questions, or messages with
`role` (user or assistant) and `content`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Annotated, ClassVar

from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.sample import Count, Sample
from hybrid.evals.tasks.files import Fields, fitting, lines
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read as read_file
from hybrid.errors import InputError
from hybrid.session.followup import turns
from hybrid.types import Turn

STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=STRICT)
class Documents(ABC):
    """The questions of one file or folder.

    Args:
        path: the file, gzipped or not, or the folder.
        judged_by: name of a metric; None for the one that suits the data.
        max_tokens: room for a reply.
    """

    path: Path
    judged_by: str | None = None
    max_tokens: Annotated[int, Field(ge=1)] = 128

    name: ClassVar[str]
    paper: ClassVar[str]  # where the data are from, with their licence
    usual: ClassVar[str]  # name of the metric, where nothing else suits the file better

    @abstractmethod
    def read(self) -> Iterator[Sample]:
        """All questions, in the file's order; what they have in common is added afterwards."""

    def suited(self) -> str:
        """Name of the metric that suits the file."""
        return self.usual

    @property
    def source(self) -> str:
        return f"{self.paper}; {self.path.name}"

    @property
    def stem(self) -> str:
        """The file's name up to the first dot."""
        return self.path.name.split(".")[0]

    @property
    def metric(self) -> str:
        if self.judged_by is None:
            return self.suited()
        METRICS[self.judged_by]  # raises where there is none
        return self.judged_by

    def choice_if_all(self) -> str:
        """`choice` where all questions have options, and nothing where none has.

        Raises:
            InputError: some have options and others none.
        """
        chosen = [bool(sample.choices) for sample in self._read]
        if any(chosen) and not all(chosen):
            raise InputError(
                f"{self.path}: {sum(chosen)} of {len(chosen)} questions have options and the others have none; "
                "put them in two files, or name a metric for both in the option judged_by."
            )
        return "choice" if any(chosen) else ""

    def samples(self, count: Count, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        """`n` questions drawn with the seed and left in the file's order, so that one document's follow each other.

        With a length, only questions whose documents fit it with the reply. Options of a multiple choice stand in the
        question. A question without golds cannot be answered from its documents. `about` has what the data tell.
        """
        found = fitting(self._read, count, length)
        drawn = sorted(Random(f"{self.name}|{seed}").sample(range(len(found)), min(n, len(found))))
        return (found[place] for place in drawn)

    @cached_property
    def _read(self) -> tuple[Sample, ...]:
        found = tuple(replace(sample, max_tokens=self.max_tokens) for sample in self.read())
        seen = set[str]()
        for sample in found:
            if sample.id in seen:
                raise InputError(f"{self.path}: two questions have the id {sample.id!r}; each needs its own.")
            seen.add(sample.id)
        if not found:
            raise InputError(f"{self.path} holds no question that was asked for.")
        return found


LETTERS = "ABCDEFGH"


def letter(row: Fields, field: str, golds: tuple[str, ...], choices: tuple[str, ...]) -> str:
    """The letter of the right option, given as a letter or as the option's text."""
    if len(choices) > len(LETTERS):
        raise row.fault("choices", f"has {len(choices)} options; {len(LETTERS)} are the most")
    if len(set(choices)) < len(choices):
        raise row.fault("choices", "has the same option twice")
    letters = LETTERS[: len(choices)]
    if len(golds) == 1 and golds[0] in choices:
        return letters[choices.index(golds[0])]
    if len(golds) == 1 and golds[0] in letters:
        return golds[0]
    raise row.fault(
        field, f"has to be one of the options or one letter of {letters}, and is {', '.join(golds) or 'none'}"
    )


def with_options(question: str, choices: Iterable[str]) -> str:
    """The question with its options, which arms that know only the question need to see."""
    shown = [f"({letter}) {text}" for letter, text in zip(LETTERS, choices, strict=False)]
    return "\n".join([question, *shown, "Answer with the letter of the right option."]) if shown else question


FIELDS = ("question", "answers", "documents", "choices", "gold", "history", "id", "group")


class Own(Documents):
    """Your own questions over your own documents."""

    name = "jsonl"
    paper = "own questions"
    usual = "best_subspan_em"

    def suited(self) -> str:
        """`choice` for questions with options."""
        return self.choice_if_all() or self.usual

    def read(self) -> Iterator[Sample]:
        shared: dict[str, Mapping[str, str]] = {}
        for number, row in enumerate(lines(self.path), 1):
            row.check(FIELDS)
            question, golds = row.text("question"), row.texts("answers")
            if not question.strip():
                raise row.fault("question", "is empty")
            if not all(gold.strip() for gold in golds):
                raise row.fault("answers", "holds an empty text; write [] where the documents do not say")
            documents = _own_documents(row, self.path.parent, shared)
            choices = row.texts("choices") if "choices" in row.data else ()
            if choices:
                golds = (letter(row, "answers", golds, choices),)
            yield Sample(
                id=row.text("id", str(number)),
                question=with_options(question, choices),
                documents=documents,
                golds=golds,
                group=row.text("group", " ".join(sorted(documents))),
                choices=choices,
                ranges=tuple(_ranges(row, documents)),
                history=history(row),
            )


def _ranges(row: Fields, documents: Mapping[str, str]) -> Iterator[tuple[str, int, int]]:
    for gold in row.objects("gold") if "gold" in row.data else []:
        name, start, end = gold.text("document"), gold.number("start"), gold.number("end")
        if name not in documents:
            raise gold.fault("document", f"is {name!r}, which is not among the documents: {', '.join(documents)}")
        if not 0 <= start < end <= len(documents[name]):
            raise gold.fault(
                "end", f"and start are {end} and {start}; {name!r} has the characters 0 to {len(documents[name])}"
            )
        yield name, start, end


def history(row: Fields) -> tuple[Turn, ...]:
    """What was said before the question; a text alone is a question."""
    said = row.items("history") if "history" in row.data else []
    try:
        return turns([Turn(role="user", text=one) if isinstance(one, str) else one for one in said])
    except InputError as error:
        raise row.fault("history", f"cannot be read: {str(error).rstrip('.')}") from None


def _own_documents(row: Fields, folder: Path, shared: dict[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Documents by name; the same ones are the same object. Paths are relative to the file of questions."""
    given = row.data.get("documents")
    if given is None:
        raise row.fault("documents", "is missing")
    known = repr(given)
    if known in shared:
        return shared[known]
    if isinstance(given, dict):
        documents = {name: Fields(row.where, given).text(name) for name in given}
    elif isinstance(given, str) or (isinstance(given, list) and all(isinstance(path, str) for path in given)):
        documents = {}
        for path in [given] if isinstance(given, str) else given:
            file = folder / path
            if not file.is_file():
                raise row.fault("documents", f"names {path!r}, and there is no file {file}")
            try:
                documents[path] = read_file(file.name, file.read_bytes()).text
            except Unreadable as error:
                raise row.fault("documents", f"names {path!r}, which cannot be read: {error}") from None
    else:
        raise row.fault("documents", "has to be an object of texts by name, a path, or a list of paths")
    if not documents:
        raise row.fault("documents", "is empty")
    if not all(name.strip() for name in documents):
        raise row.fault("documents", "has a text without a name")
    if not any(text.strip() for text in documents.values()):
        raise row.fault("documents", f"has no text: {', '.join(documents)}")
    shared[known] = documents
    return documents
