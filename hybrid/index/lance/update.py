"""An update of a Lance index: what changed is read, split and embedded in parts, and committed as one.

Each part is written as a fragment and remembered, so that an update killed at any moment loses one part at most: the
next one takes up what is written. Until the one commit at the end, readers see the version before.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.problems import Problem, nothing_readable
from hybrid.corpus.source import Source
from hybrid.index.chunking import Chunker
from hybrid.index.lance.pending import Pending
from hybrid.index.lance.table import properties
from hybrid.index.lance.upkeep import tidy
from hybrid.index.lance.view import LanceView
from hybrid.index.lance.writing import Known, Token, commit, write_fragment
from hybrid.index.prepared import Prepared, clean_source, prepare
from hybrid.index.protocol import Changes, Progress
from hybrid.index.workers import Look, Wanted, Workers, Written, in_order, look

_FIRST, _MOST = 64, 20_000  # passages of a part
_SECONDS = 2.0  # of embedding in a part
_LONG_SECONDS = 20.0  # of embedding still to come, from which looking for a quicker precision pays
_SAMPLE = 512  # passages by which a precision is judged
_TOUCHED = 20_000  # files that are remembered to be unchanged in spite of a new time


class Update:
    """One update of an index to what a corpus holds.

    Args:
        view: the newest version of the index.
        progress: receives stage, done and total.
        workers: who reads, splits, embeds and writes; None: this process.
    """

    def __init__(
        self, view: LanceView, chunker: Chunker, progress: Progress | None, workers: Workers | None = None
    ) -> None:
        self._workers = workers
        self._view = view
        self._place, self._chunker, self._embedder = view.place, chunker, chunker.embedder
        self._report = progress or (lambda stage, done, total: None)
        self._changes = Changes()
        self._pending = Pending(self._place, properties(self._chunker))
        self._tokens: list[Token] = []
        self._part: list[Prepared] = []
        self._size = _FIRST  # passages of the next part
        self._removed: list[str] = []
        self._problems: list[list[Any]] = []  # name, reason, size, time of change
        self._touched: dict[str, list[int]] = {}  # size and new time of files that hold what they did
        self._share = 0.0  # of the corpus, by bytes, that was looked at
        self._precise = self._embedder.settings.precision != "auto"  # or found out already
        self._spent = 0.0  # seconds of embedding

    def run(self, corpus: Corpus) -> Changes:
        """Make the index hold exactly what `corpus` holds; see `hybrid.index.protocol.Index.update`.

        How many passages it holds then, and the time it took, are for the caller to add.
        """
        worked = self._cpu_seconds()
        changes, before = self._changes, self._view.head.made
        changes.problems += corpus.problems
        self._compare(corpus)
        self._problems.sort()
        noted: dict[str, Any] = {"problems": self._problems, "touched": dict(list(self._touched.items())[:_TOUCHED])}
        if changes.any:
            noted["cpu_seconds"] = round(self._view.cpu_seconds + self._cpu_seconds() - worked, 3)
        if changes.any or any(before.get(key, type(value)()) != value for key, value in noted.items()):
            self._report("indexing", 0, 2)
            commit(self._place, self._chunker, self._tokens, self._removed, noted, changed=changes.any)
            self._report("indexing", 1, 2)
        self._pending.clear()
        if changes.any:
            tidy(self._place, self._chunker)
            self._report("indexing", 2, 2)
        if not (changes.added or changes.changed or changes.unchanged):
            raise nothing_readable(corpus.label, changes.problems)
        return changes

    def _cpu_seconds(self) -> float:
        return time.process_time() + (self._workers.cpu_seconds if self._workers is not None else 0.0)

    # -- documents -----------------------------------------------------------------------------------------------

    def _compare(self, corpus: Corpus) -> None:
        """Write what is new or changed in parts, and find what is to be removed."""
        before = self._view.head.made
        there, touched = dict(self._view.known), before.get("touched", {})
        failed: dict[Any, str] = {
            (name, size, mtime_ns): reason for name, reason, size, mtime_ns in before.get("problems", ())
        }
        wanted: list[Source] = []
        olds: dict[str, Known] = {}
        for source in map(clean_source, corpus.sources):
            old, state = there.pop(source.name, None), [source.size, source.mtime_ns]
            if source.document is None and old is not None and state == touched.get(source.name, list(old[1:])):
                self._changes.unchanged += 1
                if source.name in touched:
                    self._touched[source.name] = state
            elif source.document is None and old is None and (reason := failed.get((source.name, *state))) is not None:
                self._fail(source, reason, source.mtime_ns)
            else:
                wanted.append(source)
                olds.update({} if old is None else {source.name: old})
        self._removed += there
        self._changes.removed += len(there)
        written = _Written(self._pending.tokens())
        made = in_order(Wanted(s, written.hashes(s.name, olds.get(s.name))) for s in wanted)
        if self._workers is None:
            self._take_all(made, olds, written, len(corpus.sources))
        else:
            self._have_taken(self._workers, made, olds, written, len(corpus.sources))

    def _take_all(self, wanted: Sequence[Wanted], olds: Mapping[str, Known], written: _Written, count: int) -> None:
        """Look at sources, and write what is new in parts.

        Args:
            olds: the documents of those names in the index.
            count: sources in the corpus.
        """
        total, done = sum(one.source.size for one in wanted) or 1, 0
        for number, one in enumerate(wanted, 1 + count - len(wanted)):
            self._report("reading", number, count)
            done += one.source.size
            self._share = done / total
            seen = look(one, self._chunker)
            self._take(seen, olds.get(one.source.name), written)
            if seen.prepared is not None:
                self._part.append(seen.prepared)
            if sum(len(made.cuts) for made in self._part) >= self._size:
                self._write()
        whole, partly = written.wanted()
        self._tokens += whole
        for source in partly:
            self._part.append(prepare(source, source.load(), self._chunker))
        self._write()

    def _have_taken(
        self, workers: Workers, wanted: Sequence[Wanted], olds: Mapping[str, Known], written: _Written, count: int
    ) -> None:
        """Have workers look at sources and write them; the arguments are those of `_take_all`."""
        total, done, number = sum(one.source.size for one in wanted) or 1, 0, count - len(wanted)
        for part in workers.write(self._place, wanted):
            self._keep(part)
            for seen in part.looks:
                self._take(seen, olds.get(seen.source.name), written)
                done, number = done + seen.source.size, number + 1
            self._report("reading", number, count)
            self._report("embedding", self._changes.embedded, int(self._changes.embedded * total / max(done, 1)))
        whole, partly = written.wanted()
        self._tokens += whole
        for part in workers.write(self._place, in_order(Wanted(source, ()) for source in partly)):
            self._keep(part)

    def _keep(self, part: Written) -> None:
        """Remember a fragment that a worker wrote."""
        self._changes.embedded += part.embedded
        if part.token is not None:
            self._tokens.append(part.token)
            self._pending.note(part.token)

    def _take(self, seen: Look, old: Known | None, written: _Written) -> None:
        """Count what was seen of a source, and note what it means for the index."""
        source = seen.source
        if seen.reason:
            self._fail(source, seen.reason, seen.mtime_ns)
            self._changes.removed += old is not None
            if old is not None:
                self._removed.append(source.name)
        elif old is not None and old.digest == seen.digest:
            if source.document is None and seen.mtime_ns != -1:
                self._touched[source.name] = [source.size, seen.mtime_ns]
            self._changes.unchanged += 1
        else:
            written.want(source, seen.digest)
            self._changes.changed += old is not None
            self._changes.added += old is None

    def _fail(self, source: Source, reason: str, mtime_ns: int) -> None:
        self._problems.append([source.name, reason, source.size, mtime_ns])
        self._changes.problems.append(Problem(source.name, reason))

    # -- parts ---------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        """Embed what is prepared, write it as a fragment and remember that."""
        if not self._part:
            return
        texts = {key: text for made in self._part for key, text in zip(made.keys, made.contexts, strict=True)}
        vectors = self._vectors(texts)
        shape = (-1, self._embedder.dimension)
        rows = [(made, np.array([vectors[key] for key in made.keys]).reshape(shape)) for made in self._part]
        self._tokens.append(write_fragment(self._place, self._chunker, rows))
        self._pending.note(self._tokens[-1])
        self._part.clear()

    def _vectors(self, contexts: dict[str, str]) -> dict[str, Any]:
        """The vector of each text by its key; passages of the same text share one."""
        known = self._view.vectors(list(contexts))
        waiting = {key: text for key, text in contexts.items() if key not in known}
        if not waiting:
            return known
        texts, begun = list(waiting.values()), time.perf_counter()
        left = int(len(texts) * (1 - self._share) / max(self._share, 1e-3))  # estimated from the bytes
        if not self._precise and self._spent and self._spent / max(self._changes.embedded, 1) * left > _LONG_SECONDS:
            self._embedder.prepare(texts[:_SAMPLE], left)
            self._precise = True

        def step(count: int) -> None:
            self._changes.embedded += count
            self._report("embedding", self._changes.embedded, int(self._changes.embedded / max(self._share, 1e-3)))

        made = self._embedder.encode_documents(texts, step, part=True).astype(np.float16)
        spent = time.perf_counter() - begun
        self._spent += spent
        self._size = max(_FIRST, min(int(self._size * _SECONDS / max(spent, 1e-3)), 4 * self._size, _MOST))
        return {**known, **dict(zip(waiting, made, strict=True))}


class _Written:
    """The fragments that an update before this one wrote and did not commit."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._of = {pair: i for i, token in enumerate(tokens) for pair in token.documents}
        self._hashes: dict[str, list[str]] = {}
        for name, digest in self._of:
            self._hashes.setdefault(name, []).append(digest)
        self._wanted: dict[int, list[Source]] = {}

    def hashes(self, name: str, old: Known | None) -> tuple[str, ...]:
        """The content hashes with which a document is in one of them, or in the index as `old`."""
        return (*self._hashes.get(name, ()), *(() if old is None else (old.digest,)))

    def want(self, source: Source, digest: str) -> None:
        """Want the token with a document, if it is in one of them."""
        number = self._of.get((source.name, digest))
        if number is not None:
            self._wanted.setdefault(number, []).append(source)

    def wanted(self) -> tuple[list[Token], list[Source]]:
        """The tokens that are wanted as a whole, and what is wanted of the others, which has to be made again."""
        whole, partly = [], []
        for number, sources in self._wanted.items():
            if len(sources) == len(self._tokens[number].documents):
                whole.append(self._tokens[number])
            else:
                partly += sources
        return whole, partly
