"""Writing a Lance index from many processes: each writes fragments, one commits them.

    token = write_fragment(place, chunker, [(prepared, vectors), ...])   by as many writers as there are, anywhere
    version = commit(place, chunker, tokens, removed=names)              once, by one: readers see all of it or nothing

A fragment belongs to no version until it is committed, so a writer that dies leaves nothing that can be seen. Commits
at once are put in a row: the one that comes late looks anew at what is there and tries again.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hybrid.errors import IndexLocked, InputError
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Vectors
from hybrid.index.lance.seam import lance, preempted, translated
from hybrid.index.lance.table import (
    DOCUMENT,
    PASSAGE,
    check,
    columns,
    head_of,
    head_row,
    index_words,
    opened,
    options,
    properties,
    schema,
    uri_of,
)
from hybrid.index.prepared import Prepared
from hybrid.index.where import marked, quoted

_TRIES = 40  # of a commit, against others that commit too
IN_FILTER = 500  # names that a filter lists; with more, the names of all rows are read
_ROWS_A_FILE = 200_000


@dataclass(frozen=True)
class Token:
    """Fragments that are written and not committed; JSON carries it from one process to another."""

    fragments: tuple[str, ...]  # Lance's description of each, as JSON
    documents: tuple[tuple[str, str], ...]  # name and content hash of each
    passages: int
    made_by: Mapping[str, Any]  # the properties of an index that it fits

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Token:
        made = json.loads(text)
        documents = tuple((name, digest) for name, digest in made["documents"])
        return cls(tuple(made["fragments"]), documents, made["passages"], made["made_by"])

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.documents]


class Known(NamedTuple):
    """In which state a document was when it was written."""

    digest: str
    size: int
    mtime_ns: int


def write_fragment(place: Path | str, chunker: Chunker, rows: Sequence[tuple[Prepared, Vectors]]) -> Token:
    """Write documents with their passages and vectors; nobody sees them before `commit`.

    Args:
        place: the folder or address of an index that exists, as `table.created` makes it.
        chunker: what the documents were split and embedded by.
        rows: documents and the unit vectors of their passages, of shape (passages, d); one at least.

    Raises:
        IndexStoreError: the disk is full, or the place cannot be written; nothing has changed then.
    """
    stacked = np.concatenate([vectors for _, vectors in rows]).astype(np.float16)
    dimension = stacked.shape[1]
    made = columns([row for prepared, _ in rows for row in rows_of(prepared)], stacked, dimension)
    return Token(
        _fragments(place, made, dimension),
        tuple((prepared.name, prepared.digest) for prepared, _ in rows),
        len(stacked),
        properties(chunker),
    )


def commit(
    place: Path | str,
    chunker: Chunker,
    tokens: Iterable[Token],
    removed: Iterable[str] = (),
    noted: Mapping[str, Any] | None = None,
    *,
    changed: bool = True,
) -> int:
    """Add what tokens hold and remove documents, in one step; returns the version of the table.

    A document of a token takes the place of the one that had its name.

    Args:
        removed: names of documents to remove; those that are not there are passed over.
        noted: properties of the index to change with it, such as `problems`.
        changed: whether documents change, by which `generation` counts.

    Raises:
        InputError: two tokens hold a document of one name.
        IndexLocked: others committed at the same time, again and again.
        IndexStoreError: the index cannot be written, or does not fit; nothing has changed then.
    """
    adding = list(tokens)
    counted = Counter(name for token in adding for name in token.names)
    if twice := next((name for name, count in counted.items() if count > 1), None):
        raise InputError(f"Two fragments hold the document {twice!r}; commit one of them.")
    for token in adding:
        check(place, token.made_by, properties(chunker), "A fragment for the index")
    going, ours, dimension = {*removed, *counted}, properties(chunker), chunker.embedder.dimension
    for attempt in range(_TRIES):
        table = opened(place, ours)
        with translated(place, "write"):
            index_words(table)
            head = head_of(table, place)
            worn, gone = without(table, going)
            made = {**head.made, **(noted or {}), "generation": head.generation + changed}
            first = columns([head_row(made)], np.zeros((0, dimension), np.float16), dimension)
            added = [*_fragments(place, first, dimension), *(text for token in adding for text in token.fragments)]
            operation = lance().LanceOperation.Update(
                removed_fragment_ids=[head.fragment, *gone],
                updated_fragments=worn,
                new_fragments=[lance().FragmentMetadata.from_json(text) for text in added],
            )
            try:
                done = lance().LanceDataset.commit(
                    uri_of(place), operation, read_version=table.version, storage_options=options(place), max_retries=5
                )
            except Exception as error:
                if not preempted(error):
                    raise
                time.sleep(random.uniform(0.01, 0.05) * (attempt + 1))
                continue
        return int(done.version)
    raise IndexLocked(f"The index at {place} is changed by others all the time ({_TRIES} tries). Try again later.")


def known_in(table: Any, place: Path | str) -> dict[str, Known]:
    """The documents of one version of a table, by name."""
    columns = ["document", "hash", "size", "mtime_ns"]
    with translated(place, "read"):
        found = table.scanner(columns=columns, filter=f"row = {DOCUMENT}").to_table()
    return {name: Known(*rest) for name, *rest in zip(*(found[column].to_pylist() for column in columns), strict=True)}


def rows_of(prepared: Prepared) -> Iterator[dict[str, Any]]:
    """A document's row and those of its passages, in their order."""
    document, fields = prepared.document, marked(prepared.fields)
    own = {"document": prepared.name, "fields": fields}
    yield {
        **own,
        "row": DOCUMENT,
        "text": document.text,
        "tokens": prepared.tokens,
        "passages": len(prepared.cuts),
        "hash": prepared.digest,
        "size": prepared.size,
        "mtime_ns": prepared.mtime_ns,
        "path": document.path,
        "kind": document.kind,
        "language": document.language,
        "outline": json.dumps([document.headings, document.pages, document.anchors, document.remarks]),
        "metadata": json.dumps(dict(document.metadata)),
    }
    for i, (cut, key, words) in enumerate(zip(prepared.cuts, prepared.keys, prepared.words(), strict=True)):
        place = cut.location
        yield {
            **own,
            "row": PASSAGE,
            "id": prepared.first + i,
            "ordinal": i,
            "start": cut.start,
            "end": cut.end,
            "source_start": place.start,
            "source_end": place.end,
            "line": place.line,
            "end_line": place.end_line,
            "page": place.page,
            "tokens": cut.tokens,
            "heading": cut.heading,
            "text": cut.text,
            "key": key,
            "words": " ".join(map(joined, words)),
        }


def joined(word: str) -> str:
    """A word as Lance's index of words keeps it: without blanks, at which that index cuts."""
    return "_".join(word.split())


def without(table: Any, names: Collection[str]) -> tuple[list[Any], list[int]]:
    """The fragments of a table that lose documents, as they are then, and the ids of those that lose all their rows."""
    if not names:
        return [], []
    if len(names) <= IN_FILTER:
        reader = table.scanner(columns=["document"], filter=listed("document", names), with_row_address=True)
    else:
        reader = table.scanner(columns=["document"], with_row_address=True)
    rows: dict[int, list[int]] = defaultdict(list)
    for batch in reader.to_batches():
        for name, address in zip(batch["document"].to_pylist(), batch["_rowaddr"].to_pylist(), strict=True):
            if name in names:
                rows[address >> 32].append(address & 0xFFFFFFFF)
    changed, gone = [], []
    for number, offsets in rows.items():
        fragment = table.get_fragment(number).delete_rows(offsets)
        if fragment is None:
            gone.append(number)
        else:
            changed.append(fragment)
    return changed, gone


def listed(column: str, names: Iterable[str]) -> str:
    """A filter for the rows whose `column` is one of these."""
    return f"{column} IN ({', '.join(map(quoted, names))})"


def _fragments(place: Path | str, made: Any, dimension: int) -> tuple[str, ...]:
    """Write rows as data files that belong to no version yet; returns Lance's description of each."""
    with translated(place, "write"):
        written = lance().fragment.write_fragments(
            made,
            uri_of(place),
            schema=schema(dimension),
            mode="append",
            max_rows_per_file=_ROWS_A_FILE,
            storage_options=options(place),
        )
    return tuple(json.dumps(fragment.to_json()) for fragment in written)
