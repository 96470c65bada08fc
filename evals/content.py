"""Digests of samples: a run goes on only with the same questions, golds, documents and options."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from hybrid.evals.sample import Count, Sample, Task
from hybrid.evals.suite import Cell

from hybrid.errors import InputError

Place = tuple[str, int | None, int, str]  # task, length, seed and id of a sample


def digest(documents: Mapping[str, str]) -> bytes:
    """A digest of the names and texts of documents."""
    found = blake2b(digest_size=16)
    for part in (part for pair in documents.items() for part in pair):
        data = part.encode("utf-8", "surrogatepass")
        found.update(len(data).to_bytes(8, "little") + data)
    return found.digest()


class Contents:
    """Digests of samples; documents that several share are read once where they follow each other."""

    def __init__(self) -> None:
        self._documents: Mapping[str, str] | None = None
        self._read = b""

    def of(self, metric: str, sample: Sample) -> str:
        """A digest of everything that decides the question and its right answer."""
        if sample.documents is not self._documents:
            self._documents, self._read = sample.documents, digest(sample.documents)
        asked = [sample.question, sample.golds, sample.choices, sample.prompt, sample.prefix, sample.max_tokens, metric]
        asked += [sample.ranges] if sample.ranges else []  # retrieval is judged by them
        asked += [[(turn.role, turn.text) for turn in sample.history]] if sample.history else []
        return blake2b(json.dumps(asked).encode() + self._read, digest_size=8).hexdigest()


@dataclass(slots=True)
class Difference:
    """The samples of a run that have changed since it recorded them."""

    samples: int = 0  # that records are of
    changed: set[Place] = field(default_factory=set)
    gone: set[Place] = field(default_factory=set)

    @property
    def all(self) -> set[Place]:
        """All samples whose records are of other data."""
        return self.changed | self.gone


def place(record: Mapping[str, Any]) -> Place:
    """The sample that a record is of."""
    return record["task"], record["length"], record["seed"], record["id"]


def difference(
    records: Iterable[Mapping[str, Any]],
    cells: Iterable[Cell],
    tasks: Mapping[str, Task],
    count: Count,
    step: Callable[[int, int], None],
) -> Difference:
    """Draw the recorded samples again, and compare.

    Records of earlier versions carry no digest; of these, question and golds alone are compared.
    """
    known: dict[Place, set[str]] = {}  # several where arms were asked about different data
    for record in records:
        known.setdefault(place(record), set()).add(record.get("content") or _asked(record["question"], record["golds"]))
    found, done = Difference(samples=len(known)), 0
    unseen, drawn = set(known), {(where[0], where[1], where[2]) for where in known}
    for cell in cells:
        if (cell.task, cell.length, cell.seed) not in drawn:
            continue
        task, contents = tasks[cell.task], Contents()
        for sample in task.samples(count, cell.n, cell.seed, cell.length):
            where = (cell.task, cell.length, cell.seed, sample.id)
            if where not in known:
                continue
            if known[where] - {contents.of(task.metric, sample), _asked(sample.question, sample.golds)}:
                found.changed.add(where)
            unseen.discard(where)
            done += 1
            step(done, len(known))
    found.gone = unseen
    return found


def _asked(question: str, golds: Iterable[str]) -> str:
    return f"{question}\0" + "\0".join(golds)


def refusal(found: Difference, where: str) -> InputError:
    """The error for a run on other data, with the remedy."""
    counts = [
        f"{len(places):,} {what}"
        for places, what in ((found.changed, "have another content now"), (found.gone, "are no longer there"))
        if places
    ]
    first = min(found.all, key=repr)
    return InputError(
        f"The run at {where} is of other data: of its {found.samples:,} samples, {' and '.join(counts)} "
        f"(the first: {first[3]!r} of the task {first[0]!r}). Nothing was asked. Name another folder with --output, or "
        "continue with --changed-data: the records of these are set aside, and they are asked again."
    )
