"""A part of a run: the samples of every n-th group of documents, so that several processes or machines share a suite.

Samples of one group stay together, because one prefill serves a document's questions. A group goes to the shard that
rendezvous hashing gives it, with bounded loads, so that no shard has much more than its part of a cell; see
`hybrid.engines.affinity`. What a group's shard is depends on the cell's samples alone: every shard finds the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

from hybrid.evals.content import Contents
from hybrid.evals.folder import Drawn
from hybrid.evals.sample import Sample
from hybrid.evals.suite import Limits

from hybrid.engines.affinity import bounded, ranked
from hybrid.errors import InputError

SLACK = 1.05  # times its part of the samples that a shard may have before the next group goes elsewhere
MOST = 100_000  # shards


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts of a run.

    Args:
        number: from 1 on.
        of: parts in all.
    """

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def name(self) -> str:
        """As `run.json` says it: empty for a whole run."""
        return str(self) if self.of > 1 else ""

    def limits(self, limits: Limits) -> Limits:
        """The shard's part of a run's limits: of the failures that are always allowed; shares and minutes stay."""
        return limits.model_copy(update={"failed": limits.failed // self.of})


WHOLE = Shard()  # of a run that is not divided


def parse(text: str) -> Shard:
    """The shard that `I/N` names.

    Raises:
        InputError: it names none.
    """
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
    if found is None or not 1 <= int(found[1]) <= int(found[2]) <= MOST:
        raise InputError(f"{text[:20]!r} names no shard: write I/N, such as 2/3 for the second of three.")
    return Shard(int(found[1]), int(found[2]))


class Division:
    """The samples of a cell, in their order, divided among shards.

    Args:
        shard: whose samples are looked for.
        metric: of the task.
    """

    def __init__(self, shard: Shard, metric: str) -> None:
        self._shard, self._metric = shard, metric
        self._names = [str(number) for number in range(1, shard.of + 1)]
        self._homes: dict[str, int] = {}
        self._loads = [0] * shard.of
        self._contents, self._digest = Contents(), blake2b(digest_size=16)
        self.own = 0

    def of(self, samples: Iterable[Sample]) -> Iterator[tuple[int, Sample, str]]:
        """Place in the cell, sample and digest of its content, of the shard's samples."""
        for place, sample in enumerate(samples):
            home = self._home(sample.group)
            self._loads[home] += 1
            ours = home == self._shard.number - 1
            if ours or self._shard.of > 1:  # all of a cell is digested, so that shards of other data are told apart
                content = self._contents.of(self._metric, sample)
                self._digest.update(f"{sample.id}\0{content}\0".encode())
            if ours:
                self.own += 1
                yield place, sample, content

    @property
    def drawn(self) -> Drawn:
        """All samples of the cell, once they have been drawn."""
        return Drawn(n=sum(self._loads), content=self._digest.hexdigest())

    def _home(self, group: str) -> int:
        if self._shard.of == 1:
            return 0
        if group not in self._homes:
            self._homes[group] = bounded(ranked(group, self._names), self._loads, slack=SLACK)
        return self._homes[group]
