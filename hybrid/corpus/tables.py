"""Tables of texts: Parquet and JSON lines files of which each row is a document.

Finding the rows reads their names alone; in JSON lines that takes a look at every line. A row is read when it is
indexed, from the state of the file in which it was found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from io import BufferedReader
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any, BinaryIO, NamedTuple

from hybrid.corpus.fields import usable
from hybrid.corpus.problems import Problem
from hybrid.corpus.readers.extract import Unreadable, in_few_words
from hybrid.corpus.readers.read import read_text
from hybrid.corpus.source import Source, reason_of, storable
from hybrid.corpus.storage import opened, why
from hybrid.document import Document, Heading
from hybrid.errors import MissingDependency

PARQUET = frozenset({".parquet", ".pq"})
LINES = frozenset({".jsonl", ".ndjson"})

# what columns are called, the most telling first
_TEXT = ("text", "content", "contents", "body", "document", "passage", "page_content", "markdown")
_NAME = ("name", "path", "file_name", "filename", "file", "id", "_id", "doc_id", "document_id", "docid", "url", "title")
_TITLE = ("title", "heading", "subject")

_LOOK = 1_000_000  # bytes of a first line that is looked at
_BLOCK = 8_000_000  # bytes that are fetched from object storage at once
_ROWS = 512  # that are decoded at once
_WORD = re.compile(r"\W")  # what no field's name has
_FIELD = 1000  # characters; longer values are texts of their own, which nobody filters by


class Columns(NamedTuple):
    """What the columns of a table are for."""

    text: str
    name: str | None
    title: str | None


class Found(NamedTuple):
    """A row of a table, found and not yet read."""

    number: int  # counted from 1; in JSON lines that of its line
    name: str  # empty where the row has none
    at: int  # of JSON lines the offset in bytes, of Parquet the row counted from 0
    length: int  # in bytes; 0 where only reading tells


class TableFile(NamedTuple):
    """A file of which each row is a document, found and not yet opened."""

    name: str  # in the corpus
    place: str  # its path or address
    size: int  # bytes
    stamp: int  # of the time it was changed, or of its version
    options: str = "{}"  # for fsspec, as JSON


@dataclass(frozen=True, slots=True)
class Table:
    """A file of texts, in the state in which its rows were found."""

    place: str  # its path or address
    size: int  # bytes
    stamp: int  # of the time it was changed, or of its version
    columns: Columns
    options: str = field(default="{}", repr=False)  # for fsspec, as JSON; they may hold a key

    @property
    def is_parquet(self) -> bool:
        return PurePosixPath(self.place).suffix.lower() in PARQUET


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table, as the origin of a source."""

    table: Table
    at: int
    length: int

    def load(self) -> bytes:
        """The row as JSON. Raises Unreadable."""
        with _told():
            return _reader(self.table)(self)

    def parse(self, name: str, data: bytes) -> Document:
        """The document in the bytes that `load` gave. Raises Unreadable."""
        columns = self.table.columns
        try:
            row = json.loads(data)
        except (ValueError, RecursionError):
            raise Unreadable("its line is no JSON") from None
        text = row.get(columns.text) if isinstance(row, dict) else None
        if not isinstance(text, str):
            raise Unreadable(f"no text in its column {columns.text!r}")
        document = read_text(name, text)
        title = row.get(columns.title) if columns.title else None
        headings = document.headings
        if isinstance(title, str) and title.strip() and not text.lstrip().startswith(title.strip()):
            headings = (Heading(0, 0, " ".join(title.split())), *headings)  # above all others
        others = {_WORD.sub("_", key): value for key, value in row.items() if key not in (columns.text, columns.name)}
        short = {key: value for key, value in others.items() if not isinstance(value, str) or 0 < len(value) <= _FIELD}
        return replace(document, path=self.table.place, headings=headings, metadata=usable(short))


def is_table(name: str) -> bool:
    """Whether a file of this name may be a table of texts."""
    return PurePosixPath(name).suffix.lower() in PARQUET | LINES


def names_texts(file: Path, text: str | None) -> bool:
    """Whether a JSON lines file is a collection: its first row has a text, and a name or a title.

    Args:
        text: the column that holds the texts, where that is known; a name is not needed then.
    """
    try:
        with file.open("rb") as lines:
            row = json.loads(lines.readline(_LOOK))
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(row, dict):
        return False
    if text is not None:
        return text in row
    found = _guessed(row, _TEXT)
    return found is not None and isinstance(row[found], str) and _guessed(row, _NAME) is not None


def rows_of(
    files: Sequence[TableFile], taken: set[str], text: str | None, name: str | None
) -> tuple[list[Source], list[Problem]]:
    """The rows of tables as sources, and the tables that cannot be read.

    Args:
        taken: names that other sources have; those of the rows are added. A row whose name is taken, or missing, is
            called after its file and number.
        text: the column with the texts; None: the first that is called like one.
        name: the column with the names, likewise.

    Raises:
        MissingDependency: there is Parquet, and pyarrow is not installed.
    """
    sources: list[Source] = []
    problems: list[Problem] = []
    for file in files:
        try:
            table, rows = _rows(file, text, name)
            for row in rows:
                numbered = f"{file.name}#{row.number}"
                called = storable(row.name) or numbered
                while called in taken:
                    called = f"{called} ({numbered})"
                taken.add(called)
                sources.append(Source(called, None, file.size, file.stamp, None, Row(table, row.at, row.length)))
        except Unreadable as error:
            problems.append(Problem(file.name, str(error)))
    return sources, problems


def _rows(file: TableFile, text: str | None, name: str | None) -> tuple[Table, Iterator[Found]]:
    """A table, and its rows. Raises Unreadable, also while iterating."""
    blank = Table(file.place, file.size, file.stamp, Columns("", None, None), file.options)
    with _told():
        known = _parquet(blank).schema_arrow.names if blank.is_parquet else _first_keys(blank)
        table = replace(blank, columns=_columns(known, text, name))
    return table, _parquet_rows(table) if table.is_parquet else _line_rows(table)


def _columns(known: Sequence[str], text: str | None, name: str | None) -> Columns:
    def chosen(asked: str | None, guesses: Sequence[str], setting: str) -> str | None:
        if asked is not None and asked not in known:
            raise Unreadable(f"no column {asked!r}, which {setting} names; it has {', '.join(known) or 'none'}")
        return asked or _guessed(known, guesses)

    held = chosen(text, _TEXT, "corpus.text_column")
    if held is None:
        raise Unreadable(f"no column named {_TEXT[0]} or alike, but {', '.join(known)}; set corpus.text_column")
    named = chosen(name, _NAME, "corpus.name_column")
    title = _guessed(known, _TITLE)
    return Columns(held, named, title if title not in (named, held) else None)


def _guessed(known: Sequence[str] | Mapping[str, Any], guesses: Sequence[str]) -> str | None:
    lower = {column.lower(): column for column in reversed(list(known))}
    return next((lower[guess] for guess in guesses if guess in lower), None)


# -- JSON lines --------------------------------------------------------------------------------------------------


@contextmanager
def _lines(table: Table) -> Iterator[Any]:
    """The file, open for reading bytes. Raises Unreadable where it is not as it was found."""
    if "://" not in table.place:
        with Path(table.place).open("rb") as file:
            if Path(table.place).stat().st_size != table.size:
                raise Unreadable("its file was changed meanwhile")
            yield file
        return
    system, path = opened(table.place, {table.place.partition("://")[0]: json.loads(table.options)})
    with BufferedReader(system.open(path, "rb", block_size=_BLOCK), 1 << 20) as file:
        yield file


def _first_keys(table: Table) -> list[str]:
    with _lines(table) as file:
        row = json.loads(file.readline())
    if not isinstance(row, dict):
        raise Unreadable("its first line is no JSON object")
    return list(row)


def _line_rows(table: Table) -> Iterator[Found]:
    column, at = table.columns.name, 0
    with _told(), _lines(table) as file:
        for number, line in enumerate(file, 1):
            if not line.isspace():
                yield Found(number, _name(_parsed(line), column), at, len(line))
            at += len(line)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None  # the row is told when it is read


def _name(row: Any, column: str | None) -> str:
    value = row.get(column) if isinstance(row, Mapping) and column else None
    return "" if value is None or isinstance(value, (dict, list)) else str(value).strip()


# -- Parquet -----------------------------------------------------------------------------------------------------


def _parquet(table: Table) -> Any:
    """The file, opened by pyarrow."""
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingDependency("pyarrow", "parquet", "Reading Parquet files") from None
    if "://" not in table.place:
        if Path(table.place).stat().st_size != table.size:
            raise Unreadable("its file was changed meanwhile")
        return pq.ParquetFile(table.place)
    system, path = opened(table.place, {table.place.partition("://")[0]: json.loads(table.options)})
    return pq.ParquetFile(system.open(path, "rb", block_size=_BLOCK))


def _parquet_rows(table: Table) -> Iterator[Found]:
    column = table.columns.name
    with _told():
        file, at = _parquet(table), 0
        if column is None:
            yield from (Found(number + 1, "", number, 0) for number in range(file.metadata.num_rows))
            return
        for batch in file.iter_batches(columns=[column]):
            for value in batch.column(0).to_pylist():
                yield Found(at + 1, _name({column: value}, column), at, 0)
                at += 1


class _Decoded:
    """The rows of a Parquet file, decoded some hundred at a time; asked in ascending order none is decoded twice."""

    def __init__(self, table: Table) -> None:
        import pyarrow as pa

        self._file = _parquet(table)
        kinds = "string large_string string_view integer floating boolean temporal decimal dictionary"
        told = [getattr(pa.types, f"is_{kind}") for kind in kinds.split()]
        schema = self._file.schema_arrow
        self._columns = [one.name for one in schema if any(test(one.type) for test in told)]
        self._lock = Lock()
        self._batches: Iterator[Any] = iter(())
        self._begin = self._end = 0
        self._rows: list[dict[str, Any]] | None = None
        self._batch: Any = None

    def row(self, at: int) -> dict[str, Any]:
        """A row by its number, counted from 0."""
        with self._lock:
            if at < self._begin or self._batch is None or at >= self._end + 64 * _ROWS:
                self._from_group(at)
            while at >= self._end:
                self._batch, self._rows = next(self._batches), None
                self._begin, self._end = self._end, self._end + len(self._batch)
            if self._rows is None:
                self._rows = self._batch.to_pylist()
            return self._rows[at - self._begin]

    def _from_group(self, at: int) -> None:
        """Begin anew with the group of rows that holds one."""
        about, start, group = self._file.metadata, 0, 0
        while at >= start + about.row_group(group).num_rows:
            start += about.row_group(group).num_rows
            group += 1
        groups = range(group, about.num_row_groups)
        self._batches = self._file.iter_batches(_ROWS, row_groups=list(groups), columns=self._columns)
        self._begin = self._end = start


# -- reading -----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _reader(table: Table) -> Callable[[Row], bytes]:
    """What loads the rows of a table; files stay open between them where opening is slow."""
    if table.is_parquet:
        decoded = _Decoded(table)
        return lambda row: json.dumps(decoded.row(row.at), ensure_ascii=False, default=str).encode("utf-8", "replace")
    if "://" not in table.place:

        def near(row: Row) -> bytes:
            with _lines(table) as file:
                file.seek(row.at)
                return bytes(file.read(row.length))

        return near
    system, path = opened(table.place, {table.place.partition("://")[0]: json.loads(table.options)})
    file: BinaryIO = system.open(path, "rb", block_size=_BLOCK)
    lock = Lock()

    def far(row: Row) -> bytes:
        with lock:
            file.seek(row.at)
            return file.read(row.length)

    return far


@contextmanager
def _told() -> Iterator[None]:
    """Whatever goes wrong with a table, as the reason why it is not read."""
    try:
        yield
    except (Unreadable, MissingDependency):
        raise
    except OSError as error:
        raise Unreadable(reason_of(error) if error.strerror else why(error)) from None
    except Exception as error:  # noqa: BLE001 -- pyarrow, fsspec and each protocol have errors of their own
        raise Unreadable(f"broken table: {in_few_words(error)}") from None
